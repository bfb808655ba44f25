#include "schemas/rows_plan.h"

/* dead_letter.avsc, field by field. */
static const struct plan_op ops[] = {
    ROW_TEXT(dead_letter_row, topic),
    ROW_FIELD(PLAN_INT, dead_letter_row, partition),
    ROW_FIELD(PLAN_LONG, dead_letter_row, offset),
    ROW_OPTIONAL(PLAN_LONG, dead_letter_row, timestamp_ms),
    ROW_TEXT(dead_letter_row, reason),
    ROW_OPTIONAL_BOUND(PLAN_BYTES, dead_letter_row, key, ROW_BLOB_BYTES_MAX),
    ROW_OPTIONAL_BOUND(PLAN_BYTES, dead_letter_row, value, ROW_BLOB_BYTES_MAX),
    ROW_END,
};

void dead_letter_encode(const struct dead_letter_row *row, struct buffer *out) {
    plan_encode(ops, row, out);
}

bool dead_letter_decode(struct bytes body, struct dead_letter_row *out) {
    return plan_decode_body(ops, body, out) == WIRE_OK;
}
