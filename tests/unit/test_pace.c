/* pace: records go at their rate, a stall is not made up for by a burst, simulated time runs at its
 * speed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "producer/pace.h"

#define SECOND_NS INT64_C(1000000000)

/* Sends what may go at each of the given instants; returns how many went. */
static int send_due(struct pace *pace, int64_t now_ns, int at_most) {
    int sent = 0;
    while (sent < at_most && pace_wait_ns(pace, 0, now_ns) == 0) {
        pace_sent(pace);
        sent++;
    }
    return sent;
}

static void a_rate_is_kept(void **state) {
    (void)state;
    struct pace pace = pace_make(1000, 0, 5 * SECOND_NS);
    int sent = 0;
    for (int64_t now_ns = 5 * SECOND_NS; now_ns < 15 * SECOND_NS; now_ns += 7777777) {
        sent += send_due(&pace, now_ns, 1000);
    }
    assert_in_range(sent, 9990, 10001);
}

static void the_wait_ends_when_the_record_is_due(void **state) {
    (void)state;
    struct pace pace = pace_make(10, 0, 0);
    assert_int_equal(pace_wait_ns(&pace, 0, 0), 0);
    pace_sent(&pace);
    assert_int_equal(pace_wait_ns(&pace, 0, 30000000), 70000000);
    assert_int_equal(pace_wait_ns(&pace, 0, 100000000), 0);
}

static void a_stall_is_not_followed_by_a_burst(void **state) {
    (void)state;
    struct pace pace = pace_make(1000, 0, 0);
    assert_in_range(send_due(&pace, 60 * SECOND_NS, 100000), 100, 102); /* 100 ms worth, not 60 s */
    assert_in_range(send_due(&pace, 61 * SECOND_NS, 100000), 100, 1002);
}

static void no_limit_never_waits(void **state) {
    (void)state;
    struct pace pace = pace_make(0, 0, 0);
    assert_int_equal(send_due(&pace, 0, 5000), 5000);
    assert_int_equal(pace_now_ms(&pace, SECOND_NS), INT64_MIN);
}

static void simulated_time_runs_at_its_speed(void **state) {
    (void)state;
    struct pace pace = pace_make(0, 60, SECOND_NS);
    int64_t first_ms = INT64_C(1736121600000);
    assert_int_equal(pace_now_ms(&pace, SECOND_NS), INT64_MIN);
    assert_int_equal(pace_wait_ns(&pace, first_ms, 3 * SECOND_NS), 0);
    assert_int_equal(pace_wait_ns(&pace, first_ms + 60000, 3 * SECOND_NS), SECOND_NS);
    assert_int_equal(pace_wait_ns(&pace, first_ms + 60000, 4 * SECOND_NS), 0);
    assert_int_equal(pace_now_ms(&pace, 4 * SECOND_NS), first_ms + 60000);
}

static void the_slower_of_both_decides(void **state) {
    (void)state;
    struct pace pace = pace_make(1, 1000, 0);
    assert_int_equal(pace_wait_ns(&pace, 0, 0), 0);
    pace_sent(&pace);
    assert_int_equal(pace_wait_ns(&pace, 500, 0), SECOND_NS);
    assert_int_equal(pace_wait_ns(&pace, 5000000, 0), 5 * SECOND_NS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rate_is_kept),
        cmocka_unit_test(the_wait_ends_when_the_record_is_due),
        cmocka_unit_test(a_stall_is_not_followed_by_a_burst),
        cmocka_unit_test(no_limit_never_waits),
        cmocka_unit_test(simulated_time_runs_at_its_speed),
        cmocka_unit_test(the_slower_of_both_decides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
