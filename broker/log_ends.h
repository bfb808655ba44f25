/* log_ends: where a partition begins and ends, asked of its leader. Private to broker/.
 *
 * With a client of CLIENT_ENDS the end is the true one, past open transactions; a read_committed
 * client is told the last stable offset.
 *
 * Not by rd_kafka_query_watermark_offsets: up to librdkafka 2.0 it does not keep its time-out while
 * the leader that it remembers is away, for a request that was never sent is queued again and again
 * for that broker. rd_kafka_offsets_for_times asks the same (ListOffsets with the timestamps -1 and
 * -2) and keeps it. */
#ifndef PROMOSTREAM_BROKER_LOG_ENDS_H
#define PROMOSTREAM_BROKER_LOG_ENDS_H

#include <librdkafka/rdkafka.h>
#include <stdint.h>

#include "base/failure.h"

/* Offsets [low, high) that the log holds. */
struct log_span {
    int64_t low, high;
};

/* Asks at least once, and again, the way to the leader renewed, until wait_ms have passed; it then
 * returns within some seconds. RETRY: no answer; STOP: no right to it, or no such partition, which
 * is asked for ten seconds: new ones become known to one broker after another. */
MUST_CHECK struct failure log_ends_ask(rd_kafka_t *client, const char *topic, int32_t partition,
                                       int wait_ms, struct log_span *out);
/* The same of the end alone: one request in place of two. */
MUST_CHECK struct failure log_ends_ask_high(rd_kafka_t *client, const char *topic,
                                            int32_t partition, int wait_ms, int64_t *out);

#endif
