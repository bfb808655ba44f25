/* judged: the evaluation of a part of the rows, whole and by slices: by the values of one column.
 * Beyond JUDGED_SLICES_MAX values the others are one slice. One thread.
 *
 *     judged_init -> judged_add ... -> judged_settle -> figures
 *
 * What was said of a decision is judged by its last label, when all rows are known (METHODS 0, rule
 * 6): its first label is that of the first half hour or day, later purchases and cancellations are
 * corrections. So it waits, in about 70 bytes, beside the 16 that the evaluation keeps of any row.
 */
#ifndef PROMOSTREAM_LEARN_JUDGED_H
#define PROMOSTREAM_LEARN_JUDGED_H

#include <stdio.h>

#include "base/buffer.h"
#include "base/slot_index.h"
#include "consumer/learn/evaluation.h"

#define JUDGED_SLICES_MAX 50

struct judged_slice {
    char *value;
    struct evaluation evaluation;
};

/* What was said of a decision, and its label as it is known now. */
struct promise {
    double p, label, weight; /* p, label: NaN = not known yet */
    uint64_t line;           /* of the correction that the label is from; 0 = of none */
};

struct judged {
    struct evaluation whole;
    FILE *predictions; /* borrowed: a line "p,label" for each row that is judged; NULL = nowhere */
    bool has_slices;
    struct judged_slice *slices; /* in order of appearance */
    size_t slice_count;
    struct promise *promises;
    size_t promise_count, promise_capacity;
    struct slot_index by_decision; /* its promise */
};

struct judged_row {
    double p, label, weight; /* p of a correction is not looked at */
    struct bytes slice;      /* not of a row with a decision: they have none */
    uint64_t decision;       /* hash; 0 = the row stands alone and is judged at once */
    bool is_correction;      /* of the decision's label; the one of the last line holds */
    uint64_t line;
};

void judged_init(struct judged *judged, enum task task, double threshold, bool has_slices);
void judged_clean_up(struct judged *judged); /* idempotent; a zeroed one is fine */
/* In any order. A decision's first row again is passed over, and so are corrections of decisions
 * that have none. Returns the loss by this label, as evaluation_add; of a correction 0. */
double judged_add(struct judged *judged, const struct judged_row *row);
/* Judges the decisions, in the order in which they were met. Idempotent; a zeroed one is fine. */
void judged_settle(struct judged *judged);

#endif
