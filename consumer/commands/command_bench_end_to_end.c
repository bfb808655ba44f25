/* bench end-to-end: the product on a real broker, beside a bare consumer of the same topic. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "broker/topic_delete.h"
#include "consumer/bench/bench_config.h"
#include "consumer/bench/bench_measure.h"
#include "consumer/bench/bench_topics.h"
#include "consumer/commands/bench_commands.h"
#include "consumer/commands/support.h"

#define MEBIBYTE    1048576.0
#define MILLION     1e6
#define BARE_ROUNDS 3 /* the median one counts: its CPU time hangs on how often threads wake up */
#define STEADY_EPOCHS_MIN                                                                          \
    10 /* fewer have no steady middle: what is in memory already weighs most */

struct end_options {
    const char *config, *bootstrap_servers, *run_id;
    int64_t events, users, partitions, workers;
    bool keep, json;
};

static const struct option_row rows[] = {
    COMMAND_CONFIG_ROW(struct end_options),
    {.name = "brokers",
     .letter = 'b',
     .argument = "HOST:PORT",
     .type = OPTION_TEXT,
     .offset = offsetof(struct end_options, bootstrap_servers),
     .help = "In place of kafka.bootstrap_servers."},
    {.name = "events",
     .letter = 'n',
     .argument = "N",
     .type = OPTION_INT,
     .offset = offsetof(struct end_options, events),
     .default_text = "5000000",
     .min = 1,
     .max = 1000000000,
     .help = "Events of the topic."},
    {.name = "users",
     .letter = 'u',
     .argument = "N",
     .type = OPTION_INT,
     .offset = offsetof(struct end_options, users),
     .default_text = "200000",
     .min = 1,
     .max = 100000000,
     .help = "Users that they are of."},
    {.name = "partitions",
     .letter = 'p',
     .argument = "N",
     .type = OPTION_INT,
     .offset = offsetof(struct end_options, partitions),
     .default_text = "8",
     .min = 1,
     .max = 1000,
     .help = "Partitions of the topic."},
    {.name = "workers",
     .letter = 'w',
     .argument = "N",
     .type = OPTION_INT,
     .offset = offsetof(struct end_options, workers),
     .default_text = "1",
     .min = 1,
     .max = 64,
     .help = "Workers of the run, a thread each."},
    {.name = "run-id",
     .argument = "TEXT",
     .type = OPTION_TEXT,
     .offset = offsetof(struct end_options, run_id),
     .help = "Letters and digits for the topics' prefix bench-TEXT-, at most 40; otherwise they "
             "are made from the clock."},
    {.name = "keep",
     .type = OPTION_FLAG,
     .offset = offsetof(struct end_options, keep),
     .help = "Leave the topics, the configuration and the log where they are."},
    {.name = "json",
     .type = OPTION_FLAG,
     .offset = offsetof(struct end_options, json),
     .help = "Print one JSON object."},
};

static const struct option_page page = {
    .name = "promostream bench end-to-end",
    .summary = "measure the product on a real broker, beside a bare consumer",
    .synopsis = "[--brokers HOST:PORT] [--events N] [--users N] [--partitions N] [--workers N] "
                "[--keep] [--json] [--config FILE]",
    .description =
        "Makes a clickstream under a prefix of its own, bench-..., and fills it with the stream of "
        "`bench engine`. Then, in a process each: `bare` reads the whole topic by librdkafka's "
        "batch queue and only counts, three times, of which the median counts; `run` is "
        "`promostream run --until-end` as configured, "
        "learning included, exactly once. Its wall time is that of the whole process, from exec to "
        "exit, joining the group included; `from first epoch on` is what the journal's records "
        "tell "
        "(the same as the whole where there are fewer than ten epochs). CPU time is of the "
        "process, all threads, not of the broker. "
        "Afterwards the output topics are counted and all topics of the prefix are deleted.\n\n"
        "The configuration's topics are never touched, whatever it names them; its group neither.",
    .exit_status = command_exit_status,
    .examples = " promostream bench end-to-end --brokers 127.0.0.1:9092\n"
                " promostream bench end-to-end --events 1000000 --json",
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
};

