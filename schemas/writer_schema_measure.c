/* How much a record takes at least, and whether it ends at all.
 *
 * Records contain records straight (a field of that type) or through a union, an array or a map,
 * where a value may end. The straight edges must form no cycle; along them, depth first, each
 * record is measured once: the bytes that a value takes at least, and how many values lie in it
 * straight. The latter doubles with each of
 *
 *     r1 {a: r0, b: r0}   r2 {a: r1, b: r1}   ...
 *
 * so that a short schema of fields that take no bytes would make a decoder busy forever. */
#include <stdlib.h>

#include "schemas/writer_schema_internal.h"

enum state { UNSEEN, OPEN, DONE };

struct measure { /* of one record */
    enum state state;
    size_t values;
    int height; /* records one within another, itself included */
};

struct measuring {
    struct writer_parser *parser;
    struct measure *of; /* by record_index */
};

static size_t add(size_t a, size_t b) {
    return a > SIZE_MAX - b ? SIZE_MAX : a + b;
}

static bool measure_record(struct measuring *measuring, struct writer_node *record, int depth);

static bool measure_field(struct measuring *measuring, const struct writer_field *field,
                          struct measure *measure, size_t *least_bytes, int depth) {
    struct writer_parser *parser = measuring->parser;
    size_t values = 1;
    if (field->type->type == WRITER_RECORD) {
        size_t mark = writer_enter(parser, "fields", field->name);
        /* Every node is ours: const is for the readers of the finished tree. */
        struct writer_node *record = (struct writer_node *)field->type;
        if (!measure_record(measuring, record, depth + 1)) {
            return false;
        }
        const struct measure *inner = &measuring->of[record->record_index];
        values = inner->values;
        measure->height = inner->height >= measure->height ? inner->height + 1 : measure->height;
        writer_leave(parser, mark);
    }
    measure->values = add(measure->values, values);
    *least_bytes = add(*least_bytes, field->type->least_bytes);
    return true;
}

static bool refuse_height(struct writer_parser *parser) {
    return writer_refuse(parser, "found more than %d records one within another", WRITER_DEPTH_MAX);
}

static bool measure_record(struct measuring *measuring, struct writer_node *record, int depth) {
    struct writer_parser *parser = measuring->parser;
    struct measure *measure = &measuring->of[record->record_index];
    if (measure->state == DONE) {
        return true;
    }
    if (measure->state == OPEN) {
        return writer_refuse(parser,
                             "found record \"%.*s\" within itself, expected a union, an array or a "
                             "map between",
                             BYTES_ARG(record->name));
    }
    if (depth > WRITER_DEPTH_MAX) {
        return refuse_height(parser);
    }
    *measure = (struct measure){.state = OPEN, .values = 1, .height = 1};
    size_t least_bytes = 0;
    for (size_t i = 0; i < record->count; i++) {
        if (!measure_field(measuring, &record->fields[i], measure, &least_bytes, depth)) {
            return false;
        }
    }
    if (measure->height > WRITER_DEPTH_MAX) {
        return refuse_height(parser);
    }
    if (measure->values > WRITER_VALUES_MAX) {
        return writer_refuse(parser, "found a record of more than %d values, nested ones included",
                             WRITER_VALUES_MAX);
    }
    record->least_bytes = least_bytes;
    measure->state = DONE;
    return true;
}

bool writer_measure(struct writer_parser *parser) {
    struct measuring measuring = {.parser = parser};
    bool is_good = true;
    measuring.of = memory_new(parser->out->schema.record_count, sizeof(*measuring.of));
    for (size_t i = 0; i < parser->named_count && is_good; i++) {
        struct writer_node *node = parser->named[i];
        if (node->type == WRITER_RECORD) {
            bool is_root = node == parser->out->schema.root;
            size_t mark = is_root ? parser->path.size : writer_enter(parser, "record", node->name);
            is_good = measure_record(&measuring, node, 1);
            writer_leave(parser, mark);
        }
    }
    free(measuring.of);
    return is_good;
}
