#include "model/ftrl.h"

#include <math.h>

double ftrl_weight(const struct ftrl_params *params, double z, double n) {
    if (fabs(z) <= params->l1) {
        return 0;
    }
    double shrunk = z - copysign(params->l1, z);
    return -shrunk / ((params->beta + sqrt(n)) / params->alpha + params->l2);
}

double ftrl_z_of(const struct ftrl_params *params, double w, double n) {
    return -w * ((params->beta + sqrt(n)) / params->alpha + params->l2) - copysign(params->l1, w);
}

void ftrl_step(const struct ftrl_params *params, double w, double gradient, double square,
               double *z, double *n) {
    double s = (sqrt(*n + square) - sqrt(*n)) / params->alpha;
    *z += gradient - s * w;
    *n += square;
}

struct ftrl_pull ftrl_pull_first(double p, double label, double weight) {
    double gradient = (p - label) * weight;
    return (struct ftrl_pull){gradient, gradient * gradient};
}

struct ftrl_pull ftrl_pull_correction(double p_first, double label, double weight) {
    double sign = label > 0.5 ? -1 : 1;
    double grown = -sign * (1 - 2 * p_first);
    return (struct ftrl_pull){sign * weight, fmax(0, grown) * weight * weight};
}

bool ftrl_slot_learn(const struct ftrl_params *params, struct ftrl_slot *slot,
                     const struct ftrl_pull *pull, double x) {
    double z = (double)slot->z, n = (double)slot->n;
    ftrl_step(params, (double)slot->w, pull->gradient * x, pull->square * x * x, &z, &n);
    struct ftrl_slot next = {.z = (float)z, .n = (float)n};
    /* From the rounded state: whoever loads the row finds the same weight. */
    next.w = (float)ftrl_weight(params, (double)next.z, (double)next.n);
    if (!isfinite(next.z) || !isfinite(next.n) || !isfinite(next.w)) {
        return false;
    }
    *slot = next;
    return true;
}
