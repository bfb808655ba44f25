/* state: folds one event into its user's state.
 * Reads nothing but the event, whether it is late, the state and the user's own recorded decisions;
 * calls no clock, no side topic, no model. Everything here is schedule-free: the same input gives
 * the same bytes. */
#ifndef PROMOSTREAM_ROOMS_STATE_H
#define PROMOSTREAM_ROOMS_STATE_H

#include "base/config.h"
#include "base/metrics.h"
#include "consumer/rooms/user_store.h"
#include "schemas/event.h"

struct state_config {                                  /* section `state` */
    int64_t users_max;                                 /* per partition */
    int64_t session_gap_ms;                            /* 30m */
    int64_t bot_events_per_minute, bot_events_per_day; /* METHODS 0 rule 13; 0 = off */
};
extern const struct config_table state_config_table;

#define STATE_METRICS(X)                                                                           \
    X(users, GAUGE, "users in memory, all partitions of the worker")                               \
    X(timers, GAUGE, "entries in the timer heaps")                                                 \
    X(items, GAUGE, "item ids held by users")                                                      \
    X(evictions_total, COUNTER, "users evicted because a partition was full")                      \
    X(recovered_users_total, COUNTER, "users read back from user-state")                           \
    X(rows_total, COUNTER, "user-state rows written, tombstones included")                         \
    X(cart_overflow_total, COUNTER, "cart lines beyond 50, kept as a number")
METRICS_STRUCT(state_metrics, STATE_METRICS)

/* Has this user's ring seen the id? Remembers it if not. An empty id never is a duplicate. */
bool state_is_duplicate(struct user_state *user, struct bytes event_id);
/* Counts the event for the bot rule and returns whether the user is a suspect now. */
bool state_is_bot(const struct state_config *config, struct user_state *user, int64_t event_ms,
                  bool is_bot_agent);
/* Folds the event: session, counters, habits, cart, identity. Timers and open decisions are
 * triggers' business. */
void state_fold(const struct state_config *config, struct user_store *store,
                struct user_state *user, const struct event *event, bool is_late,
                struct state_metrics *metrics);

/* Folds push feedback about one of the user's open decisions. Feedback drives no time and no
 * session. */
void state_fold_feedback(struct user_state *user, struct open_decision *open,
                         const struct event *event);

/* Adds one increment of amount at event_ms: decays to the later of both times (out-of-order
 * increments are decayed). */
void counter_add(struct decayed_counter *counter, int64_t event_ms, double amount);

/* The part that only some users have; made when first needed. */
struct user_active *state_active(struct user_state *user);
/* Does a decision wait for the end of quiet hours? The episode lives on until it is taken. */
bool state_is_deferred(const struct user_active *active);
/* Forgets what event time has outlived at now_ms (episode; pushes older than 28 d) and, if nothing
 * is left, the part itself. A pure function of what is encoded. */
void state_prune(struct user_state *user, int64_t now_ms);
/* Value of the cart, NaN if no line has a price. Lines without price are left out. */
double state_cart_value(const struct user_state *user);
bool state_has_cart(const struct user_state *user);

#endif
