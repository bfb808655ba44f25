#include "producer/shop_shelf.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buffer.h"

void shop_shelf_clean_up(struct shop_shelf *shelf) {
    free(shelf->items);
    free(shelf->priced);
    *shelf = (struct shop_shelf){0};
}

void shop_shelf_clear(struct shop_shelf *shelf) {
    shelf->count = 0;
    shelf->priced_count = 0;
}

void shop_shelf_add(struct shop_shelf *shelf, uint32_t item, double price_cents, double weight,
                    int has_stock) {
    if (shelf->count == shelf->capacity) {
        shelf->capacity = shelf->capacity ? 2 * shelf->capacity : 64;
        shelf->items = memory_grow(shelf->items, shelf->capacity, sizeof *shelf->items);
        shelf->priced = memory_grow(shelf->priced, shelf->capacity, sizeof *shelf->priced);
    }
    struct shop_shelf_item added = {.item = item, .price_cents = price_cents, .weight = weight};
    shelf->items[shelf->count++] = added;
    if (has_stock) {
        shelf->priced[shelf->priced_count++] = added;
    }
}

static int by_price(const void *left, const void *right) {
    const struct shop_shelf_item *a = left, *b = right;
    if (a->price_cents != b->price_cents) {
        return a->price_cents < b->price_cents ? -1 : 1;
    }
    return (a->item > b->item) - (a->item < b->item);
}

static void accumulate(struct shop_shelf_item *items, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += items[i].weight;
        items[i].cumulative = sum;
    }
}

void shop_shelf_close(struct shop_shelf *shelf) {
    if (shelf->priced_count > 0) {
        qsort(shelf->priced, shelf->priced_count, sizeof *shelf->priced, by_price);
    }
    accumulate(shelf->items, shelf->count);
    accumulate(shelf->priced, shelf->priced_count);
}

/* First of [low, high) whose cumulative weight exceeds target; high - 1 takes the rounding. */
static size_t find_cumulative(const struct shop_shelf_item *items, size_t low, size_t high,
                              double target) {
    while (low + 1 < high) {
        size_t middle = (low + high - 1) / 2;
        if (items[middle].cumulative > target) {
            high = middle + 1;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

uint32_t shop_shelf_popular(const struct shop_shelf *shelf, double u) {
    assert(shelf->count > 0);
    double target = u * shelf->items[shelf->count - 1].cumulative;
    return shelf->items[find_cumulative(shelf->items, 0, shelf->count, target)].item;
}

/* First item whose price is at least this; priced_count if none. */
static size_t find_price(const struct shop_shelf *shelf, double price_cents) {
    size_t low = 0, high = shelf->priced_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (shelf->priced[middle].price_cents < price_cents) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static uint32_t nearest(const struct shop_shelf *shelf, size_t above, double price_cents) {
    const struct shop_shelf_item *priced = shelf->priced;
    if (above == shelf->priced_count) {
        return priced[above - 1].item;
    }
    if (above == 0) {
        return priced[0].item;
    }
    double up = priced[above].price_cents - price_cents;
    double down = price_cents - priced[above - 1].price_cents;
    return priced[up < down ? above : above - 1].item;
}

uint32_t shop_shelf_priced(const struct shop_shelf *shelf, double price_cents, double near,
                           double u) {
    if (shelf->priced_count == 0) {
        return shop_shelf_popular(shelf, u);
    }
    size_t low = find_price(shelf, price_cents * (1 - near));
    size_t high = find_price(shelf, price_cents * (1 + near));
    if (low >= high) {
        return nearest(shelf, low, price_cents);
    }
    double before = low > 0 ? shelf->priced[low - 1].cumulative : 0;
    double target = before + u * (shelf->priced[high - 1].cumulative - before);
    return shelf->priced[find_cumulative(shelf->priced, low, high, target)].item;
}
