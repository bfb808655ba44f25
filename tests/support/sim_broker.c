#include "tests/support/sim_broker.h"

#include <assert.h>
#include <stdlib.h>

/* ---- the log ---- */

void sim_log_init(struct sim_log *log) {
    *log = (struct sim_log){.next_offset = {-1, -1}, .epoch = -1};
}

void sim_log_clean_up(struct sim_log *log) {
    for (size_t i = 0; i < log->count; i++) {
        free((void *)(uintptr_t)log->rows[i].key.data);
        free((void *)(uintptr_t)log->rows[i].value.data);
    }
    free(log->rows);
    *log = (struct sim_log){0};
}

static struct bytes copy(struct bytes bytes) {
    uint8_t *data = memory_new(bytes.size + 1, 1);
    memcpy(data, bytes.data, bytes.size);
    return bytes_of(data, bytes.size);
}

void sim_log_commit(struct sim_log *log, const struct epoch *epoch) {
    for (size_t i = 0; i < epoch->record_count; i++) {
        if (log->count == log->capacity) {
            log->capacity = log->capacity ? log->capacity * 2 : 256;
            log->rows = memory_grow(log->rows, log->capacity, sizeof *log->rows);
        }
        log->rows[log->count++] = (struct sim_row){
            .topic = epoch->records[i].topic,
            .partition = epoch->records[i].partition,
            .key = copy(epoch_record_key(epoch, i)),
            .value = epoch->records[i].is_tombstone ? bytes_of(NULL, 0)
                                                    : copy(epoch_record_value(epoch, i)),
        };
    }
    for (size_t i = 0; i < epoch->offset_count; i++) {
        log->next_offset[epoch->offsets[i].input] = epoch->offsets[i].next_offset;
        log->epoch = epoch->offsets[i].epoch;
    }
    log->commits++;
}

/* ---- the broker ---- */

struct sim_broker {
    struct broker broker;
    struct sim_log *log;
    struct sim_options options;
    struct rng rng;
    struct epoch epoch;
    struct broker_metrics metrics;
    struct assignment assignment;
    size_t position[INPUT_COUNT]; /* next record to deliver */
    bool is_assigned, is_lost;
};

static struct sim_broker *of(struct broker *broker) {
    return (struct sim_broker *)broker;
}

static struct failure poll_sim(struct broker *broker, int timeout_ms, size_t records_max,
                               struct broker_event *out) {
    struct sim_broker *sim = of(broker);
    (void)timeout_ms;
    *out = (struct broker_event){.kind = BROKER_NOTHING};
    if (sim->is_lost) {
        sim->is_lost = sim->is_assigned = false;
        out->kind = BROKER_LOST;
    } else if (!sim->is_assigned) {
        sim->assignment = (struct assignment){.epoch = sim->log->epoch};
        memcpy(sim->assignment.next_offset, sim->log->next_offset,
               sizeof sim->assignment.next_offset);
        sim->assignment.partition = sim->options.grown_to > 0 ? sim->options.grown_to - 1 : 0;
        *out = (struct broker_event){
            .kind = BROKER_ASSIGNED, .assignments = &sim->assignment, .assignment_count = 1};
    } else if (rng_unit(&sim->rng) < sim->options.revoke_share) {
        sim->is_assigned = false;
        out->kind = BROKER_REVOKED;
    } else {
        bool is_feedback = sim->position[INPUT_FEEDBACK] < sim->options.feedback_count;
        enum broker_input input = is_feedback ? INPUT_FEEDBACK : INPUT_CLICKSTREAM;
        size_t count = is_feedback ? sim->options.feedback_count : sim->options.click_count;
        size_t left = count - sim->position[input];
        size_t some = 1 + (size_t)rng_below(&sim->rng, 50);
        some = some < left ? some : left;
        some = some < records_max ? some : records_max;
        out->kind = some > 0 ? BROKER_RECORDS : BROKER_NOTHING;
        out->records =
            (is_feedback ? sim->options.feedback : sim->options.clicks) + sim->position[input];
        out->record_count = some;
        sim->position[input] += some;
    }
    return failure_none();
}

static void release_sim(struct broker *broker) {
    (void)broker;
}

