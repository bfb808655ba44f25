/* rng: the published sequence, streams that repeat and differ, and moments of every distribution
 * within five standard errors (seeds are fixed, so a pass stays a pass). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "base/rng.h"

#define DRAWS 200000

static void follows_the_published_sequence(void **state) {
    (void)state;
    /* xoshiro256** from the state 1, 2, 3, 4, as the authors' code gives it. */
    struct rng rng = {.state = {1, 2, 3, 4}};
    assert_true(rng_u64(&rng) == 11520);
    assert_true(rng_u64(&rng) == 0);
    assert_true(rng_u64(&rng) == 1509978240);
    assert_true(rng_u64(&rng) == UINT64_C(1215971899390074240));
    /* Our seeding; simulated logs and their goldens hang on it. */
    rng = rng_make(42, 7);
    assert_true(rng_u64(&rng) == UINT64_C(0x24bfb39aeb008c15));
    assert_true(rng_u64(&rng) == UINT64_C(0xd858489e7fc02496));
    assert_true(rng_u64(&rng) == UINT64_C(0x3deebe24036964f3));
}

static void streams_repeat_and_differ(void **state) {
    (void)state;
    struct rng a = rng_make(1, 2), again = rng_make(1, 2);
    struct rng other_stream = rng_make(1, 3), other_seed = rng_make(2, 2), swapped = rng_make(2, 1);
    for (int i = 0; i < 100; i++) {
        uint64_t draw = rng_u64(&a);
        assert_true(draw == rng_u64(&again));
        assert_false(draw == rng_u64(&other_stream));
        assert_false(draw == rng_u64(&other_seed));
        assert_false(draw == rng_u64(&swapped));
    }
    struct rng copy = a;
    assert_true(rng_u64(&copy) == rng_u64(&a));
}

static void zero_seed_is_no_dead_state(void **state) {
    (void)state;
    struct rng rng = rng_make(0, 0);
    uint64_t any = 0;
    for (int i = 0; i < 4; i++) {
        any |= rng.state[i];
    }
    assert_false(any == 0);
    assert_false(rng_u64(&rng) == rng_u64(&rng));
}

/* Correlation of one stream's units with another's. */
static double correlate(struct rng a, struct rng b) {
    double sum = 0;
    for (int i = 0; i < DRAWS; i++) {
        sum += (rng_unit(&a) - 0.5) * (rng_unit(&b) - 0.5);
    }
    return sum / DRAWS * 12;
}

static void neighbouring_streams_are_independent(void **state) {
    (void)state;
    double bound = 5 / sqrt(DRAWS);
    for (uint64_t i = 0; i < 5; i++) {
        assert_true(fabs(correlate(rng_make(7, i), rng_make(7, i + 1))) < bound);
        assert_true(fabs(correlate(rng_make(i, 7), rng_make(i + 1, 7))) < bound);
    }
}

static void below_is_even_and_inside(void **state) {
    (void)state;
    struct rng rng = rng_make(3, 0);
    int counts[7] = {0};
    for (int i = 0; i < DRAWS; i++) {
        uint64_t draw = rng_below(&rng, 7);
        assert_true(draw < 7);
        counts[draw]++;
    }
    double chi_square = 0;
    for (int i = 0; i < 7; i++) {
        double expected = DRAWS / 7.0;
        chi_square += (counts[i] - expected) * (counts[i] - expected) / expected;
    }
    assert_true(chi_square < 30); /* 6 degrees of freedom, p = 4e-5 */
    /* A bound just above 2^63: without rejection the lower half would come up twice as often. */
    int low = 0;
    for (int i = 0; i < 3000; i++) {
        low += rng_below(&rng, (UINT64_C(1) << 63) + (UINT64_C(1) << 62)) < UINT64_C(1) << 62;
    }
    assert_true(abs(low - 1000) < 130);
    assert_true(rng_below(&rng, 1) == 0);
    assert_true(rng_below(&rng, UINT64_MAX) < UINT64_MAX);
}

struct moments {
    double mean, variance, min, max;
};

/* Draws of one distribution by number, so that a table can list them. */
enum shape { UNIT, NORMAL, LOG_LOGNORMAL, EXPONENTIAL, GEOMETRIC, POISSON, GAMMA };

static double draw(struct rng *rng, enum shape shape, double a, double b) {
    switch (shape) {
    case UNIT:
        return rng_unit(rng);
    case NORMAL:
        return rng_normal(rng);
    case LOG_LOGNORMAL:
        return log(rng_lognormal(rng, a, b));
    case EXPONENTIAL:
        return rng_exponential(rng, a);
    case GEOMETRIC:
        return (double)rng_geometric(rng, a);
    case POISSON:
        return (double)rng_poisson(rng, a);
    case GAMMA:
        return rng_gamma(rng, a, b);
    }
    return 0;
}

static struct moments measure(enum shape shape, double a, double b) {
    struct rng rng = rng_make(11, (uint64_t)shape);
    struct moments m = {.min = INFINITY, .max = -INFINITY};
    double square_sum = 0;
    for (int i = 1; i <= DRAWS; i++) {
        double x = draw(&rng, shape, a, b);
        double delta = x - m.mean;
        m.mean += delta / i;
        square_sum += delta * (x - m.mean);
        m.min = fmin(m.min, x);
        m.max = fmax(m.max, x);
    }
    m.variance = square_sum / DRAWS;
    return m;
}

