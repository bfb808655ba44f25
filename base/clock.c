#include "base/clock.h"

#include <assert.h>
#include <time.h>

static int64_t system_now_ms(void *context) {
    (void)context;
    struct timespec now;
    int status = clock_gettime(CLOCK_REALTIME, &now);
    assert(status == 0);
    (void)status;
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t fake_now_ms(void *context) {
    return *(const int64_t *)context;
}

struct clock clock_system(void) {
    return (struct clock){.now_ms = system_now_ms, .context = NULL};
}

struct clock clock_fake(int64_t *now_ms_value) {
    assert(now_ms_value);
    return (struct clock){.now_ms = fake_now_ms, .context = now_ms_value};
}

int64_t clock_monotonic_ns(void) {
    struct timespec now;
    int status = clock_gettime(CLOCK_MONOTONIC, &now);
    assert(status == 0);
    (void)status;
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t clock_monotonic_ms(void) {
    return clock_monotonic_ns() / 1000000;
}
