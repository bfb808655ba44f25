#include "consumer/rooms/offers.h"

#include <assert.h>
#include <math.h>

#include "base/hash.h"
#include "consumer/rooms/decide.h"

const char *const offer_kind_names[] = {"percent_off", "amount_off", "free_shipping", "reminder",
                                        NULL};
const char *const rule_users_names[] = {"all", "new", "returning", NULL};

const struct offer *offers_get(const struct decide_config *config, int index) {
    assert(index >= 0 && (size_t)index < config->offers.count);
    return &((const struct offer *)config->offers.items)[index];
}

int offers_find(const struct decide_config *config, struct bytes id) {
    for (size_t i = 0; i < config->offers.count; i++) {
        if (bytes_equal(id, bytes_of_text(offers_get(config, (int)i)->id))) {
            return (int)i;
        }
    }
    return -1;
}

/* NaN, an unknown value, reaches only a minimum of 0. */
static bool reaches(double value, double minimum) {
    return minimum <= 0 || value >= minimum;
}

static bool rule_matches(const struct rule *rule, const struct decision *decision) {
    bool is_below_max = rule->basket_max <= 0 || !(decision->cart_value >= rule->basket_max);
    bool is_for_user =
        rule->users == RULE_USERS_ALL || decision->is_new_user == (rule->users == RULE_USERS_NEW);
    return rule->trigger == (int)decision->trigger && is_for_user && is_below_max &&
           reaches(decision->cart_value, rule->basket_min);
}

double offers_margin(const struct decide_config *config, double margin) {
    return isnan(margin) ? config->margin_default : margin;
}

bool offers_is_eligible(const struct decide_config *config, const struct offer *offer,
                        const struct decision *decision) {
    bool has_begun = offer->start_ms == INT64_MIN || decision->decided_ms >= offer->start_ms;
    bool has_ended = offer->end_ms != INT64_MIN && decision->decided_ms >= offer->end_ms;
    double margin = offers_margin(config, decision->margin);
    bool eats_margin = offer->kind == OFFER_PERCENT_OFF && offer->value / 100 >= margin;
    return has_begun && !has_ended && !eats_margin &&
           reaches(decision->cart_value, offer->minimum_basket);
}

double offers_fixed_cost(const struct offer *offer, double cart_value) {
    return offer->free_from > 0 && cart_value >= offer->free_from ? 0 : offer->cost;
}

double offers_given(const struct offer *offer, double cart_value) {
    double discount = offer->kind == OFFER_PERCENT_OFF  ? cart_value * offer->value / 100
                      : offer->kind == OFFER_AMOUNT_OFF ? offer->value
                                                        : 0;
    return discount + offers_fixed_cost(offer, cart_value);
}

int offers_by_rule(const struct decide_config *config, const struct decision *decision) {
    const struct rule *rules = config->rules.items;
    for (size_t i = 0; i < config->rules.count; i++) {
        if (rule_matches(&rules[i], decision)) {
            int offer = offers_find(config, bytes_of_text(rules[i].offer));
            assert(offer >= 0); /* decide_config_check has seen to it */
            return offers_is_eligible(config, offers_get(config, offer), decision) ? offer : -1;
        }
    }
    return -1;
}

/* ---- actions ---- */

void offers_only_none(struct decision *decision) {
    decision->action_count = 1;
    decision->actions[0] =
        (struct action_probability){.action = bytes_of_text("none"), .p = 1, .value = (double)NAN};
    decision->action_offers[0] = -1;
}

void offers_add_action(const struct decide_config *config, struct decision *decision, int offer,
                       double p) {
    size_t at = decision->action_count++;
    decision->actions[at] = (struct action_probability){
        .action = bytes_of_text(offers_get(config, offer)->id), .p = p, .value = (double)NAN};
    decision->action_offers[at] = offer;
}

/* ---- fingerprint ---- */

static uint64_t chain_text(uint64_t hash, const char *text) {
    return hash_combine(hash, hash64(bytes_of_text(text), 0));
}

static uint64_t chain_number(uint64_t hash, double number) {
    return hash_combine(hash, hash64(bytes_of(&number, sizeof number), 0));
}

static uint64_t chain_integer(uint64_t hash, int64_t number) {
    return hash_combine(hash, (uint64_t)number);
}

static uint64_t chain_offer(uint64_t hash, const struct offer *offer) {
    hash = chain_text(hash, offer->id);
    hash = chain_integer(hash, offer->kind);
    hash = chain_number(hash, offer->value);
    hash = chain_number(hash, offer->cost);
    hash = chain_number(hash, offer->free_from);
    hash = chain_number(hash, offer->minimum_basket);
    hash = chain_integer(hash, offer->start_ms);
    hash = chain_integer(hash, offer->end_ms);
    hash = chain_text(hash, offer->channel);
    hash = chain_text(hash, offer->coupon_code);
    hash = chain_integer(hash, offer->valid_ms);
    hash = chain_text(hash, offer->title);
    return chain_text(hash, offer->body);
}

static uint64_t chain_rule(uint64_t hash, const struct rule *rule) {
    hash = chain_integer(hash, rule->trigger);
    hash = chain_text(hash, rule->offer);
    hash = chain_number(hash, rule->basket_min);
    hash = chain_number(hash, rule->basket_max);
    return chain_integer(hash, rule->users);
}

uint64_t decide_rule_fingerprint(const struct decide_config *config) {
    uint64_t hash = chain_number(0, config->margin_default);
    hash = chain_integer(hash, (int64_t)config->offers.count);
    for (size_t i = 0; i < config->offers.count; i++) {
        hash = chain_offer(hash, offers_get(config, (int)i));
    }
    const struct rule *rules = config->rules.items;
    for (size_t i = 0; i < config->rules.count; i++) {
        hash = chain_rule(hash, &rules[i]);
    }
    return hash;
}
