#include "producer/commands.h"

#include <stdlib.h>

#include "base/clock.h"
#include "producer/report.h"
#include "producer/simulate_options.h"
#include "producer/simulate_run.h"

/* Everything that is open during a simulation. */
struct simulation {
    const struct simulate_options *options;
    struct shop *shop;
    struct target *target;
    struct simulate_plan plan;
    struct simulate_run run;
    double seconds;
};

static struct failure open_topics(struct simulation *simulation) {
    const struct simulate_options *options = simulation->options;
    struct simulate_plan *plan = &simulation->plan;
    struct failure failure = failure_none();
    if (options->catalogue_topic) {
        failure = target_add_topic(simulation->target, options->catalogue_topic,
                                   SCHEMA_CATALOGUE_ITEM, &plan->catalogue);
    }
    if (!failed(failure) && options->profiles_topic) {
        failure = target_add_topic(simulation->target, options->profiles_topic, SCHEMA_PROFILE,
                                   &plan->profiles);
    }
    if (!failed(failure) && options->listen) {
        failure = target_add_topic(simulation->target, options->feedback_topic, SCHEMA_EVENT,
                                   &plan->feedback);
    }
    if (!failed(failure) && options->listen) {
        failure = reader_simple_open(options->target.brokers, target_properties(simulation->target),
                                     options->listen, NULL, &plan->pushes);
    }
    return failure;
}

static struct failure open_all(struct simulation *simulation, const volatile sig_atomic_t *stop) {
    const struct simulate_options *options = simulation->options;
    struct shop_options shop = simulate_shop_options(options);
    struct failure failure = shop_new(&shop, stderr, &simulation->shop);
    if (!failed(failure)) {
        failure = target_open(&options->target, &simulation->target);
    }
    if (failed(failure)) {
        return failure;
    }
    simulation->plan = (struct simulate_plan){
        .name = SIMULATE_NAME,
        .shop = simulation->shop,
        .events = target_events(simulation->target),
        .start_ms = options->start_ms,
        .days = (int)options->days,
        .count_max = options->count,
        .listen_grace_ms = options->listen_grace_ms,
        .per_second = options->rate,
        .speed = options->speed,
        .progress = options->is_quiet ? NULL : stderr,
        .stop = stop,
    };
    return open_topics(simulation);
}

static void close_all(struct simulation *simulation) {
    reader_simple_close(simulation->plan.pushes);
    target_close(simulation->target);
    shop_destroy(simulation->shop);
}

/* The shop's own report as a JSON member. */
static void add_shop_report(struct report *report, const struct shop *shop) {
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    if (memory) {
        shop_report_write_json(shop, memory);
        fclose(memory);
        report_json(report, "shop", bytes_of(text, size));
    }
    free(text);
}

static void fill_report(struct report *report, const void *context) {
    const struct simulation *simulation = context;
    const struct simulate_options *options = simulation->options;
    const struct simulate_counts *counts = &simulation->run.counts;
    char target[300];
    target_describe(&options->target, target, sizeof target);
    report_text(report, "world", options->world);
    report_integer(report, "seed", options->seed);
    report_integer(report, "users", options->users);
    report_integer(report, "days", options->days);
    report_text(report, "target", target);
    report_integer(report, "partitions", target_partitions(simulation->target));
    report_integer(report, "produced", counts->events);
    report_integer(report, "feedback", counts->feedback);
    report_integer(report, "catalogue_rows", counts->catalogue);
    report_integer(report, "profile_rows", counts->profiles);
    report_integer(report, "pushes_heard", counts->pushes);
    report_integer(report, "pushes_undecodable", counts->bad_pushes);
    report_time(report, "first_event", counts->first_ms);
    report_time(report, "last_event", counts->last_ms);
    report_number(report, "seconds", simulation->seconds);
    report_number(report, "events_per_second",
                  simulation->seconds > 0 ? (double)counts->events / simulation->seconds : 0);
    report_flag(report, "stopped_early", *simulation->plan.stop);
    add_shop_report(report, simulation->shop);
}

static bool write_summary(const struct simulation *simulation) {
    const struct simulate_options *options = simulation->options;
    enum report_form form = options->is_json ? REPORT_JSON : REPORT_TEXT;
    bool is_written = report_deliver(fill_report, simulation, form, options->summary_file);
    if (!options->is_json) {
        shop_report_write(simulation->shop, stdout);
    }
    return is_written;
}

/* Runs to the end and sees that everything sent has arrived and the truth is on file. */
static struct failure run_all(struct simulation *simulation) {
    int64_t begin_ns = clock_monotonic_ns();
    struct failure failure = simulate_run_all(&simulation->run);
    struct failure finish = target_finish(simulation->target);
    struct failure truth = shop_finish(simulation->shop);
    simulation->seconds = (double)(clock_monotonic_ns() - begin_ns) / 1e9;
    progress_break(&simulation->run.progress);
    return failed(failure) ? failure : failed(finish) ? finish : truth;
}

static int simulate(const struct simulate_options *options, const volatile sig_atomic_t *stop) {
    struct simulation simulation = {.options = options};
    struct failure failure = open_all(&simulation, stop);
    if (failed(failure)) {
        close_all(&simulation);
        return command_failed(SIMULATE_NAME, failure);
    }
    simulate_run_init(&simulation.run, &simulation.plan);
    failure = run_all(&simulation);
    bool is_written = write_summary(&simulation);
    simulate_run_clean_up(&simulation.run);
    close_all(&simulation);
    if (failed(failure)) {
        return command_failed(SIMULATE_NAME, failure);
    }
    return !is_written ? FEED_FAILED : *stop ? FEED_STOPPED : FEED_OK;
}

int command_simulate(int argc, char **argv, const volatile sig_atomic_t *stop) {
    struct simulate_options options;
    switch (simulate_options_parse(argc, argv, &options)) {
    case OPTIONS_HELP:
        return FEED_OK;
    case OPTIONS_ERROR:
        return FEED_USAGE;
    case OPTIONS_OK:
        break;
    }
    if (options.prints_world) {
        shop_world_write_defaults(stdout);
        return FEED_OK;
    }
    return simulate(&options, stop);
}
