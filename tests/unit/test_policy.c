/* policy: values by hand, what leaves no margin, and probabilities against the normal distribution
 * that the draws come from. */
#include "consumer/rooms/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "consumer/rooms/features.h"
#include "tests/support/decide_fixture.h"

#define ARMS 5 /* none and the four offers of the fixture */

struct scene {
    struct decide_fixture fixture;
    struct decision decision;
};

/* A scored decision of 100 in the cart at a margin of 0.3; every offer is eligible and mature;
 * nothing costs anything. */
static int set_up(void **state) {
    struct scene *scene = memory_new(1, sizeof *scene);
    decide_fixture_init(&scene->fixture, 1);
    scene->fixture.config.mode = MODE_LIVE;
    scene->fixture.config.uncertainty = 1;
    decide_fixture_decision("anna", &scene->decision);
    scene->decision.cart_value = 100;
    scene->decision.learner_count = 1;
    scene->decision.arm_count = ARMS;
    scene->decision.has_score = true;
    scene->decision.eligible = scene->decision.mature = 0xf;
    *state = scene;
    return 0;
}

static int tear_down(void **state) {
    struct scene *scene = *state;
    decide_fixture_clean_up(&scene->fixture);
    free(scene);
    return 0;
}

static void expect_close(double found, double expected, double bound) {
    if (!(fabs(found - expected) <= bound)) {
        fail_msg("found %.12g, expected %.12g", found, expected);
    }
}

/* The same variance for all arms, and another one that each of the offers has for itself. */
static void set_variance(struct scene *scene, double common, double own) {
    for (size_t i = 0; i < ARMS; i++) {
        for (size_t j = 0; j < ARMS; j++) {
            scene->decision.champion.covariance[i * ARMS + j] =
                common + (i == j && i > 0 ? own : 0);
        }
    }
}

static void set_mean(struct scene *scene, int offer, double mean) {
    scene->decision.champion.arms[offer + 1].mean = mean;
}

static void fill(struct scene *scene) {
    policy_fill(&scene->fixture.config, &scene->decision);
    double sum = 0;
    assert_true(bytes_equal(scene->decision.actions[0].action, bytes_of_text("none")));
    for (size_t i = 0; i < scene->decision.action_count; i++) {
        sum += scene->decision.actions[i].p;
        assert_true(scene->decision.actions[i].p >= scene->fixture.config.epsilon);
    }
    expect_close(sum, 1, 1e-12);
}

/* ---- what may be sent at all ---- */

static void the_price_is_the_carts_else_of_what_was_viewed_last(void **state) {
    struct scene *scene = *state;
    struct decision *decision = &scene->decision;
    assert_true(policy_price(decision) == 100);
    decision->cart_value = NAN;
    assert_true(policy_price(decision) == 59.9);
    decision->cart_value = 0;
    assert_true(policy_price(decision) == 59.9);
    decision->items[0].price = NAN;
    assert_true(isnan(policy_price(decision)));
    decision->item_count = 0;
    assert_true(isnan(policy_price(decision)));
}

static bool is_eligible(struct scene *scene, enum fixture_offer offer) {
    return policy_eligible(&scene->fixture.config, &scene->decision) >> offer & 1;
}

static void what_eats_the_margin_is_not_sent(void **state) {
    struct scene *scene = *state;
    struct decision *decision = &scene->decision;
    scene->fixture.offers[FIXTURE_SHIPPING].cost = 6;
    scene->fixture.offers[FIXTURE_SHIPPING].free_from = 50;
    assert_int_equal(policy_eligible(&scene->fixture.config, decision), 0xf);
    decision->cart_value = 18; /* 5.40 are earned */
    assert_true(is_eligible(scene, FIXTURE_FIVE_OFF));
    assert_false(is_eligible(scene, FIXTURE_SHIPPING));
    decision->cart_value = 16; /* 4.80 */
    assert_false(is_eligible(scene, FIXTURE_FIVE_OFF));
    assert_true(is_eligible(scene, FIXTURE_TEN_PERCENT));
    assert_true(is_eligible(scene, FIXTURE_REMINDER));
    decision->cart_value = 50; /* free anyway */
    assert_true(is_eligible(scene, FIXTURE_SHIPPING));
    decision->margin = 0.1; /* all of it */
    assert_false(is_eligible(scene, FIXTURE_TEN_PERCENT));
    decision->margin = 0;
    assert_int_equal(policy_eligible(&scene->fixture.config, decision), 0);
}

