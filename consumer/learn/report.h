/* report: what a learning run came to, for people and for programs. Pure. */
#ifndef PROMOSTREAM_LEARN_REPORT_H
#define PROMOSTREAM_LEARN_REPORT_H

#include "base/buffer.h"
#include "consumer/learn/judged.h"
#include "consumer/learn/leak.h"

#define REPORT_SCHEMA_VERSION 1

/* Parts of the rows that are judged. */
enum report_part { REPORT_PROGRESSIVE, REPORT_TRAIN, REPORT_VALID, REPORT_TEST, REPORT_PARTS };
extern const char *const report_part_names[]; /* "progressive", "train", "valid", "test", NULL */

struct report {
    const char *input, *learner; /* borrowed */
    int64_t rows;                /* that were learned from, in the first pass */
    int64_t learned;             /* in all passes */
    int64_t bad, duplicates, in_gap, refused;
    int64_t of_known_groups; /* of rows that a time would hold out */
    bool is_stopped;         /* by a signal, before its end */
    int64_t corrections;     /* of rows: of earlier labels */
    int64_t margin_only;     /* examples without a new label, left out */
    int64_t passes, best_pass;
    double seconds;
    uint64_t seed;
    struct leak leaks[LEAKS_MAX]; /* columns that seem to know the future */
    size_t leak_count;
    struct judged *parts[REPORT_PARTS]; /* NULL = was not judged; sorted by writing */
};

/* The end report: figures beside those of the constant model, slices below. */
void report_write_text(const struct report *report, struct buffer *out);
/* One object and a newline: {"schema_version", "examples", "passes", "seconds",
 * "examples_per_second", "is_stopped", "leaks": [{"column", "auc"}],
 * "train"|"valid"|"test"|"progressive": {...} or null}; undefined = null. */
void report_write_json(const struct report *report, struct buffer *out);

#endif
