/* commands: the subcommands of promostream, the exit codes that they share, and the request to
 * stop. One file per subcommand; the table of them stands in main.c. A command reads its own
 * options (base/options.h), prints its own --help and returns an exit code; only main ends the
 * process. */
#ifndef PROMOSTREAM_COMMANDS_H
#define PROMOSTREAM_COMMANDS_H

#include <signal.h>

#include "base/failure.h"

/* X(enumerator, number, what it says). Numbers are a promise to scripts and supervisors: never
 * reused. */
#define COMMAND_EXITS(X)                                                                           \
    X(COMMAND_OK, 0, "done")                                                                       \
    X(COMMAND_FAILED, 1, "failed: standard error says why; validate found errors")                 \
    X(COMMAND_USAGE, 2, "wrong usage or a configuration that does not hold; nothing was started")  \
    X(COMMAND_UNREACHABLE, 3, "no broker answered in time; starting again later may help")         \
    X(COMMAND_FENCED, 4, "stopped by a twin with the same worker name; do not restart both")       \
    X(COMMAND_REFUSED, 6, "refused by Kafka: a login, a certificate or a right is wrong")

#define COMMAND_EXIT_ENUM(id, number, help) id = number,
enum command_exit { COMMAND_EXITS(COMMAND_EXIT_ENUM) };
/* All of them, a line each: the section EXIT STATUS of every page. */
extern const char command_exit_status[];

/* The exit code that a failure means; COMMAND_OK for none. */
int command_exit_of(struct failure failure);

struct command {
    const char *name;    /* "pause" */
    const char *summary; /* one line for the list of commands, without a full stop */
    /* argv[0] is the command's name. Returns an enum command_exit. Called once, on the main thread.
     */
    int (*run)(int argc, char **argv);
};

/* Set by SIGTERM and SIGINT (main.c), read by every worker's thread, hence atomic (and lock-free,
 * so that a signal handler may write it); long commands look at it at least every 100 ms and end in
 * order. */
extern _Atomic sig_atomic_t stop_requested;

int command_run(int argc, char **argv);
int command_pause(int argc, char **argv);
int command_resume(int argc, char **argv);
int command_validate(int argc, char **argv);
int command_mapping(int argc, char **argv);
int command_features(int argc, char **argv);
int command_inspect(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_dead_letters(int argc, char **argv);
int command_examples(int argc, char **argv);
int command_model(int argc, char **argv);
int command_learn(int argc, char **argv);
int command_predict(int argc, char **argv);
int command_bench(int argc, char **argv);

#endif
