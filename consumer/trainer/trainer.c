#include "consumer/trainer/trainer.h"

#include <stdio.h>
#include <stdlib.h>

#include "consumer/trainer/trainer_internal.h"
#include "schemas/schemas.h"

#define RECOVERY_TRIES_MAX 20 /* each waits for the broker as long as the seam's own time-outs */
#define RECORDS_MAX        2000
#define POLL_WAIT_MS_MAX   100
#define LAG_INTERVAL_MS    2000
#define ASK_POLLS          30 /* together several heartbeats of the group */

#define METRICS_ROW_STRUCT struct trainer_metrics
METRICS_TABLE(trainer_metrics, TRAINER_METRICS)
#undef METRICS_ROW_STRUCT

/* ---- life ---- */

void trainer_format_name(const char *worker_name, const struct learner_config *learner,
                         char out[TRAINER_NAME_BYTES_MAX]) {
    (void)snprintf(out, TRAINER_NAME_BYTES_MAX, "%s-trainer-%s", worker_name, learner->name);
}

struct trainer *trainer_new_on(const struct trainer_settings *settings, struct broker *broker,
                               struct health *health) {
    struct trainer *trainer = memory_new(1, sizeof *trainer);
    trainer->settings = *settings;
    trainer->broker = broker;
    trainer->health = health;
    trainer->end = -1;
    trainer_format_name(settings->worker_name, settings->learner, trainer->name);
    return trainer;
}

struct failure trainer_new(const struct trainer_settings *settings, struct health *health,
                           struct trainer **out) {
    struct broker_config config = settings->config->broker;
    char group[TRAINER_NAME_BYTES_MAX];
    *out = NULL;
    struct trainer *trainer = trainer_new_on(settings, NULL, health);
    trainer_format_name(config.group_id, settings->learner, group);
    memcpy(trainer->group, group, sizeof group);
    config.group_id = trainer->group;
    config.transactional_id = trainer->group; /* of the learner: whoever takes over fences */
    config.worker_name = trainer->name;
    config.inputs[INPUT_EXAMPLES] = TOPIC_EXAMPLES;
    config.input_count = 1;
    config.opens_producer_at_assignment = true;
    /* A standby should not wait for the session of one that is done. */
    config.leave_group_at_close = config.leave_group_at_close || settings->until_end;
    struct failure failure =
        broker_kafka_open(&config, &settings->config->topics, settings->log, &trainer->broker);
    if (failed(failure)) {
        trainer_destroy(trainer);
        return failure;
    }
    *out = trainer;
    return failure;
}

void trainer_destroy(struct trainer *trainer) {
    if (trainer) {
        trainer_drop(trainer);
        broker_close(trainer->broker);
        free(trainer);
    }
}

/* ---- events ---- */

static struct failure take_assignments(struct trainer *trainer, const struct broker_event *event) {
    health_enter(trainer->health, WORKER_RECOVERING, now_ms(trainer));
    struct failure failure = failure_none();
    if (event->assignment_count > 0) {
        failure = trainer_recover(trainer, &event->assignments[0]);
        for (int tries = 1; failure.action == FAILURE_RETRY && tries < RECOVERY_TRIES_MAX;
             tries++) {
            log_warn(trainer->settings.log, ROOM, "recovery again learner=%s: %s",
                     trainer->settings.learner->name, failure.text);
            failure = trainer_recover(trainer, &event->assignments[0]);
        }
    }
    if (failed(failure)) {
        failure.action = FAILURE_STOP;
        return failure;
    }
    metric_set(&trainer->metrics.active, trainer->is_active);
    log_info(trainer->settings.log, ROOM, "%s trainer=%s",
             trainer->is_active ? "active" : "standby", trainer->name);
    health_enter(trainer->health, WORKER_RUNNING, now_ms(trainer));
    return failure_none();
}

static struct failure take_event(struct trainer *trainer, const struct broker_event *event);

