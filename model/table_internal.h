/* table: its memory, for its own files.
 *
 * struct table | keys | met | rows of floats | filter | changed, filter's changed (bits) */
#ifndef PROMOSTREAM_MODEL_TABLE_INTERNAL_H
#define PROMOSTREAM_MODEL_TABLE_INTERNAL_H

#include "model/table.h"

#define TABLE_CHUNK 4096 /* of the filter, in a row */

struct table {
    struct table_options options;
    char prefix[TABLE_PREFIX_MAX];
    size_t score_floats, floats, rows;
    size_t group; /* rows of the table in one row of the model, a power of 2 */
    size_t filter_size;
    int64_t expire_ms; /* 0 = never */
    int64_t newest_ms; /* the clock of expiry; 0 before any time */
    int64_t admitted, evicted, expired, waiting;
    int64_t added; /* to the filter since it was halved */
    bool is_count_changed;
    size_t keys_at, met_at, floats_at, filter_at, changed_at, filter_changed_at;
};

static inline void *table_at(const struct table *table, size_t offset) {
    return (char *)(uintptr_t)table + offset;
}
/* [rows], collisionless; 0 = free */
static inline uint64_t *table_keys(const struct table *table) {
    return table_at(table, table->keys_at);
}
/* [rows], collisionless: newest time at which the key was met */
static inline int64_t *table_met(const struct table *table) {
    return table_at(table, table->met_at);
}
static inline float *table_row(const struct table *table, size_t row) {
    return (float *)table_at(table, table->floats_at) + row * table->floats;
}
static inline uint8_t *table_filter(const struct table *table) {
    return table_at(table, table->filter_at);
}
static inline void bit_set(uint8_t *bits, size_t i) {
    bits[i / 8] = (uint8_t)(bits[i / 8] | 1u << (i % 8));
}
static inline bool bit_of(const uint8_t *bits, size_t i) {
    return bits[i / 8] >> (i % 8) & 1;
}

static inline size_t table_hashed_row(const struct table *table, uint64_t key) {
    return (size_t)(key >> (64 - table->options.bits));
}
/* Has a key; hashed: is it not all 0? */
bool table_is_used(const struct table *table, size_t row);

/* For whoever changes a row in place: it is exported next time. */
static inline void table_mark(const struct table *table, size_t row) {
    bit_set(table_at(table, table->changed_at), row >> __builtin_ctzll(table->group));
}

/* The two buckets in which a key may lie. */
struct table_buckets {
    size_t first[2]; /* row of each */
};
struct table_buckets table_buckets(const struct table *table, uint64_t key);

#endif
