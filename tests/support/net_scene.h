/* net_scene: the kinds that are networks, with settings of many sorts, and a stream for them: that
 * of kind_scene with sequences of steps, weights and corrections. */
#ifndef PROMOSTREAM_TESTS_NET_SCENE_H
#define PROMOSTREAM_TESTS_NET_SCENE_H

#include "tests/support/kind_scene.h"

#define NET_SCENE_STEPS 6 /* of a sequence */
#define NET_SCENE_BATCH 32
#define NET_CASES       7

/* by_heart: settings under which 32 rows are learned by heart, or NULL. */
struct net_case {
    const char *kind, *settings, *by_heart;
};
extern const struct net_case net_cases[NET_CASES]; /* the last is a gru of 4 steps */

struct net_drawn {
    struct kind_example it;
    struct behaviour_step steps[NET_SCENE_STEPS];
};
/* Example number i; it points into out. */
struct learner_example *net_draw(struct rng *rng, int i, struct net_drawn *out);
/* count examples in batches of NET_SCENE_BATCH; all must be learned. */
void net_scene_learn(struct kind_learner *learner, uint64_t seed, int count);

/* Learners are compared by their rows and scores: a batch leaves its traces on the workbench. */
void net_expect_same_rows(struct kind_learner *a, struct kind_learner *b);
void net_expect_same_scores(struct kind_learner *a, struct kind_learner *b);

#endif
