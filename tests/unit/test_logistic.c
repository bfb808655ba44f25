/* logistic: scores, what an example moves, what is refused, explanations that add up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/buffer.h"
#include "model/sigma.h"
#include "tests/support/learner_scene.h"

struct fixture {
    struct learner_scene scene;
    void *memory;
    size_t bytes;
};

static int set_up(void **state) {
    struct fixture *fixture = memory_new(1, sizeof *fixture);
    learner_scene_init(&fixture->scene);
    fixture->memory = learner_scene_new(&fixture->scene);
    fixture->bytes = learner_logistic.memory_bytes(&fixture->scene.options, &fixture->scene.space);
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    free(fixture->memory);
    free(fixture);
    return 0;
}

static void near(double found, double expected, double tolerance) {
    if (!(fabs(found - expected) <= tolerance)) {
        fail_msg("found %.17g, expected %.17g within %g", found, expected, tolerance);
    }
}

static void learn_some(struct fixture *fixture, uint64_t seed, int count) {
    struct rng rng = rng_make(seed, 0);
    for (int i = 0; i < count; i++) {
        struct scene_example example;
        scene_example_draw(&fixture->scene, &rng, &example);
        assert_int_equal(learner_logistic.learn(fixture->memory, &example.example), LEARNER_OK);
    }
}

static struct learner_scores score(const struct fixture *fixture,
                                   const struct scene_example *example) {
    struct learner_scores scores;
    struct learner_input input = {.numbers = example->numbers, .names = example->names};
    enum learner_verdict verdict =
        learner_logistic.score(fixture->memory, &input, fixture->scene.arms, SCENE_ARMS, &scores);
    assert_int_equal(verdict, LEARNER_OK);
    return scores;
}

/* ---- score ---- */

static double covariance(const struct learner_scores *scores, int a, int b) {
    return scores->covariance[a * SCENE_ARMS + b];
}

/* Of what the arm adds to none. */
static double gain_sd(const struct learner_scores *scores, int arm) {
    return sqrt(covariance(scores, arm, arm) + covariance(scores, SCENE_NONE, SCENE_NONE) -
                2 * covariance(scores, arm, SCENE_NONE));
}

static void before_any_data_a_score_is_the_prior(void **state) {
    struct fixture *fixture = *state;
    struct rng rng = rng_make(1, 0);
    struct scene_example example;
    scene_example_draw(&fixture->scene, &rng, &example);
    example.names[SCENE_ORIGIN] = bytes_of_text("cart_abandoned");
    struct learner_scores scores = score(fixture, &example);
    near(scores.arms[SCENE_NONE].p, 0.1, 1e-12);
    near(scores.arms[SCENE_TEN_PERCENT].mean, logit_of(0.1) + 0.35, 1e-12);
    near(scores.arms[SCENE_REMINDER].p, sigma(logit_of(0.1) + 0.1), 1e-12);
    assert_true(gain_sd(&scores, SCENE_TEN_PERCENT) > 0.35);
    assert_true(gain_sd(&scores, SCENE_REMINDER) > 0.2 && gain_sd(&scores, SCENE_REMINDER) < 0.35);
    assert_true(covariance(&scores, SCENE_NONE, SCENE_NONE) > 10); /* one for each slot */
    /* Of a sampled observation offers say nothing. */
    example.names[SCENE_ORIGIN] = bytes_of_text("observe");
    scores = score(fixture, &example);
    near(scores.arms[SCENE_TEN_PERCENT].mean, scores.arms[SCENE_NONE].mean, 0);
    near(gain_sd(&scores, SCENE_TEN_PERCENT), 0, 0);
}

