/* topic_drain: reads a topic once, all partitions together, as fast as librdkafka gives it, and
 * only counts. What bare consumption costs on this machine: the yardstick of `bench end-to-end`.
 * read_committed; joins no group, commits nothing. Blocks its thread. */
#ifndef PROMOSTREAM_BROKER_TOPIC_DRAIN_H
#define PROMOSTREAM_BROKER_TOPIC_DRAIN_H

#include <stdint.h>

#include "base/config.h"
#include "base/failure.h"

struct topic_drain_result {
    int32_t partition_count; /* 0 = there is no such topic */
    int64_t record_count;
    int64_t bytes;   /* of keys and values */
    int64_t wall_ns; /* from the start of fetching to the last record */
};

/* Ends at the log ends that stood at the beginning. kafka may be NULL. RETRY if no broker answers,
 * STOP if nothing comes for half a minute. */
MUST_CHECK struct failure topic_drain(const char *bootstrap_servers,
                                      const struct config_properties *kafka, const char *topic,
                                      struct topic_drain_result *out);

#endif
