/* decide_config: section `decide` of pipeline.yaml, as a table, and the checks that a table cannot
 * make. */
#include <math.h>

#include "consumer/rooms/decide.h"
#include "consumer/rooms/template.h"

#define AT(struct_name, member) .offset = offsetof(struct struct_name, member)
#define COUNT(array)            (sizeof(array) / sizeof(array)[0])
#define MINUTE_MS               60000
#define HOUR_MS                 3600000
#define DAY_MS                  86400000.0

static const struct config_key offer_keys[] = {
    {.name = "id",
     .type = CONFIG_TEXT,
     AT(offer, id),
     .help =
         "name of the offer in rules, logs and pushes: letters, digits, '_', '-', '.', at most 23"},
    {.name = "kind",
     .type = CONFIG_CHOICE,
     AT(offer, kind),
     .choices = offer_kind_names,
     .help = "percent_off, amount_off, free_shipping or reminder (nothing given)"},
    {.name = "value",
     .type = CONFIG_NUMBER,
     AT(offer, value),
     .default_text = "0",
     .max = 1e9,
     .help =
         "percent for percent_off, amount in the shop's currency for amount_off, 0 for the others"},
    {.name = "cost",
     .type = CONFIG_NUMBER,
     AT(offer, cost),
     .default_text = "0",
     .max = 1e9,
     .help = "fixed cost of one redemption, in the shop's currency"},
    {.name = "free_from",
     .type = CONFIG_NUMBER,
     AT(offer, free_from),
     .default_text = "0",
     .max = 1e9,
     .help = "cart value from which a redemption costs nothing, in the shop's currency (shipping "
             "that is free anyway); 0 = never"},
    {.name = "minimum_basket",
     .type = CONFIG_NUMBER,
     AT(offer, minimum_basket),
     .default_text = "0",
     .max = 1e9,
     .help = "smallest cart value that gets it, in the shop's currency; above 0 excludes carts of "
             "unknown value"},
    {.name = "prior_effect",
     .type = CONFIG_NUMBER,
     AT(offer, prior_effect),
     .default_text = "0",
     .min = -5,
     .max = 5,
     .help = "effect on buying that learners expect before any data, log-odds; taken only with "
             "prior_effect_sd above 0"},
    {.name = "prior_effect_sd",
     .type = CONFIG_NUMBER,
     AT(offer, prior_effect_sd),
     .default_text = "0",
     .max = 5,
     .help = "how unsure that is, log-odds; 0 = both by kind: reminder 0.10 +- 0.2, free_shipping "
             "0.25 +- 0.3, percent_off and amount_off 0.35 +- 0.35"},
    {.name = "start",
     .type = CONFIG_INSTANT_MS,
     AT(offer, start_ms),
     .default_text = "",
     .help = "first instant (UTC, event time) at which it is given; empty = always was"},
    {.name = "end",
     .type = CONFIG_INSTANT_MS,
     AT(offer, end_ms),
     .default_text = "",
     .help = "instant (UTC, event time) from which it is given no more; empty = open"},
    {.name = "channel",
     .type = CONFIG_TEXT,
     AT(offer, channel),
     .default_text = "push",
     .help = "channel to send by, where the user's profile names none"},
    {.name = "coupon_code",
     .type = CONFIG_TEXT,
     AT(offer, coupon_code),
     .default_text = "",
     .help = "code that the user enters; empty = none needed"},
    {.name = "valid",
     .type = CONFIG_DURATION_MS,
     AT(offer, valid_ms),
     .default_text = "24h",
     .min = MINUTE_MS,
     .max = 90 * DAY_MS,
     .help = "life of the push: it must not be sent later than this after the decision"},
    {.name = "title",
     .type = CONFIG_TEXT,
     AT(offer, title),
     .default_text = "You left something behind",
     .help = "title template: {user_id} {item} {items} {item_count} {cart_value} {currency} "
             "{offer_value}"},
    {.name = "body",
     .type = CONFIG_TEXT,
     AT(offer, body),
     .default_text = "{item} is waiting for you.",
     .help = "text template, fields as in title"},
};
static const struct config_table offer_table = {offer_keys, COUNT(offer_keys),
                                                sizeof(struct offer)};

