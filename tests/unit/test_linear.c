/* linear: the fast path against its plain twin, numbers whose scale moves, forgetting, regression.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/hash.h"
#include "model/ftrl.h"
#include "model/linear.h"
#include "model/sigma.h"
#include "tests/support/kind_scene.h"

#define DAY_MS INT64_C(86400000)
#define START  INT64_C(1700000000000)

static const struct learner_space words = {
    .feature_version = 1, .origin = -1, .cart_value = -1, .idle = -1, .is_new = -1};

/* Twin of linear_plain.c: ftrl.h in double, one weight after another; features that share a slot
 * all step from what it was before. Here none do. */
static void the_fast_path_is_its_plain_twin(void **state) {
    (void)state;
    enum { KEYS = 64, WIDTH = 20, SLOTS = 64 };
    const struct ftrl_params params = {.alpha = 0.2, .beta = 1, .l1 = 0.3, .l2 = 0.7};
    struct kind_learner learner = kind_learner_new(
        "linear", "bits=16,lr=0.2,l1=0.3,l2=0.7,prior_p=0.2,calibration_rate=0", &words);
    struct {
        double z, n;
    } slots[KEYS + 1] = {{0, 0}}; /* the last is the bias */
    struct rng rng = rng_make(1, 0);
    double worst = 0;
    for (int i = 0; i < 20000; i++) {
        struct learner_feature features[WIDTH];
        size_t keys[WIDTH + 1], count = 0;
        double x[WIDTH + 1], w[WIDTH + 1];
        for (size_t key = rng_below(&rng, 4); key < KEYS && count < WIDTH;
             key += 1 + rng_below(&rng, 5), count++) {
            keys[count] = key;
            x[count] = (double)(float)(rng_below(&rng, 3) ? 1 : rng_normal(&rng));
            features[count] = (struct learner_feature){key << 58 | key << 40, x[count]};
        }
        keys[count] = KEYS;
        x[count] = 1;
        double logit = logit_of(0.2), truth = -1;
        for (size_t j = 0; j <= count; j++) {
            w[j] = ftrl_weight(&params, slots[keys[j]].z, slots[keys[j]].n);
            logit += w[j] * x[j];
            truth += j < count ? 0.7 * sin((double)keys[j]) * x[j] : 0;
        }
        struct learner_example example = {.input.features = features,
                                          .input.feature_count = count,
                                          .label = rng_unit(&rng) < sigma(truth),
                                          .p_first = (double)NAN,
                                          .weight = 0.5 + (double)rng_below(&rng, 3)};
        worst = fmax(worst, fabs(kind_score(&learner, &example.input).raw - logit));
        assert_int_equal(kind_learn(&learner, &example), LEARNER_OK);
        struct ftrl_pull pull = ftrl_pull_first(sigma(logit), example.label, example.weight);
        for (size_t j = 0; j <= count; j++) {
            ftrl_step(&params, w[j], pull.gradient * x[j], pull.square * x[j] * x[j],
                      &slots[keys[j]].z, &slots[keys[j]].n);
        }
    }
    printf("largest difference of a logit %.2g\n", worst);
    assert_true(worst < 1e-3); /* float against double over 20,000 steps */
    kind_learner_free(&learner);
}

static void more_features_than_a_small_buffer_holds(void **state) {
    (void)state;
    enum { MANY = INPUTS_SMALL + 500 };
    struct kind_learner learner =
        kind_learner_new("linear", "bits=20,calibration_rate=0,lr=0.1,l2=0", &words);
    struct learner_feature *features = memory_new(INPUTS_FEATURES_MAX + 1, sizeof *features);
    for (uint64_t i = 0; i <= INPUTS_FEATURES_MAX; i++) {
        features[i] = (struct learner_feature){hash_combine(i, 1), 1};
    }
    struct learner_example example = {
        .input.features = features, .label = 1, .p_first = (double)NAN, .weight = 1e-3};
    size_t counts[] = {1, MANY, INPUTS_FEATURES_MAX};
    for (int i = 0; i < 3; i++) {
        example.input.feature_count = counts[i];
        double before = kind_score(&learner, &example.input).p;
        assert_int_equal(kind_learn(&learner, &example), LEARNER_OK);
        assert_true(kind_score(&learner, &example.input).p > before);
    }
    example.input.feature_count = INPUTS_FEATURES_MAX + 1;
    assert_int_equal(kind_learn(&learner, &example), LEARNER_BAD_VALUE);
    free(features);
    kind_learner_free(&learner);
}

