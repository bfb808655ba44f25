/* emit: decided decisions into rows of the epoch: promotion-decisions, promotion-pushes, open-decisions.
 * Also revocations and tombstones. Rows carry no epoch number and no wall-clock time. */
#ifndef PROMOSTREAM_ROOMS_EMIT_H
#define PROMOSTREAM_ROOMS_EMIT_H

#include "broker/epoch.h"
#include "consumer/rooms/decide.h"

/* Decisions counted by trigger x action x reason, for /metrics and the end summary. One writing thread. */
struct decision_tally {
    struct metric count[TRIGGER_COUNT][OFFERS_MAX + 1][GATE_COUNT + 1]; /* offer index + 1 (0 = none); gate (last = sent) */
};

#define EMIT_METRICS(X)                                                       \
    X(decisions_total, COUNTER, "decisions written, sent or held, all attempts") \
    X(pushes_total, COUNTER, "pushes written")                                \
    X(revocations_total, COUNTER, "push_revoked written")                     \
    X(open_decisions_closed_total, COUNTER, "open decisions tombstoned")
METRICS_STRUCT(emit_metrics, EMIT_METRICS)

struct emit {
    const struct decide_config *config; /* borrowed */
    struct epoch *epoch;                /* set by the pipeline for each epoch */
    uint64_t rule_fingerprint;
    struct decision_tally *tally;       /* borrowed */
    struct emit_metrics metrics;
    struct buffer scratch;              /* rendered texts */
    /* Lent to whoever wants to show pushes (the demo); NULL = nobody. Called on the worker's thread. */
    void (*show)(void *context, const struct push_row *push);
    void *show_context;
};
void emit_init(struct emit *emit, const struct decide_config *config, struct decision_tally *tally);
void emit_clean_up(struct emit *emit);

/* Writes the decision row; the push row if it is sent; the open-decision row unless it is too_many_open (attempt 1
 * rewrites it). The push's key is the user, push_id is the decision id + "-" + attempt. */
void emit_decision(struct emit *emit, int32_t partition, const struct decision *decision);
/* push_revoked for a sent, undelivered, unexpired decision of this user. */
void emit_revocation(struct emit *emit, int32_t partition, struct bytes user_id, const struct open_decision *open);
/* Tombstone of open-decisions at close. */
void emit_close(struct emit *emit, int32_t partition, const struct open_decision *open);

/* Renders a template into out; unknown {names} stay as they are (config_check has refused them). Values are inserted
 * as text, control characters dropped. */
void emit_render(const char *template_text, const struct decision *decision, const struct offer *offer,
                 struct buffer *out);

#endif
