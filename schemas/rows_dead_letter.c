#include "schemas/rows_plan.h"

/* A null of a message is not the same as an empty run. */
#define ROW_MESSAGE_BYTES(row, field)                                                              \
    {                                                                                              \
        PLAN_BYTES, PLAN_NULLABLE | PLAN_KEEPS_EMPTY, offsetof(struct row, field),                 \
            ROW_BLOB_BYTES_MAX, NULL                                                               \
    }

static const struct plan_op header_ops[] = {
    ROW_BOUND(PLAN_BYTES, dead_letter_header, key, ROW_BLOB_BYTES_MAX),
    ROW_MESSAGE_BYTES(dead_letter_header, value),
    ROW_END,
};

static const struct plan_array headers =
    ROW_ITEMS(dead_letter_row, headers, header_count, header_ops);

/* dead_letter.avsc, field by field. */
static const struct plan_op ops[] = {
    ROW_TEXT(dead_letter_row, topic),
    ROW_FIELD(PLAN_INT, dead_letter_row, partition),
    ROW_FIELD(PLAN_LONG, dead_letter_row, offset),
    ROW_OPTIONAL(PLAN_LONG, dead_letter_row, timestamp_ms),
    ROW_TEXT(dead_letter_row, reason),
    ROW_MESSAGE_BYTES(dead_letter_row, key),
    ROW_MESSAGE_BYTES(dead_letter_row, value),
    ROW_FIELD(PLAN_BOOLEAN, dead_letter_row, cut),
    ROW_ARRAY(dead_letter_row, headers, ROW_HEADERS_MAX, &headers),
    ROW_END,
};

void dead_letter_encode(const struct dead_letter_row *row, struct buffer *out) {
    plan_encode(ops, row, out);
}

bool dead_letter_decode(struct bytes body, struct dead_letter_row *out) {
    return plan_decode_body(ops, body, out) == WIRE_OK;
}
