/* broker_ops: what an implementation of the seam provides: Kafka here, a simulated log in the
 * tests. An implementation's struct starts with `struct broker`; broker.c dispatches every broker_*
 * call to it. Each function has the contract of its namesake in broker.h. */
#ifndef PROMOSTREAM_BROKER_BROKER_OPS_H
#define PROMOSTREAM_BROKER_BROKER_OPS_H

#include "broker/broker.h"

struct broker_ops {
    struct failure (*poll)(struct broker *broker, int timeout_ms, size_t records_max,
                           struct broker_event *out);
    void (*release)(struct broker *broker);
    struct failure (*start)(struct broker *broker, int32_t partition,
                            const int64_t next_offset[INPUT_COUNT]);
    struct epoch *(*epoch)(struct broker *broker);
    struct failure (*submit)(struct broker *broker, struct epoch *epoch);
    struct failure (*drain)(struct broker *broker, bool *out_committed);
    struct failure (*log_end)(struct broker *broker, enum broker_input input, int32_t partition,
                              int64_t *out);
    struct failure (*position)(struct broker *broker, enum broker_input input, int32_t partition,
                               int64_t *out);
    struct failure (*partition_count)(struct broker *broker, enum topic topic, int32_t *out);
    struct failure (*read_to_end)(struct broker *broker, enum topic topic, int32_t partition,
                                  broker_visit *visit, void *context);
    /* NULL = it cannot be read in parts */
    struct failure (*read_some)(struct broker *broker, enum topic topic, int32_t partition,
                                int budget_ms, broker_visit *visit, void *context,
                                bool *out_is_end);
    /* NULL = nothing is gained by it */
    void (*read_ahead)(struct broker *broker, enum topic topic, int32_t partition);
    struct failure (*side_poll)(struct broker *broker, enum topic topic, broker_visit *visit,
                                void *context, int64_t *out_position);
    /* NULL = not known */
    int64_t (*lag)(struct broker *broker, enum broker_input input, int32_t partition);
    /* NULL = nothing to say */
    void (*watch_reading)(struct broker *broker, broker_watch *watch, void *context);
    const struct broker_metrics *(*metrics)(const struct broker *broker);
    void (*close)(struct broker *broker);
};

struct broker {
    const struct broker_ops *ops;
};

#endif
