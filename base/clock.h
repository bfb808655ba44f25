/* clock: wall time as an argument. Event time (event_ms) never comes from here. */
#ifndef PROMOSTREAM_BASE_CLOCK_H
#define PROMOSTREAM_BASE_CLOCK_H

#include <stdint.h>

struct clock {
    int64_t (*now_ms)(void *context); /* milliseconds since 1970 UTC */
    void *context;
};

struct clock clock_system(void);
/* A clock that shows *now_ms_value until the owner changes it. */
struct clock clock_fake(int64_t *now_ms_value);
static inline int64_t clock_now_ms(struct clock clock) {
    return clock.now_ms(clock.context);
}
/* Monotonic nanoseconds for measuring spans only; never stored, never compared across processes. */
int64_t clock_monotonic_ns(void);
int64_t clock_monotonic_ms(void);

#endif
