#include "schemas/rows_plan.h"

static const struct plan_op item_ops[] = {
    ROW_TEXT(push_item, id),
    ROW_TEXT_OPTIONAL(push_item, name),
    ROW_OPTIONAL(PLAN_DOUBLE, push_item, price),
    ROW_TEXT_OPTIONAL(push_item, image),
    ROW_TEXT_OPTIONAL(push_item, url),
    ROW_END,
};

static const struct plan_array items = ROW_ITEMS(push_row, items, item_count, item_ops);

/* push.avsc, field by field. */
static const struct plan_op ops[] = {
    ROW_BOUND(PLAN_ENUM, push_row, kind, PUSH_REVOKED + 1),
    ROW_TEXT(push_row, push_id),
    ROW_FIELD(PLAN_HASH, push_row, decision_id),
    ROW_TEXT(push_row, user_id),
    ROW_TEXT_OPTIONAL(push_row, subject_key_id),
    ROW_BOUND(PLAN_ENUM, push_row, trigger, TRIGGER_COUNT),
    ROW_TEXT(push_row, offer_id),
    ROW_TEXT(push_row, offer_kind),
    ROW_OPTIONAL(PLAN_DOUBLE, push_row, offer_value),
    ROW_TEXT_OPTIONAL(push_row, channel),
    ROW_TEXT_OPTIONAL(push_row, locale),
    ROW_TEXT_OPTIONAL(push_row, currency),
    ROW_OPTIONAL(PLAN_LONG, push_row, not_before_ms),
    ROW_OPTIONAL(PLAN_LONG, push_row, expires_ms),
    ROW_ARRAY(push_row, items, ROW_ITEMS_MAX, &items),
    ROW_TEXT_OPTIONAL(push_row, coupon_code),
    ROW_TEXT_OPTIONAL(push_row, title),
    ROW_TEXT_OPTIONAL(push_row, body),
    ROW_TEXT_OPTIONAL(push_row, reason),
    ROW_END,
};

void push_encode(const struct push_row *row, struct buffer *out) {
    plan_encode(ops, row, out);
}

bool push_decode(struct bytes body, struct push_row *out) {
    return plan_decode_body(ops, body, out) == WIRE_OK;
}
