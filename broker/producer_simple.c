#include "broker/producer_simple.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "broker/access.h"
#include "broker/admin.h"

#define POLL_EVERY       1000
#define QUEUE_WAIT_MS    100
#define METADATA_WAIT_MS 10000
#define CLOSE_WAIT_MS    5000
#define MILLISECOND_NS   1000000
#define VISIBLE_STEP_MS  50

struct producer_simple {
    struct client_opaque opaque;
    rd_kafka_t *client;
    rd_kafka_topic_t **topics; /* those sent to; few */
    size_t topic_count;
    char **created; /* names; few */
    size_t created_count;
    int64_t delivered;
    int sent_since_poll;
    struct failure failure; /* the first delivery error */
};

/* Called from within send, flush and close: the same thread. */
static void on_delivered(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
    (void)client;
    struct producer_simple *producer = opaque;
    if (!message->err) {
        producer->delivered++;
    } else if (!failed(producer->failure)) {
        producer->failure = failure_make(FAILURE_STOP, message->err, "topic %s: not delivered: %s",
                                         rd_kafka_topic_name(message->rkt),
                                         access_text(message->err, ACCESS_WRITE));
    }
}

struct failure producer_simple_open(const char *bootstrap_servers,
                                    const struct config_properties *kafka,
                                    struct producer_simple **out) {
    struct producer_simple *producer = memory_new(1, sizeof *producer);
    struct client_config config = {.kind = CLIENT_IDEMPOTENT,
                                   .bootstrap_servers = bootstrap_servers,
                                   .kafka = kafka,
                                   .opaque = &producer->opaque,
                                   .delivered = on_delivered};
    struct failure failure = client_new(&config, &producer->client);
    if (failed(failure)) {
        free(producer);
        producer = NULL;
    }
    *out = producer;
    return failure;
}

/* The topic's handle; its metadata is fetched once, or the first record would wait a second for it.
 */
static struct failure find_topic(struct producer_simple *producer, const char *name,
                                 rd_kafka_topic_t **out) {
    for (size_t i = 0; i < producer->topic_count; i++) {
        if (strcmp(rd_kafka_topic_name(producer->topics[i]), name) == 0) {
            *out = producer->topics[i];
            return failure_none();
        }
    }
    int32_t partitions;
    struct failure failure = producer_simple_partitions(producer, name, &partitions);
    if (failed(failure)) {
        return failure;
    }
    if (partitions == 0) {
        return failure_make(FAILURE_STOP, 0, "topic %s does not exist", name);
    }
    *out = rd_kafka_topic_new(producer->client, name, NULL);
    const struct rd_kafka_metadata *metadata;
    if (!rd_kafka_metadata(producer->client, 0, *out, &metadata, METADATA_WAIT_MS)) {
        rd_kafka_metadata_destroy(metadata);
    }
    producer->topics =
        memory_grow(producer->topics, producer->topic_count + 1, sizeof(rd_kafka_topic_t *));
    producer->topics[producer->topic_count++] = *out;
    return failure_none();
}

