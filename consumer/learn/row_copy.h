/* row_copy: a row that outlives the next one of its source, as a learner sees it: what waits in a
 * batch. One thread. */
#ifndef PROMOSTREAM_LEARN_ROW_COPY_H
#define PROMOSTREAM_LEARN_ROW_COPY_H

#include "consumer/learn/fitted.h"

struct row_copy {
    double *numbers;
    struct bytes *names;
    struct buffer texts, steps, kept;
    uint64_t line, decision;
    struct learner_feature *features;
    size_t feature_capacity;
};

void row_copy_init(struct row_copy *copy, const struct columns *columns);
void row_copy_clean_up(struct row_copy *copy); /* idempotent; a zeroed one is fine */
/* fitted_input of a copy of the row: it stays until the next call with the same copy, and the row
 * is left as it is. Copies row->kept, line and decision too. */
struct learner_input row_copy_input(struct row_copy *copy, struct fitted *fitted,
                                    const struct data_row *row);

#endif
