/* shop_outcome: what an abandoned cart comes to. The truth: p(z, arm, state), the order's delay,
 * the arm's value. Nothing here has state; nothing continuous and latent enters, so the exact Bayes
 * rule has twelve terms. */
#ifndef PROMOSTREAM_PRODUCER_SHOP_OUTCOME_H
#define PROMOSTREAM_PRODUCER_SHOP_OUTCOME_H

#include "base/rng.h"
#include "producer/shop_world.h"

#define SHOP_WINDOW_MS (7 * INT64_C(86400000)) /* an order later than this is none */

/* The observable state at the decision. */
struct shop_state {
    double cart_value; /* EUR, > 0 */
    double fatigue;    /* F: pushes, decayed with a half-life of 7 d */
    int coupons_30d;
    double drift;        /* D(t), logit, sale day included */
    bool is_sale;        /* coupons do less */
    bool is_second_half; /* the jump has happened */
};

/* P(buy within 7 d | type, sensitivity, arm, state). */
double shop_outcome_p(const struct shop_world *world, int type, int sensitivity, enum shop_arm arm,
                      const struct shop_state *state);

/* Expected margin of the decision, EUR, given that probability: (p cart (m - d) - contact) (1 -
 * returns). The offer of free shipping costs nothing on a cart that ships free anyway, and by the
 * formula of p it moves shoppers there too; the gains that SIMULATOR.md states give it no value
 * there (tests/property/test_shop_policies.c). */
double shop_outcome_value(const struct shop_world *world, enum shop_arm arm, double p,
                          double cart_value);

/* From the decision to the order, given that it comes: a mixture of soon and later, below 7 d. The
 * same rng gives comparable delays for all arms. */
double shop_outcome_delay_ms(const struct shop_world *world, struct rng rng, enum shop_arm arm);
/* Its distribution: P(delay <= age_ms). */
double shop_outcome_delay_cdf(const struct shop_world *world, enum shop_arm arm, double age_ms);

static inline bool shop_arm_is_coupon(enum shop_arm arm) {
    return arm >= SHOP_SHIP;
}
/* Share of the price that the arm gives away. */
double shop_arm_discount(enum shop_arm arm);

#endif
