#include "model/effects.h"

#include <assert.h>
#include <math.h>

#define OLD_ARM_SD 0.3

/* Components in their order; names follow. */
#define AT_ORIGIN 1
#define AT_CART   (AT_ORIGIN + EFFECTS_ORIGINS)
#define AT_NEW    (AT_CART + EFFECTS_CARTS)
#define AT_LOGIT  (AT_NEW + 1)
#define AT_NAMES  EFFECTS_FIXED

static const double cart_edges[EFFECTS_CARTS - 1] = {20, 40, 70, 120, 250};
static const double logit_edges[EFFECTS_LOGITS - 1] = {-4.5, -3.5, -2.75, -2, -1.25, -0.5};

static size_t dim_of(size_t arm_name_count) {
    return EFFECTS_FIXED + EFFECTS_VALUES * arm_name_count;
}

static size_t moment_count(size_t dim) {
    return dim + dim * (dim + 1) / 2;
}

size_t effects_bytes(size_t arm_name_count) {
    return sizeof(struct effects) +
           LEARNER_ARMS_MAX * moment_count(dim_of(arm_name_count)) * sizeof(double);
}

static size_t arm_offset(const struct effects *effects, int index) {
    assert(index > EFFECTS_NONE && (size_t)index < effects->arm_count);
    return (size_t)index * moment_count((size_t)effects->dim);
}

/* Where P[i][j], i <= j, is within a triangle of rows. */
static size_t at(size_t dim, size_t i, size_t j) {
    return i * dim - i * (i + 1) / 2 + j;
}

static size_t at_either(size_t dim, size_t i, size_t j) {
    return i <= j ? at(dim, i, j) : at(dim, j, i);
}

static void set_prior(struct effects *effects, int index, double mean, double sd) {
    double *theta = effects->moments + arm_offset(effects, index);
    size_t dim = (size_t)effects->dim;
    memset(theta, 0, moment_count(dim) * sizeof *theta);
    theta[0] = mean;
    for (size_t i = 0; i < dim; i++) {
        theta[dim + at(dim, i, i)] = i == 0 ? sd * sd : effects->part_variance;
    }
}

void effects_init(struct effects *effects, const struct learner_space *space, size_t arm_name_count,
                  const int *arm_names, double effect_sd, const struct learner_arm *arms,
                  size_t arm_count) {
    assert(arm_name_count <= LEARNER_ARM_NAMES_MAX && arm_count < LEARNER_ARMS_MAX);
    memset(effects, 0, effects_bytes(arm_name_count));
    effects->space = *space;
    effects->arm_name_count = arm_name_count;
    for (size_t i = 0; i < arm_name_count; i++) {
        assert(arm_names[i] >= 0 && (size_t)arm_names[i] < space->name_count);
        effects->arm_names[i] = arm_names[i];
    }
    effects->dim = (int)dim_of(arm_name_count);
    /* Ones beside the bias: origin, cart, is_new, logit and the names. */
    effects->part_variance = effect_sd * effect_sd / (4 + (double)arm_name_count);
    effects->keys[EFFECTS_NONE] = LEARNER_ARM_NONE;
    effects->arm_count = 1;
    for (size_t i = 0; i < arm_count; i++) {
        assert(effects_find(effects, arms[i].key) == EFFECTS_UNKNOWN);
        effects->keys[effects->arm_count++] = arms[i].key;
        set_prior(effects, (int)i + 1, arms[i].prior_mean, arms[i].prior_sd);
    }
}

int effects_find(const struct effects *effects, uint64_t arm) {
    for (size_t i = 0; i < effects->arm_count; i++) {
        if (effects->keys[i] == arm) {
            return (int)i;
        }
    }
    return EFFECTS_UNKNOWN;
}

int effects_admit(struct effects *effects, uint64_t arm) {
    int index = effects_find(effects, arm);
    if (index == EFFECTS_UNKNOWN && effects->arm_count < LEARNER_ARMS_MAX) {
        index = (int)effects->arm_count;
        effects->keys[effects->arm_count++] = arm;
        set_prior(effects, index, 0, OLD_ARM_SD);
    }
    return index;
}

/* ---- phi ---- */

/* Place of the value within words[count]; -1 if it has none or is missing. */
static int find_value(const double *words, size_t count, struct bytes value) {
    if (value.size == 0) {
        return -1;
    }
    double hash = row_text_hash(value);
    for (size_t i = 0; i < count && words[i] > 0; i++) {
        if (words[i] == hash) {
            return (int)i;
        }
    }
    return -1;
}

static bool admit_value(double *words, size_t count, struct bytes value) {
    if (value.size == 0 || find_value(words, count, value) >= 0) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (words[i] == 0) {
            words[i] = row_text_hash(value);
            return true;
        }
    }
    return false;
}

bool effects_admit_values(struct effects *effects, const struct learner_input *input) {
    bool is_changed = false;
    int origin = effects->space.origin;
    if (origin >= 0) {
        is_changed = admit_value(effects->dictionary, EFFECTS_ORIGINS, input->names[origin]);
    }
    for (size_t i = 0; i < effects->arm_name_count; i++) {
        double *words = effects->dictionary + EFFECTS_ORIGINS + EFFECTS_VALUES * i;
        is_changed |= admit_value(words, EFFECTS_VALUES, input->names[effects->arm_names[i]]);
    }
    return is_changed;
}

