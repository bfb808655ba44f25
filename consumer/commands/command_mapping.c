/* mapping: drafts the section `mapping` from what a shop's messages look like, and prints the
 * presets. Changes nothing anywhere. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "broker/sample.h"
#include "consumer/commands/sample_file.h"
#include "consumer/commands/support.h"
#include "schemas/suggest.h"

#define SAMPLE_TIMEOUT_MS   15000
#define REGISTRY_TIMEOUT_MS 10000
#define REGISTRY_PAUSE_MS   20
#define SCHEMAS_MAX         64
#define CONFLUENT_BYTES     5
#define SINGLE_OBJECT_BYTES 10

/* ---- presets ---- */

static const struct option_page presets_page = {
    .name = "promostream mapping presets",
    .summary = "list the vocabularies that are mapped already, or print one",
    .synopsis = "[NAME]",
    .description = "Without a name: the names, one a line. With one: its section `mapping`, which "
                   "`mapping: {preset: NAME}` in pipeline.yaml stands for. What a shop has "
                   "otherwise is written beside it and holds instead.",
    .exit_status = command_exit_status,
    .examples = " promostream mapping presets segment",
    .arguments_max = 1,
};

static int run_presets(int argc, char **argv) {
    struct option_arguments arguments = {0};
    switch (options_parse(&presets_page, argc, argv, NULL, &arguments, stderr)) {
    case OPTIONS_HELP:
        options_help(&presets_page, stdout);
        return COMMAND_OK;
    case OPTIONS_ERROR:
        return COMMAND_USAGE;
    case OPTIONS_OK:
        break;
    }
    for (const struct mapping_preset *preset = mapping_presets; preset->name; preset++) {
        if (arguments.count == 0) {
            printf("%s\n", preset->name);
        } else if (strcmp(preset->name, arguments.items[0]) == 0) {
            fputs(preset->text, stdout);
            return COMMAND_OK;
        }
    }
    if (arguments.count == 0) {
        return COMMAND_OK;
    }
    fprintf(stderr, "%s: no preset '%s'; without a name, they are listed\n", presets_page.name,
            arguments.items[0]);
    return COMMAND_USAGE;
}

/* ---- suggest: options ---- */

struct suggest_options {
    const char *config, *schema, *sample;
    bool against_broker;
    int64_t records;
};

static const struct option_row rows[] = {
    {.name = "schema",
     .letter = 's',
     .argument = "FILE",
     .type = OPTION_TEXT,
     .offset = offsetof(struct suggest_options, schema),
     .help = "An Avro schema (.avsc) of the messages."},
    {.name = "sample",
     .letter = 'f',
     .argument = "FILE",
     .type = OPTION_TEXT,
     .offset = offsetof(struct suggest_options, sample),
     .help = "Messages as JSON lines, one a line; - is standard input."},
    COMMAND_CONFIG_ROW(struct suggest_options),
    {.name = "against-broker",
     .letter = 'b',
     .type = OPTION_FLAG,
     .offset = offsetof(struct suggest_options, against_broker),
     .help = "Look at the newest records of the clickstream that --config names: JSON, or Avro "
             "whose schema is in the registry or in decode.schema."},
    {.name = "records",
     .letter = 'n',
     .argument = "N",
     .type = OPTION_INT,
     .offset = offsetof(struct suggest_options, records),
     .default_text = "500",
     .min = 1,
     .max = 100000,
     .help = "Messages that are looked at: of the file, or of each partition."},
};

