#include "broker/reader_simple.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "broker/client.h"
#include "broker/log_ends.h"

#define ANSWER_WAIT_MS  10000
#define DESTROY_WAIT_MS 5000

struct reader_simple {
    struct client_opaque opaque;
    rd_kafka_t *client;
    rd_kafka_topic_t *topic;
    rd_kafka_queue_t *queue;
    rd_kafka_message_t *message; /* lent to the caller */
    int32_t started;             /* partitions 0 .. started - 1 are being read */
};

static struct failure open_client(struct reader_simple *reader, const char *bootstrap_servers,
                                  const struct config_properties *kafka) {
    const struct client_config config = {
        .kind = CLIENT_SIDE,
        .bootstrap_servers = bootstrap_servers,
        .kafka = kafka,
        .opaque = &reader->opaque,
    };
    return client_new(&config, &reader->client);
}

/* Asks for each end itself: librdkafka's "end" would be looked up later, at the first fetch. */
static struct failure start_partition(struct reader_simple *reader, const char *name,
                                      int32_t partition) {
    int64_t high;
    struct failure failure =
        log_ends_ask_high(reader->client, name, partition, ANSWER_WAIT_MS, &high);
    if (failed(failure)) {
        return failure;
    }
    if (rd_kafka_consume_start_queue(reader->topic, partition, high, reader->queue) != 0) {
        rd_kafka_resp_err_t code = rd_kafka_last_error();
        return failure_make(FAILURE_STOP, code, "%s/%d: %s", name, (int)partition,
                            rd_kafka_err2str(code));
    }
    reader->started++;
    return failure_none();
}

static struct failure start(struct reader_simple *reader, const char *name) {
    const struct rd_kafka_metadata *metadata;
    struct failure failure = client_metadata(reader->client, ANSWER_WAIT_MS, &metadata);
    if (failed(failure)) {
        return failure;
    }
    int32_t partitions = client_partitions(metadata, name);
    rd_kafka_metadata_destroy(metadata);
    if (partitions == 0) {
        return failure_make(FAILURE_STOP, 0, "there is no topic %s to listen to", name);
    }
    reader->topic = rd_kafka_topic_new(reader->client, name, NULL);
    reader->queue = rd_kafka_queue_new(reader->client);
    for (int32_t i = 0; i < partitions && !failed(failure); i++) {
        failure = start_partition(reader, name, i);
    }
    return failure;
}

struct failure reader_simple_open(const char *bootstrap_servers,
                                  const struct config_properties *kafka, const char *topic,
                                  const struct log_sink *log, struct reader_simple **out) {
    *out = NULL;
    struct reader_simple *reader = memory_new(1, sizeof *reader);
    reader->opaque.log = log;
    struct failure failure = open_client(reader, bootstrap_servers, kafka);
    if (!failed(failure)) {
        failure = start(reader, topic);
    }
    if (failed(failure)) {
        reader_simple_close(reader);
        return failure;
    }
    *out = reader;
    return failure;
}

static void release(struct reader_simple *reader) {
    if (reader->message) {
        rd_kafka_message_destroy(reader->message);
        reader->message = NULL;
    }
}

bool reader_simple_next(struct reader_simple *reader, int timeout_ms, struct record *out) {
    release(reader);
    if (client_take(reader->queue, timeout_ms, &reader->message, 1) == 0) {
        return false;
    }
    const rd_kafka_message_t *message = reader->message;
    if (message->err) {
        return false;
    }
    *out = (struct record){.key = bytes_of(message->key, message->key_len),
                           .value = bytes_of(message->payload, message->len),
                           .timestamp_ms = rd_kafka_message_timestamp(message, NULL),
                           .offset = message->offset,
                           .partition = message->partition};
    return true;
}

void reader_simple_close(struct reader_simple *reader) {
    if (!reader) {
        return;
    }
    release(reader);
    for (int32_t i = 0; i < reader->started; i++) {
        (void)rd_kafka_consume_stop(reader->topic, i);
    }
    if (reader->queue) {
        rd_kafka_queue_destroy(reader->queue);
    }
    if (reader->topic) {
        rd_kafka_topic_destroy(reader->topic);
    }
    if (client_destroy(reader->client, DESTROY_WAIT_MS)) {
        free(reader);
    }
}
