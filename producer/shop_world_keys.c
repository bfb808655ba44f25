/* The keys of a world file. Defaults are the world `base`, as SIMULATOR.md states it. */
#include "producer/shop_world.h"

#define NUMBER(owner, key_, member, value, low, high, text)                                        \
    {                                                                                              \
        .name = (key_), .type = CONFIG_NUMBER, .offset = offsetof(struct owner, member),           \
        .default_text = (value), .min = (low), .max = (high), .help = (text)                       \
    }
#define SHARE(owner, member, value, text) NUMBER(owner, #member, member, value, 0, 1, text)
#define PLAIN(owner, member, value, low, high, text)                                               \
    NUMBER(owner, #member, member, value, low, high, text)
#define WHOLE(owner, member, value, low, high, text)                                               \
    {                                                                                              \
        .name = #member, .type = CONFIG_INT, .offset = offsetof(struct owner, member),             \
        .default_text = (value), .min = (low), .max = (high), .help = (text)                       \
    }
#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define TABLE(array, owner)                                                                        \
    { .keys = (array), .key_count = COUNT(array), .struct_size = sizeof(struct owner) }

#define LEVEL(name, which, level, value)                                                           \
    NUMBER(shop_type_world, name, covariate[which][level], value, 0, 1,                            \
           "P(this level | type); the third level is the rest")
#define DELTA(name, arm, value)                                                                    \
    NUMBER(shop_type_world, name, delta[arm], value, -20, 20, "effect of the offer, logit")

#define TYPE_KEYS(array, share_, sessions_, cart_, checkout_, pay_, base_, remind_, ship_, d10_,   \
                  d20_, rfm1_, rfm2_, coupon1_, coupon2_, device1_, device2_, dismiss1_,           \
                  dismiss2_)                                                                       \
    static const struct config_key array[] = {                                                     \
        SHARE(shop_type_world, share, share_, "share of users"),                                   \
        PLAIN(shop_type_world, sessions_per_day, sessions_, 0, 100, "sessions per user and day"),  \
        SHARE(shop_type_world, cart, cart_, "P(cart | session)"),                                  \
        SHARE(shop_type_world, checkout, checkout_, "P(checkout | cart)"),                         \
        SHARE(shop_type_world, pay, pay_, "P(order in the session | checkout)"),                   \
        PLAIN(shop_type_world, base_7d, base_, 1e-9, 1 - 1e-9,                                     \
              "P(buy within 7 d | abandoned, nothing sent)"),                                      \
        DELTA("remind", SHOP_REMIND, remind_),                                                     \
        DELTA("ship", SHOP_SHIP, ship_),                                                           \
        DELTA("percent_10", SHOP_10, d10_),                                                        \
        DELTA("percent_20", SHOP_20, d20_),                                                        \
        LEVEL("rfm_1", COVARIATE_RFM, 0, rfm1_),                                                   \
        LEVEL("rfm_2", COVARIATE_RFM, 1, rfm2_),                                                   \
        LEVEL("coupon_1", COVARIATE_COUPON, 0, coupon1_),                                          \
        LEVEL("coupon_2", COVARIATE_COUPON, 1, coupon2_),                                          \
        LEVEL("device_1", COVARIATE_DEVICE, 0, device1_),                                          \
        LEVEL("device_2", COVARIATE_DEVICE, 1, device2_),                                          \
        LEVEL("dismiss_1", COVARIATE_DISMISS, 0, dismiss1_),                                       \
        LEVEL("dismiss_2", COVARIATE_DISMISS, 1, dismiss2_),                                       \
    }

TYPE_KEYS(sure_keys, "0.16", "0.10", "0.17", "0.68", "0.76", "0.38", "0.02", "0.08", "0.10", "0.15",
          "0.10", "0.30", "0.60", "0.30", "0.30", "0.40", "0.55", "0.30");
TYPE_KEYS(persuadable_keys, "0.22", "0.08", "0.11", "0.40", "0.50", "0.06", "0.55", "1.10", "1.45",
          "1.75", "0.30", "0.45", "0.15", "0.35", "0.45", "0.35", "0.45", "0.35");
TYPE_KEYS(lost_keys, "0.52", "0.05", "0.06", "0.22", "0.30", "0.012", "0.05", "0.10", "0.15",
          "0.30", "0.60", "0.30", "0.40", "0.35", "0.40", "0.40", "0.40", "0.35");
TYPE_KEYS(disturb_keys, "0.10", "0.07", "0.10", "0.47", "0.55", "0.22", "-0.50", "-0.55", "-0.60",
          "-0.65", "0.35", "0.40", "0.55", "0.30", "0.20", "0.40", "0.15", "0.30");

