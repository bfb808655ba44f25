#include "producer/sink_kafka.h"

#include <stdlib.h>

#include "base/buffer.h"

struct sink_kafka {
    struct sink head;
    struct producer_simple *producer;
    const char *topic;
    struct buffer message; /* begins with the header, which is the same for all */
    size_t header_size;
};

static struct failure kafka_send(struct sink *sink, const struct sink_record *record) {
    struct sink_kafka *kafka = (struct sink_kafka *)sink;
    kafka->message.size = kafka->header_size;
    buffer_append(&kafka->message, record->body);
    return producer_simple_send(kafka->producer, kafka->topic, record->partition, record->key,
                                buffer_bytes(&kafka->message), record->timestamp_ms);
}

static struct failure kafka_flush(struct sink *sink) {
    struct sink_kafka *kafka = (struct sink_kafka *)sink;
    return producer_simple_flush(kafka->producer, SINK_KAFKA_FINISH_MS);
}

static void kafka_destroy(struct sink *sink) {
    struct sink_kafka *kafka = (struct sink_kafka *)sink;
    buffer_clean_up(&kafka->message);
    free(kafka);
}

static const struct sink_ops kafka_ops = {
    .send = kafka_send, .flush = kafka_flush, .finish = kafka_flush, .destroy = kafka_destroy};

struct sink *sink_kafka_new(struct producer_simple *producer,
                            const struct sink_kafka_config *config) {
    struct sink_kafka *kafka = memory_new(1, sizeof *kafka);
    kafka->head.ops = &kafka_ops;
    kafka->producer = producer;
    kafka->topic = config->topic;
    buffer_init(&kafka->message, 1024);
    wire_frame(config->framing, config->schema, config->schema_id, &kafka->message);
    kafka->header_size = kafka->message.size;
    return &kafka->head;
}
