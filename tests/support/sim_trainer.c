#include "tests/support/sim_trainer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"

#define BATCH_MAX 40

/* ---- the log ---- */

void sim_trainer_log_init(struct sim_trainer_log *log) {
    *log = (struct sim_trainer_log){.committed = -1, .epoch = -1};
}

static void topic_clean_up(struct sim_topic *topic) {
    for (size_t i = 0; i < topic->count; i++) {
        free((void *)(uintptr_t)topic->records[i].key.data);
        free((void *)(uintptr_t)topic->records[i].value.data);
    }
    free(topic->records);
}

void sim_trainer_log_clean_up(struct sim_trainer_log *log) {
    topic_clean_up(&log->examples);
    topic_clean_up(&log->model);
    *log = (struct sim_trainer_log){0};
}

static struct bytes copy(struct bytes bytes) {
    uint8_t *data = memory_new(bytes.size + 1, 1);
    if (bytes.size > 0) {
        memcpy(data, bytes.data, bytes.size);
    }
    return bytes_of(data, bytes.size);
}

static void add(struct sim_topic *topic, struct sim_record record) {
    if (topic->count == topic->capacity) {
        topic->capacity = topic->capacity ? 2 * topic->capacity : 256;
        topic->records = memory_grow(topic->records, topic->capacity, sizeof *topic->records);
    }
    topic->records[topic->count++] = record;
}

void sim_topic_add(struct sim_topic *topic, struct bytes key, struct bytes value) {
    add(topic, (struct sim_record){copy(key), value.data ? copy(value) : bytes_of(NULL, 0)});
}

void sim_topic_skip(struct sim_topic *topic, size_t count) {
    for (size_t i = 0; i < count; i++) {
        add(topic, (struct sim_record){0});
    }
}

static void commit(struct sim_trainer_log *log, const struct epoch *epoch) {
    for (size_t i = 0; i < epoch->record_count; i++) {
        assert(epoch->records[i].topic == TOPIC_MODEL && epoch->records[i].partition == 0);
        sim_topic_add(&log->model, epoch_record_key(epoch, i), epoch_record_value(epoch, i));
    }
    assert(epoch->offset_count == 1 && epoch->offsets[0].input == INPUT_EXAMPLES);
    assert(epoch->offsets[0].next_offset > log->committed);
    log->committed = epoch->offsets[0].next_offset;
    log->epoch = epoch->offsets[0].epoch;
    log->commits++;
    sim_topic_skip(&log->model, 1); /* the commit's control record */
}

/* ---- the broker ---- */

struct sim_trainer {
    struct broker broker;
    struct sim_trainer_log *log;
    struct sim_trainer_options options;
    struct rng rng;
    struct epoch epoch;
    struct broker_metrics metrics;
    struct assignment assignment;
    size_t position; /* next offset to deliver */
    struct record records[BATCH_MAX];
    bool is_reported, is_lost;
};

static struct sim_trainer *of(struct broker *broker) {
    return (struct sim_trainer *)broker;
}

static bool happens(struct sim_trainer *sim, double share) {
    return rng_unit(&sim->rng) < share;
}

static void deliver(struct sim_trainer *sim, size_t records_max, struct broker_event *out) {
    const struct sim_topic *topic = &sim->log->examples;
    size_t some = 1 + (size_t)rng_below(&sim->rng, BATCH_MAX), count = 0;
    while (count < some && count < records_max && sim->position < topic->count) {
        const struct sim_record *record = &topic->records[sim->position];
        if (record->key.data) {
            sim->records[count++] = (struct record){.key = record->key,
                                                    .value = record->value,
                                                    .offset = (int64_t)sim->position,
                                                    .input = INPUT_EXAMPLES};
        }
        sim->position++;
    }
    *out = (struct broker_event){.kind = count > 0 ? BROKER_RECORDS : BROKER_NOTHING,
                                 .records = sim->records,
                                 .record_count = count};
}

