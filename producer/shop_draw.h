/* shop_draw: every chance in the simulated shop is a stream of its own, keyed by (seed, subject,
 * purpose, index). So a draw never shifts another one: a world that adds a choice, nuisance, or a
 * push leaves all other draws alone, and users can be made in any order. */
#ifndef PROMOSTREAM_PRODUCER_SHOP_DRAW_H
#define PROMOSTREAM_PRODUCER_SHOP_DRAW_H

#include "base/hash.h"
#include "base/rng.h"

/* Values are part of the drawn bytes: append, never renumber. */
enum shop_purpose {
    DRAW_LATENT = 1, /* subject user */
    DRAW_COVARIATES,
    DRAW_PLACE,
    DRAW_CONSENT,
    DRAW_TASTE,
    DRAW_ARRIVAL, /* user; index = session number */
    DRAW_FUNNEL,
    DRAW_VIEWS,
    DRAW_CART,
    DRAW_TIMES,
    DRAW_OUTCOME,
    DRAW_DELAY,
    DRAW_SESSION_ID,
    DRAW_EVENT_ID,
    DRAW_ORDER_ID,
    DRAW_ITEM,     /* subject item */
    DRAW_ITEM_DAY, /* item */
    DRAW_WEATHER,  /* subject place */
    DRAW_SALE,     /* index = block of 30 days */
    DRAW_PUSH,     /* user; index = hash of the push id */
    DRAW_PULL_FORWARD,
    DRAW_POLICY, /* user; index = session number */
    /* Nuisance has its own salt: none of these is ever read by the shop's truth. */
    NUISANCE_IDENTITY = 1001, /* user; index = session number */
    NUISANCE_DEVICE,
    NUISANCE_CLOCK, /* index = device */
    NUISANCE_EVENT, /* subject = the event's own hash */
    NUISANCE_ORDER,
    NUISANCE_BOT,
};

static inline uint64_t shop_draw_key(uint64_t subject, enum shop_purpose purpose, uint64_t index) {
    return hash_combine(hash_combine(subject, (uint64_t)purpose), index);
}

static inline struct rng shop_draw(uint64_t seed, uint64_t subject, enum shop_purpose purpose,
                                   uint64_t index) {
    return rng_make(seed, shop_draw_key(subject, purpose, index));
}

/* A single uniform in [0, 1) without the cost of a stream. */
static inline double shop_draw_unit(uint64_t seed, uint64_t subject, enum shop_purpose purpose,
                                    uint64_t index) {
    return (double)(hash_combine(seed, shop_draw_key(subject, purpose, index)) >> 11) * 0x1p-53;
}

/* A name of 64 bits: event, session and order ids. */
static inline uint64_t shop_draw_id(uint64_t seed, uint64_t subject, enum shop_purpose purpose,
                                    uint64_t index) {
    return hash_combine(seed, shop_draw_key(subject, purpose, index));
}

/* Index of the cell that u falls into, weights summing to 1 (the last cell takes the rounding). */
static inline int shop_draw_cell(double u, const double *weights, int count) {
    int cell = 0;
    while (cell < count - 1 && u >= weights[cell]) {
        u -= weights[cell];
        cell++;
    }
    return cell;
}

#endif
