#include "producer/shop_wakes.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/buffer.h"

#define CHILDREN 4

void shop_wakes_init(struct shop_wakes *wakes, size_t capacity) {
    *wakes = (struct shop_wakes){.heap = memory_new(capacity ? capacity : 1, sizeof *wakes->heap),
                                 .capacity = capacity};
}

void shop_wakes_clean_up(struct shop_wakes *wakes) {
    free(wakes->heap);
    *wakes = (struct shop_wakes){0};
}

static bool is_before(const struct shop_wake *a, const struct shop_wake *b) {
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->user < b->user;
}

void shop_wakes_put(struct shop_wakes *wakes, int64_t at_ms, int64_t user) {
    assert(wakes->count < wakes->capacity);
    wakes->heap[wakes->count++] = (struct shop_wake){.at_ms = at_ms, .user = user};
}

static void sink(struct shop_wakes *wakes, size_t at) {
    struct shop_wake *heap = wakes->heap;
    struct shop_wake sinking = heap[at];
    for (;;) {
        size_t first = CHILDREN * at + 1;
        if (first >= wakes->count) {
            break;
        }
        size_t end = first + CHILDREN < wakes->count ? first + CHILDREN : wakes->count;
        size_t best = first;
        for (size_t child = first + 1; child < end; child++) {
            best = is_before(&heap[child], &heap[best]) ? child : best;
        }
        if (!is_before(&heap[best], &sinking)) {
            break;
        }
        heap[at] = heap[best];
        at = best;
    }
    heap[at] = sinking;
}

void shop_wakes_order(struct shop_wakes *wakes) {
    for (size_t i = wakes->count; i > 0; i--) {
        sink(wakes, i - 1);
    }
}

int64_t shop_wakes_next_ms(const struct shop_wakes *wakes) {
    return wakes->count > 0 ? wakes->heap[0].at_ms : INT64_MAX;
}

void shop_wakes_move_first(struct shop_wakes *wakes, int64_t at_ms) {
    assert(wakes->count > 0);
    if (at_ms == INT64_MAX) {
        wakes->heap[0] = wakes->heap[--wakes->count];
    } else {
        wakes->heap[0].at_ms = at_ms;
    }
    if (wakes->count > 0) {
        sink(wakes, 0);
    }
}
