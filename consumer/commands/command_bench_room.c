/* bench room: the rooms one at a time. */
#include <stdio.h>

#include "consumer/bench/bench_config.h"
#include "consumer/bench/bench_measure.h"
#include "consumer/bench/bench_room.h"
#include "consumer/commands/bench_commands.h"
#include "consumer/commands/support.h"

#define PARTITIONS    8
#define ROUND_EVENTS  20000
#define WARM_PER_USER 10

struct room_options {
    const char *config;
    int64_t users, rounds;
    bool json;
};

static const struct option_row rows[] = {
    COMMAND_CONFIG_ROW(struct room_options),
    {.name = "users",
     .letter = 'u',
     .argument = "N",
     .type = OPTION_INT,
     .offset = offsetof(struct room_options, users),
     .default_text = "200000",
     .min = 1000,
     .max = 10000000,
     .help = "Users whose state is there."},
    {.name = "rounds",
     .letter = 'r',
     .argument = "N",
     .type = OPTION_INT,
     .offset = offsetof(struct room_options, rounds),
     .default_text = "25",
     .min = 1,
     .max = BENCH_ROUNDS_MAX,
     .help = "Rounds of 20,000 events, which stay in the cache; the median one counts."},
    {.name = "json",
     .type = OPTION_FLAG,
     .offset = offsetof(struct room_options, json),
     .help = "Print one JSON object."},
};

static const struct option_page page = {
    .name = "promostream bench room",
    .summary = "measure each room for itself",
    .synopsis = "[--users N] [--rounds N] [--json] [--config FILE]",
    .description =
        "Calls each room's own function in a loop over the stream of `bench engine`, after 10 "
        "events per user have filled the state. Whoever touches a user first pays for the cache "
        "miss. The sum is not the engine's time: the pipeline fetches memory ahead and fires "
        "timers. `recovery` reads every partition back by the function that a start runs, its "
        "topics in memory. Time is CPU time of the one thread.",
    .exit_status = command_exit_status,
    .examples = " promostream bench room --users 1000000",
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
};

struct job {
    const struct pipeline_config *config;
    struct bench_room_settings settings;
};

struct answer {
    struct bench_room_result result;
    struct failure failure;
};

static void measure(const void *context, void *result) {
    const struct job *job = context;
    struct answer *answer = result;
    answer->failure = bench_room_measure(job->config, &job->settings, &answer->result);
}

static const struct {
    const char *name, *unit, *help;
} rooms[] = {
#define ROOM_ROW(id, name, unit, help) {name, unit, help},
    BENCH_ROOMS(ROOM_ROW)
#undef ROOM_ROW
};

static void print_text(const struct bench_room_result *result) {
    printf("%llu users; a user's row has %.0f bytes\n\n", (unsigned long long)result->users,
           result->row_bytes);
    printf("%-11s %8s   %-12s %12s  %s\n", "room", "ns", "per", "a second", "what");
    for (int i = 0; i < BENCH_ROOM_COUNT; i++) {
        printf("%-11s %8.0f   %-12s %12.0f  %s\n", rooms[i].name, result->ns[i], rooms[i].unit,
               1e9 / result->ns[i], rooms[i].help);
    }
}

static void print_json(const struct bench_room_result *result) {
    printf("{\"bench\":\"room\",\"users\":%llu,\"row_bytes\":%.1f,\"rooms\":[",
           (unsigned long long)result->users, result->row_bytes);
    for (int i = 0; i < BENCH_ROOM_COUNT; i++) {
        printf("%s{\"room\":\"%s\",\"unit\":\"%s\",\"ns\":%.1f}", i ? "," : "", rooms[i].name,
               rooms[i].unit, result->ns[i]);
    }
    printf("]}\n");
}

int command_bench_room(int argc, char **argv) {
    struct room_options options = {0};
    int code = COMMAND_OK;
    if (!command_options(&page, argc, argv, &options, &code)) {
        return code;
    }
    struct pipeline_config config;
    code = command_load_config(page.name, options.config, &config);
    if (code != COMMAND_OK) {
        return code;
    }
    struct job job = {
        .config = &config,
        .settings = {.engine = {.stream = {.users = (uint32_t)options.users,
                                           .partitions = PARTITIONS,
                                           .seed = 1,
                                           .buyers_every = BENCH_BUYERS_EVERY},
                                .warm_events = (uint64_t)options.users * WARM_PER_USER,
                                .epoch_events = ROUND_EVENTS},
                     .rounds = (size_t)options.rounds}};
    struct answer answer = {0};
    struct bench_usage usage;
    struct failure failure = bench_config_check(&config);
    if (!failed(failure)) {
        failure = bench_in_child(measure, &job, &answer, sizeof answer, &usage);
    }
    failure = failed(failure) ? failure : answer.failure;
    pipeline_config_clean_up(&config);
    if (failed(failure)) {
        return command_failed(page.name, failure);
    }
    (options.json ? print_json : print_text)(&answer.result);
    return COMMAND_OK;
}
