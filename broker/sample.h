/* sample: the newest records of a topic, for people and for `promostream validate`.
 * Joins no group, commits nothing, creates nothing, fences nobody: safe beside a running worker.
 * Blocks its thread. */
#ifndef PROMOSTREAM_BROKER_SAMPLE_H
#define PROMOSTREAM_BROKER_SAMPLE_H

#include "broker/broker.h"

struct sample_request {
    const char *bootstrap_servers;
    const struct config_properties *kafka; /* NULL = none */
    const char *topic;
    int64_t per_partition_max; /* newest offsets of each partition that are looked at */
    int timeout_ms;            /* for the whole; what has come until then is the sample */
    const struct log_sink *log;
};

struct sample_result {
    int32_t partition_count;   /* 0 = there is no such topic */
    int64_t record_count;      /* visited */
    int64_t append_time_count; /* of these: stamped by the broker (LogAppendTime) */
    bool is_whole;             /* every partition was read to its end in time */
};

/* Visits the records, aborted ones included, in offset order within each partition. RETRY if no
 * broker answers, STOP if the client cannot be made. */
MUST_CHECK struct failure sample_topic(const struct sample_request *request, broker_visit *visit,
                                       void *context, struct sample_result *out);

#endif
