/* Gradients of linear and fm, by central finite differences in double, on coordinates drawn at
 * random: relative error below 1e-6. What is checked is the code that runs: pulls of ftrl.h, and
 * the formulas of fm_math.h, which the learner takes in float. That each kind uses them, and with
 * which sign, is checked by one step of gradient descent through the learner. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "model/fm.h"
#include "model/ftrl.h"
#include "model/sigma.h"
#include "tests/support/kind_scene.h"

#define FM_REAL       double
#define FM_NAME(name) name##_double
#include "model/fm_math.h"

#define FEATURES    12
#define K           5
#define COORDINATES 100
#define STEP        1e-5
#define TOLERANCE   1e-6

/* Weights of one model; linear uses w alone. */
struct point {
    double w[FEATURES], v[FEATURES][K], x[FEATURES], label, weight;
    bool is_fm, is_squared;
};

static double logit_at(const struct point *point, double *sums) {
    const double *v[FEATURES];
    for (int i = 0; i < FEATURES; i++) {
        v[i] = point->is_fm ? point->v[i] : NULL;
    }
    return fm_forward_double(FEATURES, K, point->x, point->w, v, sums);
}

static double loss_at(const struct point *point) {
    double sums[K], logit = logit_at(point, sums);
    if (point->is_squared) {
        return point->weight * (logit - point->label) * (logit - point->label);
    }
    /* log(1 + e^s), s = -+logit, without loss of digits. */
    double s = point->label > 0.5 ? -logit : logit;
    return point->weight * (fmax(s, 0) + log1p(exp(-fabs(s))));
}

static double slope_of_logit(const struct point *point) {
    double sums[K], logit = logit_at(point, sums);
    return point->is_squared ? 2 * (logit - point->label) * point->weight
                             : ftrl_pull_first(sigma(logit), point->label, point->weight).gradient;
}

static double difference(struct point *point, double *at) {
    double kept = *at;
    *at = kept + STEP;
    double above = loss_at(point);
    *at = kept - STEP;
    double below = loss_at(point);
    *at = kept;
    return (above - below) / (2 * STEP);
}

static double worst;

static void expect_near(double found, double expected) {
    double error = fabs(found - expected) / fmax(1e-3, fabs(found) + fabs(expected));
    worst = fmax(worst, error);
    if (!(error < TOLERANCE)) {
        fail_msg("gradient %.12g, differences %.12g", found, expected);
    }
}

static void gradients_are_differences(void **state) {
    (void)state;
    struct rng rng = rng_make(5, 1);
    for (int i = 0; i < 4 * COORDINATES; i++) {
        struct point point = {.is_fm = i % 2, .is_squared = i / 2 % 2};
        for (int j = 0; j < FEATURES; j++) {
            point.w[j] = 0.4 * rng_normal(&rng);
            point.x[j] = rng_below(&rng, 4) ? rng_normal(&rng) : 0;
            for (int f = 0; f < K; f++) {
                point.v[j][f] = 0.4 * rng_normal(&rng);
            }
        }
        point.x[0] = 1;
        point.label = point.is_squared ? rng_normal(&rng) : (double)rng_below(&rng, 2);
        point.weight = 0.5 + rng_unit(&rng);
        double sums[K], slope[K], gradient = slope_of_logit(&point);
        logit_at(&point, sums);
        size_t at = rng_below(&rng, FEATURES), f = rng_below(&rng, K);
        expect_near(gradient * point.x[at], difference(&point, &point.w[at]));
        if (point.is_fm) {
            fm_slope_double(K, point.x[at], point.v[at], sums, slope);
            expect_near(at == 0 ? 0 : gradient * slope[f], difference(&point, &point.v[at][f]));
        }
    }
    printf("largest relative error %.2g\n", worst);
}

/* One step of sgd at rate 1 moves f by -(gradient of each weight . x): the squared length of the
 * gradient of f, times that of the loss on f. */
