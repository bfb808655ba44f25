/* gru: f(x) by a network that also sees the last state of a gated recurrent unit over the user's
 * last steps (net.h, gru_cell.h): item, kind of event and gap. The state is computed from the steps
 * that an example or a decision carries, at each score: it is never stale. Without steps it is a
 * dnn. Options: struct net_learner_options. */
#ifndef PROMOSTREAM_MODEL_GRU_H
#define PROMOSTREAM_MODEL_GRU_H

#include "model/net_base.h"

extern const struct learner_kind learner_gru;

#endif
