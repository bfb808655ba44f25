/* shop_wakes: who comes next. One time per user, smallest first; equal times by user. */
#ifndef PROMOSTREAM_PRODUCER_SHOP_WAKES_H
#define PROMOSTREAM_PRODUCER_SHOP_WAKES_H

#include <stddef.h>
#include <stdint.h>

struct shop_wake {
    int64_t at_ms;
    int64_t user;
};

struct shop_wakes {
    struct shop_wake
        *heap; /* four children a node: half the levels of two, one cache line a node */
    size_t count, capacity;
};

void shop_wakes_init(struct shop_wakes *wakes, size_t capacity);
void shop_wakes_clean_up(struct shop_wakes *wakes);
/* Before the first use of the heap: any order, then shop_wakes_order once. */
void shop_wakes_put(struct shop_wakes *wakes, int64_t at_ms, int64_t user);
void shop_wakes_order(struct shop_wakes *wakes);
/* INT64_MAX when empty. */
int64_t shop_wakes_next_ms(const struct shop_wakes *wakes);
static inline int64_t shop_wakes_next_user(const struct shop_wakes *wakes) {
    return wakes->heap[0].user;
}
/* Gives the first user another time; INT64_MAX: never again. */
void shop_wakes_move_first(struct shop_wakes *wakes, int64_t at_ms);

#endif
