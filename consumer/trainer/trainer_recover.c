/* The only way in: the model's rows as they were committed, at the offset that the group committed
 * with them. */
#include "consumer/trainer/trainer_internal.h"

void trainer_drop(struct trainer *trainer) {
    lesson_clean_up(&trainer->lesson);
    trainer->is_active = false;
    metric_set(&trainer->metrics.active, 0);
}

static void begin(struct trainer *trainer) {
    const struct trainer_settings *settings = &trainer->settings;
    const struct lesson_settings own = {.config = settings->config,
                                        .learner = settings->learner,
                                        .log = settings->log,
                                        .kind = settings->kind,
                                        .kind_options = settings->kind_options,
                                        .metrics = &trainer->metrics};
    trainer_drop(trainer);
    lesson_init(&trainer->lesson, &own);
}

static void take_record(void *context, const struct record *record) {
    struct trainer *trainer = context;
    const struct pipeline_config *config = trainer->settings.config;
    (void)model_take_record(&trainer->lesson.model, &config->learn,
                            config->decide.attribution_window_ms, record->key, record->value,
                            &trainer->model_metrics);
    health_beat(trainer->health, now_ms(trainer));
}

/* Our own rows, or they must not be built upon. */
static struct failure check_rows(const struct trainer *trainer) {
    const struct model *model = &trainer->lesson.model;
    const char *name = trainer->settings.learner->name;
    for (size_t i = 0; i < model->waiting.count; i++) {
        if (model->waiting.items[i].is_refused) {
            return failure_make(FAILURE_STOP, 0,
                                "learner %s: row %s of the topic model does not fit: other options "
                                "or another build wrote it. Another name starts a new learner",
                                name, model->waiting.items[i].key);
        }
    }
    if (model->staged.count > 0) {
        log_warn(trainer->settings.log, ROOM,
                 "rows of no version in the topic model are left out learner=%s rows=%zu", name,
                 model->staged.count);
    }
    return failure_none();
}

/* One of them may be missing: a group that slept for longer than its offsets are kept, an embedded
 * broker, which keeps none. */
static struct failure check_position(const struct trainer *trainer, int64_t committed) {
    const char *name = trainer->settings.learner->name;
    int64_t version = trainer->lesson.model.version_offset;
    if (committed >= 0 && committed != version) {
        return failure_make(FAILURE_STOP, 0,
                            "learner %s: its group stands at offset %lld of examples, the topic "
                            "model at %lld: they do not belong together (group id, prefix?)",
                            name, (long long)committed, (long long)version);
    }
    if (committed < 0 && version > 0 && !trainer->settings.config->broker.is_embedded) {
        log_warn(trainer->settings.log, ROOM,
                 "the group has no position, going on from the topic model learner=%s offset=%lld",
                 name, (long long)version);
    }
    return failure_none();
}

static struct failure read_model(struct trainer *trainer, const struct assignment *assignment) {
    const struct pipeline_config *config = trainer->settings.config;
    begin(trainer);
    struct failure failure =
        broker_read_to_end(trainer->broker, TOPIC_MODEL, MODEL_PARTITION, take_record, trainer);
    if (failed(failure)) {
        return failure;
    }
    model_take_end(&trainer->lesson.model, &config->learn, config->decide.attribution_window_ms,
                   &trainer->model_metrics);
    failure = check_rows(trainer);
    return failed(failure) ? failure
                           : check_position(trainer, assignment->next_offset[INPUT_EXAMPLES]);
}

struct failure trainer_recover(struct trainer *trainer, const struct assignment *assignment) {
    int64_t started_ns = clock_monotonic_ns();
    struct failure failure = read_model(trainer, assignment);
    if (failed(failure)) {
        return failure;
    }
    int64_t version = trainer->lesson.model.version_offset;
    lesson_begin(&trainer->lesson, version);
    trainer->version = version;
    trainer->end = -1;
    trainer->number = assignment->epoch;
    trainer->published_ms = now_ms(trainer);
    metric_set(&trainer->metrics.next_offset, version);
    metric_add(&trainer->metrics.recoveries_total, 1);
    log_info(trainer->settings.log, ROOM, "recovered learner=%s offset=%lld recovery_ms=%lld",
             trainer->settings.learner->name, (long long)version,
             (long long)((clock_monotonic_ns() - started_ns) / 1000000));
    failure = broker_start(trainer->broker, EXAMPLES_PARTITION, (const int64_t[]){version, -1});
    trainer->is_active = !failed(failure);
    return failure;
}
