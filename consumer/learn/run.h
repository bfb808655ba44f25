/* run: `promostream learn` without its command line: one plan in, a report and a fitted learner
 * out. Main thread. */
#ifndef PROMOSTREAM_LEARN_RUN_H
#define PROMOSTREAM_LEARN_RUN_H

#include "consumer/learn/columns_infer.h"
#include "consumer/learn/fitted.h"
#include "consumer/learn/report.h"
#include "consumer/learn/split.h"
#include "consumer/learn/training.h"

enum shuffle { SHUFFLE_AUTO, SHUFFLE_YES, SHUFFLE_NO };

struct learn_plan {
    struct source_config source;
    struct columns_request columns;
    const char *types_path, *save_types_path; /* NULL = none */
    const struct learner_kind *kind;
    void *options; /* of the kind; the run may set its base rate */
    bool is_prior_set;
    int64_t passes, patience;
    enum shuffle shuffle; /* auto: with several passes, unless rows have a time or are judged
                             progressively */
    bool is_progressive;
    const char *valid, *test; /* as split.h has them */
    int64_t gap_ms;
    uint64_t seed;
    bool drops_duplicates, skips_bad, keeps_outliers;
    size_t memory_max; /* bytes of rows */
    double threshold;
    const char *slice; /* column, NULL = none */
    FILE *predictions; /* of the first of these that is judged: progressive, test, valid; or NULL */
};

/* For a person who waits; moment.rows counts. Returns false to stop in order. */
struct run_listener {
    void (*on_columns)(void *context, const struct columns *columns); /* before learning */
    training_report *on_moment;
    void *context;
};

struct learn_run {
    struct fitted fitted; /* a loaded one is learned on */
    struct report report;
    struct judged parts[REPORT_PARTS];
    uint64_t data_fingerprint; /* of every good row, in their order */
    bool is_usage;             /* the failure is one of the command line */
};

/* run: all zero, or with a fitted learner that goes on learning. STOP with file, line and column.
 */
MUST_CHECK struct failure learn_run(const struct learn_plan *plan,
                                    const struct run_listener *listener, struct learn_run *run);
void learn_run_clean_up(struct learn_run *run); /* idempotent */

#endif
