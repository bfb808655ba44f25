#include "tests/simulation/schedule.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>

#include "base/buffer.h"
#include "base/clock.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#define STACK_BYTES (4U << 20)
#else
#define STACK_BYTES (1U << 20)
#endif

#define MONOTONIC_START_NS INT64_C(1000000000000)

struct task {
    const char *name;
    void (*run)(void *context);
    void *context;
    struct schedule *schedule;
    int64_t wake_us, stalled_until_us;
    bool is_done;
    ucontext_t own, caller;
    uint8_t *stack;
    void *fiber; /* of the address sanitizer */
    const void *caller_stack;
    size_t caller_stack_bytes;
};

/* The one simulation of this thread, for the wrapped clock. */
static struct schedule *current;

/* ---- stacks ---- */

static uint8_t *kept_stacks[TASKS_MAX];
static size_t kept_count;

static uint8_t *stack_borrow(void) {
    if (kept_count > 0) {
        return kept_stacks[--kept_count];
    }
    void *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    assert(stack != MAP_FAILED);
    return stack;
}

static void stack_return(uint8_t *stack) {
    if (kept_count < TASKS_MAX) {
        kept_stacks[kept_count++] = stack;
    } else {
        munmap(stack, STACK_BYTES);
    }
}

void schedule_free_stacks(void) {
    while (kept_count > 0) {
        munmap(kept_stacks[--kept_count], STACK_BYTES);
    }
}

/* ---- switching ---- */

static void switch_away(struct task *task) {
    task->schedule->running = NULL;
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_start_switch_fiber(task->is_done ? NULL : &task->fiber, task->caller_stack,
                                   task->caller_stack_bytes);
#endif
    swapcontext(&task->own, &task->caller);
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(task->fiber, &task->caller_stack, &task->caller_stack_bytes);
#endif
}

static void enter(unsigned high, unsigned low) {
    struct task *task = (struct task *)(((uintptr_t)high << 32) | (uintptr_t)low);
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(NULL, &task->caller_stack, &task->caller_stack_bytes);
#endif
    task->run(task->context);
    task->is_done = true;
    switch_away(task);
}

static void switch_to(struct schedule *schedule, struct task *task) {
    assert(!schedule->running);
    schedule->running = task;
    schedule->switches++;
#ifdef __SANITIZE_ADDRESS__
    void *fiber;
    __sanitizer_start_switch_fiber(&fiber, task->stack, STACK_BYTES);
#endif
    swapcontext(&task->caller, &task->own);
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(fiber, NULL, NULL);
#endif
}

/* ---- tasks ---- */

void schedule_init(struct schedule *schedule, uint64_t seed) {
    *schedule = (struct schedule){.rng = rng_make(seed, 1)};
    current = schedule;
}

void schedule_clean_up(struct schedule *schedule) {
    assert(schedule->count == 0);
    current = NULL;
}

struct task *schedule_start(struct schedule *schedule, const char *name, void (*run)(void *context),
                            void *context) {
    assert(schedule->count < TASKS_MAX);
    struct task *task = memory_new(1, sizeof *task);
    task->name = name;
    task->run = run;
    task->context = context;
    task->schedule = schedule;
    task->wake_us = schedule->now_us;
    task->stack = stack_borrow();
    getcontext(&task->own);
    task->own.uc_stack.ss_sp = task->stack;
    task->own.uc_stack.ss_size = STACK_BYTES;
    uintptr_t address = (uintptr_t)task;
    makecontext(&task->own, (void (*)(void))enter, 2, (unsigned)(address >> 32), (unsigned)address);
    schedule->tasks[schedule->count++] = task;
    return task;
}

static int64_t ready_us(const struct schedule *schedule, const struct task *task) {
    int64_t at_us = task->wake_us > task->stalled_until_us ? task->wake_us : task->stalled_until_us;
    return at_us > schedule->now_us ? at_us : schedule->now_us;
}

static size_t choose(struct schedule *schedule, int64_t *out_us) {
    size_t chosen = 0, ties = 0;
    *out_us = TASK_NEVER;
    for (size_t i = 0; i < schedule->count; i++) {
        int64_t at_us = ready_us(schedule, schedule->tasks[i]);
        ties = at_us < *out_us ? 1 : at_us == *out_us ? ties + 1 : ties;
        if (at_us < *out_us || (at_us == *out_us && rng_below(&schedule->rng, ties) == 0)) {
            chosen = i;
        }
        *out_us = at_us < *out_us ? at_us : *out_us;
    }
    return chosen;
}

bool schedule_step(struct schedule *schedule, int64_t until_us) {
    int64_t at_us;
    size_t chosen = choose(schedule, &at_us);
    if (at_us > until_us || at_us == TASK_NEVER) {
        schedule->now_us = until_us > schedule->now_us ? until_us : schedule->now_us;
        return false;
    }
    schedule->now_us = at_us;
    if (schedule->advance) {
        schedule->advance(schedule->advance_context);
    }
    struct task *task = schedule->tasks[chosen];
    switch_to(schedule, task);
    if (task->is_done) {
        for (size_t i = 0; i < schedule->count; i++) {
            if (schedule->tasks[i] == task) {
                schedule->tasks[i] = schedule->tasks[--schedule->count];
                break;
            }
        }
        stack_return(task->stack);
        free(task);
    }
    return true;
}

void schedule_sleep_until(struct schedule *schedule, int64_t at_us) {
    struct task *task = schedule->running;
    assert(task);
    task->wake_us = at_us;
    switch_away(task);
}

void schedule_sleep(struct schedule *schedule, int64_t us) {
    schedule_sleep_until(schedule, schedule->now_us + us);
}

void schedule_wake(struct schedule *schedule, struct task *task) {
    if (task->wake_us > schedule->now_us) {
        task->wake_us = schedule->now_us;
    }
}

void schedule_stall(struct schedule *schedule, struct task *task, int64_t until_us) {
    (void)schedule;
    task->stalled_until_us = until_us;
}

const char *schedule_task_name(const struct schedule *schedule) {
    return schedule->running ? schedule->running->name : "world";
}

/* ---- the clock of the code under test ---- */

int64_t __wrap_clock_monotonic_ns(void);
int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left);

int64_t __wrap_clock_monotonic_ns(void) {
    return MONOTONIC_START_NS + (current ? current->now_us * 1000 : 0);
}

int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left) {
    (void)left;
    schedule_sleep(current, wanted->tv_sec * SIM_SECOND + wanted->tv_nsec / 1000);
    return 0;
}
