/* track: what counts once, what came true of what was promised, and rows that carry it all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/rng.h"
#include "model/track.h"
#include "tests/support/learner_scene.h"

#define DAY_MS    INT64_C(86400000)
#define START_MS  (20500 * DAY_MS)
#define WINDOW_MS (7 * DAY_MS)

static int set_up(void **state) {
    *state = memory_new(1, track_memory_bytes());
    track_init(*state);
    return 0;
}

static int tear_down(void **state) {
    free(*state);
    return 0;
}

static void near(double found, double expected) {
    if (!(fabs(found - expected) <= 1e-9)) {
        fail_msg("found %.12g, expected %.12g", found, expected);
    }
}

/* Not bought, p .25, at noon of this day, labelled a day later. */
static struct track_example an_example(uint64_t id, int day) {
    int64_t decided_ms = START_MS + day * DAY_MS + DAY_MS / 2;
    return (struct track_example){.id_high = id * UINT64_C(0x9e3779b97f4a7c15),
                                  .id_low = id,
                                  .origin = 1,
                                  .arm = 5,
                                  .decided_ms = decided_ms,
                                  .labelled_ms = decided_ms + DAY_MS,
                                  .p_first = 0.25};
}

static struct track_calibration sums_of(const void *track, int origin) {
    return track_calibration_of(track, origin, WINDOW_MS, TRACK_DAYS);
}

/* Makes everything before it old enough. */
static void let_days_pass(void *track, int day) {
    struct track_example later = an_example(1u << 30, day);
    later.p_first = (double)NAN;
    assert_true(track_take(track, &later));
}

/* ---- once ---- */

static void repeats_and_older_revisions_are_refused(void **state) {
    struct track_example example = an_example(1, 0);
    assert_true(track_take(*state, &example));
    assert_false(track_take(*state, &example));
    example.revision = 2;
    assert_true(track_take(*state, &example));
    assert_false(track_take(*state, &example));
    example.revision = 1;
    assert_false(track_take(*state, &example));
    example.revision = 3;
    assert_true(track_take(*state, &example));
    struct track_example other = an_example(2, 0);
    assert_true(track_take(*state, &other));
}

static void thousands_of_decisions_are_remembered(void **state) {
    int forgotten = 0;
    for (uint64_t id = 0; id < 4000; id++) {
        struct track_example example = an_example(id, 0);
        assert_true(track_take(*state, &example));
    }
    for (uint64_t id = 0; id < 4000; id++) {
        struct track_example example = an_example(id, 0);
        forgotten += track_take(*state, &example);
    }
    assert_in_range(forgotten, 0, 400); /* direct-mapped: two of 4,000 may share one of 65,536 */
}

/* ---- arms ---- */

static void arms_count_first_revisions(void **state) {
    struct track_arm arm;
    assert_false(track_arm_of(*state, 5, &arm));
    struct track_example example = an_example(1, 3);
    track_take(*state, &example);
    example = an_example(2, 1);
    track_take(*state, &example);
    example.revision = 1;
    example.is_correction = true;
    track_take(*state, &example);
    example = an_example(3, 2);
    example.arm = LEARNER_ARM_NONE;
    track_take(*state, &example);
    assert_true(track_arm_of(*state, 5, &arm));
    assert_int_equal(arm.matured, 2);
    assert_int_equal(arm.first_ms, an_example(2, 1).decided_ms);
    assert_true(track_arm_of(*state, LEARNER_ARM_NONE, &arm));
    assert_int_equal(arm.matured, 1);
    assert_false(track_arm_of(*state, 6, &arm));
}

static void the_newest_label_is_the_largest(void **state) {
    assert_int_equal(track_newest_ms(*state), INT64_MIN);
    struct track_example example = an_example(1, 3);
    track_take(*state, &example);
    example = an_example(2, 1);
    track_take(*state, &example);
    assert_int_equal(track_newest_ms(*state), an_example(1, 3).labelled_ms);
}

/* ---- promised and come true ---- */

static void sums_are_those_of_what_was_scored(void **state) {
    struct track_example example = an_example(1, 0);
    example.label = 1;
    track_take(*state, &example);
    example = an_example(2, 0);
    example.p_first = 0.5;
    track_take(*state, &example);
    example = an_example(3, 0);
    example.p_first = (double)NAN; /* not scored: not judged */
    track_take(*state, &example);
    let_days_pass(*state, 20);
    struct track_calibration sums = sums_of(*state, 1);
    assert_int_equal(sums.n, 2);
    near(sums.sum_p, 0.75);
    near(sums.sum_y, 1);
    near(sums.sum_var, 0.25 * 0.75 + 0.25);
}