struct failure producer_simple_send(struct producer_simple *producer, const char *topic,
                                    int32_t partition, struct bytes key, struct bytes value,
                                    int64_t timestamp_ms) {
    rd_kafka_topic_t *handle = NULL;
    struct failure failure = find_topic(producer, topic, &handle);
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__QUEUE_FULL;
    while (!failed(failure) && code == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        code = rd_kafka_producev(producer->client, RD_KAFKA_V_RKT(handle),
                                 RD_KAFKA_V_PARTITION(partition),
                                 RD_KAFKA_V_KEY((void *)(uintptr_t)key.data, key.size),
                                 RD_KAFKA_V_VALUE((void *)(uintptr_t)value.data, value.size),
                                 RD_KAFKA_V_TIMESTAMP(timestamp_ms),
                                 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
        bool is_full = code == RD_KAFKA_RESP_ERR__QUEUE_FULL;
        if (is_full || ++producer->sent_since_poll >= POLL_EVERY) {
            rd_kafka_poll(producer->client, is_full ? QUEUE_WAIT_MS : 0);
            producer->sent_since_poll = 0;
        }
        failure = producer->failure;
    }
    if (!failed(failure) && code) {
        failure = failure_make(FAILURE_STOP, code, "topic %s: %s", topic, rd_kafka_err2str(code));
    }
    return failure;
}

struct failure producer_simple_flush(struct producer_simple *producer, int timeout_ms) {
    rd_kafka_resp_err_t code = rd_kafka_flush(producer->client, timeout_ms);
    if (failed(producer->failure)) {
        return producer->failure;
    }
    if (code) {
        return failure_make(FAILURE_STOP, code, "%d records not acknowledged within %d ms",
                            rd_kafka_outq_len(producer->client), timeout_ms);
    }
    return failure_none();
}

int64_t producer_simple_delivered(const struct producer_simple *producer) {
    return producer->delivered;
}

void producer_simple_close(struct producer_simple *producer) {
    if (!producer) {
        return;
    }
    rd_kafka_purge(producer->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_poll(producer->client, 0);
    for (size_t i = 0; i < producer->topic_count; i++) {
        rd_kafka_topic_destroy(producer->topics[i]);
    }
    free(producer->topics);
    for (size_t i = 0; i < producer->created_count; i++) {
        free(producer->created[i]);
    }
    free(producer->created);
    if (client_destroy(producer->client, CLOSE_WAIT_MS)) {
        free(producer);
    }
}

/* As one broker knows it; any of them may be asked. */
static struct failure ask_partitions(struct producer_simple *producer, const char *topic,
                                     int32_t *out) {
    const struct rd_kafka_metadata *metadata;
    struct failure failure = client_metadata(producer->client, METADATA_WAIT_MS, &metadata);
    if (failed(failure)) {
        failure.action = FAILURE_STOP;
        return failure;
    }
    *out = client_partitions(metadata, topic);
    rd_kafka_metadata_destroy(metadata);
    return failure_none();
}

static bool is_ours(const struct producer_simple *producer, const char *topic) {
    for (size_t i = 0; i < producer->created_count; i++) {
        if (strcmp(producer->created[i], topic) == 0) {
            return true;
        }
    }
    return false;
}

/* The brokers of a cluster hear of a new topic one after another: one that we have created is
 * there, whatever the broker says that was asked. */
struct failure producer_simple_partitions(struct producer_simple *producer, const char *topic,
                                          int32_t *out) {
    int64_t until_ns = clock_monotonic_ns() + (int64_t)METADATA_WAIT_MS * MILLISECOND_NS;
    struct failure failure = ask_partitions(producer, topic, out);
    while (!failed(failure) && *out == 0 && is_ours(producer, topic)) {
        rd_kafka_poll(producer->client, VISIBLE_STEP_MS);
        if (clock_monotonic_ns() >= until_ns) {
            return failure_make(FAILURE_STOP, 0, "topic %s does not appear", topic);
        }
        failure = ask_partitions(producer, topic, out);
    }
    return failure;
}

static struct failure create(struct producer_simple *producer, const char *topic,
                             int32_t partitions, int replication_factor) {
    char text[200];
    rd_kafka_NewTopic_t *wanted = rd_kafka_NewTopic_new(
        topic, partitions, replication_factor > 0 ? replication_factor : -1, text, sizeof text);
    if (!wanted) {
        return failure_make(FAILURE_STOP, 0, "topic %s: %s", topic, text);
    }
    /* Event times may be years old; a default retention would delete the records at once. */
    rd_kafka_NewTopic_set_config(wanted, "retention.ms", "-1");
    rd_kafka_NewTopic_set_config(wanted, "message.timestamp.type", "CreateTime");
    struct admin admin = {.client = producer->client,
                          .queue = rd_kafka_queue_new(producer->client)};
    struct failure failure = admin_create(&admin, &wanted, 1, NULL);
    rd_kafka_queue_destroy(admin.queue);
    rd_kafka_NewTopic_destroy(wanted);
    return failure;
}

struct failure producer_simple_create_topic(struct producer_simple *producer, const char *topic,
                                            int32_t partitions, int replication_factor,
                                            bool *out_created) {
    *out_created = false;
    int32_t existing;
    struct failure failure = ask_partitions(producer, topic, &existing);
    if (failed(failure) || existing > 0) {
        return failure;
    }
    failure = create(producer, topic, partitions, replication_factor);
    if (failed(failure)) {
        return failure;
    }
    producer->created = memory_grow(producer->created, producer->created_count + 1, sizeof(char *));
    producer->created[producer->created_count++] = memory_copy_text(bytes_of_text(topic));
    failure = producer_simple_partitions(producer, topic, &existing);
    *out_created = !failed(failure);
    return failure;
}
