/* simulate: the whole pipeline on a simulated Kafka, seed by seed (README.md beside this file). */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "schemas/schemas.h"
#include "tests/simulation/world.h"

#define VIOLATED 1
#define USAGE    2

static const char help[] =
    "usage: simulate [--seed N] [--seeds COUNT | --seconds S] [--lane frozen|live|both]\n"
    "                [--calm] [--trace] [--break WHAT] [--keep-going]\n"
    "\n"
    "Runs the pipeline on a simulated Kafka while things go wrong, and compares what was\n"
    "committed with a straight line of computation. One seed decides everything.\n"
    "\n"
    "  --seed N       the first seed (default 1)\n"
    "  --seeds COUNT  so many seeds (default 1)\n"
    "  --seconds S    as many seeds as start within S seconds\n"
    "  --lane LANE    frozen: one model, all outputs directly; live: a trainer beside it, by the\n"
    "                 journal (default both)\n"
    "  --calm         nothing goes wrong\n"
    "transaction\n"
    "  --trace        everything that happens, on standard error\n"
    "  --break WHAT   breaks the simulated seam on purpose and expects that this is found:\n"
    "                 lost-epoch, double-epoch, lost-push, lost-example, stale-state, early-read,\n"
    "                 dirty-read, no-fencing, late, early-compaction\n"
    "  --keep-going   after a violation too\n"
    "\n"
    "SIGINT or SIGTERM ends it after the seed at hand, with the summary.\n"
    "\n"
    "Exit codes: 0 nothing found (--break: it was found), 1 a violation (--break: it was not\n"
    "found), 2 wrong usage.\n";

static volatile sig_atomic_t stop_requested;

static void stop(int number) {
    (void)number;
    stop_requested = 1;
}

struct options {
    uint64_t seed, seeds;
    double seconds;
    int lane; /* LANE_COUNT = all */
    enum sim_break broken;
    bool is_calm, has_trace, keeps_going;
};

struct totals {
    struct world_result sum;
    int64_t injected[FAULT_COUNT], fault_seeds[FAULT_COUNT], fault_violations[FAULT_COUNT];
    int64_t seeds, violations;
    struct timespec began;
};

static double seconds_since(const struct timespec *began) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - began->tv_sec) + (double)(now.tv_nsec - began->tv_nsec) / 1e9;
}

static int find(const char *name, const char *const *names, int count) {
    for (int i = 0; i < count; i++) {
        if (strcmp(name, names[i]) == 0) {
            return i;
        }
    }
    return -1;
}

static bool parse_number(const char *text, double *out) {
    char *end;
    *out = strtod(text, &end);
    return *text && *end == '\0' && *out >= 0;
}

