#include "consumer/rooms/triggers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "base/buffer.h"

#define START_MS  1767225600000
#define MINUTE_MS 60000
#define SALT      "observe-1"

static const struct state_config state_config = {.users_max = 10, .session_gap_ms = 30 * MINUTE_MS};
static const struct triggers_config config = {
    .cart_abandoned = {.is_enabled = true, .idle_ms = 20 * MINUTE_MS},
    .checkout_abandoned = {.is_enabled = true, .idle_ms = 10 * MINUTE_MS},
    .browse_abandoned = {.is_enabled = true, .idle_ms = 15 * MINUTE_MS, .views_min = 2},
};

struct scene {
    struct partition partition;
    struct state_metrics metrics;
    uint32_t slot;
};

static int set_up(void **state) {
    struct scene *scene = memory_new(1, sizeof *scene);
    partition_init(&scene->partition, 0, 10, timezone_set_new(NULL));
    scene->slot = user_store_add(&scene->partition.store, bytes_of_text("anna"), START_MS);
    *state = scene;
    return 0;
}

static int tear_down(void **state) {
    struct scene *scene = *state;
    timezone_set_destroy(scene->partition.store.zones);
    partition_clean_up(&scene->partition);
    free(scene);
    return 0;
}

static struct user_state *user_of(struct scene *scene) {
    return &user_store_get(&scene->partition.store, scene->slot)->state;
}

static void handle(struct scene *scene, enum event_type type, int minute, const char *item) {
    struct event_line line;
    struct event event;
    event_clear(&event, &line);
    line = (struct event_line){.item_id = bytes_of_text(item), .price = 9, .quantity = 1};
    event.type = type;
    event.event_ms = START_MS + minute * MINUTE_MS;
    event.user_id = bytes_of_text("anna");
    event.line_count = item ? 1 : 0;
    state_fold(&state_config, &scene->partition.store, user_of(scene), &event, false,
               &scene->metrics);
    triggers_after_event(&config, SALT, &scene->partition, scene->slot, &event, (uint64_t)minute);
}

/* Minutes after START_MS at which the timer stands, -1 = not armed. */
static int64_t armed(struct scene *scene, enum timer_kind kind) {
    const struct user_active *active = user_of(scene)->active;
    int64_t deadline_ms = active ? active->timers[kind].deadline_ms : TIME_NONE;
    return deadline_ms == TIME_NONE ? -1 : (deadline_ms - START_MS) / MINUTE_MS;
}

static void test_cart_is_armed_moved_and_disarmed(void **state) {
    struct scene *scene = *state;
    handle(scene, EVENT_PRODUCT_ADDED, 0, "shoe");
    assert_int_equal(armed(scene, TIMER_CART), 20);
    handle(scene, EVENT_PRODUCT_VIEWED, 3, "hat"); /* looking is not cart activity */
    assert_int_equal(armed(scene, TIMER_CART), 20);
    handle(scene, EVENT_PRODUCT_ADDED, 5, "hat");
    assert_int_equal(armed(scene, TIMER_CART), 25);
    assert_int_equal(user_of(scene)->active->timers[TIMER_CART].anchor, 5);
    handle(scene, EVENT_PRODUCT_REMOVED, 7, "hat");
    assert_int_equal(armed(scene, TIMER_CART), 27);
    handle(scene, EVENT_PRODUCT_REMOVED, 8, "shoe");
    assert_int_equal(armed(scene, TIMER_CART), -1);
    handle(scene, EVENT_PRODUCT_ADDED, 9, "shoe");
    handle(scene, EVENT_ORDER_COMPLETED, 10, NULL);
    assert_int_equal(armed(scene, TIMER_CART), -1);
}