/* Moments move when a count has doubled; no score does. */
static void scaled_numbers_move_and_scores_stay(void **state) {
    (void)state;
    static const char *const cases[] = {"optimizer=ftrl",
                                        "optimizer=ftrl,table=collisionless",
                                        "optimizer=ftrl,half_life_days=9",
                                        "optimizer=sgd",
                                        "optimizer=adagrad",
                                        "optimizer=adam",
                                        "optimizer=coin"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char settings[200];
        snprintf(settings, sizeof settings, "%s,numbers=scale,calibration_rate=0,lr=0.01,l2=0",
                 cases[i]);
        struct kind_learner a = kind_learner_new("linear", settings, &kind_space);
        struct rng rng = rng_make(2, 0);
        struct kind_example probe, example;
        kind_example_draw(&rng, 10, &probe);
        double jumps[2] = {0, 0}; /* where nothing moves, where moments do */
        for (int j = 1; j <= 1100; j++) {
            kind_example_draw(&rng, 10, &example);
            for (int k = 0; k < KIND_NUMBERS; k++) { /* none missing: all counts are j */
                example.numbers[k] = 10 * (k + 1) + (double)(j % 50);
                probe.numbers[k] = 30;
            }
            example.example.weight = 1e-6; /* so that learning itself moves nothing */
            example.example.time_ms = START + j * 1000;
            if (j < 400) {
                example.example.weight = 1;
            }
            double before = kind_score(&a, &probe.example.input).raw;
            assert_int_equal(kind_learn(&a, &example.example), LEARNER_OK);
            double jump = fabs(kind_score(&a, &probe.example.input).raw - before);
            if (j >= 450) {
                bool is_moved = j == 512 || j == 1024;
                jumps[is_moved] = fmax(jumps[is_moved], jump);
            }
        }
        if (!(jumps[1] < 1e-4)) {
            fail_msg("%s: a score moved by %g with the moments, by %g otherwise", cases[i],
                     jumps[1], jumps[0]);
        }
        kind_learner_free(&a);
    }
}

/* ---- forgetting ---- */

/* Words whose weights turn round every 20 days; log-loss over the last 40 of 60 days. */
static double loss_of_drift(const char *settings) {
    enum { KEYS = 200, PER_DAY = 800, DAYS = 60, WIDTH = 6 };
    struct kind_learner learner = kind_learner_new("linear", settings, &words);
    struct rng rng = rng_make(4, 0);
    double loss = 0;
    for (int i = 0; i < DAYS * PER_DAY; i++) {
        double day = (double)i / PER_DAY, logit = -0.5;
        struct learner_feature features[WIDTH];
        for (int j = 0; j < WIDTH; j++) {
            uint64_t key = hash_combine(rng_below(&rng, KEYS), 7);
            double phase = (double)(key >> 40) / 16777216;
            features[j] = (struct learner_feature){key, 1};
            logit += 1.2 * sin(2 * 3.14159265358979 * (day / 20 + phase));
        }
        struct learner_example example = {.input.features = features,
                                          .input.feature_count = WIDTH,
                                          .label = rng_unit(&rng) < sigma(logit),
                                          .time_ms = START + (int64_t)(day * (double)DAY_MS),
                                          .p_first = (double)NAN,
                                          .weight = 1};
        double p = kind_score(&learner, &example.input).p;
        if (day >= 20) {
            loss -= log(example.label > 0.5 ? p : 1 - p) / ((DAYS - 20) * PER_DAY);
        }
        assert_int_equal(kind_learn(&learner, &example), LEARNER_OK);
    }
    kind_learner_free(&learner);
    return loss;
}

