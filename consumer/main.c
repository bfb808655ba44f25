/* promostream: chooses the subcommand, catches the two stop signals, returns the exit code. Nothing
 * else is decided here.
 */
#include "consumer/commands/commands.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/options.h"
#include "model/kernels_blas.h"
#include "schemas/schemas.h"

_Atomic sig_atomic_t stop_requested;

static const struct command commands[] = {
    {"run", "read the clickstream, decide, push: the main job", command_run},
    {"pause", "hold every push, in all workers, within an epoch", command_pause},
    {"resume", "send pushes again", command_resume},
    {"validate", "check the configuration, and the broker's topics against it", command_validate},
    {"mapping", "draft the mapping of a shop's own messages, or print known ones", command_mapping},
    {"features", "list the features that every decision freezes", command_features},
    {"inspect", "show what is known of a user, and what was decided", command_inspect},
    {"explain", "show why a decision came out as it did", command_explain},
    {"examples", "write the examples that learners learn from to a file", command_examples},
    {"model", "list the learners, let another one decide, take that back", command_model},
    {"dead-letters", "show the messages that could not be used, and put them back",
     command_dead_letters},
    {"learn", "train a learner on a file, and say how good it is", command_learn},
    {"predict", "score the rows of a file by a saved model", command_predict},
    {"bench", "measure what this machine does with this configuration", command_bench},
};
#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static void print_help(FILE *out) {
    struct buffer text;
    buffer_init(&text, 1024);
    buffer_append(&text,
                  bytes_of_text("Reads an e-commerce clickstream from Kafka, keeps what each "
                                "shopper is doing right now, and pushes the offer that pays: once, "
                                "in time, explained. Everything is configured in pipeline.yaml; "
                                "each command has its own --help.\n\n"));
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        buffer_format(&text, " %-12s %s\n", commands[i].name, commands[i].summary);
    }
    buffer_append(&text, bytes_of_text("\nSIGTERM and SIGINT end a long command in order: it "
                                       "commits what it has begun and closes."));
    buffer_append_byte(&text, 0);
    const struct option_row version = {
        .name = "version", .type = OPTION_FLAG, .help = "Print the version and exit."};
    const struct option_page page = {
        .name = "promostream",
        .summary = "promotion pushes from a live clickstream, exactly once",
        .synopsis = "COMMAND [OPTION]...",
        .description = (const char *)text.data,
        .exit_status = command_exit_status,
        .examples = " promostream validate --config pipeline.yaml\n"
                    " promostream run --config pipeline.yaml --console",
        .rows = &version,
        .row_count = 1,
    };
    options_help(&page, out);
    buffer_clean_up(&text);
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

/* librdkafka takes memory for its messages on one thread and gives it back on another, hundreds of
 * MB a second while a worker catches up: glibc would return it to the kernel and fetch it again,
 * page by page. */
static void keep_memory(void) {
    (void)mallopt(M_MMAP_THRESHOLD, 32 << 20);
    (void)mallopt(M_TRIM_THRESHOLD, 512 << 20);
    (void)mallopt(M_TOP_PAD, 16 << 20);
}

static void catch_signals(void) {
    struct sigaction action = {.sa_handler = on_stop_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, NULL); /* a reader of /metrics or of our output may go away */
}

static int finish(int code) {
    bool is_whole = options_flush_output("promostream", stderr);
    return is_whole || code != COMMAND_OK ? code : COMMAND_FAILED;
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
    keep_memory();
    kernel_blas_start();
    return finish(command->run(argc - 1, argv + 1));
}
