/* pause and resume: one row of the topic control, which every worker reads at its next epoch's
 * beginning. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "broker/producer_simple.h"
#include "consumer/commands/support.h"
#include "consumer/ops/printable.h"
#include "schemas/schemas.h"

#define ACK_TIMEOUT_MS 30000
#define WHO_BYTES_MAX  256

struct pause_options {
    const char *config, *why, *by;
    bool json;
};

static const struct option_row rows[] = {
    COMMAND_CONFIG_ROW(struct pause_options),
    {.name = "why",
     .letter = 'w',
     .argument = "TEXT",
     .type = OPTION_TEXT,
     .offset = offsetof(struct pause_options, why),
     .default_text = "",
     .help = "The reason, kept in the topic for whoever asks later."},
    {.name = "by",
     .argument = "NAME",
     .type = OPTION_TEXT,
     .offset = offsetof(struct pause_options, by),
     .help = "Who asks for it; user@host of this process if it is not given."},
    {.name = "json",
     .type = OPTION_FLAG,
     .offset = offsetof(struct pause_options, json),
     .help = "Print the written row as one JSON object."},
};

static const struct option_page pause_page = {
    .name = "promostream pause",
    .summary = "hold every push, in all workers, within an epoch",
    .synopsis = "[--config FILE] [--why TEXT] [--by NAME] [--json]",
    .description =
        "Writes paused = true to the topic `control` and waits until the broker has it. Every "
        "worker reads it before its next epoch and holds all pushes from then on. Decisions go on "
        "being taken and logged, held with the reason `paused`, so that nothing is lost for "
        "measuring; carts that would have been written to are not written to later.\n\n"
        "Pushes that were written before stay on the output topic: tell their sender too if they "
        "must not leave. Pausing twice does no harm.",
    .exit_status = command_exit_status,
    .examples = " promostream pause --why 'wrong price in the feed'\n promostream resume",
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
};

static const struct option_page resume_page = {
    .name = "promostream resume",
    .summary = "send pushes again",
    .synopsis = "[--config FILE] [--why TEXT] [--by NAME] [--json]",
    .description = "Writes paused = false to the topic `control` and waits until the broker has "
                   "it. Every worker reads it before its next epoch. What was held meanwhile stays "
                   "held. Resuming what is not paused does no harm.",
    .exit_status = command_exit_status,
    .examples = " promostream resume --why 'feed repaired'",
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
};

static void name_of_process(char out[WHO_BYTES_MAX]) {
    char host[128] = "";
    const char *user = getenv("USER");
    if (gethostname(host, sizeof host - 1) != 0) {
        host[0] = '\0';
    }
    snprintf(out, WHO_BYTES_MAX, "%s@%s", user && *user ? user : "unknown", host);
}

/* The topic has one partition; a first `pause`, before any worker ran, creates it. */
static struct failure send_row(const struct pipeline_config *config,
                               const struct control_row *row) {
    const char *topic = config->topics.full[TOPIC_CONTROL];
    struct producer_simple *producer = NULL;
    struct failure failure =
        producer_simple_open(config->broker.bootstrap_servers, &config->broker.kafka, &producer);
    if (failed(failure)) {
        return failure;
    }
    bool is_created = false;
    if (config->topics.create) {
        failure = producer_simple_create_topic(producer, topic, 1,
                                               (int)config->topics.replication_factor, &is_created);
    }
    struct buffer value;
    buffer_init(&value, 256);
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_CONTROL, 0, &value);
    control_encode(row, &value);
    if (!failed(failure)) {
        failure = producer_simple_send(producer, topic, 0, row->setting, buffer_bytes(&value),
                                       row->changed_ms);
    }
    if (!failed(failure)) {
        failure = producer_simple_flush(producer, ACK_TIMEOUT_MS);
    }
    buffer_clean_up(&value);
    producer_simple_close(producer);
    return failure;
}

static void print_json(const struct control_row *row, const char *topic) {
    struct buffer out;
    buffer_init(&out, 512);
    buffer_append(&out, bytes_of_text("{\"setting\":"));
    printable_append_json(&out, row->setting);
    buffer_format(&out, ",\"value\":%.*s,\"topic\":", BYTES_ARG(row->value));
    printable_append_json(&out, bytes_of_text(topic));
    buffer_append(&out, bytes_of_text(",\"changed_by\":"));
    printable_append_json(&out, row->changed_by);
    buffer_append(&out, bytes_of_text(",\"why\":"));
    printable_append_json(&out, row->why);
    buffer_format(&out, ",\"changed_ms\":%" PRId64 "}\n", row->changed_ms);
    fwrite(out.data, 1, out.size, stdout);
    buffer_clean_up(&out);
}

static void print_text(const struct pipeline_config *config, bool is_paused) {
    printf(is_paused ? "paused: written to %s at %s; every worker of group %s holds its pushes "
                       "from its next epoch on\n"
                     : "resumed: written to %s at %s; every worker of group %s sends pushes again "
                       "from its next epoch on\n",
           config->topics.full[TOPIC_CONTROL], config->broker.bootstrap_servers,
           config->broker.group_id);
}

static int set_paused(const struct option_page *page, int argc, char **argv, bool is_paused) {
    struct pause_options options = {0};
    int code = COMMAND_OK;
    if (!command_options(page, argc, argv, &options, &code)) {
        return code;
    }
    struct pipeline_config config;
    code = command_load_config(page->name, options.config, &config);
    if (code != COMMAND_OK) {
        return code;
    }
    char who[WHO_BYTES_MAX];
    name_of_process(who);
    const struct control_row row = {
        .setting = bytes_of_text("paused"),
        .value = bytes_of_text(is_paused ? "true" : "false"),
        .changed_by = bytes_of_text(options.by ? options.by : who),
        .why = bytes_of_text(options.why),
        .changed_ms = clock_now_ms(clock_system()),
    };
    struct failure failure = send_row(&config, &row);
    if (failed(failure)) {
        code = command_failed(page->name, failure);
    } else if (options.json) {
        print_json(&row, config.topics.full[TOPIC_CONTROL]);
    } else {
        print_text(&config, is_paused);
    }
    pipeline_config_clean_up(&config);
    return code;
}

int command_pause(int argc, char **argv) {
    return set_paused(&pause_page, argc, argv, true);
}

int command_resume(int argc, char **argv) {
    return set_paused(&resume_page, argc, argv, false);
}
