#include "schemas/rows_plan.h"

/* control.avsc, field by field. */
static const struct plan_op ops[] = {
    ROW_TEXT(control_row, setting),
    ROW_TEXT(control_row, value),
    ROW_TEXT_OPTIONAL(control_row, changed_by),
    ROW_TEXT_OPTIONAL(control_row, why),
    ROW_FIELD(PLAN_LONG, control_row, changed_ms),
    ROW_END,
};

void control_encode(const struct control_row *row, struct buffer *out) {
    plan_encode(ops, row, out);
}

bool control_decode(struct bytes body, struct control_row *out) {
    return plan_decode_body(ops, body, out) == WIRE_OK;
}
