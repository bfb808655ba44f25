/* The graph as the JSON of a schema, with what strangers write beside it. */
#include "tests/support/random_schema_internal.h"

static void format_type(struct rng *rng, struct random_node *node, const char *space,
                        struct buffer *out);

static void format_extras(struct rng *rng, struct buffer *out) {
    if (chance(rng, 8)) {
        buffer_format(out, ", \"doc\": \"\\\"quoted\\\" [\\u00e9\\\\\"");
    }
    if (chance(rng, 12)) {
        buffer_format(out, ", \"x-owner\": {\"team\": [1, 2.5, null]}");
    }
}

static void format_named_head(struct rng *rng, const struct random_node *node, const char *space,
                              struct buffer *out) {
    buffer_format(out, "{\"type\": \"%s\", ", writer_type_name(node->type));
    if (strcmp(node->space, space) == 0 && chance(rng, 2)) {
        buffer_format(out, "\"name\": \"%s\"", node->name);
    } else if (node->space[0] == '\0' || chance(rng, 2)) {
        buffer_format(out, "\"name\": \"%s%s%s\"", node->space, node->space[0] ? "." : "",
                      node->name);
    } else {
        buffer_format(out, "\"name\": \"%s\", \"namespace\": \"%s\"", node->name, node->space);
    }
    format_extras(rng, out);
}

static void format_reference(struct rng *rng, const struct random_node *node, const char *space,
                             struct buffer *out) {
    bool is_short = node->space[0] == '\0' || (strcmp(node->space, space) == 0 && !chance(rng, 3));
    buffer_format(out, "\"%s%s%s\"", is_short ? "" : node->space, is_short ? "" : ".", node->name);
}

static void format_fields(struct rng *rng, const struct random_node *node, struct buffer *out) {
    buffer_format(out, ", \"fields\": [");
    for (size_t i = 0; i < node->count; i++) {
        const struct random_node *child = node->children[i];
        buffer_format(out, "%s{\"name\": \"%s\", \"type\": ", i > 0 ? ", " : "", node->names[i]);
        format_type(rng, node->children[i], node->space, out);
        if (child->type == WRITER_UNION && child->children[0]->type == WRITER_NULL &&
            chance(rng, 2)) {
            buffer_format(out, ", \"default\": null");
        }
        format_extras(rng, out);
        buffer_append_byte(out, '}');
    }
    buffer_append_byte(out, ']');
}

static void format_symbols(const struct random_node *node, struct buffer *out) {
    buffer_format(out, ", \"symbols\": [");
    for (size_t i = 0; i < node->count; i++) {
        buffer_format(out, "%s\"%s\"", i > 0 ? ", " : "", node->names[i]);
    }
    buffer_append_byte(out, ']');
}

static void format_logical(const struct random_node *node, struct buffer *out) {
    static const char *const names[] = {
        [LOGICAL_DATE] = "date",
        [LOGICAL_TIMESTAMP_MILLIS] = "timestamp-millis",
        [LOGICAL_TIMESTAMP_MICROS] = "timestamp-micros",
        [LOGICAL_TIMESTAMP_NANOS] = "timestamp-nanos",
        [LOGICAL_DECIMAL] = "decimal",
        [LOGICAL_UUID] = "uuid",
    };
    if (node->logical == LOGICAL_NONE) {
        return;
    }
    buffer_format(out, ", \"logicalType\": \"%s\"", names[node->logical]);
    if (node->logical == LOGICAL_DECIMAL) {
        buffer_format(out, ", \"precision\": %d, \"scale\": %d", node->precision, node->scale);
    }
}

static void format_definition(struct rng *rng, struct random_node *node, const char *space,
                              struct buffer *out) {
    if (node->is_defined) {
        format_reference(rng, node, space, out);
        return;
    }
    node->is_defined = true; /* before its fields: they may hold it */
    format_named_head(rng, node, space, out);
    if (node->type == WRITER_RECORD) {
        format_fields(rng, node, out);
    } else if (node->type == WRITER_ENUM) {
        format_symbols(node, out);
    } else {
        buffer_format(out, ", \"size\": %zu", node->size);
        format_logical(node, out);
    }
    buffer_append_byte(out, '}');
}

static void format_union(struct rng *rng, const struct random_node *node, const char *space,
                         struct buffer *out) {
    buffer_append_byte(out, '[');
    for (size_t i = 0; i < node->count; i++) {
        buffer_format(out, i > 0 ? ", " : "");
        format_type(rng, node->children[i], space, out);
    }
    buffer_append_byte(out, ']');
}

static void format_type(struct rng *rng, struct random_node *node, const char *space,
                        struct buffer *out) {
    switch (node->type) {
    case WRITER_RECORD:
    case WRITER_ENUM:
    case WRITER_FIXED:
        format_definition(rng, node, space, out);
        return;
    case WRITER_UNION:
        format_union(rng, node, space, out);
        return;
    case WRITER_ARRAY:
    case WRITER_MAP:
        buffer_format(out, "{\"type\": \"%s\", \"%s\": ", writer_type_name(node->type),
                      node->type == WRITER_ARRAY ? "items" : "values");
        format_type(rng, node->children[0], space, out);
        format_extras(rng, out);
        buffer_append_byte(out, '}');
        return;
    default:
        if (node->logical == LOGICAL_NONE && !chance(rng, 4)) {
            buffer_format(out, "\"%s\"", writer_type_name(node->type));
            return;
        }
        buffer_format(out, "{\"type\": \"%s\"", writer_type_name(node->type));
        format_logical(node, out);
        format_extras(rng, out);
        buffer_append_byte(out, '}');
    }
}

void random_schema_format(struct rng *rng, struct random_node *root, struct buffer *out) {
    format_type(rng, root, "", out);
}
