#include <math.h>

#include "schemas/rows_plan.h"

#define OPEN_OFFER_BYTES sizeof(((struct open_decision *)NULL)->offer_id)

static const struct plan_array numbers =
    ROW_ITEMS(open_decision_row, numbers, number_count, row_double_optional_item);
static const struct plan_array names =
    ROW_ITEMS(open_decision_row, names, name_count, row_text_optional_item);
static const struct plan_array actions =
    ROW_ITEMS(open_decision_row, actions, action_count, row_action);
static const struct plan_array scores =
    ROW_ITEMS(open_decision_row, scores, score_count, row_score);

static const struct plan_array steps = ROW_ITEMS(open_decision_row, steps, step_count, row_step);

/* open_decision.avsc, field by field. A byte and an enum are the same on the wire. */
static const struct plan_op ops[] = {
    ROW_FIELD(PLAN_HASH, open_decision_row, open.id),
    ROW_TEXT(open_decision_row, user_id),
    ROW_TEXT_OPTIONAL(open_decision_row, subject_key_id),
    ROW_FIELD(PLAN_LONG, open_decision_row, open.deadline_ms),
    ROW_OPTIONAL(PLAN_LONG, open_decision_row, open.close_ms),
    ROW_OPTIONAL(PLAN_LONG, open_decision_row, open.redecide_ms),
    ROW_OPTIONAL(PLAN_LONG, open_decision_row, open.expires_ms),
    ROW_FIELD(PLAN_WORD, open_decision_row, open.anchor),
    ROW_BOUND(PLAN_BYTE, open_decision_row, open.trigger, TRIGGER_COUNT - 1),
    ROW_BOUND(PLAN_BYTE, open_decision_row, open.attempt, UINT8_MAX),
    ROW_BOUND(PLAN_BYTE, open_decision_row, open.flags, UINT8_MAX),
    ROW_OPTIONAL_BOUND(PLAN_CHARS, open_decision_row, open.offer_id, OPEN_OFFER_BYTES),
    ROW_TEXT(open_decision_row, action),
    ROW_FIELD(PLAN_DOUBLE, open_decision_row, action_p),
    ROW_TEXT(open_decision_row, bucket),
    ROW_OPTIONAL(PLAN_HASH, open_decision_row, episode_id),
    ROW_FIELD(PLAN_INT, open_decision_row, feature_version),
    ROW_ARRAY(open_decision_row, numbers, ROW_NUMBERS_MAX, &numbers),
    ROW_ARRAY(open_decision_row, names, ROW_NAMES_MAX, &names),
    ROW_OPTIONAL(PLAN_LONG, open_decision_row, open.decided_ms),
    ROW_ARRAY(open_decision_row, actions, ROW_ACTIONS_MAX, &actions),
    ROW_ARRAY(open_decision_row, scores, ROW_LEARNERS_MAX, &scores),
    ROW_OPTIONAL(PLAN_DOUBLE, open_decision_row, margin),
    ROW_FIELD(PLAN_DOUBLE, open_decision_row, weight),
    ROW_ARRAY(open_decision_row, steps, ROW_STEPS_MAX, &steps),
    ROW_END,
};

const struct plan_op row_open_state[] = {
    ROW_FIELD(PLAN_HASH, open_decision, id),
    ROW_FIELD(PLAN_LONG, open_decision, deadline_ms),
    ROW_OPTIONAL(PLAN_LONG, open_decision, close_ms),
    ROW_OPTIONAL(PLAN_LONG, open_decision, redecide_ms),
    ROW_OPTIONAL(PLAN_LONG, open_decision, expires_ms),
    ROW_FIELD(PLAN_WORD, open_decision, anchor),
    ROW_BOUND(PLAN_BYTE, open_decision, trigger, TRIGGER_COUNT - 1),
    ROW_BOUND(PLAN_BYTE, open_decision, attempt, UINT8_MAX),
    ROW_BOUND(PLAN_BYTE, open_decision, flags, UINT8_MAX),
    ROW_OPTIONAL_BOUND(PLAN_CHARS, open_decision, offer_id, OPEN_OFFER_BYTES),
    ROW_OPTIONAL(PLAN_LONG, open_decision, decided_ms),
    ROW_OPTIONAL(PLAN_LONG, open_decision, order_ms),
    ROW_FIELD(PLAN_WORD, open_decision, order_hash),
    ROW_OPTIONAL(PLAN_DOUBLE, open_decision, order_total),
    ROW_OPTIONAL(PLAN_DOUBLE, open_decision, refunded),
    ROW_BOUND(PLAN_BYTE, open_decision, revision, UINT8_MAX),
    ROW_END,
};

void open_decision_encode(const struct open_decision_row *row, struct buffer *out) {
    plan_encode(ops, row, out);
}

bool open_decision_decode(struct bytes body, struct open_decision_row *out) {
    bool is_whole = plan_decode_body(ops, body, out) == WIRE_OK;
    out->open.order_ms = TIME_NONE; /* what came later is in the user's state */
    out->open.order_total = out->open.refunded = (double)NAN;
    out->open.order_hash = 0;
    out->open.revision = 0;
    return is_whole;
}
