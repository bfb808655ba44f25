#include "schemas/rows_plan.h"

const struct plan_op row_text_item[] = {{PLAN_TEXT, 0, 0, ROW_TEXT_BYTES_MAX, NULL}, ROW_END};
const struct plan_op row_text_optional_item[] = {
    {PLAN_TEXT, PLAN_NULLABLE, 0, ROW_TEXT_BYTES_MAX, NULL}, ROW_END};
const struct plan_op row_double_optional_item[] = {{PLAN_DOUBLE, PLAN_NULLABLE, 0, 0, NULL},
                                                   ROW_END};
const struct plan_op row_double_item[] = {{PLAN_DOUBLE, 0, 0, 0, NULL}, ROW_END};
