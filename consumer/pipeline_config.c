#include "consumer/pipeline_config.h"

#include "broker/client.h"
#include "consumer/sources.h"

#include <assert.h>
#include <stdlib.h>

/* ---- Sections that belong to no room ---- */

static const char *const reset_names[] = {"earliest", "latest", NULL};

/* auto_offset_reset is a text in broker_config, so that the choice is checked here and spelled
 * there. */
struct kafka_section {
    struct broker_config broker;
    int reset;
};

#define KAFKA(field) offsetof(struct kafka_section, broker.field)
static const struct config_key kafka_keys[] = {
    {.name = "bootstrap_servers",
     .type = CONFIG_TEXT,
     .offset = KAFKA(bootstrap_servers),
     .default_text = "127.0.0.1:9092",
     .help = "host:port of one or more brokers, comma-separated"},
    {.name = "group_id",
     .type = CONFIG_TEXT,
     .offset = KAFKA(group_id),
     .default_text = "promostream",
     .help = "consumer group; all workers of one shop share it, and nothing else does"},
    {.name = "worker_name",
     .type = CONFIG_TEXT,
     .offset = KAFKA(worker_name),
     .default_text = "worker-0",
     .help = "stable name of this worker, unique in the group: a restart under the same name costs "
             "1 s and no rebalance"},
    {.name = "auto_offset_reset",
     .type = CONFIG_CHOICE,
     .offset = offsetof(struct kafka_section, reset),
     .default_text = "earliest",
     .choices = reset_names,
     .help = "where a partition without a committed position starts: earliest or latest"},
    {.name = "session_timeout",
     .type = CONFIG_DURATION_MS,
     .offset = KAFKA(session_timeout_ms),
     .default_text = "10s",
     .min = 6000,
     .max = 300000,
     .help = "a worker that was silent for this long loses its partitions"},
    {.name = "transaction_timeout",
     .type = CONFIG_DURATION_MS,
     .offset = KAFKA(transaction_timeout_ms),
     .default_text = "60s",
     .min = 10000,
     .max = 900000,
     .help = "the broker aborts a transaction that stayed open this long; longer than a broker's "
             "restart"},
    {.name = "commit_deadline",
     .type = CONFIG_DURATION_MS,
     .offset = KAFKA(commit_deadline_ms),
     .default_text = "30s",
     .min = 1000,
     .max = 600000,
     .help = "a commit is repeated for this long before the producer is made anew; below "
             "transaction_timeout"},
    {.name = "properties",
     .type = CONFIG_PROPERTIES,
     .offset = KAFKA(kafka),
     .help = "librdkafka's client properties by their own names, for every client (TLS, SASL, "
             "...); secrets as ${ENV} or ${file:PATH}"},
};
#undef KAFKA
static const struct config_table kafka_table = {
    kafka_keys, sizeof kafka_keys / sizeof kafka_keys[0], sizeof(struct kafka_section)};

static const struct config_key epoch_keys[] = {
    {.name = "interval",
     .type = CONFIG_DURATION_MS,
     .offset = offsetof(struct epoch_config, interval_ms),
     .default_text = "250ms",
     .min = 10,
     .max = 60000,
     .help = "an epoch, one Kafka transaction, closes after this long"},
    {.name = "events_max",
     .type = CONFIG_INT,
     .offset = offsetof(struct epoch_config, events_max),
     .default_text = "200000",
     .min = 1,
     .max = 10000000,
     .help = "or after this many input records"},
    {.name = "bytes_max",
     .type = CONFIG_SIZE_BYTES,
     .offset = offsetof(struct epoch_config, bytes_max),
     .default_text = "64M",
     .min = 1,
     .max = 4294967296.0,
     .help = "or after this many bytes of them: large records, or garbage, fill no memory"},
    {.name = "backlog_interval",
     .type = CONFIG_DURATION_MS,
     .offset = offsetof(struct epoch_config, backlog_interval_ms),
     .default_text = "1s",
     .min = 10,
     .max = 60000,
     .help =
         "while more is waiting an epoch goes on for this long instead: a user's row is written "
         "once an epoch, so that long ones catch up faster"},
    {.name = "micro_batch_max",
     .type = CONFIG_INT,
     .offset = offsetof(struct epoch_config, micro_batch_max),
     .default_text = "64",
     .min = 1,
     .max = 4096,
     .help = "decisions that are scored together at most; changes speed, never a result"},
    {.name = "ticks",
     .type = CONFIG_BOOL,
     .offset = offsetof(struct epoch_config, ticks),
     .default_text = "true",
     .help = "whether the event time of an idle partition goes on at the wall clock's pace, so "
             "that timers fire on a silent stream"},
    {.name = "idle_after",
     .type = CONFIG_DURATION_MS,
     .offset = offsetof(struct epoch_config, idle_after_ms),
     .default_text = "1s",
     .min = 10,
     .max = 3600000,
     .help = "a partition is idle when nothing came for this long and its log end is reached"},
    {.name = "heartbeat",
     .type = CONFIG_DURATION_MS,
     .offset = offsetof(struct epoch_config, heartbeat_ms),
     .default_text = "30s",
     .min = 1000,
     .max = 600000,
     .help = "an idle worker commits its positions this often, to notice that a twin took over"},
};
static const struct config_table epoch_table = {
    epoch_keys, sizeof epoch_keys / sizeof epoch_keys[0], sizeof(struct epoch_config)};

