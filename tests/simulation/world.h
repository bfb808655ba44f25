/* world: one seed's simulation: a shop that writes events, two or three workers, perhaps a trainer,
 * all as they are, on a simulated Kafka, while things go wrong; then everything heals, and once all
 * input is computed and committed the oracle looks at what is there. */
#ifndef PROMOSTREAM_TESTS_SIMULATION_WORLD_H
#define PROMOSTREAM_TESTS_SIMULATION_WORLD_H

#include "consumer/pipeline_config.h"
#include "consumer/trainer/trainer.h"
#include "consumer/worker.h"
#include "tests/simulation/sim_seam.h"
#include "tests/support/stream.h"

#define WORLD_WORKERS_MAX  3
#define WORLD_TRAINERS_MAX 2
#define WORLD_LIVES_MAX    (2 * WORLD_WORKERS_MAX + WORLD_TRAINERS_MAX)
#define WORLD_START_MS     STREAM_START_MS

/* X(enumerator, name, what it compares) */
#define LANES(X)                                                                                   \
    X(LANE_FROZEN, "frozen", "one model, no ticks: every output directly")                         \
    X(LANE_LIVE, "live", "a trainer, ticks, feedback, control: by the committed journal")
#define LANE_ENUM(id, name, text) id,
enum lane { LANES(LANE_ENUM) LANE_COUNT };
extern const char *const lane_names[LANE_COUNT];

struct world_options {
    enum lane lane;
    uint64_t seed;
    enum sim_break broken;
    bool is_calm; /* nothing goes wrong */
    FILE *trace;  /* NULL = none */
};

struct world_result {
    char violation[1000]; /* empty = none */
    int64_t injected[FAULT_COUNT];
    int64_t events, records, epochs, aborted, rebalances, takeovers, starts, deaths, switches,
        breaks;
    int64_t decisions, pushes, examples, versions, ticks, answers;
    int64_t virtual_us;
};

struct world;

/* A process slot: a program that its supervisor starts again whenever it ends. */
struct life {
    struct world *world;
    const char *name;
    struct sim_process process;
    struct health health;
    const struct learner_config *learner; /* of a trainer; NULL = a worker */
    bool is_twin;                         /* of the slot with the same name */
    bool is_wanted, leaves;
    int64_t rested_us; /* it does not stand still again before */
    struct task *task;
};

struct world {
    struct world_options options;
    const struct pipeline_config *config;
    struct schedule schedule;
    struct cluster cluster;
    struct faults faults;
    struct sim_site site;
    struct rng rng;
    struct log_sink log;
    struct life lives[WORLD_LIVES_MAX];
    size_t life_count, worker_count;
    int32_t partitions;
    int64_t wall_speed;
    struct stream clicks[CLUSTER_PARTITIONS_MAX], feedback[CLUSTER_PARTITIONS_MAX];
    bool is_input_done; /* the shop has written everything */
    bool is_over;       /* everybody stops */
    struct world_result *result;
};

/* Runs one seed in one lane. */
void world_run(const struct world_options *options, struct world_result *result);
/* Frees what seeds share; at the end of the program. */
void world_free_shared(void);

/* The first violation stays. */
void world_violation(struct world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* world_input.c */
const struct pipeline_config *world_config(enum lane lane); /* shared by all seeds */
const char *world_config_text(enum lane lane);
void world_config_free(void);
/* Draws the inputs, writes what must be there at the start. */
void world_input_init(struct world *world);
void world_input_clean_up(struct world *world);
void world_shop_run(void *world); /* a task: writes the input bit by bit */
bool world_is_consumed(const struct world *world);

/* world_model.c */
void world_model_write(struct world *world);
void world_model_free(void);

/* world_live.c */
void world_put_item(struct world *world, int number, double margin);
void world_put_profile(struct world *world, int number, const char *region);
void world_people_run(void *world); /* a task: side topics change */
void world_phones_run(void *world); /* a task: pushes are answered */

/* world_nemesis.c: a task */
void world_nemesis_run(void *world);

/* world_life.c */
void world_lives_init(struct world *world);
void world_life_want(struct life *life, bool is_wanted);

#endif
