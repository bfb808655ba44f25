/* sim_seam: the broker seam of one simulated process over a cluster, built as broker_kafka is: two
 * epoch buffers and a commit task beside the worker's, one recovery path, static members. Each call
 * may be delayed, fail in a way that broker.h documents, or be the last one before the process
 * dies. */
#ifndef PROMOSTREAM_TESTS_SIMULATION_SIM_SEAM_H
#define PROMOSTREAM_TESTS_SIMULATION_SIM_SEAM_H

#include <stdio.h>

#include "broker/broker_ops.h"
#include "tests/simulation/cluster.h"
#include "tests/simulation/faults.h"

/* What the simulator breaks on purpose, to see that the oracle notices. */
#define BREAKS(X)                                                                                  \
    X(BREAK_NOTHING, "nothing")                                                                    \
    X(BREAK_LOST_EPOCH, "lost-epoch")             /* offsets commit without their records */       \
    X(BREAK_DOUBLE_EPOCH, "double-epoch")         /* records commit without their offsets */       \
    X(BREAK_LOST_PUSH, "lost-push")               /* an epoch commits without its pushes */        \
    X(BREAK_LOST_EXAMPLE, "lost-example")         /* or without its examples */                    \
    X(BREAK_STALE_STATE, "stale-state")           /* recovery misses the newest rows */            \
    X(BREAK_EARLY_READ, "early-read")             /* committed positions do not wait */            \
    X(BREAK_DIRTY_READ, "dirty-read")             /* reads see aborted records */                  \
    X(BREAK_NO_FENCING, "no-fencing")             /* old producers and generations may write */    \
    X(BREAK_LATE, "late")                         /* producers go on after calls that timed out */ \
    X(BREAK_EARLY_COMPACTION, "early-compaction") /* rows vanish before laggards come */
#define BREAK_ENUM(id, name) id,
enum sim_break { BREAKS(BREAK_ENUM) BREAK_COUNT };
extern const char *const break_names[BREAK_COUNT];

/* What all processes of a simulation share. */
struct sim_site {
    struct schedule *schedule;
    struct cluster *cluster;
    struct faults *faults;
    enum sim_break broken;
    int64_t away_until_us; /* the coordinator of transactions answers nobody */
    int64_t breaks;        /* times that something was broken on purpose */
    FILE *trace;           /* NULL = nobody reads it */
};

struct sim_process {
    const char *name;
    struct sim_site *site;
    struct rng rng;
    struct task *worker, *committer;         /* NULL = not running */
    bool is_dead;                            /* no call has any effect any more */
    int64_t dies_in;                         /* steps; 0 = does not */
    int64_t wall_start_ms;                   /* shown at time 0 */
    int64_t wall_speed;                      /* of its wall clock; 1 = the simulation's pace */
    int64_t wall_offset_ms, wall_stalled_ms; /* a jumped, a stalled clock; 0 = neither */
    struct sim_seam *seam;                   /* while it has one */
};

struct sim_seam_options {
    const char *group, *transactional_id;
    enum topic inputs[INPUT_COUNT];
    int input_count;
    bool opens_producer_at_assignment;
    int64_t session_us, transaction_us, commit_deadline_us;
    bool leaves;          /* --leave */
    const char *instance; /* NULL = the process's name */
};

/* As broker_kafka_open: on failure *out is NULL. Runs on the process's task. */
MUST_CHECK struct failure sim_seam_open(struct sim_process *process,
                                        const struct sim_seam_options *options,
                                        struct broker **out);

/* From outside of the process: */
void sim_process_stall(struct sim_process *process, int64_t until_us);
/* Its member's session is over at the client. */
void sim_process_lose_session(struct sim_process *process);
void sim_process_kill(struct sim_process *process);
void sim_process_lag(struct sim_process *process, int64_t until_us);
int64_t sim_process_wall_ms(void *process); /* a clock's now_ms */
struct cluster_producer *sim_process_producer(const struct sim_process *process); /* NULL = none */

/* A line of the trace. */
void sim_trace(struct sim_site *site, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
