#include "model/gru.h"

static const struct learner_option gru_options[] = {
    HEAD_OPTIONS(struct net_learner_options),
    NET_OPTIONS(struct net_learner_options, net,
                "embedding:8 dropout:0.2 dense:64:relu dropout:0.2 dense:1"),
    NET_OPTION(struct net_learner_options, net, hidden, "32", 1, GRU_HIDDEN_MAX,
               "numbers in the recurrent unit's state"),
    NET_OPTION(struct net_learner_options, net, steps, "20", 1, NET_STEPS_MAX,
               "last steps of a user that are looked at, and learned through"),
};

#define gru_base net_base
HEAD_KIND(gru, "a recurrent network over the user's last steps, beside the rest",
          struct net_learner_options, net_batch_size);
