/* sim_trainer: the seam as a trainer sees it, over an in-memory log of `examples` and `model`.
 * Epochs commit whole or not at all; seeded faults: an epoch is lost before or after its commit,
 * the assignment goes and comes, the process dies. */
#ifndef PROMOSTREAM_TESTS_SIM_TRAINER_H
#define PROMOSTREAM_TESTS_SIM_TRAINER_H

#include "base/rng.h"
#include "broker/broker_ops.h"
#include "model/learner.h"

struct sim_record {
    struct bytes key, value; /* owned; key.data NULL at an offset that is a control record */
};

struct sim_topic {
    struct sim_record *records;
    size_t count, capacity;
};

struct sim_trainer_log { /* what survives */
    struct sim_topic examples, model;
    int64_t committed; /* next offset of examples; -1 = none */
    int64_t epoch;
    size_t commits, losses, deaths;
};

void sim_trainer_log_init(struct sim_trainer_log *log);
void sim_trainer_log_clean_up(struct sim_trainer_log *log);
void sim_topic_add(struct sim_topic *topic, struct bytes key, struct bytes value);
/* Offsets that hold nothing to read. */
void sim_topic_skip(struct sim_topic *topic, size_t count);

struct sim_trainer_options {
    double loss_share;   /* of submitted epochs that are reported lost; half of them committed */
    double revoke_share; /* of polls */
    double death_share;  /* of polls that fail with STOP: the process is gone */
    uint64_t seed;
    int64_t *wall_ms; /* moves on by up to wall_step_ms at every poll; NULL = nothing moves */
    int64_t wall_step_ms;
    bool is_standby; /* the group gives its partition to somebody else */
};
/* log is borrowed. */
struct broker *sim_trainer_new(struct sim_trainer_log *log,
                               const struct sim_trainer_options *options);

/* A learner for tests: sums of what it was told, in two rows that change at different times ("all":
 * labels, corrections, number of examples, order-dependent hash; "arm/<0..7>": the same of an arm).
 * kind_options NULL. */
extern const struct learner_kind sim_learner;

#endif
