/* run_trainers: the trainers that a process of `promostream run` hosts, one per learner, a thread
 * each. Main thread, but for the threads themselves. */
#ifndef PROMOSTREAM_COMMANDS_RUN_TRAINERS_H
#define PROMOSTREAM_COMMANDS_RUN_TRAINERS_H

#include <pthread.h>

#include "consumer/ops/console_learning.h"
#include "consumer/trainer/trainer.h"

struct run_trainer {
    struct trainer *trainer;
    pthread_t thread;
    const char *learner; /* its name, borrowed */
    char name[TRAINER_NAME_BYTES_MAX];
    struct failure failure;
    bool is_started;
    _Atomic bool is_ended;
};

struct run_trainers {
    struct run_trainer items[ROW_LEARNERS_MAX];
    size_t count;
};

/* One for every learner of settings->config; settings without its learner. health: as many, named
 * here. */
MUST_CHECK struct failure run_trainers_new(struct run_trainers *trainers,
                                           const struct trainer_settings *settings,
                                           struct health *health, struct metrics *metrics);
void run_trainers_start(struct run_trainers *trainers);
bool run_trainers_have_ended(struct run_trainers *trainers);
/* The first failure of those that have ended. */
struct failure run_trainers_failure(struct run_trainers *trainers);
/* What they have done so far, for the console; returns how many. */
size_t run_trainers_list(const struct run_trainers *trainers,
                         struct console_trainer out[ROW_LEARNERS_MAX]);
void run_trainers_join(struct run_trainers *trainers);
void run_trainers_clean_up(struct run_trainers *trainers); /* joined, or never started */

#endif
