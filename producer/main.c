/* clickfeed: feeds a clickstream topic, from a simulated shop or from a public log. main chooses
 * the subcommand, catches the two stop signals and returns the exit code; nothing else is decided
 * here. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/options.h"
#include "producer/commands.h"
#include "schemas/schemas.h"

static volatile sig_atomic_t stop_requested;

static const struct {
    const char *name, *summary;
    int (*run)(int argc, char **argv, const volatile sig_atomic_t *stop);
} commands[] = {
    {"simulate", "generate the events of a shop whose truth is known", command_simulate},
    {"import", "send a shop's log (rees46, retailrocket, any csv) as events", command_import},
};
#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static void print_help(FILE *out) {
    fprintf(out,
            "clickfeed %s: fills a clickstream topic (or an Avro file) with shop events.\n\n"
            "usage: clickfeed <command> [options]\n"
            "       clickfeed <command> --help\n"
            "       clickfeed --version\n\n"
            "commands:\n",
            PROMOSTREAM_VERSION);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    }
    fprintf(
        out,
        "\n"
        "The events are promostream's own (schemas/event.avsc), keyed by user; a push sender's\n"
        "feedback, the catalogue and the users' profiles can be fed by simulate as well.\n\n"
        "exit codes:\n");
#define PRINT_EXIT(id, number, help) fprintf(out, "  %d  %s\n", number, help);
    FEED_EXITS(PRINT_EXIT)
#undef PRINT_EXIT
    fprintf(out,
            "\nsignals: SIGTERM and SIGINT end a command in order: what was sent is acknowledged\n"
            "and the summary is written. A second one ends it at once.\n");
}

static void on_stop_signal(int number) {
    (void)number;
    stop_requested = 1;
}

static void catch_signals(void) {
    /* A second signal ends the process at once, should the broker keep us waiting. */
    struct sigaction action = {.sa_handler = on_stop_signal, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, NULL); /* a reader of our output may go away */
}

static int finish(int code) {
    bool is_whole = options_flush_output("clickfeed", stderr);
    return is_whole || code != FEED_OK ? code : FEED_FAILED;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        print_help(stderr);
        return FEED_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_help(stdout);
        return finish(FEED_OK);
    }
    if (strcmp(name, "--version") == 0) {
        printf("clickfeed %s\n", PROMOSTREAM_VERSION);
        return finish(FEED_OK);
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            catch_signals();
            schemas_init();
            return finish(commands[i].run(argc - 1, argv + 1, &stop_requested));
        }
    }
    fprintf(stderr, "clickfeed: no command '%s'; clickfeed --help lists them\n", name);
    return FEED_USAGE;
}
