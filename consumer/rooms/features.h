/* features: what is known of a user at a trigger, as named raw values, frozen into the decision.
 *
 * Raw means: no running moments, no scaling; a missing value is NaN or an empty name, never 0.
 * Learners derive from raw values by METHODS 0 rule 10: log1p, 16 fixed log-spaced buckets, and a
 * linear term of fixed scale (model/slots.h). The table of names is the documentation
 * (promostream features prints it); any change of it raises FEATURE_VERSION. */
#ifndef PROMOSTREAM_ROOMS_FEATURES_H
#define PROMOSTREAM_ROOMS_FEATURES_H

#include "consumer/rooms/decision.h"
#include "schemas/user_state.h"

#define FEATURE_VERSION 1

/* "now" is decided_ms, event time. Counts decayed with a half-life h: an event of age a counts
 * 2^-(a/h). Spans are never negative: what event time puts after now (by at most the lateness) is 0
 * old.
 * X(enumerator, name, unit, help; how it can be missing) */
#define FEATURE_NUMBERS(X)                                                                         \
    X(FEATURE_VIEWED_1H, "viewed_1h", "count (decayed)",                                           \
      "product views, half-life 1 h; never missing")                                               \
    X(FEATURE_VIEWED_1D, "viewed_1d", "count (decayed)",                                           \
      "product views, half-life 1 d; never missing")                                               \
    X(FEATURE_VIEWED_14D, "viewed_14d", "count (decayed)",                                         \
      "product views, half-life 14 d; never missing")                                              \
    X(FEATURE_ADDED_1H, "added_1h", "count (decayed)",                                             \
      "additions to the cart, half-life 1 h; never missing")                                       \
    X(FEATURE_ADDED_1D, "added_1d", "count (decayed)",                                             \
      "additions to the cart, half-life 1 d; never missing")                                       \
    X(FEATURE_ADDED_14D, "added_14d", "count (decayed)",                                           \
      "additions to the cart, half-life 14 d; never missing")                                      \
    X(FEATURE_CHECKOUT_1H, "checkout_1h", "count (decayed)",                                       \
      "checkouts started, half-life 1 h; never missing")                                           \
    X(FEATURE_CHECKOUT_1D, "checkout_1d", "count (decayed)",                                       \
      "checkouts started, half-life 1 d; never missing")                                           \
    X(FEATURE_CHECKOUT_14D, "checkout_14d", "count (decayed)",                                     \
      "checkouts started, half-life 14 d; never missing")                                          \
    X(FEATURE_ORDERED_1H, "ordered_1h", "count (decayed)", "orders, half-life 1 h; never missing") \
    X(FEATURE_ORDERED_1D, "ordered_1d", "count (decayed)", "orders, half-life 1 d; never missing") \
    X(FEATURE_ORDERED_14D, "ordered_14d", "count (decayed)",                                       \
      "orders, half-life 14 d; never missing")                                                     \
    X(FEATURE_SEARCHED_1H, "searched_1h", "count (decayed)",                                       \
      "searches, half-life 1 h; never missing")                                                    \
    X(FEATURE_SEARCHED_1D, "searched_1d", "count (decayed)",                                       \
      "searches, half-life 1 d; never missing")                                                    \
    X(FEATURE_SEARCHED_14D, "searched_14d", "count (decayed)",                                     \
      "searches, half-life 14 d; never missing")                                                   \
    X(FEATURE_SINCE_EVENT_S, "since_event_s", "s", "since the user's last event; never missing")   \
    X(FEATURE_SINCE_ORDER_S, "since_order_s", "s",                                                 \
      "since the last order; missing before the first")                                            \
    X(FEATURE_SINCE_SESSION_S, "since_session_s", "s",                                             \
      "since the last session began; missing before the first")                                    \
    X(FEATURE_SINCE_FIRST_S, "since_first_s", "s", "since the user was first seen; never missing") \
    X(FEATURE_SINCE_CHECKOUT_S, "since_checkout_s", "s",                                           \
      "since checkout was started; missing if not since the last order")                           \
    X(FEATURE_CART_IDLE_H, "cart_idle_h", "h",                                                     \
      "since the cart last changed; missing without a cart")                                       \
    X(FEATURE_SESSIONS, "sessions", "count", "sessions so far; never missing")                     \
    X(FEATURE_SESSION_VIEWS, "session_views", "count",                                             \
      "product views in the last session; never missing")                                          \
    X(FEATURE_SESSION_ADDS, "session_adds", "count",                                               \
      "additions to the cart in the last session; never missing")                                  \
    X(FEATURE_CART_VALUE, "cart_value", "currency",                                                \
      "sum of price x quantity, lines of unknown price left out; 0 for no cart, missing if no "    \
      "price is known")                                                                            \
    X(FEATURE_CART_LINES, "cart_lines", "count",                                                   \
      "lines in the cart, without cart_overflow; never missing")                                   \
    X(FEATURE_CART_QUANTITY, "cart_quantity", "count",                                             \
      "pieces in the cart, without cart_overflow; never missing")                                  \
    X(FEATURE_CART_OVERFLOW, "cart_overflow", "count",                                             \
      "lines beyond 50 or without an item id; never missing")                                      \
    X(FEATURE_CART_MARGIN, "cart_margin", "share",                                                 \
      "value-weighted margin of the cart; missing if nobody knows it")                             \
    X(FEATURE_ORDER_VALUE_14D, "order_value_14d", "currency (decayed)",                            \
      "sum of order totals, half-life 14 d; 0 before the first order, never missing")              \
    X(FEATURE_PRICE_MEAN, "price_mean", "currency",                                                \
      "running mean of prices looked at; missing before the first")                                \
    X(FEATURE_TOP_PRICE_RATIO, "top_price_ratio", "ratio",                                         \
      "catalogue price of the top item / price_mean; missing if either is unknown or price_mean "  \
      "is 0")                                                                                      \
    X(FEATURE_TOP_MARGIN, "top_margin", "share",                                                   \
      "margin of the top item; missing if the catalogue does not tell")                            \
    X(FEATURE_TOP_STOCK, "top_stock", "count",                                                     \
      "stock of the top item; missing if the catalogue does not tell")                             \
    X(FEATURE_TOP_CATEGORY_WEIGHT, "top_category_weight", "count (decayed)",                       \
      "weight of the dearest category, a view 1, an addition 3, half-life 14 d; 0 for none, "      \
      "never missing")                                                                             \
    X(FEATURE_TOP_BRAND_WEIGHT, "top_brand_weight", "count (decayed)",                             \
      "weight of the dearest brand, as top_category_weight; 0 for none, never missing")            \
    X(FEATURE_COUPONS, "coupons", "count", "coupons applied so far; never missing")                \
    X(FEATURE_OPENED, "opened", "count", "pushes opened so far; never missing")                    \
    X(FEATURE_DISMISSED, "dismissed", "count", "pushes dismissed so far; never missing")           \
    X(FEATURE_PUSH_PRESSURE, "push_pressure", "count (decayed)",                                   \
      "pushes sent to the user, half-life 7 d; 0 before the first, never missing")                 \
    X(FEATURE_PUSHES_7D, "pushes_7d", "count",                                                     \
      "pushes sent in the last 7 d, at most 8; never missing")                                     \
    X(FEATURE_LOCAL_HOUR, "local_hour", "h",                                                       \
      "hour of the user's day, 0 to 23; missing if the zone is unknown")                           \
    X(FEATURE_LOCAL_WEEKDAY, "local_weekday", "day",                                               \
      "day of the user's week, 0 = Sunday to 6 = Saturday; missing if the zone is unknown")        \
    X(FEATURE_IS_NEW, "is_new", "0 or 1", "1 if the user has no order yet; never missing")

