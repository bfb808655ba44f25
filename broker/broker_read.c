/* Reading outside the group: log ends, recovery, side topics. All on the worker's thread.
 *
 * The end of a read is the true high watermark, asked once with read_uncommitted: with
 * read_committed it would be the last stable offset, before which a dead predecessor's transaction
 * can hide committed records (KAFKA.md 8). A position passes control records and aborted ones, so
 * it reaches that end; message offsets need not. */
#include <assert.h>
#include <stdlib.h>

#include "broker/access.h"
#include "broker/broker_internal.h"
#include "broker/log_ends.h"
#include "broker/txn_errors.h"

#define TAKE_WAIT_MS     10
#define VISIT_GROUP      64
#define ABSENT_ASK_MS    10000 /* between looks for a side topic that does not exist */
#define STUCK_LOG_MS     10000
#define STUCK_STOP_MS    300000 /* longer than any transaction timeout and a broker's restart */
#define SIDE_ROUNDS      20     /* batches of one later side poll: it must not starve the epoch */
#define METADATA_WAIT_MS 10000

/* ---- questions ---- */

struct failure read_log_end(struct broker *base, enum broker_input input, int32_t partition,
                            int64_t *out) {
    struct broker_kafka *broker = kafka_of(base);
    return log_ends_ask_high(broker->ends, input_name(broker, (int)input), partition, 0, out);
}

struct failure read_partition_count(struct broker *base, enum topic topic, int32_t *out) {
    struct broker_kafka *broker = kafka_of(base);
    const struct rd_kafka_metadata *metadata;
    struct failure failure = client_metadata(broker->ends, METADATA_WAIT_MS, &metadata);
    if (failed(failure)) {
        return failure;
    }
    *out = client_partitions(metadata, broker->topics->full[topic]);
    rd_kafka_metadata_destroy(metadata);
    return failure_none();
}

/* ---- one partition or topic ---- */

static int64_t position_of(rd_kafka_t *client, const char *topic, int32_t partition) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition);
    rd_kafka_resp_err_t code = rd_kafka_position(client, list);
    int64_t position = !code && !list->elems[0].err ? list->elems[0].offset : -1;
    rd_kafka_topic_partition_list_destroy(list);
    return position >= 0 ? position : -1;
}

static void visit_group(struct record *records, size_t count, broker_visit *visit, void *context) {
    for (size_t i = 0; i < count; i++) {
        records[i].following = (uint32_t)(count - i - 1);
        visit(context, &records[i]);
    }
}

/* Visits what is there; *out_count are the messages taken, errors included. */
static struct failure visit_batch(struct broker_kafka *broker, struct reader *reader,
                                  rd_kafka_message_t **messages, int wait_ms, broker_visit *visit,
                                  void *context, size_t *out_count) {
    struct failure failure = failure_none();
    struct record records[VISIT_GROUP];
    size_t count = 0;
    *out_count = client_take(reader->queue, wait_ms, messages, BATCH_MAX);
    for (size_t i = 0; i < *out_count; i++) {
        rd_kafka_message_t *message = messages[i];
        if (!message->err) {
            records[count++] =
                (struct record){.key = bytes_of(message->key, message->key_len),
                                .value = bytes_of(message->payload, message->len),
                                .timestamp_ms = rd_kafka_message_timestamp(message, NULL),
                                .offset = message->offset,
                                .partition = message->partition};
        } else if (consumer_error_action(message->err) == FAILURE_STOP) {
            failure =
                failure_make(FAILURE_STOP, message->err, "reading %s: %s",
                             rd_kafka_topic_name(reader->topic), access_text_of_read(message));
        } else {
            log_info(broker->log, "broker", "reading: %s", rd_kafka_message_errstr(message));
        }
        if (count == VISIT_GROUP || i + 1 == *out_count) {
            visit_group(records, count, visit, context);
            count = 0;
        }
    }
    for (size_t i = 0; i < *out_count; i++) {
        rd_kafka_message_destroy(messages[i]);
    }
    return failure;
}

