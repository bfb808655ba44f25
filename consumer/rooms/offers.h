/* offers: what may be promised, and the marketer's written rules that say to whom. Configuration,
 * and the one question that rules answer: which offer for this decision. Reads only what the
 * decision froze. */
#ifndef PROMOSTREAM_ROOMS_OFFERS_H
#define PROMOSTREAM_ROOMS_OFFERS_H

#include "base/config.h"
#include "consumer/rooms/decision.h"

#define OFFERS_MAX         32
#define OFFER_ID_BYTES_MAX 23

_Static_assert(OFFERS_MAX + 1 <= ROW_ACTIONS_MAX,
               "every offer and none fit into a decision's actions");

enum offer_kind { OFFER_PERCENT_OFF, OFFER_AMOUNT_OFF, OFFER_FREE_SHIPPING, OFFER_REMINDER };
/* "percent_off", "amount_off", "free_shipping", "reminder", NULL */
extern const char *const offer_kind_names[];

struct offer {
    const char *id;   /* at most 23 bytes, unique */
    int kind;         /* enum offer_kind */
    double value;     /* percent or amount; 0 otherwise */
    double cost;      /* fixed cost of a redemption, currency */
    double free_from; /* cart value from which free_shipping gives nothing away; 0 = never */
    double minimum_basket;
    /* Log-odds by which it moves buying, before any data; sd 0 = both as its kind is expected to.
     */
    double prior_effect, prior_effect_sd;
    int64_t start_ms, end_ms; /* event time, [start, end); INT64_MIN = open */
    const char *channel;
    const char *coupon_code;  /* "" = none */
    int64_t valid_ms;         /* life of the push: expires = decided + valid */
    const char *title, *body; /* templates: template.h lists the {fields} */
};

enum rule_users { RULE_USERS_ALL, RULE_USERS_NEW, RULE_USERS_RETURNING };
extern const char *const rule_users_names[]; /* "all", "new", "returning", NULL */

struct rule {    /* the marketer's written rule: the first that matches decides */
    int trigger; /* enum trigger */
    const char *offer;
    double basket_min, basket_max; /* cart value in [min, max), currency; basket_max 0 = open */
    int users;                     /* enum rule_users; new = no order yet */
};

struct decide_config;

/* Margin as a share of price: what the cart froze, or the default where nobody knew it (NaN). */
double offers_margin(const struct decide_config *config, double margin);
/* What a redemption costs beside a discount: cost, or nothing from free_from on. */
double offers_fixed_cost(const struct offer *offer, double cart_value);
/* Everything that a redemption gives away of a cart of this value: discount and fixed cost. */
double offers_given(const struct offer *offer, double cart_value);
/* Index of the offer with this id, -1 if there is none. */
int offers_find(const struct decide_config *config, struct bytes id);
const struct offer *offers_get(const struct decide_config *config, int index);

/* decision->actions: begins the list with none, sure and without value; adds an offer to it. */
void offers_only_none(struct decision *decision);
void offers_add_action(const struct decide_config *config, struct decision *decision, int offer,
                       double p);

/* What the written rules say: the first rule whose trigger, basket and users match decides. -1
 * (gate no_offer) if none matches, or if that rule's offer may not be given now
 * (offers_is_eligible); later rules are then not asked. A cart of unknown value is in the lowest
 * basket: it matches rules with basket_min 0. */
int offers_by_rule(const struct decide_config *config, const struct decision *decision);

/* May this offer be given: decided_ms in [start, end), cart value at least minimum_basket (an
 * unknown value only where that is 0), and, for percent_off, value/100 below the margin of the
 * cart: a discount of the whole margin never pays. */
bool offers_is_eligible(const struct decide_config *config, const struct offer *offer,
                        const struct decision *decision);

/* Fingerprint of offers and rules in force (and of margin_default, which limits them), logged with
 * every decision. */
uint64_t decide_rule_fingerprint(const struct decide_config *config);

#endif
