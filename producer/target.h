/* target: where a clickfeed command sends its records, by the options that all commands share:
 * --brokers and --topic,
 * --output FILE, or --dry-run. Opens the producer, sees to the topics, makes the sinks. One thread.
 */
#ifndef PROMOSTREAM_PRODUCER_TARGET_H
#define PROMOSTREAM_PRODUCER_TARGET_H

#include "base/options.h"
#include "producer/sink.h"
#include "schemas/schemas.h"

/* The first member of every command's options. */
struct target_options {
    const char *brokers, *topic, *output;
    bool is_dry_run;
    int64_t partitions; /* 0: the topic must exist */
    int64_t replication_factor;
    int framing; /* enum wire_framing */
    int64_t schema_id;
    struct option_list properties; /* NAME=VALUE; ${ENV} and ${file:PATH} in VALUE are replaced */
};

/* Rows of the options above, to be copied into the command's own table. */
#define TARGET_OPTIONS_COUNT 9
extern const struct option_row target_options_rows[TARGET_OPTIONS_COUNT];

struct target;

/* False if the options contradict each other: one line on errors, which begins with name. */
bool target_options_check(const struct target_options *options, const char *name, FILE *errors);
/* Opens the broker or the file. options is borrowed. STOP or RETRY (no broker answers) on failure.
 */
MUST_CHECK struct failure target_open(const struct target_options *options, struct target **out);
/* The sink of the events. */
struct sink *target_events(struct target *target);
/* A further topic of the same broker (only with --brokers), created like the events' topic if it is
 * missing. The sink belongs to the target. */
MUST_CHECK struct failure target_add_topic(struct target *target, const char *topic,
                                           enum schema schema, struct sink **out);
/* Partitions of the events' topic, 0 without a broker. */
int32_t target_partitions(const struct target *target);
/* "topic clickstream", "file x.avro", "nowhere (dry run)". */
void target_describe(const struct target_options *options, char *out, size_t out_size);
/* Kafka's client properties as given by --property; lives as long as the target. */
const struct config_properties *target_properties(const struct target *target);
/* Waits until everything is delivered or on file. */
MUST_CHECK struct failure target_finish(struct target *target);
void target_close(struct target *target); /* NULL is fine */

#endif
