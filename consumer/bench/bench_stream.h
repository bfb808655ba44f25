/* bench_stream: the clickstream that benchmarks run on, the same for the same settings.
 *
 * Every event is of a user drawn anew: nobody's session stays warm in a cache, and an epoch touches
 * as many users as it can, each of which is a state row. Real shops are kinder. A user comes back
 * after BENCH_GAP_MS on average, exponentially, which with the shipped triggers makes about one
 * decision per hundred events. Messages are of our own event.avsc, single-object encoding. One
 * thread. */
#ifndef PROMOSTREAM_BENCH_STREAM_H
#define PROMOSTREAM_BENCH_STREAM_H

#include "base/rng.h"
#include "broker/broker.h"
#include "schemas/event.h"

#define BENCH_START_MS          1767261600000 /* 2026-01-01 10:00 UTC: no quiet hours for long */
#define BENCH_BUYERS_EVERY      8             /* the usual one */
#define BENCH_GAP_MS            640000.0      /* between two events of a user, about 11 min */
#define BENCH_MESSAGE_BYTES_MAX 256           /* key and value */

struct bench_stream_config {
    uint32_t users;
    int32_t partitions; /* a user's is its number modulo this */
    uint64_t seed;
    uint32_t buyers_every; /* one user in so many fills carts: 1 = all, UINT32_MAX = hardly any */
};

struct bench_stream {
    struct bench_stream_config config;
    struct rng rng;
    uint64_t count;    /* events so far */
    uint64_t sleepers; /* the next so many events are of new users each, who fill a cart and are not
                          seen again; event time stands still */
    double event_ms;
    struct event_line line;
    char user_id[16], event_id[24], item_id[16];
};

void bench_stream_init(struct bench_stream *stream, const struct bench_stream_config *config);
/* The next event: event time rises. Texts belong to the stream until the next call. Returns the
 * partition. */
int32_t bench_stream_next(struct bench_stream *stream, struct event *out);
/* The next event as a record of the clickstream, its offset left 0. Key and value are appended to
 * messages and lent out of it: it must have room for BENCH_MESSAGE_BYTES_MAX, or it would move. */
void bench_stream_record(struct bench_stream *stream, struct buffer *messages, struct record *out);

#endif
