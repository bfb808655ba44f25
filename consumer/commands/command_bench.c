/* bench: what this machine does with this configuration; its verbs. */
#include <stdio.h>
#include <string.h>

#include "consumer/commands/bench_commands.h"
#include "consumer/commands/support.h"

static const struct option_page page = {
    .name = "promostream bench",
    .summary = "measure what this machine does with this configuration",
    .synopsis = "engine [OPTION]...",
    .description = "`engine` runs all rooms on a generated stream in memory. Each verb has its own "
                   "--help.",
    .exit_status = command_exit_status,
    .examples = " promostream bench engine",
};

int command_bench(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "engine") == 0) {
        return command_bench_engine(argc - 1, argv + 1);
    }
    bool is_help = argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
    options_help(&page, is_help ? stdout : stderr);
    return is_help ? COMMAND_OK : COMMAND_USAGE;
}