static const struct config_key rule_keys[] = {
    {.name = "trigger",
     .type = CONFIG_CHOICE,
     AT(rule, trigger),
     .choices = trigger_names,
     .help = "trigger that the rule answers"},
    {.name = "offer",
     .type = CONFIG_TEXT,
     AT(rule, offer),
     .help = "id of the offer that it gives"},
    {.name = "basket_min",
     .type = CONFIG_NUMBER,
     AT(rule, basket_min),
     .default_text = "0",
     .max = 1e9,
     .help = "smallest cart value, in the shop's currency; 0 also takes carts of unknown value"},
    {.name = "basket_max",
     .type = CONFIG_NUMBER,
     AT(rule, basket_max),
     .default_text = "0",
     .max = 1e9,
     .help = "cart value from which the rule does not hold any more, in the shop's currency; 0 = "
             "no limit"},
    {.name = "users",
     .type = CONFIG_CHOICE,
     AT(rule, users),
     .default_text = "all",
     .choices = rule_users_names,
     .help = "all, new (no order yet) or returning"},
};
static const struct config_table rule_table = {rule_keys, COUNT(rule_keys), sizeof(struct rule)};

static const struct config_key decide_keys[] = {
    {.name = "mode",
     .type = CONFIG_CHOICE,
     AT(decide_config, mode),
     .default_text = "apprentice",
     .choices = mode_names,
     .help = "observe: decides and logs, never sends; apprentice: sends by the written rules; "
             "live: sends what promises most profit"},
    {.name = "control_share",
     .type = CONFIG_NUMBER,
     AT(decide_config, control_share),
     .default_text = "0.10",
     .max = 1,
     .help =
         "share of users (0 to 1) who never get a push: the yardstick of everything; persistent"},
    {.name = "none_share",
     .type = CONFIG_NUMBER,
     AT(decide_config, none_share),
     .default_text = "0.10",
     .max = 1,
     .help =
         "share of episodes (0 to 1) in which an offer is held at random, to measure what it does"},
    {.name = "trial_share",
     .type = CONFIG_NUMBER,
     AT(decide_config, trial_share),
     .default_text = "0.20",
     .max = 1,
     .help = "mode live: share of episodes (0 to 1) that try offers which are still apprentices"},
    {.name = "epsilon",
     .type = CONFIG_NUMBER,
     AT(decide_config, epsilon),
     .default_text = "0.005",
     .max = 0.02,
     .help =
         "mode live: smallest probability (0 to 0.02) of each eligible action, nothing included"},
    {.name = "uncertainty",
     .type = CONFIG_NUMBER,
     AT(decide_config, uncertainty),
     .default_text = "0.1",
     .max = 3,
     .help = "mode live: how far draws spread around what was learned: 1 = Thompson sampling, less "
             "explores less, 0 = the mean"},
    {.name = "min_gain",
     .type = CONFIG_NUMBER,
     AT(decide_config, min_gain),
     .default_text = "0",
     .max = 1e9,
     .help = "mode live: an offer must promise this much more profit than nothing, in the shop's "
             "currency"},
    {.name = "contact_cost",
     .type = CONFIG_NUMBER,
     AT(decide_config, contact_cost),
     .default_text = "0.03",
     .max = 1e9,
     .help = "cost of one push, in the shop's currency"},
    {.name = "fatigue_cost",
     .type = CONFIG_NUMBER,
     AT(decide_config, fatigue_cost),
     .default_text = "0",
     .max = 1e9,
     .help = "mode live: cost of one more push per push of the last days (half-life 7 d), in the "
             "shop's currency"},
    {.name = "control_salt",
     .type = CONFIG_TEXT,
     AT(decide_config, control_salt),
     .default_text = "control-1",
     .help = "salt of the control group; another one draws another group"},
    {.name = "explore_salt",
     .type = CONFIG_TEXT,
     AT(decide_config, explore_salt),
     .default_text = "explore-1",
     .help = "salt of the none/rule draw"},
    {.name = "observe_salt",
     .type = CONFIG_TEXT,
     AT(decide_config, observe_salt),
     .default_text = "observe-1",
     .help = "salt of the sampled observations"},
    {.name = "validation_salt",
     .type = CONFIG_TEXT,
     AT(decide_config, validation_salt),
     .default_text = "validation-1",
     .help = "salt of the held-out validation share (later)"},
    {.name = "margin_default",
     .type = CONFIG_NUMBER,
     AT(decide_config, margin_default),
     .default_text = "0.30",
     .max = 1,
     .help = "margin as a share of price where the catalogue does not tell; percent_off must stay "
             "below it"},
    {.name = "attribution_window",
     .type = CONFIG_DURATION_MS,
     AT(decide_config, attribution_window_ms),
     .default_text = "7d",
     .min = HOUR_MS,
     .max = 90 * DAY_MS,
     .help = "how long an order counts as the outcome of a decision, and length of an episode"},
    {.name = "cap_per_hour",
     .type = CONFIG_INT,
     AT(decide_config, cap_per_hour),
     .default_text = "0",
     .max = 1e12,
     .help =
         "pushes per hour of event time over all users, shared out to the partitions; 0 = no cap"},
    {.name = "cap_per_user_day",
     .type = CONFIG_INT,
     AT(decide_config, cap_per_user_day),
     .default_text = "1",
     .max = USER_SENT_RING,
     .help = "pushes per user in any 24 h of event time; 0 = no cap"},
    {.name = "cap_per_user_week",
     .type = CONFIG_INT,
     AT(decide_config, cap_per_user_week),
     .default_text = "2",
     .max = USER_SENT_RING,
     .help = "pushes per user in any 7 d of event time; 0 = no cap"},
    {.name = "quiet_hours",
     .type = CONFIG_TIME_RANGE,
     AT(decide_config, quiet_hours),
     .default_text = "22:00-08:00",
     .help = "local time of the user in which nothing is sent; held, then decided again at its "
             "end; empty = none"},
    {.name = "default_timezone",
     .type = CONFIG_TEXT,
     AT(decide_config, default_timezone),
     .default_text = "UTC",
     .help = "IANA time zone of users whose zone nobody knows"},
    {.name = "consent_unknown_is_granted",
     .type = CONFIG_BOOL,
     AT(decide_config, consent_unknown_is_granted),
     .default_text = "false",
     .help = "true sends to users whose consent nobody knows; make sure that you may"},
    {.name = "offers",
     .type = CONFIG_LIST,
     AT(decide_config, offers),
     .element = &offer_table,
     .help = "what may be promised, at most 32"},
    {.name = "rules",
     .type = CONFIG_LIST,
     AT(decide_config, rules),
     .element = &rule_table,
     .help = "the written rules, asked in order: the first whose trigger, basket and users match "
             "decides"},
};
const struct config_table decide_config_table = {decide_keys, COUNT(decide_keys),
                                                 sizeof(struct decide_config)};

