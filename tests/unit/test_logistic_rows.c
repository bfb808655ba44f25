/* logistic's rows, with offers (test_learner_kinds has those without): what travelled in
 * instalments, or in any order, is the same learner in every later bit; rows come in order; bad
 * ones are refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "model/calibrator.h"
#include "model/effects.h"
#include "tests/support/learner_scene.h"

#define OLD_ARMS 60 /* more than there is room for */

static struct learner_scene scene;

static int set_up(void **state) {
    (void)state;
    learner_scene_init(&scene);
    return 0;
}

/* Corrections too; an old arm now and then. */
static void learn(void *memory, struct rng *rng, int count) {
    for (int i = 0; i < count; i++) {
        struct scene_example example;
        scene_example_draw(&scene, rng, &example);
        example.example.arm = rng_below(rng, 20) == 0 ? 4711 : example.example.arm;
        example.example.is_correction = rng_below(rng, 10) == 0;
        example.example.p_first = rng_unit(rng);
        example.example.weight = 1 + rng_unit(rng);
        assert_int_equal(learner_logistic.learn(memory, &example.example), LEARNER_OK);
    }
}

static struct row_store rows_of(void *memory, bool all) {
    struct row_store store = {0};
    learner_logistic.export_rows(memory, all, row_store_visit, &store);
    return store;
}

/* The same scores and the same rows. */
static void expect_equal(void *a, void *b) {
    struct rng rng = rng_make(99, 0);
    const uint64_t arms[] = {LEARNER_ARM_NONE, scene.arms[1], scene.arms[2], 4711, 815};
    for (int i = 0; i < 200; i++) {
        struct scene_example example;
        struct learner_scores left, right;
        memset(&left, 0, sizeof left);
        memset(&right, 0, sizeof right);
        scene_example_draw(&scene, &rng, &example);
        learner_logistic.score(a, &example.example.input, arms, 5, &left);
        learner_logistic.score(b, &example.example.input, arms, 5, &right);
        assert_memory_equal(&left, &right, sizeof left);
    }
    struct row_store of_a = rows_of(a, true), of_b = rows_of(b, true);
    assert_true(of_a.count > 20 && row_store_equal(&of_a, &of_b));
    row_store_clear(&of_a);
    row_store_clear(&of_b);
}

static void instalments_are_the_whole(void **state) {
    (void)state;
    void *a = learner_scene_new(&scene), *b = learner_scene_new(&scene);
    struct rng rng = rng_make(3, 0);
    size_t whole = 0;
    for (int round = 0; round < 30; round++) {
        learn(a, &rng, round % 3 == 0 ? 100 : 1);
        struct row_store store = rows_of(a, false);
        row_store_import(&store, &learner_logistic, b);
        whole = round % 3 == 0 ? store.count : whole;
        assert_true(store.count > 0 && (round % 3 == 0 || store.count < whole));
        row_store_clear(&store);
        if (round % 10 == 9) {
            expect_equal(a, b); /* exports all: what changed is forgotten then as well */
        }
        struct row_store nothing = rows_of(a, false);
        assert_int_equal(nothing.count, 0);
    }
    /* What was imported is not a change; what is then learned is. */
    struct row_store nothing = rows_of(b, false);
    assert_int_equal(nothing.count, 0);
    free(a);
    free(b);
}

static void scoring_needs_no_optimizer_rows(void **state) {
    (void)state;
    void *a = learner_scene_new(&scene), *b = learner_scene_new(&scene);
    struct rng rng = rng_make(4, 0);
    learn(a, &rng, 2000);
    struct row_store store = rows_of(a, true);
    size_t left_out = 0;
    for (size_t i = 0; i < store.count; i++) {
        if (store.rows[i].kind == LEARNER_OPTIMIZER) {
            left_out++;
        } else {
            learner_logistic.import_row(b, &store.rows[i]);
        }
    }
    assert_true(left_out > 0);
    for (int i = 0; i < 200; i++) {
        struct scene_example example;
        struct learner_scores left, right;
        memset(&left, 0, sizeof left);
        memset(&right, 0, sizeof right);
        scene_example_draw(&scene, &rng, &example);
        learner_logistic.score(a, &example.example.input, scene.arms, SCENE_ARMS, &left);
        learner_logistic.score(b, &example.example.input, scene.arms, SCENE_ARMS, &right);
        assert_memory_equal(&left, &right, sizeof left);
    }
    row_store_clear(&store);
    free(a);
    free(b);
}

