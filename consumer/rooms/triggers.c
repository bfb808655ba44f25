#include "consumer/rooms/triggers.h"

#define METRICS_ROW_STRUCT struct triggers_metrics
METRICS_TABLE(triggers_metrics, TRIGGERS_METRICS)
#undef METRICS_ROW_STRUCT

#define DAY_MS 86400000

#define TRIGGER_KEYS(idle_default)                                                                 \
    {.name = "enabled",                                                                            \
     .type = CONFIG_BOOL,                                                                          \
     .offset = offsetof(struct trigger_config, is_enabled),                                        \
     .default_text = "true",                                                                       \
     .help = "whether this trigger opens decisions"},                                              \
    {                                                                                              \
        .name = "idle", .type = CONFIG_DURATION_MS,                                                \
        .offset = offsetof(struct trigger_config, idle_ms), .default_text = idle_default,          \
        .min = 1000, .max = 30.0 * DAY_MS, .help = "quiet time after which it fires"               \
    }

static const struct config_key cart_keys[] = {TRIGGER_KEYS("60m")};
static const struct config_key checkout_keys[] = {TRIGGER_KEYS("30m")};
static const struct config_key browse_keys[] = {
    TRIGGER_KEYS("60m"),
    {.name = "views_min",
     .type = CONFIG_INT,
     .offset = offsetof(struct trigger_config, views_min),
     .default_text = "3",
     .min = 1,
     .max = 1000,
     .help = "products viewed in one session before it is armed"},
};
static const struct config_key observe_keys[] = {
    {.name = "share",
     .type = CONFIG_NUMBER,
     .offset = offsetof(struct observe_config, share),
     .default_text = "0.05",
     .max = 1,
     .help = "share of sessions (0 to 1) that are watched once, without sending; 0 = none"},
    {.name = "within",
     .type = CONFIG_DURATION_MS,
     .offset = offsetof(struct observe_config, within_ms),
     .default_text = "10m",
     .min = 1000,
     .max = DAY_MS,
     .help = "the moment is drawn from this long after the session began"},
};
static const struct config_table observe_table = {observe_keys, 2, sizeof(struct observe_config)};
static const struct config_table cart_table = {cart_keys, 2, sizeof(struct trigger_config)};
static const struct config_table checkout_table = {checkout_keys, 2, sizeof(struct trigger_config)};
static const struct config_table browse_table = {browse_keys, 3, sizeof(struct trigger_config)};

static const struct config_key keys[] = {
    {.name = "cart_abandoned",
     .type = CONFIG_SECTION,
     .offset = offsetof(struct triggers_config, cart_abandoned),
     .element = &cart_table,
     .help = "a cart that went quiet"},
    {.name = "checkout_abandoned",
     .type = CONFIG_SECTION,
     .offset = offsetof(struct triggers_config, checkout_abandoned),
     .element = &checkout_table,
     .help = "a checkout that went quiet"},
    {.name = "browse_abandoned",
     .type = CONFIG_SECTION,
     .offset = offsetof(struct triggers_config, browse_abandoned),
     .element = &browse_table,
     .help = "a look around without a cart that went quiet"},
    {.name = "observe",
     .type = CONFIG_SECTION,
     .offset = offsetof(struct triggers_config, observe),
     .element = &observe_table,
     .help = "sampled observations: what learners know of those whom no trigger meets"},
};
const struct config_table triggers_config_table = {keys, sizeof keys / sizeof keys[0],
                                                   sizeof(struct triggers_config)};

uint64_t triggers_anchor(struct bytes event_id, int input, int32_t partition, int64_t offset) {
    if (event_id.size > 0) {
        return hash64(event_id, 1);
    }
    int64_t position[3] = {input, partition, offset};
    return hash64(bytes_of(position, sizeof position), 2);
}

struct hash128 triggers_decision_id(struct bytes user_id, enum trigger trigger, uint64_t anchor,
                                    int64_t deadline_ms) {
    struct {
        uint64_t user_high, user_low, trigger, anchor;
        int64_t deadline_ms;
    } parts;
    struct hash128 user = hash128(user_id, 0);
    parts.user_high = user.high;
    parts.user_low = user.low;
    parts.trigger = (uint64_t)trigger;
    parts.anchor = anchor;
    parts.deadline_ms = deadline_ms;
    return hash128(bytes_of(&parts, sizeof parts), 0);
}

