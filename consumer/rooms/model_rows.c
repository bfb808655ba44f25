#include "consumer/rooms/model_rows.h"

#include <assert.h>
#include <stdlib.h>

#include "base/hash.h"

#define KEY_SEED 71

void model_rows_init(struct model_rows *rows) {
    *rows = (struct model_rows){0};
    slot_index_init(&rows->index);
}

void model_rows_clean_up(struct model_rows *rows) {
    for (size_t i = 0; i < rows->capacity; i++) {
        buffer_clean_up(&rows->items[i].values);
    }
    free(rows->items);
    slot_index_clean_up(&rows->index);
    *rows = (struct model_rows){0};
}

void model_rows_clear(struct model_rows *rows) {
    slot_index_clean_up(&rows->index);
    slot_index_init(&rows->index);
    rows->count = rows->refused_count = 0;
}

static struct bytes key_of(const void *owner, uint32_t slot) {
    return bytes_of_text(((const struct model_rows *)owner)->items[slot].key);
}

static struct model_rows_item *add_item(struct model_rows *rows, uint64_t hash, const char *key) {
    if (rows->count == rows->capacity) {
        size_t capacity = rows->capacity ? 2 * rows->capacity : 64;
        rows->items = memory_grow(rows->items, capacity, sizeof *rows->items);
        memset(rows->items + rows->capacity, 0, (capacity - rows->capacity) * sizeof *rows->items);
        rows->capacity = capacity;
    }
    slot_index_insert(&rows->index, hash, (uint32_t)rows->count);
    struct model_rows_item *item = &rows->items[rows->count++];
    memcpy(item->key, key, sizeof item->key);
    item->is_refused = false;
    return item;
}

void model_rows_put(struct model_rows *rows, const struct learner_row *row, int64_t version_offset,
                    bool is_refused, bool is_gone) {
    struct bytes key = bytes_of_text(row->key);
    uint64_t hash = hash64(key, KEY_SEED);
    uint32_t slot = slot_index_find(&rows->index, hash, key, key_of, rows);
    struct model_rows_item *item =
        slot == SLOT_NONE ? add_item(rows, hash, row->key) : &rows->items[slot];
    rows->refused_count += (size_t)is_refused - (size_t)item->is_refused;
    item->kind = row->kind;
    item->version_offset = version_offset;
    item->is_refused = is_refused;
    item->is_gone = is_gone;
    buffer_clear(&item->values);
    if (!is_gone) {
        buffer_append(&item->values, row->values);
    }
}

void model_rows_merge(struct model_rows *rows, struct model_rows *from) {
    for (size_t i = 0; i < from->count; i++) {
        struct learner_row row = model_rows_get(from, i);
        const struct model_rows_item *item = &from->items[i];
        model_rows_put(rows, &row, item->version_offset, item->is_refused, item->is_gone);
    }
    model_rows_clear(from);
}

struct learner_row model_rows_get(const struct model_rows *rows, size_t index) {
    assert(index < rows->count);
    const struct model_rows_item *item = &rows->items[index];
    struct learner_row row = {.kind = item->kind, .values = buffer_bytes(&item->values)};
    memcpy(row.key, item->key, sizeof row.key);
    return row;
}

static void put_record(const struct model_row *row, model_rows_put_record *put, void *context) {
    struct buffer key = {0};
    buffer_format(&key, "%.*s/%.*s", BYTES_ARG(row->learner), BYTES_ARG(row->row));
    put(context, buffer_bytes(&key), row);
    buffer_clean_up(&key);
}

void model_rows_write_version(const struct model_rows *rows, const char *learner, int64_t whole,
                              model_rows_put_record *put, void *context) {
    struct bytes name = bytes_of_text(learner), version = bytes_of_text(MODEL_VERSION_ROW);
    for (size_t i = 0; i < rows->count; i++) {
        const struct model_rows_item *item = &rows->items[i];
        const struct model_row row = {.learner = name,
                                      .row = bytes_of_text(item->key),
                                      .kind = bytes_of_text(learner_row_kind_names[item->kind]),
                                      .values = buffer_bytes(&item->values),
                                      .version_offset = item->version_offset};
        put_record(&row, put, context);
    }
    const struct model_row end = {
        .learner = name, .row = version, .kind = version, .version_offset = whole};
    put_record(&end, put, context);
}
