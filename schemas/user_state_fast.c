#include "schemas/user_state_fast.h"

#include "schemas/event.h"
#include "schemas/wire_fast.h"

#define NAME_BYTES_MAX EVENT_TEXT_BYTES_MAX

/* As in wire_fast.h, each reads one value and returns where the next one begins, or NULL. *out of
 * an absent value stays what it was. */

static inline const uint8_t *read_optional_time(const uint8_t *at, const uint8_t *end,
                                                int64_t *out) {
    if (at == end) {
        return NULL;
    }
    if (*at == 0) {
        return at + 1;
    }
    return *at == 2 ? wire_short_time(at + 1, end, out) : NULL;
}

static inline const uint8_t *read_float(const uint8_t *at, const uint8_t *end, float *out) {
    uint32_t word;
    if ((size_t)(end - at) < sizeof word) {
        return NULL;
    }
    memcpy(&word, at, sizeof word);
    word = le32toh(word);
    memcpy(out, &word, sizeof word);
    return at + sizeof word;
}

static inline const uint8_t *read_optional_float(const uint8_t *at, const uint8_t *end,
                                                 float *out) {
    if (at == end) {
        return NULL;
    }
    if (*at == 0) {
        return at + 1;
    }
    return *at == 2 ? read_float(at + 1, end, out) : NULL;
}

static inline const uint8_t *read_byte(const uint8_t *at, const uint8_t *end, uint32_t count,
                                       uint8_t *out) {
    int value;
    at = wire_short_enum(at, end, count, &value);
    *out = at ? (uint8_t)value : 0;
    return at;
}

static inline const uint8_t *read_word(const uint8_t *at, const uint8_t *end, unsigned usual,
                                       uint32_t *out) {
    int64_t value = 0;
    at = wire_short_range(at, end, usual, 0, UINT32_MAX, &value);
    *out = (uint32_t)value;
    return at;
}

static inline const uint8_t *read_tally(const uint8_t *at, const uint8_t *end, uint16_t *out) {
    int64_t value = 0;
    at = wire_short_range(at, end, 1, 0, UINT16_MAX, &value);
    *out = (uint16_t)value;
    return at;
}

static inline const uint8_t *read_short_text(const uint8_t *at, const uint8_t *end, char *field,
                                             size_t size) {
    struct bytes text = {0};
    at = wire_short_optional_text(at, end, size, &text);
    if (at && text.size > 0) {
        memcpy(field, text.data, text.size);
    }
    return at;
}

/* An array is its one block (none if it is empty), then the empty block. */
static inline const uint8_t *read_array(const uint8_t *at, const uint8_t *end, uint32_t count_max,
                                        int *out_count) {
    *out_count = 0;
    return wire_short_enum(at, end, count_max + 1, out_count);
}

static inline const uint8_t *read_array_end(const uint8_t *at, const uint8_t *end, int count) {
    if (!at || count == 0) {
        return at;
    }
    return at < end && *at == 0 ? at + 1 : NULL;
}

static const uint8_t *read_counters(const uint8_t *at, const uint8_t *end,
                                    struct user_state *user) {
    int count, least = 0;
    at = read_array(at, end, COUNTER_KIND_COUNT, &count);
    for (int i = 0; at && i < count; i++) {
        int kind = 0;
        int64_t last_ms = TIME_NONE;
        at = wire_short_enum(at, end, COUNTER_KIND_COUNT, &kind);
        at = at && kind >= least ? wire_short_time(at, end, &last_ms) : NULL;
        struct decayed_counter *counter = &user->counters[kind];
        counter->last_ms = last_ms;
        for (size_t life = 0; at && life < COUNTER_HALF_LIVES; life++) {
            float value = 0;
            at = read_float(at, end, &value);
            counter->value[life] = value;
        }
        least = kind + 1;
    }
    return read_array_end(at, end, count);
}

static const uint8_t *read_affinities(const uint8_t *at, const uint8_t *end,
                                      struct affinity slots[USER_AFFINITIES]) {
    int count;
    at = read_array(at, end, USER_AFFINITIES, &count);
    for (int i = 0; at && i < count; i++) {
        at = read_word(at, end, 5, &slots[i].name_hash);
        at = at ? read_float(at, end, &slots[i].weight) : NULL;
    }
    return read_array_end(at, end, count);
}