/* ---- All sections, in the order of the rooms ---- */

#define SECTIONS_MAX 16

struct sections {
    struct kafka_section kafka;
    struct config_room rooms[SECTIONS_MAX];
    size_t count;
};

static void list_sections(struct sections *sections, struct pipeline_config *config) {
    const struct config_room rooms[] = {
        {"kafka", &kafka_table, &sections->kafka},
        {"topics", &topics_config, &config->topics},
        {"epoch", &epoch_table, &config->epoch},
        {"side", &side_config_table, &config->side},
        {"decode", &decode_config_table, &config->decode},
        {"mapping", &mapping_config_table, &config->mapping},
        {"registry", &registry_config_table, &config->registry},
        {"clean", &clean_config_table, &config->clean},
        {"state", &state_config_table, &config->state},
        {"outcomes", &outcomes_config_table, &config->outcomes},
        {"triggers", &triggers_config_table, &config->triggers},
        {"decide", &decide_config_table, &config->decide},
        {"learn", &learn_config_table, &config->learn},
        {"ops", &ops_config_table, &config->ops},
    };
    sections->count = sizeof rooms / sizeof rooms[0];
    assert(sections->count <= SECTIONS_MAX);
    memcpy(sections->rooms, rooms, sizeof rooms);
}

void pipeline_config_write_defaults(FILE *out) {
    struct pipeline_config config = {0};
    struct sections sections = {0};
    list_sections(&sections, &config);
    config_write_defaults(sections.rooms, sections.count, out);
}

void pipeline_config_write_values(const struct pipeline_config *config, FILE *out) {
    struct pipeline_config copy = *config; /* sections are listed for loading: not const */
    struct sections sections = {.kafka = {.broker = config->broker}};
    while (strcmp(reset_names[sections.kafka.reset], config->broker.auto_offset_reset) != 0) {
        sections.kafka.reset++;
    }
    list_sections(&sections, &copy);
    config_write_values(sections.rooms, sections.count, out);
}

/* ---- What tables cannot check ---- */

/* Names become client ids and keys of Kafka's own: letters, digits, dot, dash, underscore. */
static size_t check_name(const char *name, const char *key, const char *text, FILE *errors) {
    const char *known = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t size = strlen(text);
    if (size > 0 && size <= 100 && strspn(text, known) == size) {
        return 0;
    }
    fprintf(errors, "%s: kafka.%s: found '%s', expected 1 to 100 letters, digits, dots, dashes\n",
            name, key, text);
    return 1;
}

static size_t check_kafka(const char *name, const struct broker_config *broker, FILE *errors) {
    size_t count = check_name(name, "group_id", broker->group_id, errors) +
                   check_name(name, "worker_name", broker->worker_name, errors);
    if (broker->bootstrap_servers[0] == '\0') {
        fprintf(errors, "%s: kafka.bootstrap_servers: found '', expected host:port\n", name);
        count++;
    }
    if (broker->commit_deadline_ms >= broker->transaction_timeout_ms) {
        fprintf(errors,
                "%s: kafka.commit_deadline: found %lld ms, expected less than transaction_timeout "
                "(%lld ms)\n",
                name, (long long)broker->commit_deadline_ms,
                (long long)broker->transaction_timeout_ms);
        count++;
    }
    struct failure failure = client_check_properties(&broker->kafka);
    if (failed(failure)) {
        fprintf(errors, "%s: %s\n", name, failure.text);
        count++;
    }
    return count;
}

