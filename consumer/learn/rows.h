/* rows: rows of a data file, typed by its columns, whatever the file is: CSV, VW text or an Avro
 * container of examples. One thread. */
#ifndef PROMOSTREAM_LEARN_ROWS_H
#define PROMOSTREAM_LEARN_ROWS_H

#include "consumer/learn/columns.h"

#define ROW_ERROR_BYTES_MAX 200

/* All pointers are lent until the next row. */
struct data_row {
    uint64_t line;        /* of the file, from 1; of a container: which record */
    uint64_t fingerprint; /* hash of its text */
    bool has_label;
    double label, weight;
    int64_t time_ms;     /* 0 = unknown */
    uint64_t group;      /* hash; of a row without a group its line's */
    double *numbers;     /* [columns number_count] */
    struct bytes *names; /* [columns name_count], crosses last */
    struct learner_feature *features;
    size_t feature_count;
    const struct behaviour_step *steps; /* oldest first */
    size_t step_count;
    uint64_t decision;   /* hash of the decision that the row tells of; 0 = it stands alone */
    bool is_correction;  /* of the decision's label, the opposite of which was learned before */
    bool is_margin_only; /* tells of the decision's margin alone: nothing to learn */
    struct bytes kept;   /* text of the column that was asked for: an id, a slice; "" */
};

enum row_verdict { ROW_OK, ROW_END, ROW_BAD, ROW_FAILED /* the file cannot be read on */ };

#endif
