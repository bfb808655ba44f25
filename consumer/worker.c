#include "consumer/worker_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

#define LOG_END_TRIES_MAX 100

/* ---- life ---- */

static void init_pipeline(struct worker *worker) {
    struct pipeline_settings settings =
        pipeline_config_settings(worker->settings.config, worker->partition_count);
    settings.sources = worker->settings.sources;
    settings.schema_ids = worker->settings.schema_ids;
    pipeline_init(&worker->pipeline, &settings, &worker->side, worker->zones, &worker->tally);
    worker->pipeline.emit.show = worker->settings.show;
    worker->pipeline.emit.show_context = worker->settings.show_context;
}

/* The leader of a topic that was created a moment ago takes a moment to answer. */
static struct failure take_end(struct worker *worker, enum broker_input input, int32_t partition) {
    struct failure failure =
        broker_log_end(worker->broker, input, partition, &worker->owned[partition].end[input]);
    for (int tries = 1; failure.action == FAILURE_RETRY && tries < LOG_END_TRIES_MAX; tries++) {
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
        failure =
            broker_log_end(worker->broker, input, partition, &worker->owned[partition].end[input]);
    }
    return failure;
}

/* The log ends that stand now: where --until-end stops. */
static struct failure take_ends(struct worker *worker) {
    struct failure failure = failure_none();
    for (int32_t p = 0; p < worker->partition_count && worker->settings.until_end; p++) {
        for (int input = 0; input < INPUT_COUNT && !failed(failure); input++) {
            failure = take_end(worker, (enum broker_input)input, p);
        }
    }
    return failure;
}

/* Reading back takes its time, and alive it is meanwhile. */
static void watch_reading(void *context, const struct broker_reading *reading) {
    struct worker *worker = context;
    health_beat(worker->health, now_ms(worker));
    recovery_show(&worker->recovery, reading, clock_monotonic_ns());
}

static void init_recovery(struct worker *worker) {
    const char *reset = worker->settings.config->broker.auto_offset_reset;
    worker->recovery = (struct recovery){
        .broker = worker->broker,
        .log = worker->settings.log,
        .starts_latest = strcmp(reset, "latest") == 0,
        .metrics = &worker->pipeline.state_metrics,
        .said_ns = clock_monotonic_ns(),
    };
    broker_watch_reading(worker->broker, watch_reading, worker);
}

static struct failure start(struct worker *worker) {
    init_recovery(worker);
    struct failure failure =
        broker_partition_count(worker->broker, TOPIC_CLICKSTREAM, &worker->partition_count);
    if (failed(failure)) {
        return failure;
    }
    worker->owned = memory_new((size_t)worker->partition_count, sizeof *worker->owned);
    worker->arriving = memory_new((size_t)worker->partition_count, sizeof *worker->arriving);
    init_pipeline(worker);
    failure = take_ends(worker);
    if (!failed(failure)) {
        failure = side_poll(&worker->side, worker->broker);
    }
    return failed(failure) ? failure : score_poll(&worker->pipeline.score, worker->broker);
}

struct failure worker_new_on(const struct worker_settings *settings, struct broker *broker,
                             struct health *health, struct worker **out) {
    struct worker *worker = memory_new(1, sizeof *worker);
    worker->settings = *settings;
    worker->health = health;
    worker->broker = broker;
    worker->zones = timezone_set_new(NULL);
    atomic_store(&worker->watermark_ms, TIME_NONE);
    side_init(&worker->side, &settings->config->side);
    struct failure failure = start(worker);
    *out = failed(failure) ? NULL : worker;
    if (failed(failure)) {
        worker_destroy(worker);
    }
    return failure;
}

struct failure worker_new(const struct worker_settings *settings, struct health *health,
                          struct worker **out) {
    *out = NULL;
    struct broker_config config = settings->config->broker;
    struct broker *broker;
    config.worker_name = settings->name;
    struct failure failure =
        broker_kafka_open(&config, &settings->config->topics, settings->log, &broker);
    return failed(failure) ? failure : worker_new_on(settings, broker, health, out);
}

