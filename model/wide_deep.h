/* wide_deep: one logit by two parts: FTRL over a hashed table of weights (linear.h: buckets of
 * numbers, names, crosses), which remembers, and a network (net.h), which generalises; with a head
 * (head.h). The wide part steps example by example, with the gradients of the batch's step. */
#ifndef PROMOSTREAM_MODEL_WIDE_DEEP_H
#define PROMOSTREAM_MODEL_WIDE_DEEP_H

#include "model/net.h"

struct wide_deep_options {
    struct head_options head; /* first */
    struct net_options net;
    int wide_bits;                    /* the wide table has 2^bits slots */
    double wide_lr, wide_l1, wide_l2; /* of FTRL; lr is its alpha */
};

extern const struct learner_kind learner_wide_deep;

#endif