static void corrections_move_the_label_alone(void **state) {
    struct track_example example = an_example(1, 0);
    track_take(*state, &example);
    example.revision = 1;
    example.is_correction = true;
    example.label = 1;
    track_take(*state, &example);
    let_days_pass(*state, 20);
    near(sums_of(*state, 1).sum_y, 1);
    assert_int_equal(sums_of(*state, 1).n, 1);
    near(sums_of(*state, 1).sum_p, 0.25);
    example.revision = 2;
    example.label = 0;
    track_take(*state, &example);
    near(sums_of(*state, 1).sum_y, 0);
}

static void origins_are_apart_and_observations_out_of_the_whole(void **state) {
    for (int origin = 0; origin < 3; origin++) {
        for (uint64_t i = 0; i <= (uint64_t)origin; i++) {
            struct track_example example = an_example(10 * (uint64_t)origin + i, 0);
            example.origin = origin;
            track_take(*state, &example);
        }
    }
    let_days_pass(*state, 20);
    assert_int_equal(sums_of(*state, 0).n, 1);
    assert_int_equal(sums_of(*state, 1).n, 2);
    assert_int_equal(sums_of(*state, 2).n, 3);
    assert_int_equal(sums_of(*state, -1).n, 5);
}

static void a_day_counts_when_it_ended_a_window_and_a_day_ago(void **state) {
    struct track_example example = an_example(1, 0), newest = an_example(2, 5);
    track_take(*state, &example);
    newest.p_first = (double)NAN;
    newest.labelled_ms = START_MS + DAY_MS + WINDOW_MS + DAY_MS - 1;
    track_take(*state, &newest);
    assert_int_equal(sums_of(*state, 1).n, 0);
    newest.revision = 1;
    newest.labelled_ms += 1;
    track_take(*state, &newest);
    assert_int_equal(sums_of(*state, 1).n, 1);
}

static void only_the_newest_days_are_summed_and_old_ones_fall_out_of_the_ring(void **state) {
    for (int day = 0; day < 100; day++) {
        struct track_example example = an_example((uint64_t)day, day);
        track_take(*state, &example);
    }
    let_days_pass(*state, 99 + 8); /* day 99 is the newest that counts */
    for (int days_max = 0; days_max < 40; days_max++) {
        assert_int_equal(track_calibration_of(*state, 1, WINDOW_MS, days_max).n, days_max);
    }
    /* 36 .. 99 are left. */
    assert_int_equal(track_calibration_of(*state, 1, WINDOW_MS, 1000).n, 64);
    struct track_example late = an_example(1000, 30), correction = an_example(30, 30);
    assert_true(track_take(*state, &late)); /* counted, but its day is gone */
    correction.revision = 1;
    correction.is_correction = true;
    correction.label = 1;
    assert_true(track_take(*state, &correction));
    near(track_calibration_of(*state, 1, WINDOW_MS, 1000).sum_y, 0);
}

static void a_ratio_has_an_interval(void **state) {
    (void)state;
    double ratio, low, high;
    track_ratio(&(struct track_calibration){100, 20, 22, 16}, &ratio, &low, &high);
    near(ratio, 1.1);
    near(low, 1.1 - 1.959963984540054 * 4 / 20);
    near(high, 1.1 + 1.959963984540054 * 4 / 20);
    track_ratio(&(struct track_calibration){0, 0, 0, 0}, &ratio, &low, &high);
    assert_true(isnan(ratio) && isnan(low) && isnan(high));
}

/* ---- rows ---- */

static void take_at_random(void *track, struct rng *rng, int count, bool *out_taken) {
    for (int i = 0; i < count; i++) {
        struct track_example example = an_example(rng_below(rng, 3000), (int)rng_below(rng, 90));
        example.revision = (int32_t)rng_below(rng, 3);
        example.is_correction = example.revision > 0;
        example.label = (double)rng_below(rng, 2);
        example.p_first = rng_unit(rng);
        example.origin = (int)rng_below(rng, TRACK_ORIGINS);
        example.arm = rng_below(rng, 5);
        out_taken[i] = track_take(track, &example);
    }
}

static void import_all(void *track, const struct row_store *store) {
    for (size_t i = 0; i < store->count; i++) {
        assert_true(track_owns_row(&store->rows[i]));
        assert_int_equal(track_check_row(track, &store->rows[i]), LEARNER_OK);
        track_import_row(track, &store->rows[i]);
    }
}