static const struct config_table type_tables[SHOP_TYPES] = {
    TABLE(sure_keys, shop_type_world), TABLE(persuadable_keys, shop_type_world),
    TABLE(lost_keys, shop_type_world), TABLE(disturb_keys, shop_type_world)};

#define SECTION(name_, table_, offset_, text)                                                      \
    {                                                                                              \
        .name = (name_), .type = CONFIG_SECTION, .offset = (offset_), .element = (table_),         \
        .help = (text)                                                                             \
    }

static const struct config_key types_keys[] = {
    SECTION("sure", &type_tables[TYPE_SURE], TYPE_SURE * sizeof(struct shop_type_world),
            "buy anyway"),
    SECTION("persuadable", &type_tables[TYPE_PERSUADABLE],
            TYPE_PERSUADABLE * sizeof(struct shop_type_world), "buy if asked"),
    SECTION("lost", &type_tables[TYPE_LOST], TYPE_LOST * sizeof(struct shop_type_world),
            "buy in no case"),
    SECTION("disturb", &type_tables[TYPE_DISTURB], TYPE_DISTURB * sizeof(struct shop_type_world),
            "buy less if asked"),
};

#define SENSITIVITY_KEYS(array, share_, slope_, gain_, tilt1_, tilt2_, tilt3_)                     \
    static const struct config_key array[] = {                                                     \
        SHARE(shop_sensitivity_world, share, share_, "share of users"),                            \
        PLAIN(shop_sensitivity_world, price_slope, slope_, -20, 20, "logit per ln of cart value"), \
        PLAIN(shop_sensitivity_world, gain, gain_, 0, 20,                                          \
              "factor on positive effects of ship, 10 %, 20 %"),                                   \
        NUMBER(shop_sensitivity_world, "coupon_1", coupon_tilt[0], tilt1_, 0, 100,                 \
               "factor on P(coupon level 1)"),                                                     \
        NUMBER(shop_sensitivity_world, "coupon_2", coupon_tilt[1], tilt2_, 0, 100,                 \
               "factor on P(coupon level 2)"),                                                     \
        NUMBER(shop_sensitivity_world, "coupon_3", coupon_tilt[2], tilt3_, 0, 100,                 \
               "factor on P(coupon level 3)"),                                                     \
    }

SENSITIVITY_KEYS(low_keys, "0.3", "-0.15", "0.5", "1.4", "1", "0.6");
SENSITIVITY_KEYS(mid_keys, "0.4", "-0.35", "1", "1", "1", "1");
SENSITIVITY_KEYS(high_keys, "0.3", "-0.60", "1.5", "0.6", "1", "1.4");

static const struct config_table sensitivity_tables[SHOP_SENSITIVITIES] = {
    TABLE(low_keys, shop_sensitivity_world), TABLE(mid_keys, shop_sensitivity_world),
    TABLE(high_keys, shop_sensitivity_world)};

static const struct config_key sensitivities_keys[] = {
    SECTION("low", &sensitivity_tables[SENSITIVITY_LOW],
            SENSITIVITY_LOW * sizeof(struct shop_sensitivity_world), "hardly looks at prices"),
    SECTION("mid", &sensitivity_tables[SENSITIVITY_MID],
            SENSITIVITY_MID * sizeof(struct shop_sensitivity_world), "between"),
    SECTION("high", &sensitivity_tables[SENSITIVITY_HIGH],
            SENSITIVITY_HIGH * sizeof(struct shop_sensitivity_world), "price decides"),
};

static const struct config_key outcome_keys[] = {
    PLAIN(shop_outcome_world, decide_after_min, "60", 15, 1440,
          "minutes from a cart's last change to its decision; pushes before it are its arm"),
    PLAIN(shop_outcome_world, fatigue, "0.15", 0, 20, "logit lost per push, half-life 7 d"),
    SHARE(shop_outcome_world, coupon_wear, "0.85", "factor on positive effects per coupon in 30 d"),
    PLAIN(shop_outcome_world, interaction, "0", -20, 20, "logit of 10 % on large carts"),
    PLAIN(shop_outcome_world, interaction_cart, "100", 0, 1e9, "large means above, EUR"),
    SHARE(shop_outcome_world, pull_forward, "0", "share of coupon buyers who skip their next cart"),
    SHARE(shop_outcome_world, wait_training, "0",
          "share of in-session pay lost after 2 coupons in 30 d"),
    SHARE(shop_outcome_world, quick_share, "0.6", "share of late orders that come soon"),
    PLAIN(shop_outcome_world, quick_median_min, "25", 1e-3, 1e5, "median of those, minutes"),
    PLAIN(shop_outcome_world, quick_s, "0.9", 0, 10, "their sigma, ln"),
    PLAIN(shop_outcome_world, slow_median_h, "30", 1e-3, 160, "median of the others, hours"),
    PLAIN(shop_outcome_world, slow_s, "1.0", 0, 10, "their sigma, ln"),
    PLAIN(shop_outcome_world, accelerate, "1", 1e-3, 10,
          "factor on the slow median after any discount"),
};