/* ---- checks ---- */

/* One thing that is being checked: where its errors go and how they name it. */
struct check {
    FILE *errors;
    size_t count;
    const char *list; /* "offers", "rules" */
    size_t index;
};

static void wrong(struct check *check, const char *key, const char *found, const char *expected) {
    check->count++;
    fprintf(check->errors, "decide.%s[%zu].%s: found %s, expected %s\n", check->list, check->index,
            key, found, expected);
}

static bool is_plain_id(const char *id) {
    size_t size = strlen(id);
    bool is_plain = size > 0 && size <= OFFER_ID_BYTES_MAX && strcmp(id, "none") != 0;
    for (size_t i = 0; i < size; i++) {
        char c = id[i];
        is_plain = is_plain && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.');
    }
    return is_plain;
}

static void check_value(struct check *check, const struct offer *offer) {
    if (offer->kind == OFFER_PERCENT_OFF && !(offer->value > 0 && offer->value <= 100)) {
        wrong(check, "value", "no percentage", "above 0 and at most 100 for percent_off");
    } else if (offer->kind == OFFER_AMOUNT_OFF && !(offer->value > 0)) {
        wrong(check, "value", "0", "an amount above 0 for amount_off");
    } else if (offer->kind != OFFER_PERCENT_OFF && offer->kind != OFFER_AMOUNT_OFF &&
               offer->value > 0) {
        wrong(check, "value", "a value", "none for free_shipping and reminder");
    }
}

