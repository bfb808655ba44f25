/* net_base: a net with a head, for the kinds that are nothing else: dnn, gru. */
#ifndef PROMOSTREAM_MODEL_NET_BASE_H
#define PROMOSTREAM_MODEL_NET_BASE_H

#include "model/net.h"

struct net_learner_options {
    struct head_options head; /* first */
    struct net_options net;
};

extern const struct base_kind net_base; /* options: struct net_learner_options */
/* The net in the memory of such a kind. */
const struct net *net_base_of(const void *memory);
/* As learner_kind.batch_size. */
size_t net_batch_size(const void *options);

#endif
