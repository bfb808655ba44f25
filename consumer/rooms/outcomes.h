/* outcomes: what became of a decision: a label that is emitted when its short window is over and
 * again whenever it changes (METHODS 0, rule 4).
 *
 *     open --short window--> labelled (example, revision 0) --attribution window--> matured -->
 * closed
 *
 * An order inside the window is "bought", at once a correction if the label was out; a cancellation
 * within cancel_window takes it back; a refund changes net_margin only, until return_window after
 * the order. Who bought stays open that long, but makes room for new decisions.
 *
 * The fold's part (outcomes_take) reads the event and the user's own open decisions, nothing else.
 * The writer's part needs the decision's frozen row, which the partition keeps as it stands on
 * open-decisions. */
#ifndef PROMOSTREAM_ROOMS_OUTCOMES_H
#define PROMOSTREAM_ROOMS_OUTCOMES_H

#include "broker/epoch.h"
#include "consumer/rooms/decide.h"
#include "consumer/rooms/partition.h"
#include "consumer/rooms/progress.h"
#include "schemas/event.h"

struct outcomes_config {       /* section `outcomes` */
    int64_t observe_window_ms; /* short window of sampled observations: 30m */
    int64_t trigger_window_ms; /* short window of triggers: 24h */
    int64_t cancel_window_ms;  /* a cancellation this soon after the order takes it back: 24h */
    int64_t return_window_ms;  /* refunds count for this long after the order: 30d */
    int64_t open_max;          /* open decisions per partition */
};
extern const struct config_table outcomes_config_table;

#define OUTCOMES_METRICS(X)                                                                        \
    X(open, GAUGE, "decisions that await their outcome")                                           \
    X(examples_total, COUNTER, "examples written, corrections included")                           \
    X(corrections_total, COUNTER, "examples that take an earlier label back")                      \
    X(margin_corrections_total, COUNTER, "examples that change net_margin only")                   \
    X(bought_total, COUNTER, "first labels that say bought")                                       \
    X(matured_total, COUNTER, "decisions whose attribution window is over")                        \
    X(cancelled_total, COUNTER, "orders taken back within cancel_window")                          \
    X(evicted_total, COUNTER, "open decisions closed with their user, without example")            \
    X(closed_early_total, COUNTER, "matured decisions that made room for a new one")               \
    X(too_many_open_total, COUNTER,                                                                \
      "decisions without outcome: the user or the partition is full")                              \
    X(condition_gone_total, COUNTER, "decisions closed after quiet hours without example")         \
    X(bots_total, COUNTER, "open decisions of bot suspects closed without example")                \
    X(revisions_dropped_total, COUNTER, "corrections beyond 255 of one decision")
METRICS_STRUCT(outcomes_metrics, OUTCOMES_METRICS)

struct outcomes {
    const struct outcomes_config *config; /* borrowed */
    const struct decide_config *decide;   /* borrowed: offers */
    struct epoch *epoch;                  /* set by the pipeline for each epoch */
    struct progress *progress;            /* borrowed */
    struct outcomes_metrics metrics;
};

enum outcome_change { OUTCOME_SAME, OUTCOME_FLIPPED, OUTCOME_MARGIN };

/* Folds the event into one open decision of its user. */
enum outcome_change outcomes_take(const struct outcomes_config *config, struct open_decision *open,
                                  const struct event *event);
/* When the open decision waits for its next step (not its re-decision); never TIME_NONE. */
int64_t outcomes_next_ms(const struct outcomes_config *config, const struct open_decision *open);
/* Takes the step that is due at outcomes_next_ms: writes the first label, judges and matures. True
 * if the decision is over: the caller closes it. */
bool outcomes_step(struct outcomes *room, struct partition *partition, struct open_decision *open,
                   int64_t due_ms);
/* Writes the correction that outcomes_take asked for, if a label is out. */
void outcomes_correct(struct outcomes *room, struct partition *partition,
                      struct open_decision *open, enum outcome_change change, int64_t event_ms);

/* Net margin of the decision as known now, currency: goods' margin of what was kept, less what the
 * offer gave away, less the contact; NaN if the order's value is unknown. */
double outcomes_net_margin(const struct decide_config *decide, const struct open_decision *open,
                           double margin);

#endif
