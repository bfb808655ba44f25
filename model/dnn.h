/* dnn: f(x) by a network of any layers (net.h), with a head: effects of offers, calibration,
 * logistic or squared loss (head.h). The default is the seed's: embedding, dropout, 128 ReLU,
 * dropout, one output; Adam. Options: struct net_learner_options. */
#ifndef PROMOSTREAM_MODEL_DNN_H
#define PROMOSTREAM_MODEL_DNN_H

#include "model/net_base.h"

extern const struct learner_kind learner_dnn;

#endif
