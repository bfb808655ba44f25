/* progress: progressive validation (METHODS 1.8 and 0, rules 6 and 11). When a decision's
 * attribution window is over, every learner is judged by the probability that it froze at the
 * decision for the action that was taken, per learner and origin: log-loss, normalised entropy
 * beside the constant model, AUC, calibration with its interval. Since the process began; in memory
 * only. Cells have one writing thread; any thread may read. */
#ifndef PROMOSTREAM_ROOMS_PROGRESS_H
#define PROMOSTREAM_ROOMS_PROGRESS_H

#include "base/metrics.h"
#include "schemas/rows.h"

#define PROGRESS_BINS 512 /* of the logit from -8 to 8, for the AUC */

struct progress_cell {
    struct metric n, positives;
    struct metric logloss_e6, p_e6, var_e6; /* sums, in millionths: of log-loss, p, p (1 - p) */
    struct metric negatives_at[PROGRESS_BINS], positives_at[PROGRESS_BINS];
};

struct progress {
    size_t learner_count;
    char learners[ROW_LEARNERS_MAX][24]; /* names, the champion first */
    struct progress_cell cells[ROW_LEARNERS_MAX][TRIGGER_COUNT];
};

void progress_init(struct progress *progress, size_t learner_count, const char *const *names);
/* The open decision's row as it was frozen, and what became of it. Learners that did not score it
 * are not judged. */
void progress_judge(struct progress *progress, const struct open_decision_row *row, bool is_bought);

/* A reader's view of one cell, or of the sum of several (zero it first). */
struct progress_view {
    double n, positives, logloss, p, var; /* sums */
    double negatives_at[PROGRESS_BINS], positives_at[PROGRESS_BINS];
};
void progress_add(struct progress_view *view, const struct progress_cell *cell);

struct progress_figures {
    double n, positives;
    double logloss;          /* mean, nats */
    double constant_logloss; /* of the constant model: entropy of positives / n */
    double ne;               /* logloss / constant_logloss */
    double auc;
    double ratio, ratio_low, ratio_high; /* bought / promised with its 95 % interval */
};
/* NaN where nothing can be said (n 0, no positives, no negatives). */
struct progress_figures progress_figures(const struct progress_view *view);

#endif
