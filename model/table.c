#include "model/table.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "model/table_internal.h"

#define DAY_MS        86400000.0
#define GROUP_FLOATS  32
#define COUNTER_MAX   255
#define OTHER_BUCKET  UINT64_C(0x9e3779b97f4a7c15)
#define FILTER_SECOND UINT64_C(0xd1b54a32d192ed03)
/* The filter has 8 counters for each row and is halved when what was added comes to a quarter of
 * its size: then two counters of a key that was never met are both above 0 in some 15 of 100. */
#define FILTER_PER_ROW 8
#define FILTER_SHARE   4

const char *const table_kind_names[] = {"hashed", "collisionless", NULL};

static size_t aligned(size_t bytes) {
    return (bytes + 63) & ~(size_t)63;
}

static struct table shape_of(const struct table_options *options, size_t floats) {
    assert(options->bits >= 6 && options->bits <= 26 && floats > 0);
    assert(options->admit_after >= 1 && options->admit_after < COUNTER_MAX);
    bool has_keys = options->table == TABLE_COLLISIONLESS;
    struct table table;
    memset(&table, 0, sizeof table); /* padding, too: memories are compared */
    table.options = *options;
    table.rows = (size_t)1 << options->bits;
    table.floats = floats;
    table.filter_size = has_keys && options->admit_after > 1 ? FILTER_PER_ROW * table.rows : 0;
    table.filter_size =
        table.filter_size > 0 && table.filter_size < TABLE_CHUNK ? TABLE_CHUNK : table.filter_size;
    table.group = 1;
    while (2 * table.group * floats <= GROUP_FLOATS) {
        table.group *= 2;
    }
    table.keys_at = aligned(sizeof table);
    table.met_at = table.keys_at + (has_keys ? aligned(8 * table.rows) : 0);
    table.floats_at = table.met_at + (has_keys ? aligned(8 * table.rows) : 0);
    table.filter_at = table.floats_at + aligned(4 * floats * table.rows);
    table.changed_at = table.filter_at + aligned(table.filter_size);
    table.filter_changed_at = table.changed_at + aligned(table.rows / table.group / 8 + 1);
    return table;
}

size_t table_memory_bytes(const struct table_options *options, size_t floats) {
    struct table shape = shape_of(options, floats);
    return shape.filter_changed_at + aligned(shape.filter_size / TABLE_CHUNK / 8 + 1);
}

void table_init(struct table *table, const struct table_options *options, const char *prefix,
                size_t score_floats, size_t floats) {
    assert(strlen(prefix) < TABLE_PREFIX_MAX && score_floats > 0 && score_floats <= floats);
    memset(table, 0, table_memory_bytes(options, floats));
    *table = shape_of(options, floats);
    table->score_floats = score_floats;
    table->expire_ms = (int64_t)(options->expire_days * DAY_MS);
    memcpy(table->prefix, prefix, strlen(prefix) + 1);
}

uint64_t table_fingerprint(const struct table_options *options, uint64_t hash) {
    hash = hash_combine(hash, (uint64_t)options->table);
    hash = hash_combine(hash, (uint64_t)options->bits);
    hash = hash_combine(hash, (uint64_t)options->admit_after);
    return hash_combine(hash, (uint64_t)(options->expire_days * DAY_MS));
}

/* ---- finding ---- */

struct table_buckets table_buckets(const struct table *table, uint64_t key) {
    int shift = 64 - (table->options.bits - 3); /* TABLE_WAYS rows each */
    size_t a = (size_t)(key >> shift), b = (size_t)(hash_combine(key, OTHER_BUCKET) >> shift);
    b = b == a ? a ^ 1 : b;
    return (struct table_buckets){{a * TABLE_WAYS, b * TABLE_WAYS}};
}

static bool is_expired(const struct table *table, size_t row) {
    return table->expire_ms > 0 && table->newest_ms - table_met(table)[row] > table->expire_ms;
}

static size_t find(const struct table *table, const struct table_buckets *buckets, uint64_t key) {
    const uint64_t *keys = table_keys(table);
    for (int side = 0; side < 2; side++) {
        for (size_t i = buckets->first[side]; i < buckets->first[side] + TABLE_WAYS; i++) {
            if (keys[i] == key) {
                return i;
            }
        }
    }
    return SIZE_MAX;
}

bool table_is_used(const struct table *table, size_t row) {
    if (table->options.table == TABLE_COLLISIONLESS) {
        return table_keys(table)[row] != 0;
    }
    const float *floats = table_row(table, row);
    bool is_any = false;
    for (size_t i = 0; i < table->floats && !is_any; i++) {
        is_any = floats[i] != 0;
    }
    return is_any;
}

const float *table_find(const struct table *table, uint64_t key) {
    if (table->options.table == TABLE_HASHED) {
        size_t row = table_hashed_row(table, key);
        return table_is_used(table, row) ? table_row(table, row) : NULL;
    }
    key += key == 0;
    struct table_buckets buckets = table_buckets(table, key);
    size_t row = find(table, &buckets, key);
    return row == SIZE_MAX || is_expired(table, row) ? NULL : table_row(table, row);
}

