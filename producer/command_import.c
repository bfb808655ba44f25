#include "producer/commands.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "producer/import_options.h"
#include "producer/report.h"

/* What an import did, for the summary. */
struct outcome {
    const struct import_options *options;
    const struct import_plan *plan;
    const struct import_counts *counts;
    struct option_arguments files;
    int32_t partitions;
    double seconds;
    bool is_stopped;
};

/* By reason; people need no heading over nothing. */
static void fill_rejected(struct report *report, const struct import_counts *counts) {
    if (report->form == REPORT_TEXT && import_counts_rejected(counts) == 0) {
        return;
    }
    report_begin_group(report, "rejected");
    for (int i = IMPORT_OK + 1; i < IMPORT_VERDICT_COUNT; i++) {
        if (counts->by_verdict[i] > 0) {
            report_integer(report, import_verdict_name((enum import_verdict)i),
                           counts->by_verdict[i]);
        }
    }
    report_end_group(report);
}

static void fill_report(struct report *report, const void *context) {
    const struct outcome *outcome = context;
    const struct import_counts *counts = outcome->counts;
    char target[300];
    target_describe(&outcome->options->target, target, sizeof target);
    report_text(report, "format", outcome->plan->format->name);
    report_text(report, "target", target);
    report_integer(report, "partitions", outcome->partitions);
    report_integer(report, "files", outcome->files.count);
    report_integer(report, "rows", counts->rows);
    report_integer(report, "produced", counts->sent);
    report_integer(report, "rejected_rows", import_counts_rejected(counts));
    fill_rejected(report, counts);
    report_integer(report, "out_of_order", counts->out_of_order);
    report_flag(report, "sorted", outcome->plan->is_sorted);
    report_time(report, "first_event", counts->first_ms);
    report_time(report, "last_event", counts->last_ms);
    report_number(report, "seconds", outcome->seconds);
    report_number(report, "events_per_second",
                  outcome->seconds > 0 ? (double)counts->sent / outcome->seconds : 0);
    report_flag(report, "stopped_early", outcome->is_stopped);
}

static int write_summary(const struct outcome *outcome) {
    const struct import_options *options = outcome->options;
    enum report_form form = options->is_json ? REPORT_JSON : REPORT_TEXT;
    bool is_written = report_deliver(fill_report, outcome, form, options->summary_file);
    if (!options->is_json) {
        printf("%" PRId64 " events produced, %" PRId64 " rows rejected, in %.1f s\n",
               outcome->counts->sent, import_counts_rejected(outcome->counts), outcome->seconds);
    }
    if (outcome->counts->out_of_order > 0 && !outcome->plan->is_sorted) {
        fprintf(stderr, "%s: %" PRId64 " rows were earlier than one before them; see --sort\n",
                IMPORT_NAME, outcome->counts->out_of_order);
    }
    return !is_written ? FEED_FAILED : outcome->is_stopped ? FEED_STOPPED : FEED_OK;
}

static struct failure import_files(struct import_run *run, struct option_arguments files) {
    struct failure failure = failure_none();
    for (int i = 0; i < files.count && !failed(failure) && !import_run_is_over(run); i++) {
        failure = import_run_file(run, files.items[i]);
    }
    return failed(failure) ? failure : import_run_end(run);
}

static int run_import(const struct import_options *options, const struct import_plan *plan,
                      struct option_arguments files) {
    struct target *target;
    struct failure failure = target_open(&options->target, &target);
    if (failed(failure)) {
        return command_failed(IMPORT_NAME, failure);
    }
    int64_t begin_ns = clock_monotonic_ns();
    struct import_run run;
    import_run_init(&run, plan, target_events(target));
    failure = import_files(&run, files);
    /* After a bad file, too, what was sent must be known to have arrived. */
    struct failure finish = target_finish(target);
    failure = failed(failure) ? failure : finish;
    struct outcome outcome = {
        .options = options,
        .plan = plan,
        .counts = &run.counts,
        .files = files,
        .partitions = target_partitions(target),
        .seconds = (double)(clock_monotonic_ns() - begin_ns) / 1e9,
        .is_stopped = *plan->stop,
    };
    progress_break(&run.progress);
    int exit = write_summary(&outcome);
    import_run_clean_up(&run);
    target_close(target);
    return failed(failure) ? command_failed(IMPORT_NAME, failure) : exit;
}

int command_import(int argc, char **argv, const volatile sig_atomic_t *stop) {
    struct import_options options;
    struct import_plan plan;
    struct option_arguments files;
    switch (import_options_parse(argc, argv, &options, &plan, &files)) {
    case OPTIONS_HELP:
        return FEED_OK;
    case OPTIONS_ERROR:
        return FEED_USAGE;
    case OPTIONS_OK:
        break;
    }
    plan.stop = stop;
    return run_import(&options, &plan, files);
}
