/* Reads a user back. Names are interned last, when the row is known to be whole, so that a bad row
 * leaves no reference behind. */
#include <math.h>

#include "schemas/event.h"
#include "schemas/rows_plan.h"
#include "schemas/user_state_fast.h"

#define NAME_BYTES_MAX EVENT_TEXT_BYTES_MAX

static int64_t read_optional_time(struct wire_reader *reader) {
    return wire_read_present(reader) ? wire_read_long(reader) : TIME_NONE;
}

static struct bytes read_optional_text(struct wire_reader *reader, size_t size_max) {
    return wire_read_present(reader) ? wire_read_text(reader, size_max) : (struct bytes){0};
}

static float read_optional_float(struct wire_reader *reader) {
    return wire_read_present(reader) ? wire_read_float(reader) : NAN;
}

static void read_short_text(struct wire_reader *reader, char *field, size_t size) {
    struct bytes text = read_optional_text(reader, size);
    if (text.size > 0) {
        memcpy(field, text.data, text.size);
    }
}

static uint16_t read_tally(struct wire_reader *reader) {
    return (uint16_t)wire_read_range(reader, 0, UINT16_MAX);
}

static uint32_t read_word(struct wire_reader *reader) {
    return (uint32_t)wire_read_range(reader, 0, UINT32_MAX);
}

/* The kinds of an array of kinds ascend. */
static size_t read_kind(struct wire_reader *reader, size_t least, size_t count) {
    size_t kind = (size_t)wire_read_range(reader, 0, (int64_t)count - 1);
    if (kind < least) {
        wire_fail(reader, WIRE_BAD_VALUE);
    }
    return kind;
}

static int64_t read_time(struct wire_reader *reader) {
    int64_t ms = wire_read_long(reader);
    if (ms == TIME_NONE) {
        wire_fail(reader, WIRE_BAD_VALUE);
    }
    return ms;
}

static void read_counters(struct wire_reader *reader, struct user_state *user) {
    size_t least = 0;
    struct wire_array array = wire_array_of(COUNTER_KIND_COUNT);
    while (wire_array_next(reader, &array)) {
        size_t kind = read_kind(reader, least, COUNTER_KIND_COUNT);
        struct decayed_counter *counter = &user->counters[kind];
        counter->last_ms = read_time(reader);
        for (size_t i = 0; i < COUNTER_HALF_LIVES; i++) {
            counter->value[i] = wire_read_float(reader);
        }
        least = kind + 1;
    }
}

static void read_affinities(struct wire_reader *reader, struct affinity slots[USER_AFFINITIES]) {
    struct wire_array array = wire_array_of(USER_AFFINITIES);
    while (wire_array_next(reader, &array)) {
        struct affinity *slot = &slots[array.count - 1];
        slot->name_hash = read_word(reader);
        slot->weight = wire_read_float(reader);
    }
}

static void read_recent(struct wire_reader *reader, struct user_state *user,
                        struct bytes names[USER_RECENT_ITEMS]) {
    struct wire_array array = wire_array_of(USER_RECENT_ITEMS);
    while (wire_array_next(reader, &array)) {
        struct recent_item *recent = &user->recent[array.count - 1];
        names[array.count - 1] = read_optional_text(reader, NAME_BYTES_MAX);
        recent->category_hash = read_word(reader);
        recent->gap_s = (int32_t)wire_read_range(reader, INT32_MIN, INT32_MAX);
        recent->kind = (uint8_t)wire_read_range(reader, 0, EVENT_TYPE_COUNT - 1);
    }
}

static void read_dedup(struct wire_reader *reader, struct user_state *user) {
    struct bytes ring = wire_read_bytes(reader, 6 * USER_DEDUP_RING);
    if (ring.size % 6 != 0) {
        wire_fail(reader, WIRE_BAD_VALUE);
        return;
    }
    for (size_t i = 0; i < ring.size / 6; i++) {
        uint64_t hash = 0;
        for (size_t byte = 0; byte < 6; byte++) {
            hash |= (uint64_t)ring.data[6 * i + byte] << (8 * byte);
        }
        user->dedup_low[i] = (uint32_t)hash;
        user->dedup_high[i] = (uint16_t)(hash >> 32);
    }
    user->dedup_next = (uint8_t)wire_read_range(reader, 0, USER_DEDUP_RING - 1);
}

