/* random_schema_internal: the graph of types that the files of random_schema share. */
#ifndef PROMOSTREAM_TESTS_RANDOM_SCHEMA_INTERNAL_H
#define PROMOSTREAM_TESTS_RANDOM_SCHEMA_INTERNAL_H

#include "tests/support/random_schema.h"

#define NODE_NAME_BYTES_MAX 24

struct random_node {
    enum writer_type type;
    enum writer_logical logical;
    int precision, scale;   /* LOGICAL_DECIMAL */
    enum mapping_kind kind; /* of a leaf: what its values are made for */
    size_t size;            /* fixed */
    char name[NODE_NAME_BYTES_MAX], space[NODE_NAME_BYTES_MAX]; /* record, enum, fixed */
    bool is_defined;                                            /* in the text so far */
    size_t count;                  /* fields, branches, symbols, words of a map or string */
    struct random_node **children; /* types of fields, branches, items */
    /* Names of fields; symbols; keys that a map has often; a string's vocabulary. */
    char (*names)[NODE_NAME_BYTES_MAX];
};

/* One time in n. */
static inline bool chance(struct rng *rng, uint64_t n) {
    return rng_below(rng, n) == 0;
}

static inline bool is_leaf(const struct random_node *node) {
    return node->type <= WRITER_ENUM;
}

/* ---- random_schema_text.c: appends the schema as JSON ---- */

void random_schema_format(struct rng *rng, struct random_node *root, struct buffer *out);

/* ---- random_schema_paths.c ---- */

/* Draws paths from the node until there are out_count_max, or often enough; adds to paths[*count].
 * No text twice. */
void random_schema_draw_paths(struct rng *rng, const struct random_node *from, size_t walks,
                              struct random_path *paths, size_t *count);
/* The path of fields alone with this text ("a.b"); it must exist. */
void random_schema_path_of(const struct random_node *from, const char *text,
                           struct random_path *out);

#endif
