/* effects: planted effects are found, uncertainty shrinks as it should, one step at a time agrees
 * with a dense Bayesian logistic regression, who has a component of phi, and what arms share. */
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

#define TEN      1 /* indices of the offers */
#define REMINDER 2

static void near(double found, double expected, double tolerance) {
    if (!(fabs(found - expected) <= tolerance)) {
        fail_msg("found %.9g, expected %.9g within %g", found, expected, tolerance);
    }
}

static struct effects *effects_new(const struct learner_scene *scene, double effect_sd) {
    struct effects *effects = memory_new(1, sizeof *effects);
    effects_init(effects, &scene->space, 1, (const int[]){SCENE_CATEGORY}, effect_sd, scene->offers,
                 SCENE_ARMS - 1);
    return effects;
}

/* Draws an input of a trigger and gives its values components. */
static void draw(const struct learner_scene *scene, struct rng *rng, struct effects *effects,
                 struct scene_example *out, struct effects_phi *out_phi) {
    scene_example_draw(scene, rng, out);
    out->names[SCENE_ORIGIN] = bytes_of_text(rng_below(rng, 2) ? "cart_abandoned" : "browse");
    effects_admit_values(effects, &out->example.input);
    *out_phi = effects_phi(effects, &out->example.input);
}

static double learn(struct effects *effects, int arm, const struct effects_phi *phi,
                    double base_logit, double label, bool is_correction) {
    double p = sigma(base_logit + effects_mean(effects, arm, phi));
    struct effects_outcome outcome = {p, label, 1, is_correction};
    assert_true(effects_can_learn(effects, arm, phi));
    effects_learn(effects, arm, phi, &outcome);
    return p;
}

/* What the arm adds, and how sure that is. */
static double gain(const struct effects *effects, int arm, const struct effects_phi *phi) {
    return effects_mean(effects, arm, phi) - effects_mean(effects, EFFECTS_NONE, phi);
}

static double gain_variance(const struct effects *effects, int arm, const struct effects_phi *phi) {
    return effects_covariance(effects, arm, arm, phi) +
           effects_covariance(effects, EFFECTS_NONE, EFFECTS_NONE, phi) -
           2 * effects_covariance(effects, arm, EFFECTS_NONE, phi);
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
    do { /* typical: every part has its one */
        draw(&scene, &rng, effects, &example, &phi);
    } while (phi.count != 5);
    near(effects_mean(effects, EFFECTS_NONE, &phi), 0, 0);
    near(gain(effects, TEN, &phi), 0.35, 1e-15);
    near(gain_variance(effects, TEN, &phi), 0.35 * 0.35 + 0.5 * 0.5, 1e-12);
    double reminder = 0.1 / 0.35; /* scale: less is expected of it, for everybody */
    near(gain_variance(effects, REMINDER, &phi), 0.2 * 0.2 + reminder * reminder * 0.25, 1e-12);
    near(gain(effects, EFFECTS_UNKNOWN, &phi), 0, 0);
    near(gain_variance(effects, EFFECTS_UNKNOWN, &phi), 0.09 + 0.25 * 0.25 * 0.25, 1e-12);
    int old = effects_admit(effects, 99);
    near(gain(effects, old, &phi), 0, 0);
    near(gain_variance(effects, old, &phi), 0.09 + 0.25 * 0.25 * 0.25, 1e-12);
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
    struct learner_input input = {.numbers = numbers, .names = names};
    char text[] = "a";
    for (; text[0] < 'a' + EFFECTS_VALUES + 2; text[0]++) {
        names[SCENE_CATEGORY] = bytes_of_text(text);
        bool is_first = text[0] == 'a', is_room = text[0] < 'a' + EFFECTS_VALUES;
        assert_int_equal(effects_phi(effects, &input).count, is_first ? 1 : 2); /* bias, origin */
        effects_admit_values(effects, &input);
        struct effects_phi phi = effects_phi(effects, &input);
        assert_int_equal(phi.count, is_room ? 3 : 2);
        if (is_room) {
            assert_int_equal(phi.ones[2], EFFECTS_FIXED + text[0] - 'a');
        }
    }
    names[SCENE_CATEGORY] = bytes_of(NULL, 0);
    numbers[SCENE_CART_VALUE] = 70;
    numbers[SCENE_IS_NEW] = 1;
    struct effects_phi full = effects_phi(effects, &input);
    const uint8_t expected[] = {0, 1, 1 + EFFECTS_ORIGINS + 3, 1 + EFFECTS_ORIGINS + EFFECTS_CARTS};
    assert_int_equal(full.count, sizeof expected);
    assert_memory_equal(full.ones, expected, sizeof expected);
    free(effects);
}

