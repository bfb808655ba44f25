/* trainer_internal: what trainer.c (life, loop), trainer_learn.c (examples, mini-batches, versions)
 * and trainer_recover.c share. Private to them. */
#ifndef PROMOSTREAM_TRAINER_TRAINER_INTERNAL_H
#define PROMOSTREAM_TRAINER_TRAINER_INTERNAL_H

#include "consumer/trainer/trainer.h"

#define ROOM               "trainer"
#define EXAMPLES_PARTITION 0
#define MODEL_PARTITION    0

/* An example until it is learned; the learner's view of it borrows from the row, the row from
 * value.
 */
struct trainer_slot {
    struct buffer value;
    struct example_row row;
};

struct trainer {
    struct trainer_settings settings;
    char name[TRAINER_NAME_BYTES_MAX], group[TRAINER_NAME_BYTES_MAX];
    struct broker *broker;
    struct health *health;
    struct trainer_metrics metrics;
    struct model_metrics model_metrics;

    bool is_active;  /* examples is ours, recovered and fetched */
    bool has_memory; /* model and unpublished are there: active, or recovering */
    struct model model;
    /* Examples that make the next step: model.step_size of them, fewer at a mini-batch's end. */
    struct trainer_slot *slots;
    struct learner_example *pending;
    size_t pending_count;
    int64_t next_offset;  /* of examples: everything before it was taken */
    int64_t whole;        /* end of the last mini-batch that is over */
    int64_t changed_last; /* offset of the last example learned since the last export; -1 = none */
    int64_t version;      /* offset of the last version handed over */
    int64_t number;       /* of that version in this group, for the offset's metadata */
    struct model_rows unpublished;  /* rows as of whole that the last version did not have */
    int64_t published_ms, asked_ms; /* wall clock: the last version, the last look at the lag */
    int64_t end;                    /* until_end: where it ends; -1 = not known yet */
};

static inline int64_t now_ms(const struct trainer *trainer) {
    return clock_now_ms(trainer->settings.clock);
}

/* trainer_recover.c: fills model from `model` and starts fetching there. */
MUST_CHECK struct failure trainer_recover(struct trainer *trainer,
                                          const struct assignment *assignment);
/* Forgets everything that was learned and not published. Idempotent. */
void trainer_drop(struct trainer *trainer);

/* trainer_learn.c */
void trainer_take(struct trainer *trainer, const struct record *record);
/* Everything before this offset was taken: mini-batches up to it are over. */
void trainer_reach(struct trainer *trainer, int64_t offset);
/* A version of all whole mini-batches, if there are any that the last one did not have. */
MUST_CHECK struct failure trainer_publish(struct trainer *trainer);

#endif
