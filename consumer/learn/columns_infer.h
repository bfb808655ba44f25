/* columns_infer: what somebody asked a file's columns to be, and the rest from its first rows. */
#ifndef PROMOSTREAM_LEARN_COLUMNS_INFER_H
#define PROMOSTREAM_LEARN_COLUMNS_INFER_H

#include "consumer/learn/source.h"

/* Lists are names separated by commas, as options carry them; NULL = nothing was said. */
struct columns_request {
    const char *label, *positive, *weight, *time, *group;
    const char *numeric, *categorical, *ignore;
    const char *const *crosses; /* "d:e" */
    size_t cross_count;
    const char *const *missing;
    size_t missing_count;
    int task; /* enum task, -1 = as the label says */
};

/* columns: those of source_columns, types that a file gave set already. Types every column, finds
 * the label's rule, arranges. STOP says which column, what was found and what was expected. */
MUST_CHECK struct failure columns_infer(struct columns *columns, const struct source *source,
                                        const struct columns_request *request);

/* Bounds of outliers of the numeric columns, from the first rows. */
void columns_bound(struct columns *columns, const struct source *source);

#endif
