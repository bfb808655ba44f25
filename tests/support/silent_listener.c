#include "tests/support/silent_listener.h"

static void on_columns(void *context, const struct columns *columns) {
    (void)context;
    (void)columns;
}

static bool on_moment(void *context, const struct training_moment *moment) {
    (void)context;
    (void)moment;
    return true;
}

const struct run_listener silent_listener = {on_columns, on_moment, NULL};
