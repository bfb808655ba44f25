#include "broker/topic_reader.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "broker/access.h"
#include "broker/client.h"
#include "broker/log_ends.h"

#define BATCH_MAX       1000
#define TAKE_WAIT_MS    20
#define ANSWER_WAIT_MS  10000
#define DESTROY_WAIT_MS 5000

struct reading {
    struct client_opaque opaque;
    const struct topic_read_request *request;
    broker_visit *visit;
    void *context;
    struct topic_read_result *result;
    rd_kafka_t *ends;   /* read_uncommitted: the true ends, past open transactions */
    rd_kafka_t *client; /* read_committed: the records */
    rd_kafka_topic_t *topic;
    rd_kafka_queue_t *queue;
    rd_kafka_message_t *messages[BATCH_MAX];
};

static struct failure open_client(struct reading *reading, enum client_kind kind,
                                  rd_kafka_t **out) {
    const struct client_config config = {
        .kind = kind,
        .bootstrap_servers = reading->request->bootstrap_servers,
        .kafka = reading->request->kafka,
        .opaque = &reading->opaque,
    };
    return client_new(&config, out);
}

static struct failure open_ends(struct reading *reading) {
    struct failure failure = open_client(reading, CLIENT_ENDS, &reading->ends);
    const struct rd_kafka_metadata *metadata = NULL;
    if (!failed(failure)) {
        failure = client_metadata(reading->ends, ANSWER_WAIT_MS, &metadata);
    }
    if (failed(failure)) {
        return failure;
    }
    reading->result->partition_count = client_partitions(metadata, reading->request->topic);
    rd_kafka_metadata_destroy(metadata);
    return failure_none();
}

static struct failure open_records(struct reading *reading) {
    struct failure failure = open_client(reading, CLIENT_RESTORE, &reading->client);
    if (!failed(failure)) {
        reading->topic = rd_kafka_topic_new(reading->client, reading->request->topic, NULL);
        reading->queue = rd_kafka_queue_new(reading->client);
    }
    return failure;
}

/* ---- One partition ---- */

/* Next offset, past control records and aborted ones; -1 before the first. */
static int64_t position_of(const struct reading *reading, int32_t partition) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, reading->request->topic, partition);
    rd_kafka_resp_err_t code = rd_kafka_position(reading->client, list);
    int64_t position = !code && !list->elems[0].err ? list->elems[0].offset : -1;
    rd_kafka_topic_partition_list_destroy(list);
    return position;
}

static bool is_enough(const struct reading *reading) {
    return reading->request->is_enough && *reading->request->is_enough;
}

static struct failure visit_message(struct reading *reading, const rd_kafka_message_t *message) {
    if (is_enough(reading)) {
        return failure_none();
    }
    if (!message->err) {
        const struct record record = {
            .key = bytes_of(message->key, message->key_len),
            .value = bytes_of(message->payload, message->len),
            .timestamp_ms = rd_kafka_message_timestamp(message, NULL),
            .offset = message->offset,
            .partition = message->partition,
        };
        reading->result->record_count++;
        reading->visit(reading->context, &record);
        return failure_none();
    }
    switch (message->err) {
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
        return failure_make(FAILURE_STOP, message->err, "reading %s: %s", reading->request->topic,
                            access_text_of_read(message));
    default:
        return failure_none(); /* heals by itself, or nothing comes and the read gives up */
    }
}

static struct failure read_until(struct reading *reading, int32_t partition, int64_t end) {
    struct failure failure = failure_none();
    int64_t position = -1, moved_ns = clock_monotonic_ns();
    int64_t stuck_ns = (int64_t)reading->request->stuck_max_ms * 1000000;
    while (!failed(failure) && position < end && !is_enough(reading)) {
        size_t count = client_take(reading->queue, TAKE_WAIT_MS, reading->messages, BATCH_MAX);
        for (size_t i = 0; i < count; i++) {
            struct failure bad = visit_message(reading, reading->messages[i]);
            failure = failed(failure) ? failure : bad;
            rd_kafka_message_destroy(reading->messages[i]);
        }
        int64_t before = position, now_ns = clock_monotonic_ns();
        position = position_of(reading, partition);
        moved_ns = count > 0 || position != before ? now_ns : moved_ns;
        if (now_ns - moved_ns >= stuck_ns) {
            reading->result->is_whole = false;
            break;
        }
    }
    return failure;
}

