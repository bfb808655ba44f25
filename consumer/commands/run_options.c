#include "consumer/commands/run_options.h"

#include "consumer/commands/commands.h"

static const char *const at_end_names[] = {"hold", "fire", NULL};

static const char *const roles_names[] = {"both", "workers", "trainers", NULL};

static const struct option_row rows[] = {
    {.name = "config",
     .letter = 'c',
     .argument = "FILE",
     .type = OPTION_TEXT,
     .offset = offsetof(struct run_options, config_path),
     .default_text = "pipeline.yaml",
     .help = "The configuration; it is checked whole before anything starts."},
    {.name = "worker-name",
     .argument = "NAME",
     .type = OPTION_TEXT,
     .offset = offsetof(struct run_options, worker_name),
     .help = "Stable name of this worker, in place of kafka.worker_name. Two running processes "
             "must not share one."},
    {.name = "workers",
     .letter = 'w',
     .argument = "N",
     .type = OPTION_INT,
     .offset = offsetof(struct run_options, workers),
     .default_text = "1",
     .min = 1,
     .max = RUN_WORKERS_MAX,
     .help = "Workers in this process, one thread each, named NAME, NAME-1, NAME-2 ..."},
    {.name = "roles",
     .argument = "WHICH",
     .type = OPTION_CHOICE,
     .offset = offsetof(struct run_options, roles),
     .default_text = "both",
     .choices = roles_names,
     .help = "both hosts workers and, per learner, a trainer named NAME-trainer-LEARNER; one "
             "trainer of a learner is active, those of other processes stand by. workers and "
             "trainers host one of the two."},
    {.name = "brokers",
     .letter = 'b',
     .argument = "HOST:PORT",
     .type = OPTION_TEXT,
     .offset = offsetof(struct run_options, bootstrap_servers),
     .help = "In place of kafka.bootstrap_servers."},
    {.name = "group",
     .argument = "ID",
     .type = OPTION_TEXT,
     .offset = offsetof(struct run_options, group_id),
     .help = "In place of kafka.group_id."},
    {.name = "prefix",
     .argument = "TEXT",
     .type = OPTION_TEXT,
     .offset = offsetof(struct run_options, prefix),
     .help = "In place of topics.prefix: put before every topic name that the configuration leaves "
             "at its default."},
    {.name = "clickstream",
     .argument = "TOPIC",
     .type = OPTION_TEXT,
     .offset = offsetof(struct run_options, clickstream),
     .help = "In place of topics.clickstream; taken as it is, without prefix."},
    {.name = "http",
     .argument = "HOST:PORT",
     .type = OPTION_TEXT,
     .offset = offsetof(struct run_options, http_listen),
     .help = "In place of ops.http_listen; an empty text turns the endpoint off."},
    {.name = "until-end",
     .type = OPTION_FLAG,
     .offset = offsetof(struct run_options, until_end),
     .help = "End when everything that stood in the input topics at the start is processed and "
             "committed; trainers end when every whole mini-batch of what the workers wrote is "
             "learned."},
    {.name = "at-end",
     .argument = "WHAT",
     .type = OPTION_CHOICE,
     .offset = offsetof(struct run_options, at_end),
     .default_text = "hold",
     .choices = at_end_names,
     .help = "With --until-end: hold leaves timers that are not due in the state, fire fires all "
             "of them as if the "
             "watermark were infinite."},
    {.name = "leave",
     .type = OPTION_FLAG,
     .offset = offsetof(struct run_options, leave),
     .help = "Leave the group at the end, so that others take over at once. Without it the "
             "membership is kept, and a "
             "restart under the same name costs no rebalance."},
    {.name = "embedded-broker",
     .type = OPTION_FLAG,
     .offset = offsetof(struct run_options, embedded_broker),
     .help = "Host a broker inside this process, on loopback, for a demonstration: one worker, 5 "
             "MiB per partition, no "
             "exactly-once, everything gone at the end."},
    {.name = "bootstrap-file",
     .argument = "FILE",
     .type = OPTION_TEXT,
     .offset = offsetof(struct run_options, bootstrap_file),
     .help = "With --embedded-broker: write its HOST:PORT here when it is ready."},
    {.name = "console",
     .type = OPTION_FLAG,
     .offset = offsetof(struct run_options, console),
     .help = "Show rates once a second and some pushes in readable form; end with a summary. Where "
             "standard output is no terminal, users are shown by pseudonym (ops.pseudonym_key)."},
    {.name = "json",
     .type = OPTION_FLAG,
     .offset = offsetof(struct run_options, json),
     .help = "Console lines and summary as JSON."},
};

const struct option_page run_page = {
    .name = "promostream run",
    .summary = "read the clickstream, decide, push",
    .synopsis = "[--config FILE] [OPTION]...",
    .description = "Reads the clickstream from Kafka, keeps each user's state, and at every "
                   "trigger decides which offer to push, "
                   "or none. Output, state, open decisions, journal and input positions of an "
                   "epoch commit in one transaction: "
                   "whatever dies, nothing is lost and nothing is sent twice.\n\n"
                   "SIGTERM and SIGINT drain: the epoch under way is finished and committed, then "
                   "the process ends.",
    .exit_status = command_exit_status,
    .examples = " promostream run --config pipeline.yaml\n"
                " promostream run --until-end --at-end=fire     # a backfill\n"
                " promostream run --workers 2 --console",
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
};

void run_options_apply(const struct run_options *options, struct pipeline_config *config) {
    struct broker_config *broker = &config->broker;
    broker->worker_name = options->worker_name ? options->worker_name : broker->worker_name;
    broker->group_id = options->group_id ? options->group_id : broker->group_id;
    broker->bootstrap_servers =
        options->bootstrap_servers ? options->bootstrap_servers : broker->bootstrap_servers;
    broker->leave_group_at_close = options->leave;
    config->ops.http_listen = options->http_listen ? options->http_listen : config->ops.http_listen;
    if (options->prefix || options->clickstream) {
        config->topics.prefix = options->prefix ? options->prefix : config->topics.prefix;
        if (options->clickstream) {
            config->topics.name[TOPIC_CLICKSTREAM] = options->clickstream;
        }
        topics_resolve(&config->topics);
    }
}
