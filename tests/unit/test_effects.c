/* effects: planted effects are found, uncertainty shrinks as it should, one step at a time agrees
 * with a dense Bayesian logistic regression, and who has a component of phi. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "model/effects.h"
#include "model/sigma.h"
#include "tests/support/learner_scene.h"

#define TEN 1 /* index of the first offer */

static void near(double found, double expected, double tolerance) {
    if (!(fabs(found - expected) <= tolerance)) {
        fail_msg("found %.9g, expected %.9g within %g", found, expected, tolerance);
    }
}

static struct effects *effects_new(const struct learner_scene *scene, double effect_sd) {
    struct effects *effects = memory_new(1, effects_bytes(1));
    effects_init(effects, &scene->space, 1, (const int[]){SCENE_CATEGORY}, effect_sd, scene->offers,
                 SCENE_ARMS - 1);
    return effects;
}

/* Draws an input, gives its values components; out_phi at the base logit. */
static void draw(const struct learner_scene *scene, struct rng *rng, struct effects *effects,
                 double base_logit, struct scene_example *out, struct effects_phi *out_phi) {
    scene_example_draw(scene, rng, out);
    effects_admit_values(effects, &out->example.input);
    *out_phi = effects_phi(effects, &out->example.input, base_logit);
}

static double learn(struct effects *effects, const struct effects_phi *phi, double base_logit,
                    double label, bool is_correction) {
    double p = sigma(base_logit + effects_of(effects, TEN, phi).mean);
    struct effects_outcome outcome = {p, label, 1, is_correction};
    assert_true(effects_can_learn(effects, TEN, phi));
    effects_learn(effects, TEN, phi, &outcome);
    return p;
}

/* ---- priors ---- */

static void priors_are_the_configured_ones(void **state) {
    (void)state;
    struct learner_scene scene;
    learner_scene_init(&scene);
    struct effects *effects = effects_new(&scene, 0.5);
    struct rng rng = rng_make(1, 0);
    struct scene_example example;
    struct effects_phi phi;
    do { /* typical: all five parts */
        draw(&scene, &rng, effects, -1, &example, &phi);
    } while (phi.count != 6);
    struct effect ten = effects_of(effects, TEN, &phi);
    near(ten.mean, 0.35, 1e-15);
    near(ten.variance, 0.35 * 0.35 + 0.5 * 0.5, 1e-12);
    struct effect none = effects_of(effects, EFFECTS_NONE, &phi);
    assert_true(none.mean == 0 && none.variance == 0);
    struct effect unknown = effects_of(effects, EFFECTS_UNKNOWN, &phi);
    near(unknown.variance, 0.09 + 0.25, 1e-12);
    int old = effects_admit(effects, 99);
    struct effect admitted = effects_of(effects, old, &phi);
    near(admitted.mean, 0, 0);
    near(admitted.variance, unknown.variance, 1e-12);
    assert_int_equal(effects_find(effects, 99), old);
    free(effects);
}

static void beyond_the_room_arms_stay_unknown(void **state) {
    (void)state;
    struct learner_scene scene;
    learner_scene_init(&scene);
    struct effects *effects = effects_new(&scene, 0.5);
    for (uint64_t arm = 100; arm < 100 + LEARNER_ARMS_MAX - SCENE_ARMS; arm++) {
        assert_int_not_equal(effects_admit(effects, arm), EFFECTS_UNKNOWN);
    }
    assert_int_equal(effects_admit(effects, 999), EFFECTS_UNKNOWN);
    assert_int_equal(effects_admit(effects, 100), SCENE_ARMS);
    free(effects);
}

/* ---- phi ---- */

