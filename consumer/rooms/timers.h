/* timers: one partition's event-time timers, fired in the order (deadline, user, kind).
 * The order of users is that of hash64(user id, 0): fixed, the same in every process, and read
 * without a cache miss.
 *
 * A 4-ary heap with lazy entries: re-arming a timer to a later time costs nothing, because its one
 * live entry is re-queued when it surfaces; only an earlier deadline adds an entry, and the older
 * one is skipped when it surfaces (its deadline is no longer the timer's queued_ms). So the heap
 * holds about one entry per armed timer. The heap is a pure function of the users' timers: it is
 * rebuilt at recovery and never stored. One thread. */
#ifndef PROMOSTREAM_ROOMS_TIMERS_H
#define PROMOSTREAM_ROOMS_TIMERS_H

#include <stdbool.h>

#include "schemas/user_state.h"

struct timer_entry {
    int64_t deadline_ms;
    uint64_t user_hash; /* of the user whose timer it is: a slot may have a new tenant meanwhile */
    uint32_t slot;
    uint32_t kind; /* enum timer_kind */
};

struct timers {
    struct timer_entry *entries;
    size_t count, capacity;
};

void timers_clean_up(struct timers *timers);
/* Sets the timer to entry.deadline_ms (not TIME_NONE) and makes sure that the heap knows. */
void timers_arm(struct timers *timers, struct timer *timer, struct timer_entry entry);
static inline void timers_disarm(struct timer *timer) {
    timer->deadline_ms = TIME_NONE; /* its entry is dropped when it surfaces */
}
/* The first entry with deadline <= until_ms, or NULL; stays in the heap. It may be stale: see
 * timers_take. */
const struct timer_entry *timers_peek(const struct timers *timers, int64_t until_ms);
/* Removes the first entry. True if its timer is due now (disarmed on return); false if the entry
 * was stale or its timer has moved on (then it was queued again). timer NULL: the user or its
 * timers are gone. */
bool timers_take(struct timers *timers, struct timer *timer);

/* The plain heap underneath (a zeroed struct is an empty one), also used for eviction order. */
void timers_push(struct timers *timers, struct timer_entry entry);
struct timer_entry timers_pop(struct timers *timers);

#endif
