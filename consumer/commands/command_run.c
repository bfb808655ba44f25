#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "broker/embedded.h"
#include "consumer/commands/capacity.h"
#include "consumer/commands/commands.h"
#include "consumer/commands/outputs.h"
#include "consumer/commands/run_options.h"
#include "consumer/commands/run_trainers.h"
#include "consumer/ops/console.h"
#include "consumer/ops/http.h"
#include "consumer/sources.h"
#include "consumer/worker.h"

#define ROOM "run"

struct run;

struct run_worker {
    struct run *run;
    struct worker *worker;
    pthread_t thread;
    char name[128];
    struct failure failure;
    bool is_started;
    _Atomic bool is_ended;
    _Atomic bool was_at_end; /* --until-end */
};

struct run {
    struct run_options options;
    struct pipeline_config config;
    struct sources sources;
    struct emit_schema_ids schema_ids;
    struct log_sink log;
    struct embedded *embedded;
    struct metrics *metrics;
    struct http *http;
    struct console *console;
    struct run_worker workers[RUN_WORKERS_MAX];
    struct run_trainers trainers;
    struct health health[RUN_WORKERS_MAX + ROW_LEARNERS_MAX]; /* workers, then trainers */
    const struct decision_tally *tallies[RUN_WORKERS_MAX];
    struct console_tallies tally_view;
    const struct progress *progress[RUN_WORKERS_MAX];
    const struct outcomes_metrics *outcomes[RUN_WORKERS_MAX];
    const struct score_metrics *scores[RUN_WORKERS_MAX];
    struct console_trainer trained[ROW_LEARNERS_MAX]; /* at the end */
    struct console_learning learning;                 /* views of the four above */
    size_t worker_count;
};

static bool should_stop(void) {
    return stop_requested != 0;
}

static struct failure write_bootstrap_file(const char *path, const char *address) {
    FILE *file = fopen(path, "w");
    if (!file || fprintf(file, "%s\n", address) < 0 || fclose(file) != 0) {
        return failure_make(FAILURE_STOP, 0, "%s: cannot be written", path);
    }
    return failure_none();
}

static struct failure prepare_broker(struct run *run) {
    struct broker_config *broker = &run->config.broker;
    if (!run->options.embedded_broker) {
        return run->config.topics.create
                   ? topics_create(&run->config.topics, broker->bootstrap_servers, &broker->kafka,
                                   &run->log)
                   : failure_none();
    }
    struct failure failure = embedded_start(&run->config.topics, &run->embedded);
    if (failed(failure)) {
        return failure;
    }
    broker->is_embedded = true;
    broker->bootstrap_servers = embedded_bootstrap_servers(run->embedded);
    log_info(&run->log, ROOM, "embedded broker address=%s", broker->bootstrap_servers);
    return run->options.bootstrap_file
               ? write_bootstrap_file(run->options.bootstrap_file, broker->bootstrap_servers)
               : failure_none();
}

static struct failure prepare_sources(struct run *run) {
    if (run->options.roles == ROLES_TRAINERS) {
        return failure_none();
    }
    struct failure failure = sources_open(&run->config, &run->log, &run->sources);
    if (!failed(failure) && run->sources.registry) {
        metrics_register(run->metrics, "registry", "", registry_metrics_table,
                         registry_metrics_count, registry_metrics_of(run->sources.registry));
    }
    return failed(failure) || !run->config.registry.register_outputs
               ? failure
               : outputs_register(&run->config, &run->log, &run->schema_ids);
}

static void log_plan(const struct run *run) {
    struct capacity capacity = capacity_plan(&run->config, (int32_t)run->config.topics.partitions);
    struct buffer line = {0};
    capacity_write(&capacity, &run->config, &line);
    size_t size = line.size > 0 && line.data[line.size - 1] == '\n' ? line.size - 1 : line.size;
    log_info(&run->log, ROOM, "%.*s", (int)size, (const char *)line.data);
    buffer_clean_up(&line);
}

/* A worker that ended early would not answer the group while the others still join it. */
static bool may_end(void *context) {
    struct run_worker *slot = context;
    atomic_store(&slot->was_at_end, true);
    for (size_t i = 0; i < slot->run->worker_count; i++) {
        if (!atomic_load(&slot->run->workers[i].was_at_end)) {
            return false;
        }
    }
    return true;
}

