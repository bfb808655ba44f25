/* shop_world: every parameter of a simulated shop (SIMULATOR.md), as a table that a YAML file can
 * change. A built-in world is such a file of a few lines over the defaults, which are the world
 * `base`. */
#ifndef PROMOSTREAM_PRODUCER_SHOP_WORLD_H
#define PROMOSTREAM_PRODUCER_SHOP_WORLD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/config.h"
#include "producer/shop.h"

enum shop_type { TYPE_SURE, TYPE_PERSUADABLE, TYPE_LOST, TYPE_DISTURB, SHOP_TYPES };
enum shop_sensitivity { SENSITIVITY_LOW, SENSITIVITY_MID, SENSITIVITY_HIGH, SHOP_SENSITIVITIES };
/* What a shop may know of its customer: three levels each, P(level | type). */
enum shop_covariate {
    COVARIATE_RFM,
    COVARIATE_COUPON,
    COVARIATE_DEVICE,
    COVARIATE_DISMISS,
    SHOP_COVARIATES
};
#define SHOP_LEVELS 3
_Static_assert(SHOP_CLASSES == SHOP_TYPES * SHOP_SENSITIVITIES, "z = type * 3 + sensitivity");

extern const char *const shop_type_names[SHOP_TYPES + 1];
extern const char *const shop_sensitivity_names[SHOP_SENSITIVITIES + 1];

struct shop_type_world {
    double share;
    double sessions_per_day;
    double cart;     /* P(cart episode | session) */
    double checkout; /* P(checkout | cart) */
    double pay;      /* P(order | checkout) in the session */
    double base_7d;  /* P(buy within 7 d | abandoned, nothing sent, cart at exp(cart_mu)) */
    double delta[SHOP_ARM_COUNT]; /* logit; delta[SHOP_NONE] = 0 */
    double covariate[SHOP_COVARIATES]
                    [SHOP_LEVELS]; /* P(level | type); the last one is the rest to 1 */
};

struct shop_sensitivity_world {
    double share;
    double price_slope;              /* logit per ln of cart value */
    double gain;                     /* on positive deltas of ship, 10 %, 20 % */
    double coupon_tilt[SHOP_LEVELS]; /* factor on P(coupon level), renormalised */
};

struct shop_outcome_world {
    double decide_after_min; /* after its last change a cart left is a decision */
    double fatigue;          /* logit per decayed push */
    double coupon_wear;      /* factor on positive deltas per coupon of the last 30 d */
    double interaction;      /* X: logit for 10 % on carts above interaction_cart */
    double interaction_cart; /* EUR */
    double pull_forward;     /* share of coupon buyers who skip their next cart */
    double wait_training;    /* share that in-session pay loses after 2 coupons in 30 d */
    double quick_share;      /* of orders after the decision */
    double quick_median_min, quick_s, slow_median_h, slow_s;
    double accelerate; /* factor on the slow median if any discount was sent (1 = none) */
};

struct shop_value_world {
    double margin;
    double ship_cost, free_shipping_from; /* EUR */
    double contact;                       /* EUR per push */
    double returns, returns_20;           /* share; added for 20 % */
};

struct shop_sessions_world {
    double views;    /* views = 1 + Geom(views) */
    double lines;    /* cart lines = 1 + Geom(lines) */
    double removed;  /* P(a further line is added and removed | cart) */
    double searched; /* P(the session starts with a search) */
    double sunday, friday, payday;
    double weather; /* exp(weather * w), w AR(1) of weather_ar with variance 1 */
    double weather_ar;
    double dwell_median_s, dwell_s;
};

struct shop_catalogue_world {
    int64_t items, categories, brands, new_per_day;
    double zipf, taste;     /* exponent; Dirichlet parameter */
    double cart_mu, cart_s; /* ln EUR */
    double price_changes;   /* share of items a day */
    double out_of_stock;    /* share of items at any time; 0 = stock never ends */
};

struct shop_drift_world {
    double wave;        /* logit amplitude over 30 d */
    double slow;        /* logit per 30 d */
    double jump;        /* logit from half-time on */
    double jump_coupon; /* factor on the persuadables' coupon deltas from half-time on */
    double sale_days;   /* per 30 d, 0 or 1 */
    double sale_sessions, sale_base, sale_coupon;
};

struct shop_nuisance_world {
    bool enabled;
    double duplicate, late, late_days, reordered, lost;
    double clock_s,
        clock_hour; /* standard deviation of a device's clock; share of devices an hour off */
    double no_brand, no_price, absurd_price, future;
    double bots, bot_active; /* share of ids; share of days on which a bot is up */
    double second_device, guest, login;
    double refund, cancel, async_payment;
};

struct shop_feedback_world {
    double delivered, opened, dismissed, dismissed_disturb;
};

struct shop_consent_world {
    double granted, denied;
};

struct shop_world {
    struct shop_type_world types[SHOP_TYPES];
    struct shop_sensitivity_world sensitivities[SHOP_SENSITIVITIES];
    struct shop_outcome_world outcome;
    struct shop_value_world value;
    struct shop_sessions_world sessions;
    struct shop_catalogue_world catalogue;
    struct shop_drift_world drift;
    struct shop_nuisance_world nuisance;
    struct shop_feedback_world feedback;
    struct shop_consent_world consent;
};

/* A cart left this long is a decision. */
static inline int64_t shop_world_idle_ms(const struct shop_world *world) {
    return (int64_t)(world->outcome.decide_after_min * 60000);
}

/* The rooms of a world file that fill *world (shop_world_keys.c). out must hold SHOP_WORLD_ROOMS.
 */
#define SHOP_WORLD_ROOMS 10
void shop_world_rooms(struct shop_world *world, struct config_room out[SHOP_WORLD_ROOMS]);

/* name: built-in, or path of a file (with a / or ending in .yaml, .yml). STOP for an unknown name,
 * a bad file, shares that exceed 1; each error one line on errors. */
MUST_CHECK struct failure shop_world_load(const char *name, FILE *errors, struct shop_world *out);

#endif
