#include "producer/shop_outcome.h"

#include <assert.h>
#include <math.h>

#define MINUTE_MS 60000.0

static double effect(const struct shop_world *world, int type, int sensitivity, enum shop_arm arm,
                     const struct shop_state *state) {
    double delta = world->types[type].delta[arm];
    if (shop_arm_is_coupon(arm)) {
        if (type == TYPE_PERSUADABLE && state->is_second_half) {
            delta *= world->drift.jump_coupon;
        }
        if (state->is_sale) {
            delta *= world->drift.sale_coupon;
        }
        if (delta > 0) {
            delta *= world->sensitivities[sensitivity].gain;
        }
    }
    if (delta > 0) {
        delta *= pow(world->outcome.coupon_wear, state->coupons_30d);
    }
    if (arm == SHOP_10 && state->cart_value > world->outcome.interaction_cart) {
        delta += world->outcome.interaction;
    }
    return delta;
}

double shop_outcome_p(const struct shop_world *world, int type, int sensitivity, enum shop_arm arm,
                      const struct shop_state *state) {
    assert(state->cart_value > 0);
    double base = world->types[type].base_7d;
    double logit = log(base / (1 - base));
    logit += world->sensitivities[sensitivity].price_slope *
             (log(state->cart_value) - world->catalogue.cart_mu);
    logit += effect(world, type, sensitivity, arm, state);
    logit += state->drift - world->outcome.fatigue * state->fatigue;
    return 1 / (1 + exp(-logit));
}

double shop_arm_discount(enum shop_arm arm) {
    return arm == SHOP_10 ? 0.10 : arm == SHOP_20 ? 0.20 : 0;
}

double shop_outcome_value(const struct shop_world *world, enum shop_arm arm, double p,
                          double cart_value) {
    const struct shop_value_world *value = &world->value;
    double order = cart_value * (value->margin - shop_arm_discount(arm));
    if (arm == SHOP_SHIP && cart_value < value->free_shipping_from) {
        order -= value->ship_cost;
    }
    double contact = arm == SHOP_NONE ? 0 : value->contact;
    double returns = value->returns + (arm == SHOP_20 ? value->returns_20 : 0);
    return (p * order - contact) * (1 - returns);
}

static double slow_median_ms(const struct shop_world *world, enum shop_arm arm) {
    double median = world->outcome.slow_median_h * 60 * MINUTE_MS;
    return shop_arm_is_coupon(arm) ? median * world->outcome.accelerate : median;
}

double shop_outcome_delay_ms(const struct shop_world *world, struct rng rng, enum shop_arm arm) {
    const struct shop_outcome_world *outcome = &world->outcome;
    bool is_quick = rng_unit(&rng) < outcome->quick_share;
    double median = is_quick ? outcome->quick_median_min * MINUTE_MS : slow_median_ms(world, arm);
    double s = is_quick ? outcome->quick_s : outcome->slow_s;
    double delay;
    do { /* cut at 7 d: drawn again, so that there is no heap of orders at the end of the window */
        delay = rng_lognormal(&rng, median, s);
    } while (delay >= (double)SHOP_WINDOW_MS);
    return delay;
}

static double lognormal_cdf(double x, double median, double s) {
    if (x <= 0) {
        return 0;
    }
    if (s <= 0) {
        return x >= median;
    }
    return 0.5 * erfc(-log(x / median) / (s * 1.4142135623730951));
}

static double cut_cdf(double x, double median, double s) {
    return lognormal_cdf(x, median, s) / lognormal_cdf((double)SHOP_WINDOW_MS, median, s);
}

double shop_outcome_delay_cdf(const struct shop_world *world, enum shop_arm arm, double age_ms) {
    const struct shop_outcome_world *outcome = &world->outcome;
    if (age_ms >= (double)SHOP_WINDOW_MS) {
        return 1;
    }
    double quick = cut_cdf(age_ms, outcome->quick_median_min * MINUTE_MS, outcome->quick_s);
    double slow = cut_cdf(age_ms, slow_median_ms(world, arm), outcome->slow_s);
    return outcome->quick_share * quick + (1 - outcome->quick_share) * slow;
}
