#include "consumer/rooms/features.h"

#include <assert.h>
#include <math.h>

#define SECOND_MS        1e3
#define HOUR_MS          3.6e6
#define DAY_MS           INT64_C(86400000)
#define PRESSURE_HALF_MS (7.0 * (double)DAY_MS)
#define HALF_LIFE_14D    2 /* index into counter_half_life_ms */

#define NUMBER_ROW(id, name, unit, help) {name, unit, help},
#define NAME_ROW(id, name, help)         {name, "name", help},
const struct feature_row feature_numbers[] = {FEATURE_NUMBERS(NUMBER_ROW)};
const size_t feature_number_count = FEATURE_NUMBER_COUNT;
const struct feature_row feature_names[] = {FEATURE_NAMES(NAME_ROW)};
const size_t feature_name_count = FEATURE_NAME_COUNT;

_Static_assert((int)FEATURE_NUMBER_COUNT <= ROW_NUMBERS_MAX, "a decision row holds every number");
_Static_assert((int)FEATURE_NAME_COUNT <= ROW_NAMES_MAX, "a decision row holds every name");
_Static_assert((int)FEATURE_SINCE_EVENT_S == COUNTER_KIND_COUNT * COUNTER_HALF_LIVES,
               "the counters come first, kind by kind, half-life by half-life");

/* Milliseconds since then; never negative. NaN if it never happened. */
static double age_ms(int64_t then_ms, int64_t now_ms) {
    if (then_ms == TIME_NONE) {
        return NAN;
    }
    return then_ms < now_ms ? (double)(now_ms - then_ms) : 0;
}

static double decayed(double value, double half_life_ms, int64_t as_of_ms, int64_t now_ms) {
    return as_of_ms == TIME_NONE ? 0 : value * exp2(-age_ms(as_of_ms, now_ms) / half_life_ms);
}

double counter_at(const struct decayed_counter *counter, int half_life, int64_t now_ms) {
    assert(half_life >= 0 && half_life < COUNTER_HALF_LIVES);
    return decayed((double)counter->value[half_life], counter_half_life_ms[half_life],
                   counter->last_ms, now_ms);
}

static void capture_counters(const struct user_state *user, int64_t now_ms, double *numbers) {
    for (int kind = 0; kind < COUNTER_KIND_COUNT; kind++) {
        for (int half_life = 0; half_life < COUNTER_HALF_LIVES; half_life++) {
            numbers[kind * COUNTER_HALF_LIVES + half_life] =
                counter_at(&user->counters[kind], half_life, now_ms);
        }
    }
}

static void capture_habits(const struct user_state *user, int64_t now_ms, double *numbers) {
    numbers[FEATURE_SINCE_EVENT_S] = age_ms(user->last_event_ms, now_ms) / SECOND_MS;
    numbers[FEATURE_SINCE_ORDER_S] = age_ms(user->order_ms, now_ms) / SECOND_MS;
    numbers[FEATURE_SINCE_SESSION_S] = age_ms(user->session_start_ms, now_ms) / SECOND_MS;
    numbers[FEATURE_SINCE_FIRST_S] = age_ms(user->first_seen_ms, now_ms) / SECOND_MS;
    numbers[FEATURE_SESSIONS] = user->sessions;
    numbers[FEATURE_SESSION_VIEWS] = user->session_views;
    numbers[FEATURE_SESSION_ADDS] = user->session_adds;
    numbers[FEATURE_ORDER_VALUE_14D] = decayed(
        (double)user->order_value, counter_half_life_ms[HALF_LIFE_14D], user->order_ms, now_ms);
    numbers[FEATURE_PRICE_MEAN] = (double)user->price_mean;
    numbers[FEATURE_COUPONS] = user->coupons;
    numbers[FEATURE_OPENED] = user->opened;
    numbers[FEATURE_DISMISSED] = user->dismissed;
    numbers[FEATURE_IS_NEW] = user->order_ms == TIME_NONE;
}

/* Weights are kept as of the user's last event. */
static double top_weight(const struct affinity affinities[USER_AFFINITIES],
                         const struct user_state *user, int64_t now_ms) {
    double top = 0;
    for (size_t i = 0; i < USER_AFFINITIES; i++) {
        bool is_top = affinities[i].name_hash != 0 && (double)affinities[i].weight > top;
        top = is_top ? (double)affinities[i].weight : top;
    }
    return decayed(top, counter_half_life_ms[HALF_LIFE_14D], user->last_event_ms, now_ms);
}

static double cart_value(const struct user_active *active) {
    double value = 0;
    bool is_known = active->cart_count == 0 && active->cart_overflow == 0;
    for (size_t i = 0; i < active->cart_count; i++) {
        const struct cart_line *line = &active->cart[i];
        if (!isnan(line->price)) {
            value += (double)line->price * line->quantity;
            is_known = true;
        }
    }
    return is_known ? value : NAN;
}