static void an_offer_moves_itself_most_then_the_others_then_none(void **state) {
    (void)state;
    struct fixture plain, *fixture = &plain;
    learner_scene_init(&plain.scene);
    plain.scene.options.head.calibration_rate = 0; /* its slope scales deviations too */
    plain.memory = learner_scene_new(&plain.scene);
    struct rng rng = rng_make(2, 0);
    struct scene_example example;
    scene_example_draw(&fixture->scene, &rng, &example);
    example.names[SCENE_ORIGIN] = bytes_of_text("cart_abandoned");
    example.example.arm = fixture->scene.arms[SCENE_TEN_PERCENT];
    example.example.label = 1;
    /* The first example gives its values their components, with an uncertainty of their own. */
    assert_int_equal(learner_logistic.learn(fixture->memory, &example.example), LEARNER_OK);
    struct learner_scores before = score(fixture, &example);
    assert_int_equal(learner_logistic.learn(fixture->memory, &example.example), LEARNER_OK);
    struct learner_scores after = score(fixture, &example);
    double base = after.arms[SCENE_NONE].raw - before.arms[SCENE_NONE].raw;
    double ten = after.arms[SCENE_TEN_PERCENT].raw - before.arms[SCENE_TEN_PERCENT].raw;
    double reminder = after.arms[SCENE_REMINDER].raw - before.arms[SCENE_REMINDER].raw;
    assert_true(base > 0 && ten > reminder && reminder > base); /* what arms share moves both */
    assert_true(gain_sd(&after, SCENE_TEN_PERCENT) < gain_sd(&before, SCENE_TEN_PERCENT));
    for (int arm = 0; arm < SCENE_ARMS; arm++) {
        assert_true(covariance(&after, arm, arm) < covariance(&before, arm, arm));
        near(covariance(&after, arm, 0), covariance(&after, 0, arm), 0);
    }
    /* Triggers and observations share nothing. */
    example.names[SCENE_ORIGIN] = bytes_of_text("observe");
    near(score(fixture, &example).arms[SCENE_NONE].raw, logit_of(0.1), 1e-12);
    free(plain.memory);
}

static void truth_is_found_through_the_whole_learner(void **state) {
    struct fixture *fixture = *state;
    learn_some(fixture, 3, 60000);
    struct rng rng = rng_make(4, 0);
    double sum_p = 0, sum_y = 0, lift = 0;
    int n = 0;
    for (int i = 0; i < 20000; i++) {
        struct scene_example example;
        scene_example_draw(&fixture->scene, &rng, &example);
        struct learner_scores scores = score(fixture, &example);
        for (int arm = 0; arm < SCENE_ARMS; arm++) {
            sum_p += example.example.arm == fixture->scene.arms[arm] ? scores.arms[arm].p : 0;
        }
        sum_y += example.example.label;
        bool is_trigger = !bytes_equal(example.names[SCENE_ORIGIN], bytes_of_text("observe"));
        lift += scores.arms[SCENE_TEN_PERCENT].mean - scores.arms[SCENE_NONE].mean; /* else 0 */
        n += is_trigger;
    }
    near(sum_p / sum_y, 1, 0.03);
    near(lift / n, 0.6, 0.12); /* the rule of scene_example_draw */
}

/* The same learner with another slope of its calibration: the first value of its row. */
static void *with_slope(struct fixture *fixture, double added) {
    void *memory = learner_scene_new(&fixture->scene);
    struct row_store store = {0};
    learner_logistic.export_rows(fixture->memory, true, row_store_visit, &store);
    for (size_t i = 0; i < store.count; i++) {
        if (store.rows[i].kind == LEARNER_CALIBRATOR) {
            uint8_t *values = (uint8_t *)(uintptr_t)store.rows[i].values.data;
            double z;
            memcpy(&z, values, sizeof z);
            z += added;
            memcpy(values, &z, sizeof z);
        }
    }
    row_store_import(&store, &learner_logistic, memory);
    row_store_clear(&store);
    return memory;
}

