#include "broker/sample.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "broker/access.h"
#include "broker/client.h"
#include "broker/log_ends.h"

#define BATCH_MAX       500
#define DESTROY_WAIT_MS 5000

struct sampling {
    struct client_opaque opaque;
    const struct sample_request *request;
    broker_visit *visit;
    void *context;
    struct sample_result *result;
    rd_kafka_t *client;
    rd_kafka_topic_t *topic;
    rd_kafka_queue_t *queue;
    bool *has_ended;        /* per partition: its end was seen */
    int32_t started, ended; /* partitions */
    struct failure refused; /* a right that is missing */
};

static int64_t left_ms(int64_t deadline_ns) {
    int64_t left = (deadline_ns - clock_monotonic_ns()) / 1000000;
    return left > 0 ? left : 0;
}

static struct failure open_client(struct sampling *sampling) {
    const struct client_setting settings[] = {{"enable.partition.eof", "true"}};
    const struct client_config config = {
        .kind = CLIENT_ENDS,
        .bootstrap_servers = sampling->request->bootstrap_servers,
        .kafka = sampling->request->kafka,
        .settings = settings,
        .setting_count = sizeof settings / sizeof settings[0],
        .opaque = &sampling->opaque,
    };
    return client_new(&config, &sampling->client);
}

/* Starts every partition that has records at its newest per_partition_max offsets. */
static struct failure start(struct sampling *sampling, int64_t deadline_ns) {
    const struct sample_request *request = sampling->request;
    sampling->topic = rd_kafka_topic_new(sampling->client, request->topic, NULL);
    sampling->queue = rd_kafka_queue_new(sampling->client);
    sampling->has_ended = memory_new((size_t)sampling->result->partition_count, sizeof(bool));
    for (int32_t i = 0; i < sampling->result->partition_count; i++) {
        struct log_span log;
        struct failure failure =
            log_ends_ask(sampling->client, request->topic, i, (int)left_ms(deadline_ns), &log);
        if (failed(failure)) {
            return failure;
        }
        int64_t from = log.high - request->per_partition_max;
        if (log.high > log.low &&
            rd_kafka_consume_start_queue(sampling->topic, i, from > log.low ? from : log.low,
                                         sampling->queue) == 0) {
            sampling->started++;
        }
    }
    return failure_none();
}

static void visit_message(struct sampling *sampling, const rd_kafka_message_t *message) {
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        sampling->ended += !sampling->has_ended[message->partition];
        sampling->has_ended[message->partition] = true;
        return;
    }
    if (access_is_refused(message->err) && !failed(sampling->refused)) {
        sampling->refused = failure_make(FAILURE_STOP, message->err, "reading %s: %s",
                                         sampling->request->topic, access_text_of_read(message));
    }
    if (message->err) {
        return; /* heals by itself, or the deadline ends the sample */
    }
    rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
    const struct record record = {
        .key = bytes_of(message->key, message->key_len),
        .value = bytes_of(message->payload, message->len),
        .timestamp_ms = rd_kafka_message_timestamp(message, &type),
        .offset = message->offset,
        .partition = message->partition,
        .input = INPUT_CLICKSTREAM,
    };
    sampling->result->record_count++;
    sampling->result->append_time_count += type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME;
    sampling->visit(sampling->context, &record);
}

/* A topic that is being written to never stops growing, so each partition counts as ended at its
 * first end. */
static void consume(struct sampling *sampling, int64_t deadline_ns) {
    rd_kafka_message_t **messages = memory_new(BATCH_MAX, sizeof(rd_kafka_message_t *));
    while (sampling->ended < sampling->started && left_ms(deadline_ns) > 0 &&
           !failed(sampling->refused)) {
        size_t count = client_take(sampling->queue, 100, messages, BATCH_MAX);
        for (size_t i = 0; i < count; i++) {
            visit_message(sampling, messages[i]);
            rd_kafka_message_destroy(messages[i]);
        }
    }
    free(messages);
    sampling->result->is_whole = sampling->ended >= sampling->started;
}

static void close_client(struct sampling *sampling) {
    for (int32_t i = 0; sampling->started > 0 && i < sampling->result->partition_count; i++) {
        (void)rd_kafka_consume_stop(sampling->topic, i); /* of one not started: refused, no harm */
    }
    if (sampling->queue) {
        rd_kafka_queue_destroy(sampling->queue);
    }
    if (sampling->topic) {
        rd_kafka_topic_destroy(sampling->topic);
    }
    free(sampling->has_ended);
}

struct failure sample_topic(const struct sample_request *request, broker_visit *visit,
                            void *context, struct sample_result *out) {
    *out = (struct sample_result){0};
    int64_t deadline_ns = clock_monotonic_ns() + (int64_t)request->timeout_ms * 1000000;
    /* On the heap: a client that does not end in time is left behind with its opaque. */
    struct sampling *sampling = memory_new(1, sizeof *sampling);
    *sampling = (struct sampling){.opaque = {.log = request->log},
                                  .request = request,
                                  .visit = visit,
                                  .context = context,
                                  .result = out};
    struct failure failure = open_client(sampling);
    const struct rd_kafka_metadata *metadata = NULL;
    if (!failed(failure)) {
        failure = client_metadata(sampling->client, request->timeout_ms, &metadata);
    }
    if (!failed(failure)) {
        out->partition_count = client_partitions(metadata, request->topic);
        rd_kafka_metadata_destroy(metadata);
        failure = start(sampling, deadline_ns);
    }
    if (!failed(failure)) {
        consume(sampling, deadline_ns);
        failure = sampling->refused;
    }
    close_client(sampling);
    if (client_destroy(sampling->client, DESTROY_WAIT_MS)) {
        free(sampling);
    }
    return failure;
}
