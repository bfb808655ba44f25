/* pause and resume: one row of the topic control, which every worker reads at its next epoch's
 * beginning. */
#include <stdio.h>

#include "consumer/commands/control_row.h"
#include "consumer/commands/support.h"
#include "consumer/side/side_table.h"

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
    char who[CONTROL_WHO_BYTES_MAX];
    control_name_of_process(who);
    const struct control_row row = {
        .setting = bytes_of_text(CONTROL_PAUSED),
        .value = bytes_of_text(is_paused ? "true" : "false"),
        .changed_by = bytes_of_text(options.by ? options.by : who),
        .why = bytes_of_text(options.why),
        .changed_ms = clock_now_ms(clock_system()),
    };
    struct failure failure = control_row_send(&config, &row);
    if (failed(failure)) {
        code = command_failed(page->name, failure);
    } else if (options.json) {
        control_row_print_json(&row, config.topics.full[TOPIC_CONTROL]);
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
