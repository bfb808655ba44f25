/* linear: f(x) = start + sum of w x over the features of an input (inputs.h), learned by any
 * optimizer (optimizer.h), in a table of weights (table.h); with a head: effects of offers,
 * calibration, logistic or squared loss (head.h).
 *
 * Uncertainty is sum of x^2 / (1 + n), n the weight's sum of squared gradients (METHODS 0, rule 9),
 * whatever the optimizer. half_life_days > 0: what a weight has summed up is halved for each half
 * life of event time that went by since it was met, the weight itself stays (METHODS 1.2).
 *
 * A slot is (z, n) for ftrl, whose weight is derived when it is read, (w, n) for adagrad, and (w,
 * n, state of the optimizer) for the others; with a half life, also the time at which it was met.
 * Features of one example that share a slot all step from what it was before, in ftrl; one after
 * another, otherwise. */
#ifndef PROMOSTREAM_MODEL_LINEAR_H
#define PROMOSTREAM_MODEL_LINEAR_H

#include "model/head.h"
#include "model/inputs.h"
#include "model/optimizer.h"
#include "model/table.h"

struct linear_options {
    struct head_options head; /* first */
    struct inputs_options inputs;
    struct optimizer_options optimizer;
    struct table_options table;
    double half_life_days; /* 0 = nothing is forgotten */
};

extern const struct learner_kind learner_linear;
/* Without the head; options: struct linear_options. */
extern const struct base_kind linear_base;

#endif