static void rows_carry_everything_in_instalments_too(void **state) {
    void *other = memory_new(1, track_memory_bytes());
    track_init(other);
    struct rng rng = rng_make(1, 0);
    static bool taken[2][2000];
    for (int round = 0; round < 5; round++) {
        take_at_random(*state, &rng, round == 0 ? 2000 : 50, taken[0]);
        struct row_store store = {0};
        track_export_rows(*state, false, row_store_visit, &store);
        for (size_t i = 1; i < store.count; i++) {
            assert_true(strcmp(store.rows[i - 1].key, store.rows[i].key) < 0);
        }
        import_all(other, &store);
        row_store_clear(&store);
    }
    struct row_store of_one = {0}, of_other = {0}, nothing = {0};
    track_export_rows(*state, true, row_store_visit, &of_one);
    track_export_rows(other, true, row_store_visit, &of_other);
    assert_true(of_one.count > 100 && row_store_equal(&of_one, &of_other));
    track_export_rows(*state, false, row_store_visit, &nothing);
    assert_int_equal(nothing.count, 0);
    struct rng same = rng;
    take_at_random(*state, &rng, 2000, taken[0]);
    take_at_random(other, &same, 2000, taken[1]);
    assert_memory_equal(taken[0], taken[1], sizeof taken[0]);
    assert_memory_equal(*state, other, track_memory_bytes());
    row_store_clear(&of_one);
    row_store_clear(&of_other);
    free(other);
}

/* 5 % buy as promised, then twice as many: found, and said by both means. */
static void drift_is_found(void **state) {
    struct rng rng = rng_make(3, 0);
    for (int i = 0; i < 40000; i++) {
        struct track_example example = an_example((uint64_t)i, 0);
        example.origin = i % 4; /* a quarter is observations, which do not count */
        example.p_first = 0.05;
        example.label = rng_unit(&rng) < (i < 20000 ? 0.05 : 0.1) || example.origin == 0;
        assert_true(track_take(*state, &example));
        if (i == 19999) {
            assert_int_equal(track_drift_of(*state).loss_changes, 0);
            assert_int_equal(track_drift_of(*state).residual_changes, 0);
        }
    }
    struct track_drift drift = track_drift_of(*state);
    assert_in_range(drift.loss_changes, 1, 12);
    assert_in_range(drift.residual_changes, 1, 12);
    assert_true(fabs(drift.residual - 0.05) < 0.01);
    assert_true(fabs(drift.loss - (-0.1 * log(0.05) - 0.9 * log(0.95))) < 0.03);
}

static void bad_rows_are_refused(void **state) {
    struct rng rng = rng_make(2, 0);
    static bool taken[500];
    take_at_random(*state, &rng, 500, taken);
    struct row_store store = {0};
    track_export_rows(*state, true, row_store_visit, &store);
    for (size_t i = 0; i < store.count; i++) {
        uint8_t values[8192];
        struct learner_row row = store.rows[i];
        memcpy(values, row.values.data, row.values.size);
        row.values = bytes_of(values, row.values.size - 1);
        assert_int_equal(track_check_row(*state, &row), LEARNER_BAD_SIZE);
        row.values.size += 2;
        assert_int_equal(track_check_row(*state, &row), LEARNER_BAD_SIZE);
        row.values.size--;
        assert_int_equal(track_check_row(*state, &row), LEARNER_OK);
        memset(values, 0xff, row.values.size); /* counts below 0, sums that are no numbers */
        assert_int_equal(track_check_row(*state, &row), LEARNER_BAD_VALUE);
        row.kind = LEARNER_WEIGHTS;
        assert_int_equal(track_check_row(*state, &row), LEARNER_BAD_ROW);
    }
    const char *const keys[] = {"t/", "t/day/40", "t/day/1", "t/seen/400", "t/heads", "b/options"};
    for (int i = 0; i < 6; i++) {
        struct learner_row row = {.kind = LEARNER_COUNTERS};
        strcpy(row.key, keys[i]);
        assert_int_equal(track_check_row(*state, &row), LEARNER_BAD_ROW);
        assert_int_equal(track_owns_row(&row), i < 5);
    }
    row_store_clear(&store);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(repeats_and_older_revisions_are_refused),
        TEST(thousands_of_decisions_are_remembered),
        TEST(arms_count_first_revisions),
        TEST(the_newest_label_is_the_largest),
        TEST(sums_are_those_of_what_was_scored),
        TEST(corrections_move_the_label_alone),
        TEST(origins_are_apart_and_observations_out_of_the_whole),
        TEST(a_day_counts_when_it_ended_a_window_and_a_day_ago),
        TEST(only_the_newest_days_are_summed_and_old_ones_fall_out_of_the_ring),
        TEST(a_ratio_has_an_interval),
        TEST(rows_carry_everything_in_instalments_too),
        TEST(drift_is_found),
        TEST(bad_rows_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
