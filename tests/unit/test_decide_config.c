/* decide_config: what stands in pipeline.yaml reaches the room, and what cannot be meant is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "tests/support/decide_fixture.h"

static bool load(const char *text, struct decide_config *out, struct config **owner) {
    const struct config_room room = {"decide", &decide_config_table, out};
    FILE *errors = tmpfile();
    struct failure failure =
        config_load_text("test.yaml", text, strlen(text), &room, 1, errors, owner);
    fclose(errors);
    return !failed(failure);
}

static void an_empty_file_gives_the_defaults(void **state) {
    (void)state;
    struct decide_config config;
    struct config *owner;
    assert_true(load("", &config, &owner));
    assert_int_equal(config.mode, MODE_APPRENTICE);
    assert_true(config.control_share == 0.10);
    assert_true(config.none_share == 0.10);
    assert_true(config.margin_default == 0.30);
    assert_int_equal(config.attribution_window_ms, 7 * FIXTURE_DAY_MS);
    assert_int_equal(config.cap_per_hour, 0);
    assert_int_equal(config.cap_per_user_day, 1);
    assert_int_equal(config.cap_per_user_week, 2);
    assert_int_equal(config.quiet_hours.start_minute, 22 * 60);
    assert_int_equal(config.quiet_hours.end_minute, 8 * 60);
    assert_string_equal(config.default_timezone, "UTC");
    assert_false(config.consent_unknown_is_granted);
    assert_string_not_equal(config.control_salt, config.explore_salt);
    assert_int_equal(config.offers.count, 0);
    assert_int_equal(config.rules.count, 0);
    assert_int_equal(decide_config_check(&config, stderr), 0);
    config_destroy(owner);
}

static void offers_and_rules_are_lists_of_the_section(void **state) {
    (void)state;
    const char *text = "decide:\n"
                       "  mode: observe\n"
                       "  quiet_hours: \"\"\n"
                       "  offers:\n"
                       "    - id: ten_percent\n"
                       "      kind: percent_off\n"
                       "      value: 10\n"
                       "      end: 2026-12-01\n"
                       "      coupon_code: TEN\n"
                       "      body: \"{item} for less\"\n"
                       "    - {id: reminder, kind: reminder, valid: 2h}\n"
                       "  rules:\n"
                       "    - {trigger: cart_abandoned, offer: ten_percent, basket_min: 30}\n"
                       "    - {trigger: browse_abandoned, offer: reminder, users: new}\n";
    struct decide_config config;
    struct config *owner;
    assert_true(load(text, &config, &owner));
    assert_int_equal(config.mode, MODE_OBSERVE);
    assert_int_equal(config.quiet_hours.start_minute, config.quiet_hours.end_minute);
    assert_int_equal(config.offers.count, 2);
    const struct offer *offers = config.offers.items;
    assert_string_equal(offers[0].id, "ten_percent");
    assert_int_equal(offers[0].kind, OFFER_PERCENT_OFF);
    assert_true(offers[0].value == 10);
    assert_true(offers[0].start_ms == INT64_MIN);
    assert_int_equal(offers[0].end_ms, INT64_C(1796083200000));
    assert_string_equal(offers[0].coupon_code, "TEN");
    assert_string_equal(offers[0].body, "{item} for less");
    assert_string_equal(offers[0].channel, "push");
    assert_int_equal(offers[0].valid_ms, FIXTURE_DAY_MS);
    assert_int_equal(offers[1].kind, OFFER_REMINDER);
    assert_int_equal(offers[1].valid_ms, 2 * FIXTURE_HOUR_MS);
    const struct rule *rules = config.rules.items;
    assert_int_equal(config.rules.count, 2);
    assert_int_equal(rules[0].trigger, TRIGGER_CART_ABANDONED);
    assert_string_equal(rules[0].offer, "ten_percent");
    assert_true(rules[0].basket_min == 30);
    assert_int_equal(rules[1].users, RULE_USERS_NEW);
    assert_int_equal(decide_config_check(&config, stderr), 0);
    config_destroy(owner);
}

static void values_out_of_bounds_do_not_load(void **state) {
    (void)state;
    const char *const bad[] = {
        "decide: {mode: alive}",
        "decide: {trial_share: 1.1}",
        "decide: {epsilon: -0.001}",
        "decide: {contact_cost: -1}",
        "decide: {min_gain: -1}",
        "decide: {fatigue_cost: -1}",
        "decide: {control_share: 1.1}",
        "decide: {none_share: -0.1}",
        "decide: {cap_per_user_week: 9}", /* the state remembers 8 */
        "decide: {offers: [{kind: reminder}]}",
        "decide: {offers: [{id: a, kind: gift}]}",
        "decide: {rules: [{trigger: win_back, offer: a}]}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct decide_config config;
        struct config *owner = NULL;
        if (load(bad[i], &config, &owner)) {
            fail_msg("loaded: %s", bad[i]);
        }
    }
}

