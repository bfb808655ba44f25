/* lesson: what a trainer does with examples, without a broker: it tells repeats and strangers,
 * learns in steps, ends mini-batches, keeps the rows that changed. The trainer gives it the topic
 * `examples`, `promostream learn --pipeline` a file of it: one code, hence the same rows bit for
 * bit.
 *
 *     lesson_init -> [rows of an earlier version into model, lesson_begin] -> { lesson_take,
 *     lesson_reach, lesson_tell_drift } -> rows in changed -> lesson_clean_up
 *
 * Offsets are those of the topic: a mini-batch ends at each multiple of learn.batch_offsets, and
 * with it the step under way. changed holds rows as they were at such ends only. One thread. */
#ifndef PROMOSTREAM_TRAINER_LESSON_H
#define PROMOSTREAM_TRAINER_LESSON_H

#include "consumer/trainer/trainer.h"

/* An example until it is learned; the learner's view of it borrows from the row, the row from body.
 */
struct lesson_slot {
    struct buffer body;
    struct example_row row;
};

struct lesson_settings {
    const struct pipeline_config *config; /* these three are borrowed */
    const struct learner_config *learner;
    const struct log_sink *log;
    const struct learner_kind *kind; /* NULL = the configured one; with its options (tests) */
    const void *kind_options;
    struct trainer_metrics *metrics; /* borrowed; counts what became of examples */
    /* Told of everything that was learned, with what the learner had said of it before it, or its
     * step, was; NULL = nobody asks. */
    void (*judge)(void *context, const struct learner_example *example, double p);
    void *judge_context;
};

struct lesson {
    struct lesson_settings settings;
    struct model model;
    /* Examples that make the next step: model.step_size of them, fewer at a mini-batch's end. */
    struct lesson_slot *slots;
    struct learner_example *pending;
    size_t pending_count;
    int64_t next_offset;       /* everything before it was taken */
    int64_t whole;             /* end of the last mini-batch that is over */
    int64_t changed_last;      /* offset of the last example since that end; -1 = none */
    struct model_rows changed; /* rows as of whole; whoever took them clears them */
    struct track_drift before; /* the first change found since it was told */
    bool has_drifted;
};

void lesson_init(struct lesson *lesson, const struct lesson_settings *settings);
void lesson_clean_up(struct lesson *lesson); /* idempotent; a zeroed one is fine */
/* model has learned everything before this end of a mini-batch. */
void lesson_begin(struct lesson *lesson, int64_t offset);
/* The example at an offset, an Avro body; offsets rise, those before next_offset are passed over.
 */
void lesson_take(struct lesson *lesson, int64_t offset, struct bytes body);
/* Everything before this offset was taken: mini-batches up to it are over. */
void lesson_reach(struct lesson *lesson, int64_t offset);
/* Tells people of the changes that ADWIN found since it was told last, in one line: one change of
 * the world is found again and again while the window lets go of the past. What is learned goes on
 * as it did (METHODS 1.8: never silently reset). */
void lesson_tell_drift(struct lesson *lesson);

#endif
