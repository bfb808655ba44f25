#include "producer/commands.h"

#include <stdio.h>

int command_failed(const char *name, struct failure failure) {
    fprintf(stderr, "%s: %s\n", name, failure.text);
    return failure.action == FAILURE_RETRY ? FEED_UNREACHABLE : FEED_FAILED;
}
