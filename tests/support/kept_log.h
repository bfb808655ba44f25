/* kept_log: committed records of our topics in memory, in (partition, offset) order, read once from
 * a real Kafka or added one by one; and the seam's view of side topics and `model` as some journal
 * row knew them, so that side_poll and score_poll read here what a worker had read there. One
 * thread. */
#ifndef PROMOSTREAM_TESTS_KEPT_LOG_H
#define PROMOSTREAM_TESTS_KEPT_LOG_H

#include "broker/broker_ops.h"
#include "consumer/pipeline_config.h"
#include "schemas/rows.h"

struct kept_topic {
    struct record *records; /* key and value owned; value.data NULL = tombstone */
    size_t count, capacity;
    int32_t partition_count; /* 0 = there is no such topic */
};

struct kept_log {
    struct kept_topic topics[TOPIC_COUNT];
};

/* Copies the record. Order is the caller's. */
void kept_log_add(struct kept_log *log, enum topic topic, const struct record *record);
/* All of the topic, read_committed, to its true end; STOP if a transaction stays open before it.
 * input: what the records are to the pipeline. */
MUST_CHECK struct failure kept_log_read(struct kept_log *log, const struct pipeline_config *config,
                                        enum topic topic, enum broker_input input);
/* Offsets [from, to) of a partition of what was read: the first record and how many there are. */
const struct record *kept_log_range(const struct kept_log *log, enum topic topic, int32_t partition,
                                    int64_t from, int64_t to, size_t *out_count);
void kept_log_clean_up(struct kept_log *log); /* idempotent */

/* A broker that knows side_poll only: side topics up to the positions, and `model` up to the
 * versions, of the journal row that it was aimed at last. A topic of several partitions is given
 * only whole, for the journal has the sum of its positions. */
struct kept_sides {
    struct broker broker;
    const struct kept_log *log;
    const struct journal_row *row; /* borrowed until the next aim */
    size_t given[TOPIC_COUNT];     /* records of side topics that were visited */
    size_t model_given[ROW_LEARNERS_MAX];
    int64_t versions[ROW_LEARNERS_MAX]; /* given last; 0 = none */
    int64_t version_count;              /* versions given, all learners, those given again too */
};

void kept_sides_init(struct kept_sides *sides, const struct kept_log *log);
/* False if the row is behind what was given: whoever owned the partition knew less than the owner
 * before it. Then the readers' memories have to be made anew, and this too (kept_sides_rewind). */
bool kept_sides_aim(struct kept_sides *sides, const struct journal_row *row);
void kept_sides_rewind(struct kept_sides *sides);

#endif
