/* capacity: how much memory a full worker needs, from the configuration alone; printed at start and
 * by validate. Pure. */
#ifndef PROMOSTREAM_COMMANDS_CAPACITY_H
#define PROMOSTREAM_COMMANDS_CAPACITY_H

#include "consumer/pipeline_config.h"

struct capacity {
    int32_t partitions; /* that one worker may own: all of them, when it is the last one left */
    double user_bytes;  /* one user, a share of shoppers with carts included */
    double users_bytes;
    double open_bytes;    /* frozen rows of open decisions, beside the users */
    double learner_bytes; /* a trainer of each in the same process included */
    double side_bytes, epoch_bytes;
    double queue_bytes; /* fetched messages, with what librdkafka needs beside each */
    double total_bytes;
};

/* partitions 0 = not known yet: counted as 1. */
struct capacity capacity_plan(const struct pipeline_config *config, int32_t partitions);
/* One line: "capacity: 4 partitions x 1,000,000 users x 0.6 KiB = 2.3 GiB; ...". */
void capacity_write(const struct capacity *capacity, const struct pipeline_config *config,
                    struct buffer *out);
void capacity_write_json(const struct capacity *capacity, struct buffer *out);

#endif