static void values_get_components_in_order_of_appearance_while_some_are_free(void **state) {
    (void)state;
    struct learner_scene scene;
    learner_scene_init(&scene);
    struct effects *effects = effects_new(&scene, 0.5);
    double numbers[SCENE_NUMBERS] = {(double)NAN, 1, 0, 1};
    struct bytes names[SCENE_NAMES] = {bytes_of_text("cart_abandoned")};
    struct learner_input input = {numbers, names};
    char text[] = "a";
    for (; text[0] < 'a' + EFFECTS_VALUES + 2; text[0]++) {
        names[SCENE_CATEGORY] = bytes_of_text(text);
        struct effects_phi before = effects_phi(effects, &input, -1);
        bool is_first = text[0] == 'a', is_room = text[0] < 'a' + EFFECTS_VALUES;
        assert_int_equal(before.count, is_first ? 2 : 3); /* bias, logit, the known origin */
        assert_int_equal(effects_admit_values(effects, &input), is_room);
        struct effects_phi phi = effects_phi(effects, &input, -1);
        assert_int_equal(phi.count, is_room ? 4 : 3);
        if (is_room) {
            assert_int_equal(phi.ones[3], EFFECTS_FIXED + text[0] - 'a');
        }
        assert_false(effects_admit_values(effects, &input));
    }
    names[SCENE_CATEGORY] = bytes_of(NULL, 0);
    assert_false(effects_admit_values(effects, &input));
    numbers[SCENE_CART_VALUE] = 70;
    numbers[SCENE_IS_NEW] = 1;
    struct effects_phi full = effects_phi(effects, &input, -5);
    const uint8_t expected[] = {0, 1, 1 + EFFECTS_ORIGINS + 3, 1 + EFFECTS_ORIGINS + EFFECTS_CARTS,
                                2 + EFFECTS_ORIGINS + EFFECTS_CARTS};
    assert_int_equal(full.count, sizeof expected);
    assert_memory_equal(full.ones, expected, sizeof expected);
    free(effects);
}

/* ---- learning ---- */

static void a_planted_effect_is_found(void **state) {
    (void)state;
    struct learner_scene scene;
    learner_scene_init(&scene);
    struct effects *effects = effects_new(&scene, 0.8);
    struct rng rng = rng_make(2, 0);
    struct scene_example example;
    struct effects_phi phi;
    double sum_new = 0, sum_known = 0, squares = 0;
    int count_new = 0, count_known = 0;
    for (int i = 0; i < 60000; i++) {
        double base = -2 + 1.5 * rng_normal(&rng);
        draw(&scene, &rng, effects, base, &example, &phi);
        bool is_new = example.numbers[SCENE_IS_NEW] > 0;
        double truth = is_new ? 0.9 : -0.3;
        struct effect effect = effects_of(effects, TEN, &phi);
        if (i >= 40000) {
            *(is_new ? &sum_new : &sum_known) += effect.mean;
            *(is_new ? &count_new : &count_known) += 1;
            squares += (effect.mean - truth) * (effect.mean - truth) / effect.variance;
        }
        learn(effects, &phi, base, rng_unit(&rng) < sigma(base + truth), false);
    }
    near(sum_new / count_new, 0.9, 0.06);
    near(sum_known / count_known, -0.3, 0.06);
    double error_in_sd =
        sqrt(squares / (count_new + count_known)); /* its own deviations are honest */
    assert_true(error_in_sd > 0.4 && error_in_sd < 2);
    free(effects);
}

static void uncertainty_shrinks_like_one_over_root_n(void **state) {
    (void)state;
    struct learner_scene scene;
    learner_scene_init(&scene);
    struct effects *effects = effects_new(&scene, 1e-6); /* the bias alone */
    struct rng rng = rng_make(3, 0);
    struct scene_example example;
    struct effects_phi phi;
    double base = 0, information = 1 / (0.35 * 0.35);
    for (int i = 1; i <= 100000; i++) {
        draw(&scene, &rng, effects, base, &example, &phi);
        double p = learn(effects, &phi, base, rng_unit(&rng) < 0.55, false);
        information += p * (1 - p);
        if (i == 100 || i == 1000 || i == 10000 || i == 100000) {
            near(effects_of(effects, TEN, &phi).variance * information, 1, 1e-6);
        }
    }
    near(sqrt(effects_of(effects, TEN, &phi).variance), sqrt(4 / 1e5), 2e-4);
    free(effects);
}

