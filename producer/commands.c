#include "producer/commands.h"

#include <stdio.h>

#include "broker/broker_failure.h"

int command_failed(const char *name, struct failure failure) {
    fprintf(stderr, "%s: %s\n", name, failure.text);
    if (broker_failure_is_refused(failure)) {
        return FEED_REFUSED;
    }
    return broker_failure_is_unreachable(failure) ? FEED_UNREACHABLE : FEED_FAILED;
}
