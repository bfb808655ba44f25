#include "schemas/avro_json.h"

#include <math.h>
#include <stdlib.h>

#include "schemas/wire.h"

struct reading {
    struct wire_reader reader;
    size_t values; /* read so far */
};

static json_t *read_value(struct reading *reading, const struct writer_node *node, int depth);

static bool is_good(const struct reading *reading) {
    return reading->reader.verdict == WIRE_OK && reading->values <= AVRO_JSON_VALUES_MAX;
}

/* Big-endian two's complement; beyond 16 bytes the leading ones decide, precisely enough to look
 * at. */
static json_t *decimal(struct bytes bytes, int32_t scale) {
    double number = bytes.size > 0 && bytes.data[0] >= 0x80 ? -1 : 0;
    for (size_t i = 0; i < bytes.size; i++) {
        number = number * 256 + bytes.data[i];
    }
    number /= pow(10, scale);
    return isfinite(number) ? json_real(number) : json_null();
}

static json_t *text_or_number(const struct writer_node *node, struct bytes bytes) {
    if (node->logical == LOGICAL_DECIMAL) {
        return decimal(bytes, node->scale);
    }
    json_t *text = json_stringn(bytes.data ? (const char *)bytes.data : "", bytes.size);
    return text ? text : json_null(); /* not UTF-8 */
}

static struct bytes read_fixed(struct wire_reader *reader, size_t size) {
    if (size > wire_left(reader)) {
        wire_fail(reader, WIRE_TRUNCATED);
        return bytes_of(NULL, 0);
    }
    struct bytes bytes = bytes_of(reader->cursor, size);
    reader->cursor += size;
    return bytes;
}

/* A name that is not UTF-8 is left out. */
static void set_member(json_t *object, struct bytes name, json_t *value) {
    char *text = memory_copy_text(name);
    (void)json_object_set_new(object, text, value);
    free(text);
}

static json_t *read_items(struct reading *reading, const struct writer_node *node, int depth) {
    bool is_map = node->type == WRITER_MAP;
    json_t *all = is_map ? json_object() : json_array();
    struct wire_array array = wire_array_of(AVRO_JSON_VALUES_MAX);
    while (is_good(reading) && wire_array_next(&reading->reader, &array)) {
        struct bytes key = is_map ? wire_read_bytes(&reading->reader, SIZE_MAX) : bytes_of(NULL, 0);
        json_t *value = read_value(reading, node->items, depth);
        if (value && is_map) {
            set_member(all, key, value);
        } else if (value) {
            (void)json_array_append_new(all, value);
        }
    }
    return all;
}

static json_t *read_record(struct reading *reading, const struct writer_node *node, int depth) {
    json_t *record = json_object();
    for (size_t i = 0; i < node->count && is_good(reading); i++) {
        json_t *value = read_value(reading, node->fields[i].type, depth);
        if (value) {
            set_member(record, node->fields[i].name, value);
        }
    }
    return record;
}

static bool has_several_records(const struct writer_node *node) {
    size_t records = 0;
    for (size_t i = 0; i < node->count; i++) {
        records += node->branches[i]->type == WRITER_RECORD;
    }
    return records > 1;
}

static json_t *read_union(struct reading *reading, const struct writer_node *node, int depth) {
    int64_t branch = wire_read_range(&reading->reader, 0, (int64_t)node->count - 1);
    if (!is_good(reading)) {
        return NULL;
    }
    const struct writer_node *taken = node->branches[branch];
    json_t *value = read_value(reading, taken, depth);
    if (value && taken->type == WRITER_RECORD && has_several_records(node)) {
        struct bytes name = writer_short_name(taken->name);
        (void)json_object_set_new(value, "@type", json_stringn((const char *)name.data, name.size));
    }
    return value;
}

static json_t *read_enum(struct reading *reading, const struct writer_node *node) {
    int64_t symbol = wire_read_range(&reading->reader, 0, (int64_t)node->count - 1);
    if (!is_good(reading)) {
        return NULL;
    }
    struct bytes text = node->symbols[symbol];
    return json_stringn((const char *)text.data, text.size);
}

static json_t *number_or_null(double number) {
    return isfinite(number) ? json_real(number) : json_null();
}

static json_t *read_value(struct reading *reading, const struct writer_node *node, int depth) {
    struct wire_reader *reader = &reading->reader;
    reading->values++;
    if (depth == 0 || !is_good(reading)) {
        wire_fail(reader, WIRE_BAD_VALUE);
        return NULL;
    }
    switch (node->type) {
    case WRITER_NULL:
        return json_null();
    case WRITER_BOOLEAN:
        return json_boolean(wire_read_boolean(reader));
    case WRITER_INT:
    case WRITER_LONG:
        return json_integer(wire_read_long(reader));
    case WRITER_FLOAT:
        return number_or_null((double)wire_read_float(reader));
    case WRITER_DOUBLE:
        return number_or_null(wire_read_double(reader));
    case WRITER_BYTES:
    case WRITER_STRING:
        return text_or_number(node, wire_read_bytes(reader, SIZE_MAX));
    case WRITER_FIXED:
        return text_or_number(node, read_fixed(reader, node->size));
    case WRITER_ENUM:
        return read_enum(reading, node);
    case WRITER_ARRAY:
    case WRITER_MAP:
        return read_items(reading, node, depth - 1);
    case WRITER_UNION:
        return read_union(reading, node, depth - 1);
    case WRITER_RECORD:
        return read_record(reading, node, depth - 1);
    }
    return NULL;
}

json_t *avro_to_json(const struct writer_schema *schema, struct bytes body) {
    struct reading reading = {.reader = wire_reader_of(body)};
    json_t *value = read_value(&reading, schema->root, AVRO_JSON_DEPTH_MAX);
    if (!is_good(&reading) || wire_left(&reading.reader) > 0) {
        json_decref(value);
        return NULL;
    }
    return value;
}
