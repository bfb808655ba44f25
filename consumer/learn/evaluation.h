/* evaluation: how good predictions were, beside a model that always says the same. Rows are added
 * one by one, figures are computed from all of them. One thread.
 *
 * Every sum is weighted; n counts rows. Probabilities are cut to [1e-15, 1 - 1e-15] for the log.
 * The constant model knows the mean label of these very rows: the best one that there is. Undefined
 * figures (area under the curve of one class, precision without a positive prediction) are NaN. */
#ifndef PROMOSTREAM_LEARN_EVALUATION_H
#define PROMOSTREAM_LEARN_EVALUATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum task { TASK_BINARY, TASK_REGRESSION, TASK_COUNT };
extern const char *const task_names[]; /* "binary", "regression", NULL */

struct judgement {
    double p;
    float label, weight;
};

struct evaluation {
    enum task task;
    double threshold;       /* from it on a probability counts as yes */
    struct judgement *rows; /* binary only */
    size_t count, capacity;
    int64_t n, positives;
    double weight, label_sum, label_square, p_sum, loss, square_error;
    double hits[2][2]; /* [label][prediction] */
};

void evaluation_init(struct evaluation *evaluation, enum task task, double threshold);
void evaluation_clean_up(struct evaluation *evaluation); /* idempotent; a zeroed one is fine */
/* -log of the probability of the label, or the squared error. */
double evaluation_loss(enum task task, double p, double label);
/* p: probability, or with regression the predicted value. Returns the row's loss. */
double evaluation_add(struct evaluation *evaluation, double p, double label, double weight);

struct figures {
    enum task task;
    int64_t n, positives;
    double threshold;
    double logloss, constant_logloss;
    double ne;     /* normalised entropy: logloss / constant_logloss */
    double auc;    /* exact; ties count half */
    double pr_auc; /* average precision: sum of precision x step in recall, ties in one step */
    double accuracy, majority_accuracy; /* of always saying what is more frequent */
    double precision, recall, f1;
    double calibration_ratio;                 /* sum of p / sum of labels */
    double calibration_low, calibration_high; /* 95 % of ratios of a model that is right lie so far
                                                 around what was seen */
    double ece;                               /* mean |p - label| over 20 bins of equal weight */
    double ece_floor;                         /* what a perfect model with these p would show */
    double rmse, constant_rmse;               /* of p with binary labels too */
};
/* Sorts the rows. Draws of the floor (20, up to 100,000 rows; beyond it the mean of half a normal
 * distribution, which differs by less than 1 %) come from the seed. */
struct figures evaluation_figures(struct evaluation *evaluation, uint64_t seed);

#endif
