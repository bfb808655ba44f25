#include "producer/shop_queue.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buffer.h"

struct entry {
    int64_t at_ms;
    uint64_t order;
    uint32_t slot;
};

struct shop_queue {
    struct entry *heap; /* binary, smallest first */
    struct shop_plan *plans;
    uint32_t *free_slots;
    size_t count, capacity, free_count;
    uint64_t added;
    uint32_t lent_slot; /* of the plan taken last: free again at the next call */
    bool has_lent;
};

struct shop_queue *shop_queue_new(void) {
    return memory_new(1, sizeof(struct shop_queue));
}

void shop_queue_destroy(struct shop_queue *queue) {
    if (queue) {
        free(queue->heap);
        free(queue->plans);
        free(queue->free_slots);
        free(queue);
    }
}

static bool is_before(const struct entry *a, const struct entry *b) {
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void give_back(struct shop_queue *queue) {
    if (queue->has_lent) {
        queue->free_slots[queue->free_count++] = queue->lent_slot;
        queue->has_lent = false;
    }
}

static void grow(struct shop_queue *queue) {
    size_t old = queue->capacity;
    queue->capacity = old ? 2 * old : 256;
    queue->heap = memory_grow(queue->heap, queue->capacity, sizeof *queue->heap);
    queue->plans = memory_grow(queue->plans, queue->capacity, sizeof *queue->plans);
    queue->free_slots = memory_grow(queue->free_slots, queue->capacity, sizeof *queue->free_slots);
    for (size_t slot = queue->capacity; slot > old; slot--) {
        queue->free_slots[queue->free_count++] = (uint32_t)(slot - 1);
    }
}

struct shop_plan *shop_queue_add(struct shop_queue *queue, int64_t at_ms,
                                 enum shop_plan_kind kind) {
    give_back(queue);
    if (queue->free_count == 0) {
        grow(queue);
    }
    uint32_t slot = queue->free_slots[--queue->free_count];
    struct entry added = {.at_ms = at_ms, .order = queue->added++, .slot = slot};
    size_t at = queue->count++;
    while (at > 0 && is_before(&added, &queue->heap[(at - 1) / 2])) {
        queue->heap[at] = queue->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    queue->heap[at] = added;
    queue->plans[slot].kind = kind;
    return &queue->plans[slot];
}

int64_t shop_queue_next_ms(const struct shop_queue *queue) {
    return queue->count > 0 ? queue->heap[0].at_ms : INT64_MAX;
}

const struct shop_plan *shop_queue_take(struct shop_queue *queue) {
    assert(queue->count > 0);
    give_back(queue);
    uint32_t slot = queue->heap[0].slot;
    struct entry last = queue->heap[--queue->count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= queue->count) {
            break;
        }
        if (child + 1 < queue->count && is_before(&queue->heap[child + 1], &queue->heap[child])) {
            child++;
        }
        if (!is_before(&queue->heap[child], &last)) {
            break;
        }
        queue->heap[at] = queue->heap[child];
        at = child;
    }
    if (queue->count > 0) {
        queue->heap[at] = last;
    }
    queue->lent_slot = slot;
    queue->has_lent = true;
    return &queue->plans[slot];
}

size_t shop_queue_count(const struct shop_queue *queue) {
    return queue->count;
}
