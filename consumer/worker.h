/* worker: one member of the group: it gathers an epoch's records, runs the rooms over them, submits
 * the epoch, and recovers partitions when they come. The only place where the wall clock meets the
 * pipeline: it paces epochs and ticks.
 *
 *     worker_new -> worker_run (its own thread, until the end or a failure) -> worker_destroy
 *
 * There is one recovery: a partition that is lost is dropped and read back from its topics. */
#ifndef PROMOSTREAM_CONSUMER_WORKER_H
#define PROMOSTREAM_CONSUMER_WORKER_H

#include "consumer/ops/health.h"
#include "consumer/pipeline.h"
#include "consumer/pipeline_config.h"

#define WORKER_METRICS(X)                                                                          \
    X(partitions, GAUGE, "partitions owned and running")                                           \
    X(clickstream_lag, GAUGE, "records of the clickstream between our position and the log end")   \
    X(feedback_lag, GAUGE, "records of push-feedback between our position and the log end")
METRICS_STRUCT(worker_metrics, WORKER_METRICS)

enum at_end { AT_END_HOLD, AT_END_FIRE };
/* AT_END_FIRE: timers of a partition in one epoch. Whoever follows the journal must keep to it. */
#define WORKER_FIRED_PER_EPOCH_MAX 10000

struct worker_settings {
    const struct pipeline_config *config; /* borrowed */
    const struct decode_sources *sources; /* NULL = our own event.avsc alone; borrowed */
    struct emit_schema_ids schema_ids;    /* zero = single-object encoding */
    const char *name;                     /* stable worker name, borrowed */
    bool until_end;                       /* end at the log ends that stood at start */
    enum at_end at_end; /* until_end: what happens to timers that are not due yet */
    /* until_end: called each time when everything of this worker is at its end and committed; true
     * once every worker of the process has been there. Until then the worker goes on serving the
     * group, for others may still be joining. NULL = it is alone. */
    bool (*may_end)(void *context);
    void *may_end_context;
    struct clock clock;
    const struct log_sink *log;
    bool (*should_stop)(void); /* asked at least every epoch interval */
    void (*show)(void *context, const struct push_row *push); /* see struct emit; NULL = nobody */
    void *show_context;
};

struct worker;
/* Opens the broker connection (fences a predecessor of the same name). */
MUST_CHECK struct failure worker_new(const struct worker_settings *settings, struct health *health,
                                     struct worker **out);
/* The same on an opened connection, which the worker closes in the end, also if it fails (tests,
 * other implementations of the seam). */
MUST_CHECK struct failure worker_new_on(const struct worker_settings *settings,
                                        struct broker *broker, struct health *health,
                                        struct worker **out);
/* Runs until should_stop, the end, or a failure; drains what was computed. */
MUST_CHECK struct failure worker_run(struct worker *worker);
void worker_destroy(struct worker *worker); /* NULL is fine */

/* Any thread: the cells of its rooms, and its watermark for display. */
const struct pipeline *worker_pipeline(const struct worker *worker);
const struct broker_metrics *worker_broker_metrics(const struct worker *worker);
const struct decision_tally *worker_tally(const struct worker *worker);
int64_t worker_watermark_ms(const struct worker *worker);
/* Registers every room's metrics under worker="name". */
void worker_register_metrics(const struct worker *worker, struct metrics *metrics);

#endif
