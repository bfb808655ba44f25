#include "consumer/rooms/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "base/buffer.h"

#define START_MS  1767225600000
#define MINUTE_MS 60000

static const struct state_config config = {.users_max = 10,
                                           .session_gap_ms = 30 * MINUTE_MS,
                                           .bot_events_per_minute = 3,
                                           .bot_events_per_day = 6};

struct scene {
    struct user_store store;
    struct user_state *user;
    struct state_metrics metrics;
    struct event_line lines[2];
    struct event event;
};

static int set_up(void **state) {
    struct scene *scene = memory_new(1, sizeof *scene);
    user_store_init(&scene->store, 10, timezone_set_new(NULL));
    uint32_t slot = user_store_add(&scene->store, bytes_of_text("anna"), START_MS);
    scene->user = &user_store_get(&scene->store, slot)->state;
    *state = scene;
    return 0;
}

static int tear_down(void **state) {
    struct scene *scene = *state;
    timezone_set_destroy(scene->store.zones);
    user_store_clean_up(&scene->store);
    free(scene);
    return 0;
}

/* An event about one item; the caller may change it before fold. */
static struct event *make(struct scene *scene, enum event_type type, int64_t event_ms,
                          const char *item, int quantity) {
    event_clear(&scene->event, scene->lines);
    scene->event.type = type;
    scene->event.event_ms = event_ms;
    scene->event.user_id = bytes_of_text("anna");
    scene->event.line_count = item ? 1 : 0;
    scene->lines[0] = (struct event_line){.item_id = bytes_of_text(item),
                                          .category = bytes_of_text("shoes"),
                                          .price = 20,
                                          .quantity = quantity};
    return &scene->event;
}

static void fold(struct scene *scene, bool is_late) {
    state_fold(&config, &scene->store, scene->user, &scene->event, is_late, &scene->metrics);
}

static void fold_item(struct scene *scene, enum event_type type, int64_t event_ms, const char *item,
                      int quantity) {
    make(scene, type, event_ms, item, quantity);
    fold(scene, false);
}

static void test_an_order_has_taken_what_came_before_it(void **state) {
    struct scene *scene = *state;
    fold_item(scene, EVENT_PRODUCT_ADDED, START_MS, "shoe", 1);
    fold_item(scene, EVENT_ORDER_COMPLETED, START_MS + 10, "shoe", 1);
    fold_item(scene, EVENT_PRODUCT_ADDED, START_MS + 5, "hat", 1); /* out of order, not late */
    fold_item(scene, EVENT_CHECKOUT_STARTED, START_MS + 6, "hat", 1);
    assert_false(state_has_cart(scene->user));
    assert_true(state_active(scene->user)->checkout_ms == TIME_NONE);
    fold_item(scene, EVENT_PRODUCT_ADDED, START_MS + 10, "scarf", 2); /* a new cart */
    fold_item(scene, EVENT_PRODUCT_REMOVED, START_MS + 9, "scarf", 1);
    assert_int_equal(scene->user->active->cart[0].quantity, 2);
}

static void test_cart_adds_removes_and_empties(void **state) {
    struct scene *scene = *state;
    fold_item(scene, EVENT_PRODUCT_ADDED, START_MS, "shoe", 2);
    fold_item(scene, EVENT_PRODUCT_ADDED, START_MS + 1, "hat", 1);
    fold_item(scene, EVENT_PRODUCT_ADDED, START_MS + 2, "shoe", 1);
    assert_int_equal(scene->user->active->cart_count, 2);
    assert_true(state_cart_value(scene->user) == 80);
    fold_item(scene, EVENT_PRODUCT_REMOVED, START_MS + 3, "shoe", 2);
    assert_int_equal(scene->user->active->cart[0].quantity, 1);
    fold_item(scene, EVENT_PRODUCT_REMOVED, START_MS + 4, "scarf", 1); /* never was in it */
    assert_int_equal(scene->user->active->cart_count, 2);
    fold_item(scene, EVENT_PRODUCT_REMOVED, START_MS + 5, "shoe", 9);
    assert_int_equal(scene->user->active->cart_count, 1);
    assert_int_equal(scene->user->active->cart_changed_ms, START_MS + 5);
    fold_item(scene, EVENT_ORDER_COMPLETED, START_MS + 6, NULL, 0);
    assert_false(state_has_cart(scene->user));
    assert_int_equal(scene->user->order_ms, START_MS + 6);
}

