#include <assert.h>
#include <math.h>

#include "schemas/rows_plan.h"
#include "schemas/user_state.h"
#include "schemas/wire_fast.h"

/* The part that every user has is written with the cursor in a register, into room that was
 * reserved for all of it: one such row an event is what a worker does most. */

/* Everything but the texts of names; each number at its longest. */
#define FIXED_BYTES_MAX 1024

/* Texts of interned names, fetched together. */
struct names {
    struct bytes recent[USER_RECENT_ITEMS];
    struct bytes zone;
};

static uint8_t *put_optional_time(uint8_t *at, int64_t ms) {
    at = wire_put_long(at, ms != TIME_NONE);
    return ms == TIME_NONE ? at : wire_put_long(at, ms);
}

static uint8_t *put_optional_text(uint8_t *at, struct bytes text) {
    at = wire_put_long(at, text.size > 0);
    return text.size == 0 ? at : wire_put_bytes(at, text);
}

static uint8_t *put_optional_float(uint8_t *at, float value) {
    at = wire_put_long(at, !isnan(value));
    return isnan(value) ? at : wire_put_float(at, value);
}

/* Cuts a character that the field did not hold to its end: the row must be valid whatever was
 * stored. */
static uint8_t *put_short_text(uint8_t *at, const char *field, size_t size) {
    struct bytes text = bytes_of(field, field[0] ? strnlen(field, size) : 0);
    while (!wire_is_utf8(text)) {
        text.size--;
    }
    return put_optional_text(at, text);
}

/* An array is its one block (none if it is empty), then the empty block. */
static uint8_t *put_array(uint8_t *at, size_t count) {
    return count > 0 ? wire_put_long(at, (int64_t)count) : at;
}

static uint8_t *put_array_end(uint8_t *at) {
    *at = 0;
    return at + 1;
}

static uint8_t *put_counters(uint8_t *at, const struct user_state *user) {
    size_t count = 0;
    for (size_t kind = 0; kind < COUNTER_KIND_COUNT; kind++) {
        count += user->counters[kind].last_ms != TIME_NONE;
    }
    at = put_array(at, count);
    for (size_t kind = 0; kind < COUNTER_KIND_COUNT; kind++) {
        const struct decayed_counter *counter = &user->counters[kind];
        if (counter->last_ms != TIME_NONE) {
            at = wire_put_long(at, (int64_t)kind);
            at = wire_put_long(at, counter->last_ms);
            for (size_t i = 0; i < COUNTER_HALF_LIVES; i++) {
                at = wire_put_float(at, counter->value[i]);
            }
        }
    }
    return put_array_end(at);
}

/* Slots keep their places, so that what comes later meets the same state; empty ones at the end are
 * cut. */
static uint8_t *put_affinities(uint8_t *at, const struct affinity slots[USER_AFFINITIES]) {
    size_t count = USER_AFFINITIES;
    while (count > 0 && slots[count - 1].name_hash == 0) {
        count--;
    }
    at = put_array(at, count);
    for (size_t i = 0; i < count; i++) {
        at = wire_put_long(at, slots[i].name_hash);
        at = wire_put_float(at, slots[i].weight);
    }
    return put_array_end(at);
}

static uint8_t *put_recent(uint8_t *at, const struct user_state *user, const struct names *names) {
    size_t count = USER_RECENT_ITEMS;
    while (count > 0 && user->recent[count - 1].item == 0) {
        count--;
    }
    at = put_array(at, count);
    for (size_t i = 0; i < count; i++) {
        at = put_optional_text(at, names->recent[i]);
        at = wire_put_long(at, user->recent[i].category_hash);
        at = wire_put_long(at, user->recent[i].gap_s);
        at = wire_put_long(at, user->recent[i].kind);
    }
    return put_array_end(at);
}

/* 48 bits each, little-endian: eight bytes are stored, the next hash or field covers two of them.
 */
static uint8_t *put_dedup(uint8_t *at, const struct user_state *user) {
    size_t count = USER_DEDUP_RING;
    while (count > 0 && user->dedup_low[count - 1] == 0 && user->dedup_high[count - 1] == 0) {
        count--;
    }
    at = wire_put_long(at, (int64_t)(count * 6));
    for (size_t i = 0; i < count; i++) {
        wire_store_word(at, (uint64_t)user->dedup_high[i] << 32 | user->dedup_low[i]);
        at += 6;
    }
    return wire_put_long(at, user->dedup_next);
}

static uint8_t *put_tallies(uint8_t *at, const struct user_state *user) {
    at = wire_put_long(at, user->minute);
    at = wire_put_long(at, user->minute_events);
    at = wire_put_long(at, user->day_events);
    at = wire_put_long(at, user->session_views);
    at = wire_put_long(at, user->session_adds);
    at = wire_put_long(at, user->sessions);
    at = wire_put_long(at, user->coupons);
    at = wire_put_long(at, user->opened);
    return wire_put_long(at, user->dismissed);
}

