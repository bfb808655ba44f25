#include "broker/topic_drain.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "broker/client.h"
#include "broker/log_ends.h"

#define BATCH_MAX       10000
#define BATCH_WAIT_MS   100
#define ANSWER_WAIT_MS  10000
#define STUCK_WAIT_NS   30000000000
#define DESTROY_WAIT_MS 5000

struct drain {
    struct client_opaque opaque; /* first: librdkafka hands it back */
    const char *name;
    rd_kafka_t *client;
    rd_kafka_topic_t *topic;
    rd_kafka_queue_t *queue;
    rd_kafka_topic_partition_list_t *positions;
    int64_t *ends;
    int64_t left; /* offsets before the ends; control records, which do not come, are among them */
    int32_t started;
    rd_kafka_message_t *messages[BATCH_MAX];
    struct topic_drain_result *result;
};

static struct failure open_drain(struct drain *drain, const char *bootstrap_servers,
                                 const struct config_properties *kafka) {
    const struct client_config config = {
        .kind = CLIENT_RESTORE,
        .bootstrap_servers = bootstrap_servers,
        .kafka = kafka,
        .opaque = &drain->opaque,
    };
    struct failure failure = client_new(&config, &drain->client);
    const struct rd_kafka_metadata *metadata;
    if (!failed(failure)) {
        failure = client_metadata(drain->client, ANSWER_WAIT_MS, &metadata);
    }
    if (failed(failure)) {
        return failure;
    }
    int32_t partitions = client_partitions(metadata, drain->name);
    rd_kafka_metadata_destroy(metadata);
    drain->result->partition_count = partitions;
    drain->ends = memory_new((size_t)partitions + 1, sizeof *drain->ends);
    drain->positions = rd_kafka_topic_partition_list_new(partitions + 1);
    drain->topic = rd_kafka_topic_new(drain->client, drain->name, NULL);
    drain->queue = rd_kafka_queue_new(drain->client);
    return failure_none();
}

static struct failure ask_end(struct drain *drain, int32_t partition) {
    struct log_span log;
    struct failure failure =
        log_ends_ask(drain->client, drain->name, partition, ANSWER_WAIT_MS, &log);
    if (failed(failure)) {
        return failure;
    }
    drain->left += log.high - log.low;
    drain->ends[partition] = log.high > log.low ? log.high : 0;
    rd_kafka_topic_partition_list_add(drain->positions, drain->name, partition);
    return failure_none();
}

static struct failure start_partition(struct drain *drain, int32_t partition) {
    if (rd_kafka_consume_start_queue(drain->topic, partition, RD_KAFKA_OFFSET_BEGINNING,
                                     drain->queue) != 0) {
        rd_kafka_resp_err_t code = rd_kafka_last_error();
        return failure_make(FAILURE_STOP, code, "reading %s/%d: %s", drain->name, (int)partition,
                            rd_kafka_err2str(code));
    }
    drain->started++;
    return failure_none();
}

/* Positions pass control records. A partition that is empty has none and is at its end. */
static bool is_at_end(const struct drain *drain) {
    if (drain->left <= 0) {
        return true;
    }
    (void)rd_kafka_position(drain->client, drain->positions);
    for (int i = 0; i < drain->positions->cnt; i++) {
        int64_t position = drain->positions->elems[i].offset;
        if (drain->ends[i] > 0 && position < drain->ends[i]) {
            return false;
        }
    }
    return true;
}

static void take(struct drain *drain, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const rd_kafka_message_t *message = drain->messages[i];
        if (!message->err) {
            drain->result->record_count++;
            drain->result->bytes += (int64_t)(message->key_len + message->len);
            drain->left--;
        }
        rd_kafka_message_destroy(drain->messages[i]);
    }
}

static struct failure read_all(struct drain *drain) {
    int64_t begin_ns = clock_monotonic_ns(), moved_ns = begin_ns;
    for (int32_t p = 0; p < drain->result->partition_count; p++) {
        struct failure failure = start_partition(drain, p);
        if (failed(failure)) {
            return failure;
        }
    }
    while (!is_at_end(drain)) {
        size_t most = drain->left < BATCH_MAX ? (size_t)drain->left : BATCH_MAX;
        ssize_t count =
            rd_kafka_consume_batch_queue(drain->queue, BATCH_WAIT_MS, drain->messages, most);
        int64_t now_ns = clock_monotonic_ns();
        if (count > 0) {
            take(drain, (size_t)count);
            drain->result->wall_ns = now_ns - begin_ns;
            moved_ns = now_ns;
        } else if (now_ns - moved_ns > STUCK_WAIT_NS) {
            return failure_make(FAILURE_STOP, 0, "reading %s: nothing comes", drain->name);
        }
    }
    return failure_none();
}

static void close_drain(struct drain *drain) {
    for (int32_t i = 0; i < drain->started; i++) {
        (void)rd_kafka_consume_stop(drain->topic, i);
    }
    if (drain->queue) {
        rd_kafka_queue_destroy(drain->queue);
        rd_kafka_topic_destroy(drain->topic);
        rd_kafka_topic_partition_list_destroy(drain->positions);
    }
    free(drain->ends);
    if (client_destroy(drain->client, DESTROY_WAIT_MS)) {
        free(drain);
    }
}

struct failure topic_drain(const char *bootstrap_servers, const struct config_properties *kafka,
                           const char *topic, struct topic_drain_result *out) {
    struct drain *drain = memory_new(1, sizeof *drain);
    *out = (struct topic_drain_result){0};
    drain->name = topic;
    drain->result = out;
    struct failure failure = open_drain(drain, bootstrap_servers, kafka);
    for (int32_t p = 0; p < out->partition_count && !failed(failure); p++) {
        failure = ask_end(drain, p);
    }
    if (!failed(failure)) {
        failure = read_all(drain);
    }
    close_drain(drain);
    return failure;
}
