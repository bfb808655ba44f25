/* slots: from raw features to coordinates of a linear model, by one rule (METHODS 0, rules 1, 10).
 *
 * - a bias, and one slot per origin;
 * - each number: one of 16 log-spaced buckets or the slot "missing", and the slope log1p(max(v, 0))
 * / 14; cart idle time has its own buckets per origin;
 * - each name: a slot per value, the empty one (missing) too; crosses: a slot per pair of values.
 *
 * Everything is keyed by the class of the origin too, `observe` or a trigger: sampled observations
 * and triggers share no slot but by collision. A number's slots lie side by side in one row of
 * SLOTS_ROW slots, so that neighbours travel together; names and crosses lie anywhere. */
#ifndef PROMOSTREAM_MODEL_SLOTS_H
#define PROMOSTREAM_MODEL_SLOTS_H

#include "model/learner.h"

#define SLOTS_ROW         32
#define SLOTS_NUMBERS_MAX 64
#define SLOTS_NAMES_MAX   32
#define SLOTS_MAX         (1 + 2 * SLOTS_NUMBERS_MAX + SLOTS_NAMES_MAX + LEARNER_CROSSES_MAX)
#define SLOTS_BUCKETS     16
#define SLOTS_CLASSES     2 /* observe, a trigger */

/* Plain data; the texts are borrowed. */
struct slot_space {
    int bits; /* 2^bits slots */
    struct learner_space names;
    size_t cross_count;
    int crosses[LEARNER_CROSSES_MAX][2];
    uint32_t bias[SLOTS_CLASSES];
    uint32_t number_row[SLOTS_CLASSES][SLOTS_NUMBERS_MAX]; /* first slot of the number's row */
    uint64_t name_hash[SLOTS_CLASSES][SLOTS_NAMES_MAX];
    uint64_t cross_hash[SLOTS_CLASSES][LEARNER_CROSSES_MAX];
};

enum slot_source { SLOT_BIAS, SLOT_NUMBER, SLOT_NAME, SLOT_CROSS };

struct slot {
    uint32_t index;      /* < 2^bits */
    uint16_t source, of; /* of: which number, name or cross */
    int part;            /* number: bucket, SLOTS_BUCKETS = missing, above = slope */
    double x;
};

struct slots {
    size_t count;
    struct slot slots[SLOTS_MAX];
};

/* Asserts that the counts fit, and that roles and crosses are indices. crosses: pairs of names. */
void slots_init(struct slot_space *space, int bits, const struct learner_space *names,
                size_t cross_count, const int (*crosses)[2]);
/* False if a number is infinite or beyond LEARNER_NUMBER_MAX. The order is fixed. */
bool slots_of(const struct slot_space *space, const struct learner_input *input, struct slots *out);
/* Readable: "cart_value in [38.8, 99)", "top_brand = acme", cut at size. */
void slots_name(const struct slot_space *space, const struct learner_input *input,
                const struct slot *slot, char *out, size_t size);
/* Cuts what a limited print left behind of a UTF-8 character. */
void slots_trim_text(char *text);

/* METHODS 0, rule 10: bucket 0..15 of log1p(value), negatives are 0; not for NaN. */
int slots_bucket(double value);

#endif
