#include "schemas/canonical.h"

#include <jansson.h>

#include "schemas/writer_schema.h"

/* A schema that is read has a fingerprint. */
#define DEPTH_MAX WRITER_DEPTH_MAX

static bool write_schema(const json_t *schema, struct bytes space, int depth, struct buffer *out);

static void write_text(struct buffer *out, const char *text) {
    buffer_append(out, bytes_of_text(text));
}

/* Names are ASCII without quotes in every valid schema, so quoting is enough. */
static void write_name(struct buffer *out, struct bytes space, struct bytes name) {
    buffer_append_byte(out, '"');
    if (space.size > 0) {
        buffer_append(out, space);
        buffer_append_byte(out, '.');
    }
    buffer_append(out, name);
    buffer_append_byte(out, '"');
}

static bool is_primitive(struct bytes name) {
    static const char *const primitives[] = {"null",  "boolean", "int",   "long",
                                             "float", "double",  "bytes", "string"};
    for (size_t i = 0; i < sizeof(primitives) / sizeof(primitives[0]); i++) {
        if (bytes_equal(name, bytes_of_text(primitives[i]))) {
            return true;
        }
    }
    return false;
}

/* A type by name: a primitive, a full name, or a name of the space around it. */
static void write_reference(struct bytes name, struct bytes space, struct buffer *out) {
    bool is_full = memchr(name.data, '.', name.size) != NULL;
    write_name(out, is_full || is_primitive(name) ? (struct bytes){0} : space, name);
}

static struct bytes text_member(const json_t *object, const char *key) {
    return bytes_of_text(json_string_value(json_object_get(object, key)));
}

/* Writes the full name of a definition; out_space becomes the space that holds inside it. */
static bool write_definition_name(const json_t *schema, struct bytes space, struct buffer *out,
                                  struct bytes *out_space) {
    struct bytes name = text_member(schema, "name");
    if (name.size == 0) {
        return false;
    }
    const uint8_t *dot = memrchr(name.data, '.', name.size);
    if (dot) {
        *out_space = bytes_of(name.data, (size_t)(dot - name.data));
        write_name(out, (struct bytes){0}, name);
        return true;
    }
    /* null is none, as for Avro's own parsers. */
    bool has_space = json_is_string(json_object_get(schema, "namespace"));
    *out_space = has_space ? text_member(schema, "namespace") : space;
    write_name(out, *out_space, name);
    return true;
}

static bool write_fields(const json_t *fields, struct bytes space, int depth, struct buffer *out) {
    size_t i;
    const json_t *field;
    if (!json_is_array(fields)) {
        return false;
    }
    write_text(out, ",\"fields\":[");
    json_array_foreach(fields, i, field) {
        struct bytes name = text_member(field, "name");
        write_text(out, i == 0 ? "{\"name\":" : ",{\"name\":");
        write_name(out, (struct bytes){0}, name);
        write_text(out, ",\"type\":");
        if (name.size == 0 || !write_schema(json_object_get(field, "type"), space, depth, out)) {
            return false;
        }
        buffer_append_byte(out, '}');
    }
    buffer_append_byte(out, ']');
    return true;
}

static bool write_symbols(const json_t *symbols, struct buffer *out) {
    size_t i;
    const json_t *symbol;
    if (!json_is_array(symbols)) {
        return false;
    }
    write_text(out, ",\"symbols\":[");
    json_array_foreach(symbols, i, symbol) {
        if (i > 0) {
            buffer_append_byte(out, ',');
        }
        write_name(out, (struct bytes){0}, bytes_of_text(json_string_value(symbol)));
    }
    buffer_append_byte(out, ']');
    return true;
}

/* A record, an enum or a fixed: name, type, then what is its own. */
static bool write_named(const json_t *schema, struct bytes type, struct bytes space, int depth,
                        struct buffer *out) {
    struct bytes inner;
    write_text(out, "{\"name\":");
    if (!write_definition_name(schema, space, out, &inner)) {
        return false;
    }
    write_text(out, ",\"type\":");
    write_name(out, (struct bytes){0}, type);
    bool is_valid = true;
    if (bytes_equal(type, bytes_of_text("enum"))) {
        is_valid = write_symbols(json_object_get(schema, "symbols"), out);
    } else if (bytes_equal(type, bytes_of_text("fixed"))) {
        const json_t *size = json_object_get(schema, "size");
        is_valid = json_is_integer(size) && json_integer_value(size) >= 0;
        buffer_format(out, ",\"size\":%lld", (long long)json_integer_value(size));
    } else {
        is_valid = write_fields(json_object_get(schema, "fields"), inner, depth, out);
    }
    buffer_append_byte(out, '}');
    return is_valid;
}

static bool write_object(const json_t *schema, struct bytes space, int depth, struct buffer *out) {
    const json_t *inner = json_object_get(schema, "type");
    if (!json_is_string(inner)) {
        /* {"type": {"type": ...}}: only the inner one matters. */
        return write_schema(inner, space, depth, out);
    }
    struct bytes type = bytes_of_text(json_string_value(inner));
    bool is_array = bytes_equal(type, bytes_of_text("array"));
    if (is_array || bytes_equal(type, bytes_of_text("map"))) {
        write_text(out,
                   is_array ? "{\"type\":\"array\",\"items\":" : "{\"type\":\"map\",\"values\":");
        bool is_valid =
            write_schema(json_object_get(schema, is_array ? "items" : "values"), space, depth, out);
        buffer_append_byte(out, '}');
        return is_valid;
    }
    if (bytes_equal(type, bytes_of_text("record")) || bytes_equal(type, bytes_of_text("enum")) ||
        bytes_equal(type, bytes_of_text("fixed"))) {
        return write_named(schema, type, space, depth, out);
    }
    write_reference(type, space, out);
    return type.size > 0;
}

static bool write_union(const json_t *branches, struct bytes space, int depth, struct buffer *out) {
    size_t i;
    const json_t *branch;
    buffer_append_byte(out, '[');
    json_array_foreach(branches, i, branch) {
        if (i > 0) {
            buffer_append_byte(out, ',');
        }
        if (!write_schema(branch, space, depth, out)) {
            return false;
        }
    }
    buffer_append_byte(out, ']');
    return true;
}

static bool write_schema(const json_t *schema, struct bytes space, int depth, struct buffer *out) {
    if (depth == DEPTH_MAX) {
        return false;
    }
    if (json_is_string(schema)) {
        struct bytes name = bytes_of_text(json_string_value(schema));
        if (name.size == 0) {
            return false;
        }
        write_reference(name, space, out);
        return true;
    }
    if (json_is_array(schema)) {
        return write_union(schema, space, depth + 1, out);
    }
    return json_is_object(schema) && write_object(schema, space, depth + 1, out);
}

bool canonical_schema(struct bytes json, struct buffer *out) {
    json_error_t error;
    json_t *root = json_loadb((const char *)json.data, json.size,
                              JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    bool is_valid = root && write_schema(root, (struct bytes){0}, 0, out);
    json_decref(root);
    return is_valid;
}

uint64_t canonical_fingerprint(struct bytes canonical) {
    const uint64_t empty = UINT64_C(0xc15d213aa4d7a795);
    uint64_t print = empty;
    for (size_t i = 0; i < canonical.size; i++) {
        print ^= canonical.data[i];
        for (int bit = 0; bit < 8; bit++) {
            print = (print >> 1) ^ (empty & -(print & 1));
        }
    }
    return print;
}