static int bucket_of(const double *edges, int count, double value) {
    int bucket = 0;
    while (bucket < count && value >= edges[bucket]) {
        bucket++;
    }
    return bucket;
}

static double number_of(const struct learner_input *input, int role) {
    return role < 0 ? (double)NAN : input->numbers[role];
}

struct effects_phi effects_phi(const struct effects *effects, const struct learner_input *input,
                               double base_logit) {
    struct effects_phi phi = {.count = 1}; /* the bias */
    const struct learner_space *space = &effects->space;
    if (space->origin >= 0) {
        struct bytes value = input->names[space->origin];
        int place = find_value(effects->dictionary, EFFECTS_ORIGINS, value);
        if (place >= 0) {
            phi.ones[phi.count++] = (uint8_t)(AT_ORIGIN + place);
        }
    }
    double cart = number_of(input, space->cart_value);
    if (!isnan(cart)) {
        int bucket = bucket_of(cart_edges, EFFECTS_CARTS - 1, cart);
        phi.ones[phi.count++] = (uint8_t)(AT_CART + bucket);
    }
    if (number_of(input, space->is_new) > 0) {
        phi.ones[phi.count++] = AT_NEW;
    }
    int logit = bucket_of(logit_edges, EFFECTS_LOGITS - 1, base_logit);
    phi.ones[phi.count++] = (uint8_t)(AT_LOGIT + logit);
    for (size_t i = 0; i < effects->arm_name_count; i++) {
        const double *words = effects->dictionary + EFFECTS_ORIGINS + EFFECTS_VALUES * i;
        int place = find_value(words, EFFECTS_VALUES, input->names[effects->arm_names[i]]);
        if (place >= 0) {
            phi.ones[phi.count++] = (uint8_t)(AT_NAMES + EFFECTS_VALUES * (int)i + place);
        }
    }
    return phi;
}

/* ---- theta ---- */

double effects_theta(const struct effects *effects, int index, int component) {
    if (index <= EFFECTS_NONE) {
        return 0;
    }
    return effects->moments[arm_offset(effects, index) + (size_t)component];
}

struct effect effects_of(const struct effects *effects, int index, const struct effects_phi *phi) {
    if (index == EFFECTS_NONE) {
        return (struct effect){0, 0};
    }
    if (index == EFFECTS_UNKNOWN) {
        double parts = (double)(phi->count - 1) * effects->part_variance;
        return (struct effect){0, OLD_ARM_SD * OLD_ARM_SD + parts};
    }
    size_t dim = (size_t)effects->dim;
    const double *theta = effects->moments + arm_offset(effects, index), *p = theta + dim;
    struct effect effect = {0, 0};
    for (size_t a = 0; a < phi->count; a++) { /* ones ascend: i <= j */
        size_t i = phi->ones[a];
        effect.mean += theta[i];
        effect.variance += p[at(dim, i, i)];
        for (size_t b = a + 1; b < phi->count; b++) {
            effect.variance += 2 * p[at(dim, i, phi->ones[b])];
        }
    }
    effect.variance = fmax(effect.variance, 0);
    return effect;
}

/* out[dim] = P phi. */
static void p_times_phi(const double *p, size_t dim, const struct effects_phi *phi, double *out) {
    memset(out, 0, dim * sizeof *out);
    for (size_t a = 0; a < phi->count; a++) {
        for (size_t j = 0; j < dim; j++) {
            out[j] += p[at_either(dim, phi->ones[a], j)];
        }
    }
}

static double phi_dot(const struct effects_phi *phi, const double *values) {
    double sum = 0;
    for (size_t a = 0; a < phi->count; a++) {
        sum += values[phi->ones[a]];
    }
    return sum;
}

bool effects_can_learn(const struct effects *effects, int index, const struct effects_phi *phi) {
    if (index <= EFFECTS_NONE) {
        return true;
    }
    size_t dim = (size_t)effects->dim;
    const double *theta = effects->moments + arm_offset(effects, index);
    double p_phi[EFFECTS_DIM_MAX];
    p_times_phi(theta + dim, dim, phi, p_phi);
    for (size_t i = 0; i < dim; i++) {
        if (!(fabs(theta[i]) <= ROW_VALUE_MAX) || !(fabs(p_phi[i]) <= ROW_VALUE_MAX)) {
            return false;
        }
    }
    return phi_dot(phi, p_phi) >= 0;
}

void effects_learn(struct effects *effects, int index, const struct effects_phi *phi,
                   const struct effects_outcome *outcome) {
    size_t dim = (size_t)effects->dim;
    double *theta = effects->moments + arm_offset(effects, index), *p = theta + dim;
    double p_phi[EFFECTS_DIM_MAX];
    p_times_phi(p, dim, phi, p_phi);
    double step = (outcome->label > 0.5 ? 1 : -1) * outcome->weight;
    if (!outcome->is_correction) {
        double s = fmax(phi_dot(phi, p_phi), 0);
        double w = outcome->p * (1 - outcome->p) * outcome->weight;
        double shrink = w / (1 + w * s);
        for (size_t i = 0; i < dim; i++) {
            for (size_t j = i; j < dim; j++) {
                *p++ -= shrink * p_phi[i] * p_phi[j];
            }
        }
        /* P_new phi = P phi / (1 + w s) */
        step = (outcome->label - outcome->p) * outcome->weight / (1 + w * s);
    }
    for (size_t i = 0; i < dim; i++) {
        theta[i] += p_phi[i] * step;
    }
    effects->learned[index]++;
}
