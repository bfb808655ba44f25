/* model_log: the topic `model` of a test: every version that a policy_loop published, in order, to
 * be delivered again, all of it or up to the version that a journal row names. */
#ifndef PROMOSTREAM_TESTS_MODEL_LOG_H
#define PROMOSTREAM_TESTS_MODEL_LOG_H

#include "tests/support/policy_loop.h"

struct model_log {
    struct buffer rows;       /* framed: key, value, with lengths as policy_loop keeps them */
    int64_t offsets[1024];    /* of the versions that were delivered, ascending */
    size_t ends[1024], count; /* where each one's rows end */
};

/* policy_loop_publish, remembered. */
void model_log_publish(struct model_log *log, struct policy_loop *loop, struct score *score);
/* Delivers what comes after *position (0 at first) up to this version; it must be there. Version 0,
 * or one that was delivered before, delivers nothing. */
void model_log_deliver(const struct model_log *log, size_t *position, int64_t version_offset,
                       struct score *score);
int64_t model_log_last(const struct model_log *log); /* 0 = nothing was published */
void model_log_clean_up(struct model_log *log);

#endif
