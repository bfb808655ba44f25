#include "consumer/learn/judged.h"

#include <stdlib.h>

#define OTHERS "(others)"

void judged_init(struct judged *judged, enum task task, double threshold, bool has_slices) {
    *judged = (struct judged){.has_slices = has_slices};
    evaluation_init(&judged->whole, task, threshold);
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

double judged_add(struct judged *judged, double p, double label, double weight,
                  struct bytes slice) {
    if (judged->predictions) {
        fprintf(judged->predictions, "%.9g,%.9g\n", p, label);
    }
    if (judged->has_slices) {
        evaluation_add(&slice_of(judged, slice)->evaluation, p, label, weight);
    }
    return evaluation_add(&judged->whole, p, label, weight);
}
