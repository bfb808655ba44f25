/* logistic: the default learner. f(x): FTRL-proximal (McMahan et al., KDD'13, algorithm 1; METHODS
 * 1.2) over hashed slots and bucketed numerics (METHODS 0, rule 10). theta_a: a Bayesian linear
 * effect per arm on a small phi(x), full covariance, sequential Laplace updates (METHODS 0 rule 2,
 * 2.3, 2.4). Calibration: online Platt per origin and arm, shrunk to the whole (METHODS 1.7). */
#ifndef PROMOSTREAM_MODEL_LOGISTIC_H
#define PROMOSTREAM_MODEL_LOGISTIC_H

#include "model/learner.h"

/* At most 64 numbers, 32 names and LEARNER_ARMS_MAX - 1 configured arms. Rows of a learner with
 * other options, roles or feature version are refused (BAD_SIZE by the row b/options): the same
 * bytes would mean other weights. */
struct logistic_options {
    int bits;                   /* table of 2^bits weights, 10 .. 24 */
    double alpha, beta, l1, l2; /* FTRL-proximal */
    double prior_p;             /* base rate before any data: the bias starts at its logit */
    double effect_sd; /* prior deviation of an arm's effect between kinds of users, log-odds */
    double calibration_rate; /* step of the calibrator; 0 = no calibration */
    size_t cross_count;      /* pairs of names, hashed together */
    int crosses[LEARNER_CROSSES_MAX][2];
    size_t arm_name_count; /* names whose values move arms' effects; 7 values each, in order of
                              appearance, the others count as none */
    int arm_names[LEARNER_ARM_NAMES_MAX];
};
/* bits 18, alpha 0.01 (a decision has about 110 slots, which step together), beta 1, l1 0, l2 1,
 * prior_p 0.1, effect_sd 0.35, calibration_rate 0.005: tuned in the simulated shop, seeds 1 to 4.
 */
struct logistic_options logistic_options_default(void);

extern const struct learner_kind learner_logistic;

#endif
