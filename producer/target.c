#include "producer/target.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "producer/sink_file.h"
#include "producer/sink_kafka.h"

#define SINKS_MAX 4

struct target {
    const struct target_options *options;
    struct producer_simple *producer; /* NULL without --brokers */
    struct sink *sinks[SINKS_MAX];    /* the events' sink first */
    size_t sink_count;
    int32_t partitions;
    struct config_property properties[OPTION_LIST_MAX];
    struct config_properties kafka;
};

#define FIELD(name) offsetof(struct target_options, name)

const struct option_row target_options_rows[TARGET_OPTIONS_COUNT] = {
    {.name = "brokers",
     .letter = 'b',
     .argument = "HOST:PORT,...",
     .type = OPTION_TEXT,
     .offset = FIELD(brokers),
     .help = "Kafka brokers to begin with. Exactly one of --brokers, --output and --dry-run."},
    {.name = "topic",
     .letter = 't',
     .argument = "NAME",
     .type = OPTION_TEXT,
     .offset = FIELD(topic),
     .default_text = "clickstream",
     .help = "Topic for the events."},
    {.name = "partitions",
     .argument = "N",
     .type = OPTION_INT,
     .offset = FIELD(partitions),
     .default_text = "0",
     .max = 10000,
     .help =
         "Create what topics are missing, with N partitions, retention.ms=-1 and CreateTime; the "
         "events' topic must then have N partitions. With 0 they must be there."},
    {.name = "replication-factor",
     .argument = "N",
     .type = OPTION_INT,
     .offset = FIELD(replication_factor),
     .default_text = "1",
     .min = 1,
     .max = 10,
     .help = "Copies of each partition of a topic that is created."},
    {.name = "property",
     .letter = 'X',
     .argument = "NAME=VALUE",
     .type = OPTION_TEXT_LIST,
     .offset = FIELD(properties),
     .help = "Kafka client property by its own name (TLS, SASL, linger.ms, ...). ${NAME} in VALUE "
             "stands for an environment variable, ${file:PATH} for what a file holds: everybody on "
             "the machine can read a command line."},
    {.name = "framing",
     .argument = "HOW",
     .type = OPTION_CHOICE,
     .offset = FIELD(framing),
     .default_text = "single_object",
     .choices = wire_framing_names,
     .help =
         "What stands before each Avro body on a topic: Avro's single-object header, Confluent's "
         "header (with --schema-id), or nothing."},
    {.name = "schema-id",
     .argument = "N",
     .type = OPTION_INT,
     .offset = FIELD(schema_id),
     .default_text = "0",
     .max = UINT32_MAX,
     .help = "Id of the event schema in Confluent's header."},
    {.name = "output",
     .letter = 'o',
     .argument = "FILE",
     .type = OPTION_TEXT,
     .offset = FIELD(output),
     .help = "Write the events to an Avro object container file in place of a Kafka."},
    {.name = "dry-run",
     .letter = 'n',
     .type = OPTION_FLAG,
     .offset = FIELD(is_dry_run),
     .help = "Do everything but send: check and count."},
};

/* The value of NAME=VALUE, to be freed; NULL after a line on errors. */
static char *expand(const char *command, const char *text, const char *equals, FILE *errors) {
    char *problem = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&problem, &size);
    assert(out);
    char *value = config_expand_text(equals + 1, out);
    fclose(out);
    if (!value) {
        fprintf(errors, "%s: --property %.*s: %s\n", command, (int)(equals - text), text, problem);
    }
    free(problem);
    return value;
}

bool target_options_check(const struct target_options *options, const char *name, FILE *errors) {
    int ways = (options->brokers != NULL) + (options->output != NULL) + options->is_dry_run;
    if (ways != 1) {
        fprintf(errors, "%s: %s of --brokers, --output and --dry-run, expected exactly one\n", name,
                ways == 0 ? "none" : "more than one");
        return false;
    }
    bool is_confluent = options->framing == WIRE_CONFLUENT;
    if (is_confluent != (options->schema_id > 0)) {
        fprintf(errors, "%s: --framing confluent and --schema-id belong together\n", name);
        return false;
    }
    for (size_t i = 0; i < options->properties.count; i++) {
        const char *text = options->properties.items[i];
        const char *equals = strchr(text, '=');
        if (!equals || equals == text) {
            /* What was given may be a secret. */
            fprintf(errors, "%s: --property: found no name and =, expected NAME=VALUE\n", name);
            return false;
        }
        char *value = expand(name, text, equals, errors);
        if (!value) {
            return false;
        }
        free(value);
    }
    return true;
}

