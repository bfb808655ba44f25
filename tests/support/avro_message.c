#include "tests/support/avro_message.h"

#include <assert.h>
#include <stdlib.h>

#include "schemas/mapping.h"
#include "schemas/wire.h"

static bool fits(const struct writer_node *node, const json_t *value) {
    switch (node->type) {
    case WRITER_NULL:
        return !value || json_is_null(value);
    case WRITER_BOOLEAN:
        return json_is_boolean(value);
    case WRITER_INT:
    case WRITER_LONG:
        return json_is_integer(value) || (node->logical && json_is_string(value));
    case WRITER_FLOAT:
    case WRITER_DOUBLE:
        return json_is_number(value);
    case WRITER_BYTES:
    case WRITER_STRING:
    case WRITER_ENUM:
        return json_is_string(value);
    case WRITER_ARRAY:
        return json_is_array(value);
    case WRITER_MAP:
    case WRITER_RECORD:
        return json_is_object(value);
    default:
        return false;
    }
}

static void write_long(const struct writer_node *node, const json_t *value, struct buffer *out) {
    int64_t number = json_integer_value(value);
    if (json_is_string(value)) {
        bool is_time = mapping_parse_time(bytes_of_text(json_string_value(value)), &number);
        assert(is_time && node->logical == LOGICAL_TIMESTAMP_MILLIS);
    }
    wire_write_long(out, number);
}

static void write_enum(const struct writer_node *node, const json_t *value, struct buffer *out) {
    for (size_t i = 0; i < node->count; i++) {
        if (bytes_equal(node->symbols[i], bytes_of_text(json_string_value(value)))) {
            wire_write_long(out, (int64_t)i);
            return;
        }
    }
    assert(!"no such symbol");
}

static void write_union(const struct writer_node *node, const json_t *value, struct buffer *out) {
    size_t branch = 0;
    while (branch < node->count && !fits(node->branches[branch], value)) {
        branch++;
    }
    assert(branch < node->count);
    wire_write_long(out, (int64_t)branch);
    avro_message_write(node->branches[branch], value, out);
}

static void write_items(const struct writer_node *node, const json_t *value, struct buffer *out) {
    const char *name;
    json_t *member;
    size_t count = json_is_array(value) ? json_array_size(value) : json_object_size(value);
    if (count > 0) {
        wire_write_long(out, (int64_t)count);
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        avro_message_write(node->items, json_array_get(value, i), out);
    }
    json_object_foreach((json_t *)(uintptr_t)value, name, member) {
        wire_write_bytes(out, bytes_of_text(name));
        avro_message_write(node->items, member, out);
    }
    wire_write_long(out, 0);
}

static void write_record(const struct writer_node *node, const json_t *value, struct buffer *out) {
    for (size_t i = 0; i < node->count; i++) {
        char *name = memory_copy_text(node->fields[i].name);
        avro_message_write(node->fields[i].type, json_object_get(value, name), out);
        free(name);
    }
}

void avro_message_write(const struct writer_node *node, const json_t *value, struct buffer *out) {
    bool is_absent = !value && (node->type == WRITER_ARRAY || node->type == WRITER_MAP);
    assert(node->type == WRITER_UNION || is_absent || fits(node, value));
    switch (node->type) {
    case WRITER_BOOLEAN:
        wire_write_boolean(out, json_is_true(value));
        return;
    case WRITER_INT:
    case WRITER_LONG:
        write_long(node, value, out);
        return;
    case WRITER_FLOAT:
        wire_write_float(out, (float)json_number_value(value));
        return;
    case WRITER_DOUBLE:
        wire_write_double(out, json_number_value(value));
        return;
    case WRITER_BYTES:
    case WRITER_STRING:
        wire_write_bytes(out, bytes_of_text(json_string_value(value)));
        return;
    case WRITER_ENUM:
        write_enum(node, value, out);
        return;
    case WRITER_ARRAY:
    case WRITER_MAP:
        write_items(node, value, out);
        return;
    case WRITER_UNION:
        write_union(node, value, out);
        return;
    case WRITER_RECORD:
        write_record(node, value, out);
        return;
    default:
        return; /* null */
    }
}
