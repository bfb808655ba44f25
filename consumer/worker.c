#include "consumer/worker.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

#include "consumer/recovery.h"

#define ROOM                "worker"
#define FIRED_PER_EPOCH_MAX 10000
#define LOG_END_TRIES_MAX   100
#define RECOVERY_TRIES_MAX  20 /* each waits for the broker as long as the seam's own time-outs */

/* A partition of the input as this worker knows it. */
struct owned {
    struct partition partition;
    bool
        has_memory; /* partition is filled; it may be kept while somebody else owns the partition */
    bool is_running;          /* assigned and recovered */
    int64_t end[INPUT_COUNT]; /* --until-end: log ends at start */
    struct record *gathered[INPUT_COUNT];
    size_t gathered_count[INPUT_COUNT], gathered_capacity[INPUT_COUNT];
};

struct worker {
    struct worker_settings settings;
    struct broker *broker;
    struct health *health;
    struct timezone_set *zones;
    struct side side;
    struct decision_tally tally;
    struct pipeline pipeline;
    struct owned *owned; /* partition_count of them */
    int32_t partition_count;
    size_t gathered; /* records of this epoch, all partitions */
    bool is_assigned, is_firing, is_done;
    int64_t heartbeat_wall_ms; /* last submitted epoch */
    _Atomic int64_t watermark_ms;
};

static int64_t now_ms(const struct worker *worker) {
    return clock_now_ms(worker->settings.clock);
}

/* ---- life
 * ------------------------------------------------------------------------------------------------
 */

