/* timers: one partition's event-time timers, fired in the order (deadline, user, kind).
 * The order of users is that of hash64(user id, 0): fixed, the same in every process, and read
 * without a cache miss.
 *
 * Entries are lazy: re-arming a timer to a later time costs nothing, because its one live entry is
 * re-queued when it surfaces; only an earlier deadline adds an entry, and the older one is skipped
 * when it surfaces (its deadline is no longer the timer's queued_ms). So there is about one entry
 * per armed timer. They lie in three places:
 *
 *     near    a heap of what is due within seconds: small, so that its order costs little
 *
 *     far     a wheel of TIMER_BUCKETS buckets of TIMER_BUCKET_MS, unordered; a bucket is poured
 *             into the heap when time comes to it (Varghese and Lauck, Hashed and hierarchical
 *             timing wheels, SOSP 1987, scheme 6, with lazy deletion)
 *
 *     later   unordered; looked through once a turn of the wheel
 *
 * The cost of an entry does not depend on how many there are. All of it is a pure function of the
 * users' timers: it is rebuilt at recovery and never stored. One thread. */
#ifndef PROMOSTREAM_ROOMS_TIMERS_H
#define PROMOSTREAM_ROOMS_TIMERS_H

#include <stdbool.h>

#include "consumer/rooms/timer_heap.h"
#include "schemas/user_state.h"

#define TIMER_BUCKET_MS 4096
#define TIMER_BUCKETS   1024 /* 70 minutes: the shipped idle times lie within */

struct timer_bucket {
    struct timer_entry *entries;
    uint32_t count, capacity;
};

struct timers { /* a zeroed struct is an empty one */
    struct timer_heap near;
    struct timer_bucket *far; /* bucket n is at n modulo TIMER_BUCKETS; NULL before the first */
    struct timer_bucket later;
    int64_t far_first; /* number of the first bucket that was not poured: deadline / BUCKET_MS */
    size_t count;      /* all entries */
};

void timers_clean_up(struct timers *timers);
/* Drops every entry. */
void timers_clear(struct timers *timers);
/* Sets the timer to entry.deadline_ms (not TIME_NONE) and makes sure that it has an entry. */
void timers_arm(struct timers *timers, struct timer *timer, struct timer_entry entry);
static inline void timers_disarm(struct timer *timer) {
    timer->deadline_ms = TIME_NONE; /* its entry is dropped when it surfaces */
}
/* The first entry with deadline <= until_ms, or NULL; it stays. It may be stale: see timers_take.
 * until_ms should not fall from call to call (it may; what was poured stays poured). */
const struct timer_entry *timers_peek(struct timers *timers, int64_t until_ms);
/* The entries that probably come next, for prefetching; *out_count of them. */
static inline const struct timer_entry *timers_near(const struct timers *timers,
                                                    size_t *out_count) {
    *out_count = timers->near.count;
    return timers->near.entries;
}
/* Removes the entry that timers_peek returned last. True if its timer is due now (disarmed on
 * return); false if the entry was stale or its timer has moved on (then it was queued again). timer
 * NULL: the user or its timers are gone. */
bool timers_take(struct timers *timers, struct timer *timer);

#endif
