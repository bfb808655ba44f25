/* shop_taste: which categories a shopper likes: Dirichlet(taste) over the categories, independent
 * of the latent class. A population has SHOP_TASTES different tastes, and each user one of them:
 * drawn once, so that a session costs a look into a table and no dozen gamma variates. */
#ifndef PROMOSTREAM_PRODUCER_SHOP_TASTE_H
#define PROMOSTREAM_PRODUCER_SHOP_TASTE_H

#include "producer/shop_draw.h"
#include "producer/shop_world.h"

#define SHOP_TASTES         4096
#define SHOP_CATEGORIES_MAX 24

struct shop_tastes {
    int categories;
    float *cumulative; /* [SHOP_TASTES][categories], the last of each is 1 */
};

void shop_tastes_init(struct shop_tastes *tastes, const struct shop_world *world, uint64_t seed);
void shop_tastes_clean_up(struct shop_tastes *tastes);

/* categories cumulative shares of the user. */
static inline const float *shop_taste_of(const struct shop_tastes *tastes, uint64_t seed,
                                         int64_t user) {
    uint64_t taste = shop_draw_id(seed, (uint64_t)user, DRAW_TASTE, 0) % SHOP_TASTES;
    return &tastes->cumulative[taste * (uint64_t)tastes->categories];
}

#endif
