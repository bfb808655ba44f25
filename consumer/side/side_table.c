#include "consumer/side/side_table.h"

#include <assert.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/slot_index.h"

#define ROWS_FIRST 64
#define NO_FREE    UINT32_MAX

/* Key and value stand in one block, so that a row costs one allocation. */
struct side_row {
    uint8_t *data; /* key, then value; NULL = free slot */
    uint32_t key_size;
    uint32_t value_size; /* of a free slot: the next free one */
};

struct side_table {
    struct slot_index index;
    struct side_row *rows;
    size_t row_count, row_capacity; /* slots ever used, slots allocated */
    size_t rows_max;
    size_t data_bytes;
    uint32_t free_head;
};

static struct bytes key_of(const void *owner, uint32_t slot) {
    const struct side_row *row = &((const struct side_table *)owner)->rows[slot];
    return bytes_of(row->data, row->key_size);
}

struct side_table *side_table_new(size_t rows_max) {
    assert(rows_max < NO_FREE);
    struct side_table *table = memory_new(1, sizeof *table);
    slot_index_init(&table->index);
    table->rows_max = rows_max;
    table->free_head = NO_FREE;
    return table;
}

void side_table_destroy(struct side_table *table) {
    if (!table) {
        return;
    }
    for (size_t i = 0; i < table->row_count; i++) {
        free(table->rows[i].data);
    }
    free(table->rows);
    slot_index_clean_up(&table->index);
    free(table);
}

static void fill(struct side_table *table, struct side_row *row, struct bytes key,
                 struct bytes value) {
    assert(key.size <= UINT32_MAX && value.size <= UINT32_MAX);
    row->data = memory_new(key.size + value.size, 1);
    memcpy(row->data, key.data, key.size);
    if (value.size > 0) {
        memcpy(row->data + key.size, value.data, value.size);
    }
    row->key_size = (uint32_t)key.size;
    row->value_size = (uint32_t)value.size;
    table->data_bytes += key.size + value.size;
}

static void empty(struct side_table *table, struct side_row *row) {
    table->data_bytes -= (size_t)row->key_size + row->value_size;
    free(row->data);
    *row = (struct side_row){0};
}

static uint32_t take_slot(struct side_table *table) {
    if (table->free_head != NO_FREE) {
        uint32_t slot = table->free_head;
        table->free_head = table->rows[slot].value_size;
        return slot;
    }
    if (table->row_count == table->row_capacity) {
        table->row_capacity = table->row_capacity ? table->row_capacity * 2 : ROWS_FIRST;
        table->rows = memory_grow(table->rows, table->row_capacity, sizeof *table->rows);
    }
    return (uint32_t)table->row_count++;
}

static void remove_row(struct side_table *table, uint32_t slot, uint64_t hash) {
    slot_index_remove(&table->index, hash, slot);
    empty(table, &table->rows[slot]);
    table->rows[slot].value_size = table->free_head;
    table->free_head = slot;
}

bool side_table_put(struct side_table *table, struct bytes key, struct bytes value) {
    assert(key.size > 0);
    uint64_t hash = hash64(key, 0);
    uint32_t slot = slot_index_find(&table->index, hash, key, key_of, table);
    if (!value.data) {
        if (slot != SLOT_NONE) {
            remove_row(table, slot, hash);
        }
        return true;
    }
    if (slot != SLOT_NONE) {
        struct side_row *row = &table->rows[slot];
        struct side_row old = *row;
        fill(table, row, key, value); /* before the old one goes: key or value may point into it */
        empty(table, &old);
        return true;
    }
    if (table->index.count >= table->rows_max) {
        return false;
    }
    slot = take_slot(table);
    fill(table, &table->rows[slot], key, value);
    slot_index_insert(&table->index, hash, slot);
    return true;
}

struct bytes side_table_get(const struct side_table *table, struct bytes key) {
    uint32_t slot = slot_index_find(&table->index, hash64(key, 0), key, key_of, table);
    if (slot == SLOT_NONE) {
        return bytes_of(NULL, 0);
    }
    const struct side_row *row = &table->rows[slot];
    return bytes_of(row->data + row->key_size, row->value_size);
}

size_t side_table_count(const struct side_table *table) {
    return table->index.count;
}

size_t side_table_memory_bytes(const struct side_table *table) {
    return sizeof *table + table->row_capacity * sizeof *table->rows +
           table->index.capacity * sizeof *table->index.entries + table->data_bytes;
}
