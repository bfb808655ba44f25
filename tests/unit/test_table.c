/* table: who gets a row, who loses it, and that what travelled is the same table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/buffer.h"
#include "base/hash.h"
#include "base/rng.h"
#include "model/table.h"
#include "tests/support/learner_scene.h"

#define FLOATS 5
#define DAY_MS INT64_C(86400000)
#define START  INT64_C(1700000000000)

static uint64_t key_of(uint64_t i) {
    return hash_combine(i, 1);
}

static struct table *table_new(int kind, int bits, int admit_after, double expire_days) {
    struct table_options options = {kind, bits, admit_after, expire_days};
    struct table *table = memory_new(1, table_memory_bytes(&options, FLOATS));
    table_init(table, &options, "e", 3, FLOATS);
    return table;
}

/* Takes and marks the row with its key. */
static bool take(struct table *table, uint64_t i, int64_t time_ms, bool *is_new) {
    float *row = table_take(table, key_of(i), time_ms, is_new);
    if (row) {
        row[0] = (float)i + 1;
        row[4] += 1;
    }
    return row != NULL;
}

static void hashed_rows_are_shared(void **state) {
    (void)state;
    struct table *table = table_new(TABLE_HASHED, 6, 1, 0);
    bool is_new;
    assert_null(table_find(table, key_of(1)));
    for (uint64_t i = 0; i < 1000; i++) {
        assert_true(take(table, i, START, &is_new));
        assert_ptr_equal(table_find(table, key_of(i)), table_find(table, key_of(i)));
    }
    assert_int_equal(table_count(table).used, 64);
    free(table);
}

static void keys_have_rows_of_their_own(void **state) {
    (void)state;
    struct table *table = table_new(TABLE_COLLISIONLESS, 10, 1, 0);
    bool is_new;
    /* 800 of 1024: two buckets to choose from keep all. */
    for (uint64_t i = 0; i < 800; i++) {
        assert_true(take(table, i, START, &is_new) && is_new);
        assert_true(take(table, i, START, &is_new) && !is_new);
    }
    for (uint64_t i = 0; i < 800; i++) {
        const float *row = table_find(table, key_of(i));
        assert_true(row && row[0] == (float)i + 1 && row[4] == 2);
    }
    assert_null(table_find(table, key_of(800)));
    struct table_counts counts = table_count(table);
    assert_int_equal(counts.used, 800);
    assert_int_equal(counts.evicted, 0);
    free(table);
}

static void a_key_waits_until_it_was_met_often(void **state) {
    (void)state;
    struct table *table = table_new(TABLE_COLLISIONLESS, 10, 3, 0);
    bool is_new;
    int early = 0;
    for (uint64_t i = 0; i < 200; i++) {
        early += take(table, i, START, &is_new);
        early += take(table, i, START, &is_new);
        assert_true(take(table, i, START, &is_new)); /* never later than the third time */
    }
    assert_in_range(early, 0, 4); /* two keys may share both counters */
    assert_true(table_count(table).waiting >= 396);
    /* Keys of a single time, many more than rows: hardly one gets in. */
    for (uint64_t i = 1000; i < 21000; i++) {
        take(table, i, START, &is_new);
    }
    assert_true(table_count(table).admitted - 200 < 200);
    for (uint64_t i = 0; i < 200; i++) {
        assert_non_null(table_find(table, key_of(i)));
    }
    free(table);
}

static void rows_expire_by_event_time(void **state) {
    (void)state;
    struct table *table = table_new(TABLE_COLLISIONLESS, 8, 1, 7);
    bool is_new;
    take(table, 1, START, &is_new);
    take(table, 2, START + 5 * DAY_MS, &is_new);
    assert_non_null(table_find(table, key_of(1)));
    take(table, 2, START + 8 * DAY_MS, &is_new);
    assert_null(table_find(table, key_of(1)));
    assert_non_null(table_find(table, key_of(2)));
    take(table, 3, 0, &is_new); /* an unknown time moves no clock */
    assert_null(table_find(table, key_of(3)));
    /* It comes back as a new row, in its old place. */
    assert_true(take(table, 1, START + 8 * DAY_MS, &is_new) && is_new);
    assert_true(table_find(table, key_of(1))[4] == 1);
    assert_int_equal(table_count(table).expired, 1);
    /* Late events neither age a row nor turn the clock back. */
    take(table, 2, START, &is_new);
    assert_true(!is_new && table_find(table, key_of(2)) != NULL);
    free(table);
}

