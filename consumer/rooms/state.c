#include "consumer/rooms/state.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buffer.h"

#define DAY_MS            86400000
#define SENT_KEPT_MS      (28LL * DAY_MS)
#define PRICE_EMA         0.2F /* weight of the newest price */
#define CART_QUANTITY_MAX 1000000

#define METRICS_ROW_STRUCT struct state_metrics
METRICS_TABLE(state_metrics, STATE_METRICS)
#undef METRICS_ROW_STRUCT

static const struct config_key keys[] = {
    {.name = "users_max",
     .type = CONFIG_INT,
     .offset = offsetof(struct state_config, users_max),
     .default_text = "1000000",
     .min = 1,
     .max = 1e9,
     .help = "users kept per partition; the one quiet for longest is evicted when full"},
    {.name = "session_gap",
     .type = CONFIG_DURATION_MS,
     .offset = offsetof(struct state_config, session_gap_ms),
     .default_text = "30m",
     .min = 1000,
     .max = DAY_MS,
     .help = "a session ends after this long without an event"},
    {.name = "bot_events_per_minute",
     .type = CONFIG_INT,
     .offset = offsetof(struct state_config, bot_events_per_minute),
     .default_text = "60",
     .max = 65000,
     .help = "more events in a minute make a bot suspect (state kept, no trigger); 0 = rule off"},
    {.name = "bot_events_per_day",
     .type = CONFIG_INT,
     .offset = offsetof(struct state_config, bot_events_per_day),
     .default_text = "500",
     .max = 65000,
     .help = "more events in a UTC day make a bot suspect; 0 = rule off"},
};
const struct config_table state_config_table = {keys, sizeof keys / sizeof keys[0],
                                                sizeof(struct state_config)};

bool state_is_duplicate(struct user_state *user, struct bytes event_id) {
    if (event_id.size == 0) {
        return false;
    }
    uint64_t hash = hash64(event_id, 0);
    uint32_t low = (uint32_t)hash;
    uint16_t high = (uint16_t)(hash >> 32);
    low = low == 0 && high == 0 ? 1 : low; /* 0/0 marks an empty place */
    for (size_t i = 0; i < USER_DEDUP_RING; i++) {
        if (user->dedup_low[i] == low && user->dedup_high[i] == high) {
            return true;
        }
    }
    user->dedup_low[user->dedup_next] = low;
    user->dedup_high[user->dedup_next] = high;
    user->dedup_next = (uint8_t)((user->dedup_next + 1) % USER_DEDUP_RING);
    return false;
}

static uint16_t add_saturating(uint16_t value) {
    return value == UINT16_MAX ? value : (uint16_t)(value + 1);
}

bool state_is_bot(const struct state_config *config, struct user_state *user, int64_t event_ms,
                  bool is_bot_agent) {
    uint32_t minute = (uint32_t)(event_ms / 60000);
    if (minute / 1440 > user->minute / 1440) {
        user->day_events = 0;
        user->bot_suspect = 0;
    }
    if (minute > user->minute) {
        user->minute = minute;
        user->minute_events = 0;
    }
    if (minute == user->minute) {
        user->minute_events = add_saturating(user->minute_events);
    }
    user->day_events = add_saturating(user->day_events);
    bool is_too_fast =
        (config->bot_events_per_minute && user->minute_events > config->bot_events_per_minute) ||
        (config->bot_events_per_day && user->day_events > config->bot_events_per_day);
    user->bot_suspect = user->bot_suspect || is_too_fast || is_bot_agent;
    return user->bot_suspect;
}

static double decay(int64_t age_ms, double half_life_ms) {
    return exp2(-(double)age_ms / half_life_ms);
}

void counter_add(struct decayed_counter *counter, int64_t event_ms, double amount) {
    if (counter->last_ms == TIME_NONE) {
        counter->last_ms = event_ms;
    }
    for (size_t i = 0; i < COUNTER_HALF_LIVES; i++) {
        double half_life_ms = counter_half_life_ms[i];
        double value = counter->value[i];
        counter->value[i] =
            event_ms >= counter->last_ms
                ? (float)(value * decay(event_ms - counter->last_ms, half_life_ms) + amount)
                : (float)(value + amount * decay(counter->last_ms - event_ms, half_life_ms));
    }
    counter->last_ms = event_ms > counter->last_ms ? event_ms : counter->last_ms;
}

/* ---- the part that some users have ---- */

struct user_active *state_active(struct user_state *user) {
    if (!user->active) {
        user->active = memory_new(1, sizeof *user->active);
        for (size_t i = 0; i < TIMER_KIND_COUNT; i++) {
            user->active->timers[i] =
                (struct timer){.deadline_ms = TIME_NONE, .queued_ms = TIME_NONE};
        }
        user->active->episode_end_ms = user->active->checkout_ms = user->active->cart_changed_ms =
            TIME_NONE;
    }
    return user->active;
}

