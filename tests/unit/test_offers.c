/* offers: which rule matches, when its offer may be given, and what changes the fingerprint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "tests/support/decide_fixture.h"

struct scene {
    struct decide_fixture fixture;
    struct decision decision;
};

static int set_up(void **state) {
    struct scene *scene = memory_new(1, sizeof *scene);
    decide_fixture_init(&scene->fixture, 1);
    decide_fixture_decision("anna", &scene->decision);
    *state = scene;
    return 0;
}

static int tear_down(void **state) {
    struct scene *scene = *state;
    decide_fixture_clean_up(&scene->fixture);
    free(scene);
    return 0;
}

static int by_rule(const struct scene *scene) {
    return offers_by_rule(&scene->fixture.config, &scene->decision);
}

static int by_rule_for(struct scene *scene, double cart_value) {
    scene->decision.cart_value = cart_value;
    return by_rule(scene);
}

static void offers_are_found_by_id(void **state) {
    const struct scene *scene = *state;
    const struct decide_config *config = &scene->fixture.config;
    assert_int_equal(offers_find(config, bytes_of_text("shipping")), FIXTURE_SHIPPING);
    assert_int_equal(offers_find(config, bytes_of_text("ship")), -1);
    assert_int_equal(offers_find(config, bytes_of_text("")), -1);
    assert_string_equal(offers_get(config, FIXTURE_REMINDER)->id, "reminder");
}

static void the_trigger_picks_the_rule(void **state) {
    struct scene *scene = *state;
    assert_int_equal(by_rule(scene), FIXTURE_TEN_PERCENT);
    scene->decision.trigger = TRIGGER_CHECKOUT_ABANDONED;
    assert_int_equal(by_rule(scene), FIXTURE_FIVE_OFF);
    scene->decision.trigger = TRIGGER_BROWSE_ABANDONED;
    assert_int_equal(by_rule(scene), FIXTURE_REMINDER);
    scene->fixture.config.rules.count = 2;
    assert_int_equal(by_rule(scene), -1);
}

static void baskets_abut(void **state) {
    struct scene *scene = *state;
    scene->fixture.rules[0] =
        (struct rule){.trigger = TRIGGER_CART_ABANDONED, .offer = "reminder", .basket_max = 50};
    scene->fixture.rules[1] = (struct rule){.trigger = TRIGGER_CART_ABANDONED,
                                            .offer = "shipping",
                                            .basket_min = 50,
                                            .basket_max = 100};
    scene->fixture.rules[2] =
        (struct rule){.trigger = TRIGGER_CART_ABANDONED, .offer = "five_off", .basket_min = 100};
    assert_int_equal(by_rule_for(scene, 0), FIXTURE_REMINDER);
    assert_int_equal(by_rule_for(scene, 49.99), FIXTURE_REMINDER);
    assert_int_equal(by_rule_for(scene, 50), FIXTURE_SHIPPING);
    assert_int_equal(by_rule_for(scene, 99.99), FIXTURE_SHIPPING);
    assert_int_equal(by_rule_for(scene, 100), FIXTURE_FIVE_OFF);
    assert_int_equal(by_rule_for(scene, 1e9), FIXTURE_FIVE_OFF);
    assert_int_equal(by_rule_for(scene, NAN), FIXTURE_REMINDER); /* unknown: the lowest */
    scene->fixture.rules[0].trigger = TRIGGER_BROWSE_ABANDONED;
    assert_int_equal(by_rule_for(scene, NAN), -1);
}

static void rules_can_be_for_new_or_returning_users(void **state) {
    struct scene *scene = *state;
    scene->fixture.rules[0].users = RULE_USERS_NEW;
    scene->fixture.rules[1] = (struct rule){
        .trigger = TRIGGER_CART_ABANDONED, .offer = "reminder", .users = RULE_USERS_RETURNING};
    scene->decision.is_new_user = true;
    assert_int_equal(by_rule(scene), FIXTURE_TEN_PERCENT);
    scene->decision.is_new_user = false;
    assert_int_equal(by_rule(scene), FIXTURE_REMINDER);
}

static void the_first_match_decides_even_if_its_offer_is_over(void **state) {
    struct scene *scene = *state;
    scene->fixture.rules[1] = (struct rule){.trigger = TRIGGER_CART_ABANDONED, .offer = "reminder"};
    assert_int_equal(by_rule(scene), FIXTURE_TEN_PERCENT);
    scene->fixture.offers[FIXTURE_TEN_PERCENT].end_ms = FIXTURE_NOON_MS;
    assert_int_equal(by_rule(scene), -1);
}

