/* sim_broker: the seam over an in-memory log: epochs commit whole or not at all, an epoch that does
 * not commit is reported like Kafka's (lost, then assigned at the committed positions), recovery
 * reads what was committed. Seeded. */
#ifndef PROMOSTREAM_TESTS_SIM_BROKER_H
#define PROMOSTREAM_TESTS_SIM_BROKER_H

#include "base/rng.h"
#include "broker/broker_ops.h"

struct sim_row {
    enum topic topic;
    int32_t partition;
    struct bytes key, value; /* owned by the log; value.data NULL = tombstone */
};

struct sim_log { /* what was committed, and what survives a broker */
    struct sim_row *rows;
    size_t count, capacity;
    int64_t next_offset[INPUT_COUNT]; /* of partition 0; -1 = none */
    int64_t epoch;
    size_t commits, losses;
};

void sim_log_init(struct sim_log *log);
void sim_log_clean_up(struct sim_log *log);
/* Appends an epoch's rows and takes over its offsets. */
void sim_log_commit(struct sim_log *log, const struct epoch *epoch);

/* One partition of input (grown_to is for a topic that grew after the start); feedback_count of the
 * records come from push-feedback. loss_share: of submitted epochs that do not commit.
 * revoke_share: of polls that revoke and assign again. Everything is borrowed but the struct. */
struct sim_options {
    const struct record *clicks, *feedback;
    size_t click_count, feedback_count;
    double loss_share, revoke_share;
    uint64_t seed;
    int32_t grown_to;  /* partitions that the group assigns; 0 = the one that the topic has */
    int64_t end_ahead; /* clickstream: log end - click_count; 1 = a record that does not come */
    int64_t *wall_ms;  /* moves on by wall_step_ms at every epoch; NULL = nothing moves */
    int64_t wall_step_ms;
    bool fails_at_start; /* the broker does not know its partitions */
};
struct broker *sim_broker_new(struct sim_log *log, const struct sim_options *options);

#endif
