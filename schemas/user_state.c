#include "schemas/user_state.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#define HOUR_MS (60 * 60 * 1000.0)

const double counter_half_life_ms[COUNTER_HALF_LIVES] = {HOUR_MS, 24 * HOUR_MS, 14 * 24 * HOUR_MS};

const char *const trigger_names[TRIGGER_COUNT + 1] = {
    [TRIGGER_CART_ABANDONED] = "cart_abandoned",
    [TRIGGER_CHECKOUT_ABANDONED] = "checkout_abandoned",
    [TRIGGER_BROWSE_ABANDONED] = "browse_abandoned",
    [TRIGGER_OBSERVE] = "observe",
    [TRIGGER_COUNT] = NULL,
};

void user_state_init(struct user_state *user, struct bytes user_id) {
    assert(user_id.size <= UINT8_MAX);
    *user = (struct user_state){
        .user_id_size = (uint8_t)user_id.size,
        .first_seen_ms = TIME_NONE,
        .last_event_ms = TIME_NONE,
        .session_start_ms = TIME_NONE,
        .order_ms = TIME_NONE,
        .price_mean = NAN,
    };
    uint8_t *at = user->user_id.near;
    if (user_id.size > USER_ID_NEAR_MAX) {
        at = user->user_id.far = memory_new(user_id.size, 1);
    }
    if (user_id.size > 0) {
        memcpy(at, user_id.data, user_id.size);
    }
    for (size_t kind = 0; kind < COUNTER_KIND_COUNT; kind++) {
        user->counters[kind].last_ms = TIME_NONE;
    }
}

void user_state_clean_up(struct user_state *user) {
    if (!user) {
        return;
    }
    if (user->active) {
        free(user->active->cart);
        free(user->active->open);
        free(user->active);
    }
    if (user->user_id_size > USER_ID_NEAR_MAX) {
        free(user->user_id.far);
    }
    *user = (struct user_state){0};
}

/* What malloc takes for a block: a word of its own, rounded up to 16, at least 32 (glibc, 64 bits).
 */
static size_t block_bytes(size_t size) {
    size_t bytes = (size + sizeof(size_t) + 15) / 16 * 16;
    return bytes < 32 ? 32 : bytes;
}

size_t user_state_memory_bytes(const struct user_state *user) {
    size_t bytes = sizeof(*user);
    if (user->user_id_size > USER_ID_NEAR_MAX) {
        bytes += block_bytes(user->user_id_size);
    }
    if (user->active) {
        bytes += block_bytes(sizeof(*user->active));
        if (user->active->cart) {
            bytes += block_bytes(user->active->cart_capacity * sizeof(*user->active->cart));
        }
        if (user->active->open) {
            bytes += block_bytes(user->active->open_count * sizeof(*user->active->open));
        }
    }
    return bytes;
}
