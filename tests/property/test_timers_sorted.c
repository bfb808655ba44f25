/* The lazy heap against a plain sorted list: the same timers fire in the same order, whatever is
 * armed, moved earlier or later, disarmed, or taken over by a new tenant of the slot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "base/rng.h"
#include "consumer/rooms/timers.h"

#define SLOTS 40
#define KINDS 3

struct tenant {
    uint64_t hash; /* 0 = vacant */
    struct timer timers[KINDS];
};

struct world {
    struct tenant tenants[SLOTS];
    struct timers heap;
    struct rng rng;
    int64_t now_ms, scale_ms;
    uint64_t next_hash;
};

static void move_in(struct world *world, struct tenant *tenant) {
    tenant->hash = (world->next_hash++ * 0x9E3779B97F4A7C15ULL) | 1U;
    for (int kind = 0; kind < KINDS; kind++) {
        tenant->timers[kind] = (struct timer){.deadline_ms = TIME_NONE, .queued_ms = TIME_NONE};
    }
}

static void change_something(struct world *world) {
    uint32_t slot = (uint32_t)rng_below(&world->rng, SLOTS);
    uint32_t kind = (uint32_t)rng_below(&world->rng, KINDS);
    struct tenant *tenant = &world->tenants[slot];
    switch (rng_below(&world->rng, 8)) {
    case 0:
        move_in(world, tenant); /* eviction and reuse: old entries stay in the heap */
        break;
    case 1:
        timers_disarm(&tenant->timers[kind]);
        break;
    default: {
        int64_t deadline_ms =
            world->now_ms + 1 +
            (int64_t)rng_below(&world->rng, 50) * world->scale_ms; /* few values: many ties */
        timers_arm(&world->heap, &tenant->timers[kind],
                   (struct timer_entry){deadline_ms, tenant->hash, slot, kind});
    }
    }
}

/* The next timer by a scan of all: smallest (deadline, hash, kind). */
static struct timer *plain_next(struct world *world, int64_t until_ms, struct timer_entry *out) {
    struct timer *best = NULL;
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        struct tenant *tenant = &world->tenants[slot];
        for (uint32_t kind = 0; kind < KINDS; kind++) {
            struct timer *timer = &tenant->timers[kind];
            if (timer->deadline_ms == TIME_NONE || timer->deadline_ms > until_ms) {
                continue;
            }
            bool is_first = !best || timer->deadline_ms < best->deadline_ms ||
                            (timer->deadline_ms == best->deadline_ms &&
                             (tenant->hash < out->user_hash ||
                              (tenant->hash == out->user_hash && kind < out->kind)));
            if (is_first) {
                best = timer;
                *out = (struct timer_entry){timer->deadline_ms, tenant->hash, slot, kind};
            }
        }
    }
    return best;
}

static bool heap_next(struct world *world, int64_t until_ms, struct timer_entry *out) {
    const struct timer_entry *next;
    while ((next = timers_peek(&world->heap, until_ms))) {
        *out = *next;
        struct tenant *tenant = &world->tenants[next->slot];
        if (timers_take(&world->heap,
                        tenant->hash == next->user_hash ? &tenant->timers[next->kind] : NULL)) {
            return true;
        }
    }
    return false;
}

static void run_seed(uint64_t seed, int64_t scale_ms) {
    struct world world = {.next_hash = 1, .scale_ms = scale_ms};
    world.rng = rng_make(seed, 0);
    for (int i = 0; i < SLOTS; i++) {
        move_in(&world, &world.tenants[i]);
    }
    size_t fired = 0;
    for (int step = 0; step < 3000; step++) {
        change_something(&world);
        if (rng_below(&world.rng, 4) > 0) {
            continue;
        }
        world.now_ms += (int64_t)rng_below(&world.rng, 12) * world.scale_ms;
        struct timer_entry expected = {0}, found = {0};
        struct timer *timer;
        while ((timer = plain_next(&world, world.now_ms, &expected))) {
            assert_true(heap_next(&world, world.now_ms, &found));
            assert_int_equal(found.deadline_ms, expected.deadline_ms);
            assert_int_equal(found.slot, expected.slot);
            assert_int_equal(found.kind, expected.kind);
            assert_int_equal(timer->deadline_ms, TIME_NONE); /* take has disarmed it */
            fired++;
        }
        assert_false(heap_next(&world, world.now_ms, &found));
    }
    assert_true(fired > 300);
    timers_clean_up(&world.heap);
}

/* Ties, one bucket or a few, all of the wheel, several turns of it. */
static const int64_t scales_ms[] = {1, 400, 40000, 1000000};

static void test_same_as_sorted_list(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        for (size_t i = 0; i < sizeof scales_ms / sizeof scales_ms[0]; i++) {
            run_seed(seed, scales_ms[i]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_as_sorted_list)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
