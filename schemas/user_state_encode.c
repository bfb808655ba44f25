#include <assert.h>
#include <math.h>

#include "schemas/rows_plan.h"
#include "schemas/user_state.h"

/* An array is its one block (none if it is empty), then the empty block. */
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

/* Cuts a character that the field did not hold to its end: the row must be valid whatever was
 * stored. */
static void write_short_text(struct buffer *out, const char *field, size_t size) {
    struct bytes text = bytes_of(field, strnlen(field, size));
    while (!wire_is_utf8(text)) {
        text.size--;
    }
    write_optional_text(out, text);
}

static void write_item(struct buffer *out, const struct user_state_names *names, uint32_t item) {
    write_optional_text(out, item ? names->item(names->context, item) : (struct bytes){0});
}

static void write_counters(struct buffer *out, const struct user_state *user) {
    size_t count = 0;
    for (size_t kind = 0; kind < COUNTER_KIND_COUNT; kind++) {
        count += user->counters[kind].last_ms != TIME_NONE;
    }
    begin_array(out, count);
    for (size_t kind = 0; kind < COUNTER_KIND_COUNT; kind++) {
        const struct decayed_counter *counter = &user->counters[kind];
        if (counter->last_ms != TIME_NONE) {
            wire_write_long(out, (int64_t)kind);
            wire_write_long(out, counter->last_ms);
            for (size_t i = 0; i < COUNTER_HALF_LIVES; i++) {
                wire_write_float(out, counter->value[i]);
            }
        }
    }
    end_array(out);
}

/* Slots keep their places, so that what comes later meets the same state; empty ones at the end are
 * cut. */
static void write_affinities(struct buffer *out, const struct affinity slots[USER_AFFINITIES]) {
    size_t count = USER_AFFINITIES;
    while (count > 0 && slots[count - 1].name_hash == 0) {
        count--;
    }
    begin_array(out, count);
    for (size_t i = 0; i < count; i++) {
        wire_write_long(out, slots[i].name_hash);
        wire_write_float(out, slots[i].weight);
    }
    end_array(out);
}

static void write_recent(struct buffer *out, const struct user_state *user,
                         const struct user_state_names *names) {
    size_t count = USER_RECENT_ITEMS;
    while (count > 0 && user->recent[count - 1].item == 0) {
        count--;
    }
    begin_array(out, count);
    for (size_t i = 0; i < count; i++) {
        write_item(out, names, user->recent[i].item);
        wire_write_long(out, user->recent[i].category_hash);
        wire_write_long(out, user->recent[i].gap_s);
        wire_write_long(out, user->recent[i].kind);
    }
    end_array(out);
}

static void write_dedup(struct buffer *out, const struct user_state *user) {
    size_t count = USER_DEDUP_RING;
    while (count > 0 && user->dedup_low[count - 1] == 0 && user->dedup_high[count - 1] == 0) {
        count--;
    }
    wire_write_long(out, (int64_t)(count * 6));
    for (size_t i = 0; i < count; i++) {
        uint64_t hash = (uint64_t)user->dedup_high[i] << 32 | user->dedup_low[i];
        for (size_t byte = 0; byte < 6; byte++) {
            buffer_append_byte(out, (uint8_t)(hash >> (8 * byte)));
        }
    }
    wire_write_long(out, user->dedup_next);
}

static void write_tallies(struct buffer *out, const struct user_state *user) {
    wire_write_long(out, user->minute);
    wire_write_long(out, user->minute_events);
    wire_write_long(out, user->day_events);
    wire_write_long(out, user->session_views);
    wire_write_long(out, user->session_adds);
    wire_write_long(out, user->sessions);
    wire_write_long(out, user->coupons);
    wire_write_long(out, user->opened);
    wire_write_long(out, user->dismissed);
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

/* user_state.avsc, field by field. */
void user_state_encode(const struct user_state *user, const struct user_state_names *names,
                       struct buffer *out) {
    wire_write_bytes(out, user_state_id(user));
    write_optional_text(out, (struct bytes){0}); /* subject_key_id */
    write_optional_time(out, user->first_seen_ms);
    write_optional_time(out, user->last_event_ms);
    write_optional_time(out, user->session_start_ms);
    write_optional_time(out, user->order_ms);
    write_counters(out, user);
    wire_write_float(out, user->order_value);
    write_optional_float(out, user->price_mean);
    wire_write_float(out, user->push_pressure);
    write_affinities(out, user->categories);
    write_affinities(out, user->brands);
    write_recent(out, user, names);
    write_dedup(out, user);
    write_tallies(out, user);
    write_optional_text(out,
                        user->zone ? names->zone(names->context, user->zone) : (struct bytes){0});
    wire_write_long(out, user->consent);
    wire_write_boolean(out, user->bot_suspect != 0);
    write_short_text(out, user->locale, sizeof(user->locale));
    write_short_text(out, user->currency, sizeof(user->currency));
    write_short_text(out, user->place, sizeof(user->place));
    wire_write_long(out, user->active != NULL);
    if (user->active) {
        write_active(out, user->active, names);
    }
}