static struct failure new_workers(struct run *run) {
    const char *base = run->config.broker.worker_name;
    for (size_t i = 0; i < run->worker_count; i++) {
        struct run_worker *slot = &run->workers[i];
        slot->run = run;
        (void)snprintf(slot->name, sizeof slot->name, i == 0 ? "%s" : "%s-%zu", base, i);
        health_init(&run->health[i], slot->name, clock_now_ms(clock_system()));
        struct worker_settings settings = {
            .config = &run->config,
            .sources = &run->sources.decode,
            .schema_ids = run->schema_ids,
            .name = slot->name,
            .until_end = run->options.until_end,
            .at_end = run->options.at_end == 1 ? AT_END_FIRE : AT_END_HOLD,
            .may_end = may_end,
            .may_end_context = slot,
            .clock = clock_system(),
            .log = &run->log,
            .should_stop = should_stop,
            .show = run->console ? console_push : NULL,
            .show_context = run->console,
        };
        struct failure failure = worker_new(&settings, &run->health[i], &slot->worker);
        if (failed(failure)) {
            return failure;
        }
        worker_register_metrics(slot->worker, run->metrics);
        run->tallies[i] = worker_tally(slot->worker);
        const struct pipeline *pipeline = worker_pipeline(slot->worker);
        run->progress[i] = &pipeline->progress;
        run->outcomes[i] = &pipeline->outcomes.metrics;
        run->scores[i] = &pipeline->score.metrics;
    }
    run->tally_view =
        (struct console_tallies){run->tallies, run->worker_count, &run->config.decide};
    metrics_register_writer(run->metrics, console_write_tallies, &run->tally_view);
    run->learning = (struct console_learning){.worker_count = run->worker_count,
                                              .progress = run->progress,
                                              .outcomes = run->outcomes,
                                              .scores = run->scores,
                                              .trainers = run->trained};
    metrics_register_writer(run->metrics, console_write_progress, &run->learning);
    return failure_none();
}

static bool have_all_ended(struct run *run) {
    for (size_t i = 0; i < run->worker_count; i++) {
        if (!atomic_load(&run->workers[i].is_ended)) {
            return false;
        }
    }
    return true;
}

static bool is_input_complete(void *context) {
    return have_all_ended(context);
}

static struct failure new_trainers(struct run *run) {
    struct trainer_settings settings = {
        .config = &run->config,
        .worker_name = run->config.broker.worker_name,
        .until_end = run->options.until_end,
        .is_input_complete = is_input_complete,
        .is_input_complete_context = run,
        .clock = clock_system(),
        .log = &run->log,
        .should_stop = should_stop,
    };
    return run->options.roles == ROLES_WORKERS
               ? failure_none()
               : run_trainers_new(&run->trainers, &settings, run->health + run->worker_count,
                                  run->metrics);
}

static struct failure start_http(struct run *run) {
    if (run->config.ops.http_listen[0] == '\0') {
        return failure_none();
    }
    struct http_config config = {
        .listen = run->config.ops.http_listen,
        .token = run->config.ops.http_token,
        .metrics = run->metrics,
        .workers = run->health,
        .worker_count = run->worker_count + run->trainers.count,
        .stall_after_ms = run->config.ops.stall_after_ms,
        .clock = clock_system(),
    };
    struct failure failure = http_start(&config, &run->http);
    if (!failed(failure) && http_is_exposed(run->http) && config.token[0] == '\0') {
        log_warn(&run->log, ROOM,
                 "other machines can read /metrics; set ops.http_token, or ops.http_listen to a "
                 "loopback address http_listen=%s",
                 run->config.ops.http_listen);
    }
    return failure;
}

static void *worker_thread(void *context) {
    struct run_worker *slot = context;
    slot->failure = worker_run(slot->worker);
    atomic_store(&slot->is_ended, true);
    return NULL;
}

static struct console_totals totals_now(const struct run *run) {
    struct console_totals totals = console_totals_none();
    for (size_t i = 0; i < run->worker_count; i++) {
        const struct worker *worker = run->workers[i].worker;
        const struct pipeline *pipeline = worker_pipeline(worker);
        console_totals_add(&totals, &pipeline->clean.metrics, &pipeline->emit.metrics,
                           &pipeline->state_metrics, worker_broker_metrics(worker),
                           worker_watermark_ms(worker));
        console_totals_add_decode(&totals, &pipeline->decode.metrics);
    }
    return totals;
}

/* One worker or trainer that cannot go on takes the process down: a supervisor restarts it whole,
 * under the same names. */
static bool has_one_failed(struct run *run) {
    for (size_t i = 0; i < run->worker_count; i++) {
        if (atomic_load(&run->workers[i].is_ended) && failed(run->workers[i].failure)) {
            return true;
        }
    }
    return failed(run_trainers_failure(&run->trainers));
}