/* ---- checks ---- */

struct scene {
    struct decide_fixture fixture;
};

static int set_up(void **state) {
    struct scene *scene = memory_new(1, sizeof *scene);
    decide_fixture_init(&scene->fixture, 1);
    *state = scene;
    return 0;
}

static int tear_down(void **state) {
    struct scene *scene = *state;
    decide_fixture_clean_up(&scene->fixture);
    free(scene);
    return 0;
}

/* One error, whose line holds the words. */
static void expect_error(const struct scene *scene, const char *words) {
    char *text = NULL;
    size_t size = 0;
    FILE *errors = open_memstream(&text, &size);
    size_t count = decide_config_check(&scene->fixture.config, errors);
    fclose(errors);
    if (count != 1 || !strstr(text, words)) {
        fail_msg("expected one error with \"%s\", got %zu: %s", words, count, text);
    }
    assert_ptr_equal(strchr(text, '\n'), text + size - 1); /* one line */
    free(text);
}

static void the_fixture_is_right(void **state) {
    const struct scene *scene = *state;
    assert_int_equal(decide_config_check(&scene->fixture.config, stderr), 0);
}

static void ids_are_plain_and_unique(void **state) {
    struct scene *scene = *state;
    const char **id = &scene->fixture.offers[FIXTURE_SHIPPING].id; /* named by no rule */
    const char *const bad[] = {"", "none", "a b", "a{", "24_bytes_are_one_too_man"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        *id = bad[i];
        expect_error(scene, "decide.offers[2].id: found ");
    }
    *id = "reminder";
    expect_error(scene, "decide.offers[3].id: found reminder, expected an id that no other");
    *id = "exactly_23_bytes_are_ok";
    assert_int_equal(decide_config_check(&scene->fixture.config, stderr), 0);
}

static void values_fit_the_kind(void **state) {
    struct scene *scene = *state;
    struct offer *offers = scene->fixture.offers;
    offers[FIXTURE_TEN_PERCENT].value = 0;
    expect_error(scene, "decide.offers[0].value");
    offers[FIXTURE_TEN_PERCENT].value = 101;
    expect_error(scene, "decide.offers[0].value");
    offers[FIXTURE_TEN_PERCENT].value = 100;
    offers[FIXTURE_FIVE_OFF].value = 0;
    expect_error(scene, "decide.offers[1].value");
    offers[FIXTURE_FIVE_OFF].value = 500;
    offers[FIXTURE_REMINDER].value = 1;
    expect_error(scene, "decide.offers[3].value");
}

static void offers_end_after_they_start_and_within_the_window(void **state) {
    struct scene *scene = *state;
    struct offer *offer = &scene->fixture.offers[FIXTURE_FIVE_OFF];
    offer->start_ms = 1000;
    offer->end_ms = 1000;
    expect_error(scene, "decide.offers[1].end");
    offer->end_ms = 1001;
    offer->valid_ms = 7 * FIXTURE_DAY_MS + 1;
    expect_error(scene, "decide.offers[1].valid");
    offer->valid_ms = FIXTURE_DAY_MS;
    offer->channel = "";
    expect_error(scene, "decide.offers[1].channel");
}

