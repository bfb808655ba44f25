#include "tests/simulation/world.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>

#include "schemas/schemas.h"
#include "tests/simulation/oracle.h"

#define HEAL_US   (600 * SIM_SECOND) /* longer than any time-out after the other */
#define LOOK_US   (500 * SIM_MS)
#define SETTLE_US (70 * SIM_SECOND) /* longer than a transaction's time-out */

#define LANE_NAME(id, name, text) [id] = name,
const char *const lane_names[LANE_COUNT] = {LANES(LANE_NAME)};

void world_violation(struct world *world, const char *format, ...) {
    struct world_result *result = world->result;
    va_list arguments;
    va_start(arguments, format);
    if (result->violation[0] == '\0') {
        (void)vsnprintf(result->violation, sizeof result->violation, format, arguments);
        sim_trace(&world->site, "VIOLATION %s", result->violation);
    }
    va_end(arguments);
}

static void advance(void *context) {
    struct world *world = context;
    cluster_advance(&world->cluster);
}

static int64_t trace_ms(void *context) {
    const struct world *world = context;
    return world->schedule.now_us / SIM_MS;
}

static void init(struct world *world, const struct world_options *options,
                 struct world_result *result) {
    memset(world, 0, sizeof *world);
    *result = (struct world_result){0};
    world->options = *options;
    world->result = result;
    world->config = world_config(options->lane);
    world->rng = rng_make(options->seed, 10 + (uint64_t)options->lane);
    world->partitions = 2 + (int32_t)rng_below(&world->rng, CLUSTER_PARTITIONS_MAX - 1);
    schedule_init(&world->schedule, options->seed);
    cluster_init(&world->cluster, &world->schedule, options->seed, world->partitions);
    (options->is_calm ? faults_init_calm : faults_init)(&world->faults, options->seed);
    if (options->broken == BREAK_LATE) {
        faults_make_late(&world->faults);
    }
    world->schedule.advance = advance;
    world->schedule.advance_context = world;
    world->cluster.is_lax = options->broken == BREAK_NO_FENCING;
    world->cluster.is_read_early = options->broken == BREAK_EARLY_READ;
    world->site = (struct sim_site){.schedule = &world->schedule,
                                    .cluster = &world->cluster,
                                    .faults = &world->faults,
                                    .broken = options->broken,
                                    .trace = options->trace};
    world->log = log_to(options->trace, LOG_DEBUG, LOG_TEXT, (struct clock){trace_ms, world});
    world_input_init(world);
    world_lives_init(world);
    schedule_start(&world->schedule, "shop", world_shop_run, world);
    schedule_start(&world->schedule, "nemesis", world_nemesis_run, world);
    if (options->lane == LANE_LIVE) {
        schedule_start(&world->schedule, "people", world_people_run, world);
        schedule_start(&world->schedule, "phones", world_phones_run, world);
    }
}

/* Steps until is_done, looked at now and then; false at the end of the time. */
static bool run_until(struct world *world, bool (*is_done)(const struct world *), int64_t us) {
    int64_t until_us = world->schedule.now_us + us;
    while (world->schedule.now_us < until_us && world->result->violation[0] == '\0') {
        int64_t look_us = world->schedule.now_us + LOOK_US;
        while (schedule_step(&world->schedule, look_us) && world->result->violation[0] == '\0') {
        }
        if (is_done(world)) {
            return true;
        }
    }
    return false;
}

static bool is_input_done(const struct world *world) {
    return world->is_input_done && world->faults.is_over;
}

static bool are_all_gone(const struct world *world) {
    return world->schedule.count == 0;
}

static void say_stuck(struct world *world) {
    const struct cluster_group *group = &world->cluster.groups[0];
    char text[400];
    size_t size = 0;
    for (int32_t p = 0; p < world->partitions && size < sizeof text; p++) {
        size +=
            (size_t)snprintf(text + size, sizeof text - size, " [%d] %lld of %lld, %lld of %lld",
                             (int)p, (long long)group->committed[0][p].offset,
                             (long long)cluster_end(&world->cluster, TOPIC_CLICKSTREAM, p),
                             (long long)group->committed[1][p].offset,
                             (long long)cluster_end(&world->cluster, TOPIC_PUSH_FEEDBACK, p));
    }
    world_violation(world, "not everything was computed after all had healed:%s", text);
}

static void end_all(struct world *world) {
    world->is_over = true;
    if (world->result->violation[0] != '\0') { /* whatever they are at, they end */
        for (size_t i = 0; i < world->life_count; i++) {
            sim_process_kill(&world->lives[i].process);
        }
    }
    world->faults.is_over = true;
    for (size_t i = 0; i < world->life_count; i++) {
        world_life_want(&world->lives[i], world->lives[i].is_wanted);
    }
    int64_t until_us = world->schedule.now_us + HEAL_US;
    while (world->schedule.count > 0 && world->schedule.now_us < until_us) {
        (void)schedule_step(&world->schedule, until_us);
    }
    assert(are_all_gone(world));
    for (int i = 0; i < 2; i++) { /* what the dead left open is timed out, then its markers come */
        (void)schedule_step(&world->schedule, world->schedule.now_us + SETTLE_US);
        cluster_advance(&world->cluster);
    }
}

static void count(struct world *world) {
    struct world_result *result = world->result;
    memcpy(result->injected, world->faults.injected, sizeof result->injected);
    for (int32_t p = 0; p < world->partitions; p++) {
        result->events += (int64_t)(world->clicks[p].count + world->feedback[p].count);
        result->decisions += world->cluster.logs[TOPIC_PROMOTION_DECISIONS][p].end;
        result->answers += world->cluster.logs[TOPIC_PUSH_FEEDBACK][p].end;
        result->pushes += world->cluster.logs[TOPIC_PROMOTION_PUSHES][p].end;
    }
    result->examples = world->cluster.logs[TOPIC_EXAMPLES][0].end;
    for (int topic = 0; topic < TOPIC_COUNT; topic++) {
        for (int32_t p = 0; p < world->cluster.partitions[topic]; p++) {
            result->records += world->cluster.logs[topic][p].end;
        }
    }
    result->epochs = world->cluster.commits;
    result->aborted = world->cluster.aborts;
    result->takeovers = world->cluster.takeovers;
    result->rebalances = world->cluster.group_count > 0 ? world->cluster.groups[0].rebalances : 0;
    result->switches = world->schedule.switches;
    result->virtual_us = world->schedule.now_us;
    result->breaks = world->site.breaks;
}

void world_run(const struct world_options *options, struct world_result *result) {
    struct world *world = memory_new(1, sizeof *world);
    init(world, options, result);
    if (run_until(world, is_input_done, HEAL_US) && !run_until(world, world_is_consumed, HEAL_US)) {
        say_stuck(world);
    }
    end_all(world);
    if (result->violation[0] == '\0') {
        oracle_check(world);
    }
    count(world);
    world_input_clean_up(world);
    cluster_clean_up(&world->cluster);
    schedule_clean_up(&world->schedule);
    free(world);
}

void world_free_shared(void) {
    world_config_free();
    world_model_free();
    schedule_free_stacks();
}
