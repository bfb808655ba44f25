/* What broker_poll says, in order: the process must end; partitions went away; partitions came;
 * records. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "broker/access.h"
#include "broker/broker_internal.h"
#include "broker/txn_errors.h"

/* ---- records ---- */

/* Many small polls make an epoch when events trickle: they share a batch, until its room is short.
 */
#define ROOM_MIN      1000
#define SERVE_WAIT_MS 10

static void add_batch(struct broker_kafka *broker) {
    if (broker->batch_count == broker->batch_capacity) {
        size_t capacity = broker->batch_capacity ? 2 * broker->batch_capacity : 8;
        broker->batches = memory_grow(broker->batches, capacity, sizeof *broker->batches);
        for (size_t i = broker->batch_capacity; i < capacity; i++) {
            broker->batches[i] =
                (struct batch){.messages = memory_new(BATCH_MAX, sizeof(rd_kafka_message_t *)),
                               .records = memory_new(BATCH_MAX, sizeof(struct record))};
        }
        broker->batch_capacity = capacity;
    }
    broker->batches[broker->batch_count++].count = 0;
}

static struct batch *batch_with_room(struct broker_kafka *broker) {
    if (broker->batch_count == 0 ||
        BATCH_MAX - broker->batches[broker->batch_count - 1].count < ROOM_MIN) {
        add_batch(broker);
    }
    return &broker->batches[broker->batch_count - 1];
}

static void drop_messages(struct batch *batch) {
    for (size_t i = 0; i < batch->count; i++) {
        rd_kafka_message_destroy(batch->messages[i]);
    }
    batch->count = 0;
}

void poll_release(struct broker *base) {
    struct broker_kafka *broker = kafka_of(base);
    for (size_t i = 0; i < broker->batch_count; i++) {
        drop_messages(&broker->batches[i]);
    }
    broker->batch_count = 0;
}

void poll_clean_up(struct broker_kafka *broker) {
    poll_release(&broker->broker);
    for (size_t i = 0; i < broker->batch_capacity; i++) {
        free(broker->batches[i].messages);
        free(broker->batches[i].records);
    }
    free(broker->batches);
    broker->batches = NULL;
    broker->batch_capacity = 0;
}

/* A broker that has not heard of a new topic yet, or one that was deleted: librdkafka says so once,
 * and then is silent for ever. */
static struct failure on_unknown_topic(struct broker_kafka *broker, rd_kafka_resp_err_t code,
                                       const char *why) {
    if (assign_come_apart(broker)) {
        return failure_make(FAILURE_STOP, code, "consumer: %s: %s", rd_kafka_err2name(code), why);
    }
    log_info(broker->log, "broker", "joining anew: %s", why);
    return failure_none();
}

static struct failure take_error(struct broker_kafka *broker, const rd_kafka_message_t *message) {
    rd_kafka_resp_err_t code = message->err;
    if (code == RD_KAFKA_RESP_ERR__FATAL || code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID) {
        return group_check(broker);
    }
    const char *why = access_text_of_read(message);
    if (access_is_refused(code) && message->rkt) {
        return failure_make(FAILURE_STOP, code, "reading %s: %s", rd_kafka_topic_name(message->rkt),
                            why);
    }
    if (consumer_error_is_unknown_topic(code)) {
        return on_unknown_topic(broker, code, why);
    }
    if (consumer_error_action(code) == FAILURE_STOP) {
        return failure_make(FAILURE_STOP, code, "consumer: %s: %s", rd_kafka_err2name(code), why);
    }
    log_info(broker->log, "broker", "consumer: %s: %s", rd_kafka_err2name(code), why);
    return failure_none();
}

static size_t read_headers(const void *message, struct record_header *out, size_t max) {
    rd_kafka_headers_t *headers = NULL;
    if (rd_kafka_message_headers(message, &headers)) {
        return 0; /* none, or bytes that are no headers */
    }
    size_t count = rd_kafka_header_cnt(headers);
    for (size_t i = 0; i < count && i < max; i++) {
        const char *key = NULL;
        const void *value = NULL;
        size_t size = 0;
        rd_kafka_header_get_all(headers, i, &key, &value, &size);
        out[i] = (struct record_header){bytes_of_text(key), bytes_of(value, size)};
    }
    return count;
}

