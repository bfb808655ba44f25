#include "model/effects.h"

#include <assert.h>
#include <math.h>

/* A new arm's own effect before any data; a component of level, and its bias. f(x) has seen the
 * same users, so that level is a correction, but one that is free to be large. */
#define NEW_ARM_SD    0.3
#define LEVEL_SD      0.7
#define LEVEL_BIAS_SD 1.0
/* Variance that the level's bias gains with each example: seasons move what everybody buys, and who
 * got which offer changes as well; without it a season would be taken for an offer's effect. */
#define LEVEL_WALK 2e-6
/* Of an offer of which little is known: the prior of 10 % off (METHODS 0, rule 2). */
#define USUAL_EFFECT 0.35

/* Components of phi in their order; names follow. */
#define AT_ORIGIN 1
#define AT_CART   (AT_ORIGIN + EFFECTS_ORIGINS)
#define AT_NEW    (AT_CART + EFFECTS_CARTS)
#define AT_NAMES  EFFECTS_FIXED

static const double cart_edges[EFFECTS_CARTS - 1] = {20, 40, 70, 120, 250};

/* The blocks: level, effect, own effects of arms. */
static size_t own_at(const struct effects *effects, int index) {
    assert(index > EFFECTS_NONE);
    return 2 * (size_t)effects->parts + (size_t)index - 1;
}

static size_t dim_of(const struct effects *effects) {
    return 2 * (size_t)effects->parts + effects->arm_count - 1;
}

/* Where P[i][j], j <= i, is within a triangle of rows. */
static size_t at(size_t i, size_t j) {
    return i * (i + 1) / 2 + j;
}

static double covariance(const struct effects *effects, size_t i, size_t j) {
    return effects->p[j <= i ? at(i, j) : at(j, i)];
}

static void set_prior(struct effects *effects, size_t i, double mean, double sd) {
    effects->theta[i] = mean;
    memset(effects->p + at(i, 0), 0, (i + 1) * sizeof *effects->p);
    effects->p[at(i, i)] = sd * sd;
}

/* With its prior: what was at this place is forgotten, with all that it shared with others. */
static void place_arm(struct effects *effects, int index, const struct learner_arm *arm) {
    size_t place = own_at(effects, index);
    effects->keys[index] = arm->key;
    effects->scales[index] =
        fmin(fmax(arm->prior_mean / USUAL_EFFECT, EFFECTS_SCALE_MIN), EFFECTS_SCALE_MAX);
    set_prior(effects, place, arm->prior_mean, arm->prior_sd);
    for (size_t i = place + 1; i < dim_of(effects); i++) {
        effects->p[at(i, place)] = 0;
    }
}

static void append_arm(struct effects *effects, const struct learner_arm *arm) {
    place_arm(effects, (int)effects->arm_count++, arm);
}

void effects_init(struct effects *effects, const struct learner_space *space, size_t arm_name_count,
                  const int *arm_names, double effect_sd, const struct learner_arm *arms,
                  size_t arm_count) {
    assert(arm_name_count <= LEARNER_ARM_NAMES_MAX && arm_count < LEARNER_ARMS_MAX);
    memset(effects, 0, sizeof *effects);
    effects->space = *space;
    effects->arm_name_count = arm_name_count;
    for (size_t i = 0; i < arm_name_count; i++) {
        assert(arm_names[i] >= 0 && (size_t)arm_names[i] < space->name_count);
        effects->arm_names[i] = arm_names[i];
    }
    effects->parts = EFFECTS_FIXED + EFFECTS_VALUES * (int)arm_name_count;
    effects->effect_sd = effect_sd;
    /* Ones of a typical phi: the bias, origin, cart, is_new and the names. */
    double part_sd = effect_sd / sqrt(4 + (double)arm_name_count);
    for (size_t i = 0; i < (size_t)effects->parts; i++) {
        set_prior(effects, i, 0, i == 0 ? LEVEL_BIAS_SD : LEVEL_SD);
    }
    for (size_t i = 0; i < (size_t)effects->parts; i++) {
        set_prior(effects, (size_t)effects->parts + i, 0, part_sd);
    }
    effects->keys[EFFECTS_NONE] = LEARNER_ARM_NONE;
    effects->arm_count = 1;
    effects->configured_count = arm_count;
    for (size_t i = 0; i < arm_count; i++) {
        assert(effects_find(effects, arms[i].key) == EFFECTS_UNKNOWN);
        effects->configured[i] = arms[i];
        append_arm(effects, &arms[i]);
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
        append_arm(effects, &(struct learner_arm){arm, 0, NEW_ARM_SD});
    }
    return index;
}

/* An arm that is not configured any more: there is one if the table is full and another is missing.
 */
