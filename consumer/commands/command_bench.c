/* bench: what this machine does with this configuration; its verbs. */
#include <stdio.h>
#include <string.h>

#include "consumer/commands/bench_commands.h"
#include "consumer/commands/support.h"

static const struct option_page page = {
    .name = "promostream bench",
    .summary = "measure what this machine does with this configuration",
    .synopsis = "room [OPTION]...\nengine [OPTION]...\nend-to-end [OPTION]...",
    .description =
        "Measures on a generated stream, the same every time. `room` calls each room for "
        "itself, `engine` runs all of them in memory, without a broker, "
        "`end-to-end` the product itself on a real one. Each verb has "
        "its own --help.",
    .exit_status = command_exit_status,
    .examples = " promostream bench engine",
};

static const struct command verbs[] = {
    {"room", "each room for itself", command_bench_room},
    {"engine", "all rooms together", command_bench_engine},
    {"end-to-end", "the product on a real broker", command_bench_end_to_end},
};

int command_bench(int argc, char **argv) {
    for (size_t i = 0; argc > 1 && i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(argv[1], verbs[i].name) == 0) {
            return verbs[i].run(argc - 1, argv + 1);
        }
    }
    bool is_help = argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
    options_help(&page, is_help ? stdout : stderr);
    return is_help ? COMMAND_OK : COMMAND_USAGE;
}
