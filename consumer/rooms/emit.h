/* emit: decided decisions into rows of the epoch: promotion-decisions, promotion-pushes,
 * open-decisions. Also revocations and tombstones. Rows carry no epoch number and no wall-clock
 * time. */
#ifndef PROMOSTREAM_ROOMS_EMIT_H
#define PROMOSTREAM_ROOMS_EMIT_H

#include "broker/epoch.h"
#include "consumer/rooms/decide.h"
#include "consumer/rooms/emit_text.h"

/* Decisions counted by trigger x offer x reason, for /metrics and the end summary. The offer is
 * what was sent, or for a held one what the written rule would have given, so that one sees which
 * offer which gate held. Every attempt counts: one that waits for the end of quiet hours
 * is there twice. One writing thread. */
struct decision_tally {
    /* [trigger][offer index + 1, 0 = none][gate, GATE_NONE = sent] */
    struct metric count[TRIGGER_COUNT][OFFERS_MAX + 1][GATE_COUNT + 1];
};

#define EMIT_METRICS(X)                                                                            \
    X(decisions_total, COUNTER, "decisions written, sent or held, all attempts")                   \
    X(pushes_total, COUNTER, "pushes written")                                                     \
    X(revocations_total, COUNTER, "push_revoked written")                                          \
    X(open_decisions_closed_total, COUNTER, "open decisions tombstoned")
METRICS_STRUCT(emit_metrics, EMIT_METRICS)

struct side_table;

/* Ids of our output schemas at a registry: such rows get Confluent framing; 0 = single-object
 * encoding. */
struct emit_schema_ids {
    uint32_t push, decision;
};

struct emit {
    const struct decide_config *config; /* borrowed */
    struct epoch *epoch;                /* set by the pipeline for each epoch */
    uint64_t rule_fingerprint;
    struct emit_schema_ids schema_ids; /* set by the pipeline */
    struct decision_tally *tally;      /* borrowed */
    struct emit_metrics metrics;
    struct buffer scratch; /* rendered texts */
    /* Lent to whoever wants to show pushes (the demo); NULL = nobody. Called on the worker's
     * thread. */
    void (*show)(void *context, const struct push_row *push);
    void *show_context;
};
void emit_init(struct emit *emit, const struct decide_config *config, struct decision_tally *tally);
void emit_clean_up(struct emit *emit);

/* Writes the decision row; the push row if it is sent; the open-decision row unless it is
 * too_many_open (attempt 1 rewrites it), which open_rows keeps too. The push's key is the user,
 * push_id is the decision id +
 * "-" + attempt. The push goes by the channel that the user's profile names, else by the offer's.
 * schemas_init must have been called. */
void emit_decision(struct emit *emit, int32_t partition, const struct decision *decision,
                   struct side_table *open_rows);
/* push_revoked for a sent, undelivered, unexpired decision of this user: the push's ids, offer and
 * expiry, no items and no texts but the reason. An offer that has left the configuration keeps its
 * id alone. */
void emit_revocation(struct emit *emit, int32_t partition, struct bytes user_id,
                     const struct open_decision *open);
/* Tombstone of open-decisions at close; leaves open_rows too. */
void emit_close(struct emit *emit, int32_t partition, const struct open_decision *open,
                struct side_table *open_rows);

#endif
