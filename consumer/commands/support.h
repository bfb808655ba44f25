/* support: what the subcommands share: the configuration option, and failures as exit codes. Main
 * thread. */
#ifndef PROMOSTREAM_COMMANDS_SUPPORT_H
#define PROMOSTREAM_COMMANDS_SUPPORT_H

#include "base/options.h"
#include "consumer/commands/commands.h"
#include "consumer/pipeline_config.h"

#define COMMAND_CONFIG_DEFAULT "pipeline.yaml"

/* Row of the option --config for a struct whose field of this name is a const char *. */
#define COMMAND_CONFIG_ROW(struct_type)                                                            \
    {                                                                                              \
        .name = "config", .letter = 'c', .argument = "FILE", .type = OPTION_TEXT,                  \
        .offset = offsetof(struct_type, config), .default_text = COMMAND_CONFIG_DEFAULT,           \
        .help = "The configuration: every section, checked whole before anything else happens."    \
    }

/* Reads the command line by the page. True if the command goes on; otherwise *out_exit is what it
 * returns (the help was printed, or errors). No command of promostream takes positional arguments.
 */
bool command_options(const struct option_page *page, int argc, char **argv, void *target,
                     int *out_exit);
/* COMMAND_OK, or COMMAND_USAGE with every error on standard error. */
int command_load_config(const char *name, const char *path, struct pipeline_config *out);
/* Prints the failure as "name: text" and returns the exit code that it means. */
int command_failed(const char *name, struct failure failure);

#endif