static const struct config_key value_keys[] = {
    SHARE(shop_value_world, margin, "0.35", "share of price"),
    PLAIN(shop_value_world, ship_cost, "4.90", 0, 1e6, "EUR"),
    PLAIN(shop_value_world, free_shipping_from, "79", 0, 1e9, "EUR; free anyway from here on"),
    PLAIN(shop_value_world, contact, "0.03", 0, 1e6, "EUR per push"),
    SHARE(shop_value_world, returns, "0.08", "share of orders"),
    SHARE(shop_value_world, returns_20, "0.02", "added after 20 %"),
};

static const struct config_key sessions_keys[] = {
    PLAIN(shop_sessions_world, views, "0.3", 0.05, 1, "views are 1 + Geom(this)"),
    PLAIN(shop_sessions_world, lines, "0.7", 0.3, 1, "cart lines are 1 + Geom(this)"),
    SHARE(shop_sessions_world, removed, "0.08", "P(one more line is added and removed | cart)"),
    SHARE(shop_sessions_world, searched, "0.2", "P(the session starts with a search)"),
    PLAIN(shop_sessions_world, sunday, "1.2", 0, 100, "factor"),
    PLAIN(shop_sessions_world, friday, "0.85", 0, 100, "factor"),
    PLAIN(shop_sessions_world, payday, "1.15", 0, 100, "factor, day 25 to day 2"),
    PLAIN(shop_sessions_world, weather, "0.1", 0, 1, "sessions x exp(this * weather)"),
    PLAIN(shop_sessions_world, weather_ar, "0.8", 0, 0.999, "day to day correlation"),
    PLAIN(shop_sessions_world, dwell_median_s, "30", 1, 200, "seconds between events"),
    PLAIN(shop_sessions_world, dwell_s, "0.9", 0, 3, "its sigma, ln"),
};

static const struct config_key catalogue_keys[] = {
    WHOLE(shop_catalogue_world, items, "2000", 100, 1e6, "at the start"),
    WHOLE(shop_catalogue_world, categories, "12", 1, 24, "categories"),
    WHOLE(shop_catalogue_world, brands, "60", 1, 240, "brands, shared out among categories"),
    WHOLE(shop_catalogue_world, new_per_day, "5", 0, 1e4, "items"),
    PLAIN(shop_catalogue_world, zipf, "1.05", 0, 5, "exponent of popularity in a category"),
    PLAIN(shop_catalogue_world, taste, "0.3", 0.01, 100, "Dirichlet parameter over categories"),
    PLAIN(shop_catalogue_world, cart_mu, "3.9", 0, 10, "cart value: mean of ln EUR"),
    PLAIN(shop_catalogue_world, cart_s, "0.75", 0, 2, "cart value: sigma of ln EUR"),
    SHARE(shop_catalogue_world, price_changes, "0.01",
          "share of items a day that get 10 to 30 % cheaper for 7 d"),
    SHARE(shop_catalogue_world, out_of_stock, "0.02", "share of items; 0 = stock never ends"),
};

static const struct config_key drift_keys[] = {
    PLAIN(shop_drift_world, wave, "0.15", 0, 20, "logit amplitude, period 30 d"),
    PLAIN(shop_drift_world, slow, "0", -20, 20, "logit per 30 d"),
    PLAIN(shop_drift_world, jump, "0", -20, 20, "logit from half-time on"),
    PLAIN(shop_drift_world, jump_coupon, "1", 0, 20,
          "factor on the persuadables' coupon effects from half-time on"),
    PLAIN(shop_drift_world, sale_days, "1", 0, 1, "sale days per 30 d, 0 or 1"),
    PLAIN(shop_drift_world, sale_sessions, "2", 0, 100, "factor on sessions on a sale day"),
    PLAIN(shop_drift_world, sale_base, "0.3", -20, 20, "logit on a sale day"),
    PLAIN(shop_drift_world, sale_coupon, "0.3", 0, 20, "factor on coupon effects on a sale day"),
};

