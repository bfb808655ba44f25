/* triggers: conditions in a user's state that open a decision, watched by event-time timers.
 *
 * cart_abandoned      the cart is not empty and nothing was added or removed for `idle`; armed by
 * product_added (and by a login that brings a cart), moved by product_removed, disarmed by an
 * order, an empty cart or by firing: one per arming. checkout_abandoned  checkout_started and
 * neither an order nor cart activity for `idle`. browse_abandoned    `views_min` products viewed in
 * the session, nothing in the cart, quiet for `idle`. observe  a sampled session, at a time drawn
 * within its first minutes, unless an order or a farewell comes before (METHODS 0, rule 1).
 *
 * A timer fires when the watermark reaches its deadline, before the event that moved the watermark
 * is applied. Bot suspects arm and fire nothing. Everything here is schedule-free. */
#ifndef PROMOSTREAM_ROOMS_TRIGGERS_H
#define PROMOSTREAM_ROOMS_TRIGGERS_H

#include "base/config.h"
#include "base/metrics.h"
#include "consumer/rooms/partition.h"

struct trigger_config {
    bool is_enabled;
    int64_t idle_ms;
    int64_t views_min; /* browse_abandoned */
};
struct observe_config {
    double share;      /* of sessions, 0 to 1; 0 = none */
    int64_t within_ms; /* the time is drawn from (0, within] after the session began */
};
struct triggers_config { /* section `triggers` */
    struct trigger_config cart_abandoned, checkout_abandoned, browse_abandoned;
    struct observe_config observe;
};
extern const struct config_table triggers_config_table;

#define TRIGGERS_METRICS(X)                                                                        \
    X(cart_abandoned_total, COUNTER, "cart_abandoned fired")                                       \
    X(checkout_abandoned_total, COUNTER, "checkout_abandoned fired")                               \
    X(browse_abandoned_total, COUNTER, "browse_abandoned fired")                                   \
    X(observe_total, COUNTER, "sampled observations")                                              \
    X(observe_skipped_total, COUNTER, "sampled observations of users with 3 open decisions")       \
    X(redecisions_total, COUNTER, "decisions taken again after quiet hours")                       \
    X(bot_suppressed_total, COUNTER, "triggers of bot suspects, not fired")                        \
    X(ticks_total, COUNTER, "idle ticks that fired a timer")
METRICS_STRUCT(triggers_metrics, TRIGGERS_METRICS)

/* Arms, moves and disarms the user's timers after the event was folded (not for late events: see
 * triggers_after_late). anchor names the event in decision ids; observe_salt draws observations. */
void triggers_after_event(const struct triggers_config *config, const char *observe_salt,
                          struct partition *partition, uint32_t slot, const struct event *event,
                          uint64_t anchor);
/* A late event may close a cart or be a farewell: disarms what the state no longer supports. Arms
 * nothing. */
void triggers_after_late(struct partition *partition, uint32_t slot, const struct event *event);

/* Does the condition of the open decision still hold, for a decision after quiet hours? Never for a
 * bot suspect. */
bool triggers_still_holds(const struct user_state *user, const struct open_decision *open);

/* The id of a decision: hash of user, trigger, anchor and deadline; the same live and in replay. */
struct hash128 triggers_decision_id(struct bytes user_id, enum trigger trigger, uint64_t anchor,
                                    int64_t deadline_ms);
/* The anchor of an event: hash of its id, or of its position if it has none. */
uint64_t triggers_anchor(struct bytes event_id, int input, int32_t partition, int64_t offset);

/* Sets TIMER_DECISIONS to deadline_ms, the earliest thing that the user's open decisions wait for;
 * INT64_MAX = nothing. */
void triggers_arm_decisions(struct partition *partition, uint32_t slot, int64_t deadline_ms);

#endif