/* Who stood still while another took over has read what it wrote since: then the group takes the
 * partition away, and nothing is wrong. */
static struct failure ask_group(struct trainer *trainer, struct failure failure) {
    log_warn(trainer->settings.log, ROOM, "recovery failed, asking the group trainer=%s: %s",
             trainer->name, failure.text);
    trainer_drop(trainer);
    for (int i = 0; i < ASK_POLLS; i++) {
        struct broker_event event;
        struct failure polled = broker_poll(trainer->broker, POLL_WAIT_MS_MAX, 1, &event);
        if (failed(polled) && polled.action != FAILURE_RETRY) {
            return polled;
        }
        if (!failed(polled) && (event.kind == BROKER_LOST || event.kind == BROKER_REVOKED)) {
            return take_event(trainer, &event);
        }
    }
    return failure;
}

/* Without the frame of an example its body is empty, which is none either. */
static void take_record(struct trainer *trainer, const struct record *record) {
    struct bytes body = bytes_of(NULL, 0);
    (void)wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_EXAMPLE, 0, record->value, &body);
    lesson_take(&trainer->lesson, record->offset, body);
}

static struct failure take_event(struct trainer *trainer, const struct broker_event *event) {
    struct failure failure = failure_none();
    switch (event->kind) {
    case BROKER_NOTHING:
        break;
    case BROKER_RECORDS:
        for (size_t i = 0; i < event->record_count && trainer->is_active; i++) {
            take_record(trainer, &event->records[i]);
        }
        break;
    case BROKER_ASSIGNED:
        failure = take_assignments(trainer, event);
        return failed(failure) ? ask_group(trainer, failure) : failure;
    case BROKER_REVOKED:
    case BROKER_LOST:
        log_info(trainer->settings.log, ROOM, "%s trainer=%s",
                 event->kind == BROKER_LOST ? "lost" : "revoked", trainer->name);
        trainer_drop(trainer);
        break;
    }
    return failure;
}

/* Control records at the end of a mini-batch have offsets, but are never delivered. */
static struct failure reach_position(struct trainer *trainer) {
    int64_t position;
    struct failure failure =
        broker_position(trainer->broker, INPUT_EXAMPLES, EXAMPLES_PARTITION, &position);
    if (!failed(failure)) {
        lesson_reach(&trainer->lesson, position);
    }
    return failure;
}

static void show_lag(struct trainer *trainer) {
    int64_t end;
    if (now_ms(trainer) - trainer->asked_ms < LAG_INTERVAL_MS) {
        return;
    }
    trainer->asked_ms = now_ms(trainer);
    if (!failed(broker_log_end(trainer->broker, INPUT_EXAMPLES, EXAMPLES_PARTITION, &end))) {
        metric_set(&trainer->metrics.lag,
                   end > trainer->lesson.next_offset ? end - trainer->lesson.next_offset : 0);
    }
}

/* ---- the end ---- */

/* The end is taken once, when nobody of this process writes examples any more. */
static struct failure is_at_end(struct trainer *trainer, bool *out) {
    const struct trainer_settings *settings = &trainer->settings;
    *out = false;
    if (!settings->until_end || !trainer->is_active) {
        return failure_none();
    }
    if (trainer->end < 0 && (!settings->is_input_complete ||
                             settings->is_input_complete(settings->is_input_complete_context))) {
        struct failure failure =
            broker_log_end(trainer->broker, INPUT_EXAMPLES, EXAMPLES_PARTITION, &trainer->end);
        if (failed(failure)) {
            trainer->end = -1;
            return failure;
        }
    }
    *out = trainer->end >= 0 && trainer->lesson.next_offset >= trainer->end;
    return failure_none();
}

/* ---- the loop ---- */