static void test_a_full_cart_counts_on(void **state) {
    struct scene *scene = *state;
    for (int i = 0; i < USER_CART_LINES_MAX + 3; i++) {
        char item[16];
        (void)snprintf(item, sizeof item, "item-%d", i);
        fold_item(scene, EVENT_PRODUCT_ADDED, START_MS + i, item, 1);
    }
    assert_int_equal(scene->user->active->cart_count, USER_CART_LINES_MAX);
    assert_int_equal(scene->user->active->cart_overflow, 3);
    assert_int_equal(metric_get(&scene->metrics.cart_overflow_total), 3);
    for (int i = 0; i < 3; i++) {
        fold_item(scene, EVENT_PRODUCT_REMOVED, START_MS + 100, "unknown", 1);
    }
    assert_int_equal(scene->user->active->cart_overflow, 0);
}

static void test_lines_without_a_name_come_and_go(void **state) {
    struct scene *scene = *state;
    fold_item(scene, EVENT_PRODUCT_ADDED, START_MS, NULL, 0); /* nobody says what */
    fold_item(scene, EVENT_PRODUCT_ADDED, START_MS + 1, "", 1);
    assert_true(state_has_cart(scene->user));
    assert_true(isnan(state_cart_value(scene->user)));
    fold_item(scene, EVENT_PRODUCT_REMOVED, START_MS + 2, NULL, 0);
    assert_true(state_has_cart(scene->user));
    fold_item(scene, EVENT_PRODUCT_REMOVED, START_MS + 3, NULL, 0);
    assert_false(state_has_cart(scene->user));
}

static void test_late_events_close_carts_but_do_not_fill_them(void **state) {
    struct scene *scene = *state;
    make(scene, EVENT_PRODUCT_ADDED, START_MS - 1, "shoe", 1);
    fold(scene, true);
    assert_false(state_has_cart(scene->user));
    assert_true(scene->user->counters[COUNTER_ADDED].value[0] == 1); /* but it is counted */
    fold_item(scene, EVENT_PRODUCT_ADDED, START_MS, "shoe", 1);
    make(scene, EVENT_ORDER_COMPLETED, START_MS - 5, NULL, 0);
    fold(scene, true);
    assert_false(state_has_cart(scene->user));
}

static void test_sessions_end_after_the_gap(void **state) {
    struct scene *scene = *state;
    fold_item(scene, EVENT_PRODUCT_VIEWED, START_MS, "shoe", 1);
    fold_item(scene, EVENT_PRODUCT_VIEWED, START_MS + 30 * MINUTE_MS, "hat", 1);
    assert_int_equal(scene->user->sessions, 1);
    assert_int_equal(scene->user->session_views, 2);
    fold_item(scene, EVENT_PRODUCT_VIEWED, START_MS + 60 * MINUTE_MS + 1, "hat", 1);
    assert_int_equal(scene->user->sessions, 2);
    assert_int_equal(scene->user->session_views, 1);
    assert_int_equal(scene->user->recent[0].gap_s, 1800);
    assert_int_equal(scene->user->recent[2].gap_s, -1);
}

static void test_consent_is_taken_away_even_late(void **state) {
    struct scene *scene = *state;
    make(scene, EVENT_PRODUCT_VIEWED, START_MS, "shoe", 1)->consent = CONSENT_GRANTED;
    fold(scene, true);
    assert_int_equal(scene->user->consent, CONSENT_UNKNOWN); /* a late yes counts for nothing */
    fold(scene, false);
    assert_int_equal(scene->user->consent, CONSENT_GRANTED);
    make(scene, EVENT_PRODUCT_VIEWED, START_MS - 9, "shoe", 1)->consent = CONSENT_DENIED;
    fold(scene, true);
    assert_int_equal(scene->user->consent, CONSENT_DENIED);
}