static const struct config_key nuisance_keys[] = {
    {.name = "enabled",
     .type = CONFIG_BOOL,
     .offset = offsetof(struct shop_nuisance_world, enabled),
     .default_text = "false",
     .help = "--nuisance overrides it"},
    SHARE(shop_nuisance_world, duplicate, "0.005", "same event id again, 0 to 600 s later"),
    SHARE(shop_nuisance_world, late, "0.01", "arrives Exp(10 min) later"),
    SHARE(shop_nuisance_world, late_days, "0.0005", "arrives 1 to 3 d later"),
    SHARE(shop_nuisance_world, reordered, "0.02", "arrives 0 to 60 s later"),
    SHARE(shop_nuisance_world, lost, "0.001", "never arrives"),
    PLAIN(shop_nuisance_world, clock_s, "2", 0, 1e5, "sigma of a device's clock, seconds"),
    SHARE(shop_nuisance_world, clock_hour, "0.001", "share of devices an hour off"),
    SHARE(shop_nuisance_world, no_brand, "0.05", "brand missing"),
    SHARE(shop_nuisance_world, no_price, "0.005", "price missing"),
    SHARE(shop_nuisance_world, absurd_price, "0.0001", "price x 10000"),
    SHARE(shop_nuisance_world, future, "0.0001", "event time 1 to 365 d ahead"),
    SHARE(shop_nuisance_world, bots, "0.005", "ids that are bots, as a share of users"),
    SHARE(shop_nuisance_world, bot_active, "0.05",
          "share of days on which a bot is up, then 200 to 2000 views"),
    SHARE(shop_nuisance_world, second_device, "0.15", "share of users with a second device"),
    SHARE(shop_nuisance_world, guest, "0.60", "share of sessions that start as a guest"),
    SHARE(shop_nuisance_world, login, "0.35", "share of those that log in"),
    SHARE(shop_nuisance_world, refund, "0.08", "share of orders, LogNormal(9 d) later"),
    SHARE(shop_nuisance_world, cancel, "0.01", "share of orders, within 24 h"),
    SHARE(shop_nuisance_world, async_payment, "0.05", "order_completed 0 to 20 min late"),
};

static const struct config_key feedback_keys[] = {
    SHARE(shop_feedback_world, delivered, "0.97", "P(push arrives)"),
    SHARE(shop_feedback_world, opened, "0.35", "P(opened | delivered)"),
    SHARE(shop_feedback_world, dismissed, "0.10", "P(dismissed | delivered)"),
    SHARE(shop_feedback_world, dismissed_disturb, "0.30", "the same for type disturb"),
};

static const struct config_key consent_keys[] = {
    SHARE(shop_consent_world, granted, "0.8", "share of users"),
    SHARE(shop_consent_world, denied, "0.1", "share of users; the rest is unknown"),
};

static const struct config_table types_table = {types_keys, COUNT(types_keys),
                                                SHOP_TYPES * sizeof(struct shop_type_world)};
static const struct config_table sensitivities_table = {
    sensitivities_keys, COUNT(sensitivities_keys),
    SHOP_SENSITIVITIES * sizeof(struct shop_sensitivity_world)};
static const struct config_table outcome_table = TABLE(outcome_keys, shop_outcome_world);
static const struct config_table value_table = TABLE(value_keys, shop_value_world);
static const struct config_table sessions_table = TABLE(sessions_keys, shop_sessions_world);
static const struct config_table catalogue_table = TABLE(catalogue_keys, shop_catalogue_world);
static const struct config_table drift_table = TABLE(drift_keys, shop_drift_world);
static const struct config_table nuisance_table = TABLE(nuisance_keys, shop_nuisance_world);
static const struct config_table feedback_table = TABLE(feedback_keys, shop_feedback_world);
static const struct config_table consent_table = TABLE(consent_keys, shop_consent_world);

void shop_world_rooms(struct shop_world *world, struct config_room out[SHOP_WORLD_ROOMS]) {
    const struct config_room rooms[SHOP_WORLD_ROOMS] = {
        {"types", &types_table, world->types},
        {"sensitivities", &sensitivities_table, world->sensitivities},
        {"outcome", &outcome_table, &world->outcome},
        {"value", &value_table, &world->value},
        {"sessions", &sessions_table, &world->sessions},
        {"catalogue", &catalogue_table, &world->catalogue},
        {"drift", &drift_table, &world->drift},
        {"nuisance", &nuisance_table, &world->nuisance},
        {"feedback", &feedback_table, &world->feedback},
        {"consent", &consent_table, &world->consent},
    };
    memcpy(out, rooms, sizeof rooms);
}