static struct failure poll_sim(struct broker *broker, int timeout_ms, size_t records_max,
                               struct broker_event *out) {
    struct sim_trainer *sim = of(broker);
    (void)timeout_ms;
    *out = (struct broker_event){.kind = BROKER_NOTHING};
    if (sim->options.wall_ms) {
        *sim->options.wall_ms +=
            (int64_t)rng_below(&sim->rng, (uint64_t)sim->options.wall_step_ms + 1);
    }
    if (happens(sim, sim->options.death_share)) {
        sim->log->deaths++;
        return failure_make(FAILURE_STOP, 0, "death");
    }
    if (sim->is_lost) {
        sim->is_lost = sim->is_reported = false;
        out->kind = BROKER_LOST;
    } else if (!sim->is_reported) {
        sim->is_reported = true;
        sim->assignment =
            (struct assignment){.next_offset = {sim->log->committed, -1}, .epoch = sim->log->epoch};
        *out = (struct broker_event){.kind = BROKER_ASSIGNED,
                                     .assignments = &sim->assignment,
                                     .assignment_count = sim->options.is_standby ? 0 : 1};
    } else if (happens(sim, sim->options.revoke_share)) {
        sim->is_reported = false;
        out->kind = BROKER_REVOKED;
    } else if (!sim->options.is_standby) {
        deliver(sim, records_max, out);
    }
    return failure_none();
}

static void release_sim(struct broker *broker) {
    memset(of(broker)->records, 0xa5, sizeof of(broker)->records);
}

static struct failure start_sim(struct broker *broker, int32_t partition,
                                const int64_t next_offset[INPUT_COUNT]) {
    assert(partition == 0 && next_offset[INPUT_EXAMPLES] >= 0);
    of(broker)->position = (size_t)next_offset[INPUT_EXAMPLES];
    return failure_none();
}

static struct epoch *epoch_sim(struct broker *broker) {
    epoch_clear(&of(broker)->epoch);
    return &of(broker)->epoch;
}

static struct failure submit_sim(struct broker *broker, struct epoch *epoch) {
    struct sim_trainer *sim = of(broker);
    if (sim->is_lost) {
        return failure_none(); /* goes down with the one before it */
    }
    bool is_lost = happens(sim, sim->options.loss_share);
    if (is_lost) {
        sim->is_lost = true;
        sim->log->losses++;
    }
    if (!is_lost || happens(sim, 0.5)) {
        commit(sim->log, epoch);
    }
    return failure_none();
}

static struct failure drain_sim(struct broker *broker, bool *out_committed) {
    *out_committed = !of(broker)->is_lost;
    return failure_none();
}

static struct failure log_end_sim(struct broker *broker, enum broker_input input, int32_t partition,
                                  int64_t *out) {
    assert(input == INPUT_EXAMPLES && partition == 0);
    *out = (int64_t)of(broker)->log->examples.count;
    return failure_none();
}

static struct failure position_sim(struct broker *broker, enum broker_input input,
                                   int32_t partition, int64_t *out) {
    assert(input == INPUT_EXAMPLES && partition == 0);
    *out = (int64_t)of(broker)->position;
    return failure_none();
}

static struct failure read_to_end_sim(struct broker *broker, enum topic topic, int32_t partition,
                                      broker_visit *visit, void *context) {
    const struct sim_topic *model = &of(broker)->log->model;
    assert(topic == TOPIC_MODEL && partition == 0);
    for (size_t i = 0; i < model->count; i++) {
        struct record record = {
            .key = model->records[i].key, .value = model->records[i].value, .offset = (int64_t)i};
        if (record.key.data) {
            visit(context, &record);
        }
    }
    return failure_none();
}

static const struct broker_metrics *metrics_sim(const struct broker *broker) {
    return &((const struct sim_trainer *)broker)->metrics;
}

static void close_sim(struct broker *broker) {
    epoch_clean_up(&of(broker)->epoch);
    free(broker);
}

struct broker *sim_trainer_new(struct sim_trainer_log *log,
                               const struct sim_trainer_options *options) {
    static const struct broker_ops ops = {
        .poll = poll_sim,
        .release = release_sim,
        .start = start_sim,
        .epoch = epoch_sim,
        .submit = submit_sim,
        .drain = drain_sim,
        .log_end = log_end_sim,
        .position = position_sim,
        .read_to_end = read_to_end_sim,
        .metrics = metrics_sim,
        .close = close_sim,
    };
    struct sim_trainer *sim = memory_new(1, sizeof *sim);
    sim->broker.ops = &ops;
    sim->log = log;
    sim->options = *options;
    sim->rng = rng_make(options->seed, 6);
    epoch_init(&sim->epoch);
    return &sim->broker;
}