static void deviations_are_on_the_calibrated_logit(void **state) {
    struct fixture *fixture = *state, steep = *fixture;
    learn_some(fixture, 15, 2000);
    steep.memory = with_slope(fixture, -500);
    struct rng rng = rng_make(16, 0);
    struct scene_example example, other;
    scene_example_draw(&fixture->scene, &rng, &example);
    scene_example_draw(&fixture->scene, &rng, &other);
    other.names[SCENE_ORIGIN] = example.names[SCENE_ORIGIN]; /* slopes are by origin */
    double slopes[2], covariances[2];
    const struct fixture *both[] = {fixture, &steep};
    for (int i = 0; i < 2; i++) {
        struct learner_scores left = score(both[i], &example), right = score(both[i], &other);
        const struct learner_arm_score *a = &left.arms[SCENE_REMINDER];
        const struct learner_arm_score *b = &right.arms[SCENE_REMINDER];
        slopes[i] = (a->mean - b->mean) / (a->raw - b->raw);
        covariances[i] = covariance(&left, SCENE_REMINDER, SCENE_TEN_PERCENT);
    }
    assert_true(fabs(slopes[1] / slopes[0] - 1) > 0.02);
    near(covariances[1] / covariances[0], pow(slopes[1] / slopes[0], 2), 1e-9);
    free(steep.memory);
}

static void old_arms_are_made_at_their_first_example_and_beyond_the_room_ignored(void **state) {
    struct fixture *fixture = *state;
    struct rng rng = rng_make(5, 0);
    struct scene_example example;
    scene_example_draw(&fixture->scene, &rng, &example);
    example.names[SCENE_ORIGIN] = bytes_of_text("cart_abandoned");
    const struct learner_input *input = &example.example.input;
    for (uint64_t arm = 500; arm < 540; arm++) {
        bool has_room = arm < 500 + LEARNER_ARMS_MAX - SCENE_ARMS;
        uint64_t arms[2] = {arm, 1000}; /* 1000 is never learned */
        struct learner_scores before, after;
        example.example.arm = arm;
        example.example.label = (double)(arm % 2);
        learner_logistic.score(fixture->memory, input, arms, 2, &before);
        near(before.arms[0].raw, before.arms[1].raw, 0);
        assert_int_equal(learner_logistic.learn(fixture->memory, &example.example), LEARNER_OK);
        learner_logistic.score(fixture->memory, input, arms, 2, &after);
        assert_int_equal(after.arms[0].raw != after.arms[1].raw, has_room);
        assert_true(after.arms[1].raw != before.arms[1].raw); /* f learns from all */
    }
}

/* ---- corrections ---- */

static void a_correction_ends_near_the_truth_at_once(void **state) {
    struct fixture *fixture = *state;
    struct fixture at_once = *fixture;
    at_once.memory = learner_scene_new(&fixture->scene);
    struct rng rng = rng_make(6, 0);
    double gap = 0;
    for (int i = 0; i < 5000; i++) {
        struct scene_example example;
        scene_example_draw(&fixture->scene, &rng, &example);
        assert_int_equal(learner_logistic.learn(at_once.memory, &example.example), LEARNER_OK);
        double label = example.example.label;
        example.example.label = 0;
        for (int arm = 0; arm < SCENE_ARMS; arm++) {
            if (example.example.arm == fixture->scene.arms[arm]) {
                example.example.p_first = score(fixture, &example).arms[arm].p;
            }
        }
        assert_int_equal(learner_logistic.learn(fixture->memory, &example.example), LEARNER_OK);
        if (label > 0.5) {
            example.example.label = 1;
            example.example.is_correction = true;
            assert_int_equal(learner_logistic.learn(fixture->memory, &example.example), LEARNER_OK);
        }
        if (i >= 4000) {
            gap += fabs(score(fixture, &example).arms[SCENE_NONE].p -
                        score(&at_once, &example).arms[SCENE_NONE].p);
        }
    }
    assert_true(gap > 0 && gap / 1000 < 0.01);
    free(at_once.memory);
}

/* ---- refusals ---- */

