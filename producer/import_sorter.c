#include "producer/import_sorter.h"

#include <assert.h>
#include <stdlib.h>

void import_sorter_init(struct import_sorter *sorter) {
    *sorter = (struct import_sorter){0};
}

void import_sorter_clean_up(struct import_sorter *sorter) {
    buffer_clean_up(&sorter->data);
    free(sorter->held);
    import_sorter_init(sorter);
}

void import_sorter_add(struct import_sorter *sorter, const struct sink_record *record) {
    assert(record->key.size <= UINT32_MAX && record->body.size <= UINT32_MAX);
    if (sorter->count == sorter->capacity) {
        sorter->capacity = sorter->capacity ? sorter->capacity * 2 : 1024;
        sorter->held = memory_grow(sorter->held, sorter->capacity, sizeof *sorter->held);
    }
    sorter->held[sorter->count++] = (struct import_held){.timestamp_ms = record->timestamp_ms,
                                                         .at = sorter->data.size,
                                                         .key_size = (uint32_t)record->key.size,
                                                         .body_size = (uint32_t)record->body.size};
    buffer_append(&sorter->data, record->key);
    buffer_append(&sorter->data, record->body);
}

/* The place in data grows with the order of adding, which makes any sort stable. */
static int by_time_then_place(const void *left, const void *right) {
    const struct import_held *a = left, *b = right;
    if (a->timestamp_ms != b->timestamp_ms) {
        return a->timestamp_ms < b->timestamp_ms ? -1 : 1;
    }
    return (a->at > b->at) - (a->at < b->at);
}

void import_sorter_sort(struct import_sorter *sorter) {
    if (sorter->count > 0) {
        qsort(sorter->held, sorter->count, sizeof *sorter->held, by_time_then_place);
    }
}

struct sink_record import_sorter_at(const struct import_sorter *sorter, size_t index) {
    assert(index < sorter->count);
    const struct import_held *held = &sorter->held[index];
    const uint8_t *key = sorter->data.data + held->at;
    return (struct sink_record){.key = bytes_of(key, held->key_size),
                                .body = bytes_of(key + held->key_size, held->body_size),
                                .timestamp_ms = held->timestamp_ms,
                                .partition = -1};
}