static void an_offer_lives_from_start_to_before_end(void **state) {
    struct scene *scene = *state;
    struct offer *offer = &scene->fixture.offers[FIXTURE_TEN_PERCENT];
    offer->start_ms = FIXTURE_NOON_MS + 1;
    assert_int_equal(by_rule(scene), -1);
    offer->start_ms = FIXTURE_NOON_MS;
    assert_int_equal(by_rule(scene), FIXTURE_TEN_PERCENT);
    offer->end_ms = FIXTURE_NOON_MS + 1;
    assert_int_equal(by_rule(scene), FIXTURE_TEN_PERCENT);
    offer->end_ms = FIXTURE_NOON_MS;
    assert_int_equal(by_rule(scene), -1);
}

static void a_small_or_unknown_basket_gets_no_offer_with_a_minimum(void **state) {
    struct scene *scene = *state;
    assert_int_equal(by_rule_for(scene, NAN), FIXTURE_TEN_PERCENT);
    scene->fixture.offers[FIXTURE_TEN_PERCENT].minimum_basket = 30;
    assert_int_equal(by_rule_for(scene, 29.99), -1);
    assert_int_equal(by_rule_for(scene, 30), FIXTURE_TEN_PERCENT);
    assert_int_equal(by_rule_for(scene, NAN), -1);
}

static void a_percentage_must_leave_some_margin(void **state) {
    struct scene *scene = *state;
    scene->decision.margin = 0.11;
    assert_int_equal(by_rule(scene), FIXTURE_TEN_PERCENT);
    scene->decision.margin = 0.10;
    assert_int_equal(by_rule(scene), -1);
    scene->decision.margin = NAN;
    assert_int_equal(by_rule(scene), FIXTURE_TEN_PERCENT);
    scene->fixture.config.margin_default = 0.05;
    assert_int_equal(by_rule(scene), -1);
    scene->decision.trigger = TRIGGER_CHECKOUT_ABANDONED; /* amounts are not looked at */
    assert_int_equal(by_rule(scene), FIXTURE_FIVE_OFF);
}

static void the_fingerprint_sees_every_change(void **state) {
    struct scene *scene = *state;
    const struct decide_config *config = &scene->fixture.config;
    struct offer *offer = &scene->fixture.offers[0];
    struct rule *rule = &scene->fixture.rules[0];
    uint64_t before = decide_rule_fingerprint(config);
    assert_true(decide_rule_fingerprint(config) == before);
#define CHANGES(member, changed)                                                                   \
    {                                                                                              \
        __typeof__(member) kept = member;                                                          \
        member = changed;                                                                          \
        assert_false(decide_rule_fingerprint(config) == before);                                   \
        member = kept;                                                                             \
        assert_true(decide_rule_fingerprint(config) == before);                                    \
    }
    CHANGES(offer->id, "other")
    CHANGES(offer->kind, OFFER_AMOUNT_OFF)
    CHANGES(offer->value, 11)
    CHANGES(offer->cost, 1)
    CHANGES(offer->minimum_basket, 1)
    CHANGES(offer->start_ms, 0)
    CHANGES(offer->end_ms, 0)
    CHANGES(offer->channel, "mail")
    CHANGES(offer->coupon_code, "TEN")
    CHANGES(offer->valid_ms, 1)
    CHANGES(offer->title, "t")
    CHANGES(offer->body, "b")
    CHANGES(rule->trigger, TRIGGER_BROWSE_ABANDONED)
    CHANGES(rule->offer, "reminder")
    CHANGES(rule->basket_min, 1)
    CHANGES(rule->basket_max, 1)
    CHANGES(rule->users, RULE_USERS_NEW)
    CHANGES(scene->fixture.config.rules.count, 2)
    CHANGES(scene->fixture.config.offers.count, 3)
    CHANGES(scene->fixture.config.margin_default, 0.5)
#undef CHANGES
    scene->fixture.config.control_share = 0.5; /* not part of it: the bucket is logged itself */
    assert_true(decide_rule_fingerprint(config) == before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(offers_are_found_by_id),
        TEST(the_trigger_picks_the_rule),
        TEST(baskets_abut),
        TEST(rules_can_be_for_new_or_returning_users),
        TEST(the_first_match_decides_even_if_its_offer_is_over),
        TEST(an_offer_lives_from_start_to_before_end),
        TEST(a_small_or_unknown_basket_gets_no_offer_with_a_minimum),
        TEST(a_percentage_must_leave_some_margin),
        TEST(the_fingerprint_sees_every_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
