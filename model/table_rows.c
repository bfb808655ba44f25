/* table: its rows in the topic. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "model/rows.h"
#include "model/table_internal.h"

#define DIGITS     7
#define COUNTS     6
#define VALUES_MAX (TABLE_CHUNK > 65536 ? TABLE_CHUNK : 65536)

enum family { GROUPS, OPTIMIZER, FILTER, COUNTED, FAMILIES };

struct names {
    char prefix[FAMILIES][TABLE_PREFIX_MAX + 4];
};

static struct names names_of(const struct table *table) {
    static const char *const tails[FAMILIES] = {"/", "z/", "f/", "n"};
    struct names names;
    for (int family = 0; family < FAMILIES; family++) {
        snprintf(names.prefix[family], sizeof names.prefix[0], "%s%s", table->prefix,
                 tails[family]);
    }
    return names;
}

static bool has_keys(const struct table *table) {
    return table->options.table == TABLE_COLLISIONLESS;
}

static size_t group_count(const struct table *table) {
    return (table->rows + table->group - 1) / table->group;
}

static bool is_wanted(const struct table *table, size_t group, bool all) {
    if (!all) {
        return bit_of(table_at(table, table->changed_at), group);
    }
    bool is_any = false;
    for (size_t i = group * table->group; i < (group + 1) * table->group && !is_any; i++) {
        is_any = table_is_used(table, i);
    }
    return is_any;
}

static void write_group(const struct table *table, enum family family, size_t group,
                        struct row_writer *writer) {
    size_t from = family == GROUPS ? 0 : table->score_floats;
    size_t to = family == GROUPS ? table->score_floats : table->floats;
    for (size_t row = group * table->group; row < (group + 1) * table->group; row++) {
        if (family == GROUPS && has_keys(table)) {
            row_put_u64(writer, table_keys(table)[row]);
            row_put_u64(writer, (uint64_t)table_met(table)[row]);
        }
        for (size_t i = from; i < to; i++) {
            row_put_f32(writer, table_row(table, row)[i]);
        }
    }
}

static void write_counts(const struct table *table, struct row_writer *writer) {
    const int64_t counts[COUNTS] = {table->newest_ms, table->admitted, table->evicted,
                                    table->expired,   table->waiting,  table->added};
    for (int i = 0; i < COUNTS; i++) {
        row_put_u64(writer, (uint64_t)counts[i]);
    }
}

static void export_filter(struct table *table, const struct names *names, bool all,
                          learner_visit_row *visit, void *context) {
    uint8_t *changed = table_at(table, table->filter_changed_at);
    for (size_t chunk = 0; chunk < table->filter_size / TABLE_CHUNK; chunk++) {
        const uint8_t *from = table_filter(table) + chunk * TABLE_CHUNK;
        bool is_any = bit_of(changed, chunk);
        for (size_t i = 0; i < TABLE_CHUNK && all && !is_any; i++) {
            is_any = from[i] != 0;
        }
        if (is_any) {
            struct learner_row row = {.kind = LEARNER_COUNTERS,
                                      .values = bytes_of(from, TABLE_CHUNK)};
            row_key(row.key, names->prefix[FILTER], chunk, DIGITS);
            visit(context, &row);
        }
    }
    memset(changed, 0, table->filter_size / TABLE_CHUNK / 8 + 1);
}

void table_export_rows(struct table *table, bool all, learner_visit_row *visit, void *context) {
    uint8_t values[VALUES_MAX];
    struct names names = names_of(table);
    for (enum family family = GROUPS; family <= OPTIMIZER; family++) {
        if (family == OPTIMIZER && table->floats == table->score_floats) {
            break;
        }
        for (size_t group = 0; group < group_count(table); group++) {
            if (!is_wanted(table, group, all)) {
                continue;
            }
            struct row_writer writer = {values, 0};
            write_group(table, family, group, &writer);
            struct learner_row row = {.kind =
                                          family == GROUPS ? LEARNER_WEIGHTS : LEARNER_OPTIMIZER,
                                      .values = bytes_of(values, writer.size)};
            row_key(row.key, names.prefix[family], group, DIGITS);
            visit(context, &row);
        }
    }
    memset(table_at(table, table->changed_at), 0, group_count(table) / 8 + 1);
    export_filter(table, &names, all, visit, context);
    if (has_keys(table) && (all ? table->admitted + table->waiting > 0 : table->is_count_changed)) {
        struct row_writer writer = {values, 0};
        write_counts(table, &writer);
        struct learner_row row = {.kind = LEARNER_COUNTERS,
                                  .values = bytes_of(values, writer.size)};
        memcpy(row.key, names.prefix[COUNTED], strlen(names.prefix[COUNTED]) + 1);
        visit(context, &row);
    }
    table->is_count_changed = false;
}

/* ---- import ---- */

