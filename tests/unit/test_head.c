/* head: what it adds to a base is what `logistic` has around its own: effects of offers that are
 * found, calibration, corrections; without offers and calibration it adds nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "model/head_internal.h"
#include "model/linear.h"
#include "model/sigma.h"
#include "tests/support/learner_scene.h"

static struct learner_scene scene;
static struct linear_options options;

static int set_up(void **state) {
    (void)state;
    learner_scene_init(&scene);
    learner_options_default(&learner_linear, &options);
    options.table.bits = 12;
    options.head.arm_name_count = 1;
    options.head.arm_names[0] = SCENE_CATEGORY;
    return 0;
}

static void *learner_new(size_t offers) {
    void *memory = memory_new(1, learner_linear.memory_bytes(&options, &scene.space));
    learner_linear.init(memory, &options, &scene.space, scene.offers, offers);
    return memory;
}

static void without_offers_and_calibration_it_adds_nothing(void **state) {
    (void)state;
    options.head.calibration_rate = 0;
    void *memory = learner_new(0);
    const struct head *head = memory;
    struct rng rng = rng_make(1, 0);
    for (int i = 0; i < 500; i++) {
        struct scene_example example;
        scene_example_draw(&scene, &rng, &example);
        struct learner_scores scores;
        struct base_output base;
        learner_linear.score(memory, &example.example.input, scene.arms, SCENE_ARMS, &scores);
        head->base->forward(head_base(memory), &example.example.input, 0, &base);
        for (int arm = 0; arm < SCENE_ARMS; arm++) {
            assert_true(scores.arms[arm].mean == base.logit && scores.arms[arm].raw == base.logit);
            assert_true(scores.arms[arm].p == sigma(base.logit));
        }
        assert_true(scores.covariance[1] == base.variance);
        assert_int_equal(learner_linear.learn(memory, &example.example), LEARNER_OK);
    }
    struct row_store store = {0};
    learner_linear.export_rows(memory, true, row_store_visit, &store);
    for (size_t i = 0; i < store.count; i++) {
        assert_true(store.rows[i].key[0] != 'c' && store.rows[i].key[0] != 'd');
    }
    row_store_clear(&store);
    free(memory);
}

/* An offer that adds 1 to the log-odds, the others nothing. */
static void effects_of_offers_are_found(void **state) {
    (void)state;
    void *memory = learner_new(SCENE_ARMS - 1);
    struct rng rng = rng_make(2, 0);
    double ratio[2] = {0, 0}, added[2] = {0, 0};
    for (int i = 0; i < 30000; i++) {
        struct scene_example example;
        scene_example_draw(&scene, &rng, &example);
        example.names[SCENE_ORIGIN] = bytes_of_text("cart_abandoned");
        bool is_ten = example.example.arm == scene.arms[SCENE_TEN_PERCENT];
        example.example.label = rng_unit(&rng) < sigma(-1 + is_ten);
        struct learner_scores scores;
        assert_int_equal(
            learner_linear.score(memory, &example.example.input, scene.arms, SCENE_ARMS, &scores),
            LEARNER_OK);
        if (i >= 20000) {
            ratio[0] += example.example.label;
            for (int arm = 0; arm < SCENE_ARMS; arm++) {
                ratio[1] += example.example.arm == scene.arms[arm] ? scores.arms[arm].p : 0;
            }
            added[0] += (scores.arms[SCENE_TEN_PERCENT].mean - scores.arms[0].mean) / 10000;
            added[1] += (scores.arms[SCENE_REMINDER].mean - scores.arms[0].mean) / 10000;
        }
        assert_int_equal(learner_linear.learn(memory, &example.example), LEARNER_OK);
    }
    printf("effects %.2f and %.2f, sum y / sum p %.3f\n", added[0], added[1], ratio[0] / ratio[1]);
    assert_true(fabs(added[0] - 1) < 0.15 && fabs(added[1]) < 0.15);
    assert_true(fabs(ratio[0] / ratio[1] - 1) < 0.04);
    free(memory);
}

static void learn(void *memory, uint64_t seed, int count) {
    struct rng rng = rng_make(seed, 0);
    for (int i = 0; i < count; i++) {
        struct scene_example example;
        scene_example_draw(&scene, &rng, &example);
        example.example.arm = rng_below(&rng, 20) == 0 ? 4711 : example.example.arm;
        example.example.is_correction = rng_below(&rng, 10) == 0;
        example.example.is_censored = rng_below(&rng, 10) == 0;
        example.example.p_first = rng_unit(&rng);
        assert_int_equal(learner_linear.learn(memory, &example.example), LEARNER_OK);
    }
}

static void expect_equal(void *a, void *b) {
    struct rng rng = rng_make(99, 0);
    const uint64_t arms[] = {LEARNER_ARM_NONE, scene.arms[1], scene.arms[2], 4711, 815};
    for (int i = 0; i < 100; i++) {
        struct scene_example example;
        struct learner_scores left, right;
        memset(&left, 0, sizeof left);
        memset(&right, 0, sizeof right);
        scene_example_draw(&scene, &rng, &example);
        learner_linear.score(a, &example.example.input, arms, 5, &left);
        learner_linear.score(b, &example.example.input, arms, 5, &right);
        assert_memory_equal(&left, &right, sizeof left);
    }
}

/* Into a learner with the offers, and into one that knows none: it has them from the rows. */
static void effects_and_calibration_travel(void **state) {
    (void)state;
    for (size_t offers = 0; offers < SCENE_ARMS; offers += SCENE_ARMS - 1) {
        void *a = learner_new(SCENE_ARMS - 1), *b = learner_new(offers);
        for (uint64_t round = 0; round < 4; round++) {
            struct row_store store = {0};
            learn(a, round, 300);
            learner_linear.export_rows(a, round == 0, row_store_visit, &store);
            row_store_import(&store, &learner_linear, b);
            row_store_clear(&store);
            expect_equal(a, b);
        }
        learn(a, 9, 100);
        learn(b, 9, 100);
        expect_equal(a, b);
        free(a);
        free(b);
    }
}

/* Taken back at once, a label leaves the sum of gradients as if it had never been. */
static void a_correction_takes_the_label_back(void **state) {
    (void)state;
    options.head.calibration_rate = 0;
    void *memory = learner_new(0);
    struct rng rng = rng_make(5, 0);
    struct scene_example example;
    scene_example_draw(&scene, &rng, &example);
    struct learner_scores scores;
    learner_linear.score(memory, &example.example.input, scene.arms, 1, &scores);
    double before = scores.arms[0].p;
    example.example.label = 0;
    assert_int_equal(learner_linear.learn(memory, &example.example), LEARNER_OK);
    learner_linear.score(memory, &example.example.input, scene.arms, 1, &scores);
    assert_true(scores.arms[0].p < before);
    example.example.label = 1;
    example.example.is_correction = true;
    example.example.p_first = before;
    assert_int_equal(learner_linear.learn(memory, &example.example), LEARNER_OK);
    learner_linear.score(memory, &example.example.input, scene.arms, 1, &scores);
    assert_true(scores.arms[0].p > before);
    free(memory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(without_offers_and_calibration_it_adds_nothing, set_up),
        cmocka_unit_test_setup(effects_of_offers_are_found, set_up),
        cmocka_unit_test_setup(effects_and_calibration_travel, set_up),
        cmocka_unit_test_setup(a_correction_takes_the_label_back, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