static void start_workers(struct run *run) {
    for (size_t i = 0; i < run->worker_count; i++) {
        run->workers[i].is_started =
            pthread_create(&run->workers[i].thread, NULL, worker_thread, &run->workers[i]) == 0;
        if (!run->workers[i].is_started) {
            run->workers[i].failure = failure_make(FAILURE_STOP, 0, "a thread cannot be started");
            atomic_store(&run->workers[i].is_ended, true);
        }
    }
}

static void run_threads(struct run *run) {
    start_workers(run);
    run_trainers_start(&run->trainers);
    int64_t next_ms = clock_now_ms(clock_system()) + 1000;
    while (!have_all_ended(run) || !run_trainers_have_ended(&run->trainers)) {
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        int64_t now_ms = clock_now_ms(clock_system());
        if (has_one_failed(run)) {
            stop_requested = 1;
        }
        if (run->console && now_ms >= next_ms) {
            struct console_totals totals = totals_now(run);
            console_tick(run->console, &totals, now_ms);
            next_ms += 1000;
        }
    }
    for (size_t i = 0; i < run->worker_count; i++) {
        if (run->workers[i].is_started) {
            pthread_join(run->workers[i].thread, NULL);
        }
    }
    run_trainers_join(&run->trainers);
}

static struct failure run_all(struct run *run) {
    /* Before Kafka hears of us: a start that cannot go on would take the membership of its twin,
     * who holds the address and works. */
    const char *listen = run->config.ops.http_listen;
    struct failure failure = listen[0] ? http_check_listen(listen) : failure_none();
    if (!failed(failure)) {
        failure = prepare_sources(run);
    }
    if (!failed(failure)) {
        failure = prepare_broker(run);
    }
    if (!failed(failure)) {
        failure = new_workers(run);
    }
    if (!failed(failure)) {
        failure = new_trainers(run);
    }
    if (!failed(failure)) {
        failure = start_http(run);
    }
    if (failed(failure)) {
        return failure;
    }
    run_threads(run);
    for (size_t i = 0; i < run->worker_count && !failed(failure); i++) {
        failure = run->workers[i].failure;
    }
    failure = failed(failure) ? failure : run_trainers_failure(&run->trainers);
    if (run->console) {
        struct console_totals totals = totals_now(run);
        run->learning.trainer_count = run_trainers_list(&run->trainers, run->trained);
        console_end(run->console, &totals, &run->tally_view, &run->learning,
                    clock_now_ms(clock_system()));
    }
    return failure;
}

static void clean_up(struct run *run) {
    http_stop(run->http);
    for (size_t i = 0; i < run->worker_count; i++) {
        worker_destroy(run->workers[i].worker);
    }
    run_trainers_clean_up(&run->trainers);
    sources_close(&run->sources);
    console_destroy(run->console);
    metrics_destroy(run->metrics);
    if (run->embedded) {
        embedded_stop(run->embedded);
    }
    pipeline_config_clean_up(&run->config);
}

static int start_run(struct run *run) {
    struct failure failure = pipeline_config_load(run->options.config_path, stderr, &run->config);
    if (failed(failure)) {
        fprintf(stderr, "promostream run: %s\n", failure.text);
        return COMMAND_USAGE;
    }
    run_options_apply(&run->options, &run->config);
    run->worker_count = run->options.roles == ROLES_TRAINERS ? 0
                        : run->options.embedded_broker       ? 1
                                                             : (size_t)run->options.workers;
    run->log = log_to(stderr, (enum log_level)run->config.ops.log_level,
                      (enum log_format)run->config.ops.log_format, clock_system());
    run->metrics = metrics_new();
    run->console =
        run->options.console
            ? console_new(stdout, (size_t)run->config.ops.pushes_per_second_max, run->options.json)
            : NULL;
    /* Nobody real is on an embedded broker. */
    if (run->console && !isatty(STDOUT_FILENO) && !run->options.embedded_broker) {
        console_use_pseudonyms(run->console,
                               pseudonym_key_of(bytes_of_text(run->config.ops.pseudonym_key)));
    }
    log_plan(run);
    failure = run_all(run);
    if (failed(failure)) {
        log_error(&run->log, ROOM, "stopped: %s", failure.text);
    }
    return command_exit_of(failure);
}

int command_run(int argc, char **argv) {
    struct run *run = memory_new(1, sizeof *run);
    struct option_arguments arguments;
    int exit_code = COMMAND_USAGE;
    switch (options_parse(&run_page, argc, argv, &run->options, &arguments, stderr)) {
    case OPTIONS_HELP:
        options_help(&run_page, stdout);
        exit_code = COMMAND_OK;
        break;
    case OPTIONS_ERROR:
        break;
    case OPTIONS_OK:
        exit_code = start_run(run);
        clean_up(run);
        break;
    }
    free(run);
    return exit_code;
}