static void the_one_met_longest_ago_makes_room(void **state) {
    (void)state;
    struct table *table = table_new(TABLE_COLLISIONLESS, 6, 1, 0); /* 8 buckets */
    bool is_new;
    for (uint64_t i = 0; i < 400; i++) {
        assert_true(take(table, i, START + (int64_t)i * 1000, &is_new));
        for (uint64_t j = i > 8 ? i - 8 : 0; j <= i; j++) { /* the newest are all there */
            const float *row = table_find(table, key_of(j));
            assert_true(row && row[0] == (float)j + 1);
        }
    }
    struct table_counts counts = table_count(table);
    assert_true(counts.used <= 64 && counts.used > 56);
    assert_int_equal(counts.admitted - counts.evicted, counts.used);
    free(table);
}

static void shuffle(struct row_store *store, struct rng *rng) {
    for (size_t i = store->count; i > 1; i--) {
        size_t j = rng_below(rng, i);
        struct learner_row swapped = store->rows[i - 1];
        store->rows[i - 1] = store->rows[j];
        store->rows[j] = swapped;
    }
}

static void use(struct table *table, uint64_t seed, int count) {
    struct rng rng = rng_make(seed, 0);
    for (int i = 0; i < count; i++) {
        bool is_new;
        double u = rng_unit(&rng);
        take(table, (uint64_t)(5000 * u * u * u), START + i * (DAY_MS / 100), &is_new);
    }
}

/* In instalments and in any order; the same keys then give the same rows. */
static void what_travelled_is_the_same_table(void **state) {
    (void)state;
    struct rng rng = rng_make(3, 0);
    for (int kind = TABLE_HASHED; kind <= TABLE_COLLISIONLESS; kind++) {
        struct table *a = table_new(kind, 9, 2, 5), *b = table_new(kind, 9, 2, 5);
        for (uint64_t round = 0; round < 6; round++) {
            struct row_store store = {0};
            use(a, round, 2000);
            table_export_rows(a, round == 3, row_store_visit, &store);
            shuffle(&store, &rng);
            for (size_t i = 0; i < store.count; i++) {
                assert_int_equal(table_check_row(b, &store.rows[i]), LEARNER_OK);
                table_import_row(b, &store.rows[i]);
            }
            row_store_clear(&store);
        }
        use(a, 9, 1000);
        use(b, 9, 1000);
        struct row_store of_a = {0}, of_b = {0};
        table_export_rows(a, true, row_store_visit, &of_a);
        table_export_rows(b, true, row_store_visit, &of_b);
        assert_true(of_a.count > 10 && row_store_equal(&of_a, &of_b));
        row_store_clear(&of_a);
        row_store_clear(&of_b);
        free(a);
        free(b);
    }
}

static void bad_rows_are_refused(void **state) {
    (void)state;
    struct table *table = table_new(TABLE_COLLISIONLESS, 9, 2, 5);
    use(table, 1, 3000);
    struct row_store store = {0};
    table_export_rows(table, true, row_store_visit, &store);
    for (size_t i = 0; i < store.count; i++) {
        struct learner_row row = store.rows[i];
        row.values.size -= 4;
        assert_int_equal(table_check_row(table, &row), LEARNER_BAD_SIZE);
        row.values.size += 4;
        row.key[0] = 'x';
        assert_int_equal(table_check_row(table, &row), LEARNER_BAD_ROW);
        row.key[0] = 'e';
        row.kind = LEARNER_MOMENTS;
        assert_int_equal(table_check_row(table, &row), LEARNER_BAD_ROW);
    }
    struct learner_row row = store.rows[0];
    uint8_t values[4096];
    memcpy(values, row.values.data, row.values.size);
    row.values.data = values;
    memset(values, 0xff, 8); /* a key that belongs into another bucket */
    assert_int_equal(table_check_row(table, &row), LEARNER_BAD_VALUE);
    memcpy(values, store.rows[0].values.data, row.values.size);
    memset(values + 16, 0xff, 4); /* NaN */
    assert_int_equal(table_check_row(table, &row), LEARNER_BAD_VALUE);
    strcpy(row.key, "e/fffffff");
    assert_int_equal(table_check_row(table, &row), LEARNER_BAD_ROW);
    row_store_clear(&store);
    free(table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashed_rows_are_shared),
        cmocka_unit_test(keys_have_rows_of_their_own),
        cmocka_unit_test(a_key_waits_until_it_was_met_often),
        cmocka_unit_test(rows_expire_by_event_time),
        cmocka_unit_test(the_one_met_longest_ago_makes_room),
        cmocka_unit_test(what_travelled_is_the_same_table),
        cmocka_unit_test(bad_rows_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
