/* shop_catalogue: what the shop sells, day by day: popularity, prices, stock. All days are fixed at
 * the start as a pure function of (world, seed, days), so no shopper's buying changes what another
 * one sees.
 *
 * Two ways to choose an item of a category: by popularity (what is looked at), and by a price that
 * the shopper has in mind, by popularity among the items near it (what goes into a cart): so cart
 * values follow their stated law. */
#ifndef PROMOSTREAM_PRODUCER_SHOP_CATALOGUE_H
#define PROMOSTREAM_PRODUCER_SHOP_CATALOGUE_H

#include "producer/shop_item_texts.h"
#include "producer/shop_world.h"

struct shop_catalogue;
/* world is borrowed. Prices and stock reach some days beyond `days`, for orders that come late. */
struct shop_catalogue *shop_catalogue_new(const struct shop_world *world, uint64_t seed, int days);
void shop_catalogue_destroy(struct shop_catalogue *catalogue);

/* Makes `day` the one that the choices see. */
void shop_catalogue_open_day(struct shop_catalogue *catalogue, int day);
/* By popularity, in stock or not. u in [0, 1). */
uint32_t shop_catalogue_popular(const struct shop_catalogue *catalogue, int category, double u);
/* In stock, and as near to the price as the category has. */
uint32_t shop_catalogue_priced(const struct shop_catalogue *catalogue, int category,
                               double price_cents, double u);

/* Items known on the day: indices 0 .. count - 1. Days beyond the last one known are the last one.
 */
uint32_t shop_catalogue_items(const struct shop_catalogue *catalogue, int day);
bool shop_catalogue_has_stock(const struct shop_catalogue *catalogue, uint32_t item, int day);
int32_t shop_catalogue_price_cents(const struct shop_catalogue *catalogue, uint32_t item, int day);
/* New on the day, or its price or stock differ from the day before. */
bool shop_catalogue_is_changed(const struct shop_catalogue *catalogue, uint32_t item, int day);
const struct shop_item_texts *shop_catalogue_texts(const struct shop_catalogue *catalogue,
                                                   uint32_t item);
void shop_catalogue_row(const struct shop_catalogue *catalogue, uint32_t item, int day,
                        struct catalogue_item_row *out);

#endif