static struct failure split_properties(struct target *target) {
    const struct option_list *list = &target->options->properties;
    target->kafka.items = target->properties;
    for (size_t i = 0; i < list->count; i++) {
        const char *equals = strchr(list->items[i], '=');
        struct bytes name = bytes_of(list->items[i], (size_t)(equals - list->items[i]));
        char *value = expand("clickfeed", list->items[i], equals, stderr);
        if (!value) {
            return failure_make(FAILURE_STOP, 0, "--property: a value went away since the check");
        }
        target->properties[i] =
            (struct config_property){.name = memory_copy_text(name), .value = value};
        target->kafka.count = i + 1;
    }
    return failure_none();
}

/* Partitions of a topic, after creating it if that is wanted. */
static struct failure see_to_topic(struct target *target, const char *topic, int32_t *out) {
    const struct target_options *options = target->options;
    if (options->partitions > 0) {
        bool is_created;
        struct failure failure =
            producer_simple_create_topic(target->producer, topic, (int32_t)options->partitions,
                                         (int)options->replication_factor, &is_created);
        if (failed(failure)) {
            return failure;
        }
    }
    struct failure failure = producer_simple_partitions(target->producer, topic, out);
    if (!failed(failure) && *out == 0) {
        return failure_make(FAILURE_STOP, 0,
                            "topic %s does not exist; --partitions would create it", topic);
    }
    return failure;
}

static struct failure open_topic(struct target *target) {
    const struct target_options *options = target->options;
    struct failure failure = see_to_topic(target, options->topic, &target->partitions);
    if (failed(failure)) {
        return failure;
    }
    if (options->partitions > 0 && target->partitions != options->partitions) {
        return failure_make(FAILURE_STOP, 0, "topic %s has %d partitions, --partitions says %d",
                            options->topic, (int)target->partitions, (int)options->partitions);
    }
    struct sink_kafka_config config = {.topic = options->topic,
                                       .schema = SCHEMA_EVENT,
                                       .framing = (enum wire_framing)options->framing,
                                       .schema_id = (uint32_t)options->schema_id};
    target->sinks[target->sink_count++] = sink_kafka_new(target->producer, &config);
    return failure;
}

static struct failure open_events(struct target *target) {
    const struct target_options *options = target->options;
    struct failure failure = failure_none();
    if (options->brokers) {
        failure = producer_simple_open(options->brokers, &target->kafka, &target->producer);
        return failed(failure) ? failure : open_topic(target);
    }
    if (options->output) {
        failure = sink_file_open(options->output, SCHEMA_EVENT, &target->sinks[0]);
    } else {
        target->sinks[0] = sink_null_new();
    }
    target->sink_count = failed(failure) ? 0 : 1;
    return failure;
}

struct failure target_open(const struct target_options *options, struct target **out) {
    *out = NULL;
    struct target *target = memory_new(1, sizeof *target);
    target->options = options;
    struct failure failure = split_properties(target);
    if (!failed(failure)) {
        failure = open_events(target);
    }
    if (failed(failure)) {
        target_close(target);
        return failure;
    }
    *out = target;
    return failure;
}

struct sink *target_events(struct target *target) {
    return target->sinks[0];
}

struct failure target_add_topic(struct target *target, const char *topic, enum schema schema,
                                struct sink **out) {
    assert(target->producer && target->sink_count < SINKS_MAX);
    int32_t partitions;
    struct failure failure = see_to_topic(target, topic, &partitions);
    if (failed(failure)) {
        return failure;
    }
    /* Schema ids belong to one schema: only the events can have Confluent's header. */
    enum wire_framing framing = (enum wire_framing)target->options->framing;
    struct sink_kafka_config config = {
        .topic = topic,
        .schema = schema,
        .framing =
            framing == WIRE_CONFLUENT && schema != SCHEMA_EVENT ? WIRE_SINGLE_OBJECT : framing,
        .schema_id = (uint32_t)target->options->schema_id};
    *out = sink_kafka_new(target->producer, &config);
    target->sinks[target->sink_count++] = *out;
    return failure;
}

int32_t target_partitions(const struct target *target) {
    return target->partitions;
}

void target_describe(const struct target_options *options, char *out, size_t out_size) {
    if (options->brokers) {
        snprintf(out, out_size, "topic %s", options->topic);
    } else if (options->output) {
        snprintf(out, out_size, "file %s", options->output);
    } else {
        snprintf(out, out_size, "nowhere (dry run)");
    }
}

const struct config_properties *target_properties(const struct target *target) {
    return &target->kafka;
}

struct failure target_finish(struct target *target) {
    struct failure failure = failure_none();
    for (size_t i = 0; i < target->sink_count && !failed(failure); i++) {
        failure = sink_finish(target->sinks[i]);
    }
    return failure;
}

void target_close(struct target *target) {
    if (!target) {
        return;
    }
    for (size_t i = 0; i < target->sink_count; i++) {
        sink_destroy(target->sinks[i]);
    }
    if (target->producer) {
        producer_simple_close(target->producer);
    }
    for (size_t i = 0; i < target->kafka.count; i++) {
        free((char *)(uintptr_t)target->properties[i].name);
        free((char *)(uintptr_t)target->properties[i].value);
    }
    free(target);
}
