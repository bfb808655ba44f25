#include "consumer/bench/bench_engine.h"

#include <stdlib.h>

#include "consumer/bench/bench_measure.h"
#include "consumer/side/side_table.h"

/* ---- life ---- */

/* Per partition; nobody is evicted. */
static uint32_t users_max_of(const struct bench_engine *engine) {
    const struct bench_engine_settings *settings = &engine->settings;
    uint64_t all = settings->stream.users + settings->sleepers;
    int64_t needed = (int64_t)all / settings->stream.partitions + 2; /* both rounded up */
    int64_t configured = engine->config->state.users_max;
    return (uint32_t)(configured > needed ? configured : needed);
}

void bench_engine_init(struct bench_engine *engine, const struct pipeline_config *config,
                       const struct bench_engine_settings *settings) {
    size_t partitions = (size_t)settings->stream.partitions;
    *engine = (struct bench_engine){
        .config = config, .settings = *settings, .zones = timezone_set_new(NULL)};
    bench_stream_init(&engine->stream, &settings->stream);
    side_init(&engine->side, &config->side);
    struct pipeline_settings pipeline =
        pipeline_config_settings(config, settings->stream.partitions);
    pipeline_init(&engine->pipeline, &pipeline, &engine->side, engine->zones, &engine->tally);
    epoch_init(&engine->epoch);
    buffer_init(&engine->messages, settings->epoch_events * BENCH_MESSAGE_BYTES_MAX);
    engine->partitions = memory_new(partitions, sizeof *engine->partitions);
    engine->gathered = memory_new(partitions, sizeof *engine->gathered);
    engine->gathered_count = memory_new(partitions, sizeof *engine->gathered_count);
    engine->next_offset = memory_new(partitions, sizeof *engine->next_offset);
    for (size_t p = 0; p < partitions; p++) {
        partition_init(&engine->partitions[p], (int32_t)p, users_max_of(engine), engine->zones);
        engine->gathered[p] = memory_new(settings->epoch_events, sizeof **engine->gathered);
    }
}

static void clean_up_partitions(struct bench_engine *engine) {
    for (int32_t p = 0; engine->partitions && p < engine->settings.stream.partitions; p++) {
        partition_clean_up(&engine->partitions[p]);
    }
    free(engine->partitions);
    engine->partitions = NULL;
}

void bench_engine_clean_up(struct bench_engine *engine) {
    clean_up_partitions(engine);
    for (int32_t p = 0; p < engine->settings.stream.partitions; p++) {
        free(engine->gathered[p]);
    }
    free(engine->gathered);
    free(engine->gathered_count);
    free(engine->next_offset);
    buffer_clean_up(&engine->messages);
    epoch_clean_up(&engine->epoch);
    pipeline_clean_up(&engine->pipeline);
    side_clean_up(&engine->side);
    timezone_set_destroy(engine->zones);
}

/* ---- epochs ---- */

void bench_engine_gather(struct bench_engine *engine, size_t count) {
    buffer_clear(&engine->messages);
    for (int32_t p = 0; p < engine->settings.stream.partitions; p++) {
        engine->gathered_count[p] = 0;
    }
    for (size_t i = 0; i < count; i++) {
        struct record record;
        bench_stream_record(&engine->stream, &engine->messages, &record);
        int32_t p = record.partition;
        record.offset = engine->next_offset[p]++;
        engine->gathered[p][engine->gathered_count[p]++] = record;
    }
}

static void count_output(const struct epoch *epoch, struct bench_engine_result *out) {
    out->output_bytes += epoch->data.size;
    for (size_t i = 0; i < epoch->record_count; i++) {
        const struct epoch_record *record = &epoch->records[i];
        bool is_user = record->topic == TOPIC_USER_STATE;
        out->decisions += record->topic == TOPIC_PROMOTION_DECISIONS;
        out->pushes += record->topic == TOPIC_PROMOTION_PUSHES;
        out->rows += is_user;
        out->row_bytes += is_user ? record->value_size : 0;
    }
}

static struct bench_spans run_epoch(struct bench_engine *engine, size_t count) {
    struct bench_spans spans = {0};
    bench_engine_gather(engine, count);
    epoch_clear(&engine->epoch);
    pipeline_begin(&engine->pipeline, &engine->epoch);
    for (int32_t p = 0; p < engine->settings.stream.partitions; p++) {
        struct partition *partition = &engine->partitions[p];
        int64_t begin_ns = bench_cpu_ns();
        partition_begin(partition);
        pipeline_clickstream(&engine->pipeline, partition, engine->gathered[p],
                             engine->gathered_count[p]);
        int64_t middle_ns = bench_cpu_ns();
        pipeline_finish(&engine->pipeline, partition, (int64_t)engine->stream.event_ms);
        spans.rooms_ns += middle_ns - begin_ns;
        spans.rows_ns += bench_cpu_ns() - middle_ns;
    }
    return spans;
}

struct bench_spans bench_engine_run(struct bench_engine *engine, uint64_t events,
                                    struct bench_engine_result *out) {
    struct bench_spans sum = {0};
    for (uint64_t left = events; left > 0;) {
        size_t most = engine->settings.epoch_events;
        size_t count = left < most ? (size_t)left : most;
        struct bench_spans spans = run_epoch(engine, count);
        sum.rooms_ns += spans.rooms_ns;
        sum.rows_ns += spans.rows_ns;
        count_output(&engine->epoch, out);
        left -= count;
    }
    out->events += events;
    return sum;
}

/* ---- the benchmark ---- */

/* Drops the partitions: what becomes free is what they held. */
static void weigh(struct bench_engine *engine, struct bench_engine_result *out) {
    double users = 0, open = 0;
    for (int32_t p = 0; p < engine->settings.stream.partitions; p++) {
        const struct partition *partition = &engine->partitions[p];
        out->users += partition->store.count;
        out->timers += partition->timers.count;
        users += (double)user_store_memory_bytes(&partition->store);
        open += (double)side_table_memory_bytes(partition->open_rows);
    }
    size_t before = bench_resident_bytes();
    clean_up_partitions(engine);
    double held = (double)before - (double)bench_resident_bytes();
    double count = (double)(out->users > 0 ? out->users : 1);
    out->user_bytes = users / count;
    out->open_bytes = open / count;
    out->table_bytes = (held - users - open) / count;
}

void bench_engine_measure(const struct pipeline_config *config,
                          const struct bench_engine_settings *settings,
                          struct bench_engine_result *out) {
    struct bench_engine engine;
    struct bench_engine_result warm = {0};
    double rooms_ns[BENCH_SLICES], rows_ns[BENCH_SLICES];
    *out = (struct bench_engine_result){0};
    bench_engine_init(&engine, config, settings);
    (void)bench_engine_run(&engine, settings->warm_events, &warm);
    engine.stream.sleepers = settings->sleepers;
    (void)bench_engine_run(&engine, settings->sleepers, &warm);
    uint64_t events = settings->events / BENCH_SLICES + 1;
    for (size_t i = 0; i < BENCH_SLICES; i++) {
        struct bench_spans spans = bench_engine_run(&engine, events, out);
        rooms_ns[i] = (double)spans.rooms_ns / (double)events;
        rows_ns[i] = (double)spans.rows_ns / (double)events;
    }
    out->rooms_ns = bench_median(rooms_ns, BENCH_SLICES);
    out->rows_ns = bench_median(rows_ns, BENCH_SLICES);
    weigh(&engine, out);
    bench_engine_clean_up(&engine);
}