static void what_the_offer_itself_asks_for_holds_too(void **state) {
    struct scene *scene = *state;
    scene->fixture.offers[FIXTURE_REMINDER].end_ms = FIXTURE_NOON_MS;
    scene->fixture.offers[FIXTURE_FIVE_OFF].minimum_basket = 100.5;
    assert_false(is_eligible(scene, FIXTURE_REMINDER));
    assert_false(is_eligible(scene, FIXTURE_FIVE_OFF));
    assert_true(is_eligible(scene, FIXTURE_TEN_PERCENT));
}

static void without_a_price_amounts_cannot_be_compared(void **state) {
    struct scene *scene = *state;
    scene->decision.cart_value = NAN;
    scene->decision.item_count = 0;
    assert_int_equal(policy_eligible(&scene->fixture.config, &scene->decision),
                     0xf & ~(1 << FIXTURE_FIVE_OFF));
    scene->decision.margin = 0.05;
    assert_false(is_eligible(scene, FIXTURE_TEN_PERCENT));
}

/* ---- value ---- */

static void values_are_what_the_formula_says(void **state) {
    struct scene *scene = *state;
    struct decide_config *config = &scene->fixture.config;
    struct decision *decision = &scene->decision;
    config->contact_cost = 0.5;
    config->fatigue_cost = 0.25;
    decision->numbers[FEATURE_PUSH_PRESSURE] = 2;
    scene->fixture.offers[FIXTURE_SHIPPING].cost = 4;
    double quarter = -log(3); /* the logit of 1/4 */
    expect_close(policy_value(config, decision, 100, -1, quarter), 7.5, 1e-9);
    expect_close(policy_value(config, decision, 100, FIXTURE_TEN_PERCENT, 0), 10 - 1, 1e-9);
    expect_close(policy_value(config, decision, 100, FIXTURE_FIVE_OFF, 0), 12.5 - 1, 1e-9);
    expect_close(policy_value(config, decision, 100, FIXTURE_SHIPPING, quarter), 6.5 - 1, 1e-9);
    expect_close(policy_value(config, decision, 100, FIXTURE_REMINDER, 0), 15 - 1, 1e-9);
    decision->margin = 0.5; /* the cart's own goes before the default */
    expect_close(policy_value(config, decision, 100, -1, quarter), 12.5, 1e-9);
    expect_close(policy_value(config, decision, 40, FIXTURE_TEN_PERCENT, 0), 8 - 1, 1e-9);
}

static void who_decides(void **state) {
    struct scene *scene = *state;
    struct decision *decision = &scene->decision;
    assert_int_equal(policy_of(decision), POLICY_VALUE);
    decision->mature = 0x8;
    assert_int_equal(policy_of(decision), POLICY_VALUE);
    decision->eligible = 0x7; /* none that is mature */
    assert_int_equal(policy_of(decision), POLICY_RULE);
    decision->eligible = 0xf;
    decision->cart_value = NAN;
    decision->item_count = 0;
    assert_int_equal(policy_of(decision), POLICY_RULE);
    decision->is_alarmed = true;
    assert_int_equal(policy_of(decision), POLICY_MISCALIBRATED);
    decision->has_score = false;
    assert_int_equal(policy_of(decision), POLICY_NOT_FINITE);
}

/* ---- probabilities ---- */

static void what_is_certain_is_done_but_for_epsilon(void **state) {
    struct scene *scene = *state;
    struct decision *decision = &scene->decision;
    scene->fixture.config.epsilon = 0.01;
    set_mean(scene, FIXTURE_REMINDER, 1); /* gives nothing away and moves most */
    fill(scene);
    assert_int_equal(decision->action_count, ARMS);
    for (int i = 0; i < ARMS; i++) {
        assert_int_equal(decision->action_offers[i], i - 1);
        expect_close(decision->actions[i].p, i == FIXTURE_REMINDER + 1 ? 0.96 : 0.01, 1e-12);
        expect_close(decision->actions[i].value,
                     policy_value(&scene->fixture.config, decision, 100, i - 1,
                                  decision->champion.arms[i].mean),
                     1e-12);
    }
}

static void nothing_is_sent_that_is_not_worth_it(void **state) {
    struct scene *scene = *state;
    set_mean(scene, FIXTURE_REMINDER, 0.4); /* 0.5987 instead of 0.5 of 30: 2.96 more */
    scene->fixture.config.min_gain = 2.9;
    fill(scene);
    assert_true(scene->decision.actions[FIXTURE_REMINDER + 1].p == 1);
    scene->fixture.config.min_gain = 3;
    fill(scene);
    assert_true(scene->decision.actions[0].p == 1);
}

