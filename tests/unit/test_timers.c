#include "consumer/rooms/timers.h"

#include <setjmp.h>
#include <stdarg.h>
/* cmocka needs the above */
#include <cmocka.h>

static struct timer idle_timer(void) {
    return (struct timer){.deadline_ms = TIME_NONE, .queued_ms = TIME_NONE};
}

static void arm(struct timers *timers, struct timer *timer, int64_t deadline_ms, uint64_t hash,
                uint32_t kind) {
    timers_arm(timers, timer, (struct timer_entry){deadline_ms, hash, 0, kind});
}

static void test_order_is_deadline_user_kind(void **state) {
    (void)state;
    struct timers timers = {0};
    struct timer a = idle_timer(), b = idle_timer(), c = idle_timer(), d = idle_timer();
    arm(&timers, &a, 20, 1, 0);
    arm(&timers, &b, 10, 2, 1);
    arm(&timers, &c, 10, 2, 0);
    arm(&timers, &d, 10, 1, 3);
    const struct timer_entry *first = timers_peek(&timers, 10);
    assert_int_equal(first->user_hash, 1);
    assert_true(timers_take(&timers, &d));
    assert_int_equal(timers_peek(&timers, 10)->kind, 0);
    assert_true(timers_take(&timers, &c));
    assert_int_equal(timers_peek(&timers, 10)->kind, 1);
    assert_true(timers_take(&timers, &b));
    assert_null(timers_peek(&timers, 19));
    assert_true(timers_take(&timers, &a));
    assert_int_equal(a.deadline_ms, TIME_NONE);
    timers_clean_up(&timers);
}

static void test_moving_later_adds_no_entry(void **state) {
    (void)state;
    struct timers timers = {0};
    struct timer timer = idle_timer();
    for (int64_t deadline_ms = 10; deadline_ms <= 1000; deadline_ms += 10) {
        arm(&timers, &timer, deadline_ms, 1, 0);
    }
    assert_int_equal(timers.count, 1);
    assert_non_null(timers_peek(&timers, 500));
    assert_false(timers_take(&timers, &timer)); /* it has moved on and was queued again */
    assert_null(timers_peek(&timers, 999));
    assert_non_null(timers_peek(&timers, 1000));
    assert_true(timers_take(&timers, &timer));
    timers_clean_up(&timers);
}

static void test_moving_earlier_fires_once(void **state) {
    (void)state;
    struct timers timers = {0};
    struct timer timer = idle_timer();
    arm(&timers, &timer, 100, 1, 0);
    arm(&timers, &timer, 50, 1, 0);
    assert_non_null(timers_peek(&timers, 50));
    assert_true(timers_take(&timers, &timer));
    assert_non_null(timers_peek(&timers, 100));
    assert_false(timers_take(&timers, &timer)); /* the older entry speaks for nobody */
    assert_int_equal(timers.count, 0);
    timers_clean_up(&timers);
}

static void test_disarmed_and_departed_do_not_fire(void **state) {
    (void)state;
    struct timers timers = {0};
    struct timer timer = idle_timer(), gone = idle_timer();
    arm(&timers, &timer, 10, 1, 0);
    arm(&timers, &gone, 20, 2, 0);
    timers_disarm(&timer);
    assert_non_null(timers_peek(&timers, 20));
    assert_false(timers_take(&timers, &timer));
    assert_false(timers_take(&timers, NULL));
    assert_int_equal(timers.count, 0);
    timers_clean_up(&timers);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_is_deadline_user_kind),
        cmocka_unit_test(test_moving_later_adds_no_entry),
        cmocka_unit_test(test_moving_earlier_fires_once),
        cmocka_unit_test(test_disarmed_and_departed_do_not_fire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
