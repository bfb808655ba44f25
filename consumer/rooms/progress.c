#include "consumer/rooms/progress.h"

#include <assert.h>
#include <math.h>

#define P_LEAST   1e-6 /* a probability beyond this is taken as this: log-loss stays finite */
#define LOGIT_MAX 8.0  /* the outermost bins hold everything beyond */
#define Z95       1.959963984540054

void progress_init(struct progress *progress, size_t learner_count, const char *const *names) {
    assert(learner_count <= ROW_LEARNERS_MAX);
    *progress = (struct progress){.learner_count = learner_count};
    for (size_t i = 0; i < learner_count; i++) {
        assert(strlen(names[i]) < sizeof progress->learners[i]);
        memcpy(progress->learners[i], names[i], strlen(names[i]) + 1);
    }
}

/* ---- Judging: the writing thread ---- */

/* learner_count if there is none of that name. */
static size_t index_of(const struct progress *progress, struct bytes learner) {
    size_t at = 0;
    while (at < progress->learner_count &&
           !bytes_equal(learner, bytes_of_text(progress->learners[at]))) {
        at++;
    }
    return at;
}

/* Index of the action taken in the eligible set; action_count if it is not in it. */
static size_t action_index(const struct open_decision_row *row) {
    size_t at = 0;
    while (at < row->action_count && !bytes_equal(row->actions[at].action, row->action)) {
        at++;
    }
    return at;
}

static size_t bin_of(double p, size_t bins) {
    double at = (log(p / (1 - p)) + LOGIT_MAX) * ((double)bins / (2 * LOGIT_MAX));
    return at < 0 ? 0 : at >= (double)bins ? bins - 1 : (size_t)at;
}

static void add_e6(struct metric *sum, double amount) {
    metric_add(sum, llround(amount * 1e6));
}

static void judge(struct progress_cell *cell, double promised, bool is_bought) {
    double p = fmin(fmax(promised, P_LEAST), 1 - P_LEAST);
    size_t bin = bin_of(p, PROGRESS_BINS);
    metric_add(&cell->n, 1);
    metric_add(&cell->positives, is_bought);
    metric_add(is_bought ? &cell->positives_at[bin] : &cell->negatives_at[bin], 1);
    add_e6(&cell->logloss_e6, -log(is_bought ? p : 1 - p));
    add_e6(&cell->p_e6, p);
    add_e6(&cell->var_e6, p * (1 - p));
}

void progress_judge(struct progress *progress, const struct open_decision_row *row,
                    bool is_bought) {
    size_t action = action_index(row);
    for (size_t i = 0; i < row->score_count && row->open.trigger < TRIGGER_COUNT; i++) {
        const struct learner_score_row *score = &row->scores[i];
        size_t learner = index_of(progress, score->learner);
        if (learner < progress->learner_count && action < row->action_count &&
            action < score->p_count && isfinite(score->p[action])) {
            judge(&progress->cells[learner][row->open.trigger], score->p[action], is_bought);
        }
    }
}

static double psi_of(const struct progress_psi *psi) {
    double sum = 0;
    for (size_t i = 0; i < PROGRESS_PSI_BINS; i++) {
        double e =
            ((double)psi->reference[i] + .5) / (PROGRESS_PSI_REFERENCE + PROGRESS_PSI_BINS / 2.);
        double a = ((double)psi->recent[i] + .5) / (PROGRESS_PSI_WINDOW + PROGRESS_PSI_BINS / 2.);
        sum += (a - e) * log(a / e);
    }
    return sum;
}

void progress_watch(struct progress *progress, struct bytes learner, double p) {
    size_t index = index_of(progress, learner);
    if (index == progress->learner_count || !isfinite(p)) {
        return;
    }
    struct progress_psi *psi = &progress->psi[index];
    size_t bin = bin_of(fmin(fmax(p, P_LEAST), 1 - P_LEAST), PROGRESS_PSI_BINS);
    if (psi->reference_count < PROGRESS_PSI_REFERENCE) {
        psi->reference_count++;
        psi->reference[bin]++;
        return;
    }
    psi->recent[bin]++;
    if (++psi->recent_count == PROGRESS_PSI_WINDOW) {
        metric_set(&psi->psi_e6, llround(psi_of(psi) * 1e6));
        metric_add(&psi->windows, 1);
        memset(psi->recent, 0, sizeof psi->recent);
        psi->recent_count = 0;
    }
}

/* ---- Figures: any thread ---- */

void progress_add(struct progress_view *view, const struct progress_cell *cell) {
    view->n += (double)metric_get(&cell->n);
    view->positives += (double)metric_get(&cell->positives);
    view->logloss += (double)metric_get(&cell->logloss_e6) / 1e6;
    view->p += (double)metric_get(&cell->p_e6) / 1e6;
    view->var += (double)metric_get(&cell->var_e6) / 1e6;
    for (size_t i = 0; i < PROGRESS_BINS; i++) {
        view->negatives_at[i] += (double)metric_get(&cell->negatives_at[i]);
        view->positives_at[i] += (double)metric_get(&cell->positives_at[i]);
    }
}

/* Share of pairs (bought, not bought) that are in the right order; pairs in one bin count half.
 * The counts come from the bins alone, so a view taken between two stores stays consistent. */
static double auc_of(const struct progress_view *view) {
    double ordered = 0, below = 0, positives = 0;
    for (size_t i = 0; i < PROGRESS_BINS; i++) {
        ordered += view->positives_at[i] * (below + view->negatives_at[i] / 2);
        below += view->negatives_at[i];
        positives += view->positives_at[i];
    }
    return positives > 0 && below > 0 ? ordered / (positives * below) : (double)NAN;
}

static double entropy_of(double share) {
    return share > 0 && share < 1 ? -share * log(share) - (1 - share) * log(1 - share)
                                  : (double)NAN;
}

struct progress_figures progress_figures(const struct progress_view *view) {
    struct progress_figures out = {.n = view->n,
                                   .positives = view->positives,
                                   .logloss = NAN,
                                   .constant_logloss = NAN,
                                   .ne = NAN,
                                   .auc = auc_of(view),
                                   .ratio = NAN,
                                   .ratio_low = NAN,
                                   .ratio_high = NAN};
    if (view->n > 0) {
        out.logloss = view->logloss / view->n;
        out.constant_logloss = entropy_of(view->positives / view->n);
        out.ne = out.logloss / out.constant_logloss;
    }
    if (view->p > 0) { /* Wald: under the promise the number of buyers has the variance var */
        double half = Z95 * sqrt(view->var) / view->p;
        out.ratio = view->positives / view->p;
        out.ratio_low = fmax(out.ratio - half, 0);
        out.ratio_high = out.ratio + half;
    }
    return out;
}
