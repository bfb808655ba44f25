/* effects: how an arm's moments travel, and what a component is called. */
#include "model/effects.h"

#include <stdio.h>

#include "model/slots.h"

static size_t moment_count(const struct effects *effects) {
    size_t dim = (size_t)effects->dim;
    return dim + dim * (dim + 1) / 2;
}

void effects_write(const struct effects *effects, int index, struct row_writer *writer) {
    size_t count = moment_count(effects);
    const double *moments = effects->moments + (size_t)index * count;
    row_put_f64(writer, (double)effects->learned[index]);
    for (size_t i = 0; i < count; i++) {
        row_put_f64(writer, moments[i]);
    }
}

enum learner_verdict effects_check(const struct effects *effects, struct bytes values) {
    enum learner_verdict verdict = row_check_f64(values, 1 + moment_count(effects));
    if (verdict != LEARNER_OK) {
        return verdict;
    }
    struct row_reader reader = {values};
    double learned = row_get_f64(&reader);
    if (learned < 1 || learned > 1e15) {
        return LEARNER_BAD_VALUE;
    }
    for (int i = 0; i < effects->dim; i++) {
        row_get_f64(&reader); /* theta may be anything */
    }
    for (int i = 0; i < effects->dim; i++) {
        for (int j = i; j < effects->dim; j++) {
            double p = row_get_f64(&reader);
            if (i == j && !(p > 0)) { /* a variance */
                return LEARNER_BAD_VALUE;
            }
        }
    }
    return LEARNER_OK;
}

void effects_read(struct effects *effects, int index, struct bytes values) {
    struct row_reader reader = {values};
    size_t count = moment_count(effects);
    double *moments = effects->moments + (size_t)index * count;
    effects->learned[index] = (int64_t)row_get_f64(&reader);
    for (size_t i = 0; i < count; i++) {
        moments[i] = row_get_f64(&reader);
    }
}

size_t effects_dictionary_count(const struct effects *effects) {
    return EFFECTS_ORIGINS + EFFECTS_VALUES * effects->arm_name_count;
}

static void value_name(const struct effects *effects, const struct learner_input *input, int name,
                       char *out, size_t size) {
    snprintf(out, size, "offer x %s = %.*s", effects->space.names[name],
             BYTES_ARG(input->names[name]));
}

void effects_name(const struct effects *effects, const struct learner_input *input, int component,
                  char *out, size_t size) {
    static const char *const carts[EFFECTS_CARTS] = {"below 20",     "in [20, 40)",   "in [40, 70)",
                                                     "in [70, 120)", "in [120, 250)", "from 250"};
    static const char *const logits[EFFECTS_LOGITS] = {
        "below -4.5",     "in [-4.5, -3.5)",  "in [-3.5, -2.75)", "in [-2.75, -2)",
        "in [-2, -1.25)", "in [-1.25, -0.5)", "from -0.5"};
    int first_logit = EFFECTS_FIXED - EFFECTS_LOGITS, is_new = first_logit - 1;
    int first_cart = is_new - EFFECTS_CARTS;
    const struct learner_space *space = &effects->space;
    if (component == 0) {
        snprintf(out, size, "offer");
    } else if (component < first_cart) {
        value_name(effects, input, space->origin, out, size);
    } else if (component < is_new) {
        snprintf(out, size, "offer x %s %s", space->numbers[space->cart_value],
                 carts[component - first_cart]);
    } else if (component == is_new) {
        snprintf(out, size, "offer x %s", space->numbers[space->is_new]);
    } else if (component < EFFECTS_FIXED) {
        snprintf(out, size, "offer x logit without it %s", logits[component - first_logit]);
    } else {
        int name = effects->arm_names[(component - EFFECTS_FIXED) / EFFECTS_VALUES];
        value_name(effects, input, name, out, size);
    }
    slots_trim_text(out);
}
