#include "consumer/rooms/timer_heap.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buffer.h"

#define ARITY 4

void timer_heap_clean_up(struct timer_heap *heap) {
    free(heap->entries);
    *heap = (struct timer_heap){0};
}

static bool comes_before(const struct timer_entry *a, const struct timer_entry *b) {
    if (a->deadline_ms != b->deadline_ms) {
        return a->deadline_ms < b->deadline_ms;
    }
    if (a->user_hash != b->user_hash) {
        return a->user_hash < b->user_hash;
    }
    return a->kind < b->kind;
}

void timer_heap_push(struct timer_heap *heap, struct timer_entry entry) {
    if (heap->count == heap->capacity) {
        heap->capacity = heap->capacity ? heap->capacity * 2 : 64;
        heap->entries = memory_grow(heap->entries, heap->capacity, sizeof *heap->entries);
    }
    size_t i = heap->count++;
    while (i > 0) {
        size_t parent = (i - 1) / ARITY;
        if (!comes_before(&entry, &heap->entries[parent])) {
            break;
        }
        heap->entries[i] = heap->entries[parent];
        i = parent;
    }
    heap->entries[i] = entry;
}

static size_t first_child(const struct timer_heap *heap, size_t parent) {
    size_t first = parent * ARITY + 1;
    size_t best = first;
    for (size_t i = first + 1; i < first + ARITY && i < heap->count; i++) {
        if (comes_before(&heap->entries[i], &heap->entries[best])) {
            best = i;
        }
    }
    return best;
}

void timer_heap_replace(struct timer_heap *heap, struct timer_entry entry) {
    assert(heap->count > 0);
    size_t i = 0;
    while (i * ARITY + 1 < heap->count) {
        size_t child = first_child(heap, i);
        if (!comes_before(&heap->entries[child], &entry)) {
            break;
        }
        heap->entries[i] = heap->entries[child];
        i = child;
    }
    heap->entries[i] = entry;
}

struct timer_entry timer_heap_pop(struct timer_heap *heap) {
    assert(heap->count > 0);
    struct timer_entry top = heap->entries[0];
    struct timer_entry last = heap->entries[--heap->count];
    if (heap->count > 0) {
        timer_heap_replace(heap, last);
    }
    return top;
}
