/* validate: everything that can be known before a start: the configuration whole, what it costs,
 * and, against a broker, topics, rights and a sample of the clickstream. Changes nothing anywhere.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "broker/sample.h"
#include "consumer/commands/capacity.h"
#include "consumer/commands/power.h"
#include "consumer/commands/sample_check.h"
#include "consumer/commands/sample_file.h"
#include "consumer/commands/support.h"
#include "consumer/ops/printable.h"

#define TOPIC_FINDINGS_MAX 128
#define SAMPLE_TIMEOUT_MS  15000

struct validate_options {
    const char *config, *sample_file;
    bool defaults, print_config, against_broker, allow_unkeyed, json;
    int64_t traffic, sample;
    double base_rate;
};

static const struct option_row rows[] = {
    COMMAND_CONFIG_ROW(struct validate_options),
    {.name = "defaults",
     .type = OPTION_FLAG,
     .offset = offsetof(struct validate_options, defaults),
     .help = "Print every section with its keys, units and defaults as commented YAML, and end."},
    {.name = "print-config",
     .type = OPTION_FLAG,
     .offset = offsetof(struct validate_options, print_config),
     .help = "Print every section with the values that hold, secrets as \"***\", and end."},
    {.name = "against-broker",
     .letter = 'b',
     .type = OPTION_FLAG,
     .offset = offsetof(struct validate_options, against_broker),
     .help = "Ask the broker too: topics, partitions, cleanup, retention, rights, and a sample of "
             "the clickstream."},
    {.name = "sample",
     .argument = "N",
     .type = OPTION_INT,
     .offset = offsetof(struct validate_options, sample),
     .default_text = "200",
     .min = 0,
     .max = 1000000,
     .help = "With --against-broker: decode the newest N records of each partition; 0 = none. With "
             "--sample-file: the first N messages."},
    {.name = "sample-file",
     .letter = 'f',
     .argument = "FILE",
     .type = OPTION_TEXT,
     .offset = offsetof(struct validate_options, sample_file),
     .help = "Decode messages of a file through the mapping, without a broker: JSON lines, one "
             "message a line, - is standard input. They are read as JSON whatever decode.format "
             "says; Avro is sampled from the topic."},
    {.name = "allow-unkeyed",
     .type = OPTION_FLAG,
     .offset = offsetof(struct validate_options, allow_unkeyed),
     .help = "Let a clickstream pass whose record keys are not the user ids."},
    {.name = "traffic",
     .letter = 't',
     .argument = "N",
     .type = OPTION_INT,
     .offset = offsetof(struct validate_options, traffic),
     .default_text = "0",
     .max = 1e12,
     .help = "Print which difference N users that reach a trigger (in 28 days, say) can show "
             "between the treated and decide.control_share of them; 0 = do not."},
    {.name = "base-rate",
     .argument = "SHARE",
     .type = OPTION_NUMBER,
     .offset = offsetof(struct validate_options, base_rate),
     .default_text = "0.05",
     .min = 0.000001,
     .max = 0.999999,
     .help = "With --traffic: share of the control group that buys."},
    {.name = "json",
     .type = OPTION_FLAG,
     .offset = offsetof(struct validate_options, json),
     .help = "Print one JSON object in place of lines."},
};

static const struct option_page page = {
    .name = "promostream validate",
    .summary = "check the configuration, and the broker's topics against it",
    .synopsis = "[--config FILE] [--against-broker] [--traffic N] [OPTION]...",
    .description =
        "Reads the whole configuration and names every error as file:line: key: found, expected. "
        "A schema given as a file, decode.schema, is read too, and the mapping must fit it. Then "
        "prints the capacity plan. With --against-broker it compares the topics on the broker "
        "with what they must be and decodes a sample of the clickstream as the first room would. "
        "It joins no group and writes nothing: it may run beside live workers. Of a sample it "
        "shows "
        "what the mapping finds: for each field an example and the share of events without it.\n\n"
        "Findings are ok, warning or error. Warnings leave the exit code at 0.",
    .exit_status = command_exit_status,
    .examples = " promostream validate --config pipeline.yaml\n"
                " promostream validate --against-broker --json\n"
                " promostream validate --sample-file messages.jsonl\n"
                " promostream validate --traffic 100000 --base-rate 0.15\n"
                " promostream validate --defaults > pipeline.yaml",
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
};

struct validation {
    const struct validate_options *options;
    struct pipeline_config config;
    struct findings findings;
    struct log_sink log;
    struct sources sources;
    struct sample_check sample;
    bool is_sampled;
    int32_t partitions; /* of the clickstream, 0 = unknown */
};

