#include "schemas/rows_plan.h"

static const struct plan_op hour_ops[] = {
    ROW_FIELD(PLAN_LONG, ledger_hour, hour),
    ROW_FIELD(PLAN_LONG, ledger_hour, used),
    ROW_END,
};

static const struct plan_array hours = ROW_ITEMS(partition_state_row, hours, hour_count, hour_ops);

_Static_assert(ROW_INPUTS_MAX == 2, "partition_state.avsc names its inputs");

/* partition_state.avsc, field by field. */
static const struct plan_op ops[] = {
    ROW_FIELD(PLAN_INT, partition_state_row, partition),
    ROW_FIELD(PLAN_LONG, partition_state_row, epoch),
    ROW_FIELD(PLAN_LONG, partition_state_row, next_offset[0]),
    ROW_FIELD(PLAN_LONG, partition_state_row, next_offset[1]),
    ROW_OPTIONAL(PLAN_LONG, partition_state_row, event_ms_max),
    ROW_OPTIONAL(PLAN_LONG, partition_state_row, watermark_ms),
    ROW_ARRAY(partition_state_row, hours, ROW_LEDGER_MAX, &hours),
    ROW_END,
};

void partition_state_encode(const struct partition_state_row *row, struct buffer *out) {
    plan_encode(ops, row, out);
}

bool partition_state_decode(struct bytes body, struct partition_state_row *out) {
    return plan_decode_body(ops, body, out) == WIRE_OK;
}
