/* trainer_internal: what trainer.c (life, loop), trainer_publish.c (versions) and trainer_recover.c
 * share. Private to them. */
#ifndef PROMOSTREAM_TRAINER_TRAINER_INTERNAL_H
#define PROMOSTREAM_TRAINER_TRAINER_INTERNAL_H

#include "consumer/trainer/lesson.h"

#define ROOM               "trainer"
#define EXAMPLES_PARTITION 0
#define MODEL_PARTITION    0

struct trainer {
    struct trainer_settings settings;
    char name[TRAINER_NAME_BYTES_MAX], group[TRAINER_NAME_BYTES_MAX];
    struct broker *broker;
    struct health *health;
    struct trainer_metrics metrics;
    struct model_metrics model_metrics;

    bool is_active;       /* examples is ours, recovered and fetched */
    struct lesson lesson; /* active, or recovering; else zeroed */
    int64_t version;      /* offset of the last version handed over; lesson.changed came after it */
    int64_t number;       /* of that version in this group, for the offset's metadata */
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

/* trainer_publish.c: a version of all whole mini-batches, if there are any that the last one did
 * not have. */
MUST_CHECK struct failure trainer_publish(struct trainer *trainer);

#endif