static const struct option_page suggest_page = {
    .name = "promostream mapping suggest",
    .summary = "draft the section mapping from a schema, a sample, or the topic itself",
    .synopsis = "--schema FILE [--sample FILE]\n"
                "--sample FILE\n"
                "--config FILE --against-broker",
    .description =
        "Writes a draft of the section `mapping` to standard output, each line with how sure it is "
        "and an example. Names are compared with those of known vocabularies, values with what a "
        "time, a currency or an event's name looks like; if the messages are of a preset, the "
        "preset is named and only what differs is written. It is a draft: read it, then let "
        "promostream validate show what comes of it.\n\n"
        "A topic is looked at without joining a group; nothing is written anywhere. How its "
        "messages are framed is found out: decode need not say it yet, nor decode.format.",
    .exit_status = command_exit_status,
    .examples = " promostream mapping suggest --sample messages.jsonl\n"
                " promostream mapping suggest --config pipeline.yaml --against-broker",
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
};

/* ---- suggest: reading ---- */

struct known_schema {
    enum wire_framing framing;
    uint64_t id;                        /* or fingerprint */
    const struct writer_schema *schema; /* the registry's; NULL = there is none that we read */
};

struct drafting {
    struct shape shape;
    struct pipeline_config config;
    struct log_sink log;
    struct writer_schema *given; /* decode.schema */
    struct registry *registry;   /* NULL = none */
    bool is_registry_slow;       /* it had its time once, and is not waited for again */
    struct known_schema known[SCHEMAS_MAX];
    size_t known_count;
    int64_t unread;      /* messages that could not be */
    char last_miss[300]; /* why a schema was not to be had */
};

static void add_line(void *context, struct bytes line) {
    struct drafting *drafting = context;
    drafting->unread += !shape_add_json(&drafting->shape, line);
}

static struct failure read_schema(const char *path, struct writer_schema **out) {
    struct buffer text = {0};
    struct failure failure = sample_file_read(path, WRITER_SCHEMA_BYTES_MAX, &text);
    if (!failed(failure)) {
        failure = writer_schema_parse(buffer_bytes(&text), out);
        failure =
            failed(failure) ? failure_make(FAILURE_STOP, 0, "%s: %s", path, failure.text) : failure;
    }
    buffer_clean_up(&text);
    return failure;
}

static enum registry_answer ask_registry(struct drafting *drafting, enum wire_framing framing,
                                         uint64_t id, const struct writer_schema **out) {
    int left_ms = drafting->is_registry_slow ? 0 : REGISTRY_TIMEOUT_MS;
    for (;; left_ms -= REGISTRY_PAUSE_MS) {
        enum registry_answer answer = framing == WIRE_CONFLUENT
                                          ? registry_find(drafting->registry, (uint32_t)id, out)
                                          : registry_find_fingerprint(drafting->registry, id, out);
        if (answer != REGISTRY_WAIT || left_ms <= 0) {
            drafting->is_registry_slow |= answer == REGISTRY_WAIT;
            return answer;
        }
        nanosleep(&(struct timespec){.tv_nsec = REGISTRY_PAUSE_MS * 1000000}, NULL);
    }
}

static void note_miss(struct drafting *drafting, enum wire_framing framing, uint64_t id) {
    char trouble[240];
    registry_trouble(drafting->registry, trouble, sizeof trouble);
    snprintf(drafting->last_miss, sizeof drafting->last_miss,
             framing == WIRE_CONFLUENT ? "no schema %" PRIu64 "%s%s"
                                       : "no schema of fingerprint %" PRIx64 "%s%s",
             id, trouble[0] ? ": " : "", trouble);
}

static const struct writer_schema *schema_of(struct drafting *drafting, enum wire_framing framing,
                                             uint64_t id) {
    for (size_t i = 0; i < drafting->known_count; i++) {
        if (drafting->known[i].framing == framing && drafting->known[i].id == id) {
            return drafting->known[i].schema;
        }
    }
    if (drafting->known_count == SCHEMAS_MAX || !drafting->registry) {
        return drafting->given;
    }
    struct known_schema *known = &drafting->known[drafting->known_count++];
    *known = (struct known_schema){.framing = framing, .id = id};
    if (ask_registry(drafting, framing, id, &known->schema) == REGISTRY_FOUND) {
        shape_add_schema(&drafting->shape, known->schema);
    } else {
        note_miss(drafting, framing, id);
    }
    return known->schema;
}