static void test_a_removal_moves_but_never_arms(void **state) {
    struct scene *scene = *state;
    handle(scene, EVENT_PRODUCT_ADDED, 0, "shoe");
    handle(scene, EVENT_PRODUCT_ADDED, 0, "hat");
    timers_disarm(&user_of(scene)->active->timers[TIMER_CART]); /* as after firing */
    handle(scene, EVENT_PRODUCT_REMOVED, 30, "hat");
    assert_int_equal(armed(scene, TIMER_CART), -1);
    handle(scene, EVENT_PRODUCT_ADDED, 31, "hat");
    assert_int_equal(armed(scene, TIMER_CART), 51);
}

static void test_checkout_waits_for_order_or_cart_activity(void **state) {
    struct scene *scene = *state;
    handle(scene, EVENT_PRODUCT_ADDED, 0, "shoe");
    handle(scene, EVENT_CHECKOUT_STARTED, 2, NULL);
    assert_int_equal(armed(scene, TIMER_CHECKOUT), 12);
    handle(scene, EVENT_PRODUCT_ADDED, 4, "hat");
    assert_int_equal(armed(scene, TIMER_CHECKOUT), 14);
    handle(scene, EVENT_ORDER_COMPLETED, 5, NULL);
    assert_int_equal(armed(scene, TIMER_CHECKOUT), -1);
}

static void test_browse_needs_views_and_no_cart(void **state) {
    struct scene *scene = *state;
    handle(scene, EVENT_PRODUCT_VIEWED, 0, "shoe");
    assert_int_equal(armed(scene, TIMER_BROWSE), -1);
    handle(scene, EVENT_PRODUCT_VIEWED, 1, "hat");
    assert_int_equal(armed(scene, TIMER_BROWSE), 16);
    handle(scene, EVENT_PRODUCT_VIEWED, 4, "hat");
    assert_int_equal(armed(scene, TIMER_BROWSE), 19);
    handle(scene, EVENT_PRODUCTS_SEARCHED, 5, NULL); /* who searches is not quiet */
    assert_int_equal(armed(scene, TIMER_BROWSE), 20);
    handle(scene, EVENT_PRODUCT_ADDED, 6, "hat");
    assert_int_equal(armed(scene, TIMER_BROWSE), -1);
}

static struct event farewell(enum event_type type, const char *canonical_id) {
    struct event event;
    event_clear(&event, NULL);
    event.type = type;
    event.event_ms = START_MS + 2 * MINUTE_MS;
    event.canonical_id = bytes_of_text(canonical_id);
    return event;
}

static void test_browse_ends_with_an_order_or_under_another_key(void **state) {
    struct scene *scene = *state;
    static const struct {
        enum event_type type;
        const char *canonical_id;
        int64_t armed;
    } cases[] = {{EVENT_ORDER_COMPLETED, "", -1},
                 {EVENT_USER_IDENTIFIED, "someone else", -1},
                 {EVENT_USER_IDENTIFIED, "", 17},      /* the user's own key: goes on */
                 {EVENT_USER_IDENTIFIED, "anna", 17}}; /* the same, said aloud */
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int is_late = 0; is_late < 2; is_late++) {
            user_of(scene)->session_views = 0;
            user_of(scene)->order_ms = TIME_NONE;
            handle(scene, EVENT_PRODUCT_VIEWED, 0, "shoe");
            handle(scene, EVENT_PRODUCT_VIEWED, 1, "hat");
            assert_int_equal(armed(scene, TIMER_BROWSE), 16);
            struct event event = farewell(cases[i].type, cases[i].canonical_id);
            state_fold(&state_config, &scene->partition.store, user_of(scene), &event, is_late,
                       &scene->metrics);
            if (is_late) {
                triggers_after_late(&scene->partition, scene->slot, &event);
                assert_int_equal(armed(scene, TIMER_BROWSE), cases[i].armed < 0 ? -1 : 16);
            } else {
                triggers_after_event(&config, SALT, &scene->partition, scene->slot, &event, 9);
                assert_int_equal(armed(scene, TIMER_BROWSE), cases[i].armed);
            }
            timers_disarm(&state_active(user_of(scene))->timers[TIMER_BROWSE]);
            user_of(scene)->last_event_ms = START_MS;
        }
    }
}

