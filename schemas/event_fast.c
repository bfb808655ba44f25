#include "schemas/event_fast.h"

#include "schemas/wire_fast.h"

/* The optional texts stand in the struct as they stand in the schema. */
#define TEXTS_FIRST offsetof(struct event, event_id)
#define TEXTS_END   (offsetof(struct event, query) + sizeof(struct bytes))
#define TEXTS_COUNT ((TEXTS_END - TEXTS_FIRST) / sizeof(struct bytes))
_Static_assert(TEXTS_COUNT == 15, "a new optional text of event.avsc has its place here");

/* Most are null, a zero each: eight at a look. The texts of *out are empty beforehand. */
static const uint8_t *read_texts(const uint8_t *at, const uint8_t *end, struct bytes *texts) {
    size_t i = 0;
    while (i < TEXTS_COUNT) {
        size_t left = (size_t)(end - at);
        if (left == 0) {
            return NULL;
        }
        /* Near the end of the body the word is filled up with what is no null. */
        uint64_t word =
            left < 8 ? wire_load_short(at, left) | UINT64_MAX << (8 * left) : wire_load_word(at);
        size_t nulls = word ? (size_t)__builtin_ctzll(word) / 8 : 8;
        if (nulls > 0) {
            nulls = nulls < TEXTS_COUNT - i ? nulls : TEXTS_COUNT - i;
            at += nulls;
            i += nulls;
            continue;
        }
        at = wire_short_optional_text(at, end, EVENT_TEXT_BYTES_MAX, &texts[i++]);
        if (!at) {
            return NULL;
        }
    }
    return at;
}

static inline const uint8_t *read_optional_double(const uint8_t *at, const uint8_t *end,
                                                  double *out) {
    *out = (double)NAN;
    if (at == end) {
        return NULL;
    }
    if (*at == 0) {
        return at + 1;
    }
    if (*at != 2 || end - at < 9) {
        return NULL;
    }
    uint64_t word = wire_load_word(at + 1);
    memcpy(out, &word, sizeof word);
    return at + 9;
}

static const uint8_t *read_line(const uint8_t *at, const uint8_t *end, struct event_line *line) {
    at = wire_short_text(at, end, EVENT_TEXT_BYTES_MAX, &line->item_id);
    at = at ? wire_short_optional_text(at, end, EVENT_TEXT_BYTES_MAX, &line->category) : NULL;
    at = at ? wire_short_optional_text(at, end, EVENT_TEXT_BYTES_MAX, &line->brand) : NULL;
    at = at ? read_optional_double(at, end, &line->price) : NULL;
    if (!at || at == end || *at >= 0x80) {
        return NULL;
    }
    line->quantity = (*at >> 1) ^ -(*at & 1);
    return at + 1;
}

/* One block of at most 63 without its size, or none. */
static const uint8_t *read_lines(const uint8_t *at, const uint8_t *end, struct event *out) {
    if (at == end || (*at & 0x81)) {
        return NULL;
    }
    size_t count = *at++ >> 1;
    for (size_t i = 0; i < count && at; i++) {
        at = read_line(at, end, &out->lines[i]);
    }
    out->line_count = count;
    if (count == 0 || !at) {
        return at;
    }
    return at < end && *at == 0 ? at + 1 : NULL;
}

bool event_decode_fast(struct bytes body, struct event *out) {
    const uint8_t *end = body.data + body.size;
    int type = 0, consent = 0;
    event_clear(out, out->lines);
    const uint8_t *at = wire_short_enum(body.data, end, EVENT_TYPE_COUNT, &type);
    at = at ? wire_short_time(at, end, &out->event_ms) : NULL;
    at = at ? wire_short_text(at, end, EVENT_USER_BYTES_MAX, &out->user_id) : NULL;
    at = at ? read_texts(at, end, (struct bytes *)(void *)((uint8_t *)out + TEXTS_FIRST)) : NULL;
    at = at ? read_optional_double(at, end, &out->total) : NULL;
    at = at ? wire_short_enum(at, end, CONSENT_DENIED + 1, &consent) : NULL;
    at = at ? read_lines(at, end, out) : NULL;
    out->type = (enum event_type)type;
    out->consent = (enum consent)consent;
    return at == end;
}
