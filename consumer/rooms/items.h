/* items: item ids of one partition as small numbers, with reference counts.
 * State holds 4 bytes per item instead of a text. The numbers mean nothing outside the process and
 * nothing observable follows them: rows carry the texts. One thread. */
#ifndef PROMOSTREAM_ROOMS_ITEMS_H
#define PROMOSTREAM_ROOMS_ITEMS_H

#include "base/slot_index.h"

#define ITEM_NONE 0

#define ITEM_NEAR_MAX 24

struct item_entry {
    uint64_t hash;
    union {
        uint8_t near[ITEM_NEAR_MAX]; /* most ids */
        uint8_t *far;                /* owned; the longer ones */
    } text;
    uint32_t size;
    uint32_t references; /* 0 = free; then size links the free list */
};

struct items {
    struct slot_index index;
    struct item_entry **chunks;             /* entries never move, texts are lent out of them */
    uint32_t count, chunk_count, free_head; /* entry 0 is never used */
};

void items_init(struct items *items);
void items_clean_up(struct items *items);
/* Number of the id, with one more reference; copies the text at the first. An empty id is
 * ITEM_NONE. */
uint32_t items_intern(struct items *items, struct bytes id);
/* The same of several ids in steps, between which the caller does something else while memory is
 * fetched: hash64(id, 0) of each; then, a hint, their entries; then the numbers. */
void items_hash_all(const struct items *items, const struct bytes *ids, size_t count,
                    uint64_t *out_hashes);
void items_fetch_all(const struct items *items, const uint64_t *hashes, size_t count);
void items_intern_all(struct items *items, const struct bytes *ids, const uint64_t *hashes,
                      size_t count, uint32_t *out);
/* Number of the id without a reference; ITEM_NONE if nobody holds it. */
uint32_t items_find(const struct items *items, struct bytes id);
/* Gives one reference back; ITEM_NONE is ignored. */
void items_release(struct items *items, uint32_t item);
/* The item with this hash64(id, 0), not compared: for the hint below. */
uint32_t items_peek(const struct items *items, uint64_t hash);
/* A hint, which changes nothing: fetches the item's entry. ITEM_NONE is fine. */
void items_prefetch(const struct items *items, uint32_t item);
/* Text, lent while a reference is held; empty for ITEM_NONE. */
struct bytes items_text(const struct items *items, uint32_t item);

#endif
