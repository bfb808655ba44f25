/* health: alive is progress, ready is recovered; a stopped worker is neither stalled nor ready. */
#include "consumer/ops/health.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define STALL_MS 90000

static void test_alive(void **state) {
    (void)state;
    struct health workers[2];
    health_init(&workers[0], "w-0", 1000);
    health_init(&workers[1], "w-1", 1000);
    assert_true(health_is_alive(workers, 2, 1000 + STALL_MS, STALL_MS));
    assert_false(health_is_alive(workers, 2, 1001 + STALL_MS, STALL_MS));
    health_beat(&workers[0], 50000);
    assert_false(health_is_alive(workers, 2, 1001 + STALL_MS, STALL_MS)); /* one is enough */
    health_enter(&workers[1], WORKER_STOPPED, 1000);
    assert_true(health_is_alive(workers, 2, 1001 + STALL_MS, STALL_MS));
    health_enter(&workers[0], WORKER_FAILED, 60000);
    assert_false(health_is_alive(workers, 2, 60000, STALL_MS));
    assert_true(health_is_alive(workers, 0, 60000, STALL_MS));
}

static void test_ready(void **state) {
    (void)state;
    struct health workers[2];
    health_init(&workers[0], "w-0", 0);
    health_init(&workers[1], "w-1", 0);
    assert_false(health_is_ready(workers, 2));
    health_enter(&workers[0], WORKER_RUNNING, 1);
    assert_false(health_is_ready(workers, 2));
    health_enter(&workers[1], WORKER_RUNNING, 1);
    assert_true(health_is_ready(workers, 2));
    health_enter(&workers[1], WORKER_RECOVERING, 2);
    assert_false(health_is_ready(workers, 2));
    assert_false(health_is_ready(workers, 0));
}

static void test_write(void **state) {
    (void)state;
    struct health worker;
    health_init(&worker, "w-0", 1000);
    health_enter(&worker, WORKER_RECOVERING, 2000);
    struct buffer out = {0};
    health_write(&worker, 1, 4500, &out);
    health_write(&worker, 1, 1500, &out); /* the clock went back */
    buffer_append_byte(&out, 0);
    assert_string_equal((const char *)out.data, "w-0 recovering, progress 2.5 s ago\n"
                                                "w-0 recovering, progress 0.0 s ago\n");
    buffer_clean_up(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alive),
        cmocka_unit_test(test_ready),
        cmocka_unit_test(test_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
