/* batch: rows on their way into a learner: copied, so that they may come from a stream, and learned
 * a few at a time. One thread. */
#ifndef PROMOSTREAM_LEARN_BATCH_H
#define PROMOSTREAM_LEARN_BATCH_H

#include "consumer/learn/fitted.h"
#include "consumer/learn/judged.h"
#include "consumer/learn/row_copy.h"

struct batch_counts {
    int64_t learned, refused; /* refused: the result would not have been finite */
    double recent_loss,
        recent_weight; /* of rows that were scored; whoever reads them resets them */
};

struct batch {
    struct fitted *fitted; /* borrowed */
    struct judged *judged; /* borrowed: rows are scored before they are learned; NULL = they are not
                            */
    struct row_copy *slots; /* [size] */
    struct learner_example *examples;
    size_t size, count;
    struct batch_counts counts;
};

/* Of the size that the kind likes. Rows are scored with all before them learned; where one step is
 * made of a batch, with all batches before it. */
void batch_init(struct batch *batch, struct fitted *fitted, struct judged *judged);
void batch_clean_up(struct batch *batch); /* idempotent; a zeroed one is fine */
/* Copies the row and learns if the batch is full. */
void batch_add(struct batch *batch, const struct data_row *row, uint64_t pass, uint64_t index);
void batch_flush(struct batch *batch); /* learns what is there */

#endif
