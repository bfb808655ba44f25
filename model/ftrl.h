/* ftrl: FTRL-proximal, one coordinate at a time (McMahan et al., KDD'13, algorithm 1; METHODS 1.2;
 * the same steps as VW's inner_update_proximal). The kernel takes a gradient, not a loss.
 *
 *     w = 0                                               if |z| <= l1
 *       = -(z - sgn(z) l1) / ((beta + sqrt n)/alpha + l2) otherwise
 *     s = (sqrt(n + square) - sqrt n)/alpha;  z += g - s w;  n += square
 *
 * square is g^2, except when a label is taken back. */
#ifndef PROMOSTREAM_MODEL_FTRL_H
#define PROMOSTREAM_MODEL_FTRL_H

#include <stdbool.h>

struct ftrl_params {
    double alpha, beta, l1, l2;
};

double ftrl_weight(const struct ftrl_params *params, double z, double n);
/* The z whose weight is w (not 0) at this n. */
double ftrl_z_of(const struct ftrl_params *params, double w, double n);
/* w is the weight that the prediction was made with. */
void ftrl_step(const struct ftrl_params *params, double w, double gradient, double square,
               double *z, double *n);

/* What one example does to the logit: its gradient, and what it adds to n where x = 1. A coordinate
 * x sees gradient x and square x^2. */
struct ftrl_pull {
    double gradient, square;
};
/* Logistic loss: gradient (p - label) weight, square its square. */
struct ftrl_pull ftrl_pull_first(double p, double label, double weight);
/* The label was learned as 1 - label before and is taken back (METHODS 0, rule 5; 1.6). The
 * gradient at the old features, (p - label) - (p - (1 - label)), is -1 where the label becomes 1
 * and +1 where it becomes 0, whatever p is: the gradients of all revisions then sum to p_first -
 * label exactly. Only that sum is exact. The weights in between were those of the wrong label, so
 * later examples saw other p, and z holds the terms s w of that trajectory. n gets the difference
 * of the two squares, (1 - p_first)^2 - p_first^2 = 1 - 2 p_first or its opposite, never less than
 * 0: n is never taken back, or sqrt n could shrink and the learning rate grow. */
struct ftrl_pull ftrl_pull_correction(double p_first, double label, double weight);

/* State as it is stored and travels: w is derived from z and n whenever they change, and kept, so
 * that scoring needs neither z nor a square root. Steps are computed in double and rounded once. */
struct ftrl_slot {
    float w, n, z;
};
/* False if the result would not be finite: the slot is then as before. */
bool ftrl_slot_learn(const struct ftrl_params *params, struct ftrl_slot *slot,
                     const struct ftrl_pull *pull, double x);

#endif
