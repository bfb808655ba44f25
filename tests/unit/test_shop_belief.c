/* The filter by hand: the odds between classes after each thing that may be seen. */
#include "producer/shop_belief.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
/* cmocka needs the above */
#include <cmocka.h>

#define HOUR 3600000.0

static struct shop_world world;
/* z = type * 3 + sensitivity */
enum {
    SURE_LOW,
    SURE_MID,
    SURE_HIGH,
    PERSUADABLE_LOW,
    PERSUADABLE_MID,
    LOST_MID = 7,
    DISTURB_MID = 10
};

static int set_up(void **state) {
    (void)state;
    return failed(shop_world_load("base", stderr, &world)) ? -1 : 0;
}

static struct shop_belief even(void) {
    struct shop_belief belief = {.is_begun = true};
    for (int z = 0; z < SHOP_CLASSES; z++) {
        belief.weights[z] = 1.0f / SHOP_CLASSES;
    }
    return belief;
}

/* Weights are floats. */
static void assert_odds(const struct shop_belief *belief, int a, int b, double expected) {
    double found = (double)belief->weights[a] / (double)belief->weights[b];
    if (!(fabs(found / expected - 1) < 1e-6)) {
        fail_msg("odds of %d to %d: found %.9g, expected %.9g", a, b, found, expected);
    }
}

static void assert_sum_is_one(const struct shop_belief *belief) {
    double sum = 0;
    for (int z = 0; z < SHOP_CLASSES; z++) {
        sum += (double)belief->weights[z];
    }
    assert_true(fabs(sum - 1) < 1e-6);
}

static double sigma(double logit) {
    return 1 / (1 + exp(-logit));
}

static void test_begins_with_the_covariates(void **state) {
    (void)state;
    /* Latent members say something else: they must not matter. */
    struct shop_user user = {
        .type = TYPE_LOST, .sensitivity = SENSITIVITY_HIGH, .level = {2, 0, 1, 2}};
    struct shop_belief belief = {0};
    shop_belief_begin(&world, &user, 77, &belief);
    assert_true(belief.is_begun && belief.since_ms == 77);
    assert_sum_is_one(&belief);
    double sure = .16 * .60 * .60 * .40 * .15, persuadable = .22 * .25 * .15 * .35 * .20;
    assert_odds(&belief, SURE_MID, PERSUADABLE_MID, sure / persuadable);
    /* The coupon tier leans by sensitivity: x 1.4, 1, .6 for low, renormalised. */
    double low = .60 * 1.4 / (.60 * 1.4 + .30 + .10 * .6),
           high = .60 * .6 / (.60 * .6 + .30 + .10 * 1.4);
    assert_odds(&belief, SURE_LOW, SURE_MID, .3 * low / (.4 * .60));
    assert_odds(&belief, SURE_HIGH, SURE_LOW, high / low);
}

static void test_arrivals(void **state) {
    (void)state;
    struct shop_belief belief = even();
    shop_belief_arrival(&world, 12.5, &belief);
    assert_sum_is_one(&belief);
    assert_odds(&belief, SURE_MID, LOST_MID, .10 / .05 * exp(-(.10 - .05) * 12.5));
    assert_odds(&belief, SURE_LOW, SURE_HIGH, 1);
    shop_belief_arrival(&world, 20000, &belief); /* decades: only the rarest guest is left */
    assert_sum_is_one(&belief);
    assert_true(belief.weights[LOST_MID] > 0.3f);
}

static void test_funnel(void **state) {
    (void)state;
    struct shop_belief belief = even();
    struct shop_funnel seen = {.pay_factor = 1};
    shop_belief_funnel(&world, &seen, &belief);
    assert_odds(&belief, SURE_MID, PERSUADABLE_MID, .83 / .89);
    belief = even();
    seen.has_cart = true;
    shop_belief_funnel(&world, &seen, &belief);
    assert_odds(&belief, SURE_MID, PERSUADABLE_MID, .17 * .32 / (.11 * .60));
    belief = even();
    seen.has_checkout = true;
    shop_belief_funnel(&world, &seen, &belief);
    assert_odds(&belief, SURE_MID, LOST_MID, .17 * .68 * .24 / (.06 * .22 * .70));
    belief = even();
    seen.is_paid = true;
    shop_belief_funnel(&world, &seen, &belief);
    assert_odds(&belief, SURE_MID, LOST_MID, .17 * .68 * .76 / (.06 * .22 * .30));
    belief = even();
    seen.is_paid = false;
    seen.pay_factor = .8;
    shop_belief_funnel(&world, &seen, &belief);
    assert_odds(&belief, SURE_MID, LOST_MID, .17 * .68 * (1 - .608) / (.06 * .22 * .76));
}

