/* logistic: what a score consists of, and what the learner is, in words. */
#include "model/logistic_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define TERMS_MAX (1 + SLOTS_MAX + EFFECTS_TERMS_MAX)
/* So there are never others to sum up. */
_Static_assert(TERMS_MAX <= 256, "every summand has a term");

static int by_size(const void *left, const void *right) {
    const struct learner_term *a = left, *b = right;
    double x = fabs(a->value), y = fabs(b->value);
    return x != y ? (x < y) - (x > y) : strcmp(a->name, b->name);
}

void logistic_explain(const void *memory, const struct learner_input *input, uint64_t arm,
                      learner_visit_term *visit, void *context) {
    const struct logistic *logistic = memory;
    const struct effects *effects = logistic_effects(logistic);
    struct learner_term terms[TERMS_MAX];
    size_t count = 0;
    struct slots slots;
    if (!slots_of(&logistic->space, input, &slots)) {
        return;
    }
    snprintf(terms[count].name, sizeof terms[0].name, "base rate before any data");
    terms[count++].value = logistic->prior_logit;
    for (size_t i = 0; i < slots.count; i++) {
        const struct slot *slot = &slots.slots[i];
        slots_name(&logistic->space, input, slot, terms[count].name, sizeof terms[0].name);
        terms[count++].value = (double)logistic_table(logistic)[slot->index].w * slot->x;
    }
    int index = effects_find(effects, arm);
    struct effects_phi phi = effects_phi(effects, input);
    count += effects_terms(effects, input, index, &phi, terms + count);
    qsort(terms, count, sizeof terms[0], by_size);
    for (size_t i = 0; i < count; i++) {
        visit(context, &terms[i]);
    }
}

static double used_share(const struct logistic *logistic) {
    const struct ftrl_slot *table = logistic_table(logistic);
    size_t count = (size_t)1 << logistic->options.bits, used = 0;
    for (size_t i = 0; i < count; i++) {
        used += table[i].n > 0;
    }
    return (double)used / (double)count;
}

void logistic_describe(const void *memory, char *out, size_t size) {
    const struct logistic *logistic = memory;
    const struct logistic_options *options = &logistic->options;
    const struct effects *effects = logistic_effects(logistic);
    const struct learner_space *space = &logistic->space.names;
    snprintf(out, size,
             "slots %zu, %.1f %% used\n"
             "ftrl alpha %g beta %g l1 %g l2 %g\n"
             "base rate %g before any data\n"
             "features of version %d: %zu numbers, %zu names, %zu crosses\n"
             "arms %zu of at most %d, effects of %d components, sd %g between kinds of users\n"
             "calibration rate %g\n"
             "learned %lld examples, %lld of them corrections\n",
             (size_t)1 << options->bits, 100 * used_share(logistic), options->alpha, options->beta,
             options->l1, options->l2, options->prior_p, space->feature_version,
             space->number_count, space->name_count, options->cross_count, effects->arm_count - 1,
             LEARNER_ARMS_MAX - 1, effects->parts, options->effect_sd, options->calibration_rate,
             (long long)logistic->learned, (long long)logistic->corrected);
}