/* Here, other than in the decode room, the framing is looked for: the configuration may not say it
 * yet. */
static bool read_record(struct drafting *drafting, struct bytes value) {
    struct shape *shape = &drafting->shape;
    if (value.size == 0) {
        return false;
    }
    if (value.data[0] == '{' && shape_add_json(shape, value)) {
        return true;
    }
    bool is_confluent = value.data[0] == 0 && value.size > CONFLUENT_BYTES;
    bool is_single =
        value.size > SINGLE_OBJECT_BYTES && value.data[0] == 0xc3 && value.data[1] == 1;
    size_t skip = is_confluent ? CONFLUENT_BYTES : is_single ? SINGLE_OBJECT_BYTES : 0;
    struct bytes body = bytes_of(value.data + skip, value.size - skip);
    if (is_confluent && body.data[0] == '{' && shape_add_json(shape, body)) {
        return true;
    }
    const struct writer_schema *schema = NULL;
    if (is_confluent) {
        const uint8_t *at = value.data;
        uint32_t id = (uint32_t)at[1] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 8 | at[4];
        schema = schema_of(drafting, WIRE_CONFLUENT, id);
    } else if (is_single) {
        uint64_t fingerprint = 0;
        for (size_t i = SINGLE_OBJECT_BYTES; i > 2; i--) {
            fingerprint = fingerprint << 8 | value.data[i - 1];
        }
        schema = schema_of(drafting, WIRE_SINGLE_OBJECT, fingerprint);
    }
    if (schema && shape_add_avro(shape, schema, body)) {
        return true;
    }
    return drafting->given && (shape_add_avro(shape, drafting->given, body) ||
                               shape_add_avro(shape, drafting->given, value));
}

static void add_record(void *context, const struct record *record) {
    struct drafting *drafting = context;
    drafting->unread += !read_record(drafting, record->value);
}

static struct failure read_topic(struct drafting *drafting, int64_t records) {
    const struct pipeline_config *config = &drafting->config;
    const struct sample_request request = {
        .bootstrap_servers = config->broker.bootstrap_servers,
        .kafka = &config->broker.kafka,
        .topic = config->topics.full[TOPIC_CLICKSTREAM],
        .per_partition_max = records,
        .timeout_ms = SAMPLE_TIMEOUT_MS,
    };
    struct sample_result result;
    struct failure failure = failure_none();
    if (config->decode.schema[0]) {
        failure = read_schema(config->decode.schema, &drafting->given);
        if (!failed(failure)) {
            shape_add_schema(&drafting->shape, drafting->given);
        }
    }
    if (!failed(failure) && registry_is_given(&config->registry)) {
        drafting->log = log_to(stderr, LOG_ERROR, LOG_TEXT, clock_system());
        failure = registry_new(&config->registry, &drafting->log, &drafting->registry);
    }
    if (!failed(failure)) {
        failure = sample_topic(&request, add_record, drafting, &result);
    }
    if (!failed(failure) && result.partition_count == 0) {
        failure = failure_make(FAILURE_STOP, 0, "there is no topic %s", request.topic);
    }
    return failure;
}

static struct failure read_all(struct drafting *drafting, const struct suggest_options *options) {
    struct failure failure = failure_none();
    if (options->schema) {
        struct writer_schema *schema = NULL;
        failure = read_schema(options->schema, &schema);
        if (!failed(failure)) {
            shape_add_schema(&drafting->shape, schema);
        }
        writer_schema_destroy(schema);
    }
    if (!failed(failure) && options->sample) {
        failure = sample_file_lines(options->sample, options->records, add_line, drafting);
    }
    return !failed(failure) && options->against_broker ? read_topic(drafting, options->records)
                                                       : failure;
}

/* ---- suggest: writing ---- */

