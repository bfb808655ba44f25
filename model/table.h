/* table: rows of float32 by a 64-bit key, in memory that somebody else owns and that does not grow
 * (METHODS 1.1).
 *
 * - hashed: 2^bits rows, the row of a key is its top bits; keys share rows.
 * - collisionless: a key has a row of its own. Up to 2^bits rows in buckets of TABLE_WAYS; a key
 *   may lie in either of two buckets. A key gets a row at its admit_after-th occurrence (counted by
 *   a filter that two hashes address: it may count too much, never too little, and halves itself
 *   as it fills). A row expires when its key was not met for expire_days of event time; when both
 *   buckets are full the one that was met longest ago makes room. So what a table holds is a pure
 *   function of the keys and times it was shown.
 *
 * A row is floats [score_floats: what scoring needs | the optimizer's]. New rows are 0: whoever
 * takes one fills it. In a hashed table a row that is all 0 counts as new. Rows travel in groups:
 * `<prefix>/<group>` (weights) and `<prefix>z/<group>` (optimizer), the filter as
 * `<prefix>f/<chunk>` and what is counted as `<prefix>n` (counters):
 *
 *     hashed         group rows of score_floats; group rows of the others        float32
 *     collisionless  group times: key, met_ms, score_floats                      64 bits, float32
 *
 * A group has as many rows as make about 32 floats. */
#ifndef PROMOSTREAM_MODEL_TABLE_H
#define PROMOSTREAM_MODEL_TABLE_H

#include "model/learner.h"

#define TABLE_WAYS       8
#define TABLE_PREFIX_MAX 8

enum table_kind { TABLE_HASHED, TABLE_COLLISIONLESS };
extern const char *const table_kind_names[]; /* ended by NULL */

struct table_options {
    int table; /* enum table_kind */
    int bits;
    int admit_after;    /* occurrences; collisionless */
    double expire_days; /* of event time; 0 = never; collisionless */
};
/* Rows of a table of options, as OPTIMIZER_OPTIONS. */
#define TABLE_OPTIONS(TYPE, AT, PREFIX, KIND, BITS, ADMIT)                                         \
    {.name = PREFIX "table",                                                                       \
     .type = LEARNER_OPTION_CHOICE,                                                                \
     .offset = offsetof(TYPE, AT.table),                                                           \
     .default_text = KIND,                                                                         \
     .choices = table_kind_names,                                                                  \
     .help = "hashed: values may share a row; collisionless: each has its own"},                   \
        {.name = PREFIX "bits",                                                                    \
         .type = LEARNER_OPTION_INT,                                                               \
         .offset = offsetof(TYPE, AT.bits),                                                        \
         .default_text = BITS,                                                                     \
         .min = 6,                                                                                 \
         .max = 26,                                                                                \
         .help = "the table has 2^bits rows"},                                                     \
        {.name = PREFIX "admit_after",                                                             \
         .type = LEARNER_OPTION_INT,                                                               \
         .offset = offsetof(TYPE, AT.admit_after),                                                 \
         .default_text = ADMIT,                                                                    \
         .min = 1,                                                                                 \
         .max = 200,                                                                               \
         .help = "collisionless: a value gets a row when it is met this often"},                   \
    {                                                                                              \
        .name = PREFIX "expire_days", .type = LEARNER_OPTION_NUMBER,                               \
        .offset = offsetof(TYPE, AT.expire_days), .default_text = "0", .max = 36500,               \
        .help = "collisionless: a row that is not met for so many days is forgotten; 0 = never"    \
    }

/* Plain data in front of its arrays, found by offset. */
struct table;
size_t table_memory_bytes(const struct table_options *options, size_t floats);
/* prefix: fewer than TABLE_PREFIX_MAX bytes, of the learner's keys; score_floats <= floats. */
void table_init(struct table *table, const struct table_options *options, const char *prefix,
                size_t score_floats, size_t floats);
uint64_t table_fingerprint(const struct table_options *options, uint64_t hash);

/* The row of a key, NULL if it has none (hashed: if nobody has taken it yet). */
const float *table_find(const struct table *table, uint64_t key);
/* Asks the CPU for the row: call it some hundred ns before. */
void table_prefetch(const struct table *table, uint64_t key);
/* Meets the key at time_ms (0 = unknown: nothing ages) and returns its row, marked as changed; NULL
 * if it is not admitted yet. is_new: the row is all 0. Call it once an example and key, and only
 * for examples that are learned. Rows stay where they are, but a later take may give one to another
 * key. */
float *table_take(struct table *table, uint64_t key, int64_t time_ms, bool *out_is_new);
/* Rows as in learner.h. */
void table_export_rows(struct table *table, bool all, learner_visit_row *visit, void *context);
/* BAD_ROW: not this table's. */
enum learner_verdict table_check_row(const struct table *table, const struct learner_row *row);
void table_import_row(struct table *table, const struct learner_row *row);

struct table_counts {
    int64_t rows, used, admitted, evicted, expired, waiting; /* waiting: met, not admitted */
};
struct table_counts table_count(const struct table *table);

#endif
