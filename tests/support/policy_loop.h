/* policy_loop: the trainer without a broker: examples are learned in order, mini-batches end at
 * fixed offsets, changed rows go through the codec of the topic `model` to the workers' side. */
#ifndef PROMOSTREAM_TESTS_POLICY_LOOP_H
#define PROMOSTREAM_TESTS_POLICY_LOOP_H

#include "consumer/pipeline_config.h"
#include "consumer/rooms/score.h"

struct policy_loop {
    const struct pipeline_config *config;
    struct model model;  /* the champion's, learning */
    int64_t next_offset; /* of examples */
    int64_t refused;
    struct buffer published; /* framed rows of the version that is not delivered yet: key, value */
    bool has_version;
};

/* config is borrowed. */
void policy_loop_init(struct policy_loop *loop, const struct pipeline_config *config);
void policy_loop_clean_up(struct policy_loop *loop);
/* One framed example, at the next offset. */
void policy_loop_learn(struct policy_loop *loop, struct bytes value);
/* Delivers the newest whole version, if there is one that was not delivered. */
void policy_loop_publish(struct policy_loop *loop, struct score *score);

#endif
