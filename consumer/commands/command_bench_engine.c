/* bench engine: rows for several numbers of users and of open timers, each in a process of its own.
 */
#include <stdio.h>

#include "consumer/bench/bench_config.h"
#include "consumer/bench/bench_engine.h"
#include "consumer/bench/bench_measure.h"
#include "consumer/commands/bench_commands.h"
#include "consumer/commands/capacity.h"
#include "consumer/commands/support.h"
#include "consumer/ops/printable.h"

#define PARTITIONS    8
#define WARM_PER_USER 10
#define MANY_USERS    2000000 /* above, filling histories would take minutes: */
#define WARM_OF_MANY  3
#define MEBIBYTE      1048576.0

struct engine_options {
    const char *config;
    int64_t users, sleepers, events, epoch_events, buyers_every;
    bool json;
};

static const struct option_row rows[] = {
    COMMAND_CONFIG_ROW(struct engine_options),
    {.name = "users",
     .letter = 'u',
     .argument = "N",
     .type = OPTION_INT,
     .offset = offsetof(struct engine_options, users),
     .default_text = "0",
     .min = 0,
     .max = 100000000,
     .help = "One row for so many users; 0 = the usual rows."},
    {.name = "sleepers",
     .argument = "N",
     .type = OPTION_INT,
     .offset = offsetof(struct engine_options, sleepers),
     .default_text = "0",
     .min = 0,
     .max = 100000000,
     .help =
         "With --users: so many more users, each with a cart that its timer watches and nothing "
         "else to do."},
    {.name = "buyers-every",
     .argument = "N",
     .type = OPTION_INT,
     .offset = offsetof(struct engine_options, buyers_every),
     .default_text = "8",
     .min = 1,
     .max = 4000000000,
     .help = "With --users: one user in so many fills carts, which timers watch."},
    {.name = "events",
     .letter = 'n',
     .argument = "N",
     .type = OPTION_INT,
     .offset = offsetof(struct engine_options, events),
     .default_text = "3000000",
     .min = 1,
     .max = 1000000000,
     .help = "Events that are measured, in nine slices of which the median one counts."},
    {.name = "epoch-events",
     .argument = "N",
     .type = OPTION_INT,
     .offset = offsetof(struct engine_options, epoch_events),
     .default_text = "0",
     .min = 0,
     .max = 10000000,
     .help = "Events of an epoch; 0 = epoch.events_max."},
    {.name = "json",
     .type = OPTION_FLAG,
     .offset = offsetof(struct engine_options, json),
     .help = "Print one JSON object."},
};

static const struct option_page page = {
    .name = "promostream bench engine",
    .summary = "measure the rooms, from decode to decide, without a broker",
    .synopsis = "[--users N] [--events N] [--json] [--config FILE]",
    .description =
        "Runs all rooms of one worker on a generated stream in memory: 8 partitions, every event "
        "of a user drawn anew, on one thread. Without --users the rows are 200,000 and 1,000,000 "
        "users, one in eight of whom fills carts; then the second once more beside 1,000,000 "
        "sleepers (whose sampled observations are decisions, too), "
        "for the time of an event should not depend on the number of open timers; then 1,000,000 "
        "users who all fill carts, which is more work an event, and more decisions.\n\n"
        "Before it is measured a row runs 10 events per user (3 above 2,000,000 users), so that "
        "histories are filled and timers stand; state.users_max is raised if it is too small. "
        "Time is CPU time of the thread, without the "
        "generator. `rooms` is decode to decide, `rows` the state rows and the journal as they go "
        "into the epoch's buffer; what the broker's client and the trainer cost is shown by "
        "`bench end-to-end`. Memory is what becomes free when the partitions are dropped; the peak "
        "is that of the row's own process, the stream's buffers included.",
    .exit_status = command_exit_status,
    .examples = " promostream bench engine\n"
                " promostream bench engine --users 10000000 --json",
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
};

struct row {
    struct bench_engine_settings settings;
    struct bench_engine_result result;
    struct bench_usage usage;
};

struct job {
    const struct pipeline_config *config;
    const struct bench_engine_settings *settings;
};

static void measure(const void *context, void *result) {
    const struct job *job = context;
    bench_engine_measure(job->config, job->settings, result);
}

struct size {
    int64_t users, sleepers;
    uint32_t buyers_every;
};

static struct bench_engine_settings settings_of(const struct pipeline_config *config,
                                                const struct engine_options *options,
                                                const struct size *size) {
    int64_t epoch_events =
        options->epoch_events > 0 ? options->epoch_events : config->epoch.events_max;
    int per_user = size->users > MANY_USERS ? WARM_OF_MANY : WARM_PER_USER;
    return (struct bench_engine_settings){
        .stream = {.users = (uint32_t)size->users,
                   .partitions = PARTITIONS,
                   .seed = 1,
                   .buyers_every = size->buyers_every},
        .warm_events = (uint64_t)(size->users * per_user),
        .sleepers = (uint64_t)size->sleepers,
        .events = (uint64_t)options->events,
        .epoch_events = (size_t)epoch_events,
    };
}

static struct failure run_row(const struct pipeline_config *config, struct row *row) {
    struct job job = {config, &row->settings};
    return bench_in_child(measure, &job, &row->result, sizeof row->result, &row->usage);
}

/* ---- output ---- */

static double state_bytes(const struct bench_engine_result *result) {
    return result->user_bytes + result->open_bytes + result->table_bytes;
}