static void observations_have_no_part_in_it(void **state) {
    (void)state;
    struct learner_scene scene;
    learner_scene_init(&scene);
    struct effects *effects = effects_new(&scene, 0.5);
    struct effects *before = effects_new(&scene, 0.5);
    double numbers[SCENE_NUMBERS] = {50, 1, 1, 1};
    struct bytes names[SCENE_NAMES] = {bytes_of_text("observe"), bytes_of_text("shoes")};
    struct learner_input input = {.numbers = numbers, .names = names};
    effects_admit_values(effects, &input);
    struct effects_phi phi = effects_phi(effects, &input);
    assert_int_equal(phi.count, 0);
    learn(effects, EFFECTS_NONE, &phi, 0, 1, false);
    assert_memory_equal(effects, before, sizeof *effects);
    near(effects_mean(effects, EFFECTS_NONE, &phi), 0, 0);
    const int arms[] = {EFFECTS_NONE, TEN, EFFECTS_UNKNOWN};
    double pairs[9];
    effects_covariances(effects, arms, 3, &phi, pairs);
    for (int i = 0; i < 9; i++) {
        near(effects_covariance(effects, arms[i / 3], arms[i % 3], &phi), 0, 0);
        near(pairs[i], 0, 0);
    }
    free(effects);
    free(before);
}

/* ---- learning ---- */

static void planted_effects_are_found_beside_a_level_that_f_missed(void **state) {
    (void)state;
    struct learner_scene scene;
    learner_scene_init(&scene);
    struct effects *effects = effects_new(&scene, 0.8);
    struct rng rng = rng_make(2, 0);
    double sums[2] = {0}, counts[2] = {0}, squares = 0;
    for (int i = 0; i < 60000; i++) {
        struct scene_example example;
        struct effects_phi phi;
        draw(&scene, &rng, effects, &example, &phi);
        int arm = (int)rng_below(&rng, SCENE_ARMS);
        bool is_new = example.numbers[SCENE_IS_NEW] > 0;
        double base = -2 + 1.5 * rng_normal(&rng), truth = is_new ? 0.9 : -0.3;
        double level = is_new ? 0.2 : 0.6; /* or else its difference would be taken for an effect */
        double scale = 0.1 / 0.35;
        double added = arm == TEN ? truth : arm == REMINDER ? scale * truth - 0.4 : 0;
        if (i >= 40000) {
            double error = gain(effects, TEN, &phi) - truth;
            squares += error * error / gain_variance(effects, TEN, &phi);
            sums[is_new] += gain(effects, TEN, &phi);
            counts[is_new]++;
            near(gain(effects, REMINDER, &phi) - scale * gain(effects, TEN, &phi), -0.4, 0.15);
        }
        learn(effects, arm, &phi, base, rng_unit(&rng) < sigma(base + level + added), false);
    }
    near(sums[1] / counts[1], 0.9, 0.08);
    near(sums[0] / counts[0], -0.3, 0.08);
    double error_in_sd = sqrt(squares / (counts[0] + counts[1])); /* its deviations are honest */
    assert_true(error_in_sd > 0.4 && error_in_sd < 2);
    free(effects);
}

static void uncertainty_shrinks_like_one_over_root_n(void **state) {
    (void)state;
    struct learner_scene scene;
    learner_scene_init(&scene);
    struct effects *effects = effects_new(&scene, 1e-6); /* level's bias and the arm's own alone */
    struct rng rng = rng_make(3, 0);
    struct effects_phi phi = {1, {0}};
    double of_all = 1, of_ten = 1 / (0.35 * 0.35), shared = 0; /* information, prior included */
    for (int i = 1; i <= 100000; i++) {
        int arm = i % 2 ? TEN : EFFECTS_NONE;
        double p = learn(effects, arm, &phi, 0, rng_unit(&rng) < 0.55, false);
        of_all += p * (1 - p);
        of_ten += arm == TEN ? p * (1 - p) : 0;
        shared += arm == TEN ? p * (1 - p) : 0;
        if (i == 100 || i == 1000 || i == 10000 || i == 100000) {
            double variance = of_all / (of_all * of_ten - shared * shared);
            near(gain_variance(effects, TEN, &phi) / variance, 1, 1e-4);
        }
    }
    near(sqrt(gain_variance(effects, TEN, &phi)), sqrt(4 / 5e4 + 4 / 5e4), 3e-4);
    free(effects);
}

