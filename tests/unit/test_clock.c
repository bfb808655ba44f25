/* clock: the fake one shows what its owner says, the system's one tells today's time in
 * milliseconds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <time.h>

#include "base/clock.h"

static void fake_follows_its_owner(void **state) {
    (void)state;
    int64_t now_ms = 5;
    struct clock clock = clock_fake(&now_ms);
    assert_int_equal(clock_now_ms(clock), 5);
    now_ms = -86400000;
    assert_int_equal(clock_now_ms(clock), -86400000);
}

static void system_counts_milliseconds_since_1970(void **state) {
    (void)state;
    int64_t before_s = (int64_t)time(NULL);
    int64_t now_ms = clock_now_ms(clock_system());
    int64_t after_s = (int64_t)time(NULL);
    /* time() may lag behind by a tick of the kernel. */
    assert_true(now_ms >= before_s * 1000);
    assert_true(now_ms <= after_s * 1000 + 2000);
}

static void monotonic_never_goes_back(void **state) {
    (void)state;
    int64_t last_ns = clock_monotonic_ns();
    assert_true(last_ns > 0);
    for (int i = 0; i < 1000; i++) {
        int64_t now_ns = clock_monotonic_ns();
        assert_true(now_ns >= last_ns);
        last_ns = now_ns;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fake_follows_its_owner),
        cmocka_unit_test(system_counts_milliseconds_since_1970),
        cmocka_unit_test(monotonic_never_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
