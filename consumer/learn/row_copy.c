#include "consumer/learn/row_copy.h"

#include <stdlib.h>

void row_copy_init(struct row_copy *copy, const struct columns *columns) {
    *copy = (struct row_copy){
        .numbers = memory_new(columns->number_count + 1, sizeof *copy->numbers),
        .names = memory_new(columns->name_count + 1, sizeof *copy->names),
    };
}

void row_copy_clean_up(struct row_copy *copy) {
    free(copy->numbers);
    free(copy->names);
    free(copy->features);
    buffer_clean_up(&copy->texts);
    buffer_clean_up(&copy->steps);
    buffer_clean_up(&copy->kept);
    *copy = (struct row_copy){0};
}

static void copy_names(struct row_copy *copy, const struct data_row *row, size_t count) {
    buffer_clear(&copy->texts);
    for (size_t i = 0; i < count; i++) {
        buffer_append(&copy->texts, row->names[i]);
    }
    const uint8_t *at = copy->texts.data;
    for (size_t i = 0; i < count; at += row->names[i].size, i++) {
        copy->names[i] = bytes_of(at, row->names[i].size);
    }
}

static void copy_features(struct row_copy *copy, struct learner_input *input) {
    if (input->feature_count > copy->feature_capacity) {
        copy->feature_capacity = 2 * input->feature_count;
        copy->features =
            memory_grow(copy->features, copy->feature_capacity, sizeof *copy->features);
    }
    if (input->feature_count > 0) {
        memcpy(copy->features, input->features, input->feature_count * sizeof *copy->features);
    }
    input->features = copy->features;
}

struct learner_input row_copy_input(struct row_copy *copy, struct fitted *fitted,
                                    const struct data_row *row) {
    const struct columns *columns = &fitted->columns;
    struct data_row mine = *row;
    copy->line = row->line;
    copy->decision = row->decision;
    if (columns->number_count > 0) {
        memcpy(copy->numbers, row->numbers, columns->number_count * sizeof(double));
    }
    if (columns->name_count > 0) {
        copy_names(copy, row, columns->name_count);
    }
    mine.numbers = copy->numbers;
    mine.names = copy->names;
    struct learner_input input = fitted_input(fitted, &mine);
    copy_features(copy, &input);
    if (input.step_count > 0) {
        buffer_clear(&copy->steps);
        buffer_append(&copy->steps, bytes_of(input.steps, input.step_count * sizeof *input.steps));
        input.steps = (const void *)copy->steps.data;
    }
    if (row->kept.size > 0 || copy->kept.size > 0) {
        buffer_clear(&copy->kept);
        buffer_append(&copy->kept, row->kept);
    }
    return input;
}
