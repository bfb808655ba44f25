/* effects: how they travel, and what a component is called. */
#include <math.h>
#include <stdio.h>

#include "model/effects.h"
#include "model/slots.h"

static bool is_whole(double number, double least, double most) {
    return number >= least && number <= most && number == floor(number);
}

static size_t word_count(const struct effects *effects) {
    return EFFECTS_ORIGINS + EFFECTS_VALUES * effects->arm_name_count;
}

static size_t value_count(const struct effects *effects, size_t arm_count) {
    size_t dim = 2 * (size_t)effects->parts + arm_count - 1;
    return 2 + 3 * arm_count + word_count(effects) + dim + dim * (dim + 1) / 2;
}

size_t effects_row_arms(struct bytes values) {
    struct row_reader reader = {values};
    if (values.size < 2 * sizeof(double)) {
        return 0;
    }
    row_get_f64(&reader);
    double arms = row_get_f64(&reader);
    return is_whole(arms, 1, LEARNER_ARMS_MAX) ? (size_t)arms : 0;
}

size_t effects_row_bytes(const struct effects *effects, size_t arm_count) {
    return sizeof(double) * value_count(effects, arm_count);
}

/* A key of 64 bits as two whole numbers. */
static void put_key(struct row_writer *writer, uint64_t key) {
    row_put_f64(writer, (double)(key >> 32));
    row_put_f64(writer, (double)(key & UINT32_MAX));
}

void effects_write(const struct effects *effects, struct row_writer *writer) {
    size_t dim = 2 * (size_t)effects->parts + effects->arm_count - 1;
    row_put_f64(writer, (double)effects->learned);
    row_put_f64(writer, (double)effects->arm_count);
    for (size_t i = 0; i < effects->arm_count; i++) {
        put_key(writer, effects->keys[i]);
        row_put_f64(writer, effects->scales[i]);
    }
    for (size_t i = 0; i < word_count(effects); i++) {
        row_put_f64(writer, effects->dictionary[i]);
    }
    for (size_t i = 0; i < dim; i++) {
        row_put_f64(writer, effects->theta[i]);
    }
    for (size_t i = 0; i < dim * (dim + 1) / 2; i++) {
        row_put_f64(writer, effects->p[i]);
    }
}

enum learner_verdict effects_check(const struct effects *effects, struct bytes values) {
    struct row_reader reader = {values};
    if (values.size < 2 * sizeof(double)) {
        return LEARNER_BAD_SIZE;
    }
    size_t arm_count = effects_row_arms(values);
    double learned = row_get_f64(&reader);
    row_get_f64(&reader);
    if (!row_is_count(learned) || arm_count == 0) {
        return LEARNER_BAD_VALUE;
    }
    size_t dim = 2 * (size_t)effects->parts + arm_count - 1;
    enum learner_verdict verdict = row_check_f64(values, value_count(effects, arm_count));
    if (verdict != LEARNER_OK) {
        return verdict;
    }
    uint64_t keys[LEARNER_ARMS_MAX];
    for (size_t i = 0; i < arm_count; i++) {
        double high = row_get_f64(&reader), low = row_get_f64(&reader);
        double scale = row_get_f64(&reader);
        bool is_none = high == 0 && low == 0;
        bool is_scale =
            is_none ? scale == 0 : scale >= EFFECTS_SCALE_MIN && scale <= EFFECTS_SCALE_MAX;
        if (!is_whole(high, 0, UINT32_MAX) || !is_whole(low, 0, UINT32_MAX) ||
            is_none != (i == EFFECTS_NONE) || !is_scale) {
            return LEARNER_BAD_VALUE;
        }
        keys[i] = (uint64_t)high << 32 | (uint64_t)low;
        for (size_t k = 0; k < i; k++) {
            if (keys[k] == keys[i]) {
                return LEARNER_BAD_VALUE;
            }
        }
    }
    for (size_t i = 0; i < word_count(effects) + dim; i++) {
        row_get_f64(&reader); /* may be anything finite */
    }
    for (size_t i = 0; i < dim; i++) {
        for (size_t j = 0; j <= i; j++) {
            double p = row_get_f64(&reader);
            if (i == j && !(p > 0)) { /* a variance */
                return LEARNER_BAD_VALUE;
            }
        }
    }
    return LEARNER_OK;
}