/* A room's check does not know the file's name; its lines get it here. */
static size_t check_room(const char *name, const struct pipeline_config *config,
                         size_t (*check)(const struct pipeline_config *config, FILE *errors),
                         FILE *errors) {
    char *text = NULL;
    size_t size = 0;
    FILE *lines = open_memstream(&text, &size);
    assert(lines);
    size_t count = check(config, lines);
    fclose(lines);
    char *rest = text;
    for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
        if (*line) {
            fprintf(errors, "%s: %s\n", name, line);
        }
    }
    free(text);
    return count;
}

static size_t check_decide(const struct pipeline_config *config, FILE *errors) {
    return decide_config_check(&config->decide, errors);
}

static size_t check_learn(const struct pipeline_config *config, FILE *errors) {
    return learn_config_check(&config->learn, errors);
}

static size_t check_ops(const struct pipeline_config *config, FILE *errors) {
    return ops_config_check(&config->ops, errors);
}

static size_t check_rooms(const char *name, const struct pipeline_config *config, FILE *errors) {
    return check_kafka(name, &config->broker, errors) +
           check_room(name, config, sources_check, errors) +
           check_room(name, config, check_decide, errors) +
           check_room(name, config, check_learn, errors) +
           check_room(name, config, check_ops, errors);
}

/* ---- Load ---- */

static struct failure finish(const char *name, struct failure failure,
                             const struct sections *sections, FILE *errors,
                             struct pipeline_config *config) {
    if (failed(failure)) {
        *config = (struct pipeline_config){0};
        return failure;
    }
    config->broker = sections->kafka.broker;
    config->broker.auto_offset_reset = reset_names[sections->kafka.reset];
    config->fingerprint = config_fingerprint(config->owned);
    size_t errors_count = check_rooms(name, config, errors);
    if (errors_count > 0) {
        pipeline_config_clean_up(config);
        return failure_make(FAILURE_STOP, 0, "%s: %zu error%s", name, errors_count,
                            errors_count == 1 ? "" : "s");
    }
    topics_resolve(&config->topics);
    return failure_none();
}

struct failure pipeline_config_load(const char *path, FILE *errors, struct pipeline_config *out) {
    *out = (struct pipeline_config){0};
    struct sections sections = {0};
    list_sections(&sections, out);
    struct failure failure =
        config_load_file(path, sections.rooms, sections.count, errors, &out->owned);
    return finish(path, failure, &sections, errors, out);
}

struct failure pipeline_config_load_text(const char *name, const char *text, size_t size,
                                         FILE *errors, struct pipeline_config *out) {
    *out = (struct pipeline_config){0};
    struct sections sections = {0};
    list_sections(&sections, out);
    struct failure failure =
        config_load_text(name, text, size, sections.rooms, sections.count, errors, &out->owned);
    return finish(name, failure, &sections, errors, out);
}

struct pipeline_settings pipeline_config_settings(const struct pipeline_config *config,
                                                  int32_t partition_count) {
    return (struct pipeline_settings){
        .decode = &config->decode,
        .clean = &config->clean,
        .state = &config->state,
        .triggers = &config->triggers,
        .outcomes = &config->outcomes,
        .learn = &config->learn,
        .decide = &config->decide,
        .clickstream_name = bytes_of_text(config->topics.full[TOPIC_CLICKSTREAM]),
        .feedback_name = bytes_of_text(config->topics.full[TOPIC_PUSH_FEEDBACK]),
        .micro_batch_max = (size_t)config->epoch.micro_batch_max,
        .partition_count = partition_count,
        .config_fingerprint = config->fingerprint,
    };
}

void pipeline_config_clean_up(struct pipeline_config *config) {
    topics_clean_up(&config->topics);
    config_destroy(config->owned);
    *config = (struct pipeline_config){0};
}