struct end {
    const struct end_options *options;
    struct pipeline_config *config;
    struct topics topics;
    struct bench_topics bench;
    char prefix[64], config_path[128], log_path[128];
    struct bench_drain bare[BARE_ROUNDS];
    struct bench_output output;
    struct bench_usage bare_usage[BARE_ROUNDS], fill_usage, run_usage, count_usage;
};

/* ---- before ---- */

static struct failure choose_names(struct end *end) {
    char made[32];
    (void)snprintf(made, sizeof made, "%" PRIx64 "%x", (uint64_t)clock_now_ms(clock_system()),
                   (unsigned)getpid());
    const char *id = end->options->run_id ? end->options->run_id : made;
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    size_t size = strlen(id);
    if (size < 1 || size > 40 || strspn(id, allowed) != size) {
        return failure_make(FAILURE_STOP, 0, "--run-id: 1 to 40 letters and digits");
    }
    const char *folder = getenv("TMPDIR");
    folder = folder && strlen(folder) < 40 ? folder : "/tmp";
    (void)snprintf(end->prefix, sizeof end->prefix, "bench-%s-", id);
    (void)snprintf(end->config_path, sizeof end->config_path, "%s/bench-%s.yaml", folder, id);
    (void)snprintf(end->log_path, sizeof end->log_path, "%s/bench-%s.log", folder, id);
    end->topics = (struct topics){.prefix = end->prefix,
                                  .replication_factor = end->config->topics.replication_factor};
    topics_resolve(&end->topics);
    return failure_none();
}

static struct failure read_file(const char *path, struct buffer *out) {
    FILE *file = fopen(path, "r");
    size_t count = 1;
    while (file && count > 0) {
        count = fread(buffer_reserve(out, 65536), 1, 65536, file);
        out->size += count;
    }
    bool is_bad = !file || ferror(file);
    if (file) {
        (void)fclose(file);
    }
    return is_bad ? failure_make(FAILURE_STOP, errno, "%s: %s", path, strerror(errno))
                  : failure_none();
}

static struct failure write_config(const struct end *end) {
    struct buffer text = {0}, made = {0};
    struct failure failure = read_file(end->options->config, &text);
    if (!failed(failure)) {
        bench_config_with_prefix(buffer_bytes(&text), end->prefix,
                                 end->config->topics.replication_factor, &made);
        FILE *file = fopen(end->config_path, "w");
        bool is_good = file && fwrite(made.data, 1, made.size, file) == made.size;
        is_good = file && fclose(file) == 0 && is_good;
        failure = is_good ? failure
                          : failure_make(FAILURE_STOP, errno, "%s: %s", end->config_path,
                                         strerror(errno));
    }
    buffer_clean_up(&text);
    buffer_clean_up(&made);
    return failure;
}

/* ---- the steps ---- */

static struct failure fill(struct end *end) {
    struct failure failure, inner = failure_none();
    fprintf(stderr, "%s: %lld events into %s\n", page.name, (long long)end->options->events,
            end->topics.full[TOPIC_CLICKSTREAM]);
    failure =
        bench_in_child(bench_topics_fill, &end->bench, &inner, sizeof inner, &end->fill_usage);
    return failed(failure) ? failure : inner;
}

static struct failure drain(struct end *end) {
    struct failure failure = failure_none();
    fprintf(stderr, "%s: bare consumer, %d times\n", page.name, BARE_ROUNDS);
    for (size_t i = 0; i < BARE_ROUNDS && !failed(failure); i++) {
        failure = bench_in_child(bench_topics_drain, &end->bench, &end->bare[i],
                                 sizeof end->bare[i], &end->bare_usage[i]);
        failure = failed(failure) ? failure : end->bare[i].failure;
    }
    return failure;
}

static struct failure run(struct end *end) {
    char workers[16];
    (void)snprintf(workers, sizeof workers, "%d", (int)end->options->workers);
    const char *argv[] = {"promostream",
                          "run",
                          "--config",
                          end->config_path,
                          "--until-end",
                          "--brokers",
                          end->bench.bootstrap_servers,
                          "--group",
                          end->prefix,
                          "--worker-name",
                          end->prefix,
                          "--workers",
                          workers,
                          "--http",
                          "",
                          NULL};
    fprintf(stderr, "%s: promostream run, log in %s\n", page.name, end->log_path);
    return bench_run_self((char *const *)(uintptr_t)argv, end->log_path, &end->run_usage);
}

