/* evaluation: golden values of scikit-learn (fixtures.json "metrics"), brute force on random rows
 * with ties and weights, figures that are undefined, a perfect model at its floor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>

#include "base/rng.h"
#include "consumer/learn/evaluation.h"

static void near(double got, double expected, double most) {
    if (!(fabs(got - expected) <= most)) {
        fail_msg("found %.15g, expected %.15g", got, expected);
    }
}

static struct figures figures_of(const double *p, const double *label, const double *weight,
                                 size_t count) {
    struct evaluation evaluation;
    evaluation_init(&evaluation, TASK_BINARY, 0.5);
    for (size_t i = 0; i < count; i++) {
        evaluation_add(&evaluation, p[i], label[i], weight ? weight[i] : 1);
    }
    struct figures figures = evaluation_figures(&evaluation, 1);
    evaluation_clean_up(&evaluation);
    return figures;
}

static void golden(void **state) {
    (void)state;
    const double label[] = {1, 0, 1, 0, 1, 0, 0, 1};
    const double p[] = {0.9, 0.8, 0.8, 0.4, 0.35, 0.3, 0.2, 0.1};
    struct figures figures = figures_of(p, label, NULL, 8);
    near(figures.auc, 0.59375, 1e-12);
    near(figures.pr_auc, 0.6916666666666667, 1e-12);
    near(figures.logloss, 0.7976241644897242, 1e-12);
    near(figures.constant_logloss, log(2), 1e-12);
    near(figures.ne, 0.7976241644897242 / log(2), 1e-12);
    near(figures.accuracy, 5.0 / 8, 1e-12);
    near(figures.majority_accuracy, 0.5, 1e-12);
    near(figures.precision, 2.0 / 3, 1e-12);
    near(figures.recall, 0.5, 1e-12);
    near(figures.f1, 4.0 / 7, 1e-12);
    near(figures.calibration_ratio, 3.85 / 4, 1e-12);
    assert_true(figures.calibration_low < 0.9625 && figures.calibration_high > 0.9625);
    assert_int_equal(figures.n, 8);
    assert_int_equal(figures.positives, 4);
}

/* Every pair, weighted. */
static double pairs(const double *p, const double *label, const double *weight, size_t count) {
    double better = 0, all = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            if (label[i] > label[j]) {
                double both = weight[i] * weight[j];
                better += both * (p[i] > p[j] ? 1 : p[i] == p[j] ? 0.5 : 0);
                all += both;
            }
        }
    }
    return better / all;
}

static void brute_force(void **state) {
    (void)state;
    struct rng rng = rng_make(7, 0);
    double p[400], label[400], weight[400];
    for (int round = 0; round < 20; round++) {
        size_t count = 2 + rng_below(&rng, 398);
        for (size_t i = 0; i < count; i++) {
            p[i] = (double)rng_below(&rng, 30) / 29;
            label[i] = i < 2 ? (double)i : (double)rng_below(&rng, 2);
            weight[i] = (double)(1 + rng_below(&rng, 4)) / 4;
        }
        struct figures figures = figures_of(p, label, weight, count);
        near(figures.auc, pairs(p, label, weight, count), 1e-9);
    }
}

static void undefined_is_nan(void **state) {
    (void)state;
    const double p[] = {0.2, 0.3}, label[] = {0, 0};
    struct figures figures = figures_of(p, label, NULL, 2);
    assert_true(isnan(figures.auc) && isnan(figures.pr_auc) && isnan(figures.precision));
    assert_true(isnan(figures.recall) && isnan(figures.calibration_ratio) && isnan(figures.ne));
    figures = figures_of(p, label, NULL, 0);
    assert_true(isnan(figures.logloss) && isnan(figures.rmse));
}

/* A model that is right: ratio within its interval, ECE at its floor; drawn and computed floor
 * agree at the border between them. */
static void perfect_model(void **state) {
    (void)state;
    double floors[2];
    for (int more = 0; more < 2; more++) {
        struct rng rng = rng_make(3, 0);
        struct evaluation evaluation;
        evaluation_init(&evaluation, TASK_BINARY, 0.5);
        for (int i = 0; i < 100000 + more; i++) {
            double p = rng_unit(&rng);
            evaluation_add(&evaluation, p, rng_unit(&rng) < p, 1);
        }
        struct figures figures = evaluation_figures(&evaluation, 1);
        assert_true(figures.calibration_low < 1 && figures.calibration_high > 1);
        near(figures.ece, figures.ece_floor, 0.0015);
        near(figures.auc, 5.0 / 6, 0.005); /* p uniform */
        floors[more] = figures.ece_floor;
        evaluation_clean_up(&evaluation);
    }
    near(floors[0] / floors[1], 1, 0.08); /* 400 half normals: sd 0.04 */
}

static void regression(void **state) {
    (void)state;
    struct evaluation evaluation;
    evaluation_init(&evaluation, TASK_REGRESSION, 0.5);
    near(evaluation_add(&evaluation, 3, 1, 1), 4, 1e-12);
    evaluation_add(&evaluation, 5, 5, 3);
    struct figures figures = evaluation_figures(&evaluation, 1);
    near(figures.rmse, 1, 1e-12);
    near(figures.constant_rmse, sqrt(3), 1e-12);
    assert_true(isnan(figures.logloss));
    evaluation_clean_up(&evaluation);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden),           cmocka_unit_test(brute_force),
        cmocka_unit_test(undefined_is_nan), cmocka_unit_test(perfect_model),
        cmocka_unit_test(regression),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
