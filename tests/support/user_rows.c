#include "tests/support/user_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "schemas/event.h"

static struct bytes item_text(void *context, uint32_t item) {
    struct item_names *items = context;
    assert_true(item > 0 && item < USER_ROWS_ITEMS);
    snprintf(items->text[item], sizeof(items->text[item]), "10048%03u", item);
    return bytes_of_text(items->text[item]);
}

static uint32_t intern_item(void *context, struct bytes id) {
    struct item_names *items = context;
    items->interned++;
    for (uint32_t item = 1; item < USER_ROWS_ITEMS; item++) {
        if (bytes_equal(id, item_text(context, item))) {
            return items->is_full ? 0 : item;
        }
    }
    return 0;
}

static struct bytes zone_text(void *context, uint16_t zone) {
    (void)context;
    return bytes_of_text(zone == 1 ? "Europe/Berlin" : "America/Argentina/Buenos_Aires");
}

static uint16_t find_zone(void *context, struct bytes name) {
    return bytes_equal(name, zone_text(context, 1)) ? 1 : 2;
}

struct user_state_names user_rows_names(struct item_names *items) {
    return (struct user_state_names){.context = items,
                                     .item = item_text,
                                     .intern_item = intern_item,
                                     .zone = zone_text,
                                     .find_zone = find_zone};
}

void user_rows_encode(const struct user_state *user, struct buffer *out) {
    struct item_names items = {0};
    struct user_state_names names = user_rows_names(&items);
    user_state_encode(user, &names, out);
}

bool user_rows_decode(struct bytes body, struct user_state *out) {
    struct item_names items = {0};
    struct user_state_names names = user_rows_names(&items);
    bool is_valid = user_state_decode(body, &names, out);
    if (!is_valid) {
        const struct user_state zero = {0};
        assert_memory_equal(out, &zero, sizeof(zero));
        assert_int_equal(items.interned, 0);
    }
    return is_valid;
}

static void encode(const void *row, struct buffer *out) {
    user_rows_encode(row, out);
}

static bool decode(struct bytes body, void *out_row) {
    return user_rows_decode(body, out_row);
}

static void clean_up(void *row) {
    user_state_clean_up(row);
}

const struct row_codec user_rows_codec = {
    .schema = SCHEMA_USER_STATE,
    .row_bytes = sizeof(struct user_state),
    .encode = encode,
    .decode = decode,
    .clean_up = clean_up,
};

struct user_state user_of(const char *id) {
    struct user_state user;
    user_state_init(&user, bytes_of_text(id));
    return user;
}

struct user_active *add_active(struct user_state *user) {
    user->active = memory_new(1, sizeof(*user->active));
    for (size_t kind = 0; kind < TIMER_KIND_COUNT; kind++) {
        user->active->timers[kind] =
            (struct timer){.deadline_ms = TIME_NONE, .queued_ms = TIME_NONE};
    }
    user->active->episode_end_ms = TIME_NONE;
    user->active->checkout_ms = TIME_NONE;
    user->active->cart_changed_ms = TIME_NONE;
    return user->active;
}

void add_cart_line(struct user_state *user, struct cart_line line) {
    struct user_active *active = user->active;
    active->cart = memory_grow(active->cart, active->cart_count + 1u, sizeof(line));
    active->cart[active->cart_count++] = line;
    active->cart_capacity = active->cart_count;
}

void add_open(struct user_state *user, struct open_decision open) {
    struct user_active *active = user->active;
    if (!active->open) {
        active->open = memory_new(USER_OPEN_MAX, sizeof(open));
    }
    active->open[active->open_count++] = open;
}

struct open_decision largest_open(void) {
    return (struct open_decision){
        .id = {0x0123456789abcdef, 0xfedcba9876543210},
        .deadline_ms = USER_ROWS_NOW_MS + 1,
        .close_ms = USER_ROWS_NOW_MS + 2,
        .redecide_ms = USER_ROWS_NOW_MS + 3,
        .expires_ms = USER_ROWS_NOW_MS + 4,
        .anchor = 0x8123456789abcdef,
        .trigger = TRIGGER_BROWSE_ABANDONED,
        .attempt = 1,
        .flags = DECISION_SENT | DECISION_DELIVERED | DECISION_DEFERRED,
        .offer_id = "12345678901234567890123",
        .revision = UINT8_MAX,
        .decided_ms = USER_ROWS_NOW_MS + 5,
        .order_ms = USER_ROWS_NOW_MS + 6,
        .order_hash = 0x9123456789abcdef,
        .order_total = 37.5,
        .refunded = 0.25,
    };
}