static void rows_come_in_order_and_fit(void **state) {
    (void)state;
    void *memory = learner_scene_new(&scene);
    struct row_store empty = rows_of(memory, true);
    assert_int_equal(empty.count, 0); /* nothing is other than after init */
    struct rng rng = rng_make(5, 0);
    learn(memory, &rng, 500);
    struct row_store store = rows_of(memory, true);
    bool has_kind[LEARNER_ROW_KINDS] = {false};
    for (size_t i = 0; i < store.count; i++) {
        const struct learner_row *row = &store.rows[i];
        assert_true(i == 0 || strcmp(store.rows[i - 1].key, row->key) < 0);
        assert_true(row->values.size > 0 && row->values.size <= LEARNER_ROW_BYTES_MAX);
        assert_true(row->kind < LEARNER_ROW_KINDS);
        has_kind[row->kind] = true;
    }
    for (int kind = 0; kind < LEARNER_ROW_KINDS; kind++) {
        assert_true(has_kind[kind]);
    }
    row_store_clear(&store);
    free(memory);
}

/* ---- refusals ---- */

static void expect_verdict(const void *memory, const struct learner_row *row,
                           enum learner_verdict verdict) {
    assert_int_equal(learner_logistic.check_row(memory, row), verdict);
}

static void set_value(struct learner_row *row, uint8_t *values, size_t at, double value) {
    if (row->kind == LEARNER_WEIGHTS || row->kind == LEARNER_OPTIMIZER) {
        memcpy(values + 4 * at, &(float){(float)value}, 4);
    } else {
        memcpy(values + 8 * at, &value, 8);
    }
    row->values = bytes_of(values, row->values.size);
}

static void bad_rows_are_refused_and_change_nothing(void **state) {
    (void)state;
    void *memory = learner_scene_new(&scene);
    size_t bytes = learner_logistic.memory_bytes(&scene.options, &scene.space);
    struct rng rng = rng_make(6, 0);
    learn(memory, &rng, 500);
    struct row_store store = rows_of(memory, true);
    void *before = memory_new(1, bytes);
    memcpy(before, memory, bytes);
    static uint8_t values[LEARNER_ROW_BYTES_MAX];
    for (size_t i = 0; i < store.count; i++) {
        struct learner_row row = store.rows[i];
        row.values.size--;
        expect_verdict(memory, &row, LEARNER_BAD_SIZE);
        row = store.rows[i];
        memcpy(values, row.values.data, row.values.size);
        row.values = bytes_of(values, row.values.size + 8);
        expect_verdict(memory, &row, LEARNER_BAD_SIZE);
        row = store.rows[i];
        row.values = bytes_of(values, 0);
        expect_verdict(memory, &row, LEARNER_BAD_SIZE);
        const double poisons[] = {(double)NAN, (double)INFINITY, -2e30};
        for (int k = 0; k < 3; k++) {
            row = store.rows[i];
            memcpy(values, row.values.data, row.values.size);
            set_value(&row, values, row.kind == LEARNER_WEIGHTS ? 5 : 1, poisons[k]);
            expect_verdict(memory, &row, LEARNER_BAD_VALUE);
        }
        row = store.rows[i];
        row.kind = (row.kind + 1) % LEARNER_ROW_KINDS;
        expect_verdict(memory, &row, LEARNER_BAD_ROW);
        expect_verdict(memory, &store.rows[i], LEARNER_OK);
    }
    assert_memory_equal(memory, before, bytes);
    row_store_clear(&store);
    free(before);
    free(memory);
}

