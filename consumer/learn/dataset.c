#include "consumer/learn/dataset.h"

#include <stdlib.h>

#define CHUNK_BYTES ((size_t)1 << 20)
#define CHUNK_HEAD  sizeof(uint8_t *) /* where the chunk before begins */

struct dataset_row {
    struct data_row row;  /* numbers and features point into chunks */
    const uint8_t *texts; /* name_count sizes of 4 bytes, then the bytes */
};

void dataset_init(struct dataset *dataset, const struct columns *columns, size_t bytes_max) {
    *dataset = (struct dataset){.number_count = columns->number_count,
                                .name_count = columns->name_count,
                                .bytes_max = bytes_max};
    dataset->names = memory_new(columns->name_count + 1, sizeof *dataset->names);
}

void dataset_clean_up(struct dataset *dataset) {
    for (uint8_t *chunk = dataset->chunk, *before; chunk; chunk = before) {
        memcpy(&before, chunk, sizeof before);
        free(chunk);
    }
    free(dataset->rows);
    free(dataset->names);
    *dataset = (struct dataset){0};
}

static size_t aligned(size_t bytes) {
    return (bytes + 7) & ~(size_t)7;
}

static void *take(struct dataset *dataset, size_t bytes) {
    bytes = aligned(bytes);
    if (!dataset->chunk || dataset->chunk_size - dataset->chunk_used < bytes) {
        size_t size = CHUNK_HEAD + (bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES);
        uint8_t *chunk = memory_new(size, 1);
        memcpy(chunk, &dataset->chunk, sizeof dataset->chunk);
        dataset->chunk = chunk;
        dataset->chunk_size = size;
        dataset->chunk_used = CHUNK_HEAD;
    }
    void *out = dataset->chunk + dataset->chunk_used;
    dataset->chunk_used += bytes;
    return out;
}

static void *copy(struct dataset *dataset, const void *from, size_t bytes) {
    if (bytes == 0) {
        return NULL;
    }
    void *out = take(dataset, bytes);
    memcpy(out, from, bytes);
    return out;
}

static size_t texts_bytes(const struct dataset *dataset, const struct data_row *row) {
    size_t bytes = 4 * dataset->name_count;
    for (size_t i = 0; i < dataset->name_count; i++) {
        bytes += row->names[i].size;
    }
    return bytes;
}

static const uint8_t *copy_texts(struct dataset *dataset, const struct data_row *row,
                                 size_t bytes) {
    uint8_t *out = take(dataset, bytes), *at = out + 4 * dataset->name_count;
    for (size_t i = 0; i < dataset->name_count; i++) {
        uint32_t size = (uint32_t)row->names[i].size;
        memcpy(out + 4 * i, &size, 4);
        if (size > 0) {
            memcpy(at, row->names[i].data, size);
        }
        at += size;
    }
    return out;
}

bool dataset_add(struct dataset *dataset, const struct data_row *row) {
    size_t texts = texts_bytes(dataset, row);
    size_t numbers = dataset->number_count * sizeof(double);
    size_t features = row->feature_count * sizeof *row->features;
    size_t steps = row->step_count * sizeof *row->steps;
    size_t bytes = sizeof *dataset->rows + texts + numbers + features + steps + row->kept.size;
    if (dataset->bytes + bytes > dataset->bytes_max) {
        return false;
    }
    if (dataset->count == dataset->capacity) {
        dataset->capacity = dataset->capacity ? 2 * dataset->capacity : 1024;
        dataset->rows = memory_grow(dataset->rows, dataset->capacity, sizeof *dataset->rows);
    }
    dataset->bytes += bytes;
    struct dataset_row *out = &dataset->rows[dataset->count++];
    out->row = *row;
    out->row.numbers = copy(dataset, row->numbers, numbers);
    out->row.features = copy(dataset, row->features, features);
    out->row.steps = copy(dataset, row->steps, steps);
    out->row.kept = bytes_of(copy(dataset, row->kept.data, row->kept.size), row->kept.size);
    out->texts = copy_texts(dataset, row, texts);
    return true;
}

void dataset_get(struct dataset *dataset, size_t index, struct data_row *out) {
    const struct dataset_row *from = &dataset->rows[index];
    *out = from->row;
    const uint8_t *at = from->texts + 4 * dataset->name_count;
    for (size_t i = 0; i < dataset->name_count; i++) {
        uint32_t size;
        memcpy(&size, from->texts + 4 * i, 4);
        dataset->names[i] = bytes_of(at, size);
        at += size;
    }
    out->names = dataset->names;
}
