/* sink: where clickfeed's records go: a Kafka topic, an Avro container file, or nowhere (a dry
 * run).
 *
 * Every record is an Avro body of one schema with its key and timestamp; framing is the sink's
 * affair. A sink sends in the order in which it is given records. One thread. */
#ifndef PROMOSTREAM_PRODUCER_SINK_H
#define PROMOSTREAM_PRODUCER_SINK_H

#include "base/bytes.h"
#include "base/failure.h"

struct sink_record {
    struct bytes key, body;
    int64_t timestamp_ms;
    int32_t partition; /* -1: by the key */
};

struct sink;

struct sink_ops {
    struct failure (*send)(struct sink *sink, const struct sink_record *record);
    struct failure (*flush)(struct sink *sink);
    struct failure (*finish)(struct sink *sink);
    void (*destroy)(struct sink *sink);
};

/* The head of every kind of sink; its constructor fills it. */
struct sink {
    const struct sink_ops *ops;
    int64_t sent; /* records taken */
};

/* Takes the record; its bytes are copied. May block while the broker is slower than we are. STOP on
 * failure. */
MUST_CHECK struct failure sink_send(struct sink *sink, const struct sink_record *record);
/* Returns when everything taken so far is acknowledged, where there is somebody to do so. */
MUST_CHECK struct failure sink_flush(struct sink *sink);
/* Returns when everything taken is acknowledged or on file. STOP if anything is not. Call once, at
 * the end. */
MUST_CHECK struct failure sink_finish(struct sink *sink);
void sink_destroy(struct sink *sink); /* NULL is fine */

/* Counts and forgets. */
struct sink *sink_null_new(void);

#endif