uint64_t effects_read(struct effects *effects, struct bytes values) {
    struct row_reader reader = {values};
    effects->learned = (int64_t)row_get_f64(&reader);
    effects->arm_count = (size_t)row_get_f64(&reader);
    size_t dim = 2 * (size_t)effects->parts + effects->arm_count - 1;
    for (size_t i = 0; i < effects->arm_count; i++) {
        uint64_t high = (uint64_t)row_get_f64(&reader);
        effects->keys[i] = high << 32 | (uint64_t)row_get_f64(&reader);
        effects->scales[i] = row_get_f64(&reader);
    }
    for (size_t i = 0; i < word_count(effects); i++) {
        effects->dictionary[i] = row_get_f64(&reader);
    }
    for (size_t i = 0; i < dim; i++) {
        effects->theta[i] = row_get_f64(&reader);
    }
    for (size_t i = 0; i < dim * (dim + 1) / 2; i++) {
        effects->p[i] = row_get_f64(&reader);
    }
    return effects_admit_configured(effects);
}

/* ---- words ---- */

static void value_name(const struct effects *effects, const struct learner_input *input,
                       const char *block, int name, char *out, size_t size) {
    snprintf(out, size, "%s %s = %.*s", block, effects->space.names[name],
             BYTES_ARG(input->names[name]));
}

static void name_part(const struct effects *effects, const struct learner_input *input,
                      const char *block, int part, char *out, size_t size) {
    static const char *const carts[EFFECTS_CARTS] = {"below 20",     "in [20, 40)",   "in [40, 70)",
                                                     "in [70, 120)", "in [120, 250)", "from 250"};
    int is_new = EFFECTS_FIXED - 1, first_cart = is_new - EFFECTS_CARTS;
    const struct learner_space *space = &effects->space;
    if (part == 0) {
        snprintf(out, size, "%s bias", block);
    } else if (part < first_cart) {
        value_name(effects, input, block, space->origin, out, size);
    } else if (part < is_new) {
        snprintf(out, size, "%s %s %s", block, space->numbers[space->cart_value],
                 carts[part - first_cart]);
    } else if (part == is_new) {
        snprintf(out, size, "%s %s", block, space->numbers[space->is_new]);
    } else {
        int name = effects->arm_names[(part - EFFECTS_FIXED) / EFFECTS_VALUES];
        value_name(effects, input, block, name, out, size);
    }
    slots_trim_text(out);
}

size_t effects_terms(const struct effects *effects, const struct learner_input *input, int index,
                     const struct effects_phi *phi, struct learner_term *out) {
    size_t count = 0, parts = (size_t)effects->parts;
    for (size_t i = 0; i < phi->count; i++) {
        name_part(effects, input, "trigger x", phi->ones[i], out[count].name, sizeof out->name);
        out[count++].value = effects->theta[phi->ones[i]];
    }
    for (size_t i = 0; i < phi->count && index != EFFECTS_NONE; i++) {
        name_part(effects, input, "offer x", phi->ones[i], out[count].name, sizeof out->name);
        double scale = index > EFFECTS_NONE ? effects->scales[index] : EFFECTS_SCALE_UNKNOWN;
        out[count++].value = scale * effects->theta[parts + phi->ones[i]];
    }
    if (phi->count > 0 && index > EFFECTS_NONE) {
        snprintf(out[count].name, sizeof out->name, "this offer");
        out[count++].value = effects->theta[2 * parts + (size_t)index - 1];
    }
    return count;
}
