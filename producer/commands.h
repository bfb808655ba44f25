/* commands: the subcommands of clickfeed and the exit codes that they share. A command reads its
 * own options, prints its own --help and returns an exit code; only main ends the process. */
#ifndef PROMOSTREAM_PRODUCER_COMMANDS_H
#define PROMOSTREAM_PRODUCER_COMMANDS_H

#include <signal.h>

#include "base/failure.h"

/* X(enumerator, number, what it says). Numbers are a promise to scripts: never reused; those that
 * promostream has too mean the same. */
#define FEED_EXITS(X)                                                                              \
    X(FEED_OK, 0, "Done. Rejected rows do not change this: see the summary.")                      \
    X(FEED_FAILED, 1, "Failed; standard error says why. What was sent before stays sent.")         \
    X(FEED_USAGE, 2, "Wrong usage; nothing was begun.")                                            \
    X(FEED_UNREACHABLE, 3, "No broker answered in time; starting again later may help.")           \
    X(FEED_STOPPED, 5, "Ended early by SIGINT or SIGTERM; everything sent was acknowledged.")      \
    X(FEED_REFUSED, 6, "Refused by Kafka: a login, a certificate or a right is wrong.")

#define FEED_EXIT_ENUM(id, number, help) id = number,
enum feed_exit { FEED_EXITS(FEED_EXIT_ENUM) };

/* The same as text for an option page. */
#define FEED_EXIT_TEXT(id, number, help) " " #number "  " help "\n"
#define FEED_EXIT_STATUS                 FEED_EXITS(FEED_EXIT_TEXT)

/* Writes "NAME: text" to standard error and returns the exit code that the failure calls for. */
int command_failed(const char *name, struct failure failure);

/* argv[0] is the command's name. stop becomes true when SIGINT or SIGTERM arrives; the command then
 * ends in order. */
int command_import(int argc, char **argv, const volatile sig_atomic_t *stop);
int command_simulate(int argc, char **argv, const volatile sig_atomic_t *stop);

#endif
