/* cluster: an in-memory Kafka, as far as the seam sees it: topics, the coordinator of transactions,
 * the coordinator of groups. What happens by itself (markers reach partitions one after another,
 * transactions time out, sessions end) happens in cluster_advance, which the schedule calls.
 *
 * Requests are answered at once and never lost here: delays, losses and errors of the way there and
 * back are the seam's (sim_seam). Behaviour is KAFKA.md's, as measured; tests/kafka runs the same
 * scenarios on a real broker. */
#ifndef PROMOSTREAM_TESTS_SIMULATION_CLUSTER_H
#define PROMOSTREAM_TESTS_SIMULATION_CLUSTER_H

#include "broker/broker.h"
#include "tests/simulation/partition_log.h"
#include "tests/simulation/schedule.h"

#define CLUSTER_PARTITIONS_MAX 4
#define CLUSTER_PRODUCERS_MAX  16
#define CLUSTER_GROUPS_MAX     4
#define CLUSTER_MEMBERS_MAX    8
#define CLUSTER_NAME_BYTES     64

enum answer {
    ANSWER_OK,
    ANSWER_CONCURRENT,         /* the transaction before is still being ended: ask again */
    ANSWER_FENCED,             /* an older producer epoch */
    ANSWER_NO_TRANSACTION,     /* nothing is open, or the other way */
    ANSWER_ILLEGAL_GENERATION, /* of the group */
    ANSWER_UNKNOWN_MEMBER,
    ANSWER_FENCED_INSTANCE, /* another member has this instance id now */
    ANSWER_REBALANCING,     /* to a heartbeat: join again */
};
extern const char *const answer_names[];

/* ---- transactions ---- */

struct marker { /* on its way to a partition, or to the group's offsets */
    enum topic topic;
    int32_t partition;
    bool is_offsets;
    bool is_written;
    int64_t due_us;
};

enum producer_state { PRODUCER_EMPTY, PRODUCER_OPEN, PRODUCER_ENDING };

struct cluster_producer { /* of one transactional.id */
    char id[CLUSTER_NAME_BYTES];
    int32_t epoch;
    enum producer_state state;
    bool commits;   /* how the last transaction ended, or is ending */
    bool has_ended; /* by the producer of this epoch: asking again is answered alike */
    int64_t transaction, started_us, timeout_us;
    struct marker markers[TOPIC_COUNT * CLUSTER_PARTITIONS_MAX + 1];
    size_t marker_count;
    struct cluster_group *group; /* whose offsets are in it */
};

/* ---- groups ---- */

struct committed {
    int64_t offset, epoch;                       /* -1 = none */
    int64_t pending, pending_epoch, transaction; /* offsets in an open transaction; -1 = none */
    const struct cluster_producer *writer, *pending_writer; /* as the metadata names them */
};

struct cluster_member {
    char instance[CLUSTER_NAME_BYTES];
    int64_t id;
    int64_t beat_us, session_us; /* the last sign of life */
    bool is_beating;             /* its process is there and beats by itself */
    int64_t resumes_us;          /* not beating: when it beats again; 0 = never */
    bool has_joined;             /* the generation that is being made */
    int32_t first, count;        /* partitions of its assignment */
};

struct cluster_group {
    char name[CLUSTER_NAME_BYTES];
    int input_count;
    enum topic inputs[INPUT_COUNT];
    struct cluster_member members[CLUSTER_MEMBERS_MAX];
    size_t member_count;
    int64_t generation, next_member;
    bool is_rebalancing;
    int64_t rebalances;
    struct committed committed[INPUT_COUNT][CLUSTER_PARTITIONS_MAX];
};

/* A request that its sender has given up; it arrives all the same. */
struct late_request {
    struct cluster_producer *producer; /* NULL = free */
    int32_t epoch;
    int64_t due_us;
    bool is_offsets, commits; /* is_offsets: send_offsets, else the end */
    struct cluster_group *group;
    char instance[CLUSTER_NAME_BYTES];
    int64_t member, generation;
    struct epoch_offset offsets[INPUT_COUNT * CLUSTER_PARTITIONS_MAX];
    size_t offset_count;
};
#define CLUSTER_LATE_MAX 32

