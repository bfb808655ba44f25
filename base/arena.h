/* arena: one block of fixed size, handed out from its start and taken back as a whole.
 * For what lives as long as one epoch. It never grows: overflow gives NULL, and the caller ends the
 * epoch early. One thread. Nothing is zeroed. */
#ifndef PROMOSTREAM_BASE_ARENA_H
#define PROMOSTREAM_BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct arena {
    uint8_t *data;
    size_t used_bytes, capacity_bytes;
    size_t peak_bytes; /* highest used_bytes since init, for the capacity plan */
};

void arena_init(struct arena *arena, size_t capacity_bytes); /* allocates; cannot fail */
void arena_clean_up(struct arena *arena); /* idempotent; a zeroed arena is fine */

/* count * size bytes at an address that is a multiple of alignment (a power of two, at most 4096).
 * NULL when the rest does not hold them, then nothing has changed. Zero bytes give an address that
 * must not be read. */
void *arena_take(struct arena *arena, size_t count, size_t size, size_t alignment);
#define arena_new(arena, count, type)                                                              \
    ((type *)arena_take((arena), (count), sizeof(type), _Alignof(type)))
/* A copy of the bytes; data is NULL on overflow. */
struct bytes arena_copy(struct arena *arena, struct bytes bytes);

/* A mark is good until a rewind to an earlier mark or a reset. */
static inline size_t arena_mark(const struct arena *arena) {
    return arena->used_bytes;
}
/* Takes back all that was handed out since the mark. */
void arena_rewind(struct arena *arena, size_t mark);
static inline void arena_reset(struct arena *arena) {
    arena_rewind(arena, 0);
}

#endif