/* An event that comes out of order and does not move the timer does not name the decision either:
 * its id, and with it every draw, would hang on the order of arrival. */
static void arm(struct partition *partition, uint32_t slot, enum timer_kind kind,
                int64_t deadline_ms, uint64_t anchor) {
    struct user_slot *tenant = user_store_get(&partition->store, slot);
    struct timer *timer = &state_active(&tenant->state)->timers[kind];
    timer->anchor = timer->deadline_ms == deadline_ms ? timer->anchor : anchor;
    timers_arm(&partition->timers, timer,
               (struct timer_entry){deadline_ms, tenant->hash, slot, (uint32_t)kind});
}

static bool is_armed(const struct user_state *user, enum timer_kind kind) {
    return user->active && user->active->timers[kind].deadline_ms != TIME_NONE;
}

static void disarm(struct user_state *user, enum timer_kind kind) {
    if (user->active) {
        timers_disarm(&user->active->timers[kind]);
    }
}

static void watch_cart(const struct trigger_config *config, struct partition *partition,
                       uint32_t slot, const struct event *event, uint64_t anchor) {
    struct user_state *user = &user_store_get(&partition->store, slot)->state;
    bool is_arming = event->type == EVENT_PRODUCT_ADDED ||
                     (event->type == EVENT_USER_IDENTIFIED && event->line_count > 0);
    bool is_moving = event->type == EVENT_PRODUCT_REMOVED && is_armed(user, TIMER_CART);
    if (!state_has_cart(user)) {
        disarm(user, TIMER_CART);
    } else if (config->is_enabled && (is_arming || is_moving)) {
        arm(partition, slot, TIMER_CART, user->active->cart_changed_ms + config->idle_ms, anchor);
    }
}

static void watch_checkout(const struct trigger_config *config, struct partition *partition,
                           uint32_t slot, const struct event *event, uint64_t anchor) {
    struct user_state *user = &user_store_get(&partition->store, slot)->state;
    bool is_cart_event = event->type == EVENT_PRODUCT_ADDED || event->type == EVENT_PRODUCT_REMOVED;
    if (!user->active || user->active->checkout_ms == TIME_NONE ||
        (event->type == EVENT_PRODUCT_REMOVED && !state_has_cart(user))) {
        disarm(user, TIMER_CHECKOUT);
    } else if (config->is_enabled && (event->type == EVENT_CHECKOUT_STARTED ||
                                      (is_cart_event && is_armed(user, TIMER_CHECKOUT)))) {
        int64_t last_ms = user->active->checkout_ms > user->active->cart_changed_ms
                              ? user->active->checkout_ms
                              : user->active->cart_changed_ms;
        arm(partition, slot, TIMER_CHECKOUT, last_ms + config->idle_ms, anchor);
    }
}

/* Is the user gone: bought, or went on under another key? */
static bool is_farewell(const struct user_state *user, const struct event *event) {
    bool is_elsewhere = event->type == EVENT_USER_IDENTIFIED && event->canonical_id.size > 0 &&
                        !bytes_equal(event->canonical_id, user_state_id(user));
    return is_elsewhere || event->type == EVENT_ORDER_COMPLETED;
}

/* Armed by the views (not by one that an order has overtaken), moved by whatever else the user
 * does: quiet means no event at all. */
static void watch_browse(const struct trigger_config *config, struct partition *partition,
                         uint32_t slot, const struct event *event, uint64_t anchor) {
    struct user_state *user = &user_store_get(&partition->store, slot)->state;
    bool is_arming = event->type == EVENT_PRODUCT_VIEWED &&
                     user->session_views == config->views_min && event->event_ms >= user->order_ms;
    if (state_has_cart(user) || is_farewell(user, event)) {
        disarm(user, TIMER_BROWSE);
    } else if (config->is_enabled && (is_arming || is_armed(user, TIMER_BROWSE))) {
        arm(partition, slot, TIMER_BROWSE, user->last_event_ms + config->idle_ms, anchor);
    }
}