struct cluster {
    struct schedule *schedule;
    struct rng rng;
    int32_t partitions[TOPIC_COUNT]; /* 0 = there is no such topic */
    struct partition_log logs[TOPIC_COUNT][CLUSTER_PARTITIONS_MAX];
    struct cluster_producer producers[CLUSTER_PRODUCERS_MAX];
    size_t producer_count;
    struct cluster_group groups[CLUSTER_GROUPS_MAX];
    size_t group_count;
    struct late_request late[CLUSTER_LATE_MAX];
    int64_t next_transaction;
    int64_t marker_delay_us; /* at most, for each marker */
    bool is_lax;             /* broken on purpose: it fences nobody */
    bool is_read_early; /* broken on purpose: whoever does not wait for a partition's open offsets
                           adds its own to them */
    int64_t commits, aborts, expired, fencings, takeovers;
};

void cluster_init(struct cluster *cluster, struct schedule *schedule, uint64_t seed,
                  int32_t partitions);
void cluster_clean_up(struct cluster *cluster);
void cluster_advance(struct cluster *cluster);

/* Plain records, or those of a finished transaction of somebody else. */
void cluster_append(struct cluster *cluster, enum topic topic, int32_t partition, struct bytes key,
                    struct bytes value, int64_t timestamp_ms);
int64_t cluster_end(const struct cluster *cluster, enum topic topic, int32_t partition);
int64_t cluster_stable(const struct cluster *cluster, enum topic topic, int32_t partition);
/* lag_us: of topics that workers follow (topics.h). */
void cluster_compact(struct cluster *cluster, int64_t tail, int64_t lag_us, int64_t keep_us);

/* ---- the coordinator of transactions (cluster_txn.c) ---- */

/* Fences whoever had the id; CONCURRENT while its transaction is being ended. */
enum answer cluster_init_producer(struct cluster *cluster, const char *id, int64_t timeout_us,
                                  struct cluster_producer **out, int32_t *out_epoch);
/* Opens a transaction if none is. */
enum answer cluster_add_partition(struct cluster *cluster, struct cluster_producer *producer,
                                  int32_t epoch, enum topic topic, int32_t partition);
enum answer cluster_produce(struct cluster *cluster, struct cluster_producer *producer,
                            int32_t epoch, enum topic topic, int32_t partition, struct bytes key,
                            struct bytes value, int64_t timestamp_ms);
/* Of the whole epoch; member and generation as the consumer knew them. */
enum answer cluster_send_offsets(struct cluster *cluster, struct cluster_producer *producer,
                                 int32_t epoch, struct cluster_group *group, const char *instance,
                                 int64_t member, int64_t generation,
                                 const struct epoch_offset *offsets, size_t count);
enum answer cluster_end_transaction(struct cluster *cluster, struct cluster_producer *producer,
                                    int32_t epoch, bool commits);
/* The coordinator ends it as if its time were over. */
void cluster_expire(struct cluster *cluster, struct cluster_producer *producer);
void cluster_add_late(struct cluster *cluster, const struct late_request *request);
/* Of cluster_advance. */
void cluster_advance_transactions(struct cluster *cluster);

/* ---- the coordinator of groups (cluster_group.c) ---- */

struct cluster_group *cluster_group_of(struct cluster *cluster, const char *name,
                                       const enum topic *inputs, int input_count);
/* A new member, or a known instance under a new id: then without a rebalance. Returns the id. */
int64_t cluster_join(struct cluster *cluster, struct cluster_group *group, const char *instance,
                     int64_t session_us);
/* The same member answers a rebalance. */
enum answer cluster_rejoin(struct cluster *cluster, struct cluster_group *group,
                           const char *instance, int64_t member);
/* OK, REBALANCING (and not joined yet), UNKNOWN_MEMBER, FENCED_INSTANCE. */
enum answer cluster_beat(struct cluster *cluster, struct cluster_group *group, const char *instance,
                         int64_t member);
void cluster_leave(struct cluster *cluster, struct cluster_group *group, const char *instance,
                   int64_t member);
/* NULL if it is not, or no longer, a member. */
struct cluster_member *cluster_member_of(struct cluster_group *group, int64_t member);
enum answer cluster_check_member(const struct cluster *cluster, struct cluster_group *group,
                                 const char *instance, int64_t member, int64_t generation);
/* False while an open transaction holds offsets of the partition. */
bool cluster_committed(const struct cluster_group *group, int32_t partition,
                       struct assignment *out);
/* Of cluster_advance. */
void cluster_advance_groups(struct cluster *cluster);

#endif