static void learners_step_down_these_gradients(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"linear", "optimizer=sgd,lr=0.0001,l2=0"},
        {"linear", "optimizer=sgd,lr=0.0001,l2=0,table=collisionless"},
        {"fm", "optimizer=sgd,lr=0.0001,l2=0,pairs_optimizer=sgd,pairs_lr=0.0001,k=5,init=0.3"},
    };
    for (size_t i = 0; i < 6; i++) {
        bool is_squared = i % 2;
        char settings[200];
        snprintf(settings, sizeof settings, "%s,calibration_rate=0,loss=%s", cases[i / 2][1],
                 is_squared ? "squared" : "logistic");
        struct learner_space space = {
            .feature_version = 1, .origin = -1, .cart_value = -1, .idle = -1, .is_new = -1};
        struct kind_learner learner = kind_learner_new(cases[i / 2][0], settings, &space);
        struct rng rng = rng_make(6, i);
        struct learner_feature features[FEATURES];
        struct learner_example example = {.input.features = features,
                                          .input.feature_count = FEATURES,
                                          .p_first = (double)NAN,
                                          .weight = 1.5};
        for (uint64_t j = 0; j < FEATURES; j++) {
            features[j] = (struct learner_feature){(j + 1) << 59, rng_normal(&rng)};
        }
        /* Rows are filled by the first example; then a step of it again. */
        for (int round = 0; round < 2; round++) {
            example.label = is_squared ? 0.7 : 1;
            double before = kind_score(&learner, &example.input).raw;
            assert_int_equal(kind_learn(&learner, &example), LEARNER_OK);
            double after = kind_score(&learner, &example.input).raw;
            double gradient = is_squared ? 2 * (before - 0.7) : sigma(before) - 1;
            double length = 1; /* of the bias */
            for (int j = 0; j < FEATURES; j++) {
                length += features[j].value * features[j].value;
            }
            double least = -1e-4 * 1.5 * gradient * length;
            if (i / 2 < 2) {
                assert_true(fabs((after - before) / least - 1) < 1e-3);
            } else if (round == 1) { /* pairs add to it */
                assert_true((after - before) / least > 1.05);
            }
        }
        kind_learner_free(&learner);
    }
}

/* Values and gradients of torch 1.13 in float64: v is round(.5 sin(.41 i + .7), 6), w is
 * round(.5 sin(.2 i + .1), 6). The fixture's first feature takes part in pairs, ours is the bias,
 * so one of weight 0 stands before it. */
static void pairs_are_pytorchs(void **state) {
    (void)state;
    enum { N = 5, LENGTH = 2 };
    static const double gradients[N][LENGTH] = {{0.913993, 0.836186},
                                                {0, 0},
                                                {0.528243, 0.59431},
                                                {1.245305, 1.491746},
                                                {-0.985044, -0.671106}};
    double x[N + 1] = {1, 1, 0, 0.5, 1, -2}, w[N + 1] = {0}, v[N][LENGTH], sums[LENGTH];
    const double *rows[N + 1] = {NULL};
    for (int i = 0; i < N; i++) {
        w[i + 1] = round(0.5e6 * sin(0.2 * i + 0.1)) / 1e6;
        rows[i + 1] = v[i];
        for (int f = 0; f < LENGTH; f++) {
            v[i][f] = round(0.5e6 * sin(0.41 * (LENGTH * i + f) + 0.7)) / 1e6;
        }
    }
    double y = fm_forward_double(N + 1, LENGTH, x, w, rows, sums);
    assert_true(fabs(y - 0.37618014790599963) < 1e-12);
    for (int i = 0; i < N; i++) {
        double slope[LENGTH];
        fm_slope_double(LENGTH, x[i + 1], v[i], sums, slope);
        assert_true(fabs(slope[0] - gradients[i][0]) < 1e-12);
        assert_true(fabs(slope[1] - gradients[i][1]) < 1e-12);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_differences),
        cmocka_unit_test(learners_step_down_these_gradients),
        cmocka_unit_test(pairs_are_pytorchs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
