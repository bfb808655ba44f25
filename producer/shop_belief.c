#include "producer/shop_belief.h"

#include <math.h>

void shop_belief_multiply(const double likelihood[SHOP_CLASSES], struct shop_belief *belief) {
    double product[SHOP_CLASSES], sum = 0;
    for (int z = 0; z < SHOP_CLASSES; z++) {
        product[z] = (double)belief->weights[z] * likelihood[z];
        sum += product[z];
    }
    for (int z = 0; z < SHOP_CLASSES && sum > 0; z++) {
        belief->weights[z] = (float)(product[z] / sum);
    }
}

/* A likelihood that depends on the type alone. */
static void multiply_types(const double likelihood[SHOP_TYPES], struct shop_belief *belief) {
    double of_class[SHOP_CLASSES];
    for (int z = 0; z < SHOP_CLASSES; z++) {
        of_class[z] = likelihood[z / SHOP_SENSITIVITIES];
    }
    shop_belief_multiply(of_class, belief);
}

void shop_belief_begin(const struct shop_world *world, const struct shop_user *user,
                       int64_t start_ms, struct shop_belief *out) {
    double likelihood[SHOP_CLASSES];
    out->is_begun = true;
    out->since_ms = start_ms;
    for (int z = 0; z < SHOP_CLASSES; z++) {
        int type = z / SHOP_SENSITIVITIES, sensitivity = z % SHOP_SENSITIVITIES;
        out->weights[z] = 1;
        likelihood[z] = world->types[type].share * world->sensitivities[sensitivity].share;
        for (int i = 0; i < SHOP_COVARIATES; i++) {
            likelihood[z] *= shop_user_level_p(world, type, sensitivity, i, user->level[i]);
        }
    }
    shop_belief_multiply(likelihood, out);
}

/* The highest of the four is scaled to 1: exp() of years would leave nothing. */
void shop_belief_arrival(const struct shop_world *world, double exposure,
                         struct shop_belief *belief) {
    double slowest = INFINITY, likelihood[SHOP_TYPES];
    for (int type = 0; type < SHOP_TYPES; type++) {
        slowest = fmin(slowest, world->types[type].sessions_per_day);
    }
    for (int type = 0; type < SHOP_TYPES; type++) {
        double rate = world->types[type].sessions_per_day;
        likelihood[type] = rate * exp(-(rate - slowest) * exposure);
    }
    multiply_types(likelihood, belief);
}

void shop_belief_funnel(const struct shop_world *world, const struct shop_funnel *seen,
                        struct shop_belief *belief) {
    double likelihood[SHOP_TYPES];
    for (int i = 0; i < SHOP_TYPES; i++) {
        const struct shop_type_world *type = &world->types[i];
        double pay = type->pay * seen->pay_factor;
        likelihood[i] = seen->has_cart ? type->cart : 1 - type->cart;
        if (seen->has_cart) {
            likelihood[i] *= seen->has_checkout ? type->checkout : 1 - type->checkout;
        }
        if (seen->has_checkout) {
            likelihood[i] *= seen->is_paid ? pay : 1 - pay;
        }
    }
    multiply_types(likelihood, belief);
}

#define AROUND_MS 30000.0 /* an order at an instant is one within so much of it */

/* How much the sight weighs an order that comes by the delay's law from `from_ms` on. */
static double route(const struct shop_world *world, enum shop_arm arm, double from_ms,
                    enum shop_sight sight, double age_ms) {
    double age = age_ms - from_ms;
    if (sight == SIGHT_KEPT) {
        return 1 - shop_outcome_delay_cdf(world, arm, age);
    }
    return shop_outcome_delay_cdf(world, arm, age + AROUND_MS) -
           shop_outcome_delay_cdf(world, arm, age - AROUND_MS);
}

static double outcome_likelihood(const struct shop_world *world, const struct shop_history *history,
                                 enum shop_sight sight, double age_ms, int z) {
    int type = z / SHOP_SENSITIVITIES, sensitivity = z % SHOP_SENSITIVITIES;
    double p = shop_outcome_p(world, type, sensitivity, history->arm, &history->state);
    bool has_routes = sight != SIGHT_NEVER && history->late_count > 0;
    /* With one route the delay says nothing of z. */
    double sum = has_routes ? p * route(world, history->arm, 0, sight, age_ms) : p;
    for (size_t i = 0; i < history->late_count; i++) {
        const struct shop_late_push *late = &history->late[i];
        double pushed = shop_outcome_p(world, type, sensitivity, late->arm, &history->state);
        double more = pushed > p ? pushed - p : 0;
        sum += has_routes ? more * route(world, late->arm, late->age_ms, sight, age_ms) : more;
        p += more;
    }
    return sight == SIGHT_NEVER ? 1 - sum * history->in_stock : sum;
}

void shop_belief_outcome(const struct shop_world *world, const struct shop_history *history,
                         enum shop_sight sight, double age_ms, struct shop_belief *belief) {
    double likelihood[SHOP_CLASSES];
    for (int z = 0; z < SHOP_CLASSES; z++) {
        likelihood[z] = outcome_likelihood(world, history, sight, age_ms, z);
    }
    shop_belief_multiply(likelihood, belief);
}

static double dismisses(const struct shop_world *world, int type) {
    return type == TYPE_DISTURB ? world->feedback.dismissed_disturb : world->feedback.dismissed;
}

void shop_belief_dismissed(const struct shop_world *world, struct shop_belief *belief) {
    double likelihood[SHOP_TYPES];
    for (int type = 0; type < SHOP_TYPES; type++) {
        likelihood[type] = dismisses(world, type);
    }
    multiply_types(likelihood, belief);
}

void shop_belief_silence(const struct shop_world *world, double reacted_by,
                         struct shop_belief *belief) {
    double likelihood[SHOP_TYPES];
    for (int type = 0; type < SHOP_TYPES; type++) {
        likelihood[type] = 1 - (world->feedback.opened + dismisses(world, type)) * reacted_by;
    }
    multiply_types(likelihood, belief);
}
