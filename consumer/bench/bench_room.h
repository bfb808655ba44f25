/* bench_room: what each room costs, one at a time, on the stream of bench_engine.
 *
 * A room's own function is called in a loop over an epoch's events, in the order of the stream,
 * after the state of all users was filled. Whoever touches a user first pays for the cache miss:
 * `find`. The sum is not the engine's time: the pipeline fetches memory ahead and fires timers,
 * which these loops do not. */
#ifndef PROMOSTREAM_BENCH_ROOM_H
#define PROMOSTREAM_BENCH_ROOM_H

#include "consumer/bench/bench_engine.h"

/* X(enumerator, name, unit, what is called) */
#define BENCH_ROOMS(X)                                                                             \
    X(BENCH_DECODE, "decode", "event", "framing and our event.avsc")                               \
    X(BENCH_CLEAN, "clean", "event", "clean_event")                                                \
    X(BENCH_FIND, "find", "event", "the user by its id")                                           \
    X(BENCH_FOLD, "fold", "event", "duplicate and bot rules, the event into the state")            \
    X(BENCH_TRIGGERS, "triggers", "event", "timers armed and disarmed")                            \
    X(BENCH_CAPTURE, "capture", "decision", "episode, joins, features")                            \
    X(BENCH_SCORE, "score", "decision", "all learners, all arms")                                  \
    X(BENCH_DECIDE, "decide", "decision", "gates, rules, draws")                                   \
    X(BENCH_EMIT, "emit", "decision", "its rows, texts of a push included")                        \
    X(BENCH_ENCODE, "encode", "user row", "state into its row")                                    \
    X(BENCH_ROW_DECODE, "row decode", "user row", "row into state, items interned")                \
    X(BENCH_RECOVERY, "recovery", "user", "a partition from its topics, in memory")

#define BENCH_ROOM_ENUM(id, name, unit, help) id,
enum bench_room { BENCH_ROOMS(BENCH_ROOM_ENUM) BENCH_ROOM_COUNT };

struct bench_room_result {
    double ns[BENCH_ROOM_COUNT]; /* CPU time per unit, median of the rounds */
    uint64_t users;
    double row_bytes; /* of a user's row */
};

struct bench_room_settings {
    struct bench_engine_settings engine; /* events is not used */
    size_t rounds;                       /* of an epoch's events each; BENCH_ROUNDS_MAX at most */
};

#define BENCH_ROUNDS_MAX 100

/* STOP if recovery refuses what was written. */
MUST_CHECK struct failure bench_room_measure(const struct pipeline_config *config,
                                             const struct bench_room_settings *settings,
                                             struct bench_room_result *out);

#endif
