/* Events that arrive out of order, but not late: what a timer stands for is what happened last, not
 * what arrived last. */
#include "consumer/rooms/triggers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "base/buffer.h"

#define START_MS  1767225600000
#define MINUTE_MS 60000

static const struct state_config state_config = {.users_max = 10, .session_gap_ms = 30 * MINUTE_MS};
static const struct triggers_config config = {
    .cart_abandoned = {.is_enabled = true, .idle_ms = 20 * MINUTE_MS},
    .checkout_abandoned = {.is_enabled = true, .idle_ms = 10 * MINUTE_MS},
    .browse_abandoned = {.is_enabled = true, .idle_ms = 15 * MINUTE_MS, .views_min = 2},
};

struct step {
    enum event_type type;
    int minute; /* 0 ends the list; also the anchor */
    const char *item;
};

/* The timer after the steps in this order. */
static struct timer timer_after(const struct step *steps, const int *order, enum timer_kind kind) {
    struct partition partition;
    struct state_metrics metrics = {0};
    partition_init(&partition, 0, 10, timezone_set_new(NULL));
    uint32_t slot = user_store_add(&partition.store, bytes_of_text("anna"), START_MS);
    for (int i = 0; steps[i].minute > 0; i++) {
        const struct step *step = &steps[order[i]];
        struct event_line line;
        struct event event;
        event_clear(&event, &line);
        line = (struct event_line){.item_id = bytes_of_text(step->item), .price = 9, .quantity = 1};
        event.type = step->type;
        event.event_ms = START_MS + step->minute * MINUTE_MS;
        event.user_id = bytes_of_text("anna");
        event.line_count = 1;
        struct user_state *user = &user_store_get(&partition.store, slot)->state;
        state_fold(&state_config, &partition.store, user, &event, false, &metrics);
        triggers_after_event(&config, "observe-1", &partition, slot, &event,
                             (uint64_t)step->minute);
    }
    struct timer timer = state_active(&user_store_get(&partition.store, slot)->state)->timers[kind];
    timezone_set_destroy(partition.store.zones);
    partition_clean_up(&partition);
    return timer;
}

static void test_what_happened_last_names_the_decision(void **state) {
    (void)state;
    static const struct {
        enum timer_kind kind;
        int deadline, anchor; /* minutes */
        struct step steps[4];
    } cases[] = {
        {TIMER_CART,
         23,
         3,
         {{EVENT_PRODUCT_ADDED, 1, "shoe"},
          {EVENT_PRODUCT_ADDED, 2, "hat"},
          {EVENT_PRODUCT_ADDED, 3, "sock"}}},
        {TIMER_CHECKOUT,
         13,
         3,
         {{EVENT_PRODUCT_ADDED, 1, "shoe"},
          {EVENT_CHECKOUT_STARTED, 2, "shoe"},
          {EVENT_CHECKOUT_STARTED, 3, "shoe"}}},
        {TIMER_BROWSE,
         18,
         3,
         {{EVENT_PRODUCT_VIEWED, 1, "shoe"},
          {EVENT_PRODUCT_VIEWED, 2, "hat"},
          {EVENT_PRODUCT_VIEWED, 3, "sock"}}},
    };
    /* What happened last arrives last, in the middle, and where the timer stands already. */
    static const int orders[][3] = {{0, 1, 2}, {1, 0, 2}, {0, 2, 1}, {1, 2, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t j = 0; j < sizeof orders / sizeof orders[0]; j++) {
            struct timer timer = timer_after(cases[i].steps, orders[j], cases[i].kind);
            assert_true(timer.deadline_ms == START_MS + cases[i].deadline * MINUTE_MS);
            assert_int_equal(timer.anchor, cases[i].anchor);
        }
    }
}

/* The order has taken what was done before it, also what is heard of after it. */
static void test_an_order_ends_what_it_has_overtaken(void **state) {
    (void)state;
    static const int order[] = {0, 1, 2};
    static const struct {
        enum timer_kind kind;
        struct step steps[4];
    } cases[] = {
        {TIMER_CART,
         {{EVENT_PRODUCT_ADDED, 1, "shoe"},
          {EVENT_ORDER_COMPLETED, 3, "shoe"},
          {EVENT_PRODUCT_ADDED, 2, "hat"}}},
        {TIMER_CHECKOUT,
         {{EVENT_PRODUCT_ADDED, 1, "shoe"},
          {EVENT_ORDER_COMPLETED, 3, "shoe"},
          {EVENT_CHECKOUT_STARTED, 2, "shoe"}}},
        {TIMER_BROWSE,
         {{EVENT_PRODUCT_VIEWED, 1, "shoe"},
          {EVENT_ORDER_COMPLETED, 3, "shoe"},
          {EVENT_PRODUCT_VIEWED, 2, "hat"}}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct timer timer = timer_after(cases[i].steps, order, cases[i].kind);
        assert_true(timer.deadline_ms == TIME_NONE);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_order_ends_what_it_has_overtaken),
        cmocka_unit_test(test_what_happened_last_names_the_decision),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
