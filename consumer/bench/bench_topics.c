#include "consumer/bench/bench_topics.h"

#include <stdio.h>

#include "base/clock.h"
#include "broker/producer_simple.h"
#include "broker/topic_reader.h"
#include "schemas/rows.h"
#include "schemas/schemas.h"

#define FLUSH_WAIT_MS 60000
#define STUCK_MAX_MS  30000
#define PROGRESS_NS   1000000000
#define PROGRESS_LOOK 65536 /* events between two looks at the clock */

/* ---- the stream into the topic ---- */

static void show_progress(uint64_t done, uint64_t all, int64_t *next_ns) {
    int64_t now_ns = clock_monotonic_ns();
    if (now_ns >= *next_ns) {
        fprintf(stderr, "  %llu of %llu events written\n", (unsigned long long)done,
                (unsigned long long)all);
        *next_ns = now_ns + PROGRESS_NS;
    }
}

static struct failure write_stream(const struct bench_topics *bench,
                                   struct producer_simple *producer) {
    struct bench_stream stream;
    struct buffer message;
    int64_t next_ns = clock_monotonic_ns() + PROGRESS_NS;
    struct failure failure = failure_none();
    bench_stream_init(&stream, &bench->stream);
    buffer_init(&message, BENCH_MESSAGE_BYTES_MAX);
    for (uint64_t i = 0; i < bench->events && !failed(failure); i++) {
        struct record record;
        buffer_clear(&message);
        bench_stream_record(&stream, &message, &record);
        failure =
            producer_simple_send(producer, bench->topics->full[TOPIC_CLICKSTREAM], record.partition,
                                 record.key, record.value, record.timestamp_ms);
        if (i % PROGRESS_LOOK == 0) {
            show_progress(i, bench->events, &next_ns);
        }
    }
    buffer_clean_up(&message);
    return failed(failure) ? failure : producer_simple_flush(producer, FLUSH_WAIT_MS);
}

static struct failure fill(const struct bench_topics *bench) {
    struct producer_simple *producer;
    bool is_created;
    struct failure failure =
        producer_simple_open(bench->bootstrap_servers, bench->kafka, &producer);
    if (failed(failure)) {
        return failure;
    }
    failure = producer_simple_create_topic(producer, bench->topics->full[TOPIC_CLICKSTREAM],
                                           bench->stream.partitions,
                                           (int)bench->topics->replication_factor, &is_created);
    if (!failed(failure) && !is_created) {
        failure = failure_make(FAILURE_STOP, 0, "%s is there already: give another --run-id",
                               bench->topics->full[TOPIC_CLICKSTREAM]);
    }
    if (!failed(failure)) {
        failure = write_stream(bench, producer);
    }
    producer_simple_close(producer);
    return failure;
}

void bench_topics_fill(const void *bench_topics, void *result) {
    *(struct failure *)result = fill(bench_topics);
}

/* ---- bare consumption ---- */

void bench_topics_drain(const void *bench_topics, void *result) {
    const struct bench_topics *bench = bench_topics;
    struct bench_drain *drain = result;
    drain->failure = topic_drain(bench->bootstrap_servers, bench->kafka,
                                 bench->topics->full[TOPIC_CLICKSTREAM], &drain->topic);
}

/* ---- what a run wrote ---- */

static void take_journal(void *context, const struct record *record) {
    struct bench_output *out = context;
    struct bytes body;
    struct journal_row row;
    if (!wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_JOURNAL, 0, record->value, &body) ||
        !journal_decode(body, &row)) {
        out->failure = failure_make(FAILURE_STOP, 0, "a row of the journal is not valid");
        return;
    }
    int64_t events = row.to_offset[INPUT_CLICKSTREAM] - row.from_offset[INPUT_CLICKSTREAM];
    out->events += events;
    out->epochs = row.epoch > out->epochs ? row.epoch : out->epochs;
    if (row.epoch == 1) {
        out->first_epoch_events += events;
        out->first_ms = record->timestamp_ms > out->first_ms ? record->timestamp_ms : out->first_ms;
    }
    out->last_ms = record->timestamp_ms > out->last_ms ? record->timestamp_ms : out->last_ms;
}

static struct failure count_topic(const struct bench_topics *bench, enum topic topic,
                                  struct bench_output *out, int64_t *out_rows) {
    struct topic_drain_result result;
    struct failure failure =
        topic_drain(bench->bootstrap_servers, bench->kafka, bench->topics->full[topic], &result);
    out->rows += result.record_count;
    out->bytes += result.bytes;
    *out_rows = result.record_count;
    return failure;
}

void bench_topics_count(const void *bench_topics, void *result) {
    const struct bench_topics *bench = bench_topics;
    struct bench_output *out = result;
    int64_t uncounted;
    const struct {
        enum topic topic;
        int64_t *rows;
    } counted[] = {
        {TOPIC_USER_STATE, &out->user_rows},      {TOPIC_PROMOTION_DECISIONS, &out->decisions},
        {TOPIC_PROMOTION_PUSHES, &out->pushes},   {TOPIC_EXAMPLES, &out->examples},
        {TOPIC_DEAD_LETTERS, &out->dead_letters}, {TOPIC_OPEN_DECISIONS, &uncounted},
        {TOPIC_PARTITION_STATE, &uncounted},      {TOPIC_JOURNAL, &uncounted},
    };
    const struct topic_read_request journal = {
        .bootstrap_servers = bench->bootstrap_servers,
        .kafka = bench->kafka,
        .topic = bench->topics->full[TOPIC_JOURNAL],
        .partition = TOPIC_ALL_PARTITIONS,
        .stuck_max_ms = STUCK_MAX_MS,
    };
    struct topic_read_result read;
    struct failure failure = topic_read(&journal, take_journal, out, &read);
    for (size_t i = 0; i < sizeof counted / sizeof counted[0] && !failed(failure); i++) {
        failure = count_topic(bench, counted[i].topic, out, counted[i].rows);
    }
    out->failure = failed(out->failure) ? out->failure : failure;
}