static void what_one_offer_shows_of_users_holds_for_the_others_in_part(void **state) {
    (void)state;
    struct learner_scene scene;
    learner_scene_init(&scene);
    struct effects *effects = effects_new(&scene, 0.6);
    struct rng rng = rng_make(6, 0);
    struct effects_phi phi = {1, {0}};
    double before = gain(effects, REMINDER, &phi);
    for (int i = 0; i < 4000; i++) {
        int arm = i % 2 ? TEN : EFFECTS_NONE;
        double logit = -1 + (arm == TEN ? 1.5 : 0);
        learn(effects, arm, &phi, -1, rng_unit(&rng) < sigma(logit), false);
    }
    /* Of 1.15 beyond the prior the shared bias, variance .6^2/5 beside the arm's own .35^2, takes
     * 37 %, and the reminder has 0.1/0.35 of that. */
    near(gain(effects, REMINDER, &phi), before + 1.15 * 0.37 * 0.1 / 0.35, 0.04);
    double share = 0.072 / (0.072 + 0.1225), found = gain(effects, TEN, &phi) - 0.35;
    near(gain(effects, REMINDER, &phi), before + share * found * 0.1 / 0.35, 1e-9);
    assert_true(gain(effects, REMINDER, &phi) < gain(effects, TEN, &phi) - 0.2);
    assert_true(gain_variance(effects, REMINDER, &phi) > 2 * gain_variance(effects, TEN, &phi));
    free(effects);
}

/* ---- against a dense Bayesian logistic regression ---- */

#define SAMPLE   400
#define ONES_MAX (2 * EFFECTS_PHI_MAX + 1)

struct sample {
    size_t counts[SAMPLE], ones[SAMPLE][ONES_MAX]; /* of level, effect and own: places in theta */
    double x[SAMPLE][ONES_MAX];
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
    for (int round = 0; round < 20; round++) {
        double step[EFFECTS_DIM_MAX] = {0};
        memset(hessian, 0, sizeof hessian);
        for (size_t i = 0; i < dim; i++) {
            hessian[i][i] = 1 / variance[i];
            step[i] = (mean[i] - out_mode[i]) / variance[i];
        }
        for (int k = 0; k < SAMPLE; k++) {
            const size_t *ones = sample->ones[k], count = sample->counts[k];
            const double *x = sample->x[k];
            double logit = sample->base[k];
            for (size_t a = 0; a < count; a++) {
                logit += x[a] * out_mode[ones[a]];
            }
            double p = sigma(logit);
            for (size_t a = 0; a < count; a++) {
                step[ones[a]] += x[a] * (sample->label[k] - p);
                for (size_t b = 0; b < count; b++) {
                    hessian[ones[a]][ones[b]] += x[a] * x[b] * p * (1 - p);
                }
            }
        }
        solve(dim, hessian, step, out_variance);
        for (size_t i = 0; i < dim; i++) {
            out_mode[i] += step[i];
        }
    }
}

static void sample_add(struct sample *sample, int k, const struct effects *effects, int arm,
                       const struct effects_phi *phi) {
    size_t *ones = sample->ones[k], count = 0, parts = (size_t)effects->parts;
    double *x = sample->x[k];
    for (size_t i = 0; i < phi->count; i++) {
        x[count] = 1;
        ones[count++] = phi->ones[i];
        if (arm != EFFECTS_NONE) {
            x[count] = arm == REMINDER ? 0.1 / 0.35 : 1;
            ones[count++] = parts + phi->ones[i];
        }
    }
    if (arm != EFFECTS_NONE) {
        x[count] = 1;
        ones[count++] = 2 * parts + (size_t)arm - 1;
    }
    sample->counts[k] = count;
}

