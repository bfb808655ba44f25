/* topic_reader: reads a topic once, from its start to its true end, for people who ask (inspect,
 * explain). read_committed; joins no group, commits nothing, creates nothing, fences nobody: safe
 * beside running workers. Blocks its thread. */
#ifndef PROMOSTREAM_BROKER_TOPIC_READER_H
#define PROMOSTREAM_BROKER_TOPIC_READER_H

#include "broker/broker.h"

#define TOPIC_ALL_PARTITIONS (-1)

struct topic_read_request {
    const char *bootstrap_servers;
    const struct config_properties *kafka; /* NULL = none */
    const char *topic;
    int32_t partition;          /* TOPIC_ALL_PARTITIONS: one after the other */
    int stuck_max_ms;           /* a transaction that stays open hides what comes behind it: give up
                                   after this long without a record */
    const struct log_sink *log; /* NULL = none */
    const bool *is_enough;      /* NULL, or what the visitor sets to end the read early */
};

struct topic_read_result {
    int32_t partition_count; /* 0 = there is no such topic */
    int64_t record_count;    /* visited */
    bool is_whole;           /* everything that stood there at the beginning was seen */
};

/* Visits the records in offset order, partition by partition; value.data NULL = tombstone. Nothing
 * is visited of a partition that is not there. RETRY if no broker answers, STOP for what cannot be
 * read. */
MUST_CHECK struct failure topic_read(const struct topic_read_request *request, broker_visit *visit,
                                     void *context, struct topic_read_result *out);

/* Partitions of request->topic, 0 = there is no such topic. RETRY if no broker answers. */
MUST_CHECK struct failure topic_count(const struct topic_read_request *request, int32_t *out);

/* Offset behind the last record of a partition, committed or not; 0 = there is no such partition.
 * RETRY if no broker answers. */
MUST_CHECK struct failure topic_end(const struct topic_read_request *request, int64_t *out);

/* Where Java's clients, and ours, put a key: murmur2, its sign bit dropped, modulo. */
int32_t topic_partition_of_key(struct bytes key, int32_t partition_count);

#endif