/* Of an arm and with a value that are new: they must not stay behind either. */
static void poisoned_examples_are_refused_and_change_nothing(void **state) {
    struct fixture *fixture = *state;
    learn_some(fixture, 8, 500);
    void *before = memory_new(1, fixture->bytes);
    memcpy(before, fixture->memory, fixture->bytes);
    for (int bad = 0; bad < 9; bad++) {
        struct rng rng = rng_make(7, 0);
        struct scene_example drawn;
        struct learner_example *example = &drawn.example;
        scene_example_draw(&fixture->scene, &rng, &drawn);
        example->arm = 777;
        drawn.names[SCENE_CATEGORY] = bytes_of_text("a new value");
        double *number = &drawn.numbers[SCENE_VIEWS];
        *number = bad == 0 ? (double)INFINITY : bad == 1 ? -2e15 : *number;
        example->label = bad == 2 ? 0.5 : bad == 3 ? (double)NAN : example->label;
        example->weight = bad == 4 ? 0 : bad == 5 ? 10001 : bad == 6 ? (double)NAN : 1;
        example->p_first = bad == 7 ? 1.01 : bad == 8 ? -(double)INFINITY : (double)NAN;
        assert_int_equal(learner_logistic.learn(fixture->memory, example), LEARNER_BAD_VALUE);
        assert_memory_equal(fixture->memory, before, fixture->bytes);
    }
    free(before);
}

/* Rows may hold what no training leads to; what would overflow is refused as a whole. */
static void what_would_not_be_finite_is_refused_and_changes_nothing(void **state) {
    struct fixture *fixture = *state;
    learn_some(fixture, 9, 300);
    struct row_store store = {0};
    learner_logistic.export_rows(fixture->memory, true, row_store_visit, &store);
    size_t refused = 0;
    for (size_t i = 0; i < store.count; i++) {
        struct learner_row row = store.rows[i];
        if (row.kind != LEARNER_OPTIMIZER) {
            continue;
        }
        uint8_t values[128];
        assert_true(row.values.size <= sizeof values);
        for (size_t k = 0; k < row.values.size; k += 4) {
            memcpy(values + k, &(float){9e29f}, 4); /* z alone: w follows at the next step */
        }
        row.values = bytes_of(values, row.values.size);
        assert_int_equal(learner_logistic.check_row(fixture->memory, &row), LEARNER_OK);
        learner_logistic.import_row(fixture->memory, &row);
    }
    learn_some(fixture, 9, 1); /* w of its slots is now of the order 1e28 */
    void *before = memory_new(1, fixture->bytes);
    memcpy(before, fixture->memory, fixture->bytes);
    struct rng rng = rng_make(9, 0);
    for (int i = 0; i < 20; i++) {
        struct scene_example example;
        struct learner_scores scores;
        scene_example_draw(&fixture->scene, &rng, &example);
        example.names[SCENE_CATEGORY] = bytes_of_text("a new value");
        example.example.arm = 777;
        enum learner_verdict verdict = learner_logistic.score(
            fixture->memory, &example.example.input, fixture->scene.arms, SCENE_ARMS, &scores);
        if (verdict == LEARNER_NOT_FINITE) {
            assert_int_equal(learner_logistic.learn(fixture->memory, &example.example),
                             LEARNER_NOT_FINITE);
            assert_memory_equal(fixture->memory, before, fixture->bytes);
            refused++;
        }
    }
    assert_true(refused > 0);
    free(before);
    row_store_clear(&store);
}

