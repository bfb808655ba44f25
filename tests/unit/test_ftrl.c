/* ftrl: gradients against finite differences, what taking a label back leaves, stored slots against
 * the kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "model/ftrl.h"
#include "model/sigma.h"

#define DIM 6

static const struct ftrl_params params = {.alpha = 0.1, .beta = 1, .l2 = 1};

static void near(double found, double expected, double tolerance) {
    if (!(fabs(found - expected) <= tolerance)) {
        fail_msg("found %.17g, expected %.17g within %g", found, expected, tolerance);
    }
}

static double loss_of(const double *w, const double *x, double label, double weight) {
    double logit = 0;
    for (int i = 0; i < DIM; i++) {
        logit += w[i] * x[i];
    }
    return weight * (label > 0.5 ? log1p(exp(-logit)) : log1p(exp(logit)));
}

static void gradients_are_slopes_of_the_loss(void **state) {
    (void)state;
    struct rng rng = rng_make(3, 0);
    for (int round = 0; round < 20; round++) {
        double w[DIM], x[DIM], logit = 0;
        for (int i = 0; i < DIM; i++) {
            w[i] = rng_normal(&rng);
            x[i] = rng_normal(&rng);
            logit += w[i] * x[i];
        }
        double label = round % 2, weight = 1 + rng_unit(&rng);
        struct ftrl_pull pull = ftrl_pull_first(sigma(logit), label, weight);
        near(pull.square, pull.gradient * pull.gradient, 1e-15);
        for (int i = 0; i < DIM; i++) {
            double kept = w[i], h = 1e-5;
            w[i] = kept + h;
            double above = loss_of(w, x, label, weight);
            w[i] = kept - h;
            double slope = (above - loss_of(w, x, label, weight)) / (2 * h);
            w[i] = kept;
            near(pull.gradient * x[i], slope, 1e-6 * (1e-3 + fabs(slope)));
        }
    }
}

/* z and n after steps that all see the weight w. */
struct sums {
    double z, n;
};
static struct sums after(double w, const struct ftrl_pull *pulls, int count) {
    struct sums sums = {0.7, 2.5};
    for (int i = 0; i < count; i++) {
        ftrl_step(&params, w, pulls[i].gradient, pulls[i].square, &sums.z, &sums.n);
    }
    return sums;
}

/* With the weight held, z and n of "0, then bought after all" are those of "bought" where the
 * gradient of the truth is the larger one (p < 1/2), for n then holds its square; and in reverse.
 */
static void a_label_taken_back_leaves_the_sums_of_the_truth(void **state) {
    (void)state;
    struct rng rng = rng_make(4, 0);
    for (int round = 0; round < 50; round++) {
        double w = rng_normal(&rng), weight = 0.5 + 3 * rng_unit(&rng);
        double label = round % 2, p = label > 0.5 ? 0.5 * rng_unit(&rng) : 1 - 0.5 * rng_unit(&rng);
        struct ftrl_pull truth = ftrl_pull_first(p, label, weight);
        struct ftrl_pull pulls[2] = {ftrl_pull_first(p, 1 - label, weight),
                                     ftrl_pull_correction(p, label, weight)};
        near(pulls[0].gradient + pulls[1].gradient, truth.gradient, 1e-12);
        struct sums at_once = after(w, &truth, 1), later = after(w, pulls, 2);
        near(later.z, at_once.z, 1e-12);
        near(later.n, at_once.n, 1e-12);
    }
}

static void n_never_falls_and_the_gradient_is_exact_anyway(void **state) {
    (void)state;
    /* p .9, bought after all: the first square, .81, is larger than that of the truth, .01. */
    struct ftrl_pull pulls[2] = {ftrl_pull_first(0.9, 0, 1), ftrl_pull_correction(0.9, 1, 1)};
    near(pulls[0].gradient + pulls[1].gradient, -0.1, 1e-15);
    near(pulls[1].square, 0, 0);
}

