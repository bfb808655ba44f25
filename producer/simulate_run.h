/* simulate_run: the loop of `clickfeed simulate`: what the shop says goes out at its pace, what
 * promostream pushes comes back in.
 *
 * First the catalogue and the profiles (acknowledged before the first event), then the shop's
 * messages in the order of their arrival until the days are over, the wanted count is reached or a
 * stop is asked for. With a listener, pushes are taken while waiting for the pace, and for
 * listen_grace_ms after the last message. One thread. */
#ifndef PROMOSTREAM_PRODUCER_SIMULATE_RUN_H
#define PROMOSTREAM_PRODUCER_SIMULATE_RUN_H

#include <signal.h>

#include "base/buffer.h"
#include "broker/reader_simple.h"
#include "producer/pace.h"
#include "producer/progress.h"
#include "producer/shop.h"
#include "producer/sink.h"

/* Borrowed by the run. Sinks that are NULL take nothing. */
struct simulate_plan {
    const char *name; /* begins every progress line */
    struct shop *shop;
    struct sink *events;
    struct sink *feedback, *catalogue, *profiles;
    struct reader_simple *pushes; /* NULL: do not listen */
    int64_t start_ms;             /* of the simulated days, for progress */
    int days;
    int64_t count_max; /* events, 0 = all */
    int64_t listen_grace_ms;
    double per_second, speed; /* 0 = no limit */
    FILE *progress;           /* NULL = none */
    const volatile sig_atomic_t *stop;
};

struct simulate_counts {
    int64_t events, feedback, catalogue, profiles;
    int64_t pushes, bad_pushes; /* heard; not decodable */
    int64_t first_ms, last_ms;  /* arrival of the first and last event, INT64_MIN = none */
};

struct simulate_run {
    const struct simulate_plan *plan;
    struct simulate_counts counts;
    struct pace pace;
    struct progress progress;
    struct buffer body;
};

void simulate_run_init(struct simulate_run *run, const struct simulate_plan *plan);
/* Everything, to the end. Does not wait for the last acknowledgements: sink_finish does. */
MUST_CHECK struct failure simulate_run_all(struct simulate_run *run);
void simulate_run_clean_up(struct simulate_run *run);

#endif
