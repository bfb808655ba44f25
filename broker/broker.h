/* broker: the seam. Rooms and commands see records, assignments and epochs; librdkafka stays
 * behind.
 *
 * One `struct broker` is one worker's or trainer's connection: a consumer in the group, a
 * transactional producer, a reader for recovery and side topics. All calls come from its one
 * thread; the commit thread and librdkafka's own threads stay inside. The life of a worker:
 *
 *     open -> side_read_to_end -> loop { poll -> assigned | revoked | lost | records ... submit }
 * -> drain -> close
 *
 * Exactly-once: an epoch's outputs and offsets commit in one transaction on the commit thread while
 * the caller computes the next one. If it does not commit, poll reports BROKER_LOST for everything
 * and then BROKER_ASSIGNED anew with the committed positions: one recovery path for every fault. */
#ifndef PROMOSTREAM_BROKER_BROKER_H
#define PROMOSTREAM_BROKER_BROKER_H

#include "base/config.h"
#include "base/failure.h"
#include "base/log.h"
#include "base/metrics.h"
#include "broker/epoch.h"
#include "broker/topics.h"

enum broker_input { INPUT_CLICKSTREAM, INPUT_FEEDBACK, INPUT_COUNT };
#define INPUT_EXAMPLES ((enum broker_input)0) /* the only input of a trainer */

struct broker_config {
    const char *bootstrap_servers;
    const char *group_id;
    const char *worker_name; /* stable: group.instance.id; unique in the group */
    /* Of the producer; NULL = group_id-worker_name. Members that take over from each other under
     * different names must share one: taking over then fences (a trainer's, per learner). */
    const char *transactional_id;
    /* What the group reads; 0 = a worker's clickstream and push-feedback, and the topics that
     * belong to them are checked for the same partition count. */
    enum topic inputs[INPUT_COUNT];
    int input_count;
    /* The producer is made when partitions are assigned, before committed positions are read, and
     * ends when they are taken away: a standby must not fence the member that is at work. */
    bool opens_producer_at_assignment;
    const char
        *auto_offset_reset; /* earliest | latest: where a partition without position starts */
    struct config_properties
        kafka; /* passed through to every client by their own names (TLS, SASL, ...) */
    int64_t session_timeout_ms, transaction_timeout_ms, commit_deadline_ms;
    /* A call of a transaction has a time-out of its own, which librdkafka may forget (#5456). One
     * that has not come back for so long behind it ends the process; 0 = a minute. */
    int64_t call_stuck_ms;
    bool leave_group_at_close; /* --leave: unsubscribe, then close */
    bool is_embedded;          /* mock cluster: no committed offsets, no admin */
};

struct record_header {
    struct bytes key, value; /* value.data NULL = null; an empty one is not null */
};
/* What record_headers does for a message of its own kind. */
typedef size_t record_headers_read(const void *message, struct record_header *out, size_t max);

/* One record of an input topic; key and value are borrowed until broker_release. */
struct record {
    struct bytes key, value; /* data NULL = null */
    int64_t timestamp_ms;    /* record timestamp, -1 = none */
    int64_t offset;
    int32_t partition;
    enum broker_input input;
    uint32_t following; /* broker_read_to_end: so many of the next records lie behind this one in
                           memory, to be looked at ahead; all stay until the last of
                           them has been visited; elsewhere 0 */
    /* Headers stay unread in their message, borrowed like the value, until record_headers asks.
     * NULL = none: also of records that were not polled. */
    record_headers_read *read_headers;
    const void *message;
};

/* Headers in their order, the first max of them; returns how many there are. Keys are any bytes up
 * to their first NUL (librdkafka's own reading), may be empty and may repeat. Borrowed like the
 * value. */
size_t record_headers(const struct record *record, struct record_header *out, size_t max);

/* A partition number, of all input topics together (they are co-partitioned, assignor range). */
struct assignment {
    int32_t partition;
    int64_t next_offset[INPUT_COUNT]; /* committed position, -1 = none in the group */
    int64_t epoch;                    /* from the committed metadata, -1 = none */
};

enum broker_event_kind {
    BROKER_NOTHING,  /* the timeout passed */
    BROKER_RECORDS,  /* records, in offset order per partition and input */
    BROKER_ASSIGNED, /* assignments: recover and then broker_start each, polling on: what is started
                        is fetched while others are still recovered */
    BROKER_REVOKED,  /* all partitions, after the epoch in flight committed: gathered records are
                        discarded, memory as of the last submitted epoch may be kept for a return */
    BROKER_LOST,     /* all partitions: memory must be dropped, gathered records discarded */
};

struct broker_event {
    enum broker_event_kind kind;
    const struct record *records; /* BROKER_RECORDS: valid until broker_release */
    size_t record_count;
    const struct assignment *assignments; /* BROKER_ASSIGNED: valid until the next poll */
    size_t assignment_count;
};

struct broker;
struct broker_ops; /* private to the implementations: broker_kafka.c, tests' simulated one */

/* Opens clients, fences a predecessor of the same worker_name (init_transactions; or later, see
 * opens_producer_at_assignment), warms metadata, subscribes. Borrowed: topics, log, the texts of
 * config. RETRY or STOP on failure, *out NULL. */
