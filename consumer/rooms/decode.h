/* decode: a record's bytes into an event. Framing is configured, never sniffed; what is not an
 * event gets a counted verdict and goes to dead-letters with its original bytes. */
#ifndef PROMOSTREAM_ROOMS_DECODE_H
#define PROMOSTREAM_ROOMS_DECODE_H

#include "base/config.h"
#include "base/metrics.h"
#include "schemas/event.h"
#include "schemas/schemas.h"

struct decode_config { /* section `decode` */
    int framing;       /* enum wire_framing of clickstream and push-feedback */
    int64_t schema_id; /* WIRE_CONFLUENT only: the registry's id of our event schema; 0 = any */
};
extern const struct config_table decode_config_table;

#define DECODE_METRICS(X)                                                                          \
    X(ok_total, COUNTER, "records that are events")                                                \
    X(empty_total, COUNTER, "records without a value")                                             \
    X(bad_framing_total, COUNTER, "wrong magic, foreign fingerprint or schema id")                 \
    X(truncated_total, COUNTER, "records that end inside a field")                                 \
    X(trailing_bytes_total, COUNTER, "records with more bytes than the event")                     \
    X(bad_value_total, COUNTER, "enum, union, boolean or length out of range")                     \
    X(text_too_long_total, COUNTER, "a text beyond its bound")                                     \
    X(bad_utf8_total, COUNTER, "a text that is not UTF-8")                                         \
    X(missing_field_total, COUNTER, "mapped messages without a type or a time")                    \
    X(unknown_schema_total, COUNTER, "schema ids that the registry does not know")                 \
    X(bad_json_total, COUNTER, "not one JSON object")                                              \
    X(too_large_total, COUNTER, "messages over the size limit of their format")                    \
    X(too_deep_total, COUNTER, "messages nested too deeply")                                       \
    X(duplicate_key_total, COUNTER, "JSON objects with one name twice")                            \
    X(number_range_total, COUNTER, "JSON numbers out of range")
METRICS_STRUCT(decode_metrics, DECODE_METRICS)

struct decode {
    const struct decode_config *config;
    struct decode_metrics metrics;
    struct event_line lines[EVENT_LINES_MAX]; /* of the event decoded last */
};

/* Fills *out, whose texts point into value and whose lines belong to decode until the next call.
 * Counts the verdict. */
enum event_verdict decode_record(struct decode *decode, struct bytes value, struct event *out);

#endif
