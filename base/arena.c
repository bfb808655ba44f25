#include "base/arena.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buffer.h"

/* Under AddressSanitizer what is not handed out is poisoned, so that reading past a piece or after
 * a rewind is caught as it would be with malloc. */
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size)   ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

#define ALIGNMENT_MAX 4096

void arena_init(struct arena *arena, size_t capacity_bytes) {
    *arena = (struct arena){
        .data = memory_new(capacity_bytes, 1),
        .capacity_bytes = capacity_bytes,
    };
    ASAN_POISON_MEMORY_REGION(arena->data, capacity_bytes);
}

void arena_clean_up(struct arena *arena) {
    if (!arena) {
        return;
    }
    if (arena->data) {
        ASAN_UNPOISON_MEMORY_REGION(arena->data, arena->capacity_bytes);
    }
    free(arena->data);
    *arena = (struct arena){0};
}

void *arena_take(struct arena *arena, size_t count, size_t size, size_t alignment) {
    assert(arena->data);
    assert(alignment > 0 && (alignment & (alignment - 1)) == 0 && alignment <= ALIGNMENT_MAX);
    size_t wanted;
    if (__builtin_mul_overflow(count, size, &wanted)) {
        return NULL;
    }
    uintptr_t next = (uintptr_t)arena->data + arena->used_bytes;
    size_t padding = (size_t)(-next & (alignment - 1));
    size_t left = arena->capacity_bytes - arena->used_bytes;
    if (padding > left || wanted > left - padding) {
        return NULL;
    }
    uint8_t *piece = arena->data + arena->used_bytes + padding;
    ASAN_UNPOISON_MEMORY_REGION(piece, wanted);
    arena->used_bytes += padding + wanted;
    if (arena->used_bytes > arena->peak_bytes) {
        arena->peak_bytes = arena->used_bytes;
    }
    return piece;
}

struct bytes arena_copy(struct arena *arena, struct bytes bytes) {
    uint8_t *copy = arena_take(arena, bytes.size, 1, 1);
    if (!copy) {
        return bytes_of(NULL, 0);
    }
    if (bytes.size > 0) {
        memcpy(copy, bytes.data, bytes.size);
    }
    return bytes_of(copy, bytes.size);
}

void arena_rewind(struct arena *arena, size_t mark) {
    assert(mark <= arena->used_bytes);
    if (arena->data) {
        ASAN_POISON_MEMORY_REGION(arena->data + mark, arena->used_bytes - mark);
    }
    arena->used_bytes = mark;
}
