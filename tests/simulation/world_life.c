/* Processes: workers and trainers as they are, started again by a supervisor whenever they end. */
#include <stdlib.h>

#include "tests/simulation/world.h"

#define SESSION_US         (6 * SIM_SECOND)
#define TRANSACTION_US     (30 * SIM_SECOND)
#define COMMIT_DEADLINE_US (15 * SIM_SECOND)

static struct world *running; /* for should_stop, which has no context */

static struct life *life_of_task(const struct world *world) {
    for (size_t i = 0; i < world->life_count; i++) {
        if (world->lives[i].task == world->schedule.running) {
            return (struct life *)(uintptr_t)&world->lives[i];
        }
    }
    return NULL;
}

static bool should_stop(void) {
    const struct life *life = life_of_task(running);
    return running->is_over || !life->is_wanted;
}

/* Ends that a fault explains; anything else is a finding. */
static bool is_explained(const struct life *life, const struct failure *failure) {
    return life->process.is_dead || failure->action == FAILURE_RETRY ||
           strstr(failure->text, "another process uses worker name");
}

static void note_end(struct life *life, struct failure failure) {
    struct world *world = life->world;
    if (failed(failure)) {
        sim_trace(&world->site, "%s ends: %s", life->name, failure.text);
        if (!is_explained(life, &failure)) {
            world_violation(world, "%s stopped: %s", life->name, failure.text);
        }
    } else {
        sim_trace(&world->site, "%s ends in order", life->name);
    }
    world->result->deaths += life->process.is_dead;
}

static struct failure run_worker(struct life *life, struct broker *broker) {
    struct world *world = life->world;
    struct worker_settings settings = {.config = world->config,
                                       .name = life->name,
                                       .clock = {sim_process_wall_ms, &life->process},
                                       .log = &world->log,
                                       .should_stop = should_stop};
    struct worker *worker;
    struct failure failure = worker_new_on(&settings, broker, &life->health, &worker);
    if (!failed(failure)) {
        failure = worker_run(worker);
        worker_destroy(worker);
    }
    return failure;
}

static struct failure run_trainer(struct life *life, struct broker *broker) {
    struct world *world = life->world;
    struct trainer_settings settings = {.config = world->config,
                                        .learner = life->learner,
                                        .worker_name = life->name,
                                        .clock = {sim_process_wall_ms, &life->process},
                                        .log = &world->log,
                                        .should_stop = should_stop};
    struct trainer *trainer = trainer_new_on(&settings, broker, &life->health);
    struct failure failure = trainer_run(trainer);
    trainer_destroy(trainer);
    return failure;
}

static struct sim_seam_options seam_options(const struct life *life, char id[CLUSTER_NAME_BYTES],
                                            char group[CLUSTER_NAME_BYTES]) {
    struct sim_seam_options options = {.group = group,
                                       .transactional_id = id,
                                       .inputs = {TOPIC_CLICKSTREAM, TOPIC_PUSH_FEEDBACK},
                                       .input_count = INPUT_COUNT,
                                       .session_us = SESSION_US,
                                       .transaction_us = TRANSACTION_US,
                                       .commit_deadline_us = COMMIT_DEADLINE_US,
                                       .leaves = life->leaves};
    (void)snprintf(group, CLUSTER_NAME_BYTES, "workers");
    (void)snprintf(id, CLUSTER_NAME_BYTES, "workers-%s", life->name);
    if (life->learner) {
        (void)snprintf(group, CLUSTER_NAME_BYTES, "trainer-%s", life->learner->name);
        (void)snprintf(id, CLUSTER_NAME_BYTES, "trainer-%s", life->learner->name);
        options.inputs[0] = TOPIC_EXAMPLES;
        options.input_count = 1;
        options.opens_producer_at_assignment = true;
    }
    return options;
}

static void run_once(struct life *life) {
    char id[CLUSTER_NAME_BYTES], group[CLUSTER_NAME_BYTES];
    struct sim_seam_options options = seam_options(life, id, group);
    struct broker *broker;
    life->process.is_dead = false;
    life->process.dies_in = 0;
    life->world->result->starts++;
    health_init(&life->health, life->name, 0);
    struct failure failure = sim_seam_open(&life->process, &options, &broker);
    if (!failed(failure)) {
        failure = life->learner ? run_trainer(life, broker) : run_worker(life, broker);
    }
    note_end(life, failure);
}

static void live(void *context) {
    struct life *life = context;
    struct world *world = life->world;
    life->process.worker = life->task = world->schedule.running;
    while (!world->is_over) {
        if (!life->is_wanted) {
            schedule_sleep_until(&world->schedule, TASK_NEVER);
            continue;
        }
        run_once(life);
        int64_t pause_us = fault_length(&world->faults, 100 * SIM_MS, 15 * SIM_SECOND);
        schedule_sleep(&world->schedule, world->faults.is_over ? 100 * SIM_MS : pause_us);
    }
    life->process.worker = life->task = NULL;
}

void world_life_want(struct life *life, bool is_wanted) {
    life->is_wanted = is_wanted;
    if (life->task) {
        schedule_wake(&life->world->schedule, life->task);
    }
}

static void add_life(struct world *world, const char *name, bool is_twin,
                     const struct learner_config *learner) {
    struct life *life = &world->lives[world->life_count++];
    *life = (struct life){.world = world, .name = name, .is_twin = is_twin, .learner = learner};
    life->process = (struct sim_process){
        .name = name,
        .site = &world->site,
        .rng = rng_make(world->options.seed, 100 + world->life_count),
        .wall_start_ms = WORLD_START_MS,
        .wall_speed = world->wall_speed,
    };
    life->is_wanted = !is_twin;
    schedule_start(&world->schedule, name, live, life);
}

void world_lives_init(struct world *world) {
    static const char *const workers[WORLD_WORKERS_MAX] = {"w-0", "w-1", "w-2"};
    static const char *const trainers[WORLD_TRAINERS_MAX] = {"t-0", "t-1"};
    static const int64_t speeds[] = {1, 20, 100}; /* fast ones make idle partitions tick */
    static const enum topic inputs[] = {TOPIC_CLICKSTREAM, TOPIC_PUSH_FEEDBACK};
    running = world;
    world->wall_speed = world->options.lane == LANE_LIVE ? speeds[rng_below(&world->rng, 3)] : 1;
    (void)cluster_group_of(&world->cluster, "workers", inputs, INPUT_COUNT); /* the first one */
    world->worker_count = 1 + (size_t)rng_below(&world->rng, WORLD_WORKERS_MAX);
    for (size_t i = 0; i < world->worker_count; i++) {
        add_life(world, workers[i], false, NULL);
    }
    for (size_t i = 0; i < world->worker_count; i++) {
        add_life(world, workers[i], true, NULL);
    }
    const struct learner_config *learners[ROW_LEARNERS_MAX];
    (void)learn_config_list(&world->config->learn, learners);
    bool has_standby = rng_below(&world->rng, 2);
    for (size_t i = 0; i < WORLD_TRAINERS_MAX && world->options.lane == LANE_LIVE; i++) {
        add_life(world, trainers[i], false, learners[has_standby ? 0 : i]);
    }
}
