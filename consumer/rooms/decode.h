/* decode: a record's bytes into an event: of our own event.avsc, of a shop's own Avro schema or of
 * JSON, through the mapping. Framing and format are configured, never sniffed; what is not an event
 * gets a counted verdict and goes to dead-letters with its original bytes. One thread. */
#ifndef PROMOSTREAM_ROOMS_DECODE_H
#define PROMOSTREAM_ROOMS_DECODE_H

#include "base/config.h"
#include "base/log.h"
#include "base/metrics.h"
#include "schemas/avro_plan.h"
#include "schemas/json_event.h"
#include "schemas/registry.h"
#include "schemas/schemas.h"

enum message_format { FORMAT_AVRO, FORMAT_JSON };

struct decode_config {    /* section `decode` */
    int format;           /* enum message_format of the clickstream */
    int framing;          /* enum wire_framing of the clickstream */
    int feedback_framing; /* enum wire_framing of push-feedback, which is Avro always */
    int64_t schema_id;    /* WIRE_CONFLUENT without a registry: the id that is taken; 0 = any */
    const char *schema;   /* file of the clickstream's writer schema; "" = none */
};
extern const struct config_table decode_config_table;

/* Where schemas and their meaning come from; shared by all workers of a process, read-only.
 * consumer/sources.h makes it. All zero: only our own event.avsc, as this binary carries it. */
struct decode_sources {
    const struct mapping *mapping;      /* of the clickstream; NULL = it is of our own schema */
    const struct mapping *own;          /* for other versions of our own schema */
    const struct writer_schema *schema; /* decode.schema, NULL = none */
    uint64_t schema_fingerprint;        /* of decode.schema */
    struct registry *registry;          /* NULL = none */
    const struct log_sink *log;         /* NULL = silent */
};

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
    X(number_range_total, COUNTER, "JSON numbers out of range")                                    \
    X(schemas, GAUGE, "writers' schemas compiled")
METRICS_STRUCT(decode_metrics, DECODE_METRICS)

#define DECODE_PLANS_MAX 256 /* per input; the oldest is compiled again when it comes back */

struct decode_plan {
    uint64_t id;            /* schema id or fingerprint */
    struct avro_plan *plan; /* NULL = the mapping finds no type or no time in this schema */
};

#define DECODE_PLACES 16 /* events that are there at one time */

/* What an event's texts and lines may lie in, besides its record and its plan. */
struct decode_place {
    struct json_event *json; /* FORMAT_JSON */
    struct mapping_scratch scratch;
    struct event_line lines[EVENT_LINES_MAX];
};

/* How one of the two inputs is read. */
struct decode_input {
    enum wire_framing framing;
    const struct mapping *mapping;      /* NULL = only our own schema, as this binary carries it */
    const struct writer_schema *schema; /* given by file; NULL = none */
    bool is_native_known; /* single-object encoding: our own fingerprint needs no mapping */
    struct decode_plan plans[DECODE_PLANS_MAX];
    size_t plan_count, plan_next, plan_last;
};

struct decode {
    const struct decode_config *config;
    struct decode_sources sources;
    struct decode_metrics metrics;
    struct decode_input inputs[2]; /* clickstream, push-feedback */
    struct decode_place places[DECODE_PLACES];
    struct avro_plan *retired[DECODE_PLACES]; /* texts of events may lie in them still */
    size_t retired_count;
};

/* sources: NULL = all zero; copied. config is borrowed. */
void decode_init(struct decode *decode, const struct decode_config *config,
                 const struct decode_sources *sources);
void decode_clean_up(struct decode *decode);

/* False while the schema that the record needs is being fetched: ask again later. */
bool decode_is_ready(struct decode *decode, bool is_feedback, struct bytes value);
/* Does any record need to be asked for? */
bool decode_asks_registry(const struct decode *decode);
/* Fills *out, whose texts point into value, into decode or into a plan, and whose lines belong to
 * decode. They last until the next call with the same place (below DECODE_PLACES), with place 0, or
 * of decode_is_ready: a group of records is decoded at places 0, 1, 2 ... Counts the verdict;
 * EVENT_UNKNOWN_SCHEMA if its schema is not there (yet). */
enum event_verdict decode_record(struct decode *decode, size_t place, bool is_feedback,
                                 struct bytes value, struct event *out);

#endif
