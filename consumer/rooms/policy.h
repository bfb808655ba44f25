/* policy: mode live. From the champion's scores to the probability of every action: expected profit
 * with its uncertainty (METHODS 2.2, 2.3), offers that are still apprentices tried at random.
 * Reads only what the decision froze and the configuration; every draw is a hash of the decision.
 *
 * Value of arm a, in the shop's currency, for a cart of this price and margin share m:
 *
 *     V(a) = p(buy | x, a) (price m - given(a)) - contact - fatigue pressure,    V(none) = p(none)
 * price m
 *
 * The share of 100 posterior draws in which an action is the best one, floored by epsilon, is its
 * probability; the choice is drawn from those, so what is logged is exact (METHODS 0, rule 7). The
 * draws' spread is `uncertainty` times the posterior's (v of linear Thompson sampling,
 * METHODS 2.4). A budget (lambda of METHODS 2.2) is not part of it yet. */
#ifndef PROMOSTREAM_ROOMS_POLICY_H
#define PROMOSTREAM_ROOMS_POLICY_H

#include "consumer/rooms/decide.h"

/* Offers that may be sent to this decision: in force, the basket is large enough, and what they
 * give away stays below the margin. Bit per offer. */
uint64_t policy_eligible(const struct decide_config *config, const struct decision *decision);

/* What the goods are worth that would be ordered: the cart, else the newest item viewed; NaN if
 * nobody knows. */
double policy_price(const struct decision *decision);

/* Expected value of an arm (offer -1 = none) at this logit of buying; price as policy_price. */
double policy_value(const struct decide_config *config, const struct decision *decision,
                    double price, int offer, double logit);

/* Can expected profit decide? POLICY_VALUE if so; else who must: POLICY_RULE (no price, no offer
 * that has matured), POLICY_NOT_FINITE, POLICY_MISCALIBRATED. */
enum policy policy_of(const struct decision *decision);

/* Writes into actions p (and value) for none and every eligible offer that has matured; p sums
 * to 1. Call only if policy_of says POLICY_VALUE. */
void policy_fill(const struct decide_config *config, struct decision *decision);

#endif