/* w of the touched slots first and second is +-9e29; how many are touched. */
static size_t with_opposite_weights(const struct row_store *store, size_t first, size_t second,
                                    void *memory) {
    static const float weights[2] = {9e29f, -9e29f};
    size_t touched = 0;
    for (size_t i = 0; i < store->count; i++) {
        uint8_t values[128];
        struct learner_row row = store->rows[i];
        if (row.kind == LEARNER_WEIGHTS) {
            assert_true(row.values.size <= sizeof values);
            memcpy(values, row.values.data, row.values.size);
            for (size_t at = 0; at < row.values.size; at += 8) {
                float n;
                memcpy(&n, values + at + 4, 4);
                if (n > 0 && (touched == first || touched == second)) {
                    memcpy(values + at, &weights[touched == second], 4);
                }
                touched += n > 0;
            }
            row.values = bytes_of(values, row.values.size);
        }
        learner_logistic.import_row(memory, &row);
    }
    return touched;
}

/* Two weights that cancel out keep the logit small, and overflow when the example is learned: the
 * slots before them are put back. */
static void a_step_that_overflows_half_way_is_taken_back(void **state) {
    (void)state;
    struct fixture tiny;
    learner_scene_init(&tiny.scene);
    tiny.scene.options.alpha = 1e-6;
    tiny.memory = learner_scene_new(&tiny.scene);
    tiny.bytes = learner_logistic.memory_bytes(&tiny.scene.options, &tiny.scene.space);
    struct rng rng = rng_make(14, 0);
    struct scene_example example;
    struct row_store store = {0};
    scene_example_draw(&tiny.scene, &rng, &example);
    assert_int_equal(learner_logistic.learn(tiny.memory, &example.example), LEARNER_OK);
    learner_logistic.export_rows(tiny.memory, true, row_store_visit, &store);
    free(tiny.memory);
    example.example.weight = 1e4;
    void *before = memory_new(1, tiny.bytes);
    size_t scored = 0;
    for (size_t first = 0, touched = 2; first + 1 < touched; first++) {
        struct learner_scores scores;
        tiny.memory = learner_scene_new(&tiny.scene);
        touched = with_opposite_weights(&store, first, first + 1, tiny.memory);
        memcpy(before, tiny.memory, tiny.bytes);
        scored += learner_logistic.score(tiny.memory, &example.example.input, tiny.scene.arms,
                                         SCENE_ARMS, &scores) == LEARNER_OK;
        assert_int_equal(learner_logistic.learn(tiny.memory, &example.example), LEARNER_NOT_FINITE);
        assert_memory_equal(tiny.memory, before, tiny.bytes);
        free(tiny.memory);
    }
    assert_true(scored > 3); /* where both have the same x */
    free(before);
    row_store_clear(&store);
}

/* ---- explanations ---- */

struct explanation {
    double sum, last;
    size_t count, offers;
    bool has_cart_value;
};

static void add_term(void *context, const struct learner_term *term) {
    struct explanation *explanation = context;
    assert_true(explanation->count == 0 || fabs(term->value) <= explanation->last);
    explanation->last = fabs(term->value);
    explanation->sum += term->value;
    explanation->count++;
    explanation->offers += strncmp(term->name, "offer", 5) == 0;
    explanation->has_cart_value |= strncmp(term->name, "cart_value ", 11) == 0;
}

static void explanations_add_up(void **state) {
    struct fixture *fixture = *state;
    learn_some(fixture, 10, 3000);
    struct rng rng = rng_make(11, 0);
    for (int i = 0; i < 100; i++) {
        struct scene_example example;
        scene_example_draw(&fixture->scene, &rng, &example);
        struct learner_scores scores = score(fixture, &example);
        for (int arm = 0; arm < SCENE_ARMS; arm++) {
            struct explanation explanation = {0};
            learner_logistic.explain(fixture->memory, &example.example.input,
                                     fixture->scene.arms[arm], add_term, &explanation);
            double raw = scores.arms[arm].raw;
            near(explanation.sum, raw, 1e-12 * fmax(1, fabs(raw)));
            assert_true(explanation.has_cart_value && explanation.count > 10);
            bool is_trigger = !bytes_equal(example.names[SCENE_ORIGIN], bytes_of_text("observe"));
            assert_int_equal(explanation.offers > 2, arm != SCENE_NONE && is_trigger);
        }
    }
}

