#include "schemas/rows_plan.h"

static const struct plan_op side_ops[] = {
    ROW_TEXT(side_position, topic),
    ROW_FIELD(PLAN_LONG, side_position, next_offset),
    ROW_END,
};

static const struct plan_op model_ops[] = {
    ROW_TEXT(model_version, learner),
    ROW_FIELD(PLAN_LONG, model_version, version_offset),
    ROW_END,
};

static const struct plan_array models = ROW_ITEMS(journal_row, models, model_count, model_ops);
static const struct plan_array sides = ROW_ITEMS(journal_row, sides, side_count, side_ops);

_Static_assert(ROW_INPUTS_MAX == 2, "journal.avsc names its inputs");

/* journal.avsc, field by field. */
static const struct plan_op ops[] = {
    ROW_FIELD(PLAN_INT, journal_row, partition),
    ROW_FIELD(PLAN_LONG, journal_row, epoch),
    ROW_FIELD(PLAN_LONG, journal_row, from_offset[0]),
    ROW_FIELD(PLAN_LONG, journal_row, to_offset[0]),
    ROW_FIELD(PLAN_LONG, journal_row, from_offset[1]),
    ROW_FIELD(PLAN_LONG, journal_row, to_offset[1]),
    ROW_OPTIONAL(PLAN_LONG, journal_row, watermark_before_ms),
    ROW_OPTIONAL(PLAN_LONG, journal_row, watermark_after_ms),
    ROW_OPTIONAL(PLAN_LONG, journal_row, tick_ms),
    ROW_FIELD(PLAN_BOOLEAN, journal_row, fired_at_end),
    ROW_FIELD(PLAN_LONG, journal_row, wall_ms),
    ROW_ARRAY(journal_row, sides, ROW_SIDES_MAX, &sides),
    ROW_FIELD(PLAN_BOOLEAN, journal_row, paused),
    ROW_FIELD(PLAN_WORD, journal_row, config_fingerprint),
    ROW_TEXT(journal_row, binary),
    ROW_ARRAY(journal_row, models, ROW_LEARNERS_MAX, &models),
    ROW_END,
};

void journal_encode(const struct journal_row *row, struct buffer *out) {
    plan_encode(ops, row, out);
}

bool journal_decode(struct bytes body, struct journal_row *out) {
    return plan_decode_body(ops, body, out) == WIRE_OK;
}