/* FAMILIES: not this table's. */
static enum family family_of(const struct table *table, const struct learner_row *row,
                             uint64_t *out_number) {
    static const enum learner_row_kind kinds[FAMILIES] = {LEARNER_WEIGHTS, LEARNER_OPTIMIZER,
                                                          LEARNER_COUNTERS, LEARNER_COUNTERS};
    struct names names = names_of(table);
    const size_t counts[FAMILIES] = {group_count(table),
                                     table->floats > table->score_floats ? group_count(table) : 0,
                                     table->filter_size / TABLE_CHUNK, has_keys(table)};
    enum family family = GROUPS;
    for (; family < FAMILIES; family++) {
        *out_number = 0;
        bool is_key = family == COUNTED
                          ? strcmp(row->key, names.prefix[family]) == 0
                          : row_key_parse(row->key, names.prefix[family], DIGITS, out_number);
        if (is_key && *out_number < counts[family] && row->kind == kinds[family]) {
            break;
        }
    }
    return family;
}

static enum learner_verdict check_group(const struct table *table, size_t group,
                                        struct bytes values) {
    if (!has_keys(table)) {
        return row_check_f32(values, table->group * table->score_floats);
    }
    size_t size = 16 + 4 * table->score_floats;
    if (values.size != table->group * size) {
        return LEARNER_BAD_SIZE;
    }
    for (size_t i = 0; i < table->group; i++) {
        struct row_reader reader = {bytes_of(values.data + i * size, size)};
        uint64_t key = row_get_u64(&reader);
        struct table_buckets buckets = table_buckets(table, key);
        size_t bucket = (group * table->group + i) / TABLE_WAYS * TABLE_WAYS;
        row_get_u64(&reader);
        if ((key != 0 && bucket != buckets.first[0] && bucket != buckets.first[1]) ||
            row_check_f32(reader.left, table->score_floats) != LEARNER_OK) {
            return LEARNER_BAD_VALUE;
        }
    }
    return LEARNER_OK;
}

static enum learner_verdict check_counts(struct bytes values) {
    if (values.size != 8 * COUNTS) {
        return LEARNER_BAD_SIZE;
    }
    struct row_reader reader = {values};
    row_get_u64(&reader); /* a time */
    uint64_t counts[COUNTS];
    for (int i = 1; i < COUNTS; i++) {
        counts[i] = row_get_u64(&reader);
        if (counts[i] > (uint64_t)LEARNER_NUMBER_MAX) {
            return LEARNER_BAD_VALUE;
        }
    }
    bool has_met = counts[1] + counts[4] > 0; /* somebody was admitted, or waits */
    return has_met ? LEARNER_OK : LEARNER_BAD_VALUE;
}

enum learner_verdict table_check_row(const struct table *table, const struct learner_row *row) {
    uint64_t number;
    switch (family_of(table, row, &number)) {
    case GROUPS:
        return check_group(table, (size_t)number, row->values);
    case OPTIMIZER:
        return row_check_f32(row->values, table->group * (table->floats - table->score_floats));
    case FILTER:
        return row->values.size == TABLE_CHUNK ? LEARNER_OK : LEARNER_BAD_SIZE;
    case COUNTED:
        return check_counts(row->values);
    default:
        return LEARNER_BAD_ROW;
    }
}

static void import_group(struct table *table, enum family family, size_t group,
                         struct row_reader *reader) {
    size_t from = family == GROUPS ? 0 : table->score_floats;
    size_t to = family == GROUPS ? table->score_floats : table->floats;
    for (size_t row = group * table->group; row < (group + 1) * table->group; row++) {
        if (family == GROUPS && has_keys(table)) {
            table_keys(table)[row] = row_get_u64(reader);
            table_met(table)[row] = (int64_t)row_get_u64(reader);
        }
        for (size_t i = from; i < to; i++) {
            table_row(table, row)[i] = row_get_f32(reader);
        }
    }
}

void table_import_row(struct table *table, const struct learner_row *row) {
    assert(table_check_row(table, row) == LEARNER_OK);
    uint64_t number;
    struct row_reader reader = {row->values};
    enum family family = family_of(table, row, &number);
    switch (family) {
    case GROUPS:
    case OPTIMIZER:
        import_group(table, family, (size_t)number, &reader);
        break;
    case FILTER:
        memcpy(table_filter(table) + number * TABLE_CHUNK, row->values.data, TABLE_CHUNK);
        break;
    default:
        table->newest_ms = (int64_t)row_get_u64(&reader);
        table->admitted = (int64_t)row_get_u64(&reader);
        table->evicted = (int64_t)row_get_u64(&reader);
        table->expired = (int64_t)row_get_u64(&reader);
        table->waiting = (int64_t)row_get_u64(&reader);
        table->added = (int64_t)row_get_u64(&reader);
    }
}