static int find_retired(const struct effects *effects) {
    for (int i = 1; i < (int)effects->arm_count; i++) {
        bool is_configured = false;
        for (size_t k = 0; k < effects->configured_count; k++) {
            is_configured |= effects->configured[k].key == effects->keys[i];
        }
        if (!is_configured) {
            return i;
        }
    }
    assert(!"more arms are configured than there is room for");
    return EFFECTS_UNKNOWN;
}

uint64_t effects_admit_configured(struct effects *effects) {
    uint64_t placed = 0;
    for (size_t i = 0; i < effects->configured_count; i++) {
        const struct learner_arm *arm = &effects->configured[i];
        if (effects_find(effects, arm->key) != EFFECTS_UNKNOWN) {
            continue;
        }
        int old = effects->arm_count < LEARNER_ARMS_MAX ? EFFECTS_UNKNOWN : find_retired(effects);
        if (old == EFFECTS_UNKNOWN) {
            old = (int)effects->arm_count;
            append_arm(effects, arm);
        } else {
            place_arm(effects, old, arm);
        }
        placed |= UINT64_C(1) << old;
    }
    return placed;
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

static void admit_value(double *words, size_t count, struct bytes value) {
    if (value.size == 0 || find_value(words, count, value) >= 0) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (words[i] == 0) {
            words[i] = row_text_hash(value);
            return;
        }
    }
}

static bool is_observation(const struct effects *effects, const struct learner_input *input) {
    int origin = effects->space.origin;
    return origin >= 0 && bytes_equal(input->names[origin], bytes_of_text("observe"));
}

