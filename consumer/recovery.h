/* recovery: a partition's memory from its topics: partition-state, user-state, open-decisions. The
 * only way in. Runs after the broker has returned the committed positions, so everything that they
 * cover is readable. */
#ifndef PROMOSTREAM_CONSUMER_RECOVERY_H
#define PROMOSTREAM_CONSUMER_RECOVERY_H

#include "consumer/rooms/partition.h"

struct recovery {
    struct broker *broker;
    const struct log_sink *log;
    bool starts_latest; /* where a partition without any position starts */
    struct state_metrics *metrics;
};

/* May memory that was kept over a revocation be used again? Only if nobody has committed anything
 * since. */
bool recovery_is_current(const struct partition *partition, const struct assignment *assignment);

/* Fills an initialised partition and its next_offset. STOP if the topics contradict each other: a
 * state that does not belong to the group's positions (wrong prefix or group id), a row that is not
 * valid, more users than fit. */
MUST_CHECK struct failure recovery_run(const struct recovery *recovery,
                                       const struct assignment *assignment,
                                       struct partition *partition);

#endif