static void only_eligible_and_mature_offers_are_actions(void **state) {
    struct scene *scene = *state;
    scene->decision.eligible = 0xb; /* all but shipping */
    scene->decision.mature = 0x6;   /* five_off, shipping */
    fill(scene);
    assert_int_equal(scene->decision.action_count, 2);
    assert_true(bytes_equal(scene->decision.actions[1].action, bytes_of_text("five_off")));
}

/* Share of sends over many decisions. */
static double share_sent(struct scene *scene, int decisions) {
    double sum = 0;
    for (int i = 0; i < decisions; i++) {
        scene->decision.id = (struct hash128){(uint64_t)i * 0x9e3779b97f4a7c15, (uint64_t)i};
        fill(scene);
        sum += scene->decision.actions[1].p;
    }
    return sum / decisions;
}

/* A reminder pays whenever its own effect is above 0, whoever buys how surely: with mean m and
 * deviation s in the share Phi(m / s) of the draws. What all arms have in common must cancel. */
static void draws_have_the_posteriors_joint_spread(void **state) {
    struct scene *scene = *state;
    const double decisions = 1000, draws = 100;
    scene->decision.eligible = 1 << FIXTURE_REMINDER;
    set_mean(scene, FIXTURE_REMINDER, 0.1);
    static const struct {
        double common, own, uncertainty;
    } cases[] = {{0, 0.04, 1}, {4, 0.04, 1}, {4, 1, 1}, {1, 0.04, 0.5}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        set_variance(scene, cases[i].common, cases[i].own);
        scene->fixture.config.uncertainty = cases[i].uncertainty;
        double sd = sqrt(cases[i].own) * cases[i].uncertainty;
        double expected = erfc(-0.1 / sd / sqrt(2)) / 2;
        double error = sqrt(expected * (1 - expected) / (decisions * draws));
        expect_close(share_sent(scene, (int)decisions), expected, 4 * error);
    }
    scene->fixture.config.uncertainty = 0;
    assert_true(share_sent(scene, 10) == 1);
}

static double p_of_reminder(struct scene *scene) {
    fill(scene);
    return scene->decision.actions[1].p;
}

static void draws_belong_to_the_decision(void **state) {
    struct scene *scene = *state;
    struct decision *decision = &scene->decision;
    decision->eligible = 1 << FIXTURE_REMINDER;
    set_variance(scene, 0, 1);
    int moved_by_id = 0, moved_by_attempt = 0, moved_by_salt = 0;
    for (uint64_t i = 0; i < 50; i++) {
        decision->id = (struct hash128){7, i};
        double p = p_of_reminder(scene);
        assert_true(p == p_of_reminder(scene));
        decision->attempt = 1;
        moved_by_attempt += p != p_of_reminder(scene);
        decision->attempt = 0;
        scene->fixture.config.explore_salt = "explore-2";
        moved_by_salt += p != p_of_reminder(scene);
        scene->fixture.config.explore_salt = "explore-1";
        decision->id.low += 1000;
        moved_by_id += p != p_of_reminder(scene);
    }
    assert_true(moved_by_id > 40 && moved_by_attempt > 40 && moved_by_salt > 40);
}

/* Rounding leaves covariances that are none: no number may become NaN by that. */
static void a_flat_covariance_is_survived(void **state) {
    struct scene *scene = *state;
    set_variance(scene, 1, 0);
    scene->decision.champion.covariance[2 * ARMS + 2] = 1 - 1e-9;
    scene->decision.champion.covariance[3 * ARMS + 3] = -1e-12;
    fill(scene);
    for (size_t i = 0; i < scene->decision.action_count; i++) {
        assert_true(isfinite(scene->decision.actions[i].p));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_price_is_the_carts_else_of_what_was_viewed_last),
        TEST(what_eats_the_margin_is_not_sent),
        TEST(what_the_offer_itself_asks_for_holds_too),
        TEST(without_a_price_amounts_cannot_be_compared),
        TEST(values_are_what_the_formula_says),
        TEST(who_decides),
        TEST(what_is_certain_is_done_but_for_epsilon),
        TEST(nothing_is_sent_that_is_not_worth_it),
        TEST(only_eligible_and_mature_offers_are_actions),
        TEST(draws_have_the_posteriors_joint_spread),
        TEST(draws_belong_to_the_decision),
        TEST(a_flat_covariance_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
