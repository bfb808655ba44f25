/* random_schema: schemas of strangers and messages written with them, from a seed: what avro_plan
 * must read as Avro-C reads it.
 *
 *     struct random_schema schema = {0};                  // about 60 KiB: not on the stack
 *     random_schema_make(&rng, &schema);                  // schema.text: JSON
 *     random_schema_write_value(&schema, &values, &blocks, &body);
 *     random_schema_clean_up(&schema);
 *
 * The root is a record, one time in ten the union ["null", record]. Schemas have every type:
 * nested records, arrays, maps, unions of null at either end and of many branches, enums, fixed,
 * logical types, names defined once and used again, in namespaces and out of them, and records that
 * contain themselves through a union, an array or a map. Names are such as Avro-C takes. Texts are
 * valid UTF-8 without NUL, at most 150 bytes; keys of one map differ. */
#ifndef PROMOSTREAM_TESTS_RANDOM_SCHEMA_H
#define PROMOSTREAM_TESTS_RANDOM_SCHEMA_H

#include "base/rng.h"
#include "schemas/mapping.h"
#include "schemas/writer_schema.h"

#define RANDOM_PATHS_MAX      64
#define RANDOM_LEAVES_MAX     8
#define RANDOM_PATH_BYTES_MAX 200

struct random_node; /* a type of the schema; of random_schema.c */

struct random_leaf {
    enum writer_type type;
    enum writer_logical logical;
    int32_t scale; /* LOGICAL_DECIMAL */
};

/* A path in the syntax of mapping.h. It may lead to leaves of several types: branches of unions, on
 * the way or at its end, other than null. */
struct random_path {
    char text[RANDOM_PATH_BYTES_MAX];
    /* What the first leaf's values were made for: a type has names of ours or of other shops, a
     * time lies in 2024, a text may be a number, a count is at least 1. Any other path may be
     * mapped to it as well; then values are often bad ones. */
    enum mapping_kind kind;
    bool is_always_there; /* one leaf, reached by fields of records alone */
    bool is_branch;       /* ends in .@type; then it has no leaves and is MAPPING_TEXT */
    struct random_leaf leaves[RANDOM_LEAVES_MAX];
    size_t leaf_count;
};

struct random_schema {
    struct buffer text; /* JSON */
    /* From the root: paths[0] is a MAPPING_TIME and paths[1] a MAPPING_TYPE, both always there (if
     * the root is not null); the others are drawn from all that the schema has, in no order, no
     * text twice. */
    struct random_path paths[RANDOM_PATHS_MAX];
    size_t path_count;
    char lines_path[RANDOM_PATH_BYTES_MAX]; /* "a.b[]"; "" = there are no lines */
    /* From an item of lines, likewise; line_paths[0] is a MAPPING_TEXT for item_id. */
    struct random_path line_paths[RANDOM_PATHS_MAX];
    size_t line_path_count;
    const struct random_node *root;
    struct random_node **nodes; /* owned */
    size_t node_count;
};

/* *out is zeroed, or was cleaned up or made before. */
void random_schema_make(struct rng *rng, struct random_schema *out);
void random_schema_clean_up(struct random_schema *schema);

/* Appends the Avro body of a random value. The value is a function of values alone: with another
 * blocks the same value comes in other blocks of arrays and maps, with negative counts and sizes
 * now and then. blocks NULL: one block each, with a plain count. Lines are at most EVENT_LINES_MAX.
 */
void random_schema_write_value(const struct random_schema *schema, struct rng *values,
                               struct rng *blocks, struct buffer *out);

#endif
