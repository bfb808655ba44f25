/* timer_heap: a 4-ary heap of timer entries in the order (deadline, user, kind). A zeroed struct is
 * an empty one. One thread. */
#ifndef PROMOSTREAM_ROOMS_TIMER_HEAP_H
#define PROMOSTREAM_ROOMS_TIMER_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct timer_entry {
    int64_t deadline_ms;
    uint64_t user_hash; /* of the user whose timer it is: a slot may have a new tenant meanwhile */
    uint32_t slot;
    uint32_t kind; /* enum timer_kind */
};

struct timer_heap {
    struct timer_entry *entries; /* [0] is the first */
    size_t count, capacity;
};

void timer_heap_clean_up(struct timer_heap *heap); /* idempotent */
void timer_heap_push(struct timer_heap *heap, struct timer_entry entry);
/* The heap must not be empty. */
struct timer_entry timer_heap_pop(struct timer_heap *heap);
/* A pop and a push in one. */
void timer_heap_replace(struct timer_heap *heap, struct timer_entry entry);

#endif
