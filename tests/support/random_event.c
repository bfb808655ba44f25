#include "tests/support/random_event.h"

#include <assert.h>

#define FIELD(field)                                                                               \
    { #field, offsetof(struct event, field) }
const struct event_text_field event_text_fields[] = {
    FIELD(event_id),   FIELD(subject_key_id), FIELD(canonical_id), FIELD(guest_id),
    FIELD(session_id), FIELD(order_id),       FIELD(coupon),       FIELD(currency),
    FIELD(timezone),   FIELD(locale),         FIELD(place),        FIELD(device),
    FIELD(user_agent), FIELD(decision_id),    FIELD(query),        {NULL, 0},
};

/* Characters of every length in UTF-8. */
static const char *const characters[] = {
    "a", "Z", "7", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x9b\x92"};

static struct bytes random_text(struct rng *rng, struct random_event *out, size_t size_max) {
    /* Short ones are common; those at the bound must occur. */
    size_t size = rng_below(rng, 50) == 0 ? size_max : rng_below(rng, 40);
    bool is_ascii = rng_below(rng, 4) != 0;
    struct bytes text = bytes_of(out->texts + out->text_bytes, 0);
    while (text.size < size) {
        const char *character =
            is_ascii ? characters[rng_below(rng, 3)] : characters[rng_below(rng, 6)];
        size_t bytes = strlen(character);
        if (text.size + bytes > size_max) {
            break;
        }
        assert(out->text_bytes + bytes <= sizeof(out->texts));
        memcpy(out->texts + out->text_bytes, character, bytes);
        out->text_bytes += bytes;
        text.size += bytes;
    }
    return text;
}

static struct bytes random_optional_text(struct rng *rng, struct random_event *out) {
    return rng_below(rng, 2) ? random_text(rng, out, EVENT_TEXT_BYTES_MAX) : (struct bytes){0};
}

static double random_double(struct rng *rng) {
    static const double extremes[] = {NAN, 0, -0.0, HUGE_VAL, -HUGE_VAL, 5e-324, 1.7e308};
    size_t i = rng_below(rng, 12);
    return i < sizeof(extremes) / sizeof(extremes[0]) ? extremes[i] : 1000 * rng_unit(rng);
}

/* Every length of a varint. */
static int64_t random_long(struct rng *rng) {
    int64_t value = (int64_t)(rng_u64(rng) >> rng_below(rng, 64));
    return rng_below(rng, 2) ? value : -value - 1;
}

static size_t random_line_count(struct rng *rng) {
    switch (rng_below(rng, 40)) {
    case 0:
        return EVENT_LINES_MAX;
    case 1:
        return rng_below(rng, EVENT_LINES_MAX);
    default:
        return rng_below(rng, 4);
    }
}

void random_event_make(struct rng *rng, struct random_event *out) {
    struct event *event = &out->event;
    out->text_bytes = 0;
    event_clear(event, out->lines);
    event->type = (enum event_type)rng_below(rng, EVENT_TYPE_COUNT);
    event->event_ms =
        rng_below(rng, 2) ? 1700000000000 + (int64_t)rng_below(rng, 1000000) : random_long(rng);
    event->user_id = random_text(rng, out, EVENT_USER_BYTES_MAX);
    for (const struct event_text_field *field = event_text_fields; field->name; field++) {
        *event_text(event, field) = random_optional_text(rng, out);
    }
    event->total = random_double(rng);
    event->consent = (enum consent)rng_below(rng, CONSENT_DENIED + 1);
    event->line_count = random_line_count(rng);
    for (size_t i = 0; i < event->line_count; i++) {
        out->lines[i] = (struct event_line){
            .item_id = random_text(rng, out, 40),
            .price = random_double(rng),
            .quantity = (int32_t)(rng_u64(rng) >> (32 + rng_below(rng, 32))),
        };
        out->lines[i].category = random_optional_text(rng, out);
        out->lines[i].brand = random_optional_text(rng, out);
    }
}

static bool doubles_equal(double a, double b) {
    return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof(a)) == 0;
}

static bool lines_equal(const struct event_line *a, const struct event_line *b) {
    return bytes_equal(a->item_id, b->item_id) && bytes_equal(a->category, b->category) &&
           bytes_equal(a->brand, b->brand) && doubles_equal(a->price, b->price) &&
           a->quantity == b->quantity;
}

bool events_equal(const struct event *a, const struct event *b) {
    bool is_equal = a->type == b->type && a->event_ms == b->event_ms && a->consent == b->consent &&
                    bytes_equal(a->user_id, b->user_id) && doubles_equal(a->total, b->total) &&
                    a->line_count == b->line_count;
    for (const struct event_text_field *field = event_text_fields; field->name; field++) {
        is_equal = is_equal && bytes_equal(*event_text(a, field), *event_text(b, field));
    }
    for (size_t i = 0; is_equal && i < a->line_count; i++) {
        is_equal = lines_equal(&a->lines[i], &b->lines[i]);
    }
    return is_equal;
}
