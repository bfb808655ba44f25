#include "consumer/rooms/timers.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buffer.h"

#define ARITY 4

void timers_clean_up(struct timers *timers) {
    free(timers->entries);
    timers->entries = NULL;
    timers->count = timers->capacity = 0;
}

static bool comes_before(const struct timer_entry *a, const struct timer_entry *b) {
    if (a->deadline_ms != b->deadline_ms) {
        return a->deadline_ms < b->deadline_ms;
    }
    if (a->user_hash != b->user_hash) {
        return a->user_hash < b->user_hash;
    }
    return a->kind < b->kind;
}

void timers_push(struct timers *timers, struct timer_entry entry) {
    if (timers->count == timers->capacity) {
        timers->capacity = timers->capacity ? timers->capacity * 2 : 64;
        timers->entries = memory_grow(timers->entries, timers->capacity, sizeof *timers->entries);
    }
    size_t i = timers->count++;
    while (i > 0) {
        size_t parent = (i - 1) / ARITY;
        if (!comes_before(&entry, &timers->entries[parent])) {
            break;
        }
        timers->entries[i] = timers->entries[parent];
        i = parent;
    }
    timers->entries[i] = entry;
}

static size_t first_child(const struct timers *timers, size_t parent) {
    size_t first = parent * ARITY + 1;
    size_t best = first;
    for (size_t i = first + 1; i < first + ARITY && i < timers->count; i++) {
        if (comes_before(&timers->entries[i], &timers->entries[best])) {
            best = i;
        }
    }
    return best;
}

/* Puts the entry where the top was. */
static void replace_top(struct timers *timers, struct timer_entry entry) {
    size_t i = 0;
    while (i * ARITY + 1 < timers->count) {
        size_t child = first_child(timers, i);
        if (!comes_before(&timers->entries[child], &entry)) {
            break;
        }
        timers->entries[i] = timers->entries[child];
        i = child;
    }
    timers->entries[i] = entry;
}

struct timer_entry timers_pop(struct timers *timers) {
    assert(timers->count > 0);
    struct timer_entry top = timers->entries[0];
    struct timer_entry last = timers->entries[--timers->count];
    if (timers->count > 0) {
        replace_top(timers, last);
    }
    return top;
}

void timers_arm(struct timers *timers, struct timer *timer, struct timer_entry entry) {
    assert(entry.deadline_ms != TIME_NONE);
    timer->deadline_ms = entry.deadline_ms;
    if (timer->queued_ms == TIME_NONE || entry.deadline_ms < timer->queued_ms) {
        timer->queued_ms = entry.deadline_ms;
        timers_push(timers, entry);
    }
}

const struct timer_entry *timers_peek(const struct timers *timers, int64_t until_ms) {
    return timers->count > 0 && timers->entries[0].deadline_ms <= until_ms ? &timers->entries[0]
                                                                           : NULL;
}

bool timers_take(struct timers *timers, struct timer *timer) {
    assert(timers->count > 0);
    struct timer_entry entry = timers->entries[0];
    bool is_live = timer && timer->queued_ms == entry.deadline_ms; /* or another speaks for it */
    if (is_live && timer->deadline_ms > entry.deadline_ms) {
        entry.deadline_ms = timer->queued_ms = timer->deadline_ms;
        replace_top(timers, entry);
        return false;
    }
    (void)timers_pop(timers);
    if (!is_live) {
        return false;
    }
    timer->queued_ms = TIME_NONE;
    if (timer->deadline_ms == TIME_NONE) {
        return false;
    }
    assert(timer->deadline_ms == entry.deadline_ms);
    timer->deadline_ms = TIME_NONE;
    return true;
}
