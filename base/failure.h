/* failure: what went wrong in the world, and what the caller must do about it. Passed by value.
 * Bugs assert, bad data is a counted verdict; neither is ever a failure. */
#ifndef PROMOSTREAM_BASE_FAILURE_H
#define PROMOSTREAM_BASE_FAILURE_H

#include <stdbool.h>

#define MUST_CHECK __attribute__((warn_unused_result))

enum failure_action {
    FAILURE_NONE = 0,    /* it worked */
    FAILURE_RETRY,       /* repeat the same call later */
    FAILURE_ABORT_EPOCH, /* the epoch is lost: abort its transaction, then as RECREATE */
    FAILURE_RECREATE,    /* drop the client, make a new one, recover */
    FAILURE_STOP,        /* the process cannot go on; text says why */
};

struct failure {
    enum failure_action action;
    int code; /* the library's code (rd_kafka_resp_err_t, errno), 0 if none */
    char text[240];
};

static inline struct failure failure_none(void) {
    return (struct failure){.action = FAILURE_NONE};
}

static inline bool failed(struct failure failure) {
    return failure.action != FAILURE_NONE;
}

/* printf-style; the text is cut at its bound. */
struct failure failure_make(enum failure_action action, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