static struct failure reader_open(rd_kafka_t *client, const char *topic, struct reader *out) {
    *out = (struct reader){.topic = rd_kafka_topic_new(client, topic, NULL),
                           .queue = rd_kafka_queue_new(client)};
    if (!out->topic) {
        rd_kafka_queue_destroy(out->queue);
        out->queue = NULL;
        return failure_make(FAILURE_STOP, rd_kafka_last_error(), "topic %s: %s", topic,
                            rd_kafka_err2str(rd_kafka_last_error()));
    }
    /* A hint: a topic whose leaders are not known waits for librdkafka's scan, up to a second. */
    const struct rd_kafka_metadata *metadata;
    if (!rd_kafka_metadata(client, 0, out->topic, &metadata, CALL_WAIT_MS)) {
        rd_kafka_metadata_destroy(metadata);
    }
    return failure_none();
}

static void reader_close(struct reader *reader) {
    if (reader->topic) {
        rd_kafka_queue_destroy(reader->queue);
        rd_kafka_topic_destroy(reader->topic);
        *reader = (struct reader){0};
    }
}

/* From the first offset, which the caller has asked for: librdkafka's own question waits half a
 * second if the leader is not known at this moment. */
static struct failure reader_start(struct reader *reader, int32_t partition, int64_t low) {
    if (rd_kafka_consume_start_queue(reader->topic, partition, low, reader->queue)) {
        return failure_make(FAILURE_STOP, rd_kafka_last_error(), "reading %s [%d]: %s",
                            rd_kafka_topic_name(reader->topic), partition,
                            rd_kafka_err2str(rd_kafka_last_error()));
    }
    return failure_none();
}

void read_watch(struct broker *base, broker_watch *watch, void *context) {
    kafka_of(base)->watch = watch;
    kafka_of(base)->watch_context = context;
}

static void tell(const struct broker_kafka *broker, const struct partition_read *read) {
    if (broker->watch) {
        const struct broker_reading reading = {
            .topic = read->topic,
            .partition = read->partition,
            .done = read->position > read->span.low ? read->position - read->span.low : 0,
            .total = read->span.high - read->span.low,
        };
        broker->watch(broker->watch_context, &reading);
    }
}

static struct failure check_progress(const struct broker_kafka *broker, struct partition_read *read,
                                     int64_t now_ms) {
    const char *topic = broker->topics->full[read->topic];
    if (now_ms - read->moved_ms >= STUCK_STOP_MS) {
        return failure_make(FAILURE_STOP, 0, "%s [%d]: stuck at %lld of %lld", topic,
                            (int)read->partition, (long long)read->position,
                            (long long)read->span.high);
    }
    if (now_ms - read->moved_ms >= STUCK_LOG_MS && now_ms - read->logged_ms >= STUCK_LOG_MS) {
        read->logged_ms = now_ms;
        log_info(broker->log, "broker",
                 "waiting for an open transaction topic=%s partition=%d position=%lld end=%lld",
                 topic, (int)read->partition, (long long)read->position,
                 (long long)read->span.high);
    }
    return failure_none();
}

static struct partition_read read_begin(rd_kafka_t *client, enum topic topic, int32_t partition,
                                        struct log_span span) {
    int64_t now_ms = clock_monotonic_ms();
    return (struct partition_read){.client = client,
                                   .topic = topic,
                                   .partition = partition,
                                   .span = span,
                                   .position = -1,
                                   .moved_ms = now_ms,
                                   .logged_ms = now_ms};
}

/* Reads until the partition's position has reached the span's end, or until that time, after a
 * batch. What arrives of the topic's other partitions is visited too: their own turn finds it done.
 */
static struct failure read_until(struct broker_kafka *broker, struct partition_read *read,
                                 int64_t until_ms, broker_visit *visit, void *context) {
    rd_kafka_message_t **messages = memory_new(BATCH_MAX, sizeof(rd_kafka_message_t *));
    struct failure failure = failure_none();
    int64_t now_ms = 0;
    while (!failed(failure) && read->position < read->span.high && now_ms < until_ms) {
        size_t count;
        failure =
            visit_batch(broker, &read->reader, messages, TAKE_WAIT_MS, visit, context, &count);
        int64_t before = read->position;
        now_ms = clock_monotonic_ms();
        read->position =
            position_of(read->client, broker->topics->full[read->topic], read->partition);
        read->moved_ms = count > 0 || read->position != before ? now_ms : read->moved_ms;
        tell(broker, read);
        if (!failed(failure)) {
            failure = check_progress(broker, read, now_ms);
        }
    }
    free(messages);
    return failure;
}