/* ---- Checks ---- */

/* The start creates what is missing, but not a clickstream whose number of partitions nobody has
 * said. */
static bool is_created_at_start(const struct topics *topics, const struct topic_finding *finding) {
    return finding->is_absent && topics->create &&
           (finding->topic != TOPIC_CLICKSTREAM || topics->partitions > 0);
}

static struct failure check_topics(struct validation *validation) {
    const struct pipeline_config *config = &validation->config;
    struct topic_finding *found = memory_new(TOPIC_FINDINGS_MAX, sizeof *found);
    size_t count = 0;
    struct failure failure = topics_check(&config->topics, config->broker.bootstrap_servers,
                                          &config->broker.kafka, found, TOPIC_FINDINGS_MAX, &count);
    for (size_t i = 0; !failed(failure) && i < count; i++) {
        bool is_created = is_created_at_start(&config->topics, &found[i]);
        findings_add(&validation->findings, is_created ? FINDING_WARNING : found[i].level, "topic",
                     "%s%s", found[i].text,
                     is_created ? "; the first start creates it (topics.create)" : "");
    }
    free(found);
    return failure;
}

static struct failure check_sample(struct validation *validation) {
    const struct pipeline_config *config = &validation->config;
    const struct sample_request request = {
        .bootstrap_servers = config->broker.bootstrap_servers,
        .kafka = &config->broker.kafka,
        .topic = config->topics.full[TOPIC_CLICKSTREAM],
        .per_partition_max = validation->options->sample,
        .timeout_ms = SAMPLE_TIMEOUT_MS,
    };
    struct sample_result result;
    struct failure failure = sample_topic(&request, sample_check_add, &validation->sample, &result);
    if (failed(failure)) {
        return failure;
    }
    validation->partitions = result.partition_count;
    validation->is_sampled = validation->options->sample > 0 && result.partition_count > 0;
    if (!result.is_whole) {
        findings_add(&validation->findings, FINDING_WARNING, request.topic,
                     "the sample was not complete after %d s", SAMPLE_TIMEOUT_MS / 1000);
    }
    if (validation->is_sampled) {
        sample_check_findings(&validation->sample, result.append_time_count == result.record_count,
                              validation->options->allow_unkeyed, &validation->findings);
    }
    return failure_none();
}

static struct failure check_file(struct validation *validation) {
    struct failure failure =
        sample_file_lines(validation->options->sample_file, validation->options->sample,
                          sample_check_add_line, &validation->sample);
    validation->is_sampled = !failed(failure);
    if (validation->is_sampled) {
        sample_check_findings(&validation->sample, false, false, &validation->findings);
    }
    return failure;
}

/* What the mapping makes of the one schema that is given as a file. */
static void check_schema(struct validation *validation) {
    const struct decode_sources *sources = &validation->sources.decode;
    if (!sources->schema || validation->config.decode.format != FORMAT_AVRO) {
        return;
    }
    char *text = NULL;
    size_t size = 0;
    FILE *warnings = open_memstream(&text, &size);
    struct avro_plan *plan = NULL;
    struct failure failure = avro_plan_new(
        sources->schema, sources->mapping ? sources->mapping : sources->own, warnings, &plan);
    avro_plan_destroy(plan);
    fclose(warnings);
    char *rest = text;
    for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
        if (*line && sources->mapping) {
            findings_add(&validation->findings, FINDING_WARNING, "decode.schema", "%s", line);
        }
    }
    free(text);
    if (failed(failure)) {
        findings_add(&validation->findings, FINDING_ERROR, "decode.schema", "%s", failure.text);
    }
}

/* A file takes the place of the topic's newest records. */
static struct failure check_outside(struct validation *validation) {
    const struct pipeline_config *config = &validation->config;
    const struct validate_options *options = validation->options;
    const char *file = options->sample_file;
    validation->log = log_to(stderr, LOG_WARN, LOG_TEXT, clock_system());
    struct failure failure = sources_open(config, &validation->log, &validation->sources);
    if (failed(failure)) {
        return failure;
    }
    check_schema(validation);
    if (options->against_broker) {
        failure = check_topics(validation);
    }
    if (failed(failure) || (!file && !options->against_broker)) {
        return failure;
    }
    sample_check_init(&validation->sample, config, &validation->sources.decode,
                      file ? SAMPLE_JSON_LINES : SAMPLE_TOPIC,
                      file ? file : config->topics.full[TOPIC_CLICKSTREAM]);
    return file ? check_file(validation) : check_sample(validation);
}

