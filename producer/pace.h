/* pace: when the next record is due, by a rate or by a clock that runs faster than ours. Pure
 * arithmetic on the monotonic nanoseconds that it is given; the caller sleeps. */
#ifndef PROMOSTREAM_PRODUCER_PACE_H
#define PROMOSTREAM_PRODUCER_PACE_H

#include <stdint.h>

/* After a stall at most this much is made up for in a burst; the rest of the delay stays. */
#define PACE_CATCH_UP_NS INT64_C(100000000)

struct pace {
    double per_second; /* records, 0 = no limit */
    double speed;      /* simulated seconds per second, 0 = no limit */
    int64_t begin_ns;  /* when record 0 was due */
    int64_t count;     /* records sent */
    int64_t begin_ms;  /* simulated time at speed_begin_ns, INT64_MIN before the first */
    int64_t speed_begin_ns;
};

struct pace pace_make(double per_second, double speed, int64_t now_ns);
/* Nanoseconds until a record of this simulated time may go, 0 = now. */
int64_t pace_wait_ns(struct pace *pace, int64_t at_ms, int64_t now_ns);
/* The record went. */
void pace_sent(struct pace *pace);
/* Simulated time by the clock; INT64_MIN without a speed or before the first record. */
int64_t pace_now_ms(const struct pace *pace, int64_t now_ns);

#endif
