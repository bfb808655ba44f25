#include "consumer/rooms/user_store.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buffer.h"

#define CHUNK_SLOTS 1024

void user_store_init(struct user_store *store, uint32_t users_max, struct timezone_set *zones) {
    *store = (struct user_store){.users_max = users_max, .free_head = SLOT_NONE, .zones = zones};
    slot_index_init(&store->index);
    items_init(&store->items);
}

void user_store_clean_up(struct user_store *store) {
    for (uint32_t slot = 0; slot < store->slot_count; slot++) {
        user_state_clean_up(&user_store_get(store, slot)->state);
    }
    for (uint32_t i = 0; i < store->chunk_count; i++) {
        free(store->chunks[i]);
    }
    free(store->chunks);
    free(store->changed);
    slot_index_clean_up(&store->index);
    timer_heap_clean_up(&store->eviction);
    items_clean_up(&store->items);
    *store = (struct user_store){0};
}

struct user_slot *user_store_get(const struct user_store *store, uint32_t slot) {
    return &store->chunks[slot / CHUNK_SLOTS][slot % CHUNK_SLOTS];
}

struct user_slot *user_store_tenant(const struct user_store *store, uint32_t slot, uint64_t hash) {
    struct user_slot *tenant = user_store_get(store, slot);
    return tenant->is_used && tenant->hash == hash ? tenant : NULL;
}

static struct bytes key_of(const void *owner, uint32_t slot) {
    return user_state_id(&user_store_get(owner, slot)->state);
}

uint32_t user_store_find(const struct user_store *store, struct bytes user_id) {
    return user_store_find_hashed(store, hash64(user_id, 0), user_id);
}

uint32_t user_store_find_hashed(const struct user_store *store, uint64_t hash,
                                struct bytes user_id) {
    return slot_index_find(&store->index, hash, user_id, key_of, store);
}

void user_store_prefetch(const struct user_store *store, uint32_t slot) {
    if (slot != SLOT_NONE) {
        const char *at = (const char *)user_store_get(store, slot);
        for (size_t i = 0; i < sizeof(struct user_slot); i += 64) {
            __builtin_prefetch(at + i, 1);
        }
    }
}

void user_store_prefetch_rest(const struct user_store *store, uint32_t slot) {
    if (slot != SLOT_NONE) {
        const struct user_state *user = &user_store_get(store, slot)->state;
        items_prefetch(&store->items,
                       user->recent[USER_RECENT_ITEMS - 1].item); /* to be released */
        const char *active = (const char *)user->active;
        for (size_t i = 0; active && i < offsetof(struct user_active, sent_ms); i += 64) {
            __builtin_prefetch(active + i, 1);
        }
    }
}

void user_store_prefetch_active(const struct user_store *store, uint32_t slot) {
    const struct user_slot *tenant = user_store_get(store, slot);
    const char *active = tenant->is_used ? (const char *)tenant->state.active : NULL;
    for (size_t i = 0; active && i < offsetof(struct user_active, sent_ms); i += 64) {
        __builtin_prefetch(active + i, 1);
    }
}

void user_store_prefetch_names(const struct user_store *store, uint32_t slot) {
    const struct user_state *user = &user_store_get(store, slot)->state;
    for (size_t i = 0; i < USER_RECENT_ITEMS; i++) {
        items_prefetch(&store->items, user->recent[i].item);
    }
}

/* Not zeroed: a slot is written whole when it is taken for the first time. */
static struct user_slot *new_chunk(void) {
    struct user_slot *chunk =
        aligned_alloc(_Alignof(struct user_slot), CHUNK_SLOTS * sizeof *chunk);
    if (!chunk) {
        abort(); /* as memory_new */
    }
    return chunk;
}

static uint32_t take_slot(struct user_store *store) {
    if (store->free_head != SLOT_NONE) {
        uint32_t slot = store->free_head;
        store->free_head = user_store_get(store, slot)->next_free;
        return slot;
    }
    if (store->slot_count == store->chunk_count * CHUNK_SLOTS) {
        store->chunks = memory_grow(store->chunks, store->chunk_count + 1, sizeof *store->chunks);
        store->chunks[store->chunk_count++] = new_chunk();
    }
    return store->slot_count++;
}

void user_store_enter_eviction(struct user_store *store, uint32_t slot) {
    const struct user_slot *tenant = user_store_get(store, slot);
    timer_heap_push(&store->eviction,
                    (struct timer_entry){.deadline_ms = tenant->state.last_event_ms,
                                         .user_hash = tenant->hash,
                                         .slot = slot});
}

void user_store_clear_eviction(struct user_store *store) {
    store->eviction.count = 0;
}