static void test_late_word_of_an_order_disarms(void **state) {
    struct scene *scene = *state;
    handle(scene, EVENT_PRODUCT_ADDED, 0, "shoe");
    handle(scene, EVENT_CHECKOUT_STARTED, 1, NULL);
    struct event event;
    event_clear(&event, NULL);
    event.type = EVENT_ORDER_COMPLETED;
    event.event_ms = START_MS - 1;
    state_fold(&state_config, &scene->partition.store, user_of(scene), &event, true,
               &scene->metrics);
    triggers_after_late(&scene->partition, scene->slot, &event);
    assert_int_equal(armed(scene, TIMER_CART), -1);
    assert_int_equal(armed(scene, TIMER_CHECKOUT), -1);
}

static void test_suspects_arm_nothing(void **state) {
    struct scene *scene = *state;
    handle(scene, EVENT_PRODUCT_ADDED, 0, "shoe");
    user_of(scene)->bot_suspect = 1;
    handle(scene, EVENT_PRODUCT_ADDED, 1, "hat");
    assert_int_equal(armed(scene, TIMER_CART), -1);
}

static void test_condition_after_quiet_hours(void **state) {
    struct scene *scene = *state;
    handle(scene, EVENT_PRODUCT_ADDED, 0, "shoe");
    struct open_decision open = {.trigger = TRIGGER_CART_ABANDONED,
                                 .deadline_ms = START_MS + 20 * MINUTE_MS};
    assert_true(triggers_still_holds(user_of(scene), &open));
    handle(scene, EVENT_PRODUCT_ADDED, 20, "hat"); /* at the deadline, applied after it fired */
    assert_false(triggers_still_holds(user_of(scene), &open));
    user_of(scene)->active->cart_changed_ms = START_MS;
    assert_true(triggers_still_holds(user_of(scene), &open));
    user_of(scene)->bot_suspect = 1; /* found out in the night */
    assert_false(triggers_still_holds(user_of(scene), &open));
}

static void test_ids_repeat_and_differ(void **state) {
    (void)state;
    struct bytes anna = bytes_of_text("anna"), bert = bytes_of_text("bert");
    struct hash128 id = triggers_decision_id(anna, TRIGGER_CART_ABANDONED, 7, 100);
    assert_true(hash128_equal(id, triggers_decision_id(anna, TRIGGER_CART_ABANDONED, 7, 100)));
    assert_false(hash128_equal(id, triggers_decision_id(bert, TRIGGER_CART_ABANDONED, 7, 100)));
    assert_false(hash128_equal(id, triggers_decision_id(anna, TRIGGER_BROWSE_ABANDONED, 7, 100)));
    assert_false(hash128_equal(id, triggers_decision_id(anna, TRIGGER_CART_ABANDONED, 8, 100)));
    assert_false(hash128_equal(id, triggers_decision_id(anna, TRIGGER_CART_ABANDONED, 7, 101)));
    uint64_t by_id = triggers_anchor(bytes_of_text("e1"), 0, 1, 2);
    assert_true(by_id ==
                triggers_anchor(bytes_of_text("e1"), 0, 3, 4)); /* an id names the event anywhere */
    assert_true(triggers_anchor(bytes_of_text(""), 0, 1, 2) !=
                triggers_anchor(bytes_of_text(""), 0, 1, 3));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_cart_is_armed_moved_and_disarmed),
        TEST(test_a_removal_moves_but_never_arms),
        TEST(test_checkout_waits_for_order_or_cart_activity),
        TEST(test_browse_needs_views_and_no_cart),
        TEST(test_browse_ends_with_an_order_or_under_another_key),
        TEST(test_late_word_of_an_order_disarms),
        TEST(test_suspects_arm_nothing),
        TEST(test_condition_after_quiet_hours),
        cmocka_unit_test(test_ids_repeat_and_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