void worker_destroy(struct worker *worker) {
    if (!worker) {
        return;
    }
    recovery_abandon(&worker->recovery);
    for (int32_t p = 0; worker->owned && p < worker->partition_count; p++) {
        owned_drop_memory(&worker->owned[p]);
        for (int input = 0; input < INPUT_COUNT; input++) {
            free(worker->owned[p].gathered[input]);
        }
    }
    if (worker->owned) {
        pipeline_clean_up(&worker->pipeline);
    }
    free(worker->owned);
    free(worker->arriving);
    if (worker->broker) {
        broker_close(worker->broker);
    }
    side_clean_up(&worker->side);
    timezone_set_destroy(worker->zones);
    free(worker);
}

/* ---- the end ---- */

static struct failure is_input_at_end(struct worker *worker, const struct owned *owned, int input,
                                      bool *out) {
    int64_t position = owned->partition.next_offset[input];
    struct failure failure = failure_none();
    /* Control records at the end have offsets, but are never delivered. */
    if (position < owned->end[input] && worker->gathered == 0) {
        failure = broker_position(worker->broker, (enum broker_input)input, owned->partition.number,
                                  &position);
    }
    *out = position >= owned->end[input];
    return failure;
}

/* Everything assigned was computed to the ends taken at start, however much comes after them. */
static struct failure is_at_end(struct worker *worker, bool *out) {
    *out = worker->is_assigned && worker->arriving_count == 0;
    for (int32_t p = 0; p < worker->partition_count && *out; p++) {
        for (int input = 0; input < INPUT_COUNT && *out && worker->owned[p].is_running; input++) {
            struct failure failure = is_input_at_end(worker, &worker->owned[p], input, out);
            if (failed(failure)) {
                return failure;
            }
        }
    }
    return failure_none();
}

/* ---- one epoch ---- */

/* DESIGN 5, Time: an idle partition's watermark follows the wall clock's pace, but only as far as
 * somebody waits. */
static struct failure tick(struct worker *worker, struct partition *partition) {
    const struct epoch_config *config = &worker->settings.config->epoch;
    int64_t tick_ms = now_ms(worker);
    int64_t idle_ms = tick_ms - partition->receipt_wall_ms;
    if (!config->ticks || worker->settings.until_end ||
        partition->watermark_at_receipt_ms == TIME_NONE || idle_ms < config->idle_after_ms) {
        return failure_none();
    }
    int64_t watermark_ms = partition->watermark_at_receipt_ms + idle_ms;
    if (watermark_ms <= partition->watermark_ms || !pipeline_is_due(partition, watermark_ms)) {
        return failure_none();
    }
    int64_t end, position;
    struct failure failure =
        broker_log_end(worker->broker, INPUT_CLICKSTREAM, partition->number, &end);
    if (!failed(failure)) {
        failure = broker_position(worker->broker, INPUT_CLICKSTREAM, partition->number, &position);
    }
    if (failure.action == FAILURE_RETRY) {
        return failure_none(); /* the next epoch asks again */
    }
    if (!failed(failure) && (position >= end || partition->next_offset[INPUT_CLICKSTREAM] >= end)) {
        pipeline_tick(&worker->pipeline, partition, watermark_ms);
    }
    return failure;
}

static struct failure run_partition(struct worker *worker, struct owned *owned) {
    struct pipeline *pipeline = &worker->pipeline;
    struct partition *partition = &owned->partition;
    struct failure failure = failure_none();
    partition_begin(partition);
    pipeline_feedback(pipeline, partition, owned->gathered[INPUT_FEEDBACK],
                      owned->gathered_count[INPUT_FEEDBACK]);
    pipeline_clickstream(pipeline, partition, owned->gathered[INPUT_CLICKSTREAM],
                         owned->gathered_count[INPUT_CLICKSTREAM]);
    if (owned->gathered_count[INPUT_CLICKSTREAM] > 0) {
        partition->receipt_wall_ms = now_ms(worker);
        partition->watermark_at_receipt_ms = partition->watermark_ms;
    } else if (owned->gathered_count[INPUT_FEEDBACK] == 0) {
        failure = tick(worker, partition);
    }
    if (worker->is_firing &&
        !pipeline_fire_at_end(pipeline, partition, WORKER_FIRED_PER_EPOCH_MAX)) {
        worker->is_done = false;
    }
    pipeline_finish(pipeline, partition, now_ms(worker));
    return failure;
}