MUST_CHECK struct failure broker_kafka_open(const struct broker_config *config,
                                            const struct topics *topics, const struct log_sink *log,
                                            struct broker **out);

/* Waits up to timeout_ms for something. Records of revoked partitions are never returned after the
 * revocation. The records of several polls stay valid together until broker_release. STOP: the
 * process must end. */
MUST_CHECK struct failure broker_poll(struct broker *broker, int timeout_ms, size_t records_max,
                                      struct broker_event *out);
/* Gives back every record returned since the last release (after their epoch was computed or
 * discarded). */
void broker_release(struct broker *broker);

/* After recovery: the next poll fetches the partition at these positions; -1 = where a partition
 * without position starts. Others of the assignment may still be recovered meanwhile. RETRY while
 * the broker is away: call it again. STOP for a position beyond the end. */
MUST_CHECK struct failure broker_start(struct broker *broker, int32_t partition,
                                       const int64_t next_offset[INPUT_COUNT]);

/* The empty one of the two epoch buffers. */
struct epoch *broker_epoch(struct broker *broker);
/* Closes the epoch: takes the group metadata now, waits for the epoch in flight, hands this one to
 * the commit thread. An epoch without records and offsets is dropped. If the epoch in flight had
 * failed, this one is discarded too, NONE is returned and the next poll says BROKER_LOST. */
MUST_CHECK struct failure broker_submit(struct broker *broker, struct epoch *epoch);
/* Waits until nothing is in flight. *out_committed: whether all submitted epochs committed. */
MUST_CHECK struct failure broker_drain(struct broker *broker, bool *out_committed);

/* True end of an input partition (read_uncommitted), and our position in it (past control records
 * once fetched; equal to the end when everything was delivered). */
MUST_CHECK struct failure broker_log_end(struct broker *broker, enum broker_input input,
                                         int32_t partition, int64_t *out);
MUST_CHECK struct failure broker_position(struct broker *broker, enum broker_input input,
                                          int32_t partition, int64_t *out);
/* Records between our position and the log end as the last fetch told it: asks nobody. -1 = not
 * known yet. Of a started partition. */
int64_t broker_lag(struct broker *broker, enum broker_input input, int32_t partition);
MUST_CHECK struct failure broker_partition_count(struct broker *broker, enum topic topic,
                                                 int32_t *out);

/* Reads a topic partition from its start to its true end (taken once, read_uncommitted; records
 * read_committed). value.data NULL = tombstone. Used for recovery, after the assignment's committed
 * positions are known. */
typedef void broker_visit(void *context, const struct record *record);
MUST_CHECK struct failure broker_read_to_end(struct broker *broker, enum topic topic,
                                             int32_t partition, broker_visit *visit, void *context);
/* The same in parts: reads on for about budget_ms (below 0 = to the end), a batch at least;
 * *out_is_end: that was the last of it. Between the parts other calls may come. An assignment
 * (BROKER_ASSIGNED) ends what was read in part: the next call begins anew. */
MUST_CHECK struct failure broker_read_some(struct broker *broker, enum topic topic,
                                           int32_t partition, int budget_ms, broker_visit *visit,
                                           void *context, bool *out_is_end);
/* A hint: that call will come for this topic partition, before the next assignment; its records are
 * fetched meanwhile. */
void broker_read_ahead(struct broker *broker, enum topic topic, int32_t partition);

/* How far a read to the end has come, in offsets; compaction leaves holes between them. */
struct broker_reading {
    enum topic topic;
    int32_t partition;
    int64_t done, total;
};
typedef void broker_watch(void *context, const struct broker_reading *reading);
/* Called from inside of reads to an end, several times a second, also while nothing comes because
 * somebody's transaction is open. One watcher, from now on; an implementation may have nothing to
 * say. */
void broker_watch_reading(struct broker *broker, broker_watch *watch, void *context);

/* Side topics (control, catalogue, profiles): all partitions from the start; the first call reads
 * to the true end taken then, later calls take what has arrived, without waiting. Positions: next
 * offsets summed over partitions. */
MUST_CHECK struct failure broker_side_poll(struct broker *broker, enum topic topic,
                                           broker_visit *visit, void *context,
                                           int64_t *out_position);

/* Any thread. */
const struct broker_metrics *broker_metrics_of(const struct broker *broker);

/* Orderly end: leaves the group if configured, closes clients within 10 s, frees. */
void broker_close(struct broker *broker);

#define BROKER_METRICS(X)                                                                          \
    X(polled_total, COUNTER, "records taken from the input topics")                                \
    X(epochs_committed_total, COUNTER, "epochs whose transaction committed")                       \
    X(epochs_aborted_total, COUNTER, "epochs that were aborted or lost")                           \
    X(records_produced_total, COUNTER, "output records in committed epochs")                       \
    X(produced_bytes_total, COUNTER, "bytes of output records in committed epochs")                \
    X(producers_recreated_total, COUNTER, "transactional producers made anew")                     \
    X(rebalances_total, COUNTER, "assignments received")                                           \
    X(takeovers_total, COUNTER, "dead workers whose open transactions were ended")                 \
    X(commit_last_us, GAUGE, "duration of the last transaction in microseconds")
METRICS_STRUCT(broker_metrics, BROKER_METRICS)

#endif
