#include "consumer/learn/batch.h"

#include <math.h>
#include <stdlib.h>

struct batch_slot {
    double *numbers;
    struct bytes *names;
    struct buffer texts;
    struct learner_feature *features;
    size_t feature_capacity;
    struct buffer steps, kept;
};

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
        batch->slots[i].numbers = memory_new(fitted->columns.number_count + 1, sizeof(double));
        batch->slots[i].names =
            memory_new(fitted->columns.name_count + 1, sizeof *batch->slots[i].names);
    }
}

void batch_clean_up(struct batch *batch) {
    for (size_t i = 0; i < batch->size; i++) {
        free(batch->slots[i].numbers);
        free(batch->slots[i].names);
        free(batch->slots[i].features);
        buffer_clean_up(&batch->slots[i].texts);
        buffer_clean_up(&batch->slots[i].steps);
        buffer_clean_up(&batch->slots[i].kept);
    }
    free(batch->slots);
    free(batch->examples);
    *batch = (struct batch){0};
}

/* ---- copies ---- */

static void copy_names(struct batch_slot *slot, const struct data_row *row, size_t count) {
    buffer_clear(&slot->texts);
    for (size_t i = 0; i < count; i++) {
        buffer_append(&slot->texts, row->names[i]);
    }
    const uint8_t *at = slot->texts.data;
    for (size_t i = 0; i < count; at += row->names[i].size, i++) {
        slot->names[i] = bytes_of(at, row->names[i].size);
    }
}

static void copy_features(struct batch_slot *slot, struct learner_input *input) {
    if (input->feature_count > slot->feature_capacity) {
        slot->feature_capacity = 2 * input->feature_count;
        slot->features =
            memory_grow(slot->features, slot->feature_capacity, sizeof *slot->features);
    }
    if (input->feature_count > 0) {
        memcpy(slot->features, input->features, input->feature_count * sizeof *slot->features);
    }
    input->features = slot->features;
}

/* The row as the learner sees it, in memory of the slot. */
static struct learner_input copy_input(struct batch *batch, struct batch_slot *slot,
                                       const struct data_row *row) {
    const struct columns *columns = &batch->fitted->columns;
    struct data_row copy = *row;
    if (columns->number_count > 0) {
        memcpy(slot->numbers, row->numbers, columns->number_count * sizeof(double));
    }
    if (columns->name_count > 0) {
        copy_names(slot, row, columns->name_count);
    }
    copy.numbers = slot->numbers;
    copy.names = slot->names;
    struct learner_input input = fitted_input(batch->fitted, &copy);
    if (batch->size > 1) {
        copy_features(slot, &input);
    }
    if (input.step_count > 0) {
        buffer_clear(&slot->steps);
        buffer_append(&slot->steps, bytes_of(input.steps, input.step_count * sizeof *input.steps));
        input.steps = (const void *)slot->steps.data;
    }
    return input;
}

/* ---- learning ---- */

static void judge(struct batch *batch, size_t i, double p) {
    const struct learner_example *example = &batch->examples[i];
    bool is_binary = batch->fitted->columns.task == TASK_BINARY; /* squared loss may leave [0, 1] */
    double loss = judged_add(batch->judged, is_binary ? fmin(fmax(p, 0), 1) : p, example->label,
                             example->weight, buffer_bytes(&batch->slots[i].kept));
    batch->counts.recent_loss += loss * example->weight;
    batch->counts.recent_weight += example->weight;
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
        if (is_learned && batch->judged && !batch->examples[i].is_correction) {
            judge(batch, i, p[i]);
        }
    }
    batch->count = 0;
}

void batch_add(struct batch *batch, struct data_row *row, uint64_t pass, uint64_t index) {
    struct batch_slot *slot = &batch->slots[batch->count];
    struct learner_input input = copy_input(batch, slot, row);
    if (batch->judged && batch->judged->has_slices) {
        buffer_clear(&slot->kept);
        buffer_append(&slot->kept, row->kept);
    }
    batch->examples[batch->count++] = fitted_example(batch->fitted, &input, row, pass, index);
    if (batch->count == batch->size) {
        batch_flush(batch);
    }
}