/* Its state is the caller's to write. */
static uint32_t settle(struct user_store *store, uint64_t hash) {
    uint32_t slot = take_slot(store);
    struct user_slot *tenant = user_store_get(store, slot);
    tenant->hash = hash;
    tenant->next_free = 0;
    tenant->is_used = true;
    tenant->is_changed = tenant->is_pending = false;
    slot_index_insert(&store->index, hash, slot);
    store->count++;
    return slot;
}

uint32_t user_store_add(struct user_store *store, struct bytes user_id, int64_t event_ms) {
    assert(!user_store_is_full(store));
    uint32_t slot = settle(store, hash64(user_id, 0));
    struct user_state *user = &user_store_get(store, slot)->state;
    user_state_init(user, user_id);
    user->first_seen_ms = user->last_event_ms = user->session_start_ms = event_ms;
    user_store_enter_eviction(store, slot);
    return slot;
}

static void release_items(struct user_store *store, struct user_state *user) {
    for (size_t i = 0; i < USER_RECENT_ITEMS; i++) {
        items_release(&store->items, user->recent[i].item);
    }
    for (size_t i = 0; user->active && i < user->active->cart_count; i++) {
        items_release(&store->items, user->active->cart[i].item);
    }
}

uint32_t user_store_renew(struct user_store *store, uint32_t slot, uint64_t hash) {
    if (slot == SLOT_NONE) {
        assert(!user_store_is_full(store));
        return settle(store, hash);
    }
    struct user_slot *tenant = user_store_get(store, slot);
    release_items(store, &tenant->state);
    user_state_clean_up(&tenant->state);
    return slot;
}

uint32_t user_store_oldest(struct user_store *store) {
    for (;;) {
        assert(store->eviction.count > 0);
        struct timer_entry entry = store->eviction.entries[0];
        const struct user_slot *tenant = user_store_tenant(store, entry.slot, entry.user_hash);
        if (tenant && tenant->state.last_event_ms == entry.deadline_ms) {
            return entry.slot;
        }
        if (tenant) {
            entry.deadline_ms = tenant->state.last_event_ms;
            timer_heap_replace(&store->eviction, entry);
        } else {
            (void)timer_heap_pop(&store->eviction);
        }
    }
}

void user_store_remove(struct user_store *store, uint32_t slot) {
    struct user_slot *tenant = user_store_get(store, slot);
    assert(tenant->is_used && !tenant->is_pending);
    slot_index_remove(&store->index, tenant->hash, slot);
    release_items(store, &tenant->state);
    user_state_clean_up(&tenant->state);
    *tenant = (struct user_slot){.next_free = store->free_head};
    store->free_head = slot;
    store->count--;
}

void user_store_mark_changed(struct user_store *store, uint32_t slot) {
    struct user_slot *tenant = user_store_get(store, slot);
    if (tenant->is_changed) {
        return;
    }
    tenant->is_changed = true;
    if (store->changed_count == store->changed_capacity) {
        store->changed_capacity = store->changed_capacity ? store->changed_capacity * 2 : 1024;
        store->changed =
            memory_grow(store->changed, store->changed_capacity, sizeof *store->changed);
    }
    store->changed[store->changed_count++] = slot;
}

static struct bytes name_item(void *context, uint32_t item) {
    return items_text(&((struct user_store *)context)->items, item);
}

static uint32_t name_intern_item(void *context, struct bytes id) {
    return items_intern(&((struct user_store *)context)->items, id);
}

static void name_hash_items(void *context, const struct bytes *ids, size_t count,
                            uint64_t *out_hashes) {
    items_hash_all(&((struct user_store *)context)->items, ids, count, out_hashes);
}

static void name_intern_items(void *context, const struct bytes *ids, const uint64_t *hashes,
                              size_t count, uint32_t *out) {
    items_intern_all(&((struct user_store *)context)->items, ids, hashes, count, out);
}

static struct bytes name_zone(void *context, uint16_t zone) {
    return timezone_name(((struct user_store *)context)->zones, zone);
}

static uint16_t name_find_zone(void *context, struct bytes name) {
    return timezone_find(((struct user_store *)context)->zones, name);
}

struct user_state_names user_store_names(struct user_store *store) {
    return (struct user_state_names){.context = store,
                                     .item = name_item,
                                     .intern_item = name_intern_item,
                                     .hash_items = name_hash_items,
                                     .intern_items = name_intern_items,
                                     .zone = name_zone,
                                     .find_zone = name_find_zone};
}

size_t user_store_memory_bytes(const struct user_store *store) {
    size_t bytes = 0;
    for (uint32_t slot = 0; slot < store->slot_count; slot++) {
        const struct user_slot *tenant = user_store_get(store, slot);
        bytes += tenant->is_used ? user_state_memory_bytes(&tenant->state) : 0;
    }
    return bytes;
}