static struct failure poll(struct trainer *trainer) {
    int64_t interval_ms = trainer->settings.config->learn.publish_interval_ms;
    int wait_ms = interval_ms < POLL_WAIT_MS_MAX ? (int)interval_ms : POLL_WAIT_MS_MAX;
    struct broker_event event;
    struct failure failure = broker_poll(trainer->broker, wait_ms, RECORDS_MAX, &event);
    if (!failed(failure)) {
        failure = take_event(trainer, &event);
    }
    broker_release(trainer->broker);
    health_beat(trainer->health, now_ms(trainer));
    return failure;
}

static struct failure work(struct trainer *trainer, bool is_stopping, bool *out_is_end) {
    struct failure failure = reach_position(trainer);
    if (!failed(failure)) {
        failure = is_at_end(trainer, out_is_end);
    }
    bool is_due = now_ms(trainer) - trainer->published_ms >=
                  trainer->settings.config->learn.publish_interval_ms;
    if (!failed(failure) && (is_due || is_stopping || *out_is_end)) {
        failure = trainer_publish(trainer);
    }
    show_lag(trainer);
    return failure;
}

static struct failure one_round(struct trainer *trainer, bool *out_done) {
    bool is_stopping = trainer->settings.should_stop(), is_end = false;
    struct failure failure = is_stopping ? failure_none() : poll(trainer);
    if (!failed(failure) && trainer->is_active) {
        failure = work(trainer, is_stopping, &is_end);
    }
    if (failure.action == FAILURE_RETRY) {
        failure = failure_none(); /* the broker is away: the next round asks again */
    }
    if (failed(failure) || !(is_stopping || is_end)) {
        return failure;
    }
    failure = broker_drain(trainer->broker, out_done); /* not committed: go on and recover */
    *out_done = *out_done || is_stopping;              /* or leave it to the next start */
    return failure;
}

static void log_end(const struct trainer *trainer) {
    const struct trainer_metrics *m = &trainer->metrics;
    log_info(trainer->settings.log, ROOM,
             "ended learner=%s offset=%lld examples=%lld learned=%lld corrections=%lld "
             "margin_only=%lld undecodable=%lld foreign=%lld poisoned=%lld repeats=%lld "
             "versions=%lld",
             trainer->settings.learner->name, (long long)metric_get(&m->next_offset),
             (long long)metric_get(&m->examples_total), (long long)metric_get(&m->learned_total),
             (long long)metric_get(&m->corrections_total),
             (long long)metric_get(&m->margin_only_total),
             (long long)metric_get(&m->undecodable_total), (long long)metric_get(&m->foreign_total),
             (long long)metric_get(&m->poisoned_total), (long long)metric_get(&m->repeats_total),
             (long long)metric_get(&m->versions_total));
}

struct failure trainer_run(struct trainer *trainer) {
    struct failure failure = failure_none();
    bool is_done = false;
    while (!is_done && !failed(failure)) {
        failure = one_round(trainer, &is_done);
    }
    health_enter(trainer->health, failed(failure) ? WORKER_FAILED : WORKER_STOPPED,
                 now_ms(trainer));
    log_end(trainer);
    return failure;
}

/* ---- what others may see ---- */

const struct trainer_metrics *trainer_metrics(const struct trainer *trainer) {
    return &trainer->metrics;
}

const struct broker_metrics *trainer_broker_metrics(const struct trainer *trainer) {
    return broker_metrics_of(trainer->broker);
}

void trainer_register_metrics(const struct trainer *trainer, struct metrics *metrics) {
    struct buffer labels = {0};
    buffer_format(&labels, "learner=\"%s\"", trainer->settings.learner->name);
    buffer_append_byte(&labels, 0);
    const char *text = (const char *)labels.data;
    metrics_register(metrics, "trainer", text, trainer_metrics_table, trainer_metrics_count,
                     &trainer->metrics);
    metrics_register(metrics, "trainer_model", text, model_metrics_table, model_metrics_count,
                     &trainer->model_metrics);
    metrics_register(metrics, "trainer_broker", text, broker_metrics_table, broker_metrics_count,
                     broker_metrics_of(trainer->broker));
    buffer_clean_up(&labels);
}
