/* kind_scene: any learner kind with any settings, and a small stream for it: three numbers, three
 * names, four words of an open vocabulary, labels by a hidden rule. */
#ifndef PROMOSTREAM_TESTS_KIND_SCENE_H
#define PROMOSTREAM_TESTS_KIND_SCENE_H

#include "base/rng.h"
#include "model/learner_options.h"

#define KIND_NUMBERS  3
#define KIND_NAMES    3
#define KIND_FEATURES 4

extern const struct learner_space kind_space; /* without roles */

/* A learner; settings: "name=value,name=value", "" = all as usual. The test fails on a bad one. */
struct kind_learner {
    const struct learner_kind *kind;
    void *options, *memory;
    size_t bytes; /* of memory */
};
struct kind_learner kind_learner_new(const char *kind, const char *settings,
                                     const struct learner_space *space);
void kind_learner_free(struct kind_learner *learner);
enum learner_verdict kind_learn(struct kind_learner *learner,
                                const struct learner_example *example);
/* Score without an offer; the verdict must be OK. */
struct learner_arm_score kind_score(const struct kind_learner *learner,
                                    const struct learner_input *input);
/* The terms of its explanation add up to raw. */
void kind_expect_terms(const struct kind_learner *learner, const struct learner_input *input);
/* Its description says so many examples, and is cut. */
void kind_expect_description(const struct kind_learner *learner, int examples);

/* What was predicted, and what came of it. */
struct kind_judged {
    double p, label;
};
/* Probability that a 1 is ranked above a 0, ties half. Sorts them. */
double kind_area(struct kind_judged *judged, size_t count);

/* example.input points into it: it must not be copied. */
struct kind_example {
    double numbers[KIND_NUMBERS]; /* some missing, some large, some negative */
    char texts[KIND_NAMES][8];
    struct bytes names[KIND_NAMES];
    struct learner_feature features[KIND_FEATURES];
    double logit; /* of the hidden rule */
    struct learner_example example;
};
/* values: how many a name or word may have. */
void kind_example_draw(struct rng *rng, uint64_t values, struct kind_example *out);

#endif
