/* The scenarios on the simulated cluster. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "tests/simulation/scenarios.h"
#include "tests/simulation/sim_seam.h"

#define SEEDS      20
#define SESSION_US (10 * SIM_SECOND)
#define TXN_US     (60 * SIM_SECOND)
#define DONE_US    (1000 * SIM_SECOND)
#define OPENS_MAX  8

struct sim_stage {
    struct stage stage;
    struct schedule schedule;
    struct cluster cluster;
    struct faults faults;
    struct sim_site site;
    struct sim_process processes[OPENS_MAX];
    size_t process_count;
    char ids[OPENS_MAX][CLUSTER_NAME_BYTES];
    struct cluster_producer *open;
    int32_t open_epoch;
    scenario *run;
};

static struct sim_stage *of(struct stage *stage) {
    return (struct sim_stage *)stage;
}

static struct failure open_process(struct stage *stage, const char *worker, struct broker **out) {
    struct sim_stage *sim = of(stage);
    size_t index = sim->process_count++;
    assert_true(index < OPENS_MAX);
    struct sim_process *process = &sim->processes[index];
    *process = (struct sim_process){.name = worker,
                                    .site = &sim->site,
                                    .rng = rng_make(index, 9),
                                    .worker = sim->schedule.running};
    (void)snprintf(sim->ids[index], CLUSTER_NAME_BYTES, "workers-%s", worker);
    const struct sim_seam_options options = {.group = "workers",
                                             .transactional_id = sim->ids[index],
                                             .inputs = {TOPIC_CLICKSTREAM, TOPIC_PUSH_FEEDBACK},
                                             .input_count = INPUT_COUNT,
                                             .session_us = SESSION_US,
                                             .transaction_us = TXN_US,
                                             .commit_deadline_us = 30 * SIM_SECOND};
    return sim_seam_open(process, &options, out);
}

/* A transaction of that id, opened. */
static struct cluster_producer *begin(struct sim_stage *sim, const char *id, enum topic topic,
                                      int32_t partition, int32_t *out_epoch) {
    struct cluster_producer *producer;
    while (cluster_init_producer(&sim->cluster, id, TXN_US, &producer, out_epoch) != ANSWER_OK) {
        schedule_sleep(&sim->schedule, SIM_MS);
    }
    assert_int_equal(cluster_add_partition(&sim->cluster, producer, *out_epoch, topic, partition),
                     ANSWER_OK);
    return producer;
}

static void feed(struct stage *stage, enum topic topic, int32_t partition, int count,
                 enum feed_manner manner) {
    struct sim_stage *sim = of(stage);
    struct bytes text = bytes_of_text("record");
    int32_t epoch;
    struct cluster_producer *producer =
        manner == FEED_PLAIN ? NULL : begin(sim, "shop", topic, partition, &epoch);
    for (int i = 0; i < count; i++) {
        if (producer) {
            (void)cluster_produce(&sim->cluster, producer, epoch, topic, partition, text, text, 0);
        } else {
            cluster_append(&sim->cluster, topic, partition, text, text, 0);
        }
    }
    if (producer) {
        (void)cluster_end_transaction(&sim->cluster, producer, epoch, manner == FEED_COMMITTED);
    }
}

static void id_of(const char *worker, char out[CLUSTER_NAME_BYTES]) {
    (void)snprintf(out, CLUSTER_NAME_BYTES, "workers-%s", worker);
}

static void leave_open(struct stage *stage, const char *worker) {
    struct sim_stage *sim = of(stage);
    char id[CLUSTER_NAME_BYTES];
    id_of(worker, id);
    sim->open = begin(sim, id, TOPIC_USER_STATE, 0, &sim->open_epoch);
    (void)cluster_produce(&sim->cluster, sim->open, sim->open_epoch, TOPIC_USER_STATE, 0,
                          bytes_of_text("ghost"), bytes_of_text("ghost"), 0);
}

static void end_open(struct stage *stage, bool commits) {
    struct sim_stage *sim = of(stage);
    (void)cluster_end_transaction(&sim->cluster, sim->open, sim->open_epoch, commits);
}

static void fence(struct stage *stage, const char *worker) {
    struct sim_stage *sim = of(stage);
    struct cluster_producer *producer;
    char id[CLUSTER_NAME_BYTES];
    int32_t epoch;
    id_of(worker, id);
    while (cluster_init_producer(&sim->cluster, id, TXN_US, &producer, &epoch) != ANSWER_OK) {
        schedule_sleep(&sim->schedule, SIM_MS);
    }
}

static int64_t now_ms(struct stage *stage) {
    return of(stage)->schedule.now_us / SIM_MS;
}

static void advance(void *cluster) {
    cluster_advance(cluster);
}

static void play(void *context) {
    struct sim_stage *sim = context;
    sim->run(&sim->stage);
}

static void run(scenario *scenario_run, uint64_t seed) {
    struct sim_stage *sim = memory_new(1, sizeof *sim);
    sim->stage = (struct stage){.open = open_process,
                                .feed = feed,
                                .leave_open = leave_open,
                                .end_open = end_open,
                                .fence = fence,
                                .now_ms = now_ms};
    sim->run = scenario_run;
    schedule_init(&sim->schedule, seed);
    cluster_init(&sim->cluster, &sim->schedule, seed, STAGE_PARTITIONS);
    faults_init_calm(&sim->faults, seed);
    sim->schedule.advance = advance;
    sim->schedule.advance_context = &sim->cluster;
    sim->site = (struct sim_site){
        .schedule = &sim->schedule, .cluster = &sim->cluster, .faults = &sim->faults};
    schedule_start(&sim->schedule, "scenario", play, sim);
    while (schedule_step(&sim->schedule, DONE_US)) {
    }
    assert_string_equal(sim->stage.trouble, "");
    assert_int_equal(sim->schedule.count, 0);
    cluster_clean_up(&sim->cluster);
    schedule_clean_up(&sim->schedule);
    free(sim);
}

#define SCENARIO_TEST(function, text)                                                              \
    static void test_##function(void **state) {                                                    \
        (void)state;                                                                               \
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {                                           \
            run(function, seed);                                                                   \
        }                                                                                          \
    }
SCENARIOS(SCENARIO_TEST)

#define SCENARIO_ENTRY(function, text) cmocka_unit_test(test_##function),
int main(void) {
    const struct CMUnitTest tests[] = {SCENARIOS(SCENARIO_ENTRY)};
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    schedule_free_stacks();
    return failures;
}