/* ---- against a dense Bayesian logistic regression ---- */

#define SAMPLE 400

struct sample {
    struct effects_phi phi[SAMPLE];
    double base[SAMPLE], label[SAMPLE];
};

/* Solves a x = b in place, a[dim][dim] symmetric and positive; inverse[] its inverse's diagonal. */
static void solve(size_t dim, double a[][EFFECTS_DIM_MAX], double *b, double *inverse) {
    static double wide[EFFECTS_DIM_MAX][2 * EFFECTS_DIM_MAX + 1];
    for (size_t i = 0; i < dim; i++) {
        memset(wide[i], 0, sizeof wide[i]);
        memcpy(wide[i], a[i], dim * sizeof(double));
        wide[i][dim + i] = 1;
        wide[i][2 * dim] = b[i];
    }
    for (size_t k = 0; k < dim; k++) { /* Gauss-Jordan */
        double pivot = wide[k][k];
        for (size_t j = 0; j <= 2 * dim; j++) {
            wide[k][j] /= pivot;
        }
        for (size_t i = 0; i < dim; i++) {
            double factor = wide[i][k];
            for (size_t j = 0; i != k && j <= 2 * dim; j++) {
                wide[i][j] -= factor * wide[k][j];
            }
        }
    }
    for (size_t i = 0; i < dim; i++) {
        b[i] = wide[i][2 * dim];
        inverse[i] = wide[i][dim + i];
    }
}

/* The mode of the posterior by Newton's method, and the diagonal of the inverse Hessian there. */
static void dense_posterior(const struct sample *sample, size_t dim, const double *mean,
                            const double *variance, double *out_mode, double *out_variance) {
    static double hessian[EFFECTS_DIM_MAX][EFFECTS_DIM_MAX];
    memcpy(out_mode, mean, dim * sizeof *mean);
    for (int round = 0; round < 30; round++) {
        double step[EFFECTS_DIM_MAX] = {0};
        memset(hessian, 0, sizeof hessian);
        for (size_t i = 0; i < dim; i++) {
            hessian[i][i] = 1 / variance[i];
            step[i] = (mean[i] - out_mode[i]) / variance[i];
        }
        for (int k = 0; k < SAMPLE; k++) {
            const struct effects_phi *phi = &sample->phi[k];
            double logit = sample->base[k];
            for (size_t a = 0; a < phi->count; a++) {
                logit += out_mode[phi->ones[a]];
            }
            double p = sigma(logit);
            for (size_t a = 0; a < phi->count; a++) {
                step[phi->ones[a]] += sample->label[k] - p;
                for (size_t b = 0; b < phi->count; b++) {
                    hessian[phi->ones[a]][phi->ones[b]] += p * (1 - p);
                }
            }
        }
        solve(dim, hessian, step, out_variance);
        for (size_t i = 0; i < dim; i++) {
            out_mode[i] += step[i];
        }
    }
}

static void one_step_at_a_time_agrees_with_dense_bayes(void **state) {
    (void)state;
    struct learner_scene scene;
    learner_scene_init(&scene);
    struct effects *effects = effects_new(&scene, 0.6);
    struct rng rng = rng_make(4, 0);
    static struct sample sample;
    for (int k = 0; k < SAMPLE; k++) {
        struct scene_example example;
        sample.base[k] = -1 + rng_normal(&rng);
        draw(&scene, &rng, effects, sample.base[k], &example, &sample.phi[k]);
        bool is_new = example.numbers[SCENE_IS_NEW] > 0;
        sample.label[k] = rng_unit(&rng) < sigma(sample.base[k] + (is_new ? 0.8 : 0));
        learn(effects, &sample.phi[k], sample.base[k], sample.label[k], false);
    }
    size_t dim = (size_t)effects->dim;
    double mean[EFFECTS_DIM_MAX] = {0.35}, variance[EFFECTS_DIM_MAX];
    for (size_t i = 0; i < dim; i++) {
        variance[i] = i == 0 ? 0.35 * 0.35 : 0.6 * 0.6 / 5;
    }
    double mode[EFFECTS_DIM_MAX], spread[EFFECTS_DIM_MAX];
    dense_posterior(&sample, dim, mean, variance, mode, spread);
    for (size_t i = 0; i < dim; i++) {
        struct effects_phi one = {1, {(uint8_t)i}};
        struct effect found = effects_of(effects, TEN, &one);
        near(found.mean, mode[i], 0.1 * sqrt(spread[i]));
        near(found.variance / spread[i], 1,
             0.06); /* each w is that of its moment, not of the mode */
    }
    free(effects);
}