static void read_tallies(struct wire_reader *reader, struct user_state *user) {
    user->minute = read_word(reader);
    user->minute_events = read_tally(reader);
    user->day_events = read_tally(reader);
    user->session_views = read_tally(reader);
    user->session_adds = read_tally(reader);
    user->sessions = read_word(reader);
    user->coupons = read_tally(reader);
    user->opened = read_tally(reader);
    user->dismissed = read_tally(reader);
}

static void read_timers(struct wire_reader *reader, struct user_active *active) {
    size_t least = 0;
    for (size_t kind = 0; kind < TIMER_KIND_COUNT; kind++) {
        active->timers[kind] = (struct timer){.deadline_ms = TIME_NONE, .queued_ms = TIME_NONE};
    }
    struct wire_array array = wire_array_of(TIMER_KIND_COUNT);
    while (wire_array_next(reader, &array)) {
        size_t kind = read_kind(reader, least, TIMER_KIND_COUNT);
        active->timers[kind].deadline_ms = read_time(reader);
        active->timers[kind].anchor = (uint64_t)wire_read_long(reader);
        least = kind + 1;
    }
}

static struct hash128 read_optional_hash(struct wire_reader *reader) {
    struct hash128 hash = {0};
    if (wire_read_present(reader) && !hash128_parse(wire_read_bytes(reader, 32), &hash)) {
        wire_fail(reader, WIRE_BAD_VALUE);
    }
    return hash;
}

static void read_cart(struct wire_reader *reader, struct user_active *active,
                      struct bytes names[USER_CART_LINES_MAX]) {
    struct cart_line lines[USER_CART_LINES_MAX];
    struct wire_array array = wire_array_of(USER_CART_LINES_MAX);
    while (wire_array_next(reader, &array)) {
        names[array.count - 1] = read_optional_text(reader, NAME_BYTES_MAX);
        struct cart_line *line = &lines[array.count - 1];
        line->item = 0;
        line->category_hash = read_word(reader);
        line->quantity = (int32_t)wire_read_range(reader, INT32_MIN, INT32_MAX);
        line->price = read_optional_float(reader);
    }
    if (array.count > 0) {
        active->cart = memory_new(array.count, sizeof(*lines));
        memcpy(active->cart, lines, array.count * sizeof(*lines));
        active->cart_count = active->cart_capacity = (uint16_t)array.count;
    }
}

static void read_open(struct wire_reader *reader, struct user_active *active) {
    struct wire_array array = wire_array_of(USER_OPEN_MAX);
    while (wire_array_next(reader, &array)) {
        active->open = memory_grow(active->open, array.count, sizeof(*active->open));
        active->open[array.count - 1] = (struct open_decision){0};
        plan_decode(row_open_state, reader, &active->open[array.count - 1]);
    }
    active->open_count = (uint8_t)array.count;
}

static void read_active(struct wire_reader *reader, struct user_state *user,
                        struct user_row_names *names) {
    struct user_active *active = memory_new(1, sizeof(*active));
    user->active = active;
    read_timers(reader, active);
    active->episode_id = read_optional_hash(reader);
    active->episode_end_ms = read_optional_time(reader);
    active->checkout_ms = read_optional_time(reader);
    active->cart_changed_ms = read_optional_time(reader);
    active->cart_overflow = read_word(reader);
    read_cart(reader, active, names->cart);
    read_open(reader, active);
    struct wire_array sent = wire_array_of(USER_SENT_RING);
    while (wire_array_next(reader, &sent)) {
        active->sent_ms[sent.count - 1] = wire_read_long(reader);
    }
    active->sent_count = (uint8_t)sent.count;
}

