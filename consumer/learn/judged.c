#include "consumer/learn/judged.h"

#include <math.h>
#include <stdlib.h>

#define OTHERS "(others)"

void judged_init(struct judged *judged, enum task task, double threshold, bool has_slices) {
    *judged = (struct judged){.has_slices = has_slices};
    evaluation_init(&judged->whole, task, threshold);
    slot_index_init(&judged->by_decision);
    if (has_slices) {
        judged->slices = memory_new(JUDGED_SLICES_MAX, sizeof *judged->slices);
    }
}

void judged_clean_up(struct judged *judged) {
    evaluation_clean_up(&judged->whole);
    for (size_t i = 0; i < judged->slice_count; i++) {
        evaluation_clean_up(&judged->slices[i].evaluation);
        free(judged->slices[i].value);
    }
    free(judged->slices);
    free(judged->promises);
    slot_index_clean_up(&judged->by_decision);
    *judged = (struct judged){0};
}

static struct judged_slice *slice_of(struct judged *judged, struct bytes value) {
    for (size_t i = 0; i < judged->slice_count; i++) {
        if (bytes_equal(bytes_of_text(judged->slices[i].value), value)) {
            return &judged->slices[i];
        }
    }
    if (judged->slice_count == JUDGED_SLICES_MAX) {
        return &judged->slices[JUDGED_SLICES_MAX - 1];
    }
    bool is_last = judged->slice_count == JUDGED_SLICES_MAX - 1;
    struct judged_slice *slice = &judged->slices[judged->slice_count++];
    slice->value = memory_copy_text(is_last ? bytes_of_text(OTHERS) : value);
    evaluation_init(&slice->evaluation, judged->whole.task, judged->whole.threshold);
    return slice;
}

static double judge(struct judged *judged, double p, double label, double weight,
                    struct bytes slice) {
    if (judged->predictions) {
        fprintf(judged->predictions, "%.9g,%.9g\n", p, label);
    }
    if (judged->has_slices) {
        evaluation_add(&slice_of(judged, slice)->evaluation, p, label, weight);
    }
    return evaluation_add(&judged->whole, p, label, weight);
}

/* ---- decisions ---- */

static struct promise *promise_of(struct judged *judged, uint64_t decision) {
    uint32_t found = slot_index_peek(&judged->by_decision, decision);
    if (found != SLOT_NONE) {
        return &judged->promises[found];
    }
    if (judged->promise_count == judged->promise_capacity) {
        judged->promise_capacity = judged->promise_capacity ? 2 * judged->promise_capacity : 1024;
        judged->promises =
            memory_grow(judged->promises, judged->promise_capacity, sizeof *judged->promises);
    }
    slot_index_insert(&judged->by_decision, decision, (uint32_t)judged->promise_count);
    struct promise *promise = &judged->promises[judged->promise_count++];
    *promise = (struct promise){.p = (double)NAN, .label = (double)NAN};
    return promise;
}

double judged_add(struct judged *judged, const struct judged_row *row) {
    if (row->decision == 0) {
        return judge(judged, row->p, row->label, row->weight, row->slice);
    }
    struct promise *promise = promise_of(judged, row->decision);
    if (row->is_correction) {
        if (row->line >= promise->line) {
            promise->label = row->label;
            promise->line = row->line;
        }
        return 0;
    }
    if (isnan(promise->p)) {
        promise->p = row->p;
        promise->weight = row->weight;
        promise->label = isnan(promise->label) ? row->label : promise->label;
    }
    return evaluation_loss(judged->whole.task, row->p, row->label);
}

void judged_settle(struct judged *judged) {
    for (size_t i = 0; i < judged->promise_count; i++) {
        const struct promise *promise = &judged->promises[i];
        if (!isnan(promise->p)) {
            judge(judged, promise->p, promise->label, promise->weight, bytes_of(NULL, 0));
        }
    }
    free(judged->promises);
    slot_index_clean_up(&judged->by_decision);
    judged->promises = NULL;
    judged->promise_count = judged->promise_capacity = 0;
}