/* user_state.avsc up to `active`, field by field. */
static uint8_t *put_common(uint8_t *at, const struct user_state *user, const struct names *names) {
    at = wire_put_bytes(at, user_state_id(user));
    at = put_optional_text(at, (struct bytes){0}); /* subject_key_id */
    at = put_optional_time(at, user->first_seen_ms);
    at = put_optional_time(at, user->last_event_ms);
    at = put_optional_time(at, user->session_start_ms);
    at = put_optional_time(at, user->order_ms);
    at = put_counters(at, user);
    at = wire_put_float(at, user->order_value);
    at = put_optional_float(at, user->price_mean);
    at = wire_put_float(at, user->push_pressure);
    at = put_affinities(at, user->categories);
    at = put_affinities(at, user->brands);
    at = put_recent(at, user, names);
    at = put_dedup(at, user);
    at = put_tallies(at, user);
    at = put_optional_text(at, names->zone);
    at = wire_put_long(at, user->consent);
    *at++ = user->bot_suspect != 0;
    at = put_short_text(at, user->locale, sizeof user->locale);
    at = put_short_text(at, user->currency, sizeof user->currency);
    return put_short_text(at, user->place, sizeof user->place);
}

static void write_common(struct buffer *out, const struct user_state *user,
                         const struct user_state_names *interned) {
    struct names names = {0};
    size_t size_max = FIXED_BYTES_MAX + user->user_id_size;
    for (size_t i = 0; i < USER_RECENT_ITEMS; i++) {
        uint32_t item = user->recent[i].item;
        names.recent[i] = item ? interned->item(interned->context, item) : names.recent[i];
        size_max += names.recent[i].size;
    }
    names.zone = user->zone ? interned->zone(interned->context, user->zone) : names.zone;
    uint8_t *begin = buffer_reserve(out, size_max + names.zone.size);
    out->size += (size_t)(put_common(begin, user, &names) - begin);
    assert(out->size <= out->capacity);
}

/* ---- what only some users have ---- */

static void begin_array(struct buffer *out, size_t count) {
    if (count > 0) {
        wire_write_long(out, (int64_t)count);
    }
}

static void end_array(struct buffer *out) {
    wire_write_long(out, 0);
}

static void write_optional_time(struct buffer *out, int64_t ms) {
    wire_write_long(out, ms != TIME_NONE);
    if (ms != TIME_NONE) {
        wire_write_long(out, ms);
    }
}

static void write_optional_text(struct buffer *out, struct bytes text) {
    wire_write_long(out, text.size > 0);
    if (text.size > 0) {
        wire_write_bytes(out, text);
    }
}

static void write_optional_float(struct buffer *out, float value) {
    wire_write_long(out, !isnan(value));
    if (!isnan(value)) {
        wire_write_float(out, value);
    }
}

static void write_item(struct buffer *out, const struct user_state_names *names, uint32_t item) {
    write_optional_text(out, item ? names->item(names->context, item) : (struct bytes){0});
}

static void write_timers(struct buffer *out, const struct user_active *active) {
    size_t count = 0;
    for (size_t kind = 0; kind < TIMER_KIND_COUNT; kind++) {
        count += active->timers[kind].deadline_ms != TIME_NONE;
    }
    begin_array(out, count);
    for (size_t kind = 0; kind < TIMER_KIND_COUNT; kind++) {
        if (active->timers[kind].deadline_ms != TIME_NONE) {
            wire_write_long(out, (int64_t)kind);
            wire_write_long(out, active->timers[kind].deadline_ms);
            wire_write_long(out, (int64_t)active->timers[kind].anchor);
        }
    }
    end_array(out);
}

static void write_cart(struct buffer *out, const struct user_active *active,
                       const struct user_state_names *names) {
    assert(active->cart_count <= USER_CART_LINES_MAX);
    begin_array(out, active->cart_count);
    for (size_t i = 0; i < active->cart_count; i++) {
        write_item(out, names, active->cart[i].item);
        wire_write_long(out, active->cart[i].category_hash);
        wire_write_long(out, active->cart[i].quantity);
        write_optional_float(out, active->cart[i].price);
    }
    end_array(out);
}

static void write_active(struct buffer *out, const struct user_active *active,
                         const struct user_state_names *names) {
    char digits[33];
    bool has_episode = !hash128_equal(active->episode_id, (struct hash128){0});
    hash128_format(active->episode_id, digits);
    write_timers(out, active);
    write_optional_text(out, bytes_of(digits, has_episode ? 32 : 0));
    write_optional_time(out, active->episode_end_ms);
    write_optional_time(out, active->checkout_ms);
    write_optional_time(out, active->cart_changed_ms);
    wire_write_long(out, active->cart_overflow);
    write_cart(out, active, names);
    assert(active->open_count <= USER_OPEN_MAX);
    begin_array(out, active->open_count);
    for (size_t i = 0; i < active->open_count; i++) {
        plan_encode(row_open_state, &active->open[i], out);
    }
    end_array(out);
    assert(active->sent_count <= USER_SENT_RING);
    begin_array(out, active->sent_count);
    for (size_t i = 0; i < active->sent_count; i++) {
        wire_write_long(out, active->sent_ms[i]);
    }
    end_array(out);
}

void user_state_encode(const struct user_state *user, const struct user_state_names *names,
                       struct buffer *out) {
    write_common(out, user, names);
    wire_write_long(out, user->active != NULL);
    if (user->active) {
        write_active(out, user->active, names);
    }
}