static bool is_at_rest(const struct user_active *active) {
    for (size_t i = 0; i < TIMER_KIND_COUNT; i++) {
        if (active->timers[i].deadline_ms != TIME_NONE) {
            return false;
        }
    }
    return active->cart_count == 0 && active->cart_overflow == 0 && active->open_count == 0 &&
           active->sent_count == 0 && active->episode_end_ms == TIME_NONE &&
           active->checkout_ms == TIME_NONE;
}

bool state_is_deferred(const struct user_active *active) {
    for (size_t i = 0; i < active->open_count; i++) {
        if (active->open[i].flags & DECISION_DEFERRED) {
            return true;
        }
    }
    return false;
}

void state_prune(struct user_state *user, int64_t now_ms) {
    struct user_active *active = user->active;
    if (!active) {
        return;
    }
    if (active->episode_end_ms != TIME_NONE && active->episode_end_ms <= now_ms &&
        !state_is_deferred(active)) {
        active->episode_end_ms = TIME_NONE;
        active->episode_id = (struct hash128){0, 0};
    }
    if (active->sent_count > 0 &&
        active->sent_ms[active->sent_count - 1] + SENT_KEPT_MS <= now_ms) {
        active->sent_count = 0;
        memset(active->sent_ms, 0, sizeof active->sent_ms);
        user->push_pressure = 0;
    }
    if (is_at_rest(active)) {
        free(active->cart);
        free(active->open);
        free(active);
        user->active = NULL;
    }
}

bool state_has_cart(const struct user_state *user) {
    return user->active && (user->active->cart_count > 0 || user->active->cart_overflow > 0);
}

double state_cart_value(const struct user_state *user) {
    double value = 0;
    bool is_known = false;
    for (size_t i = 0; user->active && i < user->active->cart_count; i++) {
        const struct cart_line *line = &user->active->cart[i];
        if (!isnan(line->price)) {
            value += (double)line->price * line->quantity;
            is_known = true;
        }
    }
    return is_known ? value : NAN;
}

/* ---- cart ---- */

static struct cart_line *cart_find(struct user_active *active, uint32_t item) {
    for (size_t i = 0; item != ITEM_NONE && i < active->cart_count; i++) {
        if (active->cart[i].item == item) {
            return &active->cart[i];
        }
    }
    return NULL;
}

static uint32_t name_hash(struct bytes name) {
    uint32_t hash = name.size ? (uint32_t)hash64(name, 0) : 0;
    return name.size && hash == 0 ? 1 : hash;
}

static void cart_add(struct user_store *store, struct user_active *active,
                     const struct event_line *line, struct state_metrics *metrics) {
    struct cart_line *known = cart_find(active, items_find(&store->items, line->item_id));
    if (known) {
        int64_t quantity = (int64_t)known->quantity + line->quantity;
        known->quantity = (int32_t)(quantity < CART_QUANTITY_MAX ? quantity : CART_QUANTITY_MAX);
        known->price = isnan(line->price) ? known->price : (float)line->price;
        return;
    }
    if (active->cart_count == USER_CART_LINES_MAX || line->item_id.size == 0) {
        active->cart_overflow++;
        metric_add(&metrics->cart_overflow_total, 1);
        return;
    }
    if (active->cart_count == active->cart_capacity) {
        active->cart_capacity = (uint16_t)(active->cart_capacity ? active->cart_capacity * 2 : 2);
        active->cart = memory_grow(active->cart, active->cart_capacity, sizeof *active->cart);
    }
    active->cart[active->cart_count++] = (struct cart_line){
        .item = items_intern(&store->items, line->item_id),
        .category_hash = name_hash(line->category),
        .quantity = line->quantity < CART_QUANTITY_MAX ? line->quantity : CART_QUANTITY_MAX,
        .price = (float)line->price,
    };
}

static void cart_remove(struct user_store *store, struct user_active *active,
                        const struct event_line *line) {
    struct cart_line *known = cart_find(active, items_find(&store->items, line->item_id));
    if (!known) {
        active->cart_overflow -= active->cart_overflow > 0;
        return;
    }
    known->quantity -= line->quantity;
    if (known->quantity > 0) {
        return;
    }
    items_release(&store->items, known->item);
    size_t after = (size_t)(&active->cart[active->cart_count] - (known + 1));
    memmove(known, known + 1, after * sizeof *known);
    active->cart_count--;
}