/* False: wrong usage. */
static bool parse(int argc, char **argv, struct options *out) {
    static const struct option longs[] = {
        {"seed", required_argument, NULL, 's'},
        {"seeds", required_argument, NULL, 'n'},
        {"seconds", required_argument, NULL, 't'},
        {"lane", required_argument, NULL, 'l'},
        {"calm", no_argument, NULL, 'c'},

        {"trace", no_argument, NULL, 'v'},
        {"break", required_argument, NULL, 'b'},
        {"keep-going", no_argument, NULL, 'k'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    *out = (struct options){.seed = 1, .seeds = 1, .lane = LANE_COUNT};
    for (int choice; (choice = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        double number = 0;
        int found = 0;
        if (choice == 's' || choice == 'n' || choice == 't') {
            found = parse_number(optarg, &number) ? 0 : -1;
        }
        out->seed = choice == 's' ? (uint64_t)number : out->seed;
        out->seeds = choice == 'n' ? (uint64_t)number : choice == 't' ? UINT64_MAX : out->seeds;
        out->seconds = choice == 't' ? number : out->seconds;
        if (choice == 'l' && strcmp(optarg, "both") != 0) {
            found = out->lane = find(optarg, lane_names, LANE_COUNT);
        }
        if (choice == 'b') {
            found = find(optarg, break_names, BREAK_COUNT);
            out->broken = found < 0 ? BREAK_NOTHING : (enum sim_break)found;
        }
        out->is_calm = out->is_calm || choice == 'c';
        out->has_trace = out->has_trace || choice == 'v';
        out->keeps_going = out->keeps_going || choice == 'k';
        if (choice == 'h') {
            fputs(help, stdout);
            exit(0);
        }
        if (choice == '?' || found < 0) {
            return false;
        }
    }
    return optind == argc;
}

static void add(struct totals *totals, const struct world_result *result) {
    struct world_result *sum = &totals->sum;
    for (int i = 0; i < FAULT_COUNT; i++) {
        totals->injected[i] += result->injected[i];
        totals->fault_seeds[i] += result->injected[i] > 0;
        totals->fault_violations[i] += result->injected[i] > 0 && result->violation[0] != '\0';
    }
    sum->events += result->events;
    sum->records += result->records;
    sum->epochs += result->epochs;
    sum->aborted += result->aborted;
    sum->rebalances += result->rebalances;
    sum->takeovers += result->takeovers;
    sum->starts += result->starts;
    sum->deaths += result->deaths;
    sum->switches += result->switches;
    sum->decisions += result->decisions;
    sum->pushes += result->pushes;
    sum->examples += result->examples;
    sum->versions += result->versions;
    sum->ticks += result->ticks;
    sum->answers += result->answers;
    sum->virtual_us += result->virtual_us;
    sum->breaks += result->breaks;
    totals->seeds++;
    totals->violations += result->violation[0] != '\0';
}

static void print_totals(const struct totals *totals) {
    const struct world_result *sum = &totals->sum;
    double seconds = seconds_since(&totals->began);
    printf("\n%-46s %10s %10s %10s\n", "what went wrong", "times", "seeds", "violations");
    for (int i = 0; i < FAULT_COUNT; i++) {
        printf("%-46s %10lld %10lld %10lld\n", fault_texts[i], (long long)totals->injected[i],
               (long long)totals->fault_seeds[i], (long long)totals->fault_violations[i]);
    }
    printf("\nseeds %lld, violations %lld, %.1f s (%.1f seeds/s), simulated %.1f h\n",
           (long long)totals->seeds, (long long)totals->violations, seconds,
           (double)totals->seeds / seconds, (double)sum->virtual_us / 3.6e9);
    printf("events %lld, records %lld, epochs committed %lld, aborted %lld, rebalances %lld, "
           "takeovers %lld, starts %lld, deaths %lld, switches %lld\n",
           (long long)sum->events, (long long)sum->records, (long long)sum->epochs,
           (long long)sum->aborted, (long long)sum->rebalances, (long long)sum->takeovers,
           (long long)sum->starts, (long long)sum->deaths, (long long)sum->switches);
    printf("decisions %lld, pushes %lld, feedback %lld, examples %lld, model versions %lld, ticks "
           "%lld\n",
           (long long)sum->decisions, (long long)sum->pushes, (long long)sum->answers,
           (long long)sum->examples, (long long)sum->versions, (long long)sum->ticks);
}

static void print_violation(const char *program, const struct world_options *options,
                            const struct world_result *result) {
    printf("\nseed %llu, lane %s: %s\nreplay: %s --seed %llu --lane %s%s%s%s --trace\n",
           (unsigned long long)options->seed, lane_names[options->lane], result->violation, program,
           (unsigned long long)options->seed, lane_names[options->lane],
           options->is_calm ? " --calm" : "", options->broken ? " --break " : "",
           options->broken ? break_names[options->broken] : "");
    fflush(stdout);
}

static void run_seed(const char *program, const struct options *options, uint64_t seed,
                     struct totals *totals) {
    for (int lane = 0; lane < LANE_COUNT; lane++) {
        struct world_options world = {.lane = (enum lane)lane,
                                      .seed = seed,
                                      .broken = options->broken,
                                      .is_calm = options->is_calm,
                                      .trace = options->has_trace ? stderr : NULL};
        struct world_result result;
        if (options->lane != LANE_COUNT && options->lane != lane) {
            continue;
        }
        world_run(&world, &result);
        add(totals, &result);
        if (result.violation[0] != '\0') {
            print_violation(program, &world, &result);
        }
    }
}

static void show_progress(const struct totals *totals, double *shown) {
    double now = seconds_since(&totals->began);
    if (now - *shown >= 10) {
        *shown = now;
        printf("%8.0f s: %lld seeds, %lld events, %lld violations\n", now, (long long)totals->seeds,
               (long long)totals->sum.events, (long long)totals->violations);
        fflush(stdout);
    }
}

int main(int argc, char **argv) {
    struct options options;
    struct totals totals = {0};
    double shown = 0;
    if (!parse(argc, argv, &options)) {
        fputs(help, stderr);
        return USAGE;
    }
    clock_gettime(CLOCK_MONOTONIC, &totals.began);
    schemas_init();
    (void)signal(SIGINT, stop);
    (void)signal(SIGTERM, stop);
    bool goes_on = true;
    for (uint64_t i = 0; i < options.seeds && goes_on; i++) {
        run_seed(argv[0], &options, options.seed + i, &totals);
        show_progress(&totals, &shown);
        goes_on = !stop_requested && (totals.violations == 0 || options.keeps_going) &&
                  (options.seconds <= 0 || seconds_since(&totals.began) < options.seconds);
    }
    print_totals(&totals);
    world_free_shared();
    bool is_found = totals.violations > 0;
    return (options.broken != BREAK_NOTHING) == is_found ? 0 : VIOLATED;
}