static void forgetting_follows_what_drifts(void **state) {
    (void)state;
    static const char *const optimizers[] = {"ftrl", "adagrad", "coin"};
    for (int i = 0; i < 3; i++) {
        char settings[2][200];
        for (int j = 0; j < 2; j++) {
            snprintf(settings[j], sizeof settings[0],
                     "optimizer=%s,lr=0.1,l2=0,calibration_rate=0,half_life_days=%d", optimizers[i],
                     j * 2);
        }
        double never = loss_of_drift(settings[0]), forgetful = loss_of_drift(settings[1]);
        printf("%s: log-loss %.4f, with a half life of two days %.4f\n", optimizers[i], never,
               forgetful);
        assert_true(forgetful < never - 0.005);
    }
}

/* What is forgotten is information, not weights: after a pause every score is as before it, and
 * less certain; the first step after it is larger. */
static void a_pause_keeps_the_scores(void **state) {
    (void)state;
    static const char *const optimizers[] = {"ftrl", "ftrl,table=collisionless", "adagrad"};
    for (int i = 0; i < 3; i++) {
        char settings[200];
        snprintf(settings, sizeof settings,
                 "optimizer=%s,lr=0.1,l2=0,calibration_rate=0,half_life_days=1", optimizers[i]);
        double steps[2];
        for (int pause = 0; pause < 2; pause++) {
            struct kind_learner learner = kind_learner_new("linear", settings, &words);
            struct learner_feature feature = {UINT64_C(1) << 60, 1};
            struct learner_example example = {.input.features = &feature,
                                              .input.feature_count = 1,
                                              .time_ms = START,
                                              .p_first = (double)NAN,
                                              .weight = 1};
            for (int j = 0; j < 500; j++) {
                example.label = j % 3 == 0;
                example.time_ms += 1000;
                assert_int_equal(kind_learn(&learner, &example), LEARNER_OK);
            }
            double before = kind_score(&learner, &example.input).raw;
            example.time_ms += pause * 10 * DAY_MS;
            example.label = 1;
            example.weight = 1e-9; /* touches, and hardly learns */
            assert_int_equal(kind_learn(&learner, &example), LEARNER_OK);
            assert_true(fabs(kind_score(&learner, &example.input).raw - before) < 1e-4);
            example.weight = 1;
            assert_int_equal(kind_learn(&learner, &example), LEARNER_OK);
            steps[pause] = kind_score(&learner, &example.input).raw - before;
            kind_learner_free(&learner);
        }
        assert_true(steps[0] > 0 && steps[1] > 3 * steps[0]);
    }
}

/* ---- regression ---- */

static void squared_loss_learns_numbers(void **state) {
    (void)state;
    static const char *const optimizers[] = {"ftrl,lr=1,l2=0", "adagrad,lr=1,l2=0", "coin",
                                             "adam,lr=0.05,l2=0"};
    for (int i = 0; i < 4; i++) {
        char settings[200];
        snprintf(settings, sizeof settings, "loss=squared,optimizer=%s", optimizers[i]);
        struct kind_learner learner = kind_learner_new("linear", settings, &kind_space);
        struct rng rng = rng_make(6, 0);
        double errors = 0, spread = 0;
        for (int j = 0; j < 6000; j++) {
            struct kind_example example;
            kind_example_draw(&rng, 10, &example);
            example.example.label = 20 + 3 * example.logit;
            struct learner_arm_score score = kind_score(&learner, &example.example.input);
            assert_true(score.p == score.mean && score.mean == score.raw);
            if (j >= 4000) {
                errors += pow(score.p - example.example.label, 2) / 2000;
                spread += pow(example.example.label - 18.5, 2) / 2000;
            }
            assert_int_equal(kind_learn(&learner, &example.example), LEARNER_OK);
        }
        printf("%s: mean squared error %.3f of %.3f\n", optimizers[i], errors, spread);
        assert_true(errors < 0.2 * spread);
        struct kind_example example;
        kind_example_draw(&rng, 10, &example);
        example.example.label = 1e16;
        assert_int_equal(kind_learn(&learner, &example.example), LEARNER_BAD_VALUE);
        example.example.label = 1;
        example.example.is_correction = true; /* of what, it does not say */
        assert_int_equal(kind_learn(&learner, &example.example), LEARNER_BAD_VALUE);
        kind_learner_free(&learner);
    }
}