static void cart_clear(struct user_store *store, struct user_state *user) {
    struct user_active *active = user->active;
    if (!active) {
        return;
    }
    for (size_t i = 0; i < active->cart_count; i++) {
        items_release(&store->items, active->cart[i].item);
    }
    active->cart_count = 0;
    active->cart_overflow = 0;
    active->cart_changed_ms = TIME_NONE;
    active->checkout_ms = TIME_NONE;
}

static void cart_touch(struct user_active *active, int64_t event_ms) {
    if (active->cart_changed_ms < event_ms) { /* TIME_NONE is below everything */
        active->cart_changed_ms = event_ms;
    }
}

static void fold_cart(struct user_store *store, struct user_state *user, const struct event *event,
                      bool is_late, struct state_metrics *metrics) {
    bool is_someone_else =
        event->canonical_id.size > 0 && !bytes_equal(event->canonical_id, user_state_id(user));
    if (event->type == EVENT_ORDER_COMPLETED ||
        (event->type == EVENT_USER_IDENTIFIED && is_someone_else)) {
        cart_clear(store, user); /* bought, or it goes on under the user's own key */
        return;
    }
    bool is_merge = event->type == EVENT_USER_IDENTIFIED && event->line_count > 0;
    bool is_settled = event->event_ms < user->order_ms; /* out of order: the order has taken it */
    if (is_late || is_settled || (event->type == EVENT_PRODUCT_REMOVED && !state_has_cart(user))) {
        return;
    }
    if (event->type == EVENT_PRODUCT_ADDED || is_merge) {
        if (is_merge) {
            cart_clear(store, user);
        }
        for (size_t i = 0; i < event->line_count; i++) {
            cart_add(store, state_active(user), &event->lines[i], metrics);
        }
        if (event->line_count == 0) { /* something was added, nobody says what */
            state_active(user)->cart_overflow++;
        }
        cart_touch(user->active, event->event_ms);
    } else if (event->type == EVENT_PRODUCT_REMOVED) {
        for (size_t i = 0; i < event->line_count; i++) {
            cart_remove(store, user->active, &event->lines[i]);
        }
        if (event->line_count == 0) { /* takes back what nobody said, if that is there */
            user->active->cart_overflow -= user->active->cart_overflow > 0;
        }
        cart_touch(user->active, event->event_ms);
    } else if (event->type == EVENT_CHECKOUT_STARTED) {
        struct user_active *active = state_active(user);
        active->checkout_ms =
            active->checkout_ms < event->event_ms ? event->event_ms : active->checkout_ms;
    }
}

/* ---- habits ---- */

static void affinity_touch(struct affinity affinities[USER_AFFINITIES], struct bytes name,
                           float weight) {
    uint32_t hash = name_hash(name);
    if (hash == 0) {
        return;
    }
    size_t at = 0;
    for (size_t i = 0; i < USER_AFFINITIES; i++) {
        if (affinities[i].name_hash == hash) {
            affinities[i].weight += weight;
            return;
        }
        at = affinities[i].weight < affinities[at].weight ? i : at;
    }
    affinities[at] = (struct affinity){.name_hash = hash, .weight = weight};
}

static void recent_push(struct user_store *store, struct user_state *user,
                        const struct event *event) {
    const struct event_line *line = &event->lines[0];
    uint32_t item = items_intern(&store->items, line->item_id);
    if (item == ITEM_NONE) {
        return;
    }
    int64_t gap_s = (event->event_ms - user->last_event_ms) / 1000;
    bool is_first = user->recent[0].item == ITEM_NONE;
    items_release(&store->items, user->recent[USER_RECENT_ITEMS - 1].item);
    memmove(&user->recent[1], &user->recent[0], (USER_RECENT_ITEMS - 1) * sizeof user->recent[0]);
    user->recent[0] = (struct recent_item){
        .item = item,
        .category_hash = name_hash(line->category),
        .gap_s = is_first ? -1
                          : (int32_t)(gap_s < 0           ? 0
                                      : gap_s > INT32_MAX ? INT32_MAX
                                                          : gap_s),
        .kind = (uint8_t)event->type,
    };
}

static void fold_habits(struct user_store *store, struct user_state *user,
                        const struct event *event) {
    if (event->event_ms > user->last_event_ms) {
        float factor = (float)decay(event->event_ms - user->last_event_ms, counter_half_life_ms[2]);
        for (size_t i = 0; i < USER_AFFINITIES; i++) {
            user->categories[i].weight *= factor;
            user->brands[i].weight *= factor;
        }
    }
    bool is_added = event->type == EVENT_PRODUCT_ADDED;
    if (event->line_count == 0 || (event->type != EVENT_PRODUCT_VIEWED && !is_added)) {
        return;
    }
    const struct event_line *line = &event->lines[0];
    affinity_touch(user->categories, line->category, is_added ? 3 : 1);
    affinity_touch(user->brands, line->brand, is_added ? 3 : 1);
    recent_push(store, user, event);
    if (!isnan(line->price)) {
        float price = (float)line->price;
        user->price_mean = isnan(user->price_mean)
                               ? price
                               : user->price_mean + PRICE_EMA * (price - user->price_mean);
    }
}