static void init_pipeline(struct worker *worker) {
    const struct pipeline_config *config = worker->settings.config;
    struct pipeline_settings settings = {
        .decode = &config->decode,
        .clean = &config->clean,
        .state = &config->state,
        .triggers = &config->triggers,
        .decide = &config->decide,
        .clickstream_name = bytes_of_text(config->topics.full[TOPIC_CLICKSTREAM]),
        .feedback_name = bytes_of_text(config->topics.full[TOPIC_PUSH_FEEDBACK]),
        .micro_batch_max = (size_t)config->epoch.micro_batch_max,
        .partition_count = worker->partition_count,
        .config_fingerprint = config->fingerprint,
    };
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

static struct failure start(struct worker *worker) {
    struct failure failure =
        broker_partition_count(worker->broker, TOPIC_CLICKSTREAM, &worker->partition_count);
    if (failed(failure)) {
        return failure;
    }
    worker->owned = memory_new((size_t)worker->partition_count, sizeof *worker->owned);
    init_pipeline(worker);
    failure = take_ends(worker);
    return failed(failure) ? failure : side_poll(&worker->side, worker->broker);
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

static void drop_memory(struct owned *owned) {
    if (owned->has_memory) {
        partition_clean_up(&owned->partition);
        owned->has_memory = false;
    }
}

void worker_destroy(struct worker *worker) {
    if (!worker) {
        return;
    }
    for (int32_t p = 0; worker->owned && p < worker->partition_count; p++) {
        drop_memory(&worker->owned[p]);
        for (int input = 0; input < INPUT_COUNT; input++) {
            free(worker->owned[p].gathered[input]);
        }
    }
    if (worker->owned) {
        pipeline_clean_up(&worker->pipeline);
    }
    free(worker->owned);
    if (worker->broker) {
        broker_close(worker->broker);
    }
    side_clean_up(&worker->side);
    timezone_set_destroy(worker->zones);
    free(worker);
}

/* ---- gather: an epoch's records, and assignments as they come
 * --------------------------------------------- */

static void forget_gathered(struct worker *worker) {
    for (int32_t p = 0; p < worker->partition_count; p++) {
        for (int input = 0; input < INPUT_COUNT; input++) {
            worker->owned[p].gathered_count[input] = 0;
        }
    }
    worker->gathered = 0;
    broker_release(worker->broker);
}

static void keep_record(struct worker *worker, const struct record *record) {
    struct owned *owned = &worker->owned[record->partition];
    if (!owned->is_running || record->offset < owned->partition.next_offset[record->input]) {
        return; /* not ours any more, or from before the position: it is or will be read elsewhere
                 */
    }
    size_t *count = &owned->gathered_count[record->input];
    size_t *capacity = &owned->gathered_capacity[record->input];
    if (*count == *capacity) {
        *capacity = *capacity ? *capacity * 2 : 1024;
        owned->gathered[record->input] =
            memory_grow(owned->gathered[record->input], *capacity, sizeof *record);
    }
    owned->gathered[record->input][(*count)++] = *record;
    worker->gathered++;
}

static void stop_partitions(struct worker *worker, bool keeps_memory) {
    forget_gathered(worker);
    for (int32_t p = 0; p < worker->partition_count; p++) {
        worker->owned[p].is_running = false;
        if (!keeps_memory) {
            drop_memory(&worker->owned[p]);
        }
    }
    worker->is_assigned = false;
}

static struct failure recover_one(struct worker *worker, const struct assignment *assignment) {
    struct owned *owned = &worker->owned[assignment->partition];
    int64_t positions[INPUT_COUNT];
    if (owned->has_memory && recovery_is_current(&owned->partition, assignment)) {
        memcpy(positions, owned->partition.next_offset, sizeof positions);
    } else {
        drop_memory(owned);
        partition_init(&owned->partition, assignment->partition,
                       (uint32_t)worker->settings.config->state.users_max, worker->zones);
        owned->has_memory = true;
        struct recovery recovery = {
            .broker = worker->broker,
            .log = worker->settings.log,
            .starts_latest =
                strcmp(worker->settings.config->broker.auto_offset_reset, "latest") == 0,
            .metrics = &worker->pipeline.state_metrics,
        };
        struct failure failure = recovery_run(&recovery, assignment, &owned->partition);
        if (failed(failure)) {
            drop_memory(owned);
            return failure;
        }
        memcpy(positions, owned->partition.next_offset, sizeof positions);
    }
    owned->is_running = true;
    owned->partition.receipt_wall_ms = now_ms(worker);
    owned->partition.watermark_at_receipt_ms = owned->partition.watermark_ms;
    health_beat(worker->health, now_ms(worker));
    return broker_start(worker->broker, assignment->partition, positions);
}

/* What was kept for a return and did not return is dropped: somebody else may have written on. */
static void drop_strangers(struct worker *worker) {
    for (int32_t p = 0; p < worker->partition_count; p++) {
        if (!worker->owned[p].is_running) {
            drop_memory(&worker->owned[p]);
        }
    }
}

static struct failure take_assignments(struct worker *worker, const struct broker_event *event) {
    int64_t start_ns = clock_monotonic_ns();
    health_enter(worker->health, WORKER_RECOVERING, now_ms(worker));
    for (size_t i = 0; i < event->assignment_count; i++) {
        struct failure failure = recover_one(worker, &event->assignments[i]);
        for (int tries = 1; failure.action == FAILURE_RETRY && tries < RECOVERY_TRIES_MAX;
             tries++) {
            log_warn(worker->settings.log, ROOM, "recovery again partition=%d: %s",
                     (int)event->assignments[i].partition, failure.text);
            failure = recover_one(worker, &event->assignments[i]);
        }
        if (failed(failure)) {
            return failure;
        }
    }
    drop_strangers(worker);
    worker->is_assigned = true;
    worker->heartbeat_wall_ms = now_ms(worker);
    health_enter(worker->health, WORKER_RUNNING, now_ms(worker));
    log_info(worker->settings.log, ROOM, "assigned worker=%s partitions=%zu recovery_ms=%lld",
             worker->settings.name, event->assignment_count,
             (long long)((clock_monotonic_ns() - start_ns) / 1000000));
    return failure_none();
}

static struct failure take_event(struct worker *worker, const struct broker_event *event) {
    switch (event->kind) {
    case BROKER_NOTHING:
        break;
    case BROKER_RECORDS:
        for (size_t i = 0; i < event->record_count; i++) {
            keep_record(worker, &event->records[i]);
        }
        break;
    case BROKER_ASSIGNED:
        return take_assignments(worker, event);
    case BROKER_REVOKED:
    case BROKER_LOST:
        log_info(worker->settings.log, ROOM, "%s worker=%s",
                 event->kind == BROKER_LOST ? "lost" : "revoked", worker->settings.name);
        stop_partitions(worker, event->kind == BROKER_REVOKED);
        break;
    }
    return failure_none();
}

static struct failure gather(struct worker *worker) {
    const struct epoch_config *config = &worker->settings.config->epoch;
    int64_t deadline_ns = clock_monotonic_ns() + config->interval_ms * 1000000;
    size_t records_max = (size_t)config->events_max;
    do {
        int64_t left_ms = (deadline_ns - clock_monotonic_ns()) / 1000000;
        struct broker_event event;
        struct failure failure = broker_poll(worker->broker, left_ms > 0 ? (int)left_ms : 0,
                                             records_max - worker->gathered, &event);
        if (!failed(failure)) {
            failure = take_event(worker, &event);
        }
        if (failed(failure) && failure.action != FAILURE_RETRY) {
            return failure;
        }
        health_beat(worker->health, now_ms(worker));
    } while (worker->gathered < records_max && clock_monotonic_ns() < deadline_ns &&
             !worker->settings.should_stop());
    return failure_none();
}

/* ---- the end
 * ------------------------------------------------------------------------------------------------
 */

static struct failure is_input_at_end(struct worker *worker, const struct owned *owned, int input,
                                      bool *out) {
    int64_t position = owned->partition.next_offset[input];
    struct failure failure = failure_none();
    if (position <
        owned->end[input]) { /* control records at the end have offsets, but are never delivered */
        failure = broker_position(worker->broker, (enum broker_input)input, owned->partition.number,
                                  &position);
    }
    *out = position >= owned->end[input];
    return failure;
}

/* Everything assigned was read to the ends taken at start, and nothing waits. */
static struct failure is_at_end(struct worker *worker, bool *out) {
    *out = worker->is_assigned && worker->gathered == 0;
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

/* ---- one epoch
 * ---------------------------------------------------------------------------------------------- */

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
    if (worker->is_firing && !pipeline_fire_at_end(pipeline, partition, FIRED_PER_EPOCH_MAX)) {
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
    int64_t users = 0, timers = 0, items = 0, watermark_ms = INT64_MAX;
    for (int32_t p = 0; p < worker->partition_count; p++) {
        const struct partition *partition = &worker->owned[p].partition;
        if (worker->owned[p].is_running) {
            users += partition->store.count;
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
    atomic_store_explicit(&worker->watermark_ms,
                          watermark_ms == INT64_MAX ? TIME_NONE : watermark_ms,
                          memory_order_relaxed);
}

/* A side topic that cannot be read right now stays as it was known; the journal has its position.
 */
static struct failure poll_sides(struct worker *worker) {
    struct failure failure = side_poll(&worker->side, worker->broker);
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
    forget_gathered(worker);
    return failure;
}

/* ---- the loop
 * -----------------------------------------------------------------------------------------------
 */

static struct failure one_round(struct worker *worker, bool *out_done) {
    bool is_stopping = worker->settings.should_stop();
    bool is_end = false;
    struct failure failure = is_stopping ? failure_none() : gather(worker);
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
    *out_done = *out_done || is_stopping;             /* or leave it to the next start */
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

/* ---- what others may see
 * ------------------------------------------------------------------------------------ */

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
    metrics_register(metrics, "emit", text, emit_metrics_table, emit_metrics_count,
                     &pipeline->emit.metrics);
    buffer_clean_up(&labels);
}