/* user_state.avsc up to `active`, field by field. */
static void read_common(struct wire_reader *reader, struct user_state *user,
                        struct user_row_names *names) {
    user_state_init(user, wire_read_text(reader, UINT8_MAX));
    (void)read_optional_text(reader, NAME_BYTES_MAX); /* subject_key_id is reserved */
    user->first_seen_ms = read_optional_time(reader);
    user->last_event_ms = read_optional_time(reader);
    user->session_start_ms = read_optional_time(reader);
    user->order_ms = read_optional_time(reader);
    read_counters(reader, user);
    user->order_value = wire_read_float(reader);
    user->price_mean = read_optional_float(reader);
    user->push_pressure = wire_read_float(reader);
    read_affinities(reader, user->categories);
    read_affinities(reader, user->brands);
    read_recent(reader, user, names->recent);
    read_dedup(reader, user);
    read_tallies(reader, user);
    names->zone = read_optional_text(reader, NAME_BYTES_MAX);
    user->consent = (uint8_t)wire_read_range(reader, 0, CONSENT_DENIED);
    user->bot_suspect = wire_read_boolean(reader);
    read_short_text(reader, user->locale, sizeof(user->locale));
    read_short_text(reader, user->currency, sizeof(user->currency));
    read_short_text(reader, user->place, sizeof(user->place));
}

/* What is common was read up to `at`; NULL: not yet. */
static bool read_row(struct bytes body, const uint8_t *at, const struct user_state_names *names,
                     struct user_state *out, struct user_row_names *row) {
    struct wire_reader reader = wire_reader_of(body);
    if (at) {
        reader.cursor = at;
    } else {
        read_common(&reader, out, row);
    }
    if (names->hash_items) {
        names->hash_items(names->context, row->recent, USER_RECENT_ITEMS, row->recent_hashes);
    }
    if (wire_read_present(&reader)) {
        read_active(&reader, out, row);
    }
    if (wire_finish(&reader) != WIRE_OK) {
        user_state_clean_up(out);
        return false;
    }
    return true;
}

static void clear_names(struct user_row_names *row) {
    memset(row, 0, offsetof(struct user_row_names, recent_hashes));
}

static bool read_plain(struct bytes body, const struct user_state_names *names,
                       struct user_state *out, struct user_row_names *out_row) {
    clear_names(out_row);
    return read_row(body, NULL, names, out, out_row);
}

bool user_state_read(struct bytes body, const struct user_state_names *names,
                     struct user_state *out, struct user_row_names *out_row) {
    clear_names(out_row);
    const uint8_t *active = user_state_read_fast(body, out, out_row);
    return active ? read_row(body, active, names, out, out_row)
                  : read_plain(body, names, out, out_row);
}

static void name_recent(struct user_state *user, const struct user_row_names *row,
                        const struct user_state_names *names) {
    uint32_t items[USER_RECENT_ITEMS] = {0};
    if (names->hash_items) {
        names->intern_items(names->context, row->recent, row->recent_hashes, USER_RECENT_ITEMS,
                            items);
    }
    for (size_t i = 0; i < USER_RECENT_ITEMS; i++) {
        if (!names->hash_items && row->recent[i].size > 0) {
            items[i] = names->intern_item(names->context, row->recent[i]);
        }
        user->recent[i].item = items[i];
        if (items[i] == 0) {
            user->recent[i] = (struct recent_item){0}; /* an empty slot, or no room for its name */
        }
    }
}

void user_state_name(struct user_state *user, const struct user_row_names *row,
                     const struct user_state_names *names) {
    name_recent(user, row, names);
    for (size_t i = 0; user->active && i < user->active->cart_count; i++) {
        if (row->cart[i].size > 0) {
            user->active->cart[i].item = names->intern_item(names->context, row->cart[i]);
        }
    }
    if (row->zone.size > 0) {
        user->zone = names->find_zone(names->context, row->zone);
    }
}

bool user_state_decode_plain(struct bytes body, const struct user_state_names *names,
                             struct user_state *out) {
    struct user_row_names row;
    if (!read_plain(body, names, out, &row)) {
        return false;
    }
    user_state_name(out, &row, names);
    return true;
}

bool user_state_decode(struct bytes body, const struct user_state_names *names,
                       struct user_state *out) {
    struct user_row_names row;
    if (!user_state_read(body, names, out, &row)) {
        return false;
    }
    user_state_name(out, &row, names);
    return true;
}