static struct failure start_sim(struct broker *broker, int32_t partition,
                                const int64_t next_offset[INPUT_COUNT]) {
    struct sim_broker *sim = of(broker);
    assert(partition == 0);
    for (int input = 0; input < INPUT_COUNT; input++) {
        sim->position[input] = (size_t)next_offset[input];
    }
    sim->is_assigned = true;
    return failure_none();
}

static struct epoch *epoch_sim(struct broker *broker) {
    const struct sim_options *options = &of(broker)->options;
    if (options->wall_ms) {
        *options->wall_ms += options->wall_step_ms;
    }
    epoch_clear(&of(broker)->epoch);
    return &of(broker)->epoch;
}

static struct failure submit_sim(struct broker *broker, struct epoch *epoch) {
    struct sim_broker *sim = of(broker);
    if (sim->is_lost) {
        return failure_none(); /* goes down with the one before it */
    }
    if (rng_unit(&sim->rng) < sim->options.loss_share) {
        sim->is_lost = true;
        sim->log->losses++;
    } else {
        sim_log_commit(sim->log, epoch);
    }
    return failure_none();
}

static struct failure drain_sim(struct broker *broker, bool *out_committed) {
    *out_committed = !of(broker)->is_lost;
    return failure_none();
}

static struct failure log_end_sim(struct broker *broker, enum broker_input input, int32_t partition,
                                  int64_t *out) {
    struct sim_broker *sim = of(broker);
    (void)partition;
    *out = input == INPUT_FEEDBACK ? (int64_t)sim->options.feedback_count
                                   : (int64_t)sim->options.click_count + sim->options.end_ahead;
    return failure_none();
}

static struct failure position_sim(struct broker *broker, enum broker_input input,
                                   int32_t partition, int64_t *out) {
    (void)partition;
    *out = (int64_t)of(broker)->position[input];
    return failure_none();
}

static struct failure partition_count_sim(struct broker *broker, enum topic topic, int32_t *out) {
    (void)topic;
    *out = 1;
    return of(broker)->options.fails_at_start
               ? failure_make(FAILURE_STOP, 3, "unknown topic or partition")
               : failure_none();
}

#define READ_GROUP 100

/* In groups, as from Kafka: recovery looks ahead in them. */
static struct failure read_to_end_sim(struct broker *broker, enum topic topic, int32_t partition,
                                      broker_visit *visit, void *context) {
    const struct sim_log *log = of(broker)->log;
    struct record group[READ_GROUP];
    size_t count = 0;
    for (size_t i = 0; i < log->count; i++) {
        if (log->rows[i].topic == topic && log->rows[i].partition == partition) {
            group[count++] = (struct record){
                .key = log->rows[i].key, .value = log->rows[i].value, .offset = (int64_t)i};
        }
        if (count == READ_GROUP || i + 1 == log->count) {
            for (size_t at = 0; at < count; at++) {
                group[at].following = (uint32_t)(count - at - 1);
                visit(context, &group[at]);
            }
            count = 0;
        }
    }
    return failure_none();
}

static struct failure side_poll_sim(struct broker *broker, enum topic topic, broker_visit *visit,
                                    void *context, int64_t *out_position) {
    (void)broker;
    (void)topic;
    (void)visit;
    (void)context;
    *out_position = 0;
    return failure_none();
}

static const struct broker_metrics *metrics_sim(const struct broker *broker) {
    return &((const struct sim_broker *)broker)->metrics;
}

static void close_sim(struct broker *broker) {
    epoch_clean_up(&of(broker)->epoch);
    free(broker);
}

struct broker *sim_broker_new(struct sim_log *log, const struct sim_options *options) {
    static const struct broker_ops ops = {
        .poll = poll_sim,
        .release = release_sim,
        .start = start_sim,
        .epoch = epoch_sim,
        .submit = submit_sim,
        .drain = drain_sim,
        .log_end = log_end_sim,
        .position = position_sim,
        .partition_count = partition_count_sim,
        .read_to_end = read_to_end_sim,
        .side_poll = side_poll_sim,
        .metrics = metrics_sim,
        .close = close_sim,
    };
    struct sim_broker *sim = memory_new(1, sizeof *sim);
    sim->broker.ops = &ops;
    sim->log = log;
    sim->options = *options;
    sim->rng = rng_make(options->seed, 5);
    epoch_init(&sim->epoch);
    return &sim->broker;
}