/* ---- corrections ---- */

static void a_correction_moves_theta_and_leaves_the_covariance(void **state) {
    (void)state;
    struct learner_scene scene;
    learner_scene_init(&scene);
    struct effects *late = effects_new(&scene, 0.6), *at_once = effects_new(&scene, 0.6);
    struct rng rng = rng_make(5, 0);
    struct scene_example example;
    struct effects_phi phi;
    double worst = 0;
    for (int i = 0; i < 2000; i++) {
        double base = -1 + rng_normal(&rng);
        draw(&scene, &rng, late, base, &example, &phi);
        effects_admit_values(at_once, &example.example.input);
        double label = rng_unit(&rng) < sigma(base + 0.8);
        double before = effects_of(late, TEN, &phi).variance;
        learn(late, &phi, base, 0, false);
        double between = effects_of(late, TEN, &phi).variance;
        assert_true(between < before);
        if (label > 0.5) {
            learn(late, &phi, base, 1, true);
            assert_true(effects_of(late, TEN, &phi).variance == between);
        }
        learn(at_once, &phi, base, label, false);
        double gap = effects_of(late, TEN, &phi).mean - effects_of(at_once, TEN, &phi).mean;
        worst = fmax(worst, fabs(gap) / sqrt(between));
    }
    assert_true(worst < 0.15); /* between the two: what p was when the label was wrong */
    /* Back again: exactly as it was. */
    double mean = effects_of(late, TEN, &phi).mean;
    learn(late, &phi, 0, 1, true);
    assert_true(effects_of(late, TEN, &phi).mean > mean);
    learn(late, &phi, 0, 0, true);
    near(effects_of(late, TEN, &phi).mean, mean, 1e-12);
    free(late);
    free(at_once);
}

static void what_is_no_covariance_is_refused(void **state) {
    (void)state;
    struct learner_scene scene;
    learner_scene_init(&scene);
    struct effects *effects = effects_new(&scene, 0.6);
    struct effects_phi phi = {2, {0, 1}};
    assert_true(effects_can_learn(effects, TEN, &phi));
    size_t dim = (size_t)effects->dim, arm = TEN * (dim + dim * (dim + 1) / 2);
    effects->moments[arm + dim + 1] = -10; /* P[0][1] */
    assert_false(effects_can_learn(effects, TEN, &phi));
    effects->moments[arm + dim + 1] = 0;
    effects->moments[arm] = (double)INFINITY;
    assert_false(effects_can_learn(effects, TEN, &phi));
    free(effects);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(priors_are_the_configured_ones),
        cmocka_unit_test(beyond_the_room_arms_stay_unknown),
        cmocka_unit_test(values_get_components_in_order_of_appearance_while_some_are_free),
        cmocka_unit_test(a_planted_effect_is_found),
        cmocka_unit_test(uncertainty_shrinks_like_one_over_root_n),
        cmocka_unit_test(one_step_at_a_time_agrees_with_dense_bayes),
        cmocka_unit_test(a_correction_moves_theta_and_leaves_the_covariance),
        cmocka_unit_test(what_is_no_covariance_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
