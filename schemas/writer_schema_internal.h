/* writer_schema_internal: what the files of writer_schema share: the parser's state, its names and
 * memory, its refusals. */
#ifndef PROMOSTREAM_SCHEMAS_WRITER_SCHEMA_INTERNAL_H
#define PROMOSTREAM_SCHEMAS_WRITER_SCHEMA_INTERNAL_H

#include <jansson.h>

#include "base/slot_index.h"
#include "schemas/writer_schema.h"

#define WRITER_NAME_BYTES_MAX 512

struct writer_piece; /* memory of a schema: a list of allocations */

struct writer_owned { /* what writer_schema_parse hands out */
    struct writer_schema schema;
    struct writer_piece *pieces;
};

struct writer_parser {
    struct writer_owned *out;
    struct failure failure; /* the first refusal; after it every step gives up */
    struct buffer path;     /* of the place that is looked at: "fields.lines.items" */
    size_t node_count;
    struct writer_node **named; /* records, enums and fixed in the order of definition */
    size_t named_count, named_capacity;
    struct slot_index names; /* full name -> index in named */
};

void *writer_keep(struct writer_parser *parser, size_t count, size_t size); /* zeroed */
struct bytes writer_keep_text(struct writer_parser *parser, struct bytes text);

/* Refuses the schema at the path of now; keeps the first refusal. Always false. */
bool writer_refuse(struct writer_parser *parser, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Appends to the path; give the result to writer_leave. */
size_t writer_enter(struct writer_parser *parser, const char *step, struct bytes name);
static inline void writer_leave(struct writer_parser *parser, size_t mark) {
    parser->path.size = mark;
}

/* ---- writer_schema_names.c ---- */

/* WRITER_UNION (which has no name) for what is no primitive type. */
enum writer_type writer_primitive_of(struct bytes name);
/* A type by name, as written inside of space; NULL if there is none. */
const struct writer_node *writer_look_up(struct writer_parser *parser, struct bytes name,
                                         struct bytes space);
/* Enters the node under its full name. *out_space becomes the namespace inside of it. False if
 * refused. */
bool writer_define(struct writer_parser *parser, struct writer_node *node, struct bytes name,
                   struct bytes namespace, struct bytes *out_space);
/* False if refused: empty or too long. */
bool writer_check_name(struct writer_parser *parser, struct bytes name, const char *what);
/* The first text that is there twice, else empty. */
struct bytes writer_repeated(const struct bytes *texts, size_t count);

/* ---- writer_schema_logical.c ---- */

/* Empty if the member is no text. */
struct bytes writer_text_member(const json_t *object, const char *key);
/* The logical type that the object gives the node, if it fits the node's type and size. */
void writer_read_logical(const json_t *json, struct writer_node *node);

/* ---- writer_schema_measure.c ---- */

/* Sets least_bytes of every record. False if refused: a record contains itself, or too much. */
bool writer_measure(struct writer_parser *parser);

#endif