static struct shop_history history_of(enum shop_arm arm) {
    return (struct shop_history){.state = {.cart_value = exp(3.9)}, .arm = arm, .in_stock = 1};
}

static void test_outcomes(void **state) {
    (void)state;
    double persuadable = sigma(log(.06 / .94) + 1.45), disturb = sigma(log(.22 / .78) - .60);
    struct shop_history history = history_of(SHOP_NONE);
    struct shop_belief belief = even();
    shop_belief_outcome(&world, &history, SIGHT_ORDER, 2 * HOUR, &belief);
    assert_odds(&belief, SURE_MID, PERSUADABLE_MID, .38 / .06);
    belief = even();
    shop_belief_outcome(&world, &history, SIGHT_NEVER, 0, &belief);
    assert_odds(&belief, SURE_MID, PERSUADABLE_MID, .62 / .94);
    history = history_of(SHOP_10);
    belief = even();
    shop_belief_outcome(&world, &history, SIGHT_ORDER, 2 * HOUR, &belief);
    assert_odds(&belief, PERSUADABLE_MID, DISTURB_MID, persuadable / disturb);
    belief = even();
    history.in_stock = .5; /* a no may be the shelf's */
    shop_belief_outcome(&world, &history, SIGHT_NEVER, 0, &belief);
    assert_odds(&belief, PERSUADABLE_MID, DISTURB_MID, (1 - .5 * persuadable) / (1 - .5 * disturb));
    assert_sum_is_one(&belief);
}

/* After the decision a push can only help: p1 = max(p0, pa). */
static void test_late_pushes(void **state) {
    (void)state;
    double persuadable = sigma(log(.06 / .94) + 1.45);
    struct shop_history history = history_of(SHOP_NONE);
    history.late[0] = (struct shop_late_push){2 * HOUR, SHOP_10};
    history.late[1] = (struct shop_late_push){3 * HOUR, SHOP_REMIND}; /* adds nothing to 10 % */
    history.late_count = 2;
    struct shop_belief belief = even();
    shop_belief_outcome(&world, &history, SIGHT_NEVER, 0, &belief);
    assert_odds(&belief, PERSUADABLE_MID, DISTURB_MID, (1 - persuadable) / (1 - .22));
    /* Known to come after 5 h: by itself, or by the push of 3 h ago. */
    double alone = 1 - shop_outcome_delay_cdf(&world, SHOP_NONE, 5 * HOUR);
    double pushed = 1 - shop_outcome_delay_cdf(&world, SHOP_10, 3 * HOUR);
    belief = even();
    shop_belief_outcome(&world, &history, SIGHT_KEPT, 5 * HOUR, &belief);
    assert_odds(&belief, PERSUADABLE_MID, DISTURB_MID,
                (.06 * alone + (persuadable - .06) * pushed) / (.22 * alone));
    /* An order before the push is nobody's but the shopper's own. */
    belief = even();
    shop_belief_outcome(&world, &history, SIGHT_ORDER, HOUR, &belief);
    assert_odds(&belief, PERSUADABLE_MID, DISTURB_MID, .06 / .22);
    /* Right after it, where few orders come by themselves, it is the push's. */
    belief = even();
    shop_belief_outcome(&world, &history, SIGHT_ORDER, 2.4 * HOUR, &belief);
    double odds = (double)belief.weights[PERSUADABLE_MID] / (double)belief.weights[DISTURB_MID];
    assert_true(odds > 5 * persuadable / .22);
}

static void test_reactions(void **state) {
    (void)state;
    struct shop_belief belief = even();
    shop_belief_dismissed(&world, &belief);
    assert_odds(&belief, DISTURB_MID, SURE_MID, 3);
    assert_odds(&belief, PERSUADABLE_MID, SURE_MID, 1);
    belief = even();
    shop_belief_silence(&world, 1, &belief);
    assert_odds(&belief, DISTURB_MID, SURE_MID, .35 / .55);
    belief = even();
    shop_belief_silence(&world, .5, &belief);
    assert_odds(&belief, DISTURB_MID, SURE_MID, (1 - .325) / (1 - .225));
    belief = even();
    shop_belief_silence(&world, 0, &belief);
    assert_odds(&belief, DISTURB_MID, SURE_MID, 1);
}

static void test_the_impossible_changes_nothing(void **state) {
    (void)state;
    struct shop_belief belief = even();
    shop_belief_multiply((const double[SHOP_CLASSES]){0}, &belief);
    assert_sum_is_one(&belief);
    assert_odds(&belief, SURE_LOW, DISTURB_MID, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_begins_with_the_covariates),
        cmocka_unit_test(test_arrivals),
        cmocka_unit_test(test_funnel),
        cmocka_unit_test(test_outcomes),
        cmocka_unit_test(test_late_pushes),
        cmocka_unit_test(test_reactions),
        cmocka_unit_test(test_the_impossible_changes_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
