#include "consumer/rooms/items.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/hash.h"

#define CHUNK_ENTRIES 1024

static struct item_entry *entry_of(const struct items *items, uint32_t slot) {
    return &items->chunks[slot / CHUNK_ENTRIES][slot % CHUNK_ENTRIES];
}

/* Both of its cache lines, where it lies across two. Inlined by force: GCC drops calls of a
 * function that does nothing but prefetch. */
__attribute__((always_inline)) static inline void fetch(const struct items *items, uint32_t item) {
    if (item != ITEM_NONE) {
        const struct item_entry *entry = entry_of(items, item);
        __builtin_prefetch(&entry->hash);
        __builtin_prefetch(&entry->references, 1);
    }
}

static struct bytes text_of(const struct item_entry *entry) {
    return bytes_of(entry->size <= ITEM_NEAR_MAX ? entry->text.near : entry->text.far, entry->size);
}

static void free_text(struct item_entry *entry) {
    if (entry->references > 0 && entry->size > ITEM_NEAR_MAX) {
        free(entry->text.far);
    }
}

void items_init(struct items *items) {
    *items = (struct items){.count = 1};
    slot_index_init(&items->index);
}

void items_clean_up(struct items *items) {
    for (uint32_t i = 1; i < items->count; i++) {
        free_text(entry_of(items, i));
    }
    for (uint32_t i = 0; i < items->chunk_count; i++) {
        free(items->chunks[i]);
    }
    free(items->chunks);
    slot_index_clean_up(&items->index);
    *items = (struct items){0};
}

static struct bytes key_of(const void *owner, uint32_t slot) {
    return text_of(entry_of(owner, slot));
}

static uint32_t take_slot(struct items *items) {
    if (items->free_head != ITEM_NONE) {
        uint32_t slot = items->free_head;
        items->free_head = entry_of(items, slot)->size;
        return slot;
    }
    if (items->count >= items->chunk_count * CHUNK_ENTRIES) {
        items->chunks = memory_grow(items->chunks, items->chunk_count + 1, sizeof *items->chunks);
        items->chunks[items->chunk_count++] = memory_new(CHUNK_ENTRIES, sizeof **items->chunks);
    }
    return items->count++;
}

static void fill(struct item_entry *entry, struct bytes id, uint64_t hash) {
    *entry = (struct item_entry){.hash = hash, .size = (uint32_t)id.size};
    uint8_t *at = entry->text.near;
    if (id.size > ITEM_NEAR_MAX) {
        at = entry->text.far = memory_new(id.size, 1);
    }
    memcpy(at, id.data, id.size);
}

static uint32_t intern_hashed(struct items *items, struct bytes id, uint64_t hash) {
    uint32_t slot = slot_index_find(&items->index, hash, id, key_of, items);
    if (slot == SLOT_NONE) {
        slot = take_slot(items);
        fill(entry_of(items, slot), id, hash);
        slot_index_insert(&items->index, hash, slot);
    }
    entry_of(items, slot)->references++;
    return slot;
}

uint32_t items_intern(struct items *items, struct bytes id) {
    return id.size == 0 ? ITEM_NONE : intern_hashed(items, id, hash64(id, 0));
}

void items_hash_all(const struct items *items, const struct bytes *ids, size_t count,
                    uint64_t *out_hashes) {
    for (size_t i = 0; i < count; i++) {
        out_hashes[i] = hash64(ids[i], 0);
        slot_index_prefetch(&items->index, out_hashes[i]);
    }
}

void items_fetch_all(const struct items *items, const uint64_t *hashes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        fetch(items, items_peek(items, hashes[i]));
    }
}

void items_intern_all(struct items *items, const struct bytes *ids, const uint64_t *hashes,
                      size_t count, uint32_t *out) {
    for (size_t i = 0; i < count; i++) {
        out[i] = ids[i].size == 0 ? ITEM_NONE : intern_hashed(items, ids[i], hashes[i]);
    }
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
    assert(item < items->count);
    struct item_entry *entry = entry_of(items, item);
    assert(entry->references > 0);
    if (entry->references > 1) {
        entry->references--;
        return;
    }
    slot_index_remove(&items->index, entry->hash, item);
    free_text(entry);
    *entry = (struct item_entry){.size = items->free_head};
    items->free_head = item;
}

uint32_t items_peek(const struct items *items, uint64_t hash) {
    uint32_t slot = slot_index_peek(&items->index, hash);
    return slot == SLOT_NONE ? ITEM_NONE : slot;
}

void items_prefetch(const struct items *items, uint32_t item) {
    fetch(items, item);
}

struct bytes items_text(const struct items *items, uint32_t item) {
    return item == ITEM_NONE ? bytes_of(NULL, 0) : text_of(entry_of(items, item));
}