static void test_codes_that_do_not_fit_are_not_cut(void **state) {
    struct scene *scene = *state;
    make(scene, EVENT_PRODUCT_VIEWED, START_MS, "shoe", 1)->currency = bytes_of_text("EUR");
    scene->event.locale = bytes_of_text("zh-Hant-TW");
    fold(scene, false);
    make(scene, EVENT_PRODUCT_VIEWED, START_MS + 1, "shoe", 1)->currency = bytes_of_text("EUROS");
    fold(scene, false);
    assert_string_equal(scene->user->currency, "EUR");
    assert_string_equal(scene->user->locale, "zh-Hant-TW");
}

static void test_ring_remembers_sixteen_ids(void **state) {
    struct scene *scene = *state;
    char id[16];
    for (int i = 0; i < 17; i++) {
        (void)snprintf(id, sizeof id, "event-%d", i);
        assert_false(state_is_duplicate(scene->user, bytes_of_text(id)));
        assert_true(state_is_duplicate(scene->user, bytes_of_text(id)));
    }
    assert_true(state_is_duplicate(scene->user, bytes_of_text("event-1")));
    assert_false(state_is_duplicate(scene->user, bytes_of_text("event-0"))); /* pushed out */
    assert_false(state_is_duplicate(scene->user, bytes_of_text("")));
    assert_false(state_is_duplicate(scene->user, bytes_of_text("")));
}

static void test_bot_rule_by_minute_and_day(void **state) {
    struct scene *scene = *state;
    for (int i = 0; i < 3; i++) {
        assert_false(state_is_bot(&config, scene->user, START_MS + i, false));
    }
    assert_true(
        state_is_bot(&config, scene->user, START_MS + 3, false)); /* the fourth of a minute */
    assert_true(state_is_bot(&config, scene->user, START_MS + 5 * MINUTE_MS,
                             false)); /* for the rest of the day */
    int64_t next_day_ms = START_MS + 1440LL * MINUTE_MS;
    for (int i = 0; i < 6; i++) {
        assert_false(state_is_bot(&config, scene->user, next_day_ms + i * MINUTE_MS, false));
    }
    assert_true(state_is_bot(&config, scene->user, next_day_ms + 6 * MINUTE_MS,
                             false)); /* the seventh of a day */
    assert_true(state_is_bot(&config, scene->user, next_day_ms + 1440LL * MINUTE_MS,
                             true)); /* by its agent */
}

static void test_what_time_has_outlived_is_forgotten(void **state) {
    struct scene *scene = *state;
    struct user_active *active = state_active(scene->user);
    active->episode_end_ms = START_MS + 10;
    active->sent_ms[0] = START_MS;
    active->sent_count = 1;
    scene->user->push_pressure = 1;
    state_prune(scene->user, START_MS + 9);
    assert_int_equal(active->episode_end_ms, START_MS + 10);
    state_prune(scene->user, START_MS + 10);
    assert_int_equal(active->episode_end_ms, TIME_NONE);
    assert_non_null(scene->user->active); /* the push still counts */
    state_prune(scene->user, START_MS + 28LL * 1440 * MINUTE_MS);
    assert_null(scene->user->active);
    assert_true(scene->user->push_pressure == 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_cart_adds_removes_and_empties),
        TEST(test_an_order_has_taken_what_came_before_it),
        TEST(test_a_full_cart_counts_on),
        TEST(test_lines_without_a_name_come_and_go),
        TEST(test_late_events_close_carts_but_do_not_fill_them),
        TEST(test_sessions_end_after_the_gap),
        TEST(test_consent_is_taken_away_even_late),
        TEST(test_codes_that_do_not_fit_are_not_cut),
        TEST(test_ring_remembers_sixteen_ids),
        TEST(test_bot_rule_by_minute_and_day),
        TEST(test_what_time_has_outlived_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