static void moments_are_right(void **state) {
    (void)state;
    /* kurtosis: fourth central moment over squared variance, for the error of the variance. */
    static const struct {
        enum shape shape;
        double a, b, mean, variance, kurtosis;
    } rows[] = {
        {UNIT, 0, 0, 0.5, 1.0 / 12, 1.8},
        {NORMAL, 0, 0, 0, 1, 3},
        {LOG_LOGNORMAL, 30, 0.8, 3.4011973816621555, 0.64, 3},
        {EXPONENTIAL, 4, 0, 4, 16, 9},
        {GEOMETRIC, 0.25, 0, 3, 12, 9.1},
        {GEOMETRIC, 0.002, 0, 499, 249500, 9},
        {POISSON, 0.3, 0, 0.3, 0.3, 6.34},
        {POISSON, 9.9, 0, 9.9, 9.9, 3.11},
        {POISSON, 10, 0, 10, 10, 3.1},
        {POISSON, 55.5, 0, 55.5, 55.5, 3.02},
        {POISSON, 1e6, 0, 1e6, 1e6, 3},
        {GAMMA, 0.2, 3, 0.6, 1.8, 33},
        {GAMMA, 1, 2, 2, 4, 9},
        {GAMMA, 7.5, 0.5, 3.75, 1.875, 3.8},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct moments m = measure(rows[i].shape, rows[i].a, rows[i].b);
        double mean_error = 5 * sqrt(rows[i].variance / DRAWS);
        double variance_error = 5 * rows[i].variance * sqrt((rows[i].kurtosis - 1) / DRAWS);
        if (fabs(m.mean - rows[i].mean) > mean_error ||
            fabs(m.variance - rows[i].variance) > variance_error) {
            fail_msg("row %zu: mean %g, variance %g", i, m.mean, m.variance);
        }
        if (rows[i].shape != NORMAL && rows[i].shape != LOG_LOGNORMAL) {
            assert_true(m.min >= 0);
        }
    }
}

static void poisson_has_its_probabilities(void **state) {
    (void)state;
    /* Both methods, cell by cell: two moments alone would not see a lattice gone wrong. */
    const double means[] = {3, 12};
    for (size_t k = 0; k < 2; k++) {
        struct rng rng = rng_make(5, k);
        int counts[40] = {0};
        for (int i = 0; i < DRAWS; i++) {
            uint64_t count = rng_poisson(&rng, means[k]);
            counts[count < 39 ? count : 39]++;
        }
        for (int count = 0; count < 39; count++) {
            double p = exp(count * log(means[k]) - means[k] - lgamma(count + 1.0));
            double expected = p * DRAWS;
            assert_true(fabs(counts[count] - expected) < 5 * sqrt(expected) + 5);
        }
    }
}

static void edges_stay_inside(void **state) {
    (void)state;
    struct rng rng = rng_make(9, 9);
    for (int i = 0; i < 1000; i++) {
        assert_true(rng_poisson(&rng, 0) == 0);
        assert_true(rng_geometric(&rng, 1) == 0);
        assert_true(rng_geometric(&rng, 1e-300) <= UINT64_C(1) << 63);
        assert_true(rng_lognormal(&rng, 5, 0) == 5);
        assert_true(rng_gamma(&rng, 1e-3, 1) >= 0);
        double unit = rng_unit(&rng);
        assert_true(unit >= 0 && unit < 1);
    }
}

static void a_draw_of_zero_has_a_logarithm(void **state) {
    (void)state;
    const struct rng zero = {.state = {1, 0, 2, 3}}; /* its first number is 0 */
    struct rng rng = zero;
    assert_true(rng_unit(&rng) == 0);
    rng = zero;
    assert_true(rng_exponential(&rng, 1) == 0);
    rng = zero;
    assert_true(isfinite(rng_normal(&rng)));
    rng = zero;
    assert_true(rng_geometric(&rng, 0.5) == 0);
}

static void dirichlet_sums_to_one(void **state) {
    (void)state;
    const double alpha[] = {0.5, 2, 5};
    struct rng rng = rng_make(13, 0);
    double mean[3] = {0}, out[3];
    for (int i = 0; i < DRAWS; i++) {
        rng_dirichlet(&rng, alpha, out, 3);
        assert_true(fabs(out[0] + out[1] + out[2] - 1) < 1e-12);
        for (int j = 0; j < 3; j++) {
            assert_true(out[j] >= 0);
            mean[j] += out[j] / DRAWS;
        }
    }
    for (int j = 0; j < 3; j++) {
        double p = alpha[j] / 7.5;
        assert_true(fabs(mean[j] - p) < 5 * sqrt(p * (1 - p) / 8.5 / DRAWS));
    }
}

static void tiny_dirichlet_still_sums_to_one(void **state) {
    (void)state;
    /* Each gamma draw alone would be zero most of the time, and the sum with it. */
    const double alpha[] = {1e-4, 1e-4, 1e-4, 1e-4};
    struct rng rng = rng_make(14, 0);
    double out[4];
    int firsts = 0;
    for (int i = 0; i < 2000; i++) {
        rng_dirichlet(&rng, alpha, out, 4);
        assert_true(fabs(out[0] + out[1] + out[2] + out[3] - 1) < 1e-12);
        firsts += out[0] > 0.5;
    }
    assert_true(abs(firsts - 500) < 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_the_published_sequence),
        cmocka_unit_test(streams_repeat_and_differ),
        cmocka_unit_test(zero_seed_is_no_dead_state),
        cmocka_unit_test(neighbouring_streams_are_independent),
        cmocka_unit_test(below_is_even_and_inside),
        cmocka_unit_test(moments_are_right),
        cmocka_unit_test(poisson_has_its_probabilities),
        cmocka_unit_test(edges_stay_inside),
        cmocka_unit_test(a_draw_of_zero_has_a_logarithm),
        cmocka_unit_test(dirichlet_sums_to_one),
        cmocka_unit_test(tiny_dirichlet_still_sums_to_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