/* At most one a session, drawn when the session begins; never on or after its order. */
static void watch_observe(const struct observe_config *config, const char *salt,
                          struct partition *partition, uint32_t slot, const struct event *event,
                          uint64_t anchor) {
    struct user_state *user = &user_store_get(&partition->store, slot)->state;
    if (is_farewell(user, event)) {
        disarm(user, TIMER_OBSERVE);
        return;
    }
    /* Shops whose clocks tick in seconds have more than one event at a session's beginning. */
    bool has_ordered = user->order_ms >= user->session_start_ms;
    if (config->share <= 0 || user->session_start_ms != event->event_ms || has_ordered ||
        is_armed(user, TIMER_OBSERVE)) {
        return;
    }
    uint8_t session[EVENT_USER_BYTES_MAX + sizeof user->session_start_ms];
    struct bytes id = user_state_id(user);
    memcpy(session, id.data, id.size);
    memcpy(session + id.size, &user->session_start_ms, sizeof user->session_start_ms);
    struct bytes subject = bytes_of(session, id.size + sizeof user->session_start_ms);
    if (hash_draw(subject, "observe", salt) < config->share) {
        double at = hash_draw(subject, "observe_time", salt);
        int64_t after_ms = 1 + (int64_t)(at * (double)config->within_ms);
        arm(partition, slot, TIMER_OBSERVE, event->event_ms + after_ms, anchor);
    }
}

void triggers_after_event(const struct triggers_config *config, const char *observe_salt,
                          struct partition *partition, uint32_t slot, const struct event *event,
                          uint64_t anchor) {
    struct user_state *user = &user_store_get(&partition->store, slot)->state;
    if (user->bot_suspect) {
        disarm(user, TIMER_CART);
        disarm(user, TIMER_CHECKOUT);
        disarm(user, TIMER_BROWSE);
        disarm(user, TIMER_OBSERVE);
    } else {
        watch_observe(&config->observe, observe_salt, partition, slot, event, anchor);
        watch_cart(&config->cart_abandoned, partition, slot, event, anchor);
        watch_checkout(&config->checkout_abandoned, partition, slot, event, anchor);
        watch_browse(&config->browse_abandoned, partition, slot, event, anchor);
    }
    state_prune(user, event->event_ms);
}

void triggers_after_late(struct partition *partition, uint32_t slot, const struct event *event) {
    struct user_state *user = &user_store_get(&partition->store, slot)->state;
    if (!state_has_cart(user)) {
        disarm(user, TIMER_CART);
    }
    if (!user->active || user->active->checkout_ms == TIME_NONE) {
        disarm(user, TIMER_CHECKOUT);
    }
    if (is_farewell(user, event)) {
        disarm(user, TIMER_BROWSE);
        disarm(user, TIMER_OBSERVE);
    }
}

bool triggers_still_holds(const struct user_state *user, const struct open_decision *open) {
    const struct user_active *active = user->active;
    bool is_cart_same = active->cart_changed_ms <
                        open->deadline_ms; /* later changes are at the deadline or after */
    if (user->bot_suspect) {
        return false;
    }
    switch ((enum trigger)open->trigger) {
    case TRIGGER_CART_ABANDONED:
        return state_has_cart(user) && is_cart_same;
    case TRIGGER_CHECKOUT_ABANDONED:
        return active->checkout_ms != TIME_NONE && active->checkout_ms < open->deadline_ms &&
               is_cart_same;
    case TRIGGER_BROWSE_ABANDONED:
        return !state_has_cart(user) && user->last_event_ms < open->deadline_ms;
    case TRIGGER_OBSERVE: /* never waits for the morning */
    case TRIGGER_COUNT:
        break;
    }
    return false;
}

void triggers_arm_decisions(struct partition *partition, uint32_t slot, int64_t deadline_ms) {
    if (deadline_ms == INT64_MAX) {
        disarm(&user_store_get(&partition->store, slot)->state, TIMER_DECISIONS);
    } else {
        arm(partition, slot, TIMER_DECISIONS, deadline_ms, 0);
    }
}
