#include "producer/shop_queue.h"

#include <setjmp.h>
#include <stdarg.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "base/rng.h"
#include "producer/shop_wakes.h"

static void test_comes_out_in_order(void **state) {
    (void)state;
    struct shop_queue *queue = shop_queue_new();
    struct rng rng = rng_make(1, 1);
    int64_t last_ms = 0;
    uint32_t last_episode = 0, added = 0, taken = 0;
    assert_true(shop_queue_next_ms(queue) == INT64_MAX);
    for (int round = 0; round < 20000; round++) {
        if (rng_unit(&rng) < 0.52 || shop_queue_count(queue) == 0) {
            /* few different times: ties must come out as they were added */
            int64_t at_ms = last_ms + (int64_t)rng_below(&rng, 8);
            shop_queue_add(queue, at_ms, PLAN_ORDER)->episode = added++;
            continue;
        }
        int64_t at_ms = shop_queue_next_ms(queue);
        const struct shop_plan *plan = shop_queue_take(queue);
        assert_int_equal(plan->kind, PLAN_ORDER);
        assert_true(at_ms > last_ms ||
                    (at_ms == last_ms && (taken == 0 || plan->episode > last_episode)));
        last_ms = at_ms;
        last_episode = plan->episode;
        taken++;
    }
    assert_int_equal(shop_queue_count(queue), added - taken);
    shop_queue_destroy(queue);
}

static void test_keeps_what_it_is_given(void **state) {
    (void)state;
    struct shop_queue *queue = shop_queue_new();
    for (int64_t i = 0; i < 1000; i++) {
        struct shop_plan *plan = shop_queue_add(queue, 1000 - i, PLAN_CLICK);
        struct shop_click click = {.user = i, .line_count = 1, .lines = {{.item = (uint32_t)i}}};
        shop_click_copy(&plan->click, &click);
    }
    for (int64_t i = 999; i >= 0; i--) {
        const struct shop_plan *plan = shop_queue_take(queue);
        assert_int_equal(plan->click.user, i);
        assert_int_equal(plan->click.lines[0].item, i);
    }
    shop_queue_destroy(queue);
    shop_queue_destroy(NULL);
}

static void test_wakes(void **state) {
    (void)state;
    struct shop_wakes wakes;
    struct rng rng = rng_make(2, 1);
    int64_t last_ms = -1, last_user = -1;
    shop_wakes_init(&wakes, 500);
    for (int64_t user = 0; user < 500; user++) {
        shop_wakes_put(&wakes, (int64_t)rng_below(&rng, 100), user);
    }
    shop_wakes_order(&wakes);
    for (int i = 0; i < 20000; i++) {
        int64_t at_ms = shop_wakes_next_ms(&wakes), user = shop_wakes_next_user(&wakes);
        assert_true(at_ms > last_ms || (at_ms == last_ms && user > last_user));
        last_ms = at_ms;
        last_user = user;
        shop_wakes_move_first(&wakes, at_ms + 1 + (int64_t)rng_below(&rng, 100));
    }
    for (size_t left = 500; left > 0; left--) {
        assert_int_equal(wakes.count, left);
        shop_wakes_move_first(&wakes, INT64_MAX);
    }
    assert_true(shop_wakes_next_ms(&wakes) == INT64_MAX);
    shop_wakes_clean_up(&wakes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comes_out_in_order),
        cmocka_unit_test(test_keeps_what_it_is_given),
        cmocka_unit_test(test_wakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
