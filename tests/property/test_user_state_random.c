/* user_state over random users: every field comes back, Avro-C agrees, damage is survived, and the
 * fast way reads what the plain one reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "schemas/event.h"
#include "schemas/user_state_fast.h"
#include "tests/support/user_rows.h"

#define USERS         2000
#define USERS_DAMAGED 20
#define ROWS_COMPARED 1000
#define ROWS_DAMAGED  20

static float random_float(struct rng *rng) {
    return rng_below(rng, 2) ? (float)(100 * rng_unit(rng)) : 0;
}

static int64_t random_time(struct rng *rng) {
    return rng_below(rng, 3) ? USER_ROWS_NOW_MS + (int64_t)rng_below(rng, 1u << 30) : TIME_NONE;
}

static uint16_t random_tally(struct rng *rng) {
    return (uint16_t)(rng_u64(rng) >> (48 + rng_below(rng, 16)));
}

static void fill_active(struct rng *rng, struct user_state *user) {
    struct user_active *active = add_active(user);
    for (size_t kind = 0; kind < TIMER_KIND_COUNT; kind++) {
        int64_t deadline_ms = random_time(rng);
        if (deadline_ms != TIME_NONE) {
            active->timers[kind].deadline_ms = deadline_ms;
            active->timers[kind].anchor = rng_u64(rng);
        }
    }
    active->episode_id = (struct hash128){rng_below(rng, 2), rng_below(rng, 2)};
    active->episode_end_ms = random_time(rng);
    active->checkout_ms = random_time(rng);
    active->cart_changed_ms = random_time(rng);
    active->cart_overflow = (uint32_t)rng_below(rng, 3);
    size_t lines = rng_below(rng, 10) ? rng_below(rng, 4) : USER_CART_LINES_MAX;
    for (size_t i = 0; i < lines; i++) {
        add_cart_line(user, (struct cart_line){(uint32_t)rng_below(rng, USER_ROWS_ITEMS),
                                               (uint32_t)rng_u64(rng), (int32_t)rng_below(rng, 9),
                                               rng_below(rng, 4) ? random_float(rng) : NAN});
    }
    size_t open = rng_below(rng, USER_OPEN_MAX + 1);
    for (size_t i = 0; i < open; i++) {
        struct open_decision decision = largest_open();
        decision.id.low = rng_u64(rng);
        decision.redecide_ms = random_time(rng);
        decision.expires_ms = random_time(rng);
        decision.offer_id[rng_below(rng, 23)] = '\0';
        /* Nothing behind the NUL: it would not come back. */
        size_t length = strlen(decision.offer_id);
        memset(decision.offer_id + length, 0, sizeof(decision.offer_id) - length);
        add_open(user, decision);
    }
    active->sent_count = (uint8_t)rng_below(rng, USER_SENT_RING + 1);
    for (size_t i = 0; i < active->sent_count; i++) {
        active->sent_ms[i] = USER_ROWS_NOW_MS + (int64_t)rng_below(rng, 1000);
    }
}

