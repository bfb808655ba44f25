#include "schemas/rows_plan.h"

static const struct plan_array score_p = ROW_ITEMS(learner_score_row, p, p_count, row_double_item);

const struct plan_op row_action[] = {
    ROW_TEXT(action_probability, action),
    ROW_FIELD(PLAN_DOUBLE, action_probability, p),
    ROW_OPTIONAL(PLAN_DOUBLE, action_probability, value),
    ROW_END,
};

const struct plan_op row_step[] = {
    ROW_FIELD(PLAN_WORD, behaviour_step, item),
    ROW_FIELD(PLAN_INT, behaviour_step, kind),
    {PLAN_DOUBLE, PLAN_NULLABLE | PLAN_FINITE, offsetof(struct behaviour_step, gap_s), 0, NULL},
    ROW_END,
};

const struct plan_op row_score[] = {
    ROW_TEXT(learner_score_row, learner),
    ROW_FIELD(PLAN_LONG, learner_score_row, version_offset),
    ROW_ARRAY(learner_score_row, p, ROW_ACTIONS_MAX, &score_p),
    ROW_END,
};

static const struct plan_array actions = ROW_ITEMS(decision_row, actions, action_count, row_action);
static const struct plan_array scores = ROW_ITEMS(decision_row, scores, score_count, row_score);
static const struct plan_array gates = ROW_ITEMS(decision_row, gates, gate_count, row_text_item);
static const struct plan_array items = ROW_ITEMS(decision_row, items, item_count, row_text_item);
static const struct plan_array numbers =
    ROW_ITEMS(decision_row, numbers, number_count, row_double_optional_item);
static const struct plan_array names =
    ROW_ITEMS(decision_row, names, name_count, row_text_optional_item);

static const struct plan_array steps = ROW_ITEMS(decision_row, steps, step_count, row_step);

/* decision.avsc, field by field. */
static const struct plan_op ops[] = {
    ROW_FIELD(PLAN_HASH, decision_row, decision_id),
    ROW_FIELD(PLAN_INT, decision_row, attempt),
    ROW_TEXT(decision_row, user_id),
    ROW_TEXT_OPTIONAL(decision_row, subject_key_id),
    ROW_TEXT_OPTIONAL(decision_row, canonical_id),
    ROW_BOUND(PLAN_ENUM, decision_row, trigger, TRIGGER_COUNT),
    ROW_FIELD(PLAN_LONG, decision_row, deadline_ms),
    ROW_FIELD(PLAN_LONG, decision_row, decided_ms),
    ROW_FIELD(PLAN_WORD, decision_row, anchor),
    ROW_OPTIONAL(PLAN_HASH, decision_row, episode_id),
    ROW_FIELD(PLAN_BOOLEAN, decision_row, is_followup),
    ROW_TEXT(decision_row, mode),
    ROW_TEXT(decision_row, bucket),
    ROW_ARRAY(decision_row, actions, ROW_ACTIONS_MAX, &actions),
    ROW_TEXT(decision_row, would_have),
    ROW_TEXT(decision_row, action),
    ROW_FIELD(PLAN_DOUBLE, decision_row, action_p),
    ROW_FIELD(PLAN_BOOLEAN, decision_row, sent),
    ROW_TEXT(decision_row, reason),
    ROW_ARRAY(decision_row, gates, ROW_GATES_MAX, &gates),
    ROW_OPTIONAL(PLAN_DOUBLE, decision_row, cart_value),
    ROW_TEXT_OPTIONAL(decision_row, currency),
    ROW_ARRAY(decision_row, items, ROW_ITEMS_MAX, &items),
    ROW_FIELD(PLAN_INT, decision_row, feature_version),
    ROW_ARRAY(decision_row, numbers, ROW_NUMBERS_MAX, &numbers),
    ROW_ARRAY(decision_row, names, ROW_NAMES_MAX, &names),
    ROW_FIELD(PLAN_WORD, decision_row, rule_fingerprint),
    ROW_TEXT(decision_row, policy),
    ROW_ARRAY(decision_row, scores, ROW_LEARNERS_MAX, &scores),
    ROW_ARRAY(decision_row, steps, ROW_STEPS_MAX, &steps),
    ROW_END,
};

void decision_encode(const struct decision_row *row, struct buffer *out) {
    plan_encode(ops, row, out);
}

bool decision_decode(struct bytes body, struct decision_row *out) {
    return plan_decode_body(ops, body, out) == WIRE_OK;
}