/* ---- recovery ---- */

static void restore_end(struct partition_read *read) {
    if (read->reader.queue) {
        rd_kafka_consume_stop(read->reader.topic, read->partition);
        rd_kafka_queue_destroy(read->reader.queue);
        read->reader.queue = NULL;
    }
}

void read_ahead_drop(struct broker_kafka *broker) {
    for (size_t i = 0; i < broker->ahead_count; i++) {
        restore_end(&broker->ahead[i]);
    }
    broker->ahead_count = 0;
}

void read_restore_close(struct broker_kafka *broker) {
    read_ahead_drop(broker);
    for (int topic = 0; topic < TOPIC_COUNT; topic++) {
        if (broker->restored[topic]) {
            rd_kafka_topic_destroy(broker->restored[topic]);
            broker->restored[topic] = NULL;
        }
    }
    if (!client_destroy(broker->restore, CALL_WAIT_MS)) {
        broker->committer.is_haunted = true;
    }
    broker->restore = NULL;
}

static bool was_read(struct broker_kafka *broker, enum topic topic, int32_t partition) {
    return broker->restore &&
           position_of(broker->restore, broker->topics->full[topic], partition) >= 0;
}

/* A client whose memory of the partition's position is empty: an old one would end the read before
 * it began. A topic's handle is kept for the next partition: its leaders are known. The queue is
 * not: what it holds behind the end is of this partition. */
static struct failure restore_start(struct broker_kafka *broker, struct partition_read *read) {
    struct reader *reader = &read->reader;
    struct failure failure = failure_none();
    if (was_read(broker, read->topic, read->partition)) {
        read_restore_close(broker);
    }
    if (!broker->restore) {
        failure = client_of_broker(broker, CLIENT_RESTORE, NULL, 0, &broker->restore);
    }
    if (failed(failure)) {
        return failure;
    }
    read->client = broker->restore;
    if (broker->restored[read->topic]) {
        *reader = (struct reader){.topic = broker->restored[read->topic],
                                  .queue = rd_kafka_queue_new(broker->restore)};
    } else {
        failure = reader_open(broker->restore, broker->topics->full[read->topic], reader);
        broker->restored[read->topic] = reader->topic;
    }
    if (!failed(failure)) {
        failure = reader_start(reader, read->partition, read->span.low);
    }
    if (failed(failure) && reader->queue) {
        rd_kafka_queue_destroy(reader->queue);
        reader->queue = NULL;
    }
    return failure;
}

static struct failure restore_begin(struct broker_kafka *broker, enum topic topic,
                                    int32_t partition, struct partition_read *out) {
    struct log_span span;
    struct failure failure =
        log_ends_ask(broker->ends, broker->topics->full[topic], partition, ANSWER_WAIT_MS, &span);
    *out = read_begin(NULL, topic, partition, span);
    return failed(failure) || span.low >= span.high ? failure : restore_start(broker, out);
}

/* A failure is told by the read itself, which begins anew. One place is left for what is read in
 * part. A client that remembers the partition would be closed, and others' fetching with it. */
void read_ahead(struct broker *base, enum topic topic, int32_t partition) {
    struct broker_kafka *broker = kafka_of(base);
    struct partition_read read;
    bool is_free = broker->ahead_count == 0 || !was_read(broker, topic, partition);
    if (is_free && broker->ahead_count + 1 < AHEAD_MAX &&
        !failed(restore_begin(broker, topic, partition, &read))) {
        broker->ahead[broker->ahead_count++] = read;
    }
}

static bool take_ahead(struct broker_kafka *broker, enum topic topic, int32_t partition,
                       struct partition_read *out) {
    for (size_t i = 0; i < broker->ahead_count; i++) {
        if (broker->ahead[i].topic == topic && broker->ahead[i].partition == partition) {
            *out = broker->ahead[i];
            broker->ahead[i] = broker->ahead[--broker->ahead_count];
            return true;
        }
    }
    return false;
}