/* ---- the learner ---- */

#define ARMS 8

struct sums {
    double labels, corrections, count;
    uint64_t order; /* hash of the examples in their order */
};

struct sim_memory {
    struct sums sums[1 + ARMS]; /* of all, of each arm */
    bool is_changed[1 + ARMS];
};

static size_t memory_bytes(const void *options, const struct learner_space *space) {
    (void)options;
    (void)space;
    return sizeof(struct sim_memory);
}

static void init(void *memory, const void *options, const struct learner_space *space,
                 const struct learner_arm *arms, size_t arm_count) {
    (void)options;
    (void)space;
    (void)arms;
    (void)arm_count;
    memset(memory, 0, sizeof(struct sim_memory));
}

static enum learner_verdict score(const void *memory, const struct learner_input *input,
                                  const uint64_t *arms, size_t arm_count,
                                  struct learner_scores *out) {
    const struct sums *sums = ((const struct sim_memory *)memory)->sums;
    (void)input;
    (void)arms;
    for (size_t i = 0; i < arm_count; i++) {
        out->arms[i] = (struct learner_arm_score){.p = sums->labels / (sums->count + 1)};
    }
    return LEARNER_OK;
}

static enum learner_verdict learn(void *memory, const struct learner_example *example) {
    struct sim_memory *sim = memory;
    size_t at[2] = {0, 1 + (size_t)(example->arm % ARMS)};
    for (size_t i = 0; i < 2; i++) {
        struct sums *sums = &sim->sums[at[i]];
        uint64_t bits;
        memcpy(&bits, &example->input.numbers[0], sizeof bits);
        sums->labels += example->label;
        sums->corrections += example->is_correction;
        sums->count++;
        sums->order = hash_combine(sums->order, bits + (example->label > 0));
        sim->is_changed[at[i]] = true;
    }
    return LEARNER_OK;
}

static void row_key_of(size_t at, char out[LEARNER_ROW_KEY_MAX]) {
    (void)snprintf(out, LEARNER_ROW_KEY_MAX, at == 0 ? "all" : "arm/%zu", at - 1);
}

static void export_rows(void *memory, bool all, learner_visit_row *visit, void *context) {
    struct sim_memory *sim = memory;
    for (size_t at = 0; at <= ARMS; at++) {
        if (sim->is_changed[at] || (all && sim->sums[at].count > 0)) {
            struct learner_row row = {.kind = at == 0 ? LEARNER_COUNTERS : LEARNER_WEIGHTS,
                                      .values = bytes_of(&sim->sums[at], sizeof sim->sums[at])};
            row_key_of(at, row.key);
            sim->is_changed[at] = false;
            visit(context, &row);
        }
    }
}

static int find(const struct learner_row *row) {
    for (size_t at = 0; at <= ARMS; at++) {
        char key[LEARNER_ROW_KEY_MAX];
        row_key_of(at, key);
        if (strcmp(key, row->key) == 0) {
            return (int)at;
        }
    }
    return -1;
}

static enum learner_verdict check_row(const void *memory, const struct learner_row *row) {
    (void)memory;
    return find(row) < 0                             ? LEARNER_BAD_ROW
           : row->values.size != sizeof(struct sums) ? LEARNER_BAD_SIZE
                                                     : LEARNER_OK;
}

static void import_row(void *memory, const struct learner_row *row) {
    struct sim_memory *sim = memory;
    memcpy(&sim->sums[find(row)], row->values.data, sizeof(struct sums));
}

const struct learner_kind sim_learner = {.name = "sums",
                                         .memory_bytes = memory_bytes,
                                         .init = init,
                                         .score = score,
                                         .learn = learn,
                                         .export_rows = export_rows,
                                         .check_row = check_row,
                                         .import_row = import_row};