static struct failure count(struct end *end) {
    fprintf(stderr, "%s: counting what it wrote\n", page.name);
    struct failure failure = bench_in_child(bench_topics_count, &end->bench, &end->output,
                                            sizeof end->output, &end->count_usage);
    failure = failed(failure) ? failure : end->output.failure;
    if (!failed(failure) &&
        (end->output.events != end->options->events || end->output.dead_letters > 0)) {
        failure = failure_make(FAILURE_STOP, 0,
                               "of %lld events the journal has %lld, dead-letters has %lld",
                               (long long)end->options->events, (long long)end->output.events,
                               (long long)end->output.dead_letters);
    }
    return failure;
}

static struct failure measure(struct end *end) {
    struct failure (*const steps[])(struct end *) = {fill, drain, run, count};
    struct failure failure = write_config(end);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && !failed(failure); i++) {
        failure = stop_requested ? failure_make(FAILURE_STOP, 0, "stopped") : steps[i](end);
    }
    return failure;
}

/* ---- output ---- */

struct figures {
    double bare_rate, run_rate, steady_rate; /* events a second */
    double bare_cpu, run_cpu;                /* CPU seconds per million events */
    double bare_peak;                        /* bytes */
    double rows_rate, bytes_rate;            /* of the steady span */
};

static struct figures figures_of(const struct end *end) {
    const struct bench_output *output = &end->output;
    double events = (double)end->options->events;
    double bare_s[BARE_ROUNDS], bare_cpu_s[BARE_ROUNDS], bare_peak[BARE_ROUNDS];
    for (size_t i = 0; i < BARE_ROUNDS; i++) {
        bare_s[i] = (double)end->bare[i].topic.wall_ns / 1e9;
        bare_cpu_s[i] = end->bare_usage[i].cpu_s;
        bare_peak[i] = (double)end->bare_usage[i].peak_bytes;
    }
    bool is_steady = output->epochs >= STEADY_EPOCHS_MIN;
    double steady_s =
        is_steady ? (double)(output->last_ms - output->first_ms) / 1000 : end->run_usage.wall_s;
    double share = is_steady ? 1 - (double)output->first_epoch_events / events : 1;
    return (struct figures){
        .bare_rate = events / bench_median(bare_s, BARE_ROUNDS),
        .run_rate = events / end->run_usage.wall_s,
        .steady_rate = events * share / steady_s,
        .bare_cpu = bench_median(bare_cpu_s, BARE_ROUNDS) / events * MILLION,
        .bare_peak = bench_median(bare_peak, BARE_ROUNDS),
        .run_cpu = end->run_usage.cpu_s / events * MILLION,
        .rows_rate = (double)output->rows * share / steady_s,
        .bytes_rate = (double)output->bytes * share / steady_s,
    };
}

static void print_text(const struct end *end) {
    const struct bench_output *output = &end->output;
    struct figures figures = figures_of(end);
    double events = (double)end->options->events;
    printf("%lld events of %lld users, %d partitions, %lld worker%s\n\n",
           (long long)end->options->events, (long long)end->options->users,
           (int)end->bench.stream.partitions, (long long)end->options->workers,
           end->options->workers == 1 ? "" : "s");
    printf("%-22s %12s %14s %12s\n", "", "events/s", "CPU s/million", "peak RSS");
    printf("%-22s %12.0f %14.2f %8.0f MiB\n", "bare consumer", figures.bare_rate, figures.bare_cpu,
           figures.bare_peak / MEBIBYTE);
    printf("%-22s %12.0f %14.2f %8.0f MiB\n", "promostream run", figures.run_rate, figures.run_cpu,
           (double)end->run_usage.peak_bytes / MEBIBYTE);
    printf("%-22s %12.0f\n", "  from first epoch on", figures.steady_rate);
    printf("%-22s %11.2fx %13.2fx\n\n", "run : bare", figures.run_rate / figures.bare_rate,
           figures.run_cpu / figures.bare_cpu);
    printf("wall %.1f s, CPU %.1f s; %lld epochs of %.0f events\n", end->run_usage.wall_s,
           end->run_usage.cpu_s, (long long)output->epochs,
           events / (double)(output->epochs > 0 ? output->epochs : 1));
    printf("decisions %.2f %% of events, pushes %.2f %%, examples %lld\n",
           100 * (double)output->decisions / events, 100 * (double)output->pushes / events,
           (long long)output->examples);
    printf("output %.2f rows and %.0f bytes an event: %.0f rows/s, %.0f MB/s\n",
           (double)output->rows / events, (double)output->bytes / events, figures.rows_rate,
           figures.bytes_rate / 1e6);
}

