#include "broker/epoch.h"

#include <assert.h>
#include <stdlib.h>

#define RECORDS_FIRST 256
#define OFFSETS_FIRST 16
/* A record between epoch_begin and epoch_end. */
#define SIZE_OPEN SIZE_MAX

void epoch_init(struct epoch *epoch) {
    *epoch = (struct epoch){0};
    buffer_init(&epoch->data, 0);
}

void epoch_clean_up(struct epoch *epoch) {
    buffer_clean_up(&epoch->data);
    free(epoch->records);
    free(epoch->offsets);
    *epoch = (struct epoch){0};
}

void epoch_clear(struct epoch *epoch) {
    buffer_clear(&epoch->data);
    epoch->record_count = 0;
    epoch->offset_count = 0;
}

static bool is_record_open(const struct epoch *epoch) {
    return epoch->record_count > 0 &&
           epoch->records[epoch->record_count - 1].value_size == SIZE_OPEN;
}

static struct epoch_record *add_record(struct epoch *epoch, enum topic topic, int32_t partition,
                                       struct bytes key) {
    assert(!is_record_open(epoch));
    assert(partition >= 0);
    if (epoch->record_count == epoch->record_capacity) {
        size_t capacity = epoch->record_capacity ? 2 * epoch->record_capacity : RECORDS_FIRST;
        epoch->records = memory_grow(epoch->records, capacity, sizeof *epoch->records);
        epoch->record_capacity = capacity;
    }
    struct epoch_record *record = &epoch->records[epoch->record_count++];
    *record = (struct epoch_record){
        .topic = topic, .partition = partition, .key_at = epoch->data.size, .key_size = key.size};
    /* Also for nothing: an empty value must not look like the null of a tombstone. */
    buffer_reserve(&epoch->data, key.size);
    buffer_append(&epoch->data, key);
    record->value_at = epoch->data.size;
    return record;
}

struct buffer *epoch_begin(struct epoch *epoch, enum topic topic, int32_t partition,
                           struct bytes key) {
    add_record(epoch, topic, partition, key)->value_size = SIZE_OPEN;
    return &epoch->data;
}

void epoch_end(struct epoch *epoch) {
    assert(is_record_open(epoch));
    struct epoch_record *record = &epoch->records[epoch->record_count - 1];
    assert(epoch->data.size >= record->value_at);
    record->value_size = epoch->data.size - record->value_at;
}

void epoch_tombstone(struct epoch *epoch, enum topic topic, int32_t partition, struct bytes key) {
    add_record(epoch, topic, partition, key)->is_tombstone = true;
}

void epoch_offset(struct epoch *epoch, int input, int32_t partition, int64_t next_offset,
                  int64_t number) {
    if (epoch->offset_count == epoch->offset_capacity) {
        size_t capacity = epoch->offset_capacity ? 2 * epoch->offset_capacity : OFFSETS_FIRST;
        epoch->offsets = memory_grow(epoch->offsets, capacity, sizeof *epoch->offsets);
        epoch->offset_capacity = capacity;
    }
    epoch->offsets[epoch->offset_count++] = (struct epoch_offset){
        .input = input, .partition = partition, .next_offset = next_offset, .epoch = number};
}

struct bytes epoch_record_key(const struct epoch *epoch, size_t index) {
    assert(index < epoch->record_count);
    const struct epoch_record *record = &epoch->records[index];
    return bytes_of(epoch->data.data + record->key_at, record->key_size);
}

struct bytes epoch_record_value(const struct epoch *epoch, size_t index) {
    assert(index < epoch->record_count);
    const struct epoch_record *record = &epoch->records[index];
    if (record->is_tombstone) {
        return bytes_of(NULL, 0);
    }
    assert(record->value_size != SIZE_OPEN);
    return bytes_of(epoch->data.data + record->value_at, record->value_size);
}