/* What only the numbers of configuration and cluster together tell. */
static void check_sizes(struct validation *validation) {
    const struct pipeline_config *config = &validation->config;
    int32_t partitions =
        validation->partitions ? validation->partitions : (int32_t)config->topics.partitions;
    validation->partitions = partitions;
    int64_t cap = config->decide.cap_per_hour;
    if (cap > 0 && cap < partitions) {
        findings_add(&validation->findings, FINDING_WARNING, "decide.cap_per_hour",
                     "%lld is less than the %d partitions: in every hour some partitions send "
                     "nothing",
                     (long long)cap, partitions);
    }
    struct capacity capacity = capacity_plan(config, partitions);
    double memory = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    if (memory > 0 && capacity.total_bytes > memory) {
        findings_add(&validation->findings, FINDING_WARNING, "capacity",
                     "a full worker needs %.1f GiB, this machine has %.1f GiB; see state.users_max",
                     capacity.total_bytes / 1073741824, memory / 1073741824);
    }
}

/* ---- Output ---- */

static struct power_plan power_plan_of(const struct validation *validation) {
    return (struct power_plan){
        .users = (double)validation->options->traffic,
        .control_share = validation->config.decide.control_share,
        .base_rate = validation->options->base_rate,
    };
}

static void write_text(const struct validation *validation, struct buffer *out) {
    struct capacity capacity = capacity_plan(&validation->config, validation->partitions);
    struct power_plan power = power_plan_of(validation);
    if (validation->is_sampled) {
        coverage_write(&validation->sample.coverage, out);
    }
    findings_write(&validation->findings, out);
    capacity_write(&capacity, &validation->config, out);
    if (validation->options->traffic > 0) {
        power_write(&power, out);
    }
    size_t errors = findings_count(&validation->findings, FINDING_ERROR);
    size_t warnings = findings_count(&validation->findings, FINDING_WARNING);
    buffer_format(out, "%s: %s: %zu error%s, %zu warning%s\n", validation->options->config,
                  errors ? "refused" : "valid", errors, errors == 1 ? "" : "s", warnings,
                  warnings == 1 ? "" : "s");
}

static void write_json(const struct validation *validation, struct buffer *out) {
    struct capacity capacity = capacity_plan(&validation->config, validation->partitions);
    struct power_plan power = power_plan_of(validation);
    buffer_append(out, bytes_of_text("{\"config\":"));
    printable_append_json(out, bytes_of_text(validation->options->config));
    buffer_format(out, ",\"errors\":%zu,\"warnings\":%zu,\"findings\":",
                  findings_count(&validation->findings, FINDING_ERROR),
                  findings_count(&validation->findings, FINDING_WARNING));
    findings_write_json(&validation->findings, out);
    buffer_append(out, bytes_of_text(",\"capacity\":"));
    capacity_write_json(&capacity, out);
    if (validation->options->traffic > 0) {
        buffer_append(out, bytes_of_text(",\"traffic\":"));
        power_write_json(&power, out);
    }
    if (validation->is_sampled) {
        buffer_append(out, bytes_of_text(",\"sample\":"));
        sample_check_write_json(&validation->sample, out);
    }
    buffer_append(out, bytes_of_text("}\n"));
}

static void print(const struct validation *validation) {
    struct buffer out;
    buffer_init(&out, 4096);
    (validation->options->json ? write_json : write_text)(validation, &out);
    fwrite(out.data, 1, out.size, stdout);
    buffer_clean_up(&out);
}

static int validate(struct validation *validation) {
    struct failure failure = check_outside(validation);
    if (failed(failure)) {
        return command_failed(page.name, failure);
    }
    check_sizes(validation);
    print(validation);
    return findings_count(&validation->findings, FINDING_ERROR) ? COMMAND_FAILED : COMMAND_OK;
}

int command_validate(int argc, char **argv) {
    struct validate_options options = {0};
    int code = COMMAND_OK;
    if (!command_options(&page, argc, argv, &options, &code)) {
        return code;
    }
    if (options.defaults) {
        pipeline_config_write_defaults(stdout);
        return COMMAND_OK;
    }
    struct validation validation = {.options = &options};
    code = command_load_config(page.name, options.config, &validation.config);
    if (code != COMMAND_OK) {
        return code;
    }
    if (options.print_config) {
        pipeline_config_write_values(&validation.config, stdout);
    } else {
        code = validate(&validation);
    }
    sample_check_clean_up(&validation.sample); /* before what it decodes with */
    sources_close(&validation.sources);
    findings_clean_up(&validation.findings);
    pipeline_config_clean_up(&validation.config);
    return code;
}