void effects_admit_values(struct effects *effects, const struct learner_input *input) {
    if (is_observation(effects, input)) {
        return;
    }
    if (effects->space.origin >= 0) {
        admit_value(effects->dictionary, EFFECTS_ORIGINS, input->names[effects->space.origin]);
    }
    for (size_t i = 0; i < effects->arm_name_count; i++) {
        double *words = effects->dictionary + EFFECTS_ORIGINS + EFFECTS_VALUES * i;
        admit_value(words, EFFECTS_VALUES, input->names[effects->arm_names[i]]);
    }
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

struct effects_phi effects_phi(const struct effects *effects, const struct learner_input *input) {
    struct effects_phi phi = {0};
    if (is_observation(effects, input)) {
        return phi;
    }
    phi.count = 1; /* the bias */
    const struct learner_space *space = &effects->space;
    if (space->origin >= 0) {
        int place = find_value(effects->dictionary, EFFECTS_ORIGINS, input->names[space->origin]);
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
    for (size_t i = 0; i < effects->arm_name_count; i++) {
        const double *words = effects->dictionary + EFFECTS_ORIGINS + EFFECTS_VALUES * i;
        int place = find_value(words, EFFECTS_VALUES, input->names[effects->arm_names[i]]);
        if (place >= 0) {
            phi.ones[phi.count++] = (uint8_t)(AT_NAMES + EFFECTS_VALUES * (int)i + place);
        }
    }
    return phi;
}

/* ---- sums over the ones of an example ---- */

struct ones {
    size_t count;
    size_t at[EFFECTS_TERMS_MAX];
    double x[EFFECTS_TERMS_MAX];
};

static void add_one(struct ones *ones, size_t at, double x) {
    ones->at[ones->count] = at;
    ones->x[ones->count++] = x;
}

static struct ones ones_of(const struct effects *effects, int index,
                           const struct effects_phi *phi) {
    struct ones ones = {0};
    for (size_t i = 0; i < phi->count; i++) {
        add_one(&ones, phi->ones[i], 1);
    }
    for (size_t i = 0; i < phi->count && index != EFFECTS_NONE; i++) {
        double scale = index > EFFECTS_NONE ? effects->scales[index] : EFFECTS_SCALE_UNKNOWN;
        add_one(&ones, (size_t)effects->parts + phi->ones[i], scale);
    }
    if (phi->count > 0 && index > EFFECTS_NONE) {
        add_one(&ones, own_at(effects, index), 1);
    }
    return ones;
}

double effects_mean(const struct effects *effects, int index, const struct effects_phi *phi) {
    struct ones ones = ones_of(effects, index, phi);
    double mean = 0;
    for (size_t i = 0; i < ones.count; i++) {
        mean += effects->theta[ones.at[i]] * ones.x[i];
    }
    return mean;
}

static double own_of_unknown(int a, int b, const struct effects_phi *phi) {
    bool is_unknown = phi->count > 0 && a == EFFECTS_UNKNOWN && b == EFFECTS_UNKNOWN;
    return is_unknown ? NEW_ARM_SD * NEW_ARM_SD : 0;
}

double effects_covariance(const struct effects *effects, int a, int b,
                          const struct effects_phi *phi) {
    struct ones left = ones_of(effects, a, phi), right = ones_of(effects, b, phi);
    double sum = own_of_unknown(a, b, phi);
    for (size_t i = 0; i < left.count; i++) {
        for (size_t j = 0; j < right.count; j++) {
            sum += left.x[i] * right.x[j] * covariance(effects, left.at[i], right.at[j]);
        }
    }
    return sum;
}

static double sum_of_block(const struct effects *effects, size_t first, size_t second,
                           const struct effects_phi *phi) {
    double sum = 0;
    for (size_t i = 0; i < phi->count; i++) {
        for (size_t j = 0; j < phi->count; j++) {
            sum += covariance(effects, first + phi->ones[i], second + phi->ones[j]);
        }
    }
    return sum;
}

static double sum_with_own(const struct effects *effects, size_t first, int index,
                           const struct effects_phi *phi) {
    double sum = 0;
    for (size_t i = 0; i < phi->count && index > EFFECTS_NONE; i++) {
        sum += covariance(effects, first + phi->ones[i], own_at(effects, index));
    }
    return sum;
}

void effects_covariances(const struct effects *effects, const int *indices, size_t count,
                         const struct effects_phi *phi, double *out) {
    size_t shared = (size_t)effects->parts;
    double level = sum_of_block(effects, 0, 0, phi), both = sum_of_block(effects, 0, shared, phi);
    double effect = sum_of_block(effects, shared, shared, phi);
    double scale[LEARNER_ARMS_MAX], level_own[LEARNER_ARMS_MAX], effect_own[LEARNER_ARMS_MAX];
    for (size_t i = 0; i < count; i++) {
        int a = indices[i];
        scale[i] = a == EFFECTS_NONE      ? 0
                   : a == EFFECTS_UNKNOWN ? EFFECTS_SCALE_UNKNOWN
                                          : effects->scales[a];
        level_own[i] = sum_with_own(effects, 0, a, phi);
        effect_own[i] = sum_with_own(effects, shared, a, phi);
        for (size_t j = 0; j <= i; j++) {
            int b = indices[j];
            bool have_own = phi->count > 0 && a > EFFECTS_NONE && b > EFFECTS_NONE;
            double own = have_own ? covariance(effects, own_at(effects, a), own_at(effects, b)) : 0;
            own += own_of_unknown(a, b, phi);
            out[i * count + j] = out[j * count + i] =
                level + (scale[i] + scale[j]) * both + scale[i] * scale[j] * effect + level_own[i] +
                level_own[j] + scale[i] * effect_own[j] + scale[j] * effect_own[i] + own;
        }
    }
}

/* ---- learning ---- */

/* out[dim] = P x; returns x' P x. */
static double p_times(const struct effects *effects, const struct ones *ones, double *out) {
    size_t dim = dim_of(effects);
    memset(out, 0, dim * sizeof *out);
    for (size_t k = 0; k < ones->count; k++) {
        for (size_t j = 0; j < dim; j++) {
            out[j] += ones->x[k] * covariance(effects, ones->at[k], j);
        }
    }
    double sum = 0;
    for (size_t k = 0; k < ones->count; k++) {
        sum += out[ones->at[k]] * ones->x[k];
    }
    return sum;
}

bool effects_can_learn(const struct effects *effects, int index, const struct effects_phi *phi) {
    struct ones ones = ones_of(effects, index, phi);
    double p_x[EFFECTS_DIM_MAX];
    double s = p_times(effects, &ones, p_x);
    for (size_t i = 0; i < dim_of(effects); i++) {
        if (!(fabs(effects->theta[i]) <= ROW_VALUE_MAX) || !(fabs(p_x[i]) <= ROW_VALUE_MAX)) {
            return false;
        }
    }
    return s >= 0;
}

void effects_learn(struct effects *effects, int index, const struct effects_phi *phi,
                   const struct effects_outcome *outcome) {
    if (phi->count == 0) {
        return;
    }
    struct ones ones = ones_of(effects, index, phi);
    size_t dim = dim_of(effects);
    double p_x[EFFECTS_DIM_MAX];
    double s = fmax(p_times(effects, &ones, p_x), 0);
    double step = (outcome->label > 0.5 ? 1 : -1) * outcome->weight;
    if (!outcome->is_correction) {
        double w = outcome->p * (1 - outcome->p) * outcome->weight;
        double shrink = w / (1 + w * s), *p = effects->p;
        for (size_t i = 0; i < dim; i++) {
            double scaled = shrink * p_x[i];
            for (size_t j = 0; j <= i; j++) {
                *p++ -= scaled * p_x[j];
            }
        }
        effects->p[at(0, 0)] += LEVEL_WALK;
        /* P_new x = P x / (1 + w s) */
        step = (outcome->label - outcome->p) * outcome->weight / (1 + w * s);
    }
    for (size_t i = 0; i < dim; i++) {
        effects->theta[i] += p_x[i] * step;
    }
    effects->learned++;
}