/* Every transaction sends the offsets of all partitions: an empty one would not notice fencing. */
static void write_offsets(struct worker *worker, struct epoch *epoch) {
    for (int32_t p = 0; p < worker->partition_count; p++) {
        const struct partition *partition = &worker->owned[p].partition;
        for (int input = 0; input < INPUT_COUNT && worker->owned[p].is_running; input++) {
            epoch_offset(epoch, input, p, partition->next_offset[input], partition->epoch);
        }
    }
}

static void show_gauges(struct worker *worker) {
    int64_t users = 0, timers = 0, items = 0, open = 0, watermark_ms = INT64_MAX;
    for (int32_t p = 0; p < worker->partition_count; p++) {
        const struct partition *partition = &worker->owned[p].partition;
        if (worker->owned[p].is_running) {
            users += partition->store.count;
            open += partition->open_count;
            timers += (int64_t)partition->timers.count;
            items += (int64_t)partition->store.items.index.count;
            if (partition->watermark_ms != TIME_NONE && partition->watermark_ms < watermark_ms) {
                watermark_ms = partition->watermark_ms;
            }
        }
    }
    metric_set(&worker->pipeline.state_metrics.users, users);
    metric_set(&worker->pipeline.state_metrics.timers, timers);
    metric_set(&worker->pipeline.state_metrics.items, items);
    metric_set(&worker->pipeline.outcomes.metrics.open, open);
    worker_show_lag(worker, clock_monotonic_ns());
    atomic_store_explicit(&worker->watermark_ms,
                          watermark_ms == INT64_MAX ? TIME_NONE : watermark_ms,
                          memory_order_relaxed);
}

/* Takes what the model topic has, and says what an operator should hear of it. */
static struct failure poll_model(struct worker *worker) {
    struct score *score = &worker->pipeline.score;
    bool was_alarmed = metric_get(&score->metrics.alarmed) != 0;
    int64_t refused = metric_get(&score->model_metrics.versions_refused_total);
    struct failure failure = score_poll(score, worker->broker);
    bool is_alarmed = metric_get(&score->metrics.alarmed) != 0;
    if (is_alarmed != was_alarmed) {
        bool is_live = worker->settings.config->decide.mode == MODE_LIVE;
        log_warn(worker->settings.log, ROOM, "calibration alarm %s worker=%s%s",
                 is_alarmed ? "on" : "off", worker->settings.name,
                 !is_live     ? ""
                 : is_alarmed ? ": the written rule decides"
                              : ": expected profit decides");
    }
    if (metric_get(&score->model_metrics.versions_refused_total) != refused && refused == 0) {
        log_warn(worker->settings.log, ROOM,
                 "a model version was refused worker=%s: the version before it scores until the "
                 "rows that do not fit are written anew or tombstoned",
                 worker->settings.name);
    }
    return failure;
}

/* A side topic that cannot be read right now stays as it was known; the journal has its position.
 */
static struct failure poll_sides(struct worker *worker) {
    struct failure failure = side_poll(&worker->side, worker->broker);
    if (!failed(failure)) {
        failure = poll_model(worker);
    }
    return failure.action == FAILURE_RETRY ? failure_none() : failure;
}

static struct failure run_epoch(struct worker *worker) {
    struct failure failure = poll_sides(worker);
    struct epoch *epoch = broker_epoch(worker->broker);
    bool is_touched = false;
    pipeline_begin(&worker->pipeline, epoch);
    worker->is_done = worker->is_firing;
    for (int32_t p = 0; p < worker->partition_count && !failed(failure); p++) {
        if (worker->owned[p].is_running) {
            failure = run_partition(worker, &worker->owned[p]);
            is_touched = is_touched || worker->owned[p].partition.is_touched;
        }
    }
    pipeline_check(&worker->pipeline);
    show_gauges(worker);
    if (failed(failure)) {
        return failure;
    }
    bool is_heartbeat = worker->is_assigned && now_ms(worker) - worker->heartbeat_wall_ms >=
                                                   worker->settings.config->epoch.heartbeat_ms;
    if (is_touched || is_heartbeat) {
        write_offsets(worker, epoch);
        worker->heartbeat_wall_ms = now_ms(worker);
        failure = broker_submit(worker->broker, epoch);
    }
    worker_forget_gathered(worker);
    return failure;
}

