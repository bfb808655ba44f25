/* user_store: the users of one partition in memory, bounded by users_max.
 *
 * Slots never move, so pointers to a user hold until it is removed. When the store is full the user
 * with the smallest (last event, hash of the id) is evicted: a rule that no hash table or arrival
 * order can touch. One thread. */
#ifndef PROMOSTREAM_ROOMS_USER_STORE_H
#define PROMOSTREAM_ROOMS_USER_STORE_H

#include "base/timezone.h"
#include "consumer/rooms/items.h"
#include "consumer/rooms/timers.h"
#include "schemas/user_state.h"

struct user_slot {
    _Alignas(64) struct user_state state;
    uint64_t hash;      /* hash64(user id, 0) */
    uint32_t next_free; /* of an unused slot */
    bool is_used;
    bool is_changed; /* since the epoch began: goes to user-state at its end */
    bool is_pending; /* a decision of this user waits in the micro-batch */
};
_Static_assert(sizeof(struct user_slot) == 448, "seven cache lines");

struct user_store {
    struct user_slot **chunks;
    uint32_t chunk_count, slot_count, free_head, count, users_max;
    struct slot_index index;
    struct items items;
    struct timer_heap eviction; /* lazy heap of (last event, hash) */
    uint32_t *changed;          /* slots in the order of their first change in this epoch */
    size_t changed_count, changed_capacity;
    struct timezone_set *zones; /* borrowed */
};

void user_store_init(struct user_store *store, uint32_t users_max, struct timezone_set *zones);
void user_store_clean_up(struct user_store *store);
/* SLOT_NONE if unknown. */
uint32_t user_store_find(const struct user_store *store, struct bytes user_id);
/* The same where hash64(user id, 0) is known. */
uint32_t user_store_find_hashed(const struct user_store *store, uint64_t hash,
                                struct bytes user_id);
/* The user with this hash64(user id, 0), not compared: for the hints below. */
static inline uint32_t user_store_peek(const struct user_store *store, uint64_t hash) {
    return slot_index_peek(&store->index, hash);
}
/* Hints, which change nothing: memory of users that are met in a moment is fetched meanwhile. First
 * the user (SLOT_NONE is fine), then, when it is there, what an event needs that hangs on it, or
 * what its row needs. */
void user_store_prefetch(const struct user_store *store, uint32_t slot);
void user_store_prefetch_rest(const struct user_store *store, uint32_t slot);
void user_store_prefetch_active(const struct user_store *store, uint32_t slot); /* a used one */
void user_store_prefetch_names(const struct user_store *store, uint32_t slot);
/* The store must not be full and the user not in it. The new user's last event is event_ms. */
uint32_t user_store_add(struct user_store *store, struct bytes user_id, int64_t event_ms);
/* Recovery: the slot of a user whose state the caller writes next, whole. slot is where the user
 * was found, and what is held there is given back, or SLOT_NONE: then the store must not be full.
 * hash is hash64(user id, 0). Eviction hears of it from user_store_enter_eviction. */
uint32_t user_store_renew(struct user_store *store, uint32_t slot, uint64_t hash);
static inline bool user_store_is_full(const struct user_store *store) {
    return store->count >= store->users_max;
}
/* The user that goes next when room is needed. The store must not be empty. */
uint32_t user_store_oldest(struct user_store *store);
void user_store_remove(struct user_store *store, uint32_t slot);
/* Recovery, whatever came and went while rows were read: forgets the order of eviction; then each
 * user is entered once. */
void user_store_clear_eviction(struct user_store *store);
void user_store_enter_eviction(struct user_store *store, uint32_t slot);
struct user_slot *user_store_get(const struct user_store *store, uint32_t slot);
/* NULL if the slot has no tenant with this hash (a timer entry that outlived its user). */
struct user_slot *user_store_tenant(const struct user_store *store, uint32_t slot, uint64_t hash);
void user_store_mark_changed(struct user_store *store, uint32_t slot);
/* How user_state_encode and _decode reach this store's names. */
struct user_state_names user_store_names(struct user_store *store);
/* Bytes held by users, without the tables. O(users). */
size_t user_store_memory_bytes(const struct user_store *store);

#endif
