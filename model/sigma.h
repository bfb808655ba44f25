/* sigma: the logistic function and its inverse, in double. */
#ifndef PROMOSTREAM_MODEL_SIGMA_H
#define PROMOSTREAM_MODEL_SIGMA_H

#include <math.h>

static inline double sigma(double logit) {
    return 1 / (1 + exp(-logit));
}

/* 0 < p < 1. */
static inline double logit_of(double p) {
    return log(p) - log1p(-p);
}

#endif
