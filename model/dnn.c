#include "model/dnn.h"

static const struct learner_option dnn_options[] = {
    HEAD_OPTIONS(struct net_learner_options),
    NET_OPTIONS(struct net_learner_options, net,
                "embedding:8 dropout:0.2 dense:128:relu dropout:0.2 dense:1"),
};
#define dnn_base net_base
HEAD_KIND(dnn, "a network: embeddings, dense layers, dropout, layer norm",
          struct net_learner_options, net_batch_size);
