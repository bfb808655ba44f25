/* faults: what can go wrong in a simulation, how often in this seed, and how often it did. Each
 * seed draws its own mixture: some kinds stay away, the others come at a rate of their own. */
#ifndef PROMOSTREAM_TESTS_SIMULATION_FAULTS_H
#define PROMOSTREAM_TESTS_SIMULATION_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"

/* X(enumerator, highest share, what it is). The share is of the occasions: calls for the first
 * part, seconds of a process for the second, seconds of the whole for the third. */
#define FAULTS(X)                                                                                  \
    X(FAULT_RETRIABLE, 0.1, "a transaction's call fails, to be repeated")                          \
    X(FAULT_TIMEOUT_UNDONE, 0.02, "a call times out, nothing was done")                            \
    X(FAULT_TIMEOUT_DONE, 0.02, "a call times out, and was done")                                  \
    X(FAULT_ABORTABLE, 0.05, "a call fails, the transaction must be aborted")                      \
    X(FAULT_ABORTABLE_DONE, 0.03, "offsets arrive, the call fails abortable")                      \
    X(FAULT_FATAL_UNDONE, 0.03, "a call fails for good, nothing was done")                         \
    X(FAULT_FATAL_DONE, 0.03, "a call fails for good, and was done")                               \
    X(FAULT_DELIVERY, 0.05, "a record of the transaction is not delivered")                        \
    X(FAULT_DELAY, 0.1, "a call takes up to 2 s")                                                  \
    X(FAULT_AWAY, 0.1, "a log's end or position cannot be asked")                                  \
    X(FAULT_UNSETTLED, 0.3, "committed positions time out once more")                              \
    X(FAULT_CRASH, 0.15, "a process dies at a step")                                               \
    X(FAULT_STALL, 0.08, "a process stands still for 1-40 s")                                      \
    X(FAULT_SESSION, 0.05, "a member's session ends at the client")                                \
    X(FAULT_EXPIRE, 1.0, "a transaction is timed out early")                                       \
    X(FAULT_LAG, 0.2, "a partition is not fetched for up to 5 s")                                  \
    X(FAULT_CLOCK_JUMP, 0.1, "a wall clock jumps by up to 3 h")                                    \
    X(FAULT_CLOCK_STALL, 0.05, "a wall clock stands still")                                        \
    X(FAULT_COORDINATOR, 0.05, "transactions' coordinator is away for 0.1-60 s")                   \
    X(FAULT_TWIN, 0.1, "a second process takes a name")                                            \
    X(FAULT_MEMBERS, 0.1, "a worker joins or leaves the group")                                    \
    X(FAULT_COMPACTION, 0.5, "topics are compacted")                                               \
    X(FAULT_LATE, 0.5, "a call that timed out is done later")

#define FAULT_ENUM(id, share, text) id,
enum fault { FAULTS(FAULT_ENUM) FAULT_COUNT };

struct faults {
    struct rng rng;
    double share[FAULT_COUNT];
    int64_t injected[FAULT_COUNT];
    bool is_over; /* nothing more goes wrong */
};

extern const char *const fault_names[FAULT_COUNT], *const fault_texts[FAULT_COUNT];

void faults_init(struct faults *faults, uint64_t seed);
/* Many calls time out and are done later. */
void faults_make_late(struct faults *faults);
/* None at all: an undisturbed run. */
void faults_init_calm(struct faults *faults, uint64_t seed);
/* Whether it happens now, at one of its occasions; counted if so. */
bool fault_happens(struct faults *faults, enum fault fault);
/* Of occasions that stand for only part of one, such as a slice of a second. */
bool fault_happens_in(struct faults *faults, enum fault fault, double part);
/* A length between low and high, short ones as likely as long ones. */
int64_t fault_length(struct faults *faults, int64_t low, int64_t high);

#endif
