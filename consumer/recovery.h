/* recovery: a partition's memory from its topics: partition-state, user-state, open-decisions. The
 * only way in. Runs after the broker has returned the committed positions, so everything that they
 * cover is readable. */
#ifndef PROMOSTREAM_CONSUMER_RECOVERY_H
#define PROMOSTREAM_CONSUMER_RECOVERY_H

#include "consumer/rooms/partition.h"

#define RECOVERY_METRICS(X)                                                                        \
    X(partitions_waiting, GAUGE, "assigned partitions that are not recovered yet")                 \
    X(offsets_done, GAUGE, "offsets passed of the topic partition that is being read back")        \
    X(offsets_total, GAUGE, "offsets to pass of it; 0 = none is being read back")                  \
    X(users, GAUGE, "users of the partition that is being read back, or was last")                 \
    X(users_per_s, GAUGE, "its users read back per second")                                        \
    X(partitions_read_total, COUNTER, "partitions read back from their topics")                    \
    X(partitions_kept_total, COUNTER, "partitions that came back and found their memory current")
METRICS_STRUCT(recovery_metrics, RECOVERY_METRICS)

#define RECOVERY_SAY_NS INT64_C(2000000000) /* between two lines of progress */

struct recovery {
    struct broker *broker;
    const struct log_sink *log;
    bool starts_latest; /* where a partition without any position starts */
    struct state_metrics *metrics;
    struct recovery_metrics progress;

    /* Set by recovery_begin */
    const struct partition *partition; /* being read back; NULL = none */
    struct assignment assignment;      /* of it */
    struct reading *reading;
    int64_t begun_ns, said_ns; /* monotonic: its start; its start or last line */
};

/* May memory that was kept over a revocation be used again? Only if nobody has committed anything
 * since. */
bool recovery_is_current(const struct partition *partition, const struct assignment *assignment);

/* A hint: recovery_run will come for this partition number, before the broker's next event. */
void recovery_prepare(const struct recovery *recovery, int32_t number);

/* Fills an initialised partition and its next_offset. STOP if the topics contradict each other: a
 * state that does not belong to the group's positions (wrong prefix or group id), a row that is not
 * valid, more users than fit. */
MUST_CHECK struct failure recovery_run(struct recovery *recovery,
                                       const struct assignment *assignment,
                                       struct partition *partition);

/* The same in parts, between which the broker may be polled: one partition at a time. A step reads
 * on for about budget_ms (below 0 = to the end). After a failure, as after the last step, no
 * partition is being read back. */
void recovery_begin(struct recovery *recovery, const struct assignment *assignment,
                    struct partition *partition);
MUST_CHECK struct failure recovery_step(struct recovery *recovery, int budget_ms,
                                        bool *out_is_done);
/* Gives up what was begun; nothing begun is fine. The partition's memory is half filled. */
void recovery_abandon(struct recovery *recovery);

/* Shows how far a read has come, of recovery or of a side topic: gauges, and a line every
 * RECOVERY_SAY_NS. */
void recovery_show(struct recovery *recovery, const struct broker_reading *reading, int64_t now_ns);

#endif