/* X(enumerator, name, help; how it can be missing) */
#define FEATURE_NAMES(X)                                                                           \
    X(FEATURE_ORIGIN, "origin",                                                                    \
      "the trigger: crossed with everything (METHODS 0, rule 1); never missing")                   \
    X(FEATURE_CONSENT, "consent",                                                                  \
      "granted, denied or unknown, by the user's events, else the profile; never missing")         \
    X(FEATURE_AGE_BAND, "age_band", "of the profile; missing without one")                         \
    X(FEATURE_GENDER, "gender", "of the profile; missing without one")                             \
    X(FEATURE_REGION, "region", "of the profile; missing without one")                             \
    X(FEATURE_TOP_ITEM, "top_item",                                                                \
      "dearest item of the cart, else the item last viewed; missing if there is none")             \
    X(FEATURE_TOP_CATEGORY, "top_category",                                                        \
      "category of the top item; missing if the catalogue does not tell")                          \
    X(FEATURE_TOP_BRAND, "top_brand",                                                              \
      "brand of the top item; missing if the catalogue does not tell")                             \
    X(FEATURE_CURRENCY, "currency",                                                                \
      "ISO 4217 of the user's last event that had one; missing if none had")                       \
    X(FEATURE_LOCALE, "locale",                                                                    \
      "of the user's events, else the profile, 7 bytes at most; missing if neither tells")         \
    X(FEATURE_ZONE, "zone", "IANA time zone of the user; missing if unknown")

#define FEATURE_NUMBER_ENUM(id, name, unit, help) id,
#define FEATURE_NAME_ENUM(id, name, help)         id,
enum feature_number { FEATURE_NUMBERS(FEATURE_NUMBER_ENUM) FEATURE_NUMBER_COUNT };
enum feature_name { FEATURE_NAMES(FEATURE_NAME_ENUM) FEATURE_NAME_COUNT };

struct feature_row {
    const char *name; /* "viewed_1h" */
    const char *unit; /* "count (decayed)", "s", "currency", "share"; "name" if categorical */
    const char *help; /* what it is; how it can be missing */
};
extern const struct feature_row feature_numbers[]; /* in the order of decision.numbers */
extern const size_t feature_number_count;
extern const struct feature_row feature_names[]; /* categorical, in the order of decision.names */
extern const size_t feature_name_count;

/* What the side topics know, looked up by the caller; NULL where unknown. */
struct feature_context {
    const struct profile_row *profile;
    const struct catalogue_item_row
        *top_item; /* of the dearest line of the cart, else the newest viewed item */
    struct bytes top_item_id;
    struct bytes zone_name;
    int local_hour, local_weekday; /* in the user's zone at decided_ms, Sunday = 0; -1 = unknown */
    double margin;                 /* as in struct decision */
};

/* Fills numbers, names, feature_version of decision from the user's state at decision->decided_ms
 * (counters decayed to that instant). Of decision it reads trigger (`origin` is its name) and
 * decided_ms only. Names are borrowed from context, state or constants. Pure. */
void features_capture(const struct user_state *user, const struct feature_context *context,
                      struct decision *decision);

/* Value of a decayed counter at now_ms (never grows when now_ms < last_ms). half_life: index into
 * counter_half_life_ms. */
double counter_at(const struct decayed_counter *counter, int half_life, int64_t now_ms);

#endif