struct failure read_some(struct broker *base, enum topic topic, int32_t partition, int budget_ms,
                         broker_visit *visit, void *context, bool *out_is_end) {
    struct broker_kafka *broker = kafka_of(base);
    struct partition_read read;
    struct failure failure = failure_none();
    if (!take_ahead(broker, topic, partition, &read)) {
        failure = restore_begin(broker, topic, partition, &read);
    }
    if (!failed(failure) && read.reader.queue) {
        int64_t until_ms = budget_ms < 0 ? INT64_MAX : clock_monotonic_ms() + budget_ms;
        failure = read_until(broker, &read, until_ms, visit, context);
    }
    *out_is_end = !read.reader.queue || read.position >= read.span.high;
    if (failed(failure) || *out_is_end) {
        restore_end(&read);
    } else {
        broker->ahead[broker->ahead_count++] = read;
    }
    return failure;
}

struct failure read_to_end(struct broker *base, enum topic topic, int32_t partition,
                           broker_visit *visit, void *context) {
    bool is_end;
    return read_some(base, topic, partition, -1, visit, context, &is_end);
}

/* ---- side topics ---- */

static struct failure side_first(struct broker_kafka *broker, enum topic topic, broker_visit *visit,
                                 void *context) {
    struct reader *reader = &broker->readers[topic];
    const char *name = broker->topics->full[topic];
    int64_t now_ms = clock_monotonic_ms();
    if (reader->asked_ms > 0 && now_ms - reader->asked_ms < ABSENT_ASK_MS) {
        return failure_none();
    }
    struct failure failure = read_partition_count(&broker->broker, topic, &reader->partitions);
    if (failed(failure) || reader->partitions == 0) {
        reader->asked_ms = failed(failure) ? 0 : now_ms;
        return failure; /* no such topic: nothing to follow yet */
    }
    int32_t partitions = reader->partitions;
    if (!broker->side) {
        failure = client_of_broker(broker, CLIENT_SIDE, NULL, 0, &broker->side);
    }
    struct log_span *spans = memory_new((size_t)partitions, sizeof *spans);
    for (int32_t p = 0; p < partitions && !failed(failure); p++) {
        failure = log_ends_ask(broker->ends, name, p, ANSWER_WAIT_MS, &spans[p]);
    }
    if (!failed(failure)) {
        failure = reader_open(broker->side, name, reader);
        reader->partitions = partitions;
    }
    for (int32_t p = 0; p < partitions && !failed(failure); p++) {
        failure = reader_start(reader, p, spans[p].low);
    }
    for (int32_t p = 0; p < partitions && !failed(failure); p++) {
        if (spans[p].low < spans[p].high) {
            struct partition_read read = read_begin(broker->side, topic, p, spans[p]);
            read.reader = *reader;
            failure = read_until(broker, &read, INT64_MAX, visit, context);
        }
    }
    free(spans);
    reader->is_at_end = !failed(failure);
    return failure;
}

static struct failure side_later(struct broker_kafka *broker, struct reader *reader,
                                 broker_visit *visit, void *context) {
    rd_kafka_message_t **messages = memory_new(BATCH_MAX, sizeof(rd_kafka_message_t *));
    struct failure failure = failure_none();
    size_t count = 1;
    for (int round = 0; round < SIDE_ROUNDS && count > 0 && !failed(failure); round++) {
        failure = visit_batch(broker, reader, messages, 0, visit, context, &count);
    }
    free(messages);
    return failure;
}

struct failure read_side(struct broker *base, enum topic topic, broker_visit *visit, void *context,
                         int64_t *out_position) {
    struct broker_kafka *broker = kafka_of(base);
    struct reader *reader = &broker->readers[topic];
    *out_position = 0;
    struct failure failure = reader->is_at_end ? side_later(broker, reader, visit, context)
                                               : side_first(broker, topic, visit, context);
    for (int32_t p = 0; p < reader->partitions && reader->is_at_end; p++) {
        int64_t position = position_of(broker->side, broker->topics->full[topic], p);
        *out_position += position > 0 ? position : 0;
    }
    return failure;
}

void read_clean_up(struct broker_kafka *broker) {
    for (int topic = 0; topic < TOPIC_COUNT; topic++) {
        struct reader *reader = &broker->readers[topic];
        for (int32_t p = 0; p < reader->partitions && reader->is_at_end; p++) {
            rd_kafka_consume_stop(reader->topic, p);
        }
        reader_close(reader);
    }
}
