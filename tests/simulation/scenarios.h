/* scenarios: what the seam promises, as scripts that see nothing but the seam. They run on the
 * simulated cluster (test_scenarios.c) and on a real broker (tests/kafka/test_seam_scenarios.c) and
 * must end the same way: that is what the simulator is worth. */
#ifndef PROMOSTREAM_TESTS_SIMULATION_SCENARIOS_H
#define PROMOSTREAM_TESTS_SIMULATION_SCENARIOS_H

#include "broker/broker.h"

#define STAGE_PARTITIONS 2
#define STAGE_PROCESSES  3
#define STAGE_STRANGER   "stranger" /* no worker's name */

enum feed_manner { FEED_PLAIN, FEED_COMMITTED, FEED_ABORTED };

/* Where a scenario plays. Its topics are empty at first; they have STAGE_PARTITIONS. */
struct stage {
    struct failure (*open)(struct stage *stage, const char *worker, struct broker **out);
    void (*feed)(struct stage *stage, enum topic topic, int32_t partition, int count,
                 enum feed_manner manner);
    /* As left behind by a dead process of that worker's name: a new producer of its
     * transactional.id has written a record, key "ghost", to user-state [0], and its transaction is
     * open. */
    void (*leave_open)(struct stage *stage, const char *worker);
    void (*end_open)(struct stage *stage, bool commits);
    /* Another producer of the worker's transactional.id has come and gone. */
    void (*fence)(struct stage *stage, const char *worker);
    int64_t (*now_ms)(struct stage *stage);
    char trouble[400]; /* what was not as expected; empty = nothing */
};

/* X(function, what must come of it) */
#define SCENARIOS(X)                                                                               \
    X(scenario_round_trip, "an epoch is there after a restart, with its number")                   \
    X(scenario_crash_with_open_epoch, "a restart in place ends what its predecessor left open")    \
    X(scenario_offsets_after_fencing, "an epoch of offsets alone notices that it was fenced")      \
    X(scenario_twin, "whoever takes the name ends the other's epochs")                             \
    X(scenario_revoke, "the epoch in flight commits before partitions go")                         \
    X(scenario_read_waits, "reading back waits for a stranger's open transaction")                 \
    X(scenario_aborted_at_end, "aborted records are seen by nobody, and end no read")              \
    X(scenario_positions, "positions pass control records, committed ones stay")                   \
    X(scenario_standby, "a member without partitions is told so")                                  \
    X(scenario_lost_epochs, "after a lost epoch comes LOST, then the old positions")

typedef void scenario(struct stage *stage);
#define SCENARIO_DECLARE(function, text) scenario function;
SCENARIOS(SCENARIO_DECLARE)

#endif
