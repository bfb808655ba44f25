#include "consumer/rooms/score.h"

#include <assert.h>
#include <math.h>

#define METRICS_ROW_STRUCT struct score_metrics
METRICS_TABLE(score_metrics, SCORE_METRICS)
#undef METRICS_ROW_STRUCT

void score_init(struct score *score, const struct learn_config *config,
                const struct decide_config *decide) {
    const struct learner_config *learners[ROW_LEARNERS_MAX];
    *score = (struct score){.config = config, .decide = decide, .is_cold = true};
    score->model_count = learn_config_list(config, learners);
    for (size_t i = 0; i < score->model_count; i++) {
        model_init(&score->models[i], learners[i], decide);
        score->order[i] = i;
    }
    score->arms[score->arm_count++] = LEARNER_ARM_NONE;
    for (size_t i = 0; i < decide->offers.count; i++) {
        score->arms[score->arm_count++] =
            learner_arm_key(bytes_of_text(offers_get(decide, (int)i)->id));
    }
}

void score_clean_up(struct score *score) {
    for (size_t i = 0; i < score->model_count; i++) {
        model_clean_up(&score->models[i]);
    }
    score->model_count = 0;
}

void score_take_record(struct score *score, struct bytes key, struct bytes value) {
    for (size_t i = 0; i < score->model_count; i++) {
        if (model_take_record(&score->models[i], score->config,
                              score->decide->attribution_window_ms, key, value,
                              &score->model_metrics)) {
            return;
        }
    }
}

static const struct model *champion_of(const struct score *score) {
    return &score->models[score->order[0]];
}

/* An offer leaves apprenticeship by the champion's own record: enough decisions with it have
 * matured, and the first of them long enough ago (METHODS 0, rules 2 and 4). */
static bool is_mature(const struct score *score, uint64_t arm) {
    const struct model *champion = champion_of(score);
    struct track_arm track;
    return track_arm_of(champion->track, arm, &track) &&
           track.matured >= score->config->arm_decisions_min &&
           track_newest_ms(champion->track) - track.first_ms >= score->config->arm_age_min_ms;
}

static void look_at_champion(struct score *score) {
    const struct model *champion = champion_of(score);
    score->mature = 0;
    int64_t count = 0;
    for (size_t i = 1; i < score->arm_count; i++) {
        if (is_mature(score, score->arms[i])) {
            score->mature |= UINT64_C(1) << (i - 1);
            count++;
        }
    }
    metric_set(&score->metrics.champion, (int64_t)score->order[0]);
    metric_set(&score->metrics.arms_mature, count);
    metric_set(&score->metrics.model_offset, champion->version_offset);
    metric_set(&score->metrics.alarmed, champion->is_alarmed);
}

void score_settle(struct score *score) {
    for (size_t i = 0; i < score->model_count && score->is_cold; i++) {
        model_take_end(&score->models[i], score->config, score->decide->attribution_window_ms,
                       &score->model_metrics);
    }
    score->is_cold = false;
    look_at_champion(score);
}

void score_choose(struct score *score, const char *name) {
    size_t champion = 0;
    bool is_known = *name == '\0';
    for (size_t i = 0; i < score->model_count; i++) {
        if (strcmp(score->models[i].config->name, name) == 0) {
            champion = i;
            is_known = true;
        }
    }
    metric_set(&score->metrics.champion_unknown, !is_known);
    if (champion == score->order[0]) {
        return;
    }
    size_t next = 0;
    score->order[next++] = champion;
    for (size_t i = 0; i < score->model_count; i++) {
        if (i != champion) {
            score->order[next++] = i;
        }
    }
    look_at_champion(score);
}

static void visit(void *context, const struct record *record) {
    score_take_record(context, record->key, record->value);
}

struct failure score_poll(struct score *score, struct broker *broker) {
    int64_t before = metric_get(&score->model_metrics.versions_total);
    struct failure failure = broker_side_poll(broker, TOPIC_MODEL, visit, score, &score->position);
    if (!failed(failure) &&
        (score->is_cold || metric_get(&score->model_metrics.versions_total) != before)) {
        score_settle(score);
    }
    return failure;
}

static bool is_finite(const struct learner_scores *scores, size_t arm_count) {
    bool is_all = true;
    for (size_t i = 0; i < arm_count; i++) {
        const struct learner_arm_score *arm = &scores->arms[i];
        is_all = is_all && isfinite(arm->mean) && arm->p >= 0 && arm->p <= 1 &&
                 scores->covariance[i * arm_count + i] >= 0;
    }
    return is_all;
}

void score_decision(struct score *score, struct decision *decision) {
    struct learner_input input = {.numbers = decision->numbers,
                                  .names = decision->names,
                                  .steps = decision->steps,
                                  .step_count = decision->step_count};
    assert(decision->number_count == model_space.number_count &&
           decision->name_count == model_space.name_count);
    decision->learner_count = score->model_count;
    decision->mature = score->mature;
    decision->is_alarmed = champion_of(score)->is_alarmed;
    for (size_t i = 0; i < score->model_count; i++) {
        const struct model *model = &score->models[score->order[i]];
        struct learner_scores scores;
        bool is_scored = model->kind->score(model->memory, &input, score->arms, score->arm_count,
                                            &scores) == LEARNER_OK &&
                         is_finite(&scores, score->arm_count);
        decision->learners[i] = bytes_of_text(model->config->name);
        decision->version_offsets[i] = model->version_offset;
        for (size_t arm = 0; arm < score->arm_count; arm++) {
            decision->p[i][arm] = is_scored ? scores.arms[arm].p : (double)NAN;
        }
        metric_add(&score->metrics.not_finite_total, !is_scored);
        if (i == 0) {
            decision->arm_count = score->arm_count;
            decision->has_score = is_scored;
            if (is_scored) {
                decision->champion = scores;
            }
            metric_add(&score->metrics.scored_total, is_scored);
        }
    }
}