static void write_source(const struct drafting *drafting, const struct suggest_options *options,
                         struct buffer *out) {
    const char *parts[] = {options->schema, options->sample,
                           options->against_broker ? drafting->config.topics.full[TOPIC_CLICKSTREAM]
                                                   : NULL};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i]) {
            const char *name = strcmp(parts[i], "-") == 0  ? "standard input"
                               : strpbrk(parts[i], "\r\n") ? "a file"
                                                           : parts[i];
            buffer_format(out, "%s%s", out->size ? ", " : "", name);
        }
    }
    buffer_append_byte(out, 0);
}

static int write_draft(const struct drafting *drafting, const struct suggest_options *options) {
    if (drafting->unread > 0) {
        fprintf(stderr, "%s: %" PRId64 " messages could not be read as JSON%s%s%s\n",
                suggest_page.name, drafting->unread, options->against_broker ? ", nor as Avro" : "",
                drafting->last_miss[0] ? "; " : "", drafting->last_miss);
    }
    if (drafting->shape.leaf_count == 0) {
        fprintf(stderr, "%s: there was nothing to look at\n", suggest_page.name);
        return COMMAND_FAILED;
    }
    struct buffer source = {0}, out = {0};
    write_source(drafting, options, &source);
    bool is_whole = suggest_write(&drafting->shape, (const char *)source.data, &out);
    fwrite(out.data, 1, out.size, stdout);
    buffer_clean_up(&source);
    buffer_clean_up(&out);
    if (!is_whole) {
        fprintf(stderr, "%s: nothing looks like the event's %s; the draft does not hold without\n",
                suggest_page.name, "type or its time");
        return COMMAND_FAILED;
    }
    return COMMAND_OK;
}

static int run_suggest(int argc, char **argv) {
    struct suggest_options options = {0};
    int code = COMMAND_OK;
    if (!command_options(&suggest_page, argc, argv, &options, &code)) {
        return code;
    }
    if (!options.schema && !options.sample && !options.against_broker) {
        fprintf(stderr, "%s: found none of --schema, --sample, --against-broker, expected one\n",
                suggest_page.name);
        return COMMAND_USAGE;
    }
    struct drafting *drafting = memory_new(1, sizeof *drafting);
    if (options.against_broker) {
        code = command_load_config(suggest_page.name, options.config, &drafting->config);
    }
    if (code == COMMAND_OK) {
        struct failure failure = read_all(drafting, &options);
        code = failed(failure) ? command_failed(suggest_page.name, failure)
                               : write_draft(drafting, &options);
        registry_destroy(drafting->registry); /* before what it borrows */
        if (options.against_broker) {
            pipeline_config_clean_up(&drafting->config);
        }
    }
    writer_schema_destroy(drafting->given);
    shape_clean_up(&drafting->shape);
    free(drafting);
    return code;
}

/* ---- the two verbs ---- */

static const struct option_page page = {
    .name = "promostream mapping",
    .summary = "draft the mapping of a shop's own messages, or print those of known vocabularies",
    .synopsis = "suggest [OPTION]...\npresets [NAME]",
    .description = "How a shop's own message becomes our event is the section `mapping` of "
                   "pipeline.yaml. suggest drafts it, presets prints those that promostream "
                   "carries; each has its own --help.",
    .exit_status = command_exit_status,
    .examples = " promostream mapping suggest --sample messages.jsonl\n"
                " promostream mapping presets",
};

int command_mapping(int argc, char **argv) {
    if (argc >= 2 && strcmp(argv[1], "suggest") == 0) {
        return run_suggest(argc - 1, argv + 1);
    }
    if (argc >= 2 && strcmp(argv[1], "presets") == 0) {
        return run_presets(argc - 1, argv + 1);
    }
    bool is_help = argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
    options_help(&page, is_help ? stdout : stderr);
    return is_help ? COMMAND_OK : COMMAND_USAGE;
}
