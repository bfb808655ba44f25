/* shop_shelf: the items of one category on one day, and the two ways to choose one of them. */
#ifndef PROMOSTREAM_PRODUCER_SHOP_SHELF_H
#define PROMOSTREAM_PRODUCER_SHOP_SHELF_H

#include <stddef.h>
#include <stdint.h>

struct shop_shelf_item {
    uint32_t item;
    double price_cents;
    double weight;     /* popularity, > 0 */
    double cumulative; /* of weights, up to and including this one; filled by shop_shelf_close */
};

struct shop_shelf {
    struct shop_shelf_item *items;  /* all, as added */
    struct shop_shelf_item *priced; /* in stock, ascending by price */
    size_t count, priced_count, capacity;
};

void shop_shelf_clean_up(struct shop_shelf *shelf); /* idempotent; a zeroed shelf is fine */
void shop_shelf_clear(struct shop_shelf *shelf);
void shop_shelf_add(struct shop_shelf *shelf, uint32_t item, double price_cents, double weight,
                    int has_stock);
/* After the last item of the day. */
void shop_shelf_close(struct shop_shelf *shelf);

/* u in [0, 1). By popularity; the shelf is not empty. */
uint32_t shop_shelf_popular(const struct shop_shelf *shelf, double u);
/* By popularity among the items in stock within +- near (relative) of the price; none there: the
 * nearest one. With nothing in stock at all: by popularity. */
uint32_t shop_shelf_priced(const struct shop_shelf *shelf, double price_cents, double near,
                           double u);

#endif
