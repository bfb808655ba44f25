/* bench_topics: the stream into a real topic, the topic read by nobody but the clock, and what a
 * run wrote. Each function is a job for a child process (bench_in_child): librdkafka starts
 * threads. */
#ifndef PROMOSTREAM_BENCH_TOPICS_H
#define PROMOSTREAM_BENCH_TOPICS_H

#include "broker/topic_drain.h"
#include "consumer/bench/bench_stream.h"

struct bench_topics {
    const char *bootstrap_servers;
    const struct config_properties *kafka;
    const struct topics *topics; /* resolved, all of them behind the run's own prefix */
    struct bench_stream_config stream;
    uint64_t events;
};

/* Makes the clickstream and writes events of the stream to it, a message each, keyed by user; shows
 * progress on standard error. result: struct failure. */
void bench_topics_fill(const void *bench_topics, void *result);

struct bench_drain {
    struct topic_drain_result topic;
    struct failure failure;
};
/* Bare consumption of the clickstream. result: struct bench_drain. */
void bench_topics_drain(const void *bench_topics, void *result);

/* What the journal and the output topics say of a run over the whole stream. */
struct bench_output {
    int64_t events;             /* processed, by the journal */
    int64_t first_epoch_events; /* of these, before the first epoch's end */
    int64_t first_ms, last_ms;  /* when the first and the last epoch were produced */
    int64_t epochs;             /* of the partition that has most: transactions, about */
    int64_t rows, bytes;        /* all output topics, keys and values */
    int64_t user_rows, decisions, pushes, examples, dead_letters;
    struct failure failure;
};
/* result: struct bench_output. */
void bench_topics_count(const void *bench_topics, void *result);

#endif
