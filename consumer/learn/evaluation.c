#include "consumer/learn/evaluation.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/rng.h"

#define P_LEAST        1e-15
#define ECE_BINS       20
#define FLOOR_DRAWS    20
#define FLOOR_ROWS_MAX 100000
#define DIGIT_BITS     11
#define DIGITS         6 /* 6 x 11 bits >= 64 */

const char *const task_names[] = {"binary", "regression", NULL};

void evaluation_init(struct evaluation *evaluation, enum task task, double threshold) {
    *evaluation = (struct evaluation){.task = task, .threshold = threshold};
}

void evaluation_clean_up(struct evaluation *evaluation) {
    free(evaluation->rows);
    evaluation->rows = NULL;
    evaluation->count = evaluation->capacity = 0;
}

static void keep(struct evaluation *evaluation, double p, double label, double weight) {
    if (evaluation->count == evaluation->capacity) {
        evaluation->capacity = evaluation->capacity ? 2 * evaluation->capacity : 4096;
        evaluation->rows =
            memory_grow(evaluation->rows, evaluation->capacity, sizeof *evaluation->rows);
    }
    evaluation->rows[evaluation->count++] = (struct judgement){p, (float)label, (float)weight};
}

double evaluation_loss(enum task task, double p, double label) {
    return task == TASK_REGRESSION ? (p - label) * (p - label)
                                   : -log(fmax(label > 0.5 ? p : 1 - p, P_LEAST));
}

double evaluation_add(struct evaluation *evaluation, double p, double label, double weight) {
    double error = p - label;
    evaluation->n++;
    evaluation->weight += weight;
    evaluation->label_sum += weight * label;
    evaluation->label_square += weight * label * label;
    evaluation->p_sum += weight * p;
    evaluation->square_error += weight * error * error;
    if (evaluation->task == TASK_REGRESSION) {
        return error * error;
    }
    assert(p >= 0 && p <= 1 && (label == 0 || label == 1));
    double loss = evaluation_loss(evaluation->task, p, label);
    evaluation->positives += label > 0.5;
    evaluation->loss += weight * loss;
    evaluation->hits[label > 0.5][p >= evaluation->threshold] += weight;
    keep(evaluation, p, label, weight);
    return loss;
}

/* ---- order ---- */

static uint64_t sort_key(const struct judgement *row) {
    uint64_t bits;
    memcpy(&bits, &row->p, sizeof bits);
    return bits; /* p >= +0: bits grow as numbers do */
}

static struct judgement *sort_by_digit(struct judgement *from, struct judgement *to, size_t count,
                                       int shift) {
    size_t at[(size_t)1 << DIGIT_BITS] = {0};
    const uint64_t mask = ((uint64_t)1 << DIGIT_BITS) - 1;
    for (size_t i = 0; i < count; i++) {
        at[(sort_key(&from[i]) >> shift) & mask]++;
    }
    for (size_t digit = 0, sum = 0; digit <= mask; digit++) {
        if (at[digit] == count) {
            return from; /* all alike */
        }
        size_t here = at[digit];
        at[digit] = sum;
        sum += here;
    }
    for (size_t i = 0; i < count; i++) {
        to[at[(sort_key(&from[i]) >> shift) & mask]++] = from[i];
    }
    return to;
}

/* By digits of the bits, lowest first: stable, and several times faster than comparing. */
static void sort_by_p(struct evaluation *evaluation) {
    if (evaluation->count == 0) {
        return;
    }
    struct judgement *rows = evaluation->rows;
    struct judgement *spare = memory_new(evaluation->count, sizeof *spare);
    for (size_t i = 0; i < evaluation->count; i++) {
        rows[i].p += 0.0; /* no -0 */
    }
    for (int digit = 0; digit < DIGITS; digit++) {
        struct judgement *sorted =
            sort_by_digit(rows, spare, evaluation->count, digit * DIGIT_BITS);
        if (sorted != rows) {
            spare = rows;
            rows = sorted;
        }
    }
    evaluation->rows = rows;
    evaluation->capacity = evaluation->count;
    free(spare);
}

/* ---- curves ---- */

/* From the highest p down, equal p at once. */
static void curves(const struct evaluation *evaluation, struct figures *out) {
    double positives = 0, negatives = 0, area = 0, average = 0;
    const struct judgement *rows = evaluation->rows;
    for (size_t i = evaluation->count; i > 0;) {
        double ties[2] = {0, 0};
        double p = rows[i - 1].p;
        for (; i > 0 && rows[i - 1].p == p; i--) {
            ties[rows[i - 1].label > 0.5F] += (double)rows[i - 1].weight;
        }
        area += ties[0] * (positives + 0.5 * ties[1]);
        positives += ties[1];
        negatives += ties[0];
        average += ties[1] * (positives / (positives + negatives));
    }
    bool has_both = positives > 0 && negatives > 0;
    out->auc = has_both ? area / (positives * negatives) : (double)NAN;
    out->pr_auc = has_both ? average / positives : (double)NAN;
}