static void sums_of_squares_and_variances_are_not_below_zero(void **state) {
    (void)state;
    void *memory = learner_scene_new(&scene);
    struct rng rng = rng_make(7, 0);
    learn(memory, &rng, 500);
    struct row_store store = rows_of(memory, true);
    static uint8_t values[LEARNER_ROW_BYTES_MAX];
    for (size_t i = 0; i < store.count; i++) {
        struct learner_row row = store.rows[i];
        memcpy(values, row.values.data, row.values.size);
        if (row.kind == LEARNER_WEIGHTS) {
            set_value(&row, values, 1, -1);
        } else if (row.kind == LEARNER_MOMENTS) {
            size_t arms = effects_row_arms(row.values), end = row.values.size / 8;
            size_t behind_p = end - arms * CALIBRATOR_ARM_VALUES;
            set_value(&row, values, behind_p - 1, 0); /* the last of the diagonal */
            expect_verdict(memory, &row, LEARNER_BAD_VALUE);
            set_value(&row, values, behind_p - 1, 1);
            expect_verdict(memory, &row, LEARNER_OK);
            set_value(&row, values, end - 1, -1); /* n of the last arm's calibration */
        } else if (row.kind == LEARNER_CALIBRATOR) {
            set_value(&row, values, CALIBRATOR_ORIGINS + 1, -1);
        } else {
            continue;
        }
        expect_verdict(memory, &row, LEARNER_BAD_VALUE);
    }
    row_store_clear(&store);
    free(memory);
}

static void expect_refused_options(const struct row_store *store) {
    void *memory = learner_scene_new(&scene);
    size_t refused = 0;
    for (size_t i = 0; i < store->count; i++) {
        refused += learner_logistic.check_row(memory, &store->rows[i]) == LEARNER_BAD_SIZE;
    }
    assert_true(refused > 0);
    free(memory);
    learner_scene_init(&scene);
}

static void rows_of_other_options_are_refused(void **state) {
    (void)state;
    void *memory = learner_scene_new(&scene);
    struct rng rng = rng_make(8, 0);
    learn(memory, &rng, 100);
    struct row_store store = rows_of(memory, true);
    scene.options.alpha = 0.2; /* z would be another weight */
    expect_refused_options(&store);
    scene.options.head.arm_names[0] = SCENE_REGION; /* as many components, other meanings */
    expect_refused_options(&store);
    scene.options.bits = 13;
    expect_refused_options(&store);
    scene.space.feature_version = 2;
    expect_refused_options(&store);
    scene.options.head.arm_name_count = 0;
    expect_refused_options(&store);
    /* Priors are for before any data: they may change. */
    scene.offers[0].prior_mean = 0;
    void *other = learner_scene_new(&scene);
    row_store_import(&store, &learner_logistic, other);
    learner_scene_init(&scene);
    expect_equal(memory, other);
    free(other);
    row_store_clear(&store);
    free(memory);
}

/* Of a trigger, for observations have no effects. */
static bool is_same_arm(const void *a, const void *b, uint64_t arm) {
    struct rng rng = rng_make(98, 0);
    struct scene_example example;
    struct learner_scores left, right;
    scene_example_draw(&scene, &rng, &example);
    example.names[SCENE_ORIGIN] = bytes_of_text("cart_abandoned");
    learner_logistic.score(a, &example.example.input, &arm, 1, &left);
    learner_logistic.score(b, &example.example.input, &arm, 1, &right);
    return memcmp(&left.arms[0], &right.arms[0], sizeof left.arms[0]) == 0 &&
           left.covariance[0] == right.covariance[0];
}

static void arms_keep_what_is_theirs_whatever_their_numbers(void **state) {
    (void)state;
    void *a = learner_scene_new(&scene);
    struct rng rng = rng_make(9, 0);
    learn(a, &rng, 1000);
    struct row_store store = rows_of(a, true);
    struct learner_arm swapped = scene.offers[0];
    scene.offers[0] = scene.offers[1];
    scene.offers[1] = swapped;
    void *b = learner_scene_new(&scene);
    row_store_import(&store, &learner_logistic, b);
    expect_equal(a, b);
    struct rng same = rng;
    learn(a, &rng, 500);
    learn(b, &same, 500);
    expect_equal(a, b);
    /* One that is not configured any more, too, beside a new one. */
    scene.offers[1].key = 1;
    void *c = learner_scene_new(&scene);
    row_store_clear(&store);
    store = rows_of(a, true);
    row_store_import(&store, &learner_logistic, c);
    assert_true(is_same_arm(a, c, swapped.key) && !is_same_arm(a, c, 1));
    row_store_clear(&store);
    free(a);
    free(b);
    free(c);
}

