#include "consumer/rooms/gates.h"

#include "base/hash.h"

#define DAY_MS INT64_C(86400000)

static bool is_observation(const struct gate_view *view) {
    return view->decision->trigger == TRIGGER_OBSERVE;
}

static bool is_condition_gone(const struct gate_view *view) {
    return view->decision->is_condition_gone;
}

static bool is_too_many_open(const struct gate_view *view) {
    return view->decision->is_too_many_open;
}

static bool is_without_offer(const struct gate_view *view) {
    bool has_none = view->room->config->mode == MODE_LIVE ? view->decision->eligible == 0
                                                          : view->decision->would_have < 0;
    return has_none && !is_observation(view);
}

static bool is_consent_denied(const struct gate_view *view) {
    return view->decision->consent == CONSENT_DENIED;
}

static bool is_consent_unknown(const struct gate_view *view) {
    return view->decision->consent == CONSENT_UNKNOWN &&
           !view->room->config->consent_unknown_is_granted;
}

/* Pushes in (decided - window, decided]: one sent exactly a window ago counts no more. */
static int64_t sent_within(const struct decision *decision, int64_t window_ms) {
    int64_t count = 0;
    for (size_t i = 0; i < decision->sent_count; i++) {
        int64_t age_ms = decision->decided_ms - decision->sent_ms[i];
        count += age_ms >= 0 && age_ms < window_ms;
    }
    return count;
}

static bool is_over_user_cap(const struct gate_view *view) {
    const struct decide_config *config = view->room->config;
    bool is_over_day = config->cap_per_user_day > 0 &&
                       sent_within(view->decision, DAY_MS) >= config->cap_per_user_day;
    bool is_over_week = config->cap_per_user_week > 0 &&
                        sent_within(view->decision, 7 * DAY_MS) >= config->cap_per_user_week;
    return is_over_day || is_over_week;
}

int64_t gates_quiet_end_ms(const struct decide *room, const struct decision *decision) {
    uint16_t zone = decision->zone != TIMEZONE_NONE ? decision->zone : room->default_zone;
    const struct config_time_range *quiet = &room->config->quiet_hours;
    return timezone_quiet_end_ms(room->zones, zone, decision->decided_ms, quiet->start_minute,
                                 quiet->end_minute);
}

static bool is_quiet(const struct gate_view *view) {
    return gates_quiet_end_ms(view->room, view->decision) > view->decision->decided_ms;
}

static bool is_hour_used_up(const struct gate_view *view) {
    int64_t cap = view->room->config->cap_per_hour;
    if (cap == 0) {
        return false;
    }
    int64_t hour = ledger_hour_of(view->decision->decided_ms);
    int64_t share = hour_cap_share(cap, view->partition, view->room->partition_count, hour);
    return ledger_is_exhausted(view->ledger, hour, share);
}

/* Persistent: a function of the user alone, so that the group stays what it is over all decisions.
 */
static bool is_control(const struct gate_view *view) {
    const struct decision *decision = view->decision;
    struct bytes who = decision->canonical_id.size > 0 ? decision->canonical_id : decision->user_id;
    const struct decide_config *config = view->room->config;
    return hash_draw(who, "control", config->control_salt) < config->control_share;
}

static bool is_paused(const struct gate_view *view) {
    return view->is_paused;
}

static bool is_observing(const struct gate_view *view) {
    return view->room->config->mode == MODE_OBSERVE;
}

uint32_t gates_ask(const struct gate_view *view) {
    static bool (*const is_closed[GATE_COUNT])(const struct gate_view *) = {
        [GATE_OBSERVATION] = is_observation,
        [GATE_CONDITION_GONE] = is_condition_gone,
        [GATE_TOO_MANY_OPEN] = is_too_many_open,
        [GATE_NO_OFFER] = is_without_offer,
        [GATE_CONSENT_DENIED] = is_consent_denied,
        [GATE_CONSENT_UNKNOWN] = is_consent_unknown,
        [GATE_USER_CAP] = is_over_user_cap,
        [GATE_QUIET_HOURS] = is_quiet,
        [GATE_HOUR_CAP] = is_hour_used_up,
        [GATE_CONTROL_GROUP] = is_control,
        [GATE_PAUSED] = is_paused,
        [GATE_MODE_OBSERVE] = is_observing,
    };
    uint32_t closed = 0;
    for (int gate = 0; gate < GATE_COUNT; gate++) {
        if (is_closed[gate] && is_closed[gate](view)) {
            closed |= GATE_BIT(gate);
        }
    }
    return closed;
}

enum gate gates_reason(uint32_t closed) {
    for (int gate = 0; gate < GATE_COUNT; gate++) {
        if (closed & GATE_BIT(gate)) {
            return (enum gate)gate;
        }
    }
    return GATE_NONE;
}
