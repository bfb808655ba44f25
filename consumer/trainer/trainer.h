/* trainer: the member of a learner's own group that learns from the topic `examples` and publishes
 * what it learned to `model`, exactly once. One is active, the others stand by.
 *
 *     trainer_new -> trainer_run (its own thread, until the end or a failure) -> trainer_destroy
 *
 * Examples are learned in offset order, one by one, or in steps of as many as the kind's option
 * batch says. A mini-batch ends at each multiple of
 * learn.batch_offsets, whatever lies there (control records have offsets too): only at such ends,
 * and about every publish_interval, the rows that changed go out in one transaction with the offset
 * that they have learned up to, the row "version" last. When that happens is the wall clock's
 * business and changes no row: a row says the end of the mini-batch that changed it last. Examples
 * beyond the last whole mini-batch are learned in memory, but not committed: whoever comes next
 * reads them again.
 *
 * There is one recovery: memory is dropped and read back from `model`, which must say the same
 * offset as the group. A row that cannot be read, is of another feature version, poisoned or a
 * repeat is counted and left out; none of them stops the trainer. */
#ifndef PROMOSTREAM_TRAINER_TRAINER_H
#define PROMOSTREAM_TRAINER_TRAINER_H

#include "consumer/ops/health.h"
#include "consumer/pipeline_config.h"

struct trainer_settings {
    const struct pipeline_config *config; /* borrowed */
    const struct learner_config *learner; /* one of config->learn, borrowed */
    const char *worker_name;              /* stable, of the process; borrowed */
    bool until_end; /* end once the input is complete and everything of it was learned */
    /* until_end: no more examples come from this process; asked often. NULL = none ever did. */
    bool (*is_input_complete)(void *context);
    void *is_input_complete_context;
    struct clock clock;
    const struct log_sink *log;
    bool (*should_stop)(void);       /* asked at least every publish interval */
    const struct learner_kind *kind; /* NULL = the configured one; with its options (tests) */
    const void *kind_options;
};

#define TRAINER_NAME_BYTES_MAX 160
/* The trainer's name: WORKER-trainer-LEARNER; it is group.instance.id. */
void trainer_format_name(const char *worker_name, const struct learner_config *learner,
                         char out[TRAINER_NAME_BYTES_MAX]);

#define TRAINER_METRICS(X)                                                                         \
    X(active, GAUGE, "1 while this trainer learns, 0 while it stands by")                          \
    X(examples_total, COUNTER, "examples read, those read again after a recovery too")             \
    X(learned_total, COUNTER, "examples learned, corrections included")                            \
    X(corrections_total, COUNTER, "examples that took an earlier label back")                      \
    X(margin_only_total, COUNTER, "revisions that change the margin only: nothing to learn")       \
    X(repeats_total, COUNTER, "refused: this revision, or a newer one, was seen before")           \
    X(undecodable_total, COUNTER, "refused: bytes that are no example")                            \
    X(foreign_total, COUNTER, "refused: another feature version, counts or origin")                \
    X(poisoned_total, COUNTER, "refused: numbers that no honest example has")                      \
    X(batches_total, COUNTER, "mini-batches that changed something")                               \
    X(versions_total, COUNTER, "versions handed over for commit")                                  \
    X(rows_total, COUNTER, "rows in them")                                                         \
    X(recoveries_total, COUNTER, "times that the model was read back")                             \
    X(next_offset, GAUGE, "next example offset of the newest version handed over")                 \
    X(drifts_total, COUNTER, "changes of log-loss or calibration that ADWIN found")                \
    X(lag, GAUGE, "offsets of examples that are not learned yet")
METRICS_STRUCT(trainer_metrics, TRAINER_METRICS)

struct trainer;
/* Opens the connection of the learner's group; no producer before it is assigned, so a standby
 * disturbs nobody. */
MUST_CHECK struct failure trainer_new(const struct trainer_settings *settings,
                                      struct health *health, struct trainer **out);
/* The same on an opened connection, which the trainer closes in the end (tests). */
struct trainer *trainer_new_on(const struct trainer_settings *settings, struct broker *broker,
                               struct health *health);
/* Runs until should_stop, the end, or a failure; publishes what whole mini-batches there are. */
MUST_CHECK struct failure trainer_run(struct trainer *trainer);
void trainer_destroy(struct trainer *trainer); /* NULL is fine */

/* Any thread. */
const struct trainer_metrics *trainer_metrics(const struct trainer *trainer);
const struct broker_metrics *trainer_broker_metrics(const struct trainer *trainer);
/* Registers its metrics under learner="name". */
void trainer_register_metrics(const struct trainer *trainer, struct metrics *metrics);

#endif
