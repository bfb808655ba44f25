#include "producer/shop_taste.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buffer.h"

void shop_tastes_init(struct shop_tastes *tastes, const struct shop_world *world, uint64_t seed) {
    size_t count = (size_t)world->catalogue.categories;
    double alpha[SHOP_CATEGORIES_MAX], shares[SHOP_CATEGORIES_MAX];
    assert(count > 0 && count <= SHOP_CATEGORIES_MAX);
    for (size_t i = 0; i < count; i++) {
        alpha[i] = world->catalogue.taste;
    }
    tastes->categories = (int)count;
    tastes->cumulative = memory_new(SHOP_TASTES * count, sizeof *tastes->cumulative);
    for (size_t taste = 0; taste < SHOP_TASTES; taste++) {
        struct rng rng = shop_draw(seed, taste, DRAW_TASTE, 1);
        rng_dirichlet(&rng, alpha, shares, count);
        double sum = 0;
        for (size_t i = 0; i < count; i++) {
            sum += shares[i];
            tastes->cumulative[taste * count + i] = (float)sum;
        }
        tastes->cumulative[taste * count + count - 1] = 1;
    }
}

void shop_tastes_clean_up(struct shop_tastes *tastes) {
    free(tastes->cumulative);
    tastes->cumulative = NULL;
}
