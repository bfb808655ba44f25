/* bench_engine: all rooms on a stream in memory, one thread, no broker: from decode to decide, and
 * up to the epoch's buffer of output records. What a worker can do at most.
 *
 * Encoding the stream stands outside the measured time; what a broker's client, the commit and the
 * trainer cost does too (bench end-to-end). */
#ifndef PROMOSTREAM_BENCH_ENGINE_H
#define PROMOSTREAM_BENCH_ENGINE_H

#include "consumer/bench/bench_stream.h"
#include "consumer/pipeline.h"
#include "consumer/pipeline_config.h"

#define BENCH_SLICES 9 /* of the measured events; the median one is reported */

struct bench_engine_settings {
    struct bench_stream_config stream;
    uint64_t warm_events; /* not measured: histories are filled, timers stand */
    uint64_t
        sleepers; /* more users, each with a cart that its timer watches and nothing else to do */
    uint64_t events;     /* measured */
    size_t epoch_events; /* records of an epoch, all partitions */
};

struct bench_engine_result {
    uint64_t events, decisions, pushes, rows, row_bytes, output_bytes; /* measured ones */
    double rooms_ns, rows_ns; /* per event: decode to decide; state rows, journal */
    uint64_t users, timers;   /* at the end; timers counts entries in the heaps */
    double user_bytes;        /* per user: its struct and what hangs on it */
    double open_bytes;        /* per user: frozen rows of open decisions */
    double table_bytes;       /* per user: the rest that is resident: index, items, timers, slack */
};

/* One worker's rooms and partitions. */
struct bench_engine {
    const struct pipeline_config *config;
    struct bench_engine_settings settings;
    struct bench_stream stream;
    struct timezone_set *zones;
    struct side side;
    struct decision_tally tally;
    struct pipeline pipeline;
    struct partition *partitions;
    struct epoch epoch;
    struct buffer messages;   /* the epoch's keys and values */
    struct record **gathered; /* per partition, up to epoch_events each */
    size_t *gathered_count;
    int64_t *next_offset;
};

/* config is borrowed. */
void bench_engine_init(struct bench_engine *engine, const struct pipeline_config *config,
                       const struct bench_engine_settings *settings);
void bench_engine_clean_up(struct bench_engine *engine);
/* The stream's next count events, an epoch at most, into gathered, as the broker would lend them.
 */
void bench_engine_gather(struct bench_engine *engine, size_t count);
/* The stream's next events, in epochs; adds to what out counts. Returns CPU time: decode to decide,
 * and state rows with the journal. */
struct bench_spans {
    int64_t rooms_ns, rows_ns;
};
struct bench_spans bench_engine_run(struct bench_engine *engine, uint64_t events,
                                    struct bench_engine_result *out);

/* The whole benchmark: warm events, measured slices, memory. */
void bench_engine_measure(const struct pipeline_config *config,
                          const struct bench_engine_settings *settings,
                          struct bench_engine_result *out);

#endif
