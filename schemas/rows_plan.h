/* rows_plan: how the tables of rows_*.c are spelled. Private to schemas/. */
#ifndef PROMOSTREAM_SCHEMAS_ROWS_PLAN_H
#define PROMOSTREAM_SCHEMAS_ROWS_PLAN_H

#include "schemas/plan.h"
#include "schemas/rows.h"

#define ROW_TEXT_BYTES_MAX (1 << 20)
#define ROW_BLOB_BYTES_MAX (1 << 30)

#define ROW_BOUND(code, row, field, bound)                                                         \
    { code, 0, offsetof(struct row, field), bound, NULL }
#define ROW_OPTIONAL_BOUND(code, row, field, bound)                                                \
    { code, PLAN_NULLABLE, offsetof(struct row, field), bound, NULL }
#define ROW_FIELD(code, row, field)    ROW_BOUND(code, row, field, 0)
#define ROW_OPTIONAL(code, row, field) ROW_OPTIONAL_BOUND(code, row, field, 0)
#define ROW_TEXT(row, field)           ROW_BOUND(PLAN_TEXT, row, field, ROW_TEXT_BYTES_MAX)
#define ROW_TEXT_OPTIONAL(row, field)  ROW_OPTIONAL_BOUND(PLAN_TEXT, row, field, ROW_TEXT_BYTES_MAX)
#define ROW_ARRAY(row, field, max, plan)                                                           \
    { PLAN_ARRAY, 0, offsetof(struct row, field), max, plan }
#define ROW_END                                                                                    \
    { PLAN_END, 0, 0, 0, NULL }

/* The plan of an array that lies in the row beside its count. */
#define ROW_ITEMS(row, field, count, item_ops)                                                     \
    {                                                                                              \
        .ops = item_ops, .count_offset = offsetof(struct row, count),                              \
        .item_size = sizeof(((struct row *)NULL)->field[0])                                        \
    }

/* Items that are one value each. */
extern const struct plan_op row_text_item[];            /* string */
extern const struct plan_op row_text_optional_item[];   /* ["null", "string"] */
extern const struct plan_op row_double_optional_item[]; /* ["null", "double"] */
extern const struct plan_op row_double_item[];          /* double */

/* struct action_probability, struct learner_score_row and struct behaviour_step. */
extern const struct plan_op row_action[];
extern const struct plan_op row_step[];
extern const struct plan_op row_score[];

/* struct open_decision as open_state of user_state.avsc. */
extern const struct plan_op row_open_state[];

#endif
