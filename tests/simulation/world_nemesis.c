/* What goes wrong around the calls: processes, clocks, members, coordinators. */
#include "tests/simulation/world.h"

#define ROUND_US     (100 * SIM_MS)
#define ROUND        0.1 /* of a second */
#define KEEP_US      (300 * SIM_SECOND)
#define STALL_US_MAX (40 * SIM_SECOND) /* longer than a session and a transaction's time-out */
#define REST_US      (20 * SIM_SECOND) /* between two of them */
#define LAG_US       (65 * SIM_SECOND) /* min.compaction.lag.ms: nobody lags for so long */
#define STEPS_TO_DIE 60
#define JUMP_MS_MAX  (3 * 3600 * 1000)

static void harm_clock(struct world *world, struct sim_process *process) {
    struct faults *faults = &world->faults;
    if (fault_happens_in(faults, FAULT_CLOCK_JUMP, ROUND)) {
        process->wall_offset_ms = (int64_t)rng_below(&faults->rng, 2 * JUMP_MS_MAX) - JUMP_MS_MAX;
    }
    if (process->wall_stalled_ms != 0 && rng_below(&faults->rng, 50) == 0) {
        process->wall_stalled_ms = 0;
    } else if (fault_happens_in(faults, FAULT_CLOCK_STALL, ROUND)) {
        process->wall_stalled_ms = sim_process_wall_ms(process);
    }
}

static void harm_process(struct world *world, struct life *life) {
    struct faults *faults = &world->faults;
    struct sim_process *process = &life->process;
    int64_t now_us = world->schedule.now_us;
    if (!process->seam) {
        return;
    }
    harm_clock(world, process);
    if (process->dies_in == 0 && fault_happens_in(faults, FAULT_CRASH, ROUND)) {
        process->dies_in = 1 + (int64_t)rng_below(&faults->rng, STEPS_TO_DIE);
    }
    if (now_us >= life->rested_us && fault_happens_in(faults, FAULT_STALL, ROUND)) {
        int64_t us = fault_length(faults, SIM_SECOND, STALL_US_MAX);
        life->rested_us = now_us + us + REST_US;
        sim_trace(&world->site, "%s stands still for %.1f s", life->name, (double)us / 1e6);
        sim_process_stall(process, now_us + us);
    }
    if (fault_happens_in(faults, FAULT_SESSION, ROUND)) {
        sim_trace(&world->site, "%s loses its session", life->name);
        sim_process_lose_session(process);
    }
    if (fault_happens_in(faults, FAULT_LAG, ROUND)) {
        sim_process_lag(process, now_us + fault_length(faults, 100 * SIM_MS, 5 * SIM_SECOND));
    }
    struct cluster_producer *producer = sim_process_producer(process);
    if (producer && producer->state == PRODUCER_OPEN &&
        fault_happens_in(faults, FAULT_EXPIRE, ROUND)) {
        sim_trace(&world->site, "the transaction of %s is timed out", life->name);
        cluster_expire(&world->cluster, producer);
    }
}

static struct life *any_worker(struct world *world) {
    return &world->lives[rng_below(&world->faults.rng, world->worker_count)];
}

/* Twins come for a while; once they run, they are as good as the other. */
static void harm_names(struct world *world) {
    struct faults *faults = &world->faults;
    for (size_t i = 0; i < world->life_count; i++) {
        struct life *life = &world->lives[i];
        if (life->is_twin && life->is_wanted && rng_below(&faults->rng, 50) == 0) {
            world_life_want(life, false);
            sim_process_kill(&life->process);
        }
    }
    if (fault_happens_in(faults, FAULT_TWIN, ROUND)) {
        struct life *twin = any_worker(world) + world->worker_count;
        sim_trace(&world->site, "a twin of %s starts", twin->name);
        world_life_want(twin, true);
    }
}

/* Members leave in order, with or without a LeaveGroup, and come back. */
static void harm_members(struct world *world) {
    struct faults *faults = &world->faults;
    if (!fault_happens_in(faults, FAULT_MEMBERS, ROUND)) {
        return;
    }
    struct life *life = any_worker(world);
    if (life->is_wanted) {
        life->leaves = rng_below(&faults->rng, 2) == 0;
    }
    sim_trace(&world->site, "%s is %s", life->name, life->is_wanted ? "stopped" : "started");
    world_life_want(life, !life->is_wanted);
}

static void harm_cluster(struct world *world) {
    struct faults *faults = &world->faults;
    int64_t now_us = world->schedule.now_us;
    if (now_us >= world->site.away_until_us && fault_happens_in(faults, FAULT_COORDINATOR, ROUND)) {
        int64_t us = fault_length(faults, 100 * SIM_MS, 60 * SIM_SECOND);
        sim_trace(&world->site, "the coordinator is away for %.1f s", (double)us / 1e6);
        world->site.away_until_us = now_us + us;
    }
    if (fault_happens_in(faults, FAULT_COMPACTION, ROUND)) {
        sim_trace(&world->site, "topics are compacted");
        cluster_compact(&world->cluster, (int64_t)rng_below(&faults->rng, 40),
                        world->options.broken == BREAK_EARLY_COMPACTION ? 0 : LAG_US, KEEP_US);
        world->site.breaks += world->options.broken == BREAK_EARLY_COMPACTION;
    }
}

static void heal(struct world *world) {
    world->faults.is_over = true;
    world->site.away_until_us = 0;
    for (size_t i = 0; i < world->life_count; i++) {
        struct life *life = &world->lives[i];
        world_life_want(life, !life->is_twin);
        life->process.dies_in = 0;
        if (life->is_twin && life->process.seam) {
            sim_process_kill(&life->process);
        }
    }
    sim_trace(&world->site, "everything heals");
}

void world_nemesis_run(void *context) {
    struct world *world = context;
    while (!world->is_input_done) {
        for (size_t i = 0; i < world->life_count; i++) {
            harm_process(world, &world->lives[i]);
        }
        harm_names(world);
        harm_members(world);
        harm_cluster(world);
        schedule_sleep(&world->schedule, ROUND_US);
    }
    heal(world);
}
