#include "consumer/commands/kept.h"

#include <stdlib.h>

static void free_record(struct kept_record *record) {
    buffer_clean_up(&record->key);
    buffer_clean_up(&record->value);
}

static void remove_at(struct kept *kept, size_t index) {
    free_record(&kept->items[index]);
    kept->count--;
    memmove(&kept->items[index], &kept->items[index + 1],
            (kept->count - index) * sizeof kept->items[0]);
}

void kept_add(struct kept *kept, struct bytes key, struct bytes value) {
    if (kept->newest_max > 0 && kept->count == kept->newest_max) {
        remove_at(kept, 0);
    }
    if (kept->count == kept->capacity) {
        kept->capacity = kept->capacity ? 2 * kept->capacity : 8;
        kept->items = memory_grow(kept->items, kept->capacity, sizeof kept->items[0]);
    }
    struct kept_record *record = &kept->items[kept->count++];
    *record = (struct kept_record){0};
    buffer_append(&record->key, key);
    buffer_append(&record->value, value);
}

void kept_remove(struct kept *kept, struct bytes key) {
    for (size_t i = kept->count; i-- > 0;) {
        if (bytes_equal(buffer_bytes(&kept->items[i].key), key)) {
            remove_at(kept, i);
        }
    }
}

void kept_clean_up(struct kept *kept) {
    for (size_t i = 0; i < kept->count; i++) {
        free_record(&kept->items[i]);
    }
    free(kept->items);
    kept->items = NULL;
    kept->count = kept->capacity = 0;
}
