/* sample_check: is what stands on the clickstream topic, or in a file of JSON lines, what the
 * configuration says? Looks at sampled records as the decode room does, counts, and turns the
 * counts into findings. One thread; blocks while a registry is asked for a schema. */
#ifndef PROMOSTREAM_COMMANDS_SAMPLE_CHECK_H
#define PROMOSTREAM_COMMANDS_SAMPLE_CHECK_H

#include "broker/broker.h"
#include "consumer/commands/coverage.h"
#include "consumer/commands/findings.h"
#include "consumer/pipeline_config.h"
#include "consumer/sources.h"

enum sample_form {
    SAMPLE_TOPIC,     /* records as decode.format and decode.framing say */
    SAMPLE_JSON_LINES /* messages without keys or timestamps, as JSON whatever decode.format is */
};

struct sample_check {
    const struct pipeline_config *config; /* borrowed */
    const char *source;                   /* borrowed: name of the topic or file */
    enum sample_form form;
    struct coverage coverage;
    int64_t records, verdicts[EVENT_VERDICT_COUNT];
    int64_t types[EVENT_TYPE_COUNT];
    int64_t unkeyed;           /* events whose record has no key */
    int64_t key_mismatch;      /* events whose record key is not their user id */
    int64_t no_user;           /* events with neither */
    int64_t future;            /* beyond record timestamp + max_skew: clean would refuse them */
    int64_t no_event_id;       /* events that cannot be recognised when they come twice */
    int64_t feedback;          /* push feedback on the clickstream: clean would refuse it */
    int64_t first_ms, last_ms; /* event times; valid if there is a decoded event */
    struct decode_config decode_config;
    struct decode *decode;
    bool is_registry_slow; /* it did not answer in time once: it is not waited for again */
};

/* sources (borrowed) NULL: only our own schema, and no JSON lines. */
void sample_check_init(struct sample_check *check, const struct pipeline_config *config,
                       const struct decode_sources *sources, enum sample_form form,
                       const char *source);
void sample_check_clean_up(struct sample_check *check);
/* Fits broker_visit; context is the struct sample_check. */
void sample_check_add(void *context, const struct record *record);
/* Fits sample_file_visit, likewise. */
void sample_check_add_line(void *context, struct bytes line);
/* is_append_time: all records were stamped by the broker. Subject of the findings: "sample of
 * TOPIC". */
void sample_check_findings(const struct sample_check *check, bool is_append_time,
                           bool allow_unkeyed, struct findings *findings);
/* One JSON object of the counts and the coverage. */
void sample_check_write_json(const struct sample_check *check, struct buffer *out);

#endif
