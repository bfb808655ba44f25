#include "broker/broker.h"

#include "broker/broker_ops.h"

#define METRICS_ROW_STRUCT struct broker_metrics
METRICS_TABLE(broker_metrics, BROKER_METRICS)
#undef METRICS_ROW_STRUCT

size_t record_headers(const struct record *record, struct record_header *out, size_t max) {
    return record->read_headers ? record->read_headers(record->message, out, max) : 0;
}

struct failure broker_poll(struct broker *broker, int timeout_ms, size_t records_max,
                           struct broker_event *out) {
    return broker->ops->poll(broker, timeout_ms, records_max, out);
}

void broker_release(struct broker *broker) {
    broker->ops->release(broker);
}

struct failure broker_start(struct broker *broker, int32_t partition,
                            const int64_t next_offset[INPUT_COUNT]) {
    return broker->ops->start(broker, partition, next_offset);
}

struct epoch *broker_epoch(struct broker *broker) {
    return broker->ops->epoch(broker);
}

struct failure broker_submit(struct broker *broker, struct epoch *epoch) {
    return broker->ops->submit(broker, epoch);
}

struct failure broker_drain(struct broker *broker, bool *out_committed) {
    return broker->ops->drain(broker, out_committed);
}

struct failure broker_log_end(struct broker *broker, enum broker_input input, int32_t partition,
                              int64_t *out) {
    return broker->ops->log_end(broker, input, partition, out);
}

struct failure broker_position(struct broker *broker, enum broker_input input, int32_t partition,
                               int64_t *out) {
    return broker->ops->position(broker, input, partition, out);
}

int64_t broker_lag(struct broker *broker, enum broker_input input, int32_t partition) {
    return broker->ops->lag ? broker->ops->lag(broker, input, partition) : -1;
}

struct failure broker_partition_count(struct broker *broker, enum topic topic, int32_t *out) {
    return broker->ops->partition_count(broker, topic, out);
}

struct failure broker_read_to_end(struct broker *broker, enum topic topic, int32_t partition,
                                  broker_visit *visit, void *context) {
    return broker->ops->read_to_end(broker, topic, partition, visit, context);
}

struct failure broker_read_some(struct broker *broker, enum topic topic, int32_t partition,
                                int budget_ms, broker_visit *visit, void *context,
                                bool *out_is_end) {
    if (broker->ops->read_some) {
        return broker->ops->read_some(broker, topic, partition, budget_ms, visit, context,
                                      out_is_end);
    }
    *out_is_end = true;
    return broker->ops->read_to_end(broker, topic, partition, visit, context);
}

void broker_read_ahead(struct broker *broker, enum topic topic, int32_t partition) {
    if (broker->ops->read_ahead) {
        broker->ops->read_ahead(broker, topic, partition);
    }
}

void broker_watch_reading(struct broker *broker, broker_watch *watch, void *context) {
    if (broker->ops->watch_reading) {
        broker->ops->watch_reading(broker, watch, context);
    }
}

struct failure broker_side_poll(struct broker *broker, enum topic topic, broker_visit *visit,
                                void *context, int64_t *out_position) {
    return broker->ops->side_poll(broker, topic, visit, context, out_position);
}

const struct broker_metrics *broker_metrics_of(const struct broker *broker) {
    return broker->ops->metrics(broker);
}

void broker_close(struct broker *broker) {
    if (broker) {
        broker->ops->close(broker);
    }
}