static struct failure read_partition(struct reading *reading, int32_t partition) {
    const char *topic = reading->request->topic;
    struct log_span log;
    struct failure failure = log_ends_ask(reading->ends, topic, partition, ANSWER_WAIT_MS, &log);
    if (failed(failure) || log.low >= log.high) {
        return failure;
    }
    if (rd_kafka_consume_start_queue(reading->topic, partition, RD_KAFKA_OFFSET_BEGINNING,
                                     reading->queue) != 0) {
        rd_kafka_resp_err_t code = rd_kafka_last_error();
        return failure_make(FAILURE_STOP, code, "reading %s/%d: %s", topic, (int)partition,
                            rd_kafka_err2str(code));
    }
    failure = read_until(reading, partition, log.high);
    (void)rd_kafka_consume_stop(reading->topic, partition);
    return failure;
}

/* ---- The whole ---- */

static void close_reading(struct reading *reading) {
    if (reading->queue) {
        rd_kafka_queue_destroy(reading->queue);
    }
    if (reading->topic) {
        rd_kafka_topic_destroy(reading->topic);
    }
    bool has_ended = client_destroy(reading->client, DESTROY_WAIT_MS);
    if (client_destroy(reading->ends, DESTROY_WAIT_MS) && has_ended) {
        free(reading); /* else left behind: a client that does not end still touches its opaque */
    }
}

static struct reading *new_reading(const struct topic_read_request *request,
                                   struct topic_read_result *result) {
    struct reading *reading = memory_new(1, sizeof *reading);
    reading->opaque.log = request->log;
    reading->request = request;
    reading->result = result;
    *result = (struct topic_read_result){.is_whole = true};
    return reading;
}

struct failure topic_count(const struct topic_read_request *request, int32_t *out) {
    struct topic_read_result result;
    struct reading *reading = new_reading(request, &result);
    struct failure failure = open_ends(reading);
    close_reading(reading);
    *out = result.partition_count;
    return failure;
}

struct failure topic_end(const struct topic_read_request *request, int64_t *out) {
    struct topic_read_result result;
    struct reading *reading = new_reading(request, &result);
    *out = 0;
    struct failure failure = open_ends(reading);
    if (!failed(failure) && request->partition < result.partition_count) {
        failure = log_ends_ask_high(reading->ends, request->topic, request->partition,
                                    ANSWER_WAIT_MS, out);
    }
    close_reading(reading);
    return failure;
}

struct failure topic_read(const struct topic_read_request *request, broker_visit *visit,
                          void *context, struct topic_read_result *out) {
    struct reading *reading = new_reading(request, out);
    reading->visit = visit;
    reading->context = context;
    struct failure failure = open_ends(reading);
    if (!failed(failure)) {
        failure = open_records(reading);
    }
    for (int32_t p = 0; p < out->partition_count && !failed(failure) && !is_enough(reading); p++) {
        if (request->partition == TOPIC_ALL_PARTITIONS || request->partition == p) {
            failure = read_partition(reading, p);
        }
    }
    close_reading(reading);
    return failure;
}

/* ---- murmur2, as in Java's org.apache.kafka.common.utils.Utils (seed 0x9747b28c) ---- */

#define MURMUR_SEED  UINT32_C(0x9747b28c)
#define MURMUR_M     UINT32_C(0x5bd1e995)
#define MURMUR_SHIFT 24

static uint32_t murmur2(struct bytes key) {
    uint32_t hash = MURMUR_SEED ^ (uint32_t)key.size;
    size_t whole = key.size / 4 * 4;
    for (size_t i = 0; i < whole; i += 4) {
        const uint8_t *at = key.data + i;
        uint32_t word =
            (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
        word *= MURMUR_M;
        word ^= word >> MURMUR_SHIFT;
        hash = hash * MURMUR_M ^ word * MURMUR_M;
    }
    for (size_t i = key.size; i > whole; i--) {
        hash ^= (uint32_t)key.data[i - 1] << 8 * (i - 1 - whole);
    }
    hash = key.size > whole ? hash * MURMUR_M : hash;
    hash = (hash ^ hash >> 13) * MURMUR_M;
    return hash ^ hash >> 15;
}

int32_t topic_partition_of_key(struct bytes key, int32_t partition_count) {
    return (int32_t)(murmur2(key) & 0x7fffffff) % partition_count;
}
