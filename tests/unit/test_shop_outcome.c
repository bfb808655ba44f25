#include "producer/shop_outcome.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
/* cmocka needs the above */
#include <cmocka.h>

static struct shop_world world;

static int set_up(void **state) {
    (void)state;
    return failed(shop_world_load("base", stderr, &world)) ? -1 : 0;
}

static double sigma(double logit) {
    return 1 / (1 + exp(-logit));
}

static void assert_near(double found, double expected) {
    assert_true(fabs(found - expected) < 1e-9);
}

/* The formula of SIMULATOR.md, by hand. */
static void test_p_is_the_stated_formula(void **state) {
    (void)state;
    double base = log(.06 / .94), lncart = log(120) - 3.9;
    struct shop_state now = {.cart_value = 120};
    assert_near(shop_outcome_p(&world, TYPE_PERSUADABLE, SENSITIVITY_HIGH, SHOP_NONE, &now),
                sigma(base - .60 * lncart));
    /* g only on coupons */
    assert_near(shop_outcome_p(&world, TYPE_PERSUADABLE, SENSITIVITY_HIGH, SHOP_REMIND, &now),
                sigma(base - .60 * lncart + .55));
    assert_near(shop_outcome_p(&world, TYPE_PERSUADABLE, SENSITIVITY_HIGH, SHOP_10, &now),
                sigma(base - .60 * lncart + 1.5 * 1.45));
    now.fatigue = 2;
    now.coupons_30d = 3;
    now.drift = .1;
    double worn = .85 * .85 * .85;
    assert_near(shop_outcome_p(&world, TYPE_PERSUADABLE, SENSITIVITY_LOW, SHOP_20, &now),
                sigma(base - .15 * lncart + .5 * 1.75 * worn - .15 * 2 + .1));
    /* neither g nor h on what disturbs */
    double disturb = log(.22 / .78);
    assert_near(shop_outcome_p(&world, TYPE_DISTURB, SENSITIVITY_HIGH, SHOP_20, &now),
                sigma(disturb - .60 * lncart - .65 - .15 * 2 + .1));
}

static void test_sale_and_shock(void **state) {
    (void)state;
    struct shop_world shock;
    assert_false(failed(shop_world_load("shock", stderr, &shock)));
    struct shop_state now = {.cart_value = exp(3.9), .is_sale = true, .is_second_half = true};
    double base = log(.06 / .94);
    assert_near(shop_outcome_p(&shock, TYPE_PERSUADABLE, SENSITIVITY_MID, SHOP_10, &now),
                sigma(base + 1.45 * .5 * .3));
    assert_near(shop_outcome_p(&shock, TYPE_PERSUADABLE, SENSITIVITY_MID, SHOP_REMIND, &now),
                sigma(base + .55));
    assert_near(shop_outcome_p(&shock, TYPE_LOST, SENSITIVITY_MID, SHOP_10, &now),
                sigma(log(.012 / .988) + .15 * .3));
}

static void test_interaction(void **state) {
    (void)state;
    struct shop_world interact;
    assert_false(failed(shop_world_load("interact", stderr, &interact)));
    struct shop_state small = {.cart_value = 99}, large = {.cart_value = 101};
    for (int type = 0; type < SHOP_TYPES; type++) {
        double none = shop_outcome_p(&interact, type, SENSITIVITY_MID, SHOP_NONE, &small);
        assert_near(shop_outcome_p(&interact, type, SENSITIVITY_MID, SHOP_10, &small), none);
        double p0 = shop_outcome_p(&interact, type, SENSITIVITY_MID, SHOP_NONE, &large);
        double p10 = shop_outcome_p(&interact, type, SENSITIVITY_MID, SHOP_10, &large);
        assert_near(log(p10 / (1 - p10)) - log(p0 / (1 - p0)), .8);
    }
}

static void test_value(void **state) {
    (void)state;
    assert_near(shop_outcome_value(&world, SHOP_NONE, .2, 60), .2 * 60 * .35 * .92);
    assert_near(shop_outcome_value(&world, SHOP_REMIND, .2, 60), (.2 * 60 * .35 - .03) * .92);
    assert_near(shop_outcome_value(&world, SHOP_SHIP, .2, 60),
                (.2 * (60 * .35 - 4.90) - .03) * .92);
    assert_near(shop_outcome_value(&world, SHOP_SHIP, .2, 79), (.2 * 79 * .35 - .03) * .92);
    assert_near(shop_outcome_value(&world, SHOP_10, .2, 60), (.2 * 60 * .25 - .03) * .92);
    assert_near(shop_outcome_value(&world, SHOP_20, .2, 60), (.2 * 60 * .15 - .03) * .90);
}

#define DRAWS 20000

static void check_delays(enum shop_arm arm) {
    static const double ages_h[] = {0.1, 0.5, 1, 5, 24, 48, 120};
    for (size_t i = 0; i < sizeof ages_h / sizeof ages_h[0]; i++) {
        double age_ms = ages_h[i] * 3600000, below = 0;
        for (uint64_t draw = 0; draw < DRAWS; draw++) {
            double delay = shop_outcome_delay_ms(&world, rng_make(1, draw), arm);
            assert_true(delay > 0 && delay < (double)SHOP_WINDOW_MS);
            below += delay <= age_ms;
        }
        double expected = shop_outcome_delay_cdf(&world, arm, age_ms);
        assert_true(fabs(below / DRAWS - expected) < 4 * sqrt(expected * (1 - expected) / DRAWS));
    }
}

static void test_delays_follow_their_distribution(void **state) {
    (void)state;
    check_delays(SHOP_NONE);
    double before = shop_outcome_delay_cdf(&world, SHOP_NONE, 1e7);
    world.outcome.accelerate = 0.5;
    check_delays(SHOP_10);
    assert_true(shop_outcome_delay_cdf(&world, SHOP_10, 1e7) > before);
    assert_true(shop_outcome_delay_cdf(&world, SHOP_REMIND, 1e7) == before);
    world.outcome.accelerate = 1;
    assert_true(shop_outcome_delay_cdf(&world, SHOP_NONE, (double)SHOP_WINDOW_MS) == 1);
    assert_true(shop_outcome_delay_cdf(&world, SHOP_NONE, 0) == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_p_is_the_stated_formula),
        cmocka_unit_test(test_sale_and_shock),
        cmocka_unit_test(test_interaction),
        cmocka_unit_test(test_value),
        cmocka_unit_test(test_delays_follow_their_distribution),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
