#include "schemas/rows_plan.h"

const char *const label_names[LABEL_COUNT + 1] = {
    [LABEL_NOT_BOUGHT] = "not_bought",
    [LABEL_BOUGHT] = "bought",
    [LABEL_CANCELLED] = "cancelled",
    [LABEL_COUNT] = NULL,
};

/* What is learned from must be finite: a poisoned number is refused here, with its row. */
static const struct plan_op number_ops[] = {{PLAN_DOUBLE, PLAN_NULLABLE | PLAN_FINITE, 0, 0, NULL},
                                            ROW_END};
static const struct plan_op p_ops[] = {{PLAN_DOUBLE, PLAN_FINITE, 0, 0, NULL}, ROW_END};
static const struct plan_array score_p = ROW_ITEMS(learner_score_row, p, p_count, p_ops);
static const struct plan_op score_ops[] = {
    ROW_TEXT(learner_score_row, learner),
    ROW_FIELD(PLAN_LONG, learner_score_row, version_offset),
    ROW_ARRAY(learner_score_row, p, ROW_ACTIONS_MAX, &score_p),
    ROW_END,
};

static const struct plan_array numbers = ROW_ITEMS(example_row, numbers, number_count, number_ops);
static const struct plan_array names =
    ROW_ITEMS(example_row, names, name_count, row_text_optional_item);
static const struct plan_array actions = ROW_ITEMS(example_row, actions, action_count, row_action);
static const struct plan_array scores = ROW_ITEMS(example_row, scores, score_count, score_ops);

static const struct plan_array steps = ROW_ITEMS(example_row, steps, step_count, row_step);

#define FINITE(field)                                                                              \
    { PLAN_DOUBLE, PLAN_FINITE, offsetof(struct example_row, field), 0, NULL }

/* example.avsc, field by field. */
static const struct plan_op ops[] = {
    ROW_FIELD(PLAN_HASH, example_row, decision_id),
    ROW_FIELD(PLAN_INT, example_row, revision),
    ROW_TEXT(example_row, user_id),
    ROW_TEXT_OPTIONAL(example_row, subject_key_id),
    ROW_TEXT(example_row, origin),
    ROW_OPTIONAL(PLAN_HASH, example_row, episode_id),
    ROW_FIELD(PLAN_LONG, example_row, decided_ms),
    ROW_FIELD(PLAN_LONG, example_row, labelled_ms),
    ROW_FIELD(PLAN_INT, example_row, feature_version),
    ROW_ARRAY(example_row, numbers, ROW_NUMBERS_MAX, &numbers),
    ROW_ARRAY(example_row, names, ROW_NAMES_MAX, &names),
    ROW_TEXT(example_row, bucket),
    ROW_TEXT(example_row, action),
    FINITE(action_p),
    ROW_ARRAY(example_row, actions, ROW_ACTIONS_MAX, &actions),
    ROW_ARRAY(example_row, scores, ROW_LEARNERS_MAX, &scores),
    ROW_BOUND(PLAN_ENUM, example_row, label, LABEL_COUNT),
    ROW_FIELD(PLAN_BOOLEAN, example_row, is_retraction),
    {PLAN_DOUBLE, PLAN_NULLABLE | PLAN_FINITE, offsetof(struct example_row, net_margin), 0, NULL},
    FINITE(weight),
    ROW_FIELD(PLAN_BOOLEAN, example_row, is_censored_by_push),
    ROW_ARRAY(example_row, steps, ROW_STEPS_MAX, &steps),
    ROW_END,
};

void example_encode(const struct example_row *row, struct buffer *out) {
    plan_encode(ops, row, out);
}

bool example_decode(struct bytes body, struct example_row *out) {
    return plan_decode_body(ops, body, out) == WIRE_OK;
}

bool example_decode_first(struct bytes bodies, struct example_row *out, struct bytes *rest) {
    struct wire_reader reader = wire_reader_of(bodies);
    plan_decode(ops, &reader, out);
    *rest = bytes_of(reader.cursor, wire_left(&reader));
    return reader.verdict == WIRE_OK;
}