static void write_head(struct buffer *out) {
    buffer_format(out, "%10s %9s %7s | %9s %5s %5s | %9s %6s %6s | %-25s | %9s\n", "users",
                  "timers", "carts", "events/s", "rooms", "rows", "decisions", "rows/", "bytes/",
                  "bytes of memory per user:", "peak");
    buffer_format(out, "%10s %9s %7s | %9s %5s %5s | %9s %6s %6s | %5s %5s %6s %6s | %9s\n", "", "",
                  "1 in", "", "ns", "ns", "% events", "event", "row", "user", "open", "tables",
                  "all", "RSS");
}

static void write_row(const struct row *row, struct buffer *out) {
    const struct bench_engine_result *result = &row->result;
    double events = (double)result->events;
    double row_bytes = (double)result->row_bytes / (double)(result->rows ? result->rows : 1);
    buffer_format(out,
                  "%10llu %9llu %7u | %9.0f %5.0f %5.0f | %9.2f %6.3f %6.0f | %5.0f %5.0f %6.0f "
                  "%6.0f | %5.0f MiB\n",
                  (unsigned long long)result->users, (unsigned long long)result->timers,
                  row->settings.stream.buyers_every, 1e9 / (result->rooms_ns + result->rows_ns),
                  result->rooms_ns, result->rows_ns, 100 * (double)result->decisions / events,
                  (double)result->rows / events, row_bytes, result->user_bytes, result->open_bytes,
                  result->table_bytes, state_bytes(result),
                  (double)row->usage.peak_bytes / MEBIBYTE);
}

static void write_row_json(const struct row *row, struct buffer *out) {
    const struct bench_engine_result *result = &row->result;
    double events = (double)result->events;
    double rows_count = (double)(result->rows ? result->rows : 1);
    buffer_format(
        out,
        "{\"users\":%llu,\"sleepers\":%llu,\"timers\":%llu,\"buyers_every\":%u,\"events\":%llu,"
        "\"events_per_s\":%.0f,\"rooms_ns\":%.1f,\"rows_ns\":%.1f,"
        "\"decisions_per_event\":%.5f,\"pushes_per_event\":%.5f,\"rows_per_event\":%.4f,"
        "\"bytes_per_row\":%.1f,\"output_bytes_per_event\":%.1f,"
        "\"user_bytes\":%.1f,\"open_bytes\":%.1f,\"table_bytes\":%.1f,"
        "\"state_bytes_per_user\":%.1f,\"peak_rss_bytes\":%zu}",
        (unsigned long long)result->users, (unsigned long long)row->settings.sleepers,
        (unsigned long long)result->timers, row->settings.stream.buyers_every,
        (unsigned long long)result->events, 1e9 / (result->rooms_ns + result->rows_ns),
        result->rooms_ns, result->rows_ns, (double)result->decisions / events,
        (double)result->pushes / events, (double)result->rows / events,
        (double)result->row_bytes / rows_count, (double)result->output_bytes / events,
        result->user_bytes, result->open_bytes, result->table_bytes, state_bytes(result),
        row->usage.peak_bytes);
}

/* What the plan at start would say of so many users: full tables, the shipped assumptions. */
static double planned_bytes(const struct pipeline_config *config) {
    return capacity_plan(config, PARTITIONS).user_bytes;
}

static struct failure run_rows(const struct pipeline_config *config,
                               const struct engine_options *options) {
    const struct size usual[] = {
        {.users = 200000, .buyers_every = BENCH_BUYERS_EVERY},
        {.users = 1000000, .buyers_every = BENCH_BUYERS_EVERY},
        {.users = 1000000, .sleepers = 1000000, .buyers_every = BENCH_BUYERS_EVERY},
        {.users = 1000000, .buyers_every = 1},
    };
    const struct size asked = {options->users, options->sleepers, (uint32_t)options->buyers_every};
    size_t count = options->users > 0 ? 1 : sizeof usual / sizeof usual[0];
    struct buffer text = {0};
    struct failure failure = failure_none();
    if (options->json) {
        buffer_append(&text, bytes_of_text("{\"bench\":\"engine\",\"rows\":["));
    } else {
        write_head(&text);
    }
    for (size_t i = 0; i < count && !failed(failure); i++) {
        const struct size *size = options->users > 0 ? &asked : &usual[i];
        struct row row = {.settings = settings_of(config, options, size)};
        failure = run_row(config, &row);
        if (options->json) {
            buffer_append(&text, bytes_of_text(i > 0 ? "," : ""));
        }
        (options->json ? write_row_json : write_row)(&row, &text);
        if (!options->json) {
            fwrite(text.data, 1, text.size, stdout);
            fflush(stdout);
            buffer_clear(&text);
        }
    }
    if (!failed(failure)) {
        buffer_format(&text,
                      options->json ? "],\"planned_user_bytes\":%.0f}\n"
                                    : "The plan at start counts %.0f bytes per user, beside open "
                                      "decisions.\n",
                      planned_bytes(config));
        fwrite(text.data, 1, text.size, stdout);
    }
    buffer_clean_up(&text);
    return failure;
}

int command_bench_engine(int argc, char **argv) {
    struct engine_options options = {0};
    int code = COMMAND_OK;
    if (!command_options(&page, argc, argv, &options, &code)) {
        return code;
    }
    struct pipeline_config config;
    code = command_load_config(page.name, options.config, &config);
    if (code != COMMAND_OK) {
        return code;
    }
    struct failure failure = bench_config_check(&config);
    failure = failed(failure) ? failure : run_rows(&config, &options);
    pipeline_config_clean_up(&config);
    return failed(failure) ? command_failed(page.name, failure) : COMMAND_OK;
}
