#include "consumer/learn/batch.h"

#include <math.h>
#include <stdlib.h>

static size_t size_of(const struct fitted *fitted) {
    const struct learner_kind *kind = fitted->kind;
    if (!kind->learn_batch || !kind->batch_size) {
        return 1;
    }
    size_t size = kind->batch_size(fitted->options);
    return size < 1 ? 1 : size > LEARNER_BATCH_MAX ? LEARNER_BATCH_MAX : size;
}

void batch_init(struct batch *batch, struct fitted *fitted, struct judged *judged) {
    *batch = (struct batch){.fitted = fitted, .judged = judged};
    batch->size = size_of(fitted);
    batch->slots = memory_new(batch->size, sizeof *batch->slots);
    batch->examples = memory_new(batch->size, sizeof *batch->examples);
    for (size_t i = 0; i < batch->size; i++) {
        row_copy_init(&batch->slots[i], &fitted->columns);
    }
}

void batch_clean_up(struct batch *batch) {
    for (size_t i = 0; i < batch->size; i++) {
        row_copy_clean_up(&batch->slots[i]);
    }
    free(batch->slots);
    free(batch->examples);
    *batch = (struct batch){0};
}

/* ---- learning ---- */

static void judge(struct batch *batch, size_t i, double p) {
    const struct learner_example *example = &batch->examples[i];
    bool is_binary = batch->fitted->columns.task == TASK_BINARY; /* squared loss may leave [0, 1] */
    const struct judged_row row = {.p = is_binary ? fmin(fmax(p, 0), 1) : p,
                                   .label = example->label,
                                   .weight = example->weight,
                                   .slice = buffer_bytes(&batch->slots[i].kept),
                                   .decision = batch->slots[i].decision,
                                   .is_correction = example->is_correction,
                                   .line = batch->slots[i].line};
    batch->counts.recent_loss += judged_add(batch->judged, &row) * row.weight;
    batch->counts.recent_weight += row.is_correction ? 0 : row.weight;
}

/* A kind that takes one example at a time. */
static enum learner_verdict learn_one(struct batch *batch, double *out_p) {
    const struct learner_example *example = &batch->examples[0];
    enum learner_verdict verdict = LEARNER_OK;
    if (batch->judged) {
        verdict = fitted_score(batch->fitted, &example->input, out_p);
    }
    return verdict == LEARNER_OK ? batch->fitted->kind->learn(batch->fitted->memory, example)
                                 : verdict;
}

void batch_flush(struct batch *batch) {
    if (batch->count == 0) {
        return;
    }
    enum learner_verdict verdicts[LEARNER_BATCH_MAX];
    double p[LEARNER_BATCH_MAX];
    if (batch->fitted->kind->learn_batch) {
        batch->fitted->kind->learn_batch(batch->fitted->memory, batch->examples, batch->count,
                                         verdicts, batch->judged ? p : NULL);
    } else {
        verdicts[0] = learn_one(batch, p);
    }
    for (size_t i = 0; i < batch->count; i++) {
        bool is_learned = verdicts[i] == LEARNER_OK;
        batch->counts.learned += is_learned;
        batch->counts.refused += !is_learned;
        if (is_learned && batch->judged) {
            judge(batch, i, p[i]);
        }
    }
    batch->count = 0;
}

void batch_add(struct batch *batch, const struct data_row *row, uint64_t pass, uint64_t index) {
    struct learner_input input = row_copy_input(&batch->slots[batch->count], batch->fitted, row);
    batch->examples[batch->count++] = fitted_example(batch->fitted, &input, row, pass, index);
    if (batch->count == batch->size) {
        batch_flush(batch);
    }
}
