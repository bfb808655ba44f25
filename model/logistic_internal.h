/* logistic: how its block of memory is laid out, for the files of the learner itself.
 *
 * struct logistic | effects | table of slots | changed rows of the table, one bit each
 *
 * Blocks are found by offset, never by pointer: a copy of the memory is a copy of the learner. */
#ifndef PROMOSTREAM_MODEL_LOGISTIC_INTERNAL_H
#define PROMOSTREAM_MODEL_LOGISTIC_INTERNAL_H

#include "model/calibrator.h"
#include "model/effects.h"
#include "model/ftrl.h"
#include "model/logistic.h"
#include "model/slots.h"

struct logistic {
    struct logistic_options options;
    struct ftrl_params ftrl;
    struct slot_space space;
    struct calibrator calibrator;
    double prior_logit;         /* the base rate: a constant of every logit */
    double fingerprint;         /* of what gives slots and states their meaning; row_text_hash */
    int64_t learned, corrected; /* examples */
    bool is_changed, is_calibrator_changed, is_effects_changed;
    size_t effects_offset, table_offset, changed_offset;
};

static inline const struct effects *logistic_effects(const struct logistic *logistic) {
    return (const void *)((const char *)logistic + logistic->effects_offset);
}
static inline struct effects *logistic_effects_mutable(struct logistic *logistic) {
    return (void *)((char *)logistic + logistic->effects_offset);
}
/* [2^bits] */
static inline const struct ftrl_slot *logistic_table(const struct logistic *logistic) {
    return (const void *)((const char *)logistic + logistic->table_offset);
}
static inline struct ftrl_slot *logistic_table_mutable(struct logistic *logistic) {
    return (void *)((char *)logistic + logistic->table_offset);
}
/* [2^bits / SLOTS_ROW] bits: which rows are not exported yet. */
static inline uint8_t *logistic_changed(struct logistic *logistic) {
    return (uint8_t *)logistic + logistic->changed_offset;
}
static inline size_t logistic_row_count(const struct logistic *logistic) {
    return ((size_t)1 << logistic->options.bits) / SLOTS_ROW;
}

/* f(x) and its variance (METHODS 0, rule 9), summed in the order of slots. */
struct logistic_base {
    double logit, variance;
};
struct logistic_base logistic_base(const struct logistic *logistic, const struct slots *slots);
struct bytes logistic_origin(const struct logistic *logistic, const struct learner_input *input);

/* logistic_rows.c, logistic_explain.c: parts of learner_logistic. */
void logistic_export_rows(void *memory, bool all, learner_visit_row *visit, void *context);
enum learner_verdict logistic_check_row(const void *memory, const struct learner_row *row);
void logistic_import_row(void *memory, const struct learner_row *row);
void logistic_explain(const void *memory, const struct learner_input *input, uint64_t arm,
                      learner_visit_term *visit, void *context);
void logistic_describe(const void *memory, char *out, size_t size);

#endif
