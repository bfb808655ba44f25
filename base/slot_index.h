/* slot_index: an open-addressing table from 64-bit hashes to slot numbers of somebody else's array.
 *
 * Linear probing, power-of-two capacity, at most 2/3 full, deletion by backward shift, so there are
 * no tombstones and a long life does not slow it down. The table knows no keys: whoever owns the
 * slots compares them. Growth doubles. One thread. */
#ifndef PROMOSTREAM_BASE_SLOT_INDEX_H
#define PROMOSTREAM_BASE_SLOT_INDEX_H

#include "base/bytes.h"

#define SLOT_NONE UINT32_MAX

struct slot_entry {
    uint64_t hash;
    uint32_t slot; /* SLOT_NONE = empty */
};

struct slot_index {
    struct slot_entry *entries;
    size_t capacity, count;
};

/* Key bytes of a slot, for comparing. */
typedef struct bytes slot_key(const void *owner, uint32_t slot);

void slot_index_init(struct slot_index *index);
void slot_index_clean_up(struct slot_index *index);
/* SLOT_NONE if no slot has this key. */
uint32_t slot_index_find(const struct slot_index *index, uint64_t hash, struct bytes key,
                         slot_key *key_of, const void *owner);
/* The first slot with this hash, whatever its key; SLOT_NONE if there is none. */
uint32_t slot_index_peek(const struct slot_index *index, uint64_t hash);
/* A hint: fetches the cache line where the search for this hash begins. */
static inline void slot_index_prefetch(const struct slot_index *index, uint64_t hash) {
    __builtin_prefetch(&index->entries[hash & (index->capacity - 1)]);
}
/* The key must not be in the table. */
void slot_index_insert(struct slot_index *index, uint64_t hash, uint32_t slot);
/* The slot must be in the table under this hash. */
void slot_index_remove(struct slot_index *index, uint64_t hash, uint32_t slot);

#endif
