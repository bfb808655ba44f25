#include "consumer/rooms/timers.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buffer.h"

static void drop_bucket(struct timer_bucket *bucket) {
    free(bucket->entries);
    *bucket = (struct timer_bucket){0};
}

void timers_clear(struct timers *timers) {
    for (size_t i = 0; timers->far && i < TIMER_BUCKETS; i++) {
        drop_bucket(&timers->far[i]);
    }
    drop_bucket(&timers->later);
    timers->near.count = timers->count = 0;
    timers->far_first = 0;
}

void timers_clean_up(struct timers *timers) {
    timers_clear(timers);
    timer_heap_clean_up(&timers->near);
    free(timers->far);
    timers->far = NULL;
}

/* ---- where an entry lies ---- */

static int64_t bucket_of(int64_t ms) {
    return ms > 0 ? ms / TIMER_BUCKET_MS : 0;
}

static void append(struct timer_bucket *bucket, struct timer_entry entry) {
    if (bucket->count == bucket->capacity) {
        bucket->capacity = bucket->capacity ? bucket->capacity * 2 : 8;
        bucket->entries = memory_grow(bucket->entries, bucket->capacity, sizeof *bucket->entries);
    }
    bucket->entries[bucket->count++] = entry;
}

static void place(struct timers *timers, struct timer_entry entry) {
    int64_t bucket = bucket_of(entry.deadline_ms);
    if (bucket < timers->far_first) {
        timer_heap_push(&timers->near, entry);
    } else if (bucket - timers->far_first < TIMER_BUCKETS) {
        if (!timers->far) {
            timers->far = memory_new(TIMER_BUCKETS, sizeof *timers->far);
        }
        append(&timers->far[bucket % TIMER_BUCKETS], entry);
    } else {
        append(&timers->later, entry);
    }
}

/* The bucket's entries find their places anew. */
static void pour(struct timers *timers, struct timer_bucket *bucket) {
    struct timer_bucket poured = *bucket;
    *bucket = (struct timer_bucket){0};
    for (uint32_t i = 0; i < poured.count; i++) {
        place(timers, poured.entries[i]);
    }
    drop_bucket(&poured);
}

/* What lies before bucket `first` comes into the heap. */
static void advance(struct timers *timers, int64_t first) {
    bool is_turn = first - timers->far_first >= TIMER_BUCKETS; /* a whole one, or more */
    while (!is_turn && timers->far && timers->far_first < first) {
        struct timer_bucket *bucket = &timers->far[timers->far_first++ % TIMER_BUCKETS];
        pour(timers, bucket);
        if (timers->far_first % TIMER_BUCKETS == 0) {
            pour(timers, &timers->later);
        }
    }
    if (timers->far_first < first) {
        timers->far_first = first;
        for (size_t i = 0; timers->far && i < TIMER_BUCKETS; i++) {
            pour(timers, &timers->far[i]);
        }
        pour(timers, &timers->later);
    }
}

/* ---- arming and taking ---- */

void timers_arm(struct timers *timers, struct timer *timer, struct timer_entry entry) {
    assert(entry.deadline_ms != TIME_NONE);
    timer->deadline_ms = entry.deadline_ms;
    if (timer->queued_ms == TIME_NONE || entry.deadline_ms < timer->queued_ms) {
        timer->queued_ms = entry.deadline_ms;
        timers->count++;
        place(timers, entry);
    }
}

const struct timer_entry *timers_peek(struct timers *timers, int64_t until_ms) {
    int64_t first = bucket_of(until_ms) + 1;
    if (timers->far_first < first) {
        advance(timers, first);
    }
    return timers->near.count > 0 && timers->near.entries[0].deadline_ms <= until_ms
               ? &timers->near.entries[0]
               : NULL;
}

bool timers_take(struct timers *timers, struct timer *timer) {
    struct timer_entry entry = timer_heap_pop(&timers->near);
    timers->count--;
    if (!timer || timer->queued_ms != entry.deadline_ms) {
        return false; /* another entry speaks for this timer */
    }
    timer->queued_ms = TIME_NONE;
    if (timer->deadline_ms == TIME_NONE) {
        return false;
    }
    if (timer->deadline_ms > entry.deadline_ms) {
        entry.deadline_ms = timer->deadline_ms;
        timers_arm(timers, timer, entry);
        return false;
    }
    assert(timer->deadline_ms == entry.deadline_ms);
    timer->deadline_ms = TIME_NONE;
    return true;
}