/* METHODS 0, rule 9: sum of x^2 / (1 + n), n the sum of squared gradients. */
static void uncertainty_is_fisher_information(void **state) {
    (void)state;
    static const char *const optimizers[] = {"ftrl", "adagrad", "sgd", "coin", "adam"};
    for (int i = 0; i < 5; i++) {
        char settings[200];
        snprintf(settings, sizeof settings, "optimizer=%s,l2=0,calibration_rate=0,prior_p=0.5",
                 optimizers[i]);
        struct kind_learner learner = kind_learner_new("linear", settings, &words);
        struct learner_feature feature = {UINT64_C(1) << 60, 2};
        struct learner_example example = {.input.features = &feature,
                                          .input.feature_count = 1,
                                          .label = 1,
                                          .p_first = (double)NAN,
                                          .weight = 1};
        double n = 0;
        for (int j = 0; j < 20; j++) {
            struct learner_scores scores;
            uint64_t none = LEARNER_ARM_NONE;
            learner.kind->score(learner.memory, &example.input, &none, 1, &scores);
            double expected = 1 / (1 + n) + 4 / (1 + 4 * n);
            assert_true(fabs(scores.covariance[0] / expected - 1) < 1e-5);
            n += (1 - scores.arms[0].p) * (1 - scores.arms[0].p);
            assert_int_equal(kind_learn(&learner, &example), LEARNER_OK);
        }
        kind_learner_free(&learner);
    }
}

/* A step of sgd at rate 1 is as long as the gradient, and at most as long as `clip`. */
static void gradients_are_cut_at_their_norm(void **state) {
    (void)state;
    static const char *const kinds[] = {"linear", "fm"};
    for (int i = 0; i < 4; i++) {
        bool is_clipped = i % 2;
        char settings[200];
        snprintf(settings, sizeof settings,
                 "optimizer=sgd,lr=1,l2=0,calibration_rate=0,prior_p=0.5%s",
                 is_clipped ? ",clip=0.01" : "");
        struct kind_learner learner = kind_learner_new(kinds[i / 2], settings, &words);
        struct learner_feature features[2] = {{UINT64_C(1) << 60, 3}, {UINT64_C(2) << 60, -4}};
        struct learner_example example = {.input.features = features,
                                          .input.feature_count = 2,
                                          .label = 1,
                                          .p_first = (double)NAN,
                                          .weight = 1};
        assert_int_equal(kind_learn(&learner, &example), LEARNER_OK);
        features[1].value = 0; /* what the bias and the first have got */
        double length = sqrt(1 + 9 + 16), gradient = 0.5 * length;
        double scale = is_clipped ? 0.01 / gradient : 1;
        double moved = kind_score(&learner, &example.input).raw;
        assert_true(fabs(moved - scale * 0.5 * (1 + 9)) < 0.02 * moved);
        kind_learner_free(&learner);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fast_path_is_its_plain_twin),
        cmocka_unit_test(more_features_than_a_small_buffer_holds),
        cmocka_unit_test(scaled_numbers_move_and_scores_stay),
        cmocka_unit_test(forgetting_follows_what_drifts),
        cmocka_unit_test(a_pause_keeps_the_scores),
        cmocka_unit_test(squared_loss_learns_numbers),
        cmocka_unit_test(uncertainty_is_fisher_information),
        cmocka_unit_test(gradients_are_cut_at_their_norm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
