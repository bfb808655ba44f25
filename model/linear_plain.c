/* linear: FTRL over a fixed table of (z, n): the case that has to be fast. An example's slots are
 * asked for all at once, gathered, stepped side by side in vectors, and what is added to them is
 * scattered back. Twin and oracle: ftrl.h in double (tests/unit/test_linear.c). */
#include <math.h>

#include "model/clones.h"
#include "model/linear_internal.h"

#define SLOT 2 /* floats: z, n */

struct plain {
    float alpha, beta, l1, l2;
};

static struct plain params_of(const struct linear *linear) {
    const struct ftrl_params *ftrl = &linear->optimizer.ftrl;
    return (struct plain){(float)ftrl->alpha, (float)ftrl->beta, (float)ftrl->l1, (float)ftrl->l2};
}

void linear_prefetch(const struct linear *linear, const struct learner_input *input) {
    const struct table *table = linear_table(linear);
    for (size_t i = 0; i < input->feature_count; i++) {
        table_prefetch(table, input->features[i].key);
    }
}

/* w and the root of n, as ftrl_weight. */
MODEL_CLONES
static void weights(const struct plain p, size_t count, const float *z, const float *n, float *root,
                    float *w) {
    for (size_t i = 0; i < count; i++) {
        root[i] = sqrtf(n[i]);
        float beyond = fabsf(z[i]) - p.l1;
        float size = beyond > 0 ? beyond : 0; /* fmaxf would be a call, and no vectors */
        w[i] = -copysignf(size, z[i]) / ((p.beta + root[i]) / p.alpha + p.l2);
    }
}

/* What is added to z and n. s in a form that does not cancel. */
MODEL_CLONES
static void steps(const struct plain p, struct ftrl_pull pull, size_t count, const float *x,
                  const float *n, const float *root, const float *w, float *dz, float *dn) {
    float gradient = (float)pull.gradient, square = (float)pull.square;
    for (size_t i = 0; i < count; i++) {
        dn[i] = square * x[i] * x[i];
        float sum = (sqrtf(n[i] + dn[i]) + root[i]) * p.alpha;
        float s = dn[i] > 0 ? dn[i] / sum : 0;
        dz[i] = gradient * x[i] - s * w[i];
    }
}

void linear_plain_gather(const struct linear *linear, struct linear_scratch *scratch) {
    const struct table *table = linear_table(linear);
    const struct input_feature *features = scratch->list.features;
    float *floats = table_at(table, table->floats_at);
    int shift = 64 - table->options.bits;
    size_t count = scratch->list.count;
    for (size_t i = 0; i < count; i++) {
        scratch->slots[i] = floats + SLOT * (size_t)(features[i].key >> shift);
        __builtin_prefetch(scratch->slots[i], 1);
    }
    for (size_t i = 0; i < count; i++) {
        scratch->x[i] = (float)features[i].x;
        scratch->z[i] = scratch->slots[i][0];
        scratch->n[i] = scratch->slots[i][1];
    }
    weights(params_of(linear), count, scratch->z, scratch->n, scratch->root, scratch->w);
}

struct base_output linear_plain_output(const struct linear *linear,
                                       const struct linear_scratch *scratch) {
    struct base_output output = {.logit = linear->start};
    for (size_t i = 0; i < scratch->list.count; i++) {
        output.logit += (double)scratch->w[i] * (double)scratch->x[i];
    }
    return output;
}

bool linear_plain_learn(struct linear *linear, struct linear_scratch *scratch,
                        const struct ftrl_pull *pull) {
    struct table *table = linear_table(linear);
    float *floats = table_at(table, table->floats_at);
    uint8_t *changed = table_at(table, table->changed_at);
    size_t count = scratch->list.count;
    int group_shift = __builtin_ctzll(SLOT * table->group);
    steps(params_of(linear), *pull, count, scratch->x, scratch->n, scratch->root, scratch->w,
          scratch->dz, scratch->dn);
    bool is_sane = true;
    for (size_t i = 0; i < count; i++) {
        is_sane &= fabsf(scratch->z[i] + scratch->dz[i]) <= (float)LINEAR_VALUE_MAX;
        is_sane &= scratch->n[i] + scratch->dn[i] <= (float)LINEAR_VALUE_MAX;
    }
    if (!is_sane) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        float *slot = scratch->slots[i];
        slot[0] += scratch->dz[i];
        slot[1] += scratch->dn[i];
        bit_set(changed, (size_t)(slot - floats) >> group_shift);
    }
    return true;
}