static void check_template(struct check *check, const char *key, const char *text) {
    struct bytes rest = bytes_of_text(text);
    struct template_piece piece;
    while (template_next(&rest, &piece)) {
        if (piece.kind == TEMPLATE_UNKNOWN) {
            char found[64];
            snprintf(found, sizeof found, "%.*s", BYTES_ARG(piece.text));
#define FIELD(id, name, help) "{" name "} "
            wrong(check, key, found, TEMPLATE_FIELDS(FIELD) "or text without an opening brace");
#undef FIELD
        }
    }
}

static void check_offer(struct check *check, const struct decide_config *config,
                        const struct offer *offer) {
    if (!is_plain_id(offer->id)) {
        wrong(check, "id", offer->id[0] ? offer->id : "nothing",
              "1 to 23 letters, digits, '_', '-' or '.', and not \"none\"");
    } else if (offers_get(config, offers_find(config, bytes_of_text(offer->id))) != offer) {
        wrong(check, "id", offer->id, "an id that no other offer has");
    }
    check_value(check, offer);
    if (offer->start_ms != INT64_MIN && offer->end_ms != INT64_MIN &&
        offer->end_ms <= offer->start_ms) {
        wrong(check, "end", "an instant that is not after start", "a later one");
    }
    if (offer->channel[0] == '\0') {
        wrong(check, "channel", "nothing", "a channel, for example push");
    }
    if (offer->valid_ms > config->attribution_window_ms) {
        wrong(check, "valid", "more than attribution_window",
              "at most that: a push outlives its decision otherwise");
    }
    check_template(check, "title", offer->title);
    check_template(check, "body", offer->body);
}

/* Does the earlier rule take every decision that the later one would? */
static bool shadows(const struct rule *earlier, const struct rule *later) {
    double earlier_max = earlier->basket_max > 0 ? earlier->basket_max : INFINITY;
    double later_max = later->basket_max > 0 ? later->basket_max : INFINITY;
    return earlier->trigger == later->trigger && earlier->basket_min <= later->basket_min &&
           earlier_max >= later_max &&
           (earlier->users == RULE_USERS_ALL || earlier->users == later->users);
}

static void check_rule(struct check *check, const struct decide_config *config,
                       const struct rule *rules, size_t index) {
    const struct rule *rule = &rules[index];
    if (offers_find(config, bytes_of_text(rule->offer)) < 0) {
        wrong(check, "offer", rule->offer[0] ? rule->offer : "nothing", "the id of an offer");
    }
    if (rule->trigger == TRIGGER_OBSERVE) {
        wrong(check, "trigger", "observe", "a trigger that may send: an observation only watches");
    }
    if (rule->basket_max > 0 && rule->basket_max <= rule->basket_min) {
        wrong(check, "basket_max", "a limit that is not above basket_min",
              "0 (no limit) or a higher one");
    }
    for (size_t i = 0; i < index; i++) {
        if (shadows(&rules[i], rule)) {
            char found[64];
            snprintf(found, sizeof found, "a rule that rules[%zu] leaves nothing to", i);
            wrong(check, "trigger", found, "the special rule before the general one");
            return;
        }
    }
}

static bool is_known_zone(const char *name) {
    if (strcmp(name, "UTC") == 0) { /* needs no file */
        return true;
    }
    struct timezone_set *zones = timezone_set_new(NULL);
    bool is_known = timezone_find(zones, bytes_of_text(name)) != TIMEZONE_NONE;
    timezone_set_destroy(zones);
    return is_known;
}

size_t decide_config_check(const struct decide_config *config, FILE *errors) {
    struct check check = {.errors = errors, .list = "offers"};
    for (size_t i = 0; i < config->offers.count; i++) {
        check.index = i;
        check_offer(&check, config, offers_get(config, (int)i));
    }
    if (config->offers.count > OFFERS_MAX) {
        check.count++;
        fprintf(errors, "decide.offers: found %zu offers, expected at most %d\n",
                config->offers.count, OFFERS_MAX);
    }
    check.list = "rules";
    for (size_t i = 0; i < config->rules.count; i++) {
        check.index = i;
        check_rule(&check, config, config->rules.items, i);
    }
    if (!is_known_zone(config->default_timezone)) {
        check.count++;
        fprintf(errors,
                "decide.default_timezone: found %s, expected an IANA time zone, for example "
                "Europe/Berlin\n",
                config->default_timezone);
    }
    return check.count;
}
