/* stream: random shop events as records of one partition, and a bench that runs the rooms over them
 * without a broker. */
#ifndef PROMOSTREAM_TESTS_STREAM_H
#define PROMOSTREAM_TESTS_STREAM_H

#include "base/rng.h"
#include "consumer/pipeline.h"
#include "consumer/pipeline_config.h"

#define STREAM_START_MS 1767225600000 /* 2026-01-01 */

struct stream_options {
    size_t records;
    int users;
    int first_user;        /* number of the first of them */
    int64_t gap_ms_max;    /* between events */
    int64_t jitter_ms_max; /* out of order by at most this */
    double late_share, duplicate_share, garbage_share;
    bool has_ids;
};

struct stream {
    struct buffer data;
    struct record *records;
    size_t count, capacity;
};

/* One event as a record at the next offset. */
void stream_add(struct stream *stream, enum broker_input input, const struct event *event,
                int64_t timestamp_ms);
void stream_add_bytes(struct stream *stream, enum broker_input input, struct bytes key,
                      struct bytes value, int64_t timestamp_ms);
/* Makes the records' pointers; call once, after the last add. */
void stream_seal(struct stream *stream);
void stream_random(struct stream *stream, uint64_t seed, const struct stream_options *options);
void stream_clean_up(struct stream *stream);

/* Everything that the rooms wrote, one buffer per topic, in order: partition, key, value, with
 * lengths. */
struct outputs {
    struct buffer topic[TOPIC_COUNT];
    size_t count[TOPIC_COUNT];
};
void outputs_take(struct outputs *outputs, const struct epoch *epoch);
void outputs_clean_up(struct outputs *outputs);

/* The rooms of one worker and one partition, with configuration from text (defaults for what it
 * does not say). */
struct bench {
    struct pipeline_config *config;
    struct timezone_set *zones;
    struct side side;
    struct decision_tally *tally;
    struct pipeline pipeline;
    struct partition partition;
    struct epoch epoch;
};
void bench_init(struct bench *bench, const char *config_text, size_t micro_batch_max);
void bench_clean_up(struct bench *bench);
/* One epoch over these records (one input); its rows go to outputs (NULL: dropped). */
void bench_epoch(struct bench *bench, const struct record *records, size_t count,
                 struct outputs *outputs);
/* Fires everything at the end, in as many epochs as it takes. */
void bench_end(struct bench *bench, struct outputs *outputs);
/* Encoded final state: every user ordered by id, each with the frozen rows of its open decisions,
 * then the partition row without its epoch number. */
void bench_state(struct bench *bench, struct buffer *out);

#endif
