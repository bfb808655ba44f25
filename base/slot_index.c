#include "base/slot_index.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buffer.h"

#define CAPACITY_FIRST 64

static void fill_empty(struct slot_index *index, size_t capacity) {
    index->entries = memory_grow(NULL, capacity, sizeof *index->entries);
    index->capacity = capacity;
    for (size_t i = 0; i < capacity; i++) {
        index->entries[i] = (struct slot_entry){.slot = SLOT_NONE};
    }
}

void slot_index_init(struct slot_index *index) {
    index->count = 0;
    fill_empty(index, CAPACITY_FIRST);
}

void slot_index_clean_up(struct slot_index *index) {
    free(index->entries);
    *index = (struct slot_index){0};
}

uint32_t slot_index_find(const struct slot_index *index, uint64_t hash, struct bytes key,
                         slot_key *key_of, const void *owner) {
    size_t mask = index->capacity - 1;
    for (size_t i = hash & mask; index->entries[i].slot != SLOT_NONE; i = (i + 1) & mask) {
        const struct slot_entry *entry = &index->entries[i];
        if (entry->hash == hash && bytes_equal(key_of(owner, entry->slot), key)) {
            return entry->slot;
        }
    }
    return SLOT_NONE;
}

uint32_t slot_index_peek(const struct slot_index *index, uint64_t hash) {
    size_t mask = index->capacity - 1;
    size_t i = hash & mask;
    while (index->entries[i].slot != SLOT_NONE && index->entries[i].hash != hash) {
        i = (i + 1) & mask;
    }
    return index->entries[i].slot;
}

static void place(struct slot_index *index, struct slot_entry entry) {
    size_t mask = index->capacity - 1;
    size_t i = entry.hash & mask;
    while (index->entries[i].slot != SLOT_NONE) {
        i = (i + 1) & mask;
    }
    index->entries[i] = entry;
}

static void grow(struct slot_index *index) {
    struct slot_entry *old = index->entries;
    size_t old_capacity = index->capacity;
    fill_empty(index, old_capacity * 2);
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i].slot != SLOT_NONE) {
            place(index, old[i]);
        }
    }
    free(old);
}

void slot_index_insert(struct slot_index *index, uint64_t hash, uint32_t slot) {
    assert(slot != SLOT_NONE);
    if ((index->count + 1) * 3 > index->capacity * 2) {
        grow(index);
    }
    place(index, (struct slot_entry){.hash = hash, .slot = slot});
    index->count++;
}

void slot_index_remove(struct slot_index *index, uint64_t hash, uint32_t slot) {
    size_t mask = index->capacity - 1;
    size_t hole = hash & mask;
    while (index->entries[hole].slot != slot) {
        assert(index->entries[hole].slot != SLOT_NONE);
        hole = (hole + 1) & mask;
    }
    /* Shift back every later entry of the run that may stand in the hole: its home is not after it.
     */
    for (size_t i = (hole + 1) & mask; index->entries[i].slot != SLOT_NONE; i = (i + 1) & mask) {
        size_t home = index->entries[i].hash & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            index->entries[hole] = index->entries[i];
            hole = i;
        }
    }
    index->entries[hole].slot = SLOT_NONE;
    index->count--;
}
