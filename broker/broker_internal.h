/* broker_internal: one worker's connection to Kafka, shared by its files. Private to broker/.
 *
 *     broker_kafka.c    open, close, the vtable
 *     broker_group.c    the group's consumer: join, leave, close, replacement
 *     broker_poll.c     what poll says: the end, losses, assignments, records
 *     broker_assign.c   rebalances, committed positions, start
 *     broker_takeover.c transactions that a dead worker left open
 *     broker_commit.c   epochs: submit, drain, the commit thread
 *     broker_txn.c      the calls of one transaction, the producer
 *     broker_read.c     log ends, recovery, side topics
 *
 * Two threads: the worker's (W) and the commit thread (C). What both touch lies in struct committer
 * under its mutex. */
#ifndef PROMOSTREAM_BROKER_BROKER_INTERNAL_H
#define PROMOSTREAM_BROKER_BROKER_INTERNAL_H

#include <pthread.h>

#include "broker/broker_ops.h"
#include "broker/client.h"
#include "broker/log_ends.h"

#define CALL_WAIT_MS                                                                               \
    5000 /* one blocking call of librdkafka; callers repeat within their deadline */
#define ANSWER_WAIT_MS       60000 /* a broker that is being restarted */
#define BATCH_MAX            10000 /* messages of one call to librdkafka */
#define REVOKE_WAIT_MS       60000 /* for the epoch in flight; below max.poll.interval.ms */
#define TRANSACTIONAL_ID_MAX 600   /* bytes, NUL included */

/* A partition number that this member owns, in all input topics. */
struct slot {
    int32_t partition;
    bool is_started;
    int64_t start[INPUT_COUNT]; /* where fetching began */
    int64_t next[INPUT_COUNT];  /* after the last record handed out */
    int64_t stale[INPUT_COUNT]; /* position left from an earlier assignment, not ours; -1 = none */
};

enum ownership {
    OWNS_NOTHING,
    OWNS_UNREAD,     /* assigned, committed positions not read yet */
    OWNS_RECOVERING, /* reported as assigned, none fetched yet */
    OWNS_RUNNING,    /* fetched, as far as they are started */
};

/* Records of one or more polls, side by side; they never move. */
struct batch {
    rd_kafka_message_t **messages;
    struct record *records;
    size_t count; /* of BATCH_MAX */
};

struct committer {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    pthread_t thread;
    bool has_thread;

    /* Under the mutex. */
    struct epoch *in_flight; /* NULL = idle; C works on it, and on nothing else of W's */
    rd_kafka_consumer_group_metadata_t *member;
    rd_kafka_topic_partition_list_t *offsets;
    bool has_failed; /* an epoch is lost; sticks until W has reported BROKER_LOST */
    bool is_closing;
    struct failure stop; /* the process must end; sticks for ever */

    /* Of C, before its start of W. */
    rd_kafka_t *producer;
    rd_kafka_topic_t *topics[TOPIC_COUNT]; /* NULL where the topic does not exist */
    struct failure delivery;               /* first permanent delivery error of the epoch */
    bool is_doubtful; /* a call had to be repeated: the first one may still be under way */
    int failures_in_row;
    bool is_haunted; /* a producer would not end; it may still touch our memory */
    /* Monotonic: C is in a call of librdkafka's since then, 0 = it is not. */
    _Atomic int64_t call_since_ms;
    bool is_stuck; /* of W: such a call does not come back; C is left where it is */
};

/* A topic or partition being read outside the group. */
struct reader {
    rd_kafka_topic_t *topic;
    rd_kafka_queue_t *queue;
    int32_t partitions; /* of a side topic */
    int64_t asked_ms;   /* when an absent side topic was last looked for; 0 = never */
    bool is_at_end;     /* a side topic was read to its end once */
};

/* The reading of a topic partition, from its first offset to the end that stood at its begin. */
struct partition_read {
    rd_kafka_t *client;
    struct reader reader; /* lent; queue NULL = there is nothing to read */
    enum topic topic;
    int32_t partition;
    struct log_span span;
    int64_t position;            /* -1 = not known yet */
    int64_t moved_ms, logged_ms; /* monotonic: when something came last, or was said */
};

#define AHEAD_MAX 8 /* more than the topics of two partitions */

struct broker_kafka;
struct broker_opaque {
    struct client_opaque client;
    struct broker_kafka *broker;
};

