#include "schemas/rows_plan.h"

/* model_row.avsc, field by field. */
static const struct plan_op ops[] = {
    ROW_TEXT(model_row, learner),
    ROW_TEXT(model_row, row),
    ROW_TEXT(model_row, kind),
    ROW_OPTIONAL_BOUND(PLAN_BYTES, model_row, values, ROW_BLOB_BYTES_MAX),
    ROW_FIELD(PLAN_LONG, model_row, version_offset),
    ROW_END,
};

void model_row_encode(const struct model_row *row, struct buffer *out) {
    plan_encode(ops, row, out);
}

bool model_row_decode(struct bytes body, struct model_row *out) {
    return plan_decode_body(ops, body, out) == WIRE_OK;
}