/* ---- speed: printed, not asserted ---- */

#define SPEED_NUMBERS 45
#define SPEED_NAMES   11
#define SPEED_INPUTS  256
#define SPEED_ROUNDS  20000

/* As wide as the features of version 1, in a table of the default size. */
static void the_time_of_a_score_and_of_an_example(void **state) {
    (void)state;
    static char texts[SPEED_NUMBERS + SPEED_NAMES][8];
    static double numbers[SPEED_INPUTS][SPEED_NUMBERS];
    static struct bytes names[SPEED_INPUTS][SPEED_NAMES];
    const char *labels[SPEED_NUMBERS + SPEED_NAMES];
    struct rng rng = rng_make(13, 0);
    for (int i = 0; i < SPEED_NUMBERS + SPEED_NAMES; i++) {
        snprintf(texts[i], sizeof texts[i], "f%d", i);
        labels[i] = texts[i];
    }
    for (int i = 0; i < SPEED_INPUTS; i++) {
        for (int k = 0; k < SPEED_NUMBERS; k++) {
            numbers[i][k] = rng_exponential(&rng, 30);
        }
        for (int k = 0; k < SPEED_NAMES; k++) {
            names[i][k] = bytes_of_text(texts[rng_below(&rng, SPEED_NUMBERS)]);
        }
    }
    struct learner_space space = {1, SPEED_NUMBERS, SPEED_NAMES, labels, labels, 0, 0, 1, 2};
    struct logistic_options options;
    learner_options_default(&learner_logistic, &options);
    options.cross_count = 2;
    options.crosses[0][1] = 3;
    options.crosses[1][1] = 4;
    options.head.arm_name_count = 3;
    options.head.arm_names[1] = 1;
    options.head.arm_names[2] = 2;
    uint64_t keys[5] = {LEARNER_ARM_NONE, 1, 2, 3, 4};
    struct learner_arm arms[4] = {{1, .1, .2}, {2, .1, .2}, {3, .1, .2}, {4, .1, .2}};
    void *memory = memory_new(1, learner_logistic.memory_bytes(&options, &space));
    learner_logistic.init(memory, &options, &space, arms, 4);
    clock_t start = clock();
    for (int i = 0; i < SPEED_ROUNDS; i++) {
        int which = i % SPEED_INPUTS;
        struct learner_example example = {.input = {numbers[which], names[which]},
                                          .arm = keys[i % 5],
                                          .label = i % 7 == 0,
                                          .p_first = (double)NAN,
                                          .weight = 1};
        assert_int_equal(learner_logistic.learn(memory, &example), LEARNER_OK);
    }
    clock_t between = clock();
    for (int i = 0; i < SPEED_ROUNDS; i++) {
        struct learner_input input = {.numbers = numbers[i & 255], .names = names[i & 255]};
        struct learner_scores scores;
        assert_int_equal(learner_logistic.score(memory, &input, keys, 5, &scores), LEARNER_OK);
    }
    double us = 1e6 / CLOCKS_PER_SEC / SPEED_ROUNDS;
    printf("45 numbers, 11 names: a score of 5 arms %.2f us, an example %.2f us\n",
           us * (double)(clock() - between), us * (double)(between - start));
    free(memory);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(before_any_data_a_score_is_the_prior),
        TEST(an_offer_moves_itself_most_then_the_others_then_none),
        TEST(truth_is_found_through_the_whole_learner),
        TEST(deviations_are_on_the_calibrated_logit),
        TEST(old_arms_are_made_at_their_first_example_and_beyond_the_room_ignored),
        TEST(a_correction_ends_near_the_truth_at_once),
        TEST(poisoned_examples_are_refused_and_change_nothing),
        TEST(what_would_not_be_finite_is_refused_and_changes_nothing),
        TEST(a_step_that_overflows_half_way_is_taken_back),
        TEST(explanations_add_up),
        TEST(the_time_of_a_score_and_of_an_example),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