static void one_step_at_a_time_agrees_with_dense_bayes(void **state) {
    (void)state;
    struct learner_scene scene;
    learner_scene_init(&scene);
    struct effects *effects = effects_new(&scene, 0.6);
    size_t dim = 2 * (size_t)effects->parts + SCENE_ARMS - 1;
    double mean[EFFECTS_DIM_MAX], variance[EFFECTS_DIM_MAX];
    for (size_t i = 0; i < dim; i++) { /* the prior, independent */
        mean[i] = effects->theta[i];
        variance[i] = effects->p[i * (i + 1) / 2 + i];
    }
    struct rng rng = rng_make(4, 0);
    static struct sample sample;
    for (int k = 0; k < SAMPLE; k++) {
        struct scene_example example;
        struct effects_phi phi;
        sample.base[k] = -1 + rng_normal(&rng);
        draw(&scene, &rng, effects, &example, &phi);
        int arm = (int)rng_below(&rng, SCENE_ARMS);
        bool is_new = example.numbers[SCENE_IS_NEW] > 0;
        double truth = sample.base[k] + 0.3 + (arm != EFFECTS_NONE && is_new ? 0.8 : 0);
        sample.label[k] = rng_unit(&rng) < sigma(truth);
        sample_add(&sample, k, effects, arm, &phi);
        learn(effects, arm, &phi, sample.base[k], sample.label[k], false);
    }
    double mode[EFFECTS_DIM_MAX], spread[EFFECTS_DIM_MAX];
    dense_posterior(&sample, dim, mean, variance, mode, spread);
    for (size_t i = 0; i < dim; i++) { /* each w is that of its moment, not of the mode */
        near(effects->theta[i], mode[i], 0.1 * sqrt(spread[i]));
        near(effects->p[i * (i + 1) / 2 + i] / spread[i], 1, 0.06);
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
    struct effects_phi phi;
    double squares = 0;
    for (int i = 0; i < 4000; i++) {
        struct scene_example example;
        double base = -1 + rng_normal(&rng);
        draw(&scene, &rng, late, &example, &phi);
        effects_admit_values(at_once, &example.example.input);
        int arm = (int)rng_below(&rng, 2);
        double label = rng_unit(&rng) < sigma(base + 0.8 * arm);
        double before = effects_covariance(late, arm, arm, &phi);
        learn(late, arm, &phi, base, 0, false);
        double between = effects_covariance(late, arm, arm, &phi);
        assert_true(between < before);
        if (label > 0.5) {
            learn(late, arm, &phi, base, 1, true);
            assert_true(effects_covariance(late, arm, arm, &phi) == between);
        }
        learn(at_once, arm, &phi, base, label, false);
        double gap = gain(late, TEN, &phi) - gain(at_once, TEN, &phi);
        squares += i >= 2000 ? gap * gap / gain_variance(late, TEN, &phi) : 0;
    }
    int arms[] = {EFFECTS_NONE, TEN, REMINDER, EFFECTS_UNKNOWN};
    double pairs[16];
    effects_covariances(late, arms, 4, &phi, pairs);
    for (int i = 0; i < 16; i++) { /* the fast form and its plain twin */
        near(pairs[i], effects_covariance(late, arms[i / 4], arms[i % 4], &phi), 1e-12);
    }
    near(sqrt(squares / 2000), 0, 0.25); /* between them: what p was when the label was wrong */
    double mean = effects_mean(late, TEN, &phi);
    learn(late, TEN, &phi, 0, 1, true);
    assert_true(effects_mean(late, TEN, &phi) > mean);
    learn(late, TEN, &phi, 0, 0, true);
    near(effects_mean(late, TEN, &phi), mean, 1e-12);
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
    effects->p[1] = -10; /* P[1][0] */
    assert_false(effects_can_learn(effects, TEN, &phi));
    effects->p[1] = 0;
    effects->theta[0] = (double)INFINITY;
    assert_false(effects_can_learn(effects, TEN, &phi));
    free(effects);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(priors_are_the_configured_ones),
        cmocka_unit_test(beyond_the_room_arms_stay_unknown),
        cmocka_unit_test(values_get_components_in_order_of_appearance_while_some_are_free),
        cmocka_unit_test(observations_have_no_part_in_it),
        cmocka_unit_test(planted_effects_are_found_beside_a_level_that_f_missed),
        cmocka_unit_test(uncertainty_shrinks_like_one_over_root_n),
        cmocka_unit_test(what_one_offer_shows_of_users_holds_for_the_others_in_part),
        cmocka_unit_test(one_step_at_a_time_agrees_with_dense_bayes),
        cmocka_unit_test(a_correction_moves_theta_and_leaves_the_covariance),
        cmocka_unit_test(what_is_no_covariance_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