/* Before its first trigger a shop has nothing but sampled observations; an old arm may be among
 * them. */
static void observations_alone_travel(void **state) {
    (void)state;
    void *a = learner_scene_new(&scene), *b = learner_scene_new(&scene);
    void *c = learner_scene_new(&scene);
    struct rng rng = rng_make(10, 0);
    for (int i = 0; i < 100; i++) {
        struct scene_example example;
        scene_example_draw(&scene, &rng, &example);
        example.names[SCENE_ORIGIN] = bytes_of_text("observe");
        example.example.arm = i == 50 ? 4711 : LEARNER_ARM_NONE;
        assert_int_equal(learner_logistic.learn(a, &example.example), LEARNER_OK);
    }
    struct row_store changed = rows_of(a, false), all = rows_of(a, true);
    row_store_import(&changed, &learner_logistic, b);
    row_store_import(&all, &learner_logistic, c);
    expect_equal(a, b);
    expect_equal(a, c);
    struct rng same = rng, again = rng;
    learn(a, &rng, 200);
    learn(b, &same, 200);
    learn(c, &again, 200);
    expect_equal(a, b);
    expect_equal(a, c);
    row_store_clear(&changed);
    row_store_clear(&all);
    free(a);
    free(b);
    free(c);
}

static void learn_old_arms(void *memory, struct rng *rng, int count) {
    for (int i = 0; i < count; i++) {
        struct scene_example example;
        scene_example_draw(&scene, rng, &example);
        example.example.arm = i % 3 ? example.example.arm : UINT64_MAX - rng_below(rng, OLD_ARMS);
        assert_int_equal(learner_logistic.learn(memory, &example.example), LEARNER_OK);
    }
}

/* A topic that was compacted gives rows in any order. The table of arms is full, and an offer that
 * is configured now takes the room of an old one: all others keep what is theirs. */
static void the_order_of_rows_does_not_matter(void **state) {
    (void)state;
    void *a = learner_scene_new(&scene);
    struct rng rng = rng_make(11, 0);
    learn_old_arms(a, &rng, 3000);
    struct row_store store = rows_of(a, true), reversed = {0};
    for (size_t i = store.count; i-- > 0;) {
        row_store_visit(&reversed, &store.rows[i]);
    }
    scene.offers[1] = scene.offers[0];
    scene.offers[0] = (struct learner_arm){5, 0.2, 0.3};
    void *b = learner_scene_new(&scene), *c = learner_scene_new(&scene);
    row_store_import(&store, &learner_logistic, b);
    row_store_import(&reversed, &learner_logistic, c);
    expect_equal(b, c);
    for (uint64_t old = 0; old < OLD_ARMS; old++) {
        assert_true(is_same_arm(a, b, UINT64_MAX - old));
    }
    assert_true(is_same_arm(a, b, LEARNER_ARM_NONE));
    assert_true(is_same_arm(a, b, scene.arms[SCENE_TEN_PERCENT]));
    assert_true(!is_same_arm(a, b, scene.arms[SCENE_REMINDER]) && !is_same_arm(a, b, 5));
    struct rng same = rng;
    learn_old_arms(b, &rng, 500);
    learn_old_arms(c, &same, 500);
    expect_equal(b, c);
    row_store_clear(&store);
    row_store_clear(&reversed);
    free(a);
    free(b);
    free(c);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(instalments_are_the_whole),
        TEST(scoring_needs_no_optimizer_rows),
        TEST(rows_come_in_order_and_fit),
        TEST(bad_rows_are_refused_and_change_nothing),
        TEST(sums_of_squares_and_variances_are_not_below_zero),
        TEST(rows_of_other_options_are_refused),
        TEST(arms_keep_what_is_theirs_whatever_their_numbers),
        TEST(observations_alone_travel),
        TEST(the_order_of_rows_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
