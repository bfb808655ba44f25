#include "consumer/rooms/policy.h"

#include <math.h>

#include "base/hash.h"
#include "base/rng.h"
#include "consumer/rooms/features.h"
#include "model/sigma.h"

#define DRAWS 100

double policy_price(const struct decision *decision) {
    if (decision->cart_value > 0) {
        return decision->cart_value;
    }
    return decision->item_count > 0 && decision->items[0].price > 0 ? decision->items[0].price
                                                                    : (double)NAN;
}

uint64_t policy_eligible(const struct decide_config *config, const struct decision *decision) {
    double price = policy_price(decision);
    uint64_t eligible = 0;
    for (size_t i = 0; i < config->offers.count; i++) {
        const struct offer *offer = offers_get(config, (int)i);
        /* A price that nobody knows cannot be compared with an amount; percentages have a check of
         * their own. */
        bool leaves_margin = isnan(price) ? offer->kind != OFFER_AMOUNT_OFF && offer->cost <= 0
                                          : offers_given(offer, price) <
                                                price * offers_margin(config, decision->margin);
        if (leaves_margin && offers_is_eligible(config, offer, decision)) {
            eligible |= UINT64_C(1) << i;
        }
    }
    return eligible;
}

double policy_value(const struct decide_config *config, const struct decision *decision,
                    double price, int offer, double logit) {
    double goods = price * offers_margin(config, decision->margin);
    if (offer < 0) {
        return sigma(logit) * goods;
    }
    double given = offers_given(offers_get(config, offer), price);
    double tired = config->fatigue_cost * decision->numbers[FEATURE_PUSH_PRESSURE];
    return sigma(logit) * (goods - given) - config->contact_cost - tired;
}

enum policy policy_of(const struct decision *decision) {
    if (decision->learner_count == 0 || !decision->has_score) {
        return POLICY_NOT_FINITE;
    }
    if (decision->is_alarmed) {
        return POLICY_MISCALIBRATED;
    }
    bool has_mature = (decision->eligible & decision->mature) != 0;
    return has_mature && !isnan(policy_price(decision)) ? POLICY_VALUE : POLICY_RULE;
}

static void list_actions(const struct decide_config *config, struct decision *decision) {
    uint64_t arms = decision->eligible & decision->mature;
    offers_only_none(decision);
    for (size_t i = 0; i < config->offers.count; i++) {
        if (arms >> i & 1) {
            offers_add_action(config, decision, (int)i, 0);
        }
    }
}

/* Lower Cholesky factor of the actions' covariance, scaled; rounding may have made it flat: what is
 * not positive counts as certain. */
static void factorise(const struct decide_config *config, const struct decision *decision,
                      double out[ROW_ACTIONS_MAX][ROW_ACTIONS_MAX]) {
    double scale = config->uncertainty * config->uncertainty;
    for (size_t i = 0; i < decision->action_count; i++) {
        size_t row = (size_t)(decision->action_offers[i] + 1) * decision->arm_count;
        for (size_t j = 0; j <= i; j++) {
            size_t column = (size_t)(decision->action_offers[j] + 1);
            double sum = scale * decision->champion.covariance[row + column];
            for (size_t k = 0; k < j; k++) {
                sum -= out[i][k] * out[j][k];
            }
            if (i == j) {
                out[i][i] = sum > 0 ? sqrt(sum) : 0;
            } else {
                out[i][j] = out[j][j] > 1e-12 ? sum / out[j][j] : 0;
            }
        }
    }
}

/* The best action of one draw from the posterior. */
static size_t best_of_draw(const struct decide_config *config, const struct decision *decision,
                           double price, double factor[ROW_ACTIONS_MAX][ROW_ACTIONS_MAX],
                           struct rng *rng) {
    double normals[ROW_ACTIONS_MAX], none = 0, best_value = -INFINITY;
    size_t best = 0;
    for (size_t i = 0; i < decision->action_count; i++) {
        int offer = decision->action_offers[i];
        double logit = decision->champion.arms[offer + 1].mean;
        normals[i] = rng_normal(rng);
        for (size_t k = 0; k <= i; k++) {
            logit += factor[i][k] * normals[k];
        }
        double value = policy_value(config, decision, price, offer, logit);
        if (i == 0) {
            none = value;
        } else if (value - none > config->min_gain && value > best_value) {
            best = i;
            best_value = value;
        }
    }
    return best;
}

void policy_fill(const struct decide_config *config, struct decision *decision) {
    double price = policy_price(decision);
    list_actions(config, decision);
    size_t wins[ROW_ACTIONS_MAX] = {0};
    double factor[ROW_ACTIONS_MAX][ROW_ACTIONS_MAX];
    factorise(config, decision, factor);
    uint64_t seed = hash_combine(decision->id.high ^ decision->attempt, decision->id.low);
    struct rng rng = rng_make(seed, hash64(bytes_of_text(config->explore_salt), 0));
    for (int i = 0; i < DRAWS; i++) {
        wins[best_of_draw(config, decision, price, factor, &rng)]++;
    }
    double floored = config->epsilon * (double)decision->action_count;
    for (size_t i = 0; i < decision->action_count; i++) {
        int offer = decision->action_offers[i];
        decision->actions[i].p = config->epsilon + (1 - floored) * (double)wins[i] / DRAWS;
        decision->actions[i].value =
            policy_value(config, decision, price, offer, decision->champion.arms[offer + 1].mean);
    }
}
