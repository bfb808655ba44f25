/* schedule: virtual time and the tasks that live in it. Each task is a coroutine with a stack of
 * its own; one runs at a time, until it sleeps. Whoever wakes first runs next, ties are drawn, so
 * one seed decides everything. clock_monotonic_ns and nanosleep of the code under test are wrapped
 * by the linker and come here. One thread. */
#ifndef PROMOSTREAM_TESTS_SIMULATION_SCHEDULE_H
#define PROMOSTREAM_TESTS_SIMULATION_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"

#define TASKS_MAX  40
#define TASK_NEVER INT64_MAX
#define SIM_MS     INT64_C(1000) /* microseconds */
#define SIM_SECOND (1000 * SIM_MS)

struct task;

struct schedule {
    int64_t now_us;
    struct rng rng;
    struct task *tasks[TASKS_MAX]; /* those that have not ended */
    size_t count;
    struct task *running; /* NULL = the caller of schedule_step */
    int64_t switches;
    /* Called before each step, at its time: what happens by itself. */
    void (*advance)(void *context);
    void *advance_context;
};

void schedule_init(struct schedule *schedule, uint64_t seed);
/* Every task must have ended. */
void schedule_clean_up(struct schedule *schedule);
/* Ends with the program; frees the stacks that are kept for the next task. */
void schedule_free_stacks(void);

/* A task that runs now or later; it is freed when it ends. name is borrowed. */
struct task *schedule_start(struct schedule *schedule, const char *name, void (*run)(void *context),
                            void *context);
/* Runs the next task until it sleeps or ends. False when nobody wants to run until until_us; the
 * time is until_us then. */
bool schedule_step(struct schedule *schedule, int64_t until_us);

/* Of the running task: sleeps. */
void schedule_sleep(struct schedule *schedule, int64_t us);
void schedule_sleep_until(struct schedule *schedule, int64_t at_us);
/* Another task's sleep ends now. */
void schedule_wake(struct schedule *schedule, struct task *task);
/* It does not run before until_us, whatever it sleeps for. */
void schedule_stall(struct schedule *schedule, struct task *task, int64_t until_us);
const char *schedule_task_name(const struct schedule *schedule);

#endif
