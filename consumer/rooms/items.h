/* items: item ids of one partition as small numbers, with reference counts.
 * State holds 4 bytes per item instead of a text. The numbers mean nothing outside the process and
 * nothing observable follows them: rows carry the texts. One thread. */
#ifndef PROMOSTREAM_ROOMS_ITEMS_H
#define PROMOSTREAM_ROOMS_ITEMS_H

#include "base/slot_index.h"

#define ITEM_NONE 0

struct item_entry {
    uint64_t hash;
    uint8_t *text;
    uint32_t size;
    uint32_t references; /* 0 = free; then size links the free list */
};

struct items {
    struct slot_index index;
    struct item_entry *entries; /* [0] is never used */
    uint32_t count, capacity, free_head;
};

void items_init(struct items *items);
void items_clean_up(struct items *items);
/* Number of the id, with one more reference; copies the text at the first. An empty id is
 * ITEM_NONE. */
uint32_t items_intern(struct items *items, struct bytes id);
/* Number of the id without a reference; ITEM_NONE if nobody holds it. */
uint32_t items_find(const struct items *items, struct bytes id);
/* Gives one reference back; ITEM_NONE is ignored. */
void items_release(struct items *items, uint32_t item);
/* Text, lent while a reference is held; empty for ITEM_NONE. */
struct bytes items_text(const struct items *items, uint32_t item);

#endif