static void capture_cart(const struct user_state *user, int64_t now_ms, double *numbers) {
    static const struct user_active nothing = {.checkout_ms = TIME_NONE,
                                               .cart_changed_ms = TIME_NONE};
    const struct user_active *active = user->active ? user->active : &nothing;
    double quantity = 0;
    for (size_t i = 0; i < active->cart_count; i++) {
        quantity += active->cart[i].quantity;
    }
    numbers[FEATURE_CART_VALUE] = cart_value(active);
    numbers[FEATURE_CART_LINES] = active->cart_count;
    numbers[FEATURE_CART_QUANTITY] = quantity;
    numbers[FEATURE_CART_OVERFLOW] = active->cart_overflow;
    numbers[FEATURE_CART_IDLE_H] = age_ms(active->cart_changed_ms, now_ms) / HOUR_MS;
    numbers[FEATURE_SINCE_CHECKOUT_S] = age_ms(active->checkout_ms, now_ms) / SECOND_MS;
}

static void capture_pushes(const struct user_state *user, int64_t now_ms, double *numbers) {
    const struct user_active *active = user->active;
    size_t count = active ? active->sent_count : 0;
    int64_t last_ms = count > 0 ? active->sent_ms[count - 1] : TIME_NONE;
    double within = 0;
    for (size_t i = 0; i < count; i++) {
        within += active->sent_ms[i] <= now_ms && now_ms - active->sent_ms[i] < 7 * DAY_MS;
    }
    numbers[FEATURE_PUSHES_7D] = within;
    numbers[FEATURE_PUSH_PRESSURE] =
        decayed((double)user->push_pressure, PRESSURE_HALF_MS, last_ms, now_ms);
}

static void capture_top(const struct user_state *user, const struct feature_context *context,
                        int64_t now_ms, double *numbers) {
    numbers[FEATURE_TOP_CATEGORY_WEIGHT] = top_weight(user->categories, user, now_ms);
    numbers[FEATURE_TOP_BRAND_WEIGHT] = top_weight(user->brands, user, now_ms);
    const struct catalogue_item_row *item = context->top_item;
    if (!item) {
        return;
    }
    numbers[FEATURE_TOP_MARGIN] = item->margin;
    numbers[FEATURE_TOP_STOCK] = item->stock >= 0 ? (double)item->stock : NAN;
    if (user->price_mean > 0) {
        numbers[FEATURE_TOP_PRICE_RATIO] = item->price / (double)user->price_mean;
    }
}

/* A NUL-padded field of the state. Both fields are ASCII by their standards; what is not may have
 * been cut in the middle of a character and counts as missing. */
static struct bytes padded_text(const char *text, size_t capacity) {
    size_t size = strnlen(text, capacity);
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)text[i] >= 0x80) {
            return bytes_of(NULL, 0);
        }
    }
    return bytes_of(text, size);
}

static void capture_names(const struct user_state *user, const struct feature_context *context,
                          enum trigger trigger, struct bytes *names) {
    static const char *const consents[] = {
        [CONSENT_UNKNOWN] = "unknown", [CONSENT_GRANTED] = "granted", [CONSENT_DENIED] = "denied"};
    const struct profile_row *profile = context->profile;
    int consent =
        user->consent == CONSENT_UNKNOWN && profile ? profile->consent : (int)user->consent;
    names[FEATURE_ORIGIN] = bytes_of_text(trigger_names[trigger]);
    names[FEATURE_CONSENT] = bytes_of_text(consents[consent]);
    names[FEATURE_TOP_ITEM] = context->top_item_id;
    names[FEATURE_CURRENCY] = padded_text(user->currency, sizeof user->currency);
    names[FEATURE_LOCALE] = padded_text(user->locale, sizeof user->locale);
    names[FEATURE_ZONE] = context->zone_name;
    if (profile) {
        names[FEATURE_AGE_BAND] = profile->age_band;
        names[FEATURE_GENDER] = profile->gender;
        names[FEATURE_REGION] = profile->region;
        if (names[FEATURE_LOCALE].size == 0) {
            names[FEATURE_LOCALE] = profile->locale;
        }
    }
    if (context->top_item) {
        names[FEATURE_TOP_CATEGORY] = context->top_item->category;
        names[FEATURE_TOP_BRAND] = context->top_item->brand;
    }
}

static double or_missing(int value) {
    return value >= 0 ? (double)value : (double)NAN;
}

void features_capture(const struct user_state *user, const struct feature_context *context,
                      struct decision *decision) {
    int64_t now_ms = decision->decided_ms;
    double *numbers = decision->numbers;
    for (size_t i = 0; i < FEATURE_NUMBER_COUNT; i++) {
        numbers[i] = NAN;
    }
    for (size_t i = 0; i < FEATURE_NAME_COUNT; i++) {
        decision->names[i] = bytes_of(NULL, 0);
    }
    capture_counters(user, now_ms, numbers);
    capture_habits(user, now_ms, numbers);
    capture_cart(user, now_ms, numbers);
    capture_pushes(user, now_ms, numbers);
    capture_top(user, context, now_ms, numbers);
    numbers[FEATURE_CART_MARGIN] = context->margin;
    numbers[FEATURE_LOCAL_HOUR] = or_missing(context->local_hour);
    numbers[FEATURE_LOCAL_WEEKDAY] = or_missing(context->local_weekday);
    capture_names(user, context, decision->trigger, decision->names);
    decision->feature_version = FEATURE_VERSION;
    decision->number_count = FEATURE_NUMBER_COUNT;
    decision->name_count = FEATURE_NAME_COUNT;
}