static struct record record_of(const rd_kafka_message_t *message, enum broker_input input) {
    rd_kafka_timestamp_type_t type;
    int64_t timestamp_ms = rd_kafka_message_timestamp(message, &type);
    return (struct record){.key = bytes_of(message->key, message->key_len),
                           .value = bytes_of(message->payload, message->len),
                           .timestamp_ms =
                               type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? -1 : timestamp_ms,
                           .offset = message->offset,
                           .partition = message->partition,
                           .input = input,
                           .read_headers = read_headers,
                           .message = message};
}

static enum broker_input input_of(const struct broker_kafka *broker,
                                  const rd_kafka_topic_t *topic) {
    const char *name = rd_kafka_topic_name(topic);
    for (int input = 0; input < broker->input_count; input++) {
        if (strcmp(name, input_name(broker, input)) == 0) {
            return (enum broker_input)input;
        }
    }
    assert(!"an input topic");
    return INPUT_CLICKSTREAM;
}

/* Of count messages taken to the batch's end, keeps those that are ours to give out and destroys
 * the others. A topic's handle stays the same while a message holds it, and runs of one partition
 * are the rule, so both are looked up once a run. */
static struct failure keep_records(struct broker_kafka *broker, struct batch *batch, size_t count) {
    struct failure failure = failure_none();
    const rd_kafka_topic_t *topic = NULL;
    enum broker_input input = INPUT_CLICKSTREAM;
    struct slot *slot = NULL;
    rd_kafka_message_t **taken = batch->messages + batch->count;
    for (size_t i = 0; i < count; i++) {
        rd_kafka_message_t *message = taken[i];
        if (message->err) {
            struct failure error = take_error(broker, message);
            failure = failed(failure) ? failure : error;
            rd_kafka_message_destroy(message);
            continue;
        }
        if (message->rkt != topic) {
            topic = message->rkt;
            input = input_of(broker, topic);
        }
        if (!slot || slot->partition != message->partition) {
            slot = assign_find(broker, message->partition);
        }
        /* Below next: a refetch after a rewind (PITFALLS B2). */
        if (!slot || !slot->is_started || message->offset < slot->next[input]) {
            rd_kafka_message_destroy(message);
            topic = NULL;
            continue;
        }
        slot->next[input] = message->offset + 1;
        batch->records[batch->count] = record_of(message, input);
        batch->messages[batch->count++] = message;
    }
    return failure;
}

/* What came for partitions that are not ours any more; its errors still count. */
static struct failure drop_taken(struct broker_kafka *broker, rd_kafka_message_t **taken,
                                 size_t count) {
    struct failure failure = failure_none();
    for (size_t i = 0; i < count; i++) {
        if (taken[i]->err && !failed(failure)) {
            failure = take_error(broker, taken[i]);
        }
        rd_kafka_message_destroy(taken[i]);
    }
    return failure;
}

/* Something happened in a callback that the caller must hear of, or that the next poll goes on
 * with.
 */
static bool has_news(const struct broker_kafka *broker, enum ownership before) {
    return broker->pending != BROKER_NOTHING || broker->ownership != before || failed(broker->stop);
}

/* librdkafka's call waits for a message, whatever its callbacks have said meanwhile. So it waits in
 * short spans: a rebalance does not stand still for what is left of the caller's time. */
static size_t take_or_hear(struct broker_kafka *broker, int timeout_ms, rd_kafka_message_t **taken,
                           size_t max) {
    enum ownership before = broker->ownership;
    int64_t until_ms = clock_monotonic_ms() + timeout_ms;
    size_t count;
    int64_t left_ms;
    do {
        left_ms = until_ms - clock_monotonic_ms();
        int wait_ms = left_ms < 0 ? 0 : left_ms < SERVE_WAIT_MS ? (int)left_ms : SERVE_WAIT_MS;
        count = client_take(broker->queue, wait_ms, taken, max);
    } while (count == 0 && left_ms > SERVE_WAIT_MS && !has_news(broker, before));
    return count;
}

