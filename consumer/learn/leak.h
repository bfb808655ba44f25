/* leak: columns that know the future. A column that predicts the label by itself is as a rule
 * filled in after the event (the order's number, the reason of the return), and a model that learns
 * from it is worth nothing when it has to decide. Found in the first training rows; who only reads
 * the report is told. Binary labels. One thread.
 *
 * A number predicts by its order, up or down, a missing one below all. A category predicts by the
 * share of yes among the even rows of the same value, judged on the odd ones: a value that is never
 * the same twice predicts nothing. Features of an open vocabulary (VW text) are not looked at. */
#ifndef PROMOSTREAM_LEARN_LEAK_H
#define PROMOSTREAM_LEARN_LEAK_H

#include "consumer/learn/rows.h"

#define LEAK_ROWS_MAX  8192 /* fewer where there are more than 128 columns */
#define LEAK_CLASS_MIN 20   /* rows of either label, or nothing is said */
#define LEAK_AUC       0.99
#define LEAKS_MAX      16

struct leak {
    const char *column; /* borrowed of the columns */
    double auc;         /* of the column alone */
};

struct leak_watch {
    const struct columns *columns; /* borrowed */
    size_t width;                  /* numbers and names that are looked at */
    size_t count, capacity, most;  /* rows */
    uint64_t *cells;               /* [count x width]: bits of a number, hash of a category */
    bool *labels;                  /* [count] */
};

void leak_watch_init(struct leak_watch *watch, const struct columns *columns);
void leak_watch_clean_up(struct leak_watch *watch); /* idempotent; a zeroed one is fine */
/* A row that is trained on, before its numbers are cut. */
void leak_watch_add(struct leak_watch *watch, const struct data_row *row);
/* Those of LEAK_AUC and above, in the order of the columns; returns how many. */
size_t leak_watch_find(const struct leak_watch *watch, struct leak out[LEAKS_MAX]);

#endif