struct user_state typical_user(void) {
    struct user_state user = user_of("8f14e45f-ceea-467a-9a36-dedd4bea2543");
    user.first_seen_ms = user.session_start_ms = USER_ROWS_NOW_MS;
    user.last_event_ms = USER_ROWS_NOW_MS + 300000;
    user.counters[COUNTER_VIEWED] = (struct decayed_counter){.last_ms = USER_ROWS_NOW_MS + 200000,
                                                             .value = {2.9f, 2.99f, 2.999f}};
    user.counters[COUNTER_ADDED] =
        (struct decayed_counter){.last_ms = USER_ROWS_NOW_MS + 300000, .value = {1, 1, 1}};
    user.price_mean = 27.5f;
    for (size_t i = 0; i < USER_AFFINITIES; i++) {
        user.categories[i] = (struct affinity){.name_hash = 0x9e3779b9u, .weight = 1.5f};
        user.brands[i] = (struct affinity){.name_hash = 0x85ebca6bu, .weight = 0.5f};
    }
    for (uint32_t i = 0; i < USER_RECENT_ITEMS; i++) {
        user.recent[i] = (struct recent_item){i + 1, 0x9e3779b9u, 100, EVENT_PRODUCT_VIEWED};
        user.dedup_low[i] = 0xdeadbeefu;
        user.dedup_high[i] = 0xcafe;
    }
    user.dedup_next = 4;
    user.minute = (uint32_t)(USER_ROWS_NOW_MS / 60000);
    user.minute_events = user.day_events = 4;
    user.session_views = 3;
    user.session_adds = 1;
    user.sessions = 1;
    user.zone = 1;
    user.consent = CONSENT_GRANTED;
    memcpy(user.locale, "de-DE", 5);
    memcpy(user.currency, "EUR", 3);
    memcpy(user.place, "DE", 2);
    struct user_active *active = add_active(&user);
    active->timers[TIMER_CART].deadline_ms = USER_ROWS_NOW_MS + 2100000;
    active->timers[TIMER_CART].anchor = 0x8123456789abcdef;
    active->timers[TIMER_BROWSE].deadline_ms = USER_ROWS_NOW_MS + 2100000;
    active->timers[TIMER_BROWSE].anchor = 0x8123456789abcdef;
    active->cart_changed_ms = USER_ROWS_NOW_MS + 300000;
    add_cart_line(&user, (struct cart_line){1, 0x9e3779b9u, 1, 27.5f});
    return user;
}

struct user_state every_field_user(void) {
    struct user_state user = user_of("u1");
    user.first_seen_ms = 1;
    user.last_event_ms = 2;
    user.session_start_ms = 3;
    user.order_ms = 4;
    user.counters[COUNTER_ADDED] = (struct decayed_counter){5, {0.5f, 0.25f, 0.125f}};
    user.counters[COUNTER_SEARCHED] = (struct decayed_counter){6, {1.5f, 1.25f, 1.125f}};
    user.order_value = 7.5f;
    user.price_mean = 8.5f;
    user.push_pressure = 9.5f;
    user.categories[1] = (struct affinity){UINT32_MAX, 10.5f};
    user.brands[0] = (struct affinity){11, 11.5f};
    user.recent[0] = (struct recent_item){1, 12, -1, EVENT_PUSH_DISMISSED};
    user.recent[2] = (struct recent_item){2, UINT32_MAX, 13, EVENT_OTHER};
    user.dedup_low[1] = 0x61626364;
    user.dedup_high[1] = 0x6566;
    user.dedup_low[0] = 0x61616161;
    user.dedup_high[0] = 0x6161;
    user.dedup_next = 15;
    user.minute = 16;
    user.minute_events = 17;
    user.day_events = 18;
    user.session_views = 19;
    user.session_adds = 20;
    user.sessions = 21;
    user.coupons = 22;
    user.opened = 23;
    user.dismissed = 24;
    user.zone = 2;
    user.consent = CONSENT_DENIED;
    user.bot_suspect = 1;
    memcpy(user.locale, "zh-Hant-TW-x", 12);
    memcpy(user.currency, "EUR", 4);
    memcpy(user.place, "AT-9WIEN", 8);
    struct user_active *active = add_active(&user);
    active->timers[TIMER_CHECKOUT] = (struct timer){25, 99, 26};
    active->timers[TIMER_DECISIONS] = (struct timer){27, 98, UINT64_MAX};
    active->episode_id = (struct hash128){1, 2};
    active->episode_end_ms = 28;
    active->checkout_ms = 29;
    active->cart_changed_ms = 30;
    active->cart_overflow = 31;
    add_cart_line(&user, (struct cart_line){3, 32, 33, 34.5f});
    add_cart_line(&user, (struct cart_line){4, 0, INT32_MIN, NAN});
    add_open(&user, largest_open());
    active->sent_count = 2;
    active->sent_ms[0] = 35;
    active->sent_ms[1] = 36;
    return user;
}