struct broker_kafka {
    struct broker broker;
    struct broker_opaque opaque;
    const struct broker_config *config; /* own_config: callers may keep theirs on the stack */
    struct broker_config own_config;
    const struct topics *topics;
    const struct log_sink *log;
    struct broker_metrics metrics;
    enum topic inputs[INPUT_COUNT]; /* input_count of them */
    int input_count;

    broker_watch *watch;
    void *watch_context;

    rd_kafka_t *consumer, *ends, *restore, *side;
    rd_kafka_queue_t *queue; /* of the consumer */

    enum ownership ownership;
    struct slot *slots; /* sorted by partition */
    size_t slot_count;
    struct assignment *assignments; /* as many as slots */
    bool is_reported;               /* the caller holds what we own */
    bool is_fetch_due;              /* partitions were started since the last assign() */
    enum broker_event_kind pending; /* REVOKED or LOST from a callback, not yet returned */
    bool is_batch_stale;            /* a callback took partitions away during the take */
    struct failure stop;            /* from a callback */
    bool is_member_dead;            /* the consumer was fenced and awaits its replacement */
    bool is_apart;                  /* not all input topics were known, or assigned: join anew */
    int64_t apart_since_ms;         /* monotonic, of the first such time in a row; 0 = none */
    int64_t member_fenced_ms;       /* monotonic, of a fencing that nothing explained; 0 = never */
    int64_t waiting_since_ms;       /* for committed positions; 0 = not waiting */
    int takeovers_left;             /* tries to settle what dead workers left open */
    bool is_producer_stale;         /* opens_producer_at_assignment: not of this assignment */

    struct batch *batches; /* batch_count in use since the last release */
    size_t batch_count, batch_capacity;
    struct reader readers[TOPIC_COUNT];      /* side topics */
    rd_kafka_topic_t *restored[TOPIC_COUNT]; /* of the restore client; NULL = not read yet */
    struct partition_read ahead[AHEAD_MAX];  /* being fetched: not asked for yet, or read in part */
    size_t ahead_count;

    char transactional_id[TRANSACTIONAL_ID_MAX];
    struct epoch epochs[2];
    int filling; /* the one that W fills */
    struct committer committer;
};

static inline struct broker_kafka *kafka_of(struct broker *broker) {
    return (struct broker_kafka *)broker;
}

/* broker_commit.c; W unless said */
void commit_init(struct broker_kafka *broker);
void commit_start(struct broker_kafka *broker);
/* Ends the thread after the epoch in flight, within about CALL_WAIT_MS. Idempotent. */
void commit_end(struct broker_kafka *broker);
void commit_clean_up(struct broker_kafka *broker);
struct epoch *commit_epoch(struct broker *broker);
MUST_CHECK struct failure commit_submit(struct broker *broker, struct epoch *epoch);
MUST_CHECK struct failure commit_drain(struct broker *broker, bool *out_committed);
/* Waits until the epoch in flight has committed or is known to have failed; false at the timeout.
 */
bool commit_wait(struct broker_kafka *broker, int timeout_ms);
/* Waits until the commit thread rests, so that committed positions are settled; false at the
 * timeout. */
bool commit_wait_idle(struct broker_kafka *broker, int timeout_ms);
/* Whether an epoch was lost since the last call. */
bool commit_take_failure(struct broker_kafka *broker);
/* opens_producer_at_assignment; the commit thread must rest. RETRY: the next poll tries again. */
MUST_CHECK struct failure commit_open_producer(struct broker_kafka *broker);
/* Ends a producer whose assignment is gone, once the commit thread rests. */
void commit_drop_producer(struct broker_kafka *broker);
struct failure commit_stop_reason(struct broker_kafka *broker);
/* Any thread: waits up to wait_ms; true as soon as the broker is being closed. */
bool commit_pause(struct broker_kafka *broker, int wait_ms);

/* broker_txn.c; C, and W before C's start */
MUST_CHECK struct failure txn_producer_open(struct broker_kafka *broker, int64_t deadline_ms);
void txn_producer_close(struct broker_kafka *broker);
/* One transaction. NONE: committed. Otherwise lost, and the action says how to go on. */
MUST_CHECK struct failure txn_run(struct broker_kafka *broker, const struct epoch *epoch,
                                  const rd_kafka_topic_partition_list_t *offsets,
                                  const rd_kafka_consumer_group_metadata_t *member);
MUST_CHECK struct failure txn_abort(struct broker_kafka *broker);

