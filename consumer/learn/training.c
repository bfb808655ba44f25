#include "consumer/learn/training.h"

#include <math.h>
#include <stdlib.h>

#include "base/rng.h"

#define REPORT_ROWS    1024
#define IMPROVES_BY    1e-4
#define SHUFFLE_STREAM 1

struct run {
    struct fitted *fitted;
    const struct training_settings *settings;
    struct dataset *data;
    uint32_t *order;
    size_t count;
    training_report *report;
    void *context;
    int64_t learned;
    bool is_stopped;
    void *best; /* copy of the memory after the best pass; NULL = none yet */
};

static void shuffle(struct run *run, int64_t pass) {
    struct rng rng = rng_make(run->fitted->seed, SHUFFLE_STREAM + (uint64_t)pass);
    for (size_t i = run->count; i > 1; i--) {
        size_t j = rng_below(&rng, i);
        uint32_t other = run->order[j];
        run->order[j] = run->order[i - 1];
        run->order[i - 1] = other;
    }
}

static void tell(struct run *run, struct batch *batch, int64_t pass, size_t done,
                 double valid_loss) {
    struct batch_counts *counts = &batch->counts;
    double all = (double)run->count * (double)run->settings->passes;
    double before = (double)run->count * (double)(pass - 1);
    struct training_moment moment = {.pass = pass,
                                     .rows = run->learned + counts->learned,
                                     .loss = counts->recent_weight > 0
                                                 ? counts->recent_loss / counts->recent_weight
                                                 : (double)NAN,
                                     .valid_loss = valid_loss,
                                     .share = (before + (double)done) / all};
    counts->recent_loss = counts->recent_weight = 0;
    run->is_stopped = !run->report(run->context, &moment) || run->is_stopped;
}

static void one_pass(struct run *run, struct batch *batch, int64_t pass) {
    for (size_t i = 0; i < run->count && !run->is_stopped; i++) {
        struct data_row row;
        dataset_get(run->data, run->order[i], &row);
        batch_add(batch, &row, (uint64_t)pass, run->order[i]);
        if (i % REPORT_ROWS == REPORT_ROWS - 1) {
            tell(run, batch, pass, i + 1, (double)NAN);
        }
    }
    batch_flush(batch);
}

bool training_judge_row(struct fitted *fitted, struct data_row *row, struct judged *out) {
    struct judged_row judged = {.label = row->label,
                                .weight = row->weight,
                                .slice = row->kept,
                                .decision = row->decision,
                                .is_correction = row->is_correction,
                                .line = row->line};
    if (!row->is_correction) {
        struct learner_input input = fitted_input(fitted, row);
        if (fitted_score(fitted, &input, &judged.p) != LEARNER_OK) {
            return false;
        }
    }
    judged_add(out, &judged);
    return true;
}

int64_t training_judge(struct fitted *fitted, struct dataset *data, const uint32_t *rows,
                       size_t count, struct judged *out) {
    int64_t refused = 0;
    double *numbers = memory_new(fitted->columns.number_count + 1, sizeof *numbers);
    for (size_t i = 0; i < count; i++) {
        struct data_row row;
        dataset_get(data, rows[i], &row);
        if (fitted->columns.number_count > 0) { /* the data set's own stay as they are */
            memcpy(numbers, row.numbers, fitted->columns.number_count * sizeof *numbers);
        }
        row.numbers = numbers;
        refused += !training_judge_row(fitted, &row, out);
    }
    judged_settle(out);
    free(numbers);
    return refused;
}

static double valid_loss(struct run *run, const uint32_t *valid, size_t count) {
    struct evaluation *evaluation;
    struct judged judged;
    judged_init(&judged, run->fitted->columns.task, 0.5, false);
    training_judge(run->fitted, run->data, valid, count, &judged);
    evaluation = &judged.whole;
    double loss =
        run->fitted->columns.task == TASK_REGRESSION ? evaluation->square_error : evaluation->loss;
    loss = evaluation->n > 0 ? loss / evaluation->weight : (double)INFINITY;
    judged_clean_up(&judged);
    return loss;
}

static void keep_best(struct run *run) {
    if (!run->best) {
        run->best = malloc(run->fitted->memory_bytes);
        if (!run->best) {
            abort();
        }
    }
    memcpy(run->best, run->fitted->memory, run->fitted->memory_bytes);
}

struct training_result training_run(struct fitted *fitted, const struct training_settings *settings,
                                    struct dataset *data, uint32_t *order, size_t count,
                                    const uint32_t *valid, size_t valid_count,
                                    training_report *report, void *context) {
    struct run run = {.fitted = fitted,
                      .settings = settings,
                      .data = data,
                      .order = order,
                      .count = count,
                      .report = report,
                      .context = context};
    struct training_result result = {.best_loss = (double)INFINITY};
    double to_beat = (double)INFINITY;
    int64_t waited = 0;
    for (int64_t pass = 1; pass <= settings->passes && !run.is_stopped; pass++) {
        struct batch batch;
        if (settings->is_shuffled) {
            shuffle(&run, pass);
        }
        batch_init(&batch, fitted, pass == 1 ? settings->progressive : NULL);
        one_pass(&run, &batch, pass);
        double loss = valid_count > 0 ? valid_loss(&run, valid, valid_count) : (double)NAN;
        tell(&run, &batch, pass, count, loss);
        run.learned += batch.counts.learned;
        result.refused += batch.counts.refused;
        batch_clean_up(&batch);
        result.passes = pass;
        result.best_pass = valid_count == 0 ? pass : result.best_pass;
        if (valid_count > 0 && (loss < result.best_loss || pass == 1)) {
            result.best_loss = loss;
            result.best_pass = pass;
            keep_best(&run);
        }
        waited = loss < to_beat - IMPROVES_BY ? 0 : waited + 1;
        to_beat = loss < to_beat - IMPROVES_BY ? loss : to_beat;
        if (valid_count > 0 && settings->patience > 0 && waited >= settings->patience) {
            break;
        }
    }
    if (run.best && result.best_pass != result.passes) {
        memcpy(fitted->memory, run.best, fitted->memory_bytes);
    }
    free(run.best);
    result.learned = run.learned;
    result.is_stopped = run.is_stopped;
    return result;
}
