#include "consumer/rooms/items.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/hash.h"

#define CAPACITY_FIRST 64

void items_init(struct items *items) {
    *items = (struct items){.count = 1, .capacity = CAPACITY_FIRST};
    slot_index_init(&items->index);
    items->entries = memory_new(CAPACITY_FIRST, sizeof *items->entries);
}

void items_clean_up(struct items *items) {
    for (uint32_t i = 1; i < items->count; i++) {
        free(items->entries[i].text);
    }
    free(items->entries);
    slot_index_clean_up(&items->index);
    *items = (struct items){0};
}

static struct bytes key_of(const void *owner, uint32_t slot) {
    const struct items *items = owner;
    return bytes_of(items->entries[slot].text, items->entries[slot].size);
}

static uint32_t take_slot(struct items *items) {
    if (items->free_head != ITEM_NONE) {
        uint32_t slot = items->free_head;
        items->free_head = items->entries[slot].size;
        return slot;
    }
    if (items->count == items->capacity) {
        items->capacity *= 2;
        items->entries = memory_grow(items->entries, items->capacity, sizeof *items->entries);
    }
    return items->count++;
}

uint32_t items_intern(struct items *items, struct bytes id) {
    if (id.size == 0) {
        return ITEM_NONE;
    }
    uint64_t hash = hash64(id, 0);
    uint32_t slot = slot_index_find(&items->index, hash, id, key_of, items);
    if (slot == SLOT_NONE) {
        slot = take_slot(items);
        uint8_t *text = memory_new(id.size, 1);
        memcpy(text, id.data, id.size);
        items->entries[slot] =
            (struct item_entry){.hash = hash, .text = text, .size = (uint32_t)id.size};
        slot_index_insert(&items->index, hash, slot);
    }
    items->entries[slot].references++;
    return slot;
}

uint32_t items_find(const struct items *items, struct bytes id) {
    uint32_t slot =
        id.size ? slot_index_find(&items->index, hash64(id, 0), id, key_of, items) : SLOT_NONE;
    return slot == SLOT_NONE ? ITEM_NONE : slot;
}

void items_release(struct items *items, uint32_t item) {
    if (item == ITEM_NONE) {
        return;
    }
    struct item_entry *entry = &items->entries[item];
    assert(item < items->count && entry->references > 0);
    if (--entry->references > 0) {
        return;
    }
    slot_index_remove(&items->index, entry->hash, item);
    free(entry->text);
    *entry = (struct item_entry){.size = items->free_head};
    items->free_head = item;
}

struct bytes items_text(const struct items *items, uint32_t item) {
    return item == ITEM_NONE ? bytes_of(NULL, 0) : key_of(items, item);
}