/* ---- calibration ---- */

struct bin {
    size_t from, to;
    double p_sum, label_sum, variance; /* of the sum of labels if p is right */
};

/* Bins of equal weight over the sorted rows; returns how many have rows. */
static size_t fill_bins(const struct evaluation *evaluation, struct bin *bins) {
    size_t count = 0;
    double seen = 0;
    for (size_t i = 0; i < evaluation->count; i++) {
        const struct judgement *row = &evaluation->rows[i];
        double w = (double)row->weight;
        size_t wanted = (size_t)(seen / evaluation->weight * ECE_BINS);
        if (count == 0 || (wanted >= count && count < ECE_BINS)) {
            bins[count++] = (struct bin){.from = i};
        }
        struct bin *bin = &bins[count - 1];
        bin->to = i + 1;
        bin->p_sum += w * row->p;
        bin->label_sum += w * (double)row->label;
        bin->variance += w * w * row->p * (1 - row->p);
        seen += w;
    }
    return count;
}

/* |p - label| that the rows of a bin would show if labels were drawn by p. */
static double drawn_error(const struct evaluation *evaluation, const struct bin *bin,
                          struct rng *rng) {
    double sum = 0;
    for (int draw = 0; draw < FLOOR_DRAWS; draw++) {
        double labels = 0;
        for (size_t i = bin->from; i < bin->to; i++) {
            const struct judgement *row = &evaluation->rows[i];
            labels += rng_unit(rng) < row->p ? (double)row->weight : 0;
        }
        sum += fabs(labels - bin->p_sum);
    }
    return sum / FLOOR_DRAWS;
}

static void calibration(const struct evaluation *evaluation, uint64_t seed, struct figures *out) {
    struct bin bins[ECE_BINS];
    size_t count = fill_bins(evaluation, bins);
    struct rng rng = rng_make(seed, 0);
    double errors = 0, floors = 0, variance = 0;
    for (size_t i = 0; i < count; i++) {
        errors += fabs(bins[i].p_sum - bins[i].label_sum);
        floors += evaluation->count <= FLOOR_ROWS_MAX ? drawn_error(evaluation, &bins[i], &rng)
                                                      : sqrt(2 * bins[i].variance / acos(-1.0));
        variance += bins[i].variance;
    }
    out->ece = errors / evaluation->weight;
    out->ece_floor = floors / evaluation->weight;
    if (evaluation->label_sum > 0) {
        double sd = sqrt(variance), labels = evaluation->label_sum;
        out->calibration_ratio = evaluation->p_sum / labels;
        out->calibration_low = evaluation->p_sum / (labels + 1.96 * sd);
        out->calibration_high =
            labels > 1.96 * sd ? evaluation->p_sum / (labels - 1.96 * sd) : (double)NAN;
    }
}

/* ---- figures ---- */

static double share(double part, double whole) {
    return whole > 0 ? part / whole : (double)NAN;
}

static double entropy(double rate) {
    double sum = 0;
    sum -= rate > 0 ? rate * log(rate) : 0;
    sum -= rate < 1 ? (1 - rate) * log(1 - rate) : 0;
    return sum;
}

static void at_threshold(const struct evaluation *evaluation, struct figures *out) {
    const double(*hits)[2] = evaluation->hits;
    double rate = evaluation->label_sum / evaluation->weight;
    out->accuracy = (hits[0][0] + hits[1][1]) / evaluation->weight;
    out->majority_accuracy = fmax(rate, 1 - rate);
    out->precision = share(hits[1][1], hits[0][1] + hits[1][1]);
    out->recall = share(hits[1][1], hits[1][0] + hits[1][1]);
    out->f1 = share(2 * hits[1][1], 2 * hits[1][1] + hits[0][1] + hits[1][0]);
}

struct figures evaluation_figures(struct evaluation *evaluation, uint64_t seed) {
    const double none = (double)NAN;
    struct figures out = {evaluation->task,
                          evaluation->n,
                          evaluation->positives,
                          evaluation->threshold,
                          none,
                          none,
                          none,
                          none,
                          none,
                          none,
                          none,
                          none,
                          none,
                          none,
                          none,
                          none,
                          none,
                          none,
                          none,
                          none,
                          none};
    if (!(evaluation->weight > 0)) {
        return out;
    }
    double mean = evaluation->label_sum / evaluation->weight;
    double variance = evaluation->label_square / evaluation->weight - mean * mean;
    out.rmse = sqrt(evaluation->square_error / evaluation->weight);
    out.constant_rmse = sqrt(fmax(variance, 0));
    if (evaluation->task == TASK_REGRESSION) {
        return out;
    }
    out.logloss = evaluation->loss / evaluation->weight;
    out.constant_logloss = entropy(mean);
    out.ne = share(out.logloss, out.constant_logloss);
    at_threshold(evaluation, &out);
    sort_by_p(evaluation);
    curves(evaluation, &out);
    calibration(evaluation, seed, &out);
    return out;
}
