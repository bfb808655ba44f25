#include "consumer/commands/run_trainers.h"

struct failure run_trainers_new(struct run_trainers *trainers,
                                const struct trainer_settings *settings, struct health *health,
                                struct metrics *metrics) {
    const struct learner_config *learners[ROW_LEARNERS_MAX];
    size_t count = learn_config_list(&settings->config->learn, learners);
    for (size_t i = 0; i < count; i++) {
        struct run_trainer *slot = &trainers->items[i];
        struct trainer_settings own = *settings;
        own.learner = learners[i];
        slot->learner = learners[i]->name;
        trainer_format_name(own.worker_name, own.learner, slot->name);
        health_init(&health[i], slot->name, clock_now_ms(own.clock));
        struct failure failure = trainer_new(&own, &health[i], &slot->trainer);
        if (failed(failure)) {
            return failure;
        }
        trainers->count++;
        trainer_register_metrics(slot->trainer, metrics);
    }
    return failure_none();
}

static void *trainer_thread(void *context) {
    struct run_trainer *slot = context;
    slot->failure = trainer_run(slot->trainer);
    atomic_store(&slot->is_ended, true);
    return NULL;
}

void run_trainers_start(struct run_trainers *trainers) {
    for (size_t i = 0; i < trainers->count; i++) {
        struct run_trainer *slot = &trainers->items[i];
        slot->is_started = pthread_create(&slot->thread, NULL, trainer_thread, slot) == 0;
        if (!slot->is_started) {
            slot->failure = failure_make(FAILURE_STOP, 0, "a thread cannot be started");
            atomic_store(&slot->is_ended, true);
        }
    }
}

bool run_trainers_have_ended(struct run_trainers *trainers) {
    for (size_t i = 0; i < trainers->count; i++) {
        if (!atomic_load(&trainers->items[i].is_ended)) {
            return false;
        }
    }
    return true;
}

struct failure run_trainers_failure(struct run_trainers *trainers) {
    for (size_t i = 0; i < trainers->count; i++) {
        if (atomic_load(&trainers->items[i].is_ended) && failed(trainers->items[i].failure)) {
            return trainers->items[i].failure;
        }
    }
    return failure_none();
}

size_t run_trainers_list(const struct run_trainers *trainers,
                         struct console_trainer out[ROW_LEARNERS_MAX]) {
    for (size_t i = 0; i < trainers->count; i++) {
        const struct trainer_metrics *metrics = trainer_metrics(trainers->items[i].trainer);
        out[i] = (struct console_trainer){
            .learner = trainers->items[i].learner,
            .learned = metric_get(&metrics->learned_total),
            .corrections = metric_get(&metrics->corrections_total),
            .refused = metric_get(&metrics->undecodable_total) +
                       metric_get(&metrics->foreign_total) + metric_get(&metrics->poisoned_total) +
                       metric_get(&metrics->repeats_total),
            .versions = metric_get(&metrics->versions_total),
        };
    }
    return trainers->count;
}

void run_trainers_join(struct run_trainers *trainers) {
    for (size_t i = 0; i < trainers->count; i++) {
        if (trainers->items[i].is_started) {
            pthread_join(trainers->items[i].thread, NULL);
        }
    }
}

void run_trainers_clean_up(struct run_trainers *trainers) {
    for (size_t i = 0; i < trainers->count; i++) {
        trainer_destroy(trainers->items[i].trainer);
    }
    trainers->count = 0;
}