static void print_json(const struct end *end) {
    const struct bench_output *output = &end->output;
    struct figures figures = figures_of(end);
    printf("{\"bench\":\"end-to-end\",\"events\":%lld,\"users\":%lld,\"partitions\":%d,"
           "\"workers\":%lld,",
           (long long)end->options->events, (long long)end->options->users,
           (int)end->bench.stream.partitions, (long long)end->options->workers);
    printf("\"bare\":{\"events_per_s\":%.0f,\"cpu_s_per_million\":%.3f,\"peak_rss_bytes\":%.0f},",
           figures.bare_rate, figures.bare_cpu, figures.bare_peak);
    printf("\"run\":{\"events_per_s\":%.0f,\"steady_events_per_s\":%.0f,"
           "\"cpu_s_per_million\":%.3f,\"wall_s\":%.2f,\"cpu_s\":%.2f,\"peak_rss_bytes\":%zu},",
           figures.run_rate, figures.steady_rate, figures.run_cpu, end->run_usage.wall_s,
           end->run_usage.cpu_s, end->run_usage.peak_bytes);
    printf("\"rate_ratio\":%.3f,\"cpu_ratio\":%.3f,", figures.run_rate / figures.bare_rate,
           figures.run_cpu / figures.bare_cpu);
    printf("\"epochs\":%lld,\"rows\":%lld,\"bytes\":%lld,\"user_rows\":%lld,\"decisions\":%lld,"
           "\"pushes\":%lld,\"examples\":%lld,\"rows_per_s\":%.0f,\"bytes_per_s\":%.0f}\n",
           (long long)output->epochs, (long long)output->rows, (long long)output->bytes,
           (long long)output->user_rows, (long long)output->decisions, (long long)output->pushes,
           (long long)output->examples, figures.rows_rate, figures.bytes_rate);
}

/* ---- the whole ---- */

static struct failure clean_up(struct end *end, bool is_good) {
    size_t deleted;
    if (end->options->keep) {
        fprintf(stderr, "%s: kept: topics %s*, %s, %s\n", page.name, end->prefix, end->config_path,
                end->log_path);
        return failure_none();
    }
    (void)unlink(end->config_path);
    if (is_good) {
        (void)unlink(end->log_path);
    }
    return topic_delete_prefix(end->bench.bootstrap_servers, end->bench.kafka, end->prefix,
                               &deleted);
}

static struct failure bench(struct pipeline_config *config, const struct end_options *options,
                            struct end *end) {
    end->options = options;
    end->config = config;
    struct failure failure = bench_config_check(config);
    if (!failed(failure)) {
        failure = choose_names(end);
    }
    if (failed(failure)) {
        return failure;
    }
    end->bench = (struct bench_topics){
        .bootstrap_servers = options->bootstrap_servers ? options->bootstrap_servers
                                                        : config->broker.bootstrap_servers,
        .kafka = &config->broker.kafka,
        .topics = &end->topics,
        .stream = {.users = (uint32_t)options->users,
                   .partitions = (int32_t)options->partitions,
                   .seed = 1,
                   .buyers_every = BENCH_BUYERS_EVERY},
        .events = (uint64_t)options->events,
    };
    failure = measure(end);
    if (!failed(failure)) {
        (options->json ? print_json : print_text)(end);
    }
    struct failure end_failure = clean_up(end, !failed(failure));
    return failed(failure) ? failure : end_failure;
}

int command_bench_end_to_end(int argc, char **argv) {
    struct end_options options = {0};
    int code = COMMAND_OK;
    if (!command_options(&page, argc, argv, &options, &code)) {
        return code;
    }
    struct pipeline_config config;
    code = command_load_config(page.name, options.config, &config);
    if (code != COMMAND_OK) {
        return code;
    }
    struct end *end = memory_new(1, sizeof *end);
    struct failure failure = bench(&config, &options, end);
    topics_clean_up(&end->topics);
    free(end);
    pipeline_config_clean_up(&config);
    return failed(failure) ? command_failed(page.name, failure) : COMMAND_OK;
}