static void taken_back_twice_is_as_before(void **state) {
    (void)state;
    struct ftrl_pull pulls[3] = {ftrl_pull_first(0.2, 0, 2), ftrl_pull_correction(0.2, 1, 2),
                                 ftrl_pull_correction(0.2, 0, 2)};
    near(pulls[0].gradient + pulls[1].gradient + pulls[2].gradient, pulls[0].gradient, 1e-15);
    /* At w = 0 z is the sum of gradients; n keeps what the larger gradient left. */
    struct sums once = after(0, pulls, 1), thrice = after(0, pulls, 3);
    near(thrice.z, once.z, 1e-12);
    near(thrice.n, 2.5 + 4 * 0.8 * 0.8, 1e-12);
}

static void growth_of_n_leaves_the_weight_alone(void **state) {
    (void)state;
    /* z moves by -s w so that -z / ((beta + sqrt n)/alpha) stays: no gradient, no change. */
    const struct ftrl_params free_params = {.alpha = 0.1, .beta = 1};
    double z = -3, n = 4, w = ftrl_weight(&free_params, z, n);
    ftrl_step(&free_params, w, 0, 5, &z, &n);
    near(ftrl_weight(&free_params, z, n), w, 1e-12);
}

static void l1_keeps_small_sums_at_zero_and_shrinks_both_signs(void **state) {
    (void)state;
    const struct ftrl_params sparse = {.alpha = 0.1, .beta = 1, .l1 = 0.5, .l2 = 1};
    assert_true(ftrl_weight(&sparse, 0.5, 9) == 0 && ftrl_weight(&sparse, -0.5, 9) == 0);
    near(ftrl_weight(&sparse, 1.5, 9), -1 / (4 / 0.1 + 1), 1e-15);
    near(ftrl_weight(&sparse, -1.5, 9), 1 / (4 / 0.1 + 1), 1e-15);
}

static void slots_follow_the_kernel_and_w_follows_from_what_is_stored(void **state) {
    (void)state;
    struct rng rng = rng_make(5, 0);
    struct ftrl_slot slot = {0};
    for (int i = 0; i < 1000; i++) {
        double z = (double)slot.z, n = (double)slot.n, x = rng_unit(&rng);
        struct ftrl_pull pull = ftrl_pull_first(rng_unit(&rng), i % 3 == 0, 1);
        ftrl_step(&params, (double)slot.w, pull.gradient * x, pull.square * x * x, &z, &n);
        assert_true(ftrl_slot_learn(&params, &slot, &pull, x));
        assert_true(slot.z == (float)z && slot.n == (float)n);
        assert_true(slot.w == (float)ftrl_weight(&params, (double)slot.z, (double)slot.n));
    }
}

static void what_is_not_finite_is_refused(void **state) {
    (void)state;
    struct ftrl_slot slot = {.z = 1, .n = 2, .w = 0.5f}, before = slot;
    assert_false(ftrl_slot_learn(&params, &slot, &(struct ftrl_pull){(double)NAN, 1}, 1));
    assert_false(ftrl_slot_learn(&params, &slot, &(struct ftrl_pull){1e200, 1}, 1));
    assert_false(ftrl_slot_learn(&params, &slot, &(struct ftrl_pull){1, 1e200}, 1));
    assert_memory_equal(&slot, &before, sizeof slot);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_slopes_of_the_loss),
        cmocka_unit_test(a_label_taken_back_leaves_the_sums_of_the_truth),
        cmocka_unit_test(n_never_falls_and_the_gradient_is_exact_anyway),
        cmocka_unit_test(taken_back_twice_is_as_before),
        cmocka_unit_test(growth_of_n_leaves_the_weight_alone),
        cmocka_unit_test(l1_keeps_small_sums_at_zero_and_shrinks_both_signs),
        cmocka_unit_test(slots_follow_the_kernel_and_w_follows_from_what_is_stored),
        cmocka_unit_test(what_is_not_finite_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