static struct failure take_records(struct broker_kafka *broker, int timeout_ms, size_t records_max,
                                   struct broker_event *out) {
    struct batch *batch = batch_with_room(broker);
    size_t before = batch->count, room = BATCH_MAX - before;
    rd_kafka_message_t **taken = batch->messages + before;
    broker->is_batch_stale = false;
    size_t count = take_or_hear(broker, timeout_ms, taken, records_max < room ? records_max : room);
    /* Callbacks have run inside; if one took partitions away, its records went with them. */
    bool is_stale = broker->is_batch_stale || broker->ownership != OWNS_RUNNING;
    struct failure failure =
        is_stale ? drop_taken(broker, taken, count) : keep_records(broker, batch, count);
    if (batch->count > before) {
        metric_add(&broker->metrics.polled_total, (int64_t)(batch->count - before));
        *out = (struct broker_event){.kind = BROKER_RECORDS,
                                     .records = batch->records + before,
                                     .record_count = batch->count - before};
    }
    return failed(broker->stop) ? broker->stop : failure;
}

/* ---- events ---- */

static bool take_pending(struct broker_kafka *broker, struct broker_event *out) {
    if (broker->pending == BROKER_NOTHING) {
        return false;
    }
    *out = (struct broker_event){.kind = broker->pending};
    broker->pending = BROKER_NOTHING;
    return true;
}

/* An epoch did not commit: everything we own must be read back. */
static void take_lost_epoch(struct broker_kafka *broker) {
    if (!commit_take_failure(broker) || broker->ownership == OWNS_NOTHING) {
        return;
    }
    if (broker->is_reported) {
        broker->pending = BROKER_LOST;
    }
    assign_rewind(broker);
}

static struct failure poll_positions(struct broker_kafka *broker, int timeout_ms,
                                     struct broker_event *out) {
    bool is_ready;
    struct failure failure = assign_read_positions(broker, timeout_ms, &is_ready);
    if (failed(failure) || !is_ready) {
        return failure;
    }
    read_ahead_drop(broker);
    broker->is_fetch_due = false;
    for (size_t i = 0; i < broker->slot_count; i++) {
        broker->slots[i].is_started = false;
    }
    broker->ownership = broker->slot_count > 0 ? OWNS_RECOVERING : OWNS_RUNNING;
    broker->is_reported = true;
    *out = (struct broker_event){.kind = BROKER_ASSIGNED,
                                 .assignments = broker->assignments,
                                 .assignment_count = broker->slot_count};
    return failure_none();
}

struct failure poll_event(struct broker *base, int timeout_ms, size_t records_max,
                          struct broker_event *out) {
    struct broker_kafka *broker = kafka_of(base);
    assert(records_max > 0);
    *out = (struct broker_event){.kind = BROKER_NOTHING};
    struct failure failure = commit_stop_reason(broker);
    if (!failed(failure)) {
        failure = group_check(broker);
    }
    if (failed(failure)) {
        return failure;
    }
    take_lost_epoch(broker);
    commit_drop_producer(broker);
    if (take_pending(broker, out)) {
        return failure_none();
    }
    if (broker->is_member_dead || broker->is_apart) {
        return group_rejoin(broker, timeout_ms);
    }
    if (broker->is_fetch_due && broker->is_reported) {
        failure = assign_fetch(broker);
        if (failed(failure)) {
            return failure;
        }
    }
    /* While positions are awaited only callbacks are served here. */
    bool is_unread = broker->ownership == OWNS_UNREAD;
    failure = take_records(broker, is_unread ? 0 : timeout_ms, records_max, out);
    if (failed(failure) || take_pending(broker, out)) {
        return failure;
    }
    if (is_unread && broker->ownership == OWNS_UNREAD) {
        return poll_positions(broker, timeout_ms, out);
    }
    return failure_none();
}
