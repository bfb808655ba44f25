/* sink_kafka: records to one topic of a Kafka, with the header of the topic's framing before each
 * body. */
#ifndef PROMOSTREAM_PRODUCER_SINK_KAFKA_H
#define PROMOSTREAM_PRODUCER_SINK_KAFKA_H

#include "broker/producer_simple.h"
#include "producer/sink.h"
#include "schemas/schemas.h"

/* How long sink_finish waits for the last acknowledgements. */
#define SINK_KAFKA_FINISH_MS 60000

struct sink_kafka_config {
    const char *topic;
    enum schema schema;
    enum wire_framing framing;
    uint32_t schema_id; /* WIRE_CONFLUENT only */
};

/* producer and config->topic are borrowed and must outlive the sink; several sinks may share a
 * producer. */
struct sink *sink_kafka_new(struct producer_simple *producer,
                            const struct sink_kafka_config *config);

#endif
