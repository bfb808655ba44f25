/* logistic: the default learner: head.h over f(x) = logit(prior_p) + sum of w x, FTRL-proximal
 * (McMahan et al., KDD'13, algorithm 1; METHODS 1.2) over the coordinates of slots.h (METHODS 0,
 * rule 10). The effect of `none`, the level, is learned where there are no offers, too.
 *
 * Rows, beside those of the head: w/ and wz/ (table.h), groups of (w, n) and of z. */
#ifndef PROMOSTREAM_MODEL_LOGISTIC_H
#define PROMOSTREAM_MODEL_LOGISTIC_H

#include "model/head.h"

/* At most 64 numbers, 32 names and LEARNER_ARMS_MAX - 1 configured arms. */
struct logistic_options {
    struct head_options head;
    int bits;                   /* table of 2^bits weights, 10 .. 24 */
    double alpha, beta, l1, l2; /* FTRL-proximal */
    size_t cross_count;         /* pairs of names, hashed together; not in the table of options */
    int crosses[LEARNER_CROSSES_MAX][2];
};
/* Defaults: bits 18, alpha 0.01 (a decision has about 110 slots, which step together), beta 1, l1
 * 0, l2 1, prior_p 0.1, effect_sd 0.35, calibration_rate 0.005: tuned in the simulated shop, seeds
 * 1 to 4. */
extern const struct learner_kind learner_logistic;

#endif
