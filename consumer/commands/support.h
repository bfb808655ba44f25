/* support: what the subcommands share: the configuration option, and failures as exit codes. Main
 * thread. */
#ifndef PROMOSTREAM_COMMANDS_SUPPORT_H
#define PROMOSTREAM_COMMANDS_SUPPORT_H

#include "base/options.h"
#include "broker/topic_reader.h"
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
 * returns (the help was printed, or errors). */
bool command_options(const struct option_page *page, int argc, char **argv, void *target,
                     int *out_exit);
/* The same for a page with exactly one positional argument, which points into argv. */
bool command_options_of(const struct option_page *page, int argc, char **argv, void *target,
                        const char **out_argument, int *out_exit);
/* COMMAND_OK, or COMMAND_USAGE with every error on standard error. */
int command_load_config(const char *name, const char *path, struct pipeline_config *out);
/* Prints the failure as "name: text" and returns the exit code that it means. */
int command_failed(const char *name, struct failure failure);

/* Before hours of work: can the FILE of --option be written? is_replaced: what is written takes its
 * place at the end, so it has to be a file, in a folder that is open to us. It is not input, which
 * would be lost. path NULL = nothing is written. */
MUST_CHECK struct failure command_check_output(const char *option, const char *path,
                                               bool is_replaced, const char *input);

/* Of a topic of ours, as command_read_topic asks for it: partition 0, to its end. */
struct topic_read_request command_topic_request(const struct pipeline_config *config,
                                                enum topic topic);
/* Reads a topic of ours as committed, from its start to its end; partition may be
 * TOPIC_ALL_PARTITIONS. Gives up after 15 s behind a transaction that nobody ends: *out says so. */
MUST_CHECK struct failure command_read_topic(const struct pipeline_config *config, enum topic topic,
                                             int32_t partition, broker_visit *visit, void *context,
                                             struct topic_read_result *out);
MUST_CHECK struct failure command_count_partitions(const struct pipeline_config *config,
                                                   enum topic topic, int32_t *out);
/* Offset behind the last record of a partition; 0 = there is no such topic. */
MUST_CHECK struct failure command_topic_end(const struct pipeline_config *config, enum topic topic,
                                            int32_t partition, int64_t *out);

#endif