/* broker_assign.c; W */
void assign_on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t code,
                         rd_kafka_topic_partition_list_t *partitions, void *opaque);
MUST_CHECK struct failure assign_start(struct broker *broker, int32_t partition,
                                       const int64_t next_offset[INPUT_COUNT]);
/* Fetches what is started, all of it. */
MUST_CHECK struct failure assign_fetch(struct broker_kafka *broker);
/* Reads committed positions of what we own; *out_ready false: not yet (a transaction is pending,
 * broker away). */
MUST_CHECK struct failure assign_read_positions(struct broker_kafka *broker, int timeout_ms,
                                                bool *out_ready);
/* Nothing is ours any more, and the next poll says so: REVOKED if it is clean, that is, all that
 * was submitted has committed; LOST otherwise. */
void assign_forget(struct broker_kafka *broker, bool is_clean);
/* Stops fetching, stays in the group: what we own must be recovered anew. */
void assign_rewind(struct broker_kafka *broker);
/* The group or a broker does not know all input topics: the next poll joins anew, which asks again.
 * True: for too long by now. */
bool assign_come_apart(struct broker_kafka *broker);
struct slot *assign_find(struct broker_kafka *broker, int32_t partition);
MUST_CHECK struct failure assign_position(struct broker *broker, enum broker_input input,
                                          int32_t partition, int64_t *out);

/* The metadata of a committed offset, "EPOCH WRITER": the epoch's number, -1 = none, and the
 * transactional.id of who committed it, borrowed, empty = not named. */
int64_t assign_note(const rd_kafka_topic_partition_t *element, struct bytes *out_writer);

/* broker_takeover.c; W */
/* Fences the last writers of what we own that are not members of the group any more. False: not
 * settled, for want of an answer. */
bool takeover_dead(struct broker_kafka *broker);

int64_t assign_lag(struct broker *broker, enum broker_input input, int32_t partition);

/* broker_group.c; W */
MUST_CHECK struct failure group_open(struct broker_kafka *broker);
/* False if the client does not end; then this struct must never be freed. No consumer is fine. */
bool group_close(struct broker_kafka *broker, bool leaves);
/* Whether the consumer met a fatal error: STOP, or it was fenced and what we owned is lost. */
MUST_CHECK struct failure group_check(struct broker_kafka *broker);
/* A new consumer for a fenced one, once all its records were released. */
MUST_CHECK struct failure group_rejoin(struct broker_kafka *broker, int timeout_ms);

/* broker_poll.c; W */
MUST_CHECK struct failure poll_event(struct broker *broker, int timeout_ms, size_t records_max,
                                     struct broker_event *out);
void poll_release(struct broker *broker);
void poll_clean_up(struct broker_kafka *broker);

/* broker_read.c; W */
MUST_CHECK struct failure read_log_end(struct broker *broker, enum broker_input input,
                                       int32_t partition, int64_t *out);
MUST_CHECK struct failure read_partition_count(struct broker *broker, enum topic topic,
                                               int32_t *out);
MUST_CHECK struct failure read_to_end(struct broker *broker, enum topic topic, int32_t partition,
                                      broker_visit *visit, void *context);
MUST_CHECK struct failure read_some(struct broker *broker, enum topic topic, int32_t partition,
                                    int budget_ms, broker_visit *visit, void *context,
                                    bool *out_is_end);
void read_ahead(struct broker *broker, enum topic topic, int32_t partition);
/* What was fetched for an assignment that is gone. */
void read_ahead_drop(struct broker_kafka *broker);
MUST_CHECK struct failure read_side(struct broker *broker, enum topic topic, broker_visit *visit,
                                    void *context, int64_t *out_position);
void read_watch(struct broker *broker, broker_watch *watch, void *context);
void read_restore_close(struct broker_kafka *broker);
void read_clean_up(struct broker_kafka *broker);

/* broker_kafka.c */
/* Of the worker of that name, unless the members share one. False: it is too long. */
bool transactional_id_of(const struct broker_kafka *broker, const char *worker_name,
                         char out[TRANSACTIONAL_ID_MAX]);
/* The name of an input's topic. */
const char *input_name(const struct broker_kafka *broker, int input);
MUST_CHECK struct failure client_of_broker(struct broker_kafka *broker, enum client_kind kind,
                                           const struct client_setting *settings, size_t count,
                                           rd_kafka_t **out);

#endif
