#include "consumer/learn/batch.h"

#include <stdlib.h>

struct batch_slot {
    double *numbers;
    struct bytes *names;
    struct buffer texts;
    struct learner_feature *features;
    size_t feature_capacity;
    struct buffer kept;
};

/* Kinds whose step is made of a batch say so by an option. */
static bool steps_by_batch(const struct learner_kind *kind) {
    for (size_t i = 0; i < kind->option_count; i++) {
        if (strcmp(kind->options[i].name, "batch") == 0) {
            return true;
        }
    }
    return false;
}

static size_t size_of(const struct fitted *fitted, bool is_scored) {
    const struct learner_kind *kind = fitted->kind;
    if (!kind->learn_batch || !kind->batch_size || (is_scored && !steps_by_batch(kind))) {
        return 1;
    }
    size_t size = kind->batch_size(fitted->options);
    return size < 1 ? 1 : size > LEARNER_BATCH_MAX ? LEARNER_BATCH_MAX : size;
}

void batch_init(struct batch *batch, struct fitted *fitted, struct judged *judged) {
    *batch = (struct batch){.fitted = fitted, .judged = judged};
    batch->size = size_of(fitted, judged != NULL);
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
    return input;
}

/* ---- learning ---- */

static void judge(struct batch *batch, size_t i) {
    const struct learner_example *example = &batch->examples[i];
    double p;
    if (fitted_score(batch->fitted, &example->input, &p) == LEARNER_OK) {
        double loss = judged_add(batch->judged, p, example->label, example->weight,
                                 buffer_bytes(&batch->slots[i].kept));
        batch->counts.recent_loss += loss * example->weight;
        batch->counts.recent_weight += example->weight;
    }
}

void batch_flush(struct batch *batch) {
    if (batch->count == 0) {
        return;
    }
    const struct learner_kind *kind = batch->fitted->kind;
    enum learner_verdict verdicts[LEARNER_BATCH_MAX];
    for (size_t i = 0; batch->judged && i < batch->count; i++) {
        judge(batch, i);
    }
    if (batch->size == 1) {
        verdicts[0] = kind->learn(batch->fitted->memory, &batch->examples[0]);
    } else {
        kind->learn_batch(batch->fitted->memory, batch->examples, batch->count, verdicts);
    }
    for (size_t i = 0; i < batch->count; i++) {
        batch->counts.learned += verdicts[i] == LEARNER_OK;
        batch->counts.refused += verdicts[i] != LEARNER_OK;
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