static struct user_state random_user(struct rng *rng) {
    char id[256];
    size_t id_size = rng_below(rng, rng_below(rng, 2) ? sizeof(id) : USER_ID_NEAR_MAX + 1);
    memset(id, 'u', sizeof(id));
    struct user_state user;
    user_state_init(&user, bytes_of(id, id_size));
    user.first_seen_ms = random_time(rng);
    user.last_event_ms = random_time(rng);
    user.session_start_ms = random_time(rng);
    user.order_ms = random_time(rng);
    for (size_t kind = 0; kind < COUNTER_KIND_COUNT; kind++) {
        int64_t last_ms = random_time(rng);
        if (last_ms != TIME_NONE) {
            user.counters[kind] = (struct decayed_counter){
                last_ms, {random_float(rng), random_float(rng), random_float(rng)}};
        }
    }
    user.order_value = random_float(rng);
    user.price_mean = rng_below(rng, 2) ? random_float(rng) : NAN;
    user.push_pressure = random_float(rng);
    for (size_t i = 0; i < USER_AFFINITIES; i++) {
        if (rng_below(rng, 2)) {
            user.categories[i] = (struct affinity){(uint32_t)rng_u64(rng) | 1, random_float(rng)};
        }
        if (rng_below(rng, 2)) {
            user.brands[i] = (struct affinity){(uint32_t)rng_u64(rng) | 1, random_float(rng)};
        }
    }
    for (size_t i = 0; i < USER_RECENT_ITEMS; i++) {
        uint32_t item = (uint32_t)rng_below(rng, USER_ROWS_ITEMS);
        if (item > 0 && rng_below(rng, 2)) {
            user.recent[i] =
                (struct recent_item){item, (uint32_t)rng_u64(rng), (int32_t)rng_u64(rng),
                                     (uint8_t)rng_below(rng, EVENT_TYPE_COUNT)};
        }
    }
    for (size_t i = 0; i < rng_below(rng, USER_DEDUP_RING + 1); i++) {
        user.dedup_low[i] = (uint32_t)rng_below(rng, 3);
        user.dedup_high[i] = (uint16_t)rng_below(rng, 3);
    }
    user.dedup_next = (uint8_t)rng_below(rng, USER_DEDUP_RING);
    user.minute = (uint32_t)rng_u64(rng);
    uint16_t *tallies[] = {&user.minute_events, &user.day_events, &user.session_views,
                           &user.session_adds,  &user.coupons,    &user.opened,
                           &user.dismissed};
    for (size_t i = 0; i < sizeof(tallies) / sizeof(tallies[0]); i++) {
        *tallies[i] = random_tally(rng);
    }
    user.sessions = (uint32_t)rng_u64(rng);
    user.zone = (uint16_t)rng_below(rng, 3);
    user.consent = (uint8_t)rng_below(rng, CONSENT_DENIED + 1);
    user.bot_suspect = (uint8_t)rng_below(rng, 2);
    memset(user.locale, 'l', rng_below(rng, sizeof(user.locale) + 1));
    memset(user.currency, 'c', rng_below(rng, sizeof(user.currency) + 1));
    memset(user.place, 'p', rng_below(rng, sizeof(user.place) + 1));
    if (rng_below(rng, 2)) {
        fill_active(rng, &user);
    }
    return user;
}

static void random_users_come_back(void **state) {
    (void)state;
    struct rng rng = rng_make(7, 0);
    for (int i = 0; i < USERS; i++) {
        struct user_state user = random_user(&rng);
        user_rows_check_round_trip(&user);
        if (i < USERS_DAMAGED) {
            row_check(&user_rows_codec, &user, NULL);
        }
        user_state_clean_up(&user);
    }
}

/* Was it read fast? The copy ends where the body ends: reading beyond shows. */
static bool agrees_with_plain(const uint8_t *bytes, size_t size) {
    uint8_t *copy = size > 0 ? memory_new(size, 1) : NULL;
    if (size > 0) {
        memcpy(copy, bytes, size);
    }
    struct bytes body = bytes_of(copy, size);
    struct item_names items = {0}, plain_items = {0};
    struct user_state_names names = user_rows_names(&items), plain = user_rows_names(&plain_items);
    struct user_state user = {0}, expected = {0};
    struct user_row_names row = {0};
    bool is_fast = user_state_read_fast(body, &user, &row) != NULL;
    user = (struct user_state){0};
    bool is_good = user_state_decode_plain(body, &plain, &expected);
    assert_int_equal(user_state_decode(body, &names, &user), is_good);
    assert_int_equal(items.interned, plain_items.interned);
    user_rows_assert_equal(&expected, &user);
    user_state_clean_up(&expected);
    user_state_clean_up(&user);
    free(copy);
    return is_fast;
}

static void the_fast_way_is_the_plain_one(void **state) {
    (void)state;
    struct rng rng = rng_make(7, 1);
    size_t fast = 0;
    struct buffer body = {0};
    for (int i = 0; i < ROWS_COMPARED; i++) {
        struct user_state user = random_user(&rng);
        buffer_clear(&body);
        user_rows_encode(&user, &body);
        fast += agrees_with_plain(body.data, body.size);
        for (size_t at = 0; i < ROWS_DAMAGED && at < body.size; at++) {
            static const uint8_t flips[] = {1, 2, 4, 8, 0x10, 0x20, 0x40, 0x80, 0x7f};
            (void)agrees_with_plain(body.data, at);
            for (size_t f = 0; f < sizeof flips; f++) {
                body.data[at] ^= flips[f];
                (void)agrees_with_plain(body.data, body.size);
                body.data[at] ^= flips[f];
            }
        }
        user_state_clean_up(&user);
    }
    assert_in_range(fast, ROWS_COMPARED / 3, ROWS_COMPARED);
    buffer_clean_up(&body);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_users_come_back),
        cmocka_unit_test(the_fast_way_is_the_plain_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
