/* producer_simple: a plain idempotent producer (no transactions) for clickfeed and for pause /
 * resume. Paces by its own queue: produce blocks while librdkafka's queue is full. One thread. */
#ifndef PROMOSTREAM_BROKER_PRODUCER_SIMPLE_H
#define PROMOSTREAM_BROKER_PRODUCER_SIMPLE_H

#include "base/bytes.h"
#include "base/config.h"
#include "base/failure.h"

struct producer_simple;
MUST_CHECK struct failure producer_simple_open(const char *bootstrap_servers,
                                               const struct config_properties *kafka,
                                               struct producer_simple **out);
/* partition -1: murmur2_random of the key as Java clients do (same key, same partition). value.data
 * NULL = tombstone. */
MUST_CHECK struct failure producer_simple_send(struct producer_simple *producer, const char *topic,
                                               int32_t partition, struct bytes key,
                                               struct bytes value, int64_t timestamp_ms);
/* Waits until everything was acknowledged; STOP with the first delivery error otherwise. */
MUST_CHECK struct failure producer_simple_flush(struct producer_simple *producer, int timeout_ms);
int64_t producer_simple_delivered(const struct producer_simple *producer);
void producer_simple_close(struct producer_simple *producer);

/* Creates one topic if it is missing: retention.ms=-1, CreateTime. *out_created tells. */
MUST_CHECK struct failure producer_simple_create_topic(struct producer_simple *producer,
                                                       const char *topic, int32_t partitions,
                                                       int replication_factor, bool *out_created);
MUST_CHECK struct failure producer_simple_partitions(struct producer_simple *producer,
                                                     const char *topic, int32_t *out);

#endif
