/* score: every learner's probabilities for a decision, champion and challengers alike, frozen with
 * it (METHODS 0, rule 6). Reads whole model versions between epochs, never within one; so does a
 * promotion: whoever is champion when an epoch begins decides in all of it. */
#ifndef PROMOSTREAM_ROOMS_SCORE_H
#define PROMOSTREAM_ROOMS_SCORE_H

#include "broker/broker.h"
#include "consumer/rooms/decision.h"
#include "consumer/rooms/models.h"

#define SCORE_METRICS(X)                                                                           \
    X(scored_total, COUNTER, "decisions scored by the champion")                                   \
    X(not_finite_total, COUNTER, "decisions that a learner could not score")                       \
    X(model_offset, GAUGE, "next example offset of the champion's version")                        \
    X(alarmed, GAUGE, "1 while the champion's calibration alarm is on: the written rule decides")  \
    X(champion, GAUGE,                                                                             \
      "index of the champion in learn.learners as listed at start, configured "                    \
      "champion first")                                                                            \
    X(champion_unknown, GAUGE,                                                                     \
      "1 while control names a learner that is not configured here: the "                          \
      "configured champion decides")                                                               \
    X(arms_mature, GAUGE, "offers that have left apprenticeship")
METRICS_STRUCT(score_metrics, SCORE_METRICS)

struct score {
    const struct learn_config *config;     /* borrowed */
    const struct decide_config *decide;    /* borrowed */
    struct model models[ROW_LEARNERS_MAX]; /* the configured champion first */
    size_t model_count;
    size_t order[ROW_LEARNERS_MAX];  /* of models in a decision's scores: the champion first */
    uint64_t arms[LEARNER_ARMS_MAX]; /* none, then the offers */
    size_t arm_count;
    uint64_t mature;  /* bit per offer that the champion may choose */
    bool is_cold;     /* the first poll has not ended */
    int64_t position; /* in the topic `model` */
    struct model_metrics model_metrics;
    struct score_metrics metrics;
};
void score_init(struct score *score, const struct learn_config *config,
                const struct decide_config *decide);
void score_clean_up(struct score *score);

/* Takes whole versions that have arrived in `model` (everything at the first call). */
MUST_CHECK struct failure score_poll(struct score *score, struct broker *broker);
/* The same record by record, for readers of their own (replay, tests); score_settle after the last
 * one of a cold start, and whenever versions may have been applied. */
void score_take_record(struct score *score, struct bytes key, struct bytes value);
void score_settle(struct score *score);

/* Makes the learner of that name champion, "" = the configured one; so too if there is none of that
 * name, which is counted. Between epochs only. */
void score_choose(struct score *score, const char *name);

/* Fills the scored part of the decision from its frozen features. Pure but for counters. */
void score_decision(struct score *score, struct decision *decision);

#endif