void table_prefetch(const struct table *table, uint64_t key) {
    if (table->options.table == TABLE_HASHED) {
        __builtin_prefetch(table_row(table, table_hashed_row(table, key)), 1);
        return;
    }
    struct table_buckets buckets = table_buckets(table, key + (key == 0));
    __builtin_prefetch(&table_keys(table)[buckets.first[0]]);
    __builtin_prefetch(&table_keys(table)[buckets.first[1]]);
}

/* ---- taking ---- */

static void halve(struct table *table) {
    uint8_t *filter = table_filter(table);
    for (size_t i = 0; i < table->filter_size; i++) {
        filter[i] /= 2;
    }
    memset(table_at(table, table->filter_changed_at), 0xff,
           table->filter_size / TABLE_CHUNK / 8 + 1);
    table->added = 0;
}

/* Counts an occurrence of a key that has no row; returns how many there were. */
static int count(struct table *table, uint64_t key) {
    uint8_t *filter = table_filter(table);
    uint8_t *changed = table_at(table, table->filter_changed_at);
    uint64_t mask = table->filter_size - 1, mixed = hash_combine(key, FILTER_SECOND);
    size_t at[2] = {(size_t)(mixed & mask), (size_t)(mixed >> 32 & mask)};
    uint8_t least = filter[at[0]] < filter[at[1]] ? filter[at[0]] : filter[at[1]];
    for (int i = 0; i < 2; i++) {
        if (filter[at[i]] == least && least < COUNTER_MAX) {
            filter[at[i]] = (uint8_t)(least + 1);
            bit_set(changed, at[i] / TABLE_CHUNK);
            table->added++;
        }
    }
    int met = least + 1;
    if (table->added > (int64_t)(table->filter_size / FILTER_SHARE)) {
        halve(table);
    }
    return met;
}

/* A free row of the bucket that has more of them, or else the one that was met longest ago. */
static size_t make_room(struct table *table, const struct table_buckets *buckets) {
    uint64_t *keys = table_keys(table);
    const int64_t *met = table_met(table);
    size_t free_rows[2] = {0, 0}, first_free[2] = {SIZE_MAX, SIZE_MAX}, oldest = SIZE_MAX;
    for (int side = 0; side < 2; side++) {
        for (size_t i = buckets->first[side] + TABLE_WAYS; i-- > buckets->first[side];) {
            if (keys[i] != 0 && is_expired(table, i)) {
                keys[i] = 0;
                bit_set(table_at(table, table->changed_at), i / table->group);
                table->expired++;
            }
            if (keys[i] == 0) {
                free_rows[side]++;
                first_free[side] = i;
            } else if (oldest == SIZE_MAX || met[i] < met[oldest]) {
                oldest = i;
            }
        }
    }
    if (free_rows[0] + free_rows[1] > 0) {
        return first_free[free_rows[1] > free_rows[0]];
    }
    table->evicted++;
    return oldest;
}

static float *take_hashed(struct table *table, uint64_t key, bool *out_is_new) {
    size_t row = table_hashed_row(table, key);
    *out_is_new = !table_is_used(table, row);
    bit_set(table_at(table, table->changed_at), row / table->group);
    return table_row(table, row);
}

float *table_take(struct table *table, uint64_t key, int64_t time_ms, bool *out_is_new) {
    if (table->options.table == TABLE_HASHED) {
        return take_hashed(table, key, out_is_new);
    }
    table->is_count_changed = true;
    if (time_ms > table->newest_ms) {
        table->newest_ms = time_ms;
    }
    key += key == 0;
    struct table_buckets buckets = table_buckets(table, key);
    size_t row = find(table, &buckets, key);
    *out_is_new = row == SIZE_MAX || is_expired(table, row);
    if (*out_is_new) {
        if (table->filter_size > 0 && count(table, key) < table->options.admit_after) {
            table->waiting++;
            return NULL;
        }
        /* Its own row, expired, is among the free ones then. */
        row = make_room(table, &buckets);
        table_keys(table)[row] = key;
        table_met(table)[row] = time_ms;
        memset(table_row(table, row), 0, 4 * table->floats);
        table->admitted++;
    }
    if (time_ms > table_met(table)[row]) {
        table_met(table)[row] = time_ms;
    }
    bit_set(table_at(table, table->changed_at), row / table->group);
    return table_row(table, row);
}

struct table_counts table_count(const struct table *table) {
    struct table_counts counts = {.rows = (int64_t)table->rows,
                                  .admitted = table->admitted,
                                  .evicted = table->evicted,
                                  .expired = table->expired,
                                  .waiting = table->waiting};
    for (size_t i = 0; i < table->rows; i++) {
        counts.used += table_is_used(table, i);
    }
    return counts;
}