static void assert_active_equal(const struct user_active *a, const struct user_active *b) {
    for (size_t kind = 0; kind < TIMER_KIND_COUNT; kind++) {
        assert_true(a->timers[kind].deadline_ms == b->timers[kind].deadline_ms);
        assert_true(a->timers[kind].anchor == b->timers[kind].anchor);
        assert_true(b->timers[kind].queued_ms == TIME_NONE);
    }
    assert_true(hash128_equal(a->episode_id, b->episode_id));
    assert_true(a->episode_end_ms == b->episode_end_ms && a->checkout_ms == b->checkout_ms);
    assert_true(a->cart_changed_ms == b->cart_changed_ms && a->cart_overflow == b->cart_overflow);
    assert_int_equal(a->cart_count, b->cart_count);
    assert_int_equal(b->cart_capacity, b->cart_count);
    if (a->cart_count > 0) {
        assert_memory_equal(a->cart, b->cart, a->cart_count * sizeof(*a->cart));
    }
    assert_int_equal(a->open_count, b->open_count);
    for (size_t i = 0; i < a->open_count; i++) {
        assert_true(hash128_equal(a->open[i].id, b->open[i].id));
        assert_true(a->open[i].deadline_ms == b->open[i].deadline_ms);
        assert_true(a->open[i].close_ms == b->open[i].close_ms);
        assert_true(a->open[i].redecide_ms == b->open[i].redecide_ms);
        assert_true(a->open[i].expires_ms == b->open[i].expires_ms);
        assert_true(a->open[i].anchor == b->open[i].anchor);
        assert_int_equal(a->open[i].trigger, b->open[i].trigger);
        assert_int_equal(a->open[i].attempt, b->open[i].attempt);
        assert_int_equal(a->open[i].flags, b->open[i].flags);
        assert_string_equal(a->open[i].offer_id, b->open[i].offer_id);
        assert_int_equal(a->open[i].revision, b->open[i].revision);
        assert_true(a->open[i].decided_ms == b->open[i].decided_ms);
        assert_true(a->open[i].order_ms == b->open[i].order_ms);
        assert_true(a->open[i].order_hash == b->open[i].order_hash);
        assert_true(a->open[i].order_total == b->open[i].order_total ||
                    (isnan(a->open[i].order_total) && isnan(b->open[i].order_total)));
        assert_true(a->open[i].refunded == b->open[i].refunded ||
                    (isnan(a->open[i].refunded) && isnan(b->open[i].refunded)));
    }
    assert_int_equal(a->sent_count, b->sent_count);
    assert_memory_equal(a->sent_ms, b->sent_ms, sizeof(a->sent_ms));
}

/* What is kept in place is compared as memory: both start from zeros. */
void user_rows_assert_equal(const struct user_state *a, const struct user_state *b) {
    struct user_state left = *a, right = *b;
    assert_true(bytes_equal(user_state_id(a), user_state_id(b)));
    assert_int_equal(a->active != NULL, b->active != NULL);
    if (a->active) {
        assert_active_equal(a->active, b->active);
    }
    memset(&left.user_id, 0, sizeof left.user_id);
    memset(&right.user_id, 0, sizeof right.user_id);
    left.active = right.active = NULL;
    assert_memory_equal(&left, &right, sizeof(left));
}

void user_rows_check_round_trip(const struct user_state *user) {
    struct buffer body = {0};
    struct user_state decoded = {0};
    user_rows_encode(user, &body);
    assert_true(user_rows_decode(buffer_bytes(&body), &decoded));
    user_rows_assert_equal(user, &decoded);
    user_state_clean_up(&decoded);
    buffer_clean_up(&body);
}
