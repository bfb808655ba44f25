/* progress: progressive validation (METHODS 1.8 and 0, rules 6 and 11). When a decision's
 * attribution window is over, every learner is judged by the probability that it froze at the
 * decision for the action that was taken, per learner and origin: log-loss, normalised entropy
 * beside the constant model, AUC, calibration with its interval. And, before any label, whether the
 * scores still look as they did: the population stability index. Since the process began; in memory
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

/* PSI = sum over bins of (a - e) ln(a / e): shares of the newest PROGRESS_PSI_WINDOW decisions at
 * triggers against the first PROGRESS_PSI_REFERENCE, by the logit of buying without an offer, half
 * a decision added to each bin. By custom .1 is worth a look and .25 is another population; chance
 * alone gives about .02. */
#define PROGRESS_PSI_BINS      32
#define PROGRESS_PSI_REFERENCE 2000
#define PROGRESS_PSI_WINDOW    1000
struct progress_psi {
    int64_t reference[PROGRESS_PSI_BINS], recent[PROGRESS_PSI_BINS]; /* the writing thread's */
    int64_t reference_count, recent_count;
    struct metric windows, psi_e6; /* whole windows so far; PSI of the last one, in millionths */
};

struct progress {
    size_t learner_count;
    char learners[ROW_LEARNERS_MAX][24]; /* names, the champion first */
    struct progress_cell cells[ROW_LEARNERS_MAX][TRIGGER_COUNT];
    struct progress_psi psi[ROW_LEARNERS_MAX];
};

void progress_init(struct progress *progress, size_t learner_count, const char *const *names);
/* The open decision's row as it was frozen, and what became of it. Learners that did not score it
 * are not judged. */
void progress_judge(struct progress *progress, const struct open_decision_row *row, bool is_bought);

/* A decision at a trigger was scored: this learner's probability of buying without an offer. One
 * that is no number is left out. */
void progress_watch(struct progress *progress, struct bytes learner, double p);

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