static void templates_know_their_fields(void **state) {
    struct scene *scene = *state;
    struct offer *offer = &scene->fixture.offers[FIXTURE_FIVE_OFF];
    offer->title = "Dear {name}";
    expect_error(scene, "decide.offers[1].title: found {name}, expected {user_id} {item} ");
    offer->title = "Dear {user_id}";
    offer->body = "only {item";
    expect_error(scene, "decide.offers[1].body: found {item, expected ");
}

static void rules_name_offers_and_can_be_reached(void **state) {
    struct scene *scene = *state;
    struct rule *rules = scene->fixture.rules;
    rules[1].offer = "gift";
    expect_error(scene, "decide.rules[1].offer: found gift, expected the id of an offer");
    rules[1].offer = "five_off";
    rules[1].basket_min = rules[1].basket_max = 20;
    expect_error(scene, "decide.rules[1].basket_max");
    rules[1].basket_min = rules[1].basket_max = 0;
    rules[2] = rules[0];
    expect_error(scene, "decide.rules[2].trigger: found a rule that rules[0] leaves nothing to");
    rules[2].basket_min = 20;
    rules[2].users = RULE_USERS_NEW;
    expect_error(scene, "decide.rules[2].trigger");
    rules[0].users = RULE_USERS_RETURNING;
    assert_int_equal(decide_config_check(&scene->fixture.config, stderr), 0);
    rules[0].users = RULE_USERS_ALL;
    rules[0].basket_max = 100; /* the later one still has what is above */
    assert_int_equal(decide_config_check(&scene->fixture.config, stderr), 0);
    rules[0].basket_min = 30;
    rules[0].basket_max = 0; /* and what is below */
    assert_int_equal(decide_config_check(&scene->fixture.config, stderr), 0);
}

static void the_default_zone_exists(void **state) {
    struct scene *scene = *state;
    scene->fixture.config.default_timezone = "Europe/Berlin";
    assert_int_equal(decide_config_check(&scene->fixture.config, stderr), 0);
    scene->fixture.config.default_timezone = "Europe/Nowhere";
    expect_error(scene, "decide.default_timezone: found Europe/Nowhere");
}

static void there_are_at_most_32_offers(void **state) {
    struct scene *scene = *state;
    struct offer *offers = memory_new(OFFERS_MAX + 1, sizeof *offers);
    char ids[OFFERS_MAX + 1][8];
    for (size_t i = 0; i < OFFERS_MAX + 1; i++) {
        offers[i] = scene->fixture.offers[FIXTURE_REMINDER];
        snprintf(ids[i], sizeof ids[i], "o%zu", i);
        offers[i].id = ids[i];
    }
    scene->fixture.config.rules.count = 0;
    scene->fixture.config.offers = (struct config_list){offers, OFFERS_MAX};
    assert_int_equal(decide_config_check(&scene->fixture.config, stderr), 0);
    scene->fixture.config.offers.count++;
    expect_error(scene, "decide.offers: found 33 offers, expected at most 32");
    free(offers);
}

static void check_keys(const struct config_table *table) {
    for (size_t i = 0; i < table->key_count; i++) {
        assert_non_null(table->keys[i].help);
        assert_true(strlen(table->keys[i].help) > 10);
        if (table->keys[i].element) {
            check_keys(table->keys[i].element);
        }
    }
}

static void every_key_is_documented(void **state) {
    (void)state;
    check_keys(&decide_config_table);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_file_gives_the_defaults),
        cmocka_unit_test(offers_and_rules_are_lists_of_the_section),
        cmocka_unit_test(values_out_of_bounds_do_not_load),
        TEST(the_fixture_is_right),
        TEST(ids_are_plain_and_unique),
        TEST(values_fit_the_kind),
        TEST(offers_end_after_they_start_and_within_the_window),
        TEST(templates_know_their_fields),
        TEST(rules_name_offers_and_can_be_reached),
        TEST(the_default_zone_exists),
        TEST(there_are_at_most_32_offers),
        cmocka_unit_test(every_key_is_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