/* ---- the loop ---- */

static struct failure one_round(struct worker *worker, bool *out_done) {
    bool is_stopping = worker->settings.should_stop();
    bool is_end = false;
    struct failure failure = is_stopping ? failure_none() : worker_gather(worker);
    if (!failed(failure) && !worker_may_decode(worker)) {
        if (!is_stopping) {
            return failure;
        }
        /* Their positions are not committed; nothing else may be computed past them. */
        worker_forget_gathered(worker);
        *out_done = true;
        return broker_drain(worker->broker, &is_end);
    }
    if (!failed(failure) && worker->settings.until_end) {
        failure = is_at_end(worker, &is_end);
    }
    worker->is_firing = is_end && worker->settings.at_end == AT_END_FIRE;
    if (!failed(failure)) {
        failure = run_epoch(worker);
    }
    bool is_over = is_stopping || (is_end && (!worker->is_firing || worker->is_done));
    if (failed(failure) || !is_over) {
        return failure;
    }
    failure = broker_drain(worker->broker, out_done); /* not committed: go on and recover */
    if (!failed(failure) && *out_done && !is_stopping && worker->settings.may_end) {
        *out_done = worker->settings.may_end(worker->settings.may_end_context);
    }
    *out_done = *out_done || is_stopping; /* or leave it to the next start */
    return failure;
}

struct failure worker_run(struct worker *worker) {
    struct failure failure = failure_none();
    bool is_done = false;
    while (!is_done && !failed(failure)) {
        failure = one_round(worker, &is_done);
    }
    health_enter(worker->health, failed(failure) ? WORKER_FAILED : WORKER_STOPPED, now_ms(worker));
    return failure;
}

/* ---- what others may see ---- */

const struct pipeline *worker_pipeline(const struct worker *worker) {
    return &worker->pipeline;
}

const struct broker_metrics *worker_broker_metrics(const struct worker *worker) {
    return broker_metrics_of(worker->broker);
}

const struct decision_tally *worker_tally(const struct worker *worker) {
    return &worker->tally;
}

int64_t worker_watermark_ms(const struct worker *worker) {
    return atomic_load_explicit(&worker->watermark_ms, memory_order_relaxed);
}

void worker_register_metrics(const struct worker *worker, struct metrics *metrics) {
    struct buffer labels = {0};
    buffer_format(&labels, "worker=\"%s\"", worker->settings.name);
    buffer_append_byte(&labels, 0);
    const char *text = (const char *)labels.data;
    const struct pipeline *pipeline = &worker->pipeline;
    metrics_register(metrics, "broker", text, broker_metrics_table, broker_metrics_count,
                     broker_metrics_of(worker->broker));
    metrics_register(metrics, "worker", text, worker_metrics_table, worker_metrics_count,
                     &worker->metrics);
    metrics_register(metrics, "recovery", text, recovery_metrics_table, recovery_metrics_count,
                     &worker->recovery.progress);
    metrics_register(metrics, "side", text, side_metrics_table, side_metrics_count,
                     &worker->side.metrics);
    metrics_register(metrics, "decode", text, decode_metrics_table, decode_metrics_count,
                     &pipeline->decode.metrics);
    metrics_register(metrics, "clean", text, clean_metrics_table, clean_metrics_count,
                     &pipeline->clean.metrics);
    metrics_register(metrics, "state", text, state_metrics_table, state_metrics_count,
                     &pipeline->state_metrics);
    metrics_register(metrics, "triggers", text, triggers_metrics_table, triggers_metrics_count,
                     &pipeline->triggers_metrics);
    metrics_register(metrics, "outcomes", text, outcomes_metrics_table, outcomes_metrics_count,
                     &pipeline->outcomes.metrics);
    metrics_register(metrics, "score", text, score_metrics_table, score_metrics_count,
                     &pipeline->score.metrics);
    metrics_register(metrics, "model", text, model_metrics_table, model_metrics_count,
                     &pipeline->score.model_metrics);
    metrics_register(metrics, "emit", text, emit_metrics_table, emit_metrics_count,
                     &pipeline->emit.metrics);
    buffer_clean_up(&labels);
}