static const uint8_t *read_recent(const uint8_t *at, const uint8_t *end, struct user_state *user,
                                  struct bytes names[USER_RECENT_ITEMS]) {
    int count;
    at = read_array(at, end, USER_RECENT_ITEMS, &count);
    for (int i = 0; at && i < count; i++) {
        struct recent_item *recent = &user->recent[i];
        int64_t gap_s = 0;
        at = wire_short_optional_text(at, end, NAME_BYTES_MAX, &names[i]);
        at = at ? read_word(at, end, 5, &recent->category_hash) : NULL;
        at = at ? wire_short_range(at, end, 2, INT32_MIN, INT32_MAX, &gap_s) : NULL;
        at = at ? read_byte(at, end, EVENT_TYPE_COUNT, &recent->kind) : NULL;
        recent->gap_s = (int32_t)gap_s;
    }
    return read_array_end(at, end, count);
}

/* 48 bits each, little-endian: eight bytes are loaded. */
static const uint8_t *read_dedup(const uint8_t *at, const uint8_t *end, struct user_state *user) {
    int64_t size = 0;
    at = wire_short_range(at, end, 2, 0, 6 * USER_DEDUP_RING, &size);
    if (!at || size % 6 != 0 || end - at < size + 2) {
        return NULL;
    }
    for (size_t i = 0; i < (size_t)size / 6; i++) {
        uint64_t word = wire_load_word(at + 6 * i);
        user->dedup_low[i] = (uint32_t)word;
        user->dedup_high[i] = (uint16_t)(word >> 32);
    }
    return read_byte(at + size, end, USER_DEDUP_RING, &user->dedup_next);
}

static const uint8_t *read_tallies(const uint8_t *at, const uint8_t *end, struct user_state *user) {
    at = read_word(at, end, 4, &user->minute);
    at = at ? read_tally(at, end, &user->minute_events) : NULL;
    at = at ? read_tally(at, end, &user->day_events) : NULL;
    at = at ? read_tally(at, end, &user->session_views) : NULL;
    at = at ? read_tally(at, end, &user->session_adds) : NULL;
    at = at ? read_word(at, end, 1, &user->sessions) : NULL;
    at = at ? read_tally(at, end, &user->coupons) : NULL;
    at = at ? read_tally(at, end, &user->opened) : NULL;
    return at ? read_tally(at, end, &user->dismissed) : NULL;
}

static const uint8_t *read_boolean(const uint8_t *at, const uint8_t *end, uint8_t *out) {
    *out = at < end && *at == 1;
    return at < end && *at <= 1 ? at + 1 : NULL;
}

const uint8_t *user_state_read_fast(struct bytes body, struct user_state *user,
                                    struct user_row_names *names) {
    if (body.size == 0) {
        return NULL;
    }
    const uint8_t *end = body.data + body.size;
    struct bytes id, subject_key_id = {0};
    const uint8_t *at = wire_short_text(body.data, end, USER_ID_NEAR_MAX, &id);
    if (!at) {
        return NULL;
    }
    user_state_init(user, id);
    at = wire_short_optional_text(at, end, NAME_BYTES_MAX, &subject_key_id); /* reserved */
    at = at ? read_optional_time(at, end, &user->first_seen_ms) : NULL;
    at = at ? read_optional_time(at, end, &user->last_event_ms) : NULL;
    at = at ? read_optional_time(at, end, &user->session_start_ms) : NULL;
    at = at ? read_optional_time(at, end, &user->order_ms) : NULL;
    at = at ? read_counters(at, end, user) : NULL;
    at = at ? read_float(at, end, &user->order_value) : NULL;
    at = at ? read_optional_float(at, end, &user->price_mean) : NULL;
    at = at ? read_float(at, end, &user->push_pressure) : NULL;
    at = at ? read_affinities(at, end, user->categories) : NULL;
    at = at ? read_affinities(at, end, user->brands) : NULL;
    at = at ? read_recent(at, end, user, names->recent) : NULL;
    at = at ? read_dedup(at, end, user) : NULL;
    at = at ? read_tallies(at, end, user) : NULL;
    at = at ? wire_short_optional_text(at, end, NAME_BYTES_MAX, &names->zone) : NULL;
    at = at ? read_byte(at, end, CONSENT_DENIED + 1, &user->consent) : NULL;
    at = at ? read_boolean(at, end, &user->bot_suspect) : NULL;
    at = at ? read_short_text(at, end, user->locale, sizeof user->locale) : NULL;
    at = at ? read_short_text(at, end, user->currency, sizeof user->currency) : NULL;
    return at ? read_short_text(at, end, user->place, sizeof user->place) : NULL;
}
