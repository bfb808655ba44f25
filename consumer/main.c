/* promostream: chooses the subcommand, catches the two stop signals, returns the exit code. Nothing
 * else is decided here.
 */
#include "consumer/commands/commands.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "schemas/schemas.h"

volatile sig_atomic_t stop_requested;

static const struct command commands[] = {
    {"run", "read the clickstream, decide, push: the main job", command_run},
    {"pause", "hold every push, in all workers, within an epoch", command_pause},
    {"resume", "send pushes again", command_resume},
    {"validate", "check the configuration, and the broker's topics against it", command_validate},
    {"features", "list the features that every decision freezes", command_features},
};
#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static void print_help(FILE *out) {
    fprintf(
        out,
        "promostream %s: reads an e-commerce clickstream from Kafka and pushes the promotion that "
        "pays.\n\n"
        "usage: promostream <command> [options]\n"
        "       promostream <command> --help\n"
        "       promostream --version\n\n"
        "commands:\n",
        PROMOSTREAM_VERSION);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    }
    fprintf(out, "\nexit codes:\n");
#define PRINT_EXIT(id, number, help) fprintf(out, "  %d  %s\n", number, help);
    COMMAND_EXITS(PRINT_EXIT)
#undef PRINT_EXIT
    fprintf(out, "\nsignals: SIGTERM and SIGINT end a long command in order: it commits what it "
                 "has begun and closes.\n");
}

static const struct command *find_command(const char *name) {
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

static void on_stop_signal(int number) {
    (void)number;
    stop_requested = 1;
}

static void catch_signals(void) {
    struct sigaction action = {.sa_handler = on_stop_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, NULL); /* a reader of /metrics or of our output may go away */
}

/* Output that could not be written (full disk, closed pipe) is a failure even if the work was done.
 */
static int finish(int code) {
    return fflush(stdout) != 0 || ferror(stdout) ? (code ? code : COMMAND_FAILED) : code;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        print_help(stderr);
        return COMMAND_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return finish(COMMAND_OK);
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("promostream %s\n", PROMOSTREAM_VERSION);
        return finish(COMMAND_OK);
    }
    const struct command *command = find_command(argv[1]);
    if (!command) {
        fprintf(stderr, "promostream: no command '%s'; promostream --help lists them\n", argv[1]);
        return COMMAND_USAGE;
    }
    schemas_init();
    catch_signals();
    return finish(command->run(argc - 1, argv + 1));
}
