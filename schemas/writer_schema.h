/* writer_schema: an Avro schema of a stranger, checked whole and kept as a tree (Avro 1.11
 * specification, "Schema Declaration"). It is our own code that reads it, because Avro-C 1.11.1
 * crashes on schemas that this refuses, and drops logical types and field order that decoding
 * needs; jansson reads the JSON.
 *
 * Refused, with the path of the place: what is not JSON or has duplicate keys, more than 1 MiB of
 * text, nesting beyond 64, more than 10000 nodes, unknown or repeated names, a record that contains
 * itself other than through a union, an array or a map, or that holds so more than 65536 values or
 * 64 records one within another, a fixed of more than 1 MiB or less than 0 bytes, an enum without
 * symbols or with a repeated one, a union within a union, without branches or with two branches
 * that the specification does not tell apart, a field without name or type. A logical type that
 * does not fit its type is ignored, as the specification demands. Names are not checked for their
 * letters beyond being non-empty and of at most 512 bytes: others do not either.
 *
 * The tree is read-only and may be shared by threads. */
#ifndef PROMOSTREAM_SCHEMAS_WRITER_SCHEMA_H
#define PROMOSTREAM_SCHEMAS_WRITER_SCHEMA_H

#include "base/buffer.h"
#include "base/failure.h"

#define WRITER_SCHEMA_BYTES_MAX (1 << 20)
#define WRITER_DEPTH_MAX        64
#define WRITER_NODES_MAX        10000
#define WRITER_FIXED_BYTES_MAX  (1 << 20)
#define WRITER_VALUES_MAX       65536

enum writer_type {
    WRITER_NULL,
    WRITER_BOOLEAN,
    WRITER_INT,
    WRITER_LONG,
    WRITER_FLOAT,
    WRITER_DOUBLE,
    WRITER_BYTES,
    WRITER_STRING,
    WRITER_FIXED,
    WRITER_ENUM,
    WRITER_ARRAY,
    WRITER_MAP,
    WRITER_UNION,
    WRITER_RECORD
};

enum writer_logical {
    LOGICAL_NONE,
    LOGICAL_DATE,             /* int, days since 1970-01-01 */
    LOGICAL_TIMESTAMP_MILLIS, /* long; local-timestamp-* count as UTC */
    LOGICAL_TIMESTAMP_MICROS,
    LOGICAL_TIMESTAMP_NANOS,
    LOGICAL_DECIMAL, /* bytes or fixed: big-endian two's complement, times 10^-scale */
    LOGICAL_UUID     /* string, or fixed of 16 */
};

struct writer_node;

struct writer_field {
    struct bytes name;
    const struct bytes *aliases;
    size_t alias_count;
    const struct writer_node *type;
};

struct writer_node {
    enum writer_type type;
    enum writer_logical logical;
    int32_t scale;         /* LOGICAL_DECIMAL, 0 to 64 (beyond, the logical type is ignored) */
    struct bytes name;     /* full name of a record, enum or fixed, else empty */
    uint32_t record_index; /* records: 0, 1, ... in the order of definition */
    size_t size;           /* fixed: its bytes */
    size_t least_bytes;    /* no encoding is shorter (behind a union, records count as 0); 0 = a
                              value may take no byte at all */
    size_t count;          /* fields, branches or symbols */
    union {
        const struct writer_field *fields;   /* record */
        const struct writer_node **branches; /* union */
        const struct bytes *symbols;         /* enum */
        const struct writer_node *items;     /* array, map: type of an item or value */
    };
};

struct writer_schema {
    const struct writer_node *root;
    size_t record_count; /* distinct records */
};

/* STOP with "at fields.lines.items: ..." if the schema is refused; *out is then NULL. */
MUST_CHECK struct failure writer_schema_parse(struct bytes json, struct writer_schema **out);
void writer_schema_destroy(struct writer_schema *schema); /* NULL is fine */

const char *writer_type_name(enum writer_type type);
/* The name behind the last dot. */
struct bytes writer_short_name(struct bytes full_name);
/* A record's field by name, else by alias; NULL if there is none. */
const struct writer_field *writer_find_field(const struct writer_node *record, struct bytes name);

#endif
