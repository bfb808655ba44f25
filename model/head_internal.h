/* head: how its block of memory is laid out, for its own files. Blocks are found by offset, so a
 * copy of the memory is a copy of the learner. */
#ifndef PROMOSTREAM_MODEL_HEAD_INTERNAL_H
#define PROMOSTREAM_MODEL_HEAD_INTERNAL_H

#include "model/calibrator.h"
#include "model/effects.h"
#include "model/head.h"

struct head {
    const struct base_kind *base;
    struct head_options options;
    struct learner_space space;
    struct calibrator calibrator;
    double fingerprint;         /* row_text_hash */
    int64_t learned, corrected; /* examples */
    bool has_effects;           /* offers are configured, or were in the rows */
    bool is_changed, is_calibrator_changed, is_effects_changed;
    size_t effects_offset, base_offset;
};

static inline const struct effects *head_effects(const struct head *head) {
    return (const void *)((const char *)head + head->effects_offset);
}
static inline struct effects *head_effects_mutable(struct head *head) {
    return (void *)((char *)head + head->effects_offset);
}
static inline void *head_base_mutable(struct head *head) {
    return (char *)head + head->base_offset;
}

#endif
