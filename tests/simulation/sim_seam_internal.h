/* sim_seam_internal: one simulated connection, shared by its files. Private to them.
 *
 *     sim_seam.c    open, close, log ends, recovery, side topics
 *     sim_poll.c    what poll says: losses, assignments, records; the group
 *     sim_commit.c  epochs: the commit task, submit, drain
 *     sim_txn.c     the calls of one transaction, the producer */
#ifndef PROMOSTREAM_TESTS_SIMULATION_SIM_SEAM_INTERNAL_H
#define PROMOSTREAM_TESTS_SIMULATION_SIM_SEAM_INTERNAL_H

#include "broker/txn_errors.h"
#include "tests/simulation/sim_seam.h"

struct slot {
    int32_t partition;
    bool is_started;
    int64_t start[INPUT_COUNT], next[INPUT_COUNT];
    int64_t lags_until_us[INPUT_COUNT];
};

enum ownership { OWNS_NOTHING, OWNS_UNREAD, OWNS_RECOVERING, OWNS_RUNNING };

struct lent { /* records of one poll */
    struct lent *next;
    struct record *records;
    uint8_t *bytes;
};

/* A read to an end that is done in parts. */
struct sim_read {
    bool is_open;
    int64_t position, end;
};

struct sim_seam {
    struct broker broker;
    struct broker_metrics metrics;
    struct sim_process *process;
    struct sim_seam_options options;
    struct cluster_group *group;
    char id[CLUSTER_NAME_BYTES];

    /* The group, as the client knows it. */
    int64_t member, generation, next_beat_us;
    bool is_joining;      /* waits for a new generation */
    bool is_session_lost; /* told from outside */
    bool is_member_dead;
    int64_t member_fenced_us; /* of a fencing that nothing explained; -1 = never */
    bool is_fencing_explained;

    enum ownership ownership;
    struct slot slots[CLUSTER_PARTITIONS_MAX];
    size_t slot_count;
    struct assignment assignments[CLUSTER_PARTITIONS_MAX];
    bool is_reported;
    enum broker_event_kind pending;
    bool is_producer_stale;
    int takeovers_left; /* tries to end what dead workers left open */
    struct lent *lent;
    struct sim_read reads[TOPIC_COUNT][CLUSTER_PARTITIONS_MAX];
    int64_t side_next[TOPIC_COUNT][CLUSTER_PARTITIONS_MAX];
    bool side_is_at_end[TOPIC_COUNT];

    struct epoch epochs[2];
    int filling;

    /* Of both tasks. */
    struct epoch *in_flight; /* NULL = idle */
    int64_t sent_member, sent_generation;
    struct epoch_offset offsets[INPUT_COUNT * CLUSTER_PARTITIONS_MAX];
    size_t offset_count;
    bool has_failed, is_closing, is_committer_done;
    bool is_worker_waiting; /* for the commit task */
    struct failure stop;

    /* Of the commit task. */
    struct cluster_producer *producer;
    int32_t producer_epoch;
    bool has_open_transaction;
    bool is_doubtful; /* a call had to be repeated: the first one may still be under way */
    int failures_in_row;
    int64_t epochs_sent;
};

static inline struct sim_seam *seam_of(struct broker *broker) {
    return (struct sim_seam *)broker;
}
static inline struct sim_site *site_of(const struct sim_seam *seam) {
    return seam->process->site;
}
static inline int64_t seam_now_us(const struct sim_seam *seam) {
    return seam->process->site->schedule->now_us;
}

/* A place where time passes, up to us_max, and where the process may die: false then. */
MUST_CHECK bool seam_step(struct sim_seam *seam, int64_t us_max);
/* Sleeps, or does not if the process is dead. */
void seam_sleep(struct sim_seam *seam, int64_t us);
struct failure seam_dead(void);

/* sim_poll.c */
MUST_CHECK struct failure seam_poll(struct broker *broker, int timeout_ms, size_t records_max,
                                    struct broker_event *out);
void seam_release(struct broker *broker);
MUST_CHECK struct failure seam_start(struct broker *broker, int32_t partition,
                                     const int64_t next_offset[INPUT_COUNT]);
MUST_CHECK struct failure seam_position(struct broker *broker, enum broker_input input,
                                        int32_t partition, int64_t *out);
int64_t seam_lag(struct broker *broker, enum broker_input input, int32_t partition);
struct slot *seam_slot(struct sim_seam *seam, int32_t partition);
void seam_join(struct sim_seam *seam);

/* sim_commit.c */
void seam_commit_run(void *seam); /* the commit task */
struct epoch *seam_epoch(struct broker *broker);
MUST_CHECK struct failure seam_submit(struct broker *broker, struct epoch *epoch);
MUST_CHECK struct failure seam_drain(struct broker *broker, bool *out_committed);
/* False at the time-out. */
bool seam_wait_settled(struct sim_seam *seam, int64_t us);
bool seam_wait_idle(struct sim_seam *seam, int64_t us);
bool seam_take_failure(struct sim_seam *seam);

/* sim_txn.c */
MUST_CHECK struct failure seam_producer_open(struct sim_seam *seam, int64_t wait_us);
void seam_producer_close(struct sim_seam *seam);
/* Repeats the call until it is done or the deadline has passed. */
MUST_CHECK struct failure seam_call(struct sim_seam *seam, enum txn_call which,
                                    int64_t deadline_us);
MUST_CHECK struct failure seam_transaction(struct sim_seam *seam, const struct epoch *epoch);
/* True if it is being closed, or is dead. */
bool seam_pause(struct sim_seam *seam, int64_t us);

#endif
