/* judged: the evaluation of a part of the rows, whole and by slices: by the values of one column.
 * Beyond JUDGED_SLICES_MAX values the others are one slice. One thread. */
#ifndef PROMOSTREAM_LEARN_JUDGED_H
#define PROMOSTREAM_LEARN_JUDGED_H

#include <stdio.h>

#include "base/buffer.h"
#include "consumer/learn/evaluation.h"

#define JUDGED_SLICES_MAX 50

struct judged_slice {
    char *value;
    struct evaluation evaluation;
};

struct judged {
    struct evaluation whole;
    FILE *predictions; /* borrowed: a line "p,label" for each row that is added; NULL = nowhere */
    bool has_slices;
    struct judged_slice *slices; /* in order of appearance */
    size_t slice_count;
};

void judged_init(struct judged *judged, enum task task, double threshold, bool has_slices);
void judged_clean_up(struct judged *judged); /* idempotent; a zeroed one is fine */
/* Returns the row's loss, as evaluation_add. */
double judged_add(struct judged *judged, double p, double label, double weight, struct bytes slice);

#endif
