/* shop_bot: ids that are no people: on some days 200 to 2000 views, now and then something put into
 * a cart, never an order. Nuisance only. */
#ifndef PROMOSTREAM_PRODUCER_SHOP_BOT_H
#define PROMOSTREAM_PRODUCER_SHOP_BOT_H

#include "producer/shop_nuisance.h"

/* When the bot's view number seq comes, after the one before (or after the start); SHOP_NEVER at
 * the end of the days. */
int64_t shop_bot_arrival(const struct shop_scene *scene, int64_t bot, uint32_t seq,
                         int64_t after_ms);
/* The view, and what follows at once. */
void shop_bot_act(const struct shop_scene *scene, struct shop_nuisance *nuisance, int64_t bot,
                  uint32_t seq, int64_t at_ms);

#endif
