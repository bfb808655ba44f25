/* fm: factorisation machine (METHODS 1.4; Rendle 2010) over the features of an input (inputs.h):
 *
 *     f(x) = start + sum w_i x_i + 1/2 sum over f of ((sum v_if x_i)^2 - sum v_if^2 x_i^2)
 *
 * with a head (head.h). The bias takes no part in pairs. w and v have an optimizer each. A feature
 * that has no row yet counts with v = 0; its row starts at numbers drawn from its key. Uncertainty
 * is that of w alone (METHODS 0, rule 9).
 *
 * When scaled numbers move (inputs.h), w and the bias follow exactly, pairs in scale only: with
 * numbers = scale or both a prediction changes a little then. */
#ifndef PROMOSTREAM_MODEL_FM_H
#define PROMOSTREAM_MODEL_FM_H

#include "model/head.h"
#include "model/inputs.h"
#include "model/optimizer.h"
#include "model/table.h"

#define FM_K_MAX 64

struct fm_options {
    struct head_options head; /* first */
    struct inputs_options inputs;
    struct optimizer_options optimizer; /* of w */
    struct optimizer_options pairs;     /* of v */
    struct table_options table;
    int k;       /* length of v */
    double init; /* standard deviation of new v */
};

extern const struct learner_kind learner_fm;

#endif
