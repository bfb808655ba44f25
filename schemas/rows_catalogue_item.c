#include "schemas/rows_plan.h"

#define STOCK_UNKNOWN (-1)

/* catalogue_item.avsc, field by field. */
static const struct plan_op ops[] = {
    ROW_TEXT(catalogue_item_row, item_id),
    ROW_TEXT_OPTIONAL(catalogue_item_row, name),
    ROW_TEXT_OPTIONAL(catalogue_item_row, category),
    ROW_TEXT_OPTIONAL(catalogue_item_row, brand),
    ROW_TEXT_OPTIONAL(catalogue_item_row, image),
    ROW_TEXT_OPTIONAL(catalogue_item_row, url),
    ROW_OPTIONAL(PLAN_DOUBLE, catalogue_item_row, price),
    ROW_OPTIONAL(PLAN_DOUBLE, catalogue_item_row, margin),
    ROW_OPTIONAL(PLAN_LONG, catalogue_item_row, stock),
    ROW_END,
};

void catalogue_item_encode(const struct catalogue_item_row *row, struct buffer *out) {
    struct catalogue_item_row copy = *row;
    if (copy.stock == STOCK_UNKNOWN) {
        copy.stock = TIME_NONE; /* what a plan takes for a missing long */
    }
    plan_encode(ops, &copy, out);
}

bool catalogue_item_decode(struct bytes body, struct catalogue_item_row *out) {
    if (plan_decode_body(ops, body, out) != WIRE_OK) {
        return false;
    }
    if (out->stock == TIME_NONE) {
        out->stock = STOCK_UNKNOWN;
    }
    return true;
}
