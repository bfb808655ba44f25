/* worker_internal: what worker.c (life, epochs) and worker_gather.c (intake, assignments) share.
 * Private to them. */
#ifndef PROMOSTREAM_CONSUMER_WORKER_INTERNAL_H
#define PROMOSTREAM_CONSUMER_WORKER_INTERNAL_H

#include "consumer/recovery.h"
#include "consumer/worker.h"

#define ROOM "worker"

/* A partition of the input as this worker knows it. */
struct owned {
    struct partition partition;
    bool
        has_memory; /* partition is filled; it may be kept while somebody else owns the partition */
    bool is_running;          /* assigned and recovered */
    int64_t end[INPUT_COUNT]; /* --until-end: log ends at start */
    struct record *gathered[INPUT_COUNT];
    size_t gathered_count[INPUT_COUNT], gathered_capacity[INPUT_COUNT];
};

struct worker {
    struct worker_settings settings;
    struct broker *broker;
    struct health *health;
    struct timezone_set *zones;
    struct side side;
    struct decision_tally tally;
    struct pipeline pipeline;
    struct recovery recovery;
    struct worker_metrics metrics;
    int64_t lag_since_ns, lag_said_ns; /* far behind the log ends since then, 0 = not; last line */
    struct owned *owned;               /* partition_count of them */
    int32_t partition_count;
    struct assignment
        *arriving;         /* what the last assignment brought and is read back; room for all */
    size_t arriving_count; /* 0 = everything assigned runs */
    size_t arrived;        /* so many of them are read */
    size_t prepared;       /* and of so many the broker knows that they will be */
    int arriving_tries;    /* of the one that is being read */
    int64_t assigned_ns;   /* monotonic: the last assignment */
    size_t gathered, gathered_bytes; /* records of this epoch, all partitions */
    bool is_assigned, is_firing, is_done;
    bool is_fresh;             /* assigned, and no record has come since */
    int64_t heartbeat_wall_ms; /* last submitted epoch */
    int64_t hold_since_ns;     /* records wait for their schemas since then; 0 = none do */
    int64_t hold_until_ns;     /* then the registry's time is over */
    int64_t hold_schemas;      /* that it had given when its time began */
    int64_t hold_requests;     /* that it had answered within its time */
    int64_t hold_logged_ns;    /* said again at this time */
    _Atomic int64_t watermark_ms;
};

static inline int64_t now_ms(const struct worker *worker) {
    return clock_now_ms(worker->settings.clock);
}

/* Frees a partition's memory; idempotent. */
void owned_drop_memory(struct owned *owned);
/* Gathers the next epoch's records for at most the epoch's interval, recovering and dropping
 * partitions as assignments come and go. */
MUST_CHECK struct failure worker_gather(struct worker *worker);
/* False while gathered records wait for their writers' schemas: gather again, which serves the
 * group, and ask again. */
bool worker_may_decode(struct worker *worker);
/* Gauges of how far the worker is behind the log ends; a line now and then while that is far. */
void worker_show_lag(struct worker *worker, int64_t now_ns);
/* The gathered records are computed or discarded: gives them back. */
void worker_forget_gathered(struct worker *worker);

#endif