static void fold_session(const struct state_config *config, struct user_state *user,
                         const struct event *event) {
    if (user->sessions == 0 || event->event_ms - user->last_event_ms > config->session_gap_ms) {
        user->session_start_ms = event->event_ms;
        user->session_views = user->session_adds = 0;
        user->sessions++;
    }
    if (event->type == EVENT_PRODUCT_VIEWED) {
        user->session_views = add_saturating(user->session_views);
    } else if (event->type == EVENT_PRODUCT_ADDED) {
        user->session_adds = add_saturating(user->session_adds);
    }
}

static void fold_counters(struct user_state *user, const struct event *event) {
    static const int8_t kinds[EVENT_TYPE_COUNT] = {
        /* kind + 1, 0 = none */
        [EVENT_PRODUCT_VIEWED] = COUNTER_VIEWED + 1,
        [EVENT_PRODUCT_ADDED] = COUNTER_ADDED + 1,
        [EVENT_CHECKOUT_STARTED] = COUNTER_CHECKOUT + 1,
        [EVENT_ORDER_COMPLETED] = COUNTER_ORDERED + 1,
        [EVENT_PRODUCTS_SEARCHED] = COUNTER_SEARCHED + 1,
    };
    if (kinds[event->type]) {
        counter_add(&user->counters[kinds[event->type] - 1], event->event_ms, 1);
    }
    if (event->type == EVENT_COUPON_APPLIED) {
        user->coupons = add_saturating(user->coupons);
    }
}

void state_fold_feedback(struct user_state *user, struct open_decision *open,
                         const struct event *event) {
    if (event->type == EVENT_PUSH_OPENED) {
        user->opened = add_saturating(user->opened);
    } else if (event->type == EVENT_PUSH_DISMISSED) {
        user->dismissed = add_saturating(user->dismissed);
    }
    open->flags |= DECISION_DELIVERED; /* who opens or dismisses a push has received it */
}

static void fold_order(struct user_state *user, const struct event *event) {
    if (event->type != EVENT_ORDER_COMPLETED) {
        return;
    }
    double total = isnan(event->total) ? 0 : event->total;
    int64_t age_ms = user->order_ms == TIME_NONE ? 0 : event->event_ms - user->order_ms;
    double half_life_ms = counter_half_life_ms[2];
    user->order_value =
        age_ms >= 0 ? (float)((double)user->order_value * decay(age_ms, half_life_ms) + total)
                    : (float)((double)user->order_value + total * decay(-age_ms, half_life_ms));
    user->order_ms = user->order_ms < event->event_ms ? event->event_ms : user->order_ms;
}

/* Codes are short; what does not fit is not one, and is not cut into another. */
static void copy_code(char *to, size_t capacity, struct bytes from) {
    if (from.size > 0 && from.size < capacity) {
        memset(to, 0, capacity);
        memcpy(to, from.data, from.size);
    }
}

static void fold_identity(struct user_store *store, struct user_state *user,
                          const struct event *event) {
    if (event->timezone.size > 0) {
        uint16_t zone = timezone_find(store->zones, event->timezone);
        user->zone = zone != TIMEZONE_NONE ? zone : user->zone;
    }
    copy_code(user->locale, sizeof user->locale, event->locale);
    copy_code(user->currency, sizeof user->currency, event->currency);
    copy_code(user->place, sizeof user->place, event->place);
}

/* A late word may take consent away, never give it: what came after it counts. */
static void fold_consent(struct user_state *user, const struct event *event, bool is_late) {
    if (event->consent == CONSENT_DENIED || (event->consent == CONSENT_GRANTED && !is_late)) {
        user->consent = (uint8_t)event->consent;
    }
}

void state_fold(const struct state_config *config, struct user_store *store,
                struct user_state *user, const struct event *event, bool is_late,
                struct state_metrics *metrics) {
    fold_counters(user, event);
    fold_consent(user, event, is_late);
    fold_order(user, event);
    if (!is_late) {
        fold_session(config, user, event);
        fold_habits(store, user, event);
        fold_identity(store, user, event);
    }
    fold_cart(store, user, event, is_late, metrics);
    if (event->event_ms > user->last_event_ms) {
        user->last_event_ms = event->event_ms;
    }
}
