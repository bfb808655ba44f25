#include "schemas/event.h"

#include <assert.h>

#include "schemas/event_fast.h"
#include "schemas/event_verdict.h"
#include "schemas/plan.h"

#define OPTIONAL(field)                                                                            \
    { PLAN_TEXT, PLAN_NULLABLE, offsetof(struct event, field), EVENT_TEXT_BYTES_MAX, NULL }

static const struct plan_op line_ops[] = {
    {PLAN_TEXT, 0, offsetof(struct event_line, item_id), EVENT_TEXT_BYTES_MAX, NULL},
    {PLAN_TEXT, PLAN_NULLABLE, offsetof(struct event_line, category), EVENT_TEXT_BYTES_MAX, NULL},
    {PLAN_TEXT, PLAN_NULLABLE, offsetof(struct event_line, brand), EVENT_TEXT_BYTES_MAX, NULL},
    {PLAN_DOUBLE, PLAN_NULLABLE, offsetof(struct event_line, price), 0, NULL},
    {PLAN_INT, 0, offsetof(struct event_line, quantity), 0, NULL},
    {PLAN_END, 0, 0, 0, NULL},
};

static const struct plan_array lines = {
    .ops = line_ops,
    .count_offset = offsetof(struct event, line_count),
    .item_size = sizeof(struct event_line),
    .is_pointer = true,
};

/* event.avsc, field by field. */
static const struct plan_op event_ops[] = {
    {PLAN_ENUM, 0, offsetof(struct event, type), EVENT_TYPE_COUNT, NULL},
    {PLAN_LONG, 0, offsetof(struct event, event_ms), 0, NULL},
    {PLAN_TEXT, 0, offsetof(struct event, user_id), EVENT_USER_BYTES_MAX, NULL},
    OPTIONAL(event_id),
    OPTIONAL(subject_key_id),
    OPTIONAL(canonical_id),
    OPTIONAL(guest_id),
    OPTIONAL(session_id),
    OPTIONAL(order_id),
    OPTIONAL(coupon),
    OPTIONAL(currency),
    OPTIONAL(timezone),
    OPTIONAL(locale),
    OPTIONAL(place),
    OPTIONAL(device),
    OPTIONAL(user_agent),
    OPTIONAL(decision_id),
    OPTIONAL(query),
    {PLAN_DOUBLE, PLAN_NULLABLE, offsetof(struct event, total), 0, NULL},
    {PLAN_ENUM, 0, offsetof(struct event, consent), CONSENT_DENIED + 1, NULL},
    {PLAN_ARRAY, 0, offsetof(struct event, lines), EVENT_LINES_MAX, &lines},
    {PLAN_END, 0, 0, 0, NULL},
};

#define TYPE_NAME(id, name) [id] = name,
static const char *const type_names[EVENT_TYPE_COUNT] = {EVENT_TYPES(TYPE_NAME)};

static const char *const verdict_names[EVENT_VERDICT_COUNT] = {
    [EVENT_OK] = "ok",
    [EVENT_EMPTY] = "empty",
    [EVENT_BAD_FRAMING] = "bad_framing",
    [EVENT_TRUNCATED] = "truncated",
    [EVENT_TRAILING_BYTES] = "trailing_bytes",
    [EVENT_BAD_VALUE] = "bad_value",
    [EVENT_TEXT_TOO_LONG] = "text_too_long",
    [EVENT_BAD_UTF8] = "bad_utf8",
    [EVENT_MISSING_FIELD] = "missing_field",
    [EVENT_UNKNOWN_SCHEMA] = "unknown_schema",
    [EVENT_BAD_JSON] = "bad_json",
    [EVENT_TOO_LARGE] = "too_large",
    [EVENT_TOO_DEEP] = "too_deep",
    [EVENT_DUPLICATE_KEY] = "duplicate_key",
    [EVENT_NUMBER_RANGE] = "number_range",
};

const char *event_type_name(enum event_type type) {
    assert(type < EVENT_TYPE_COUNT);
    return type_names[type];
}

enum event_type event_type_of_name(struct bytes name) {
    for (int type = 0; type < EVENT_TYPE_COUNT; type++) {
        if (bytes_equal(name, bytes_of_text(type_names[type]))) {
            return (enum event_type)type;
        }
    }
    return EVENT_OTHER;
}

const char *event_verdict_name(enum event_verdict verdict) {
    assert(verdict < EVENT_VERDICT_COUNT);
    return verdict_names[verdict];
}

void event_clear(struct event *event, struct event_line *lines_of_event) {
    *event = (struct event){.total = (double)NAN, .lines = lines_of_event};
}

void event_encode(const struct event *event, struct buffer *out) {
    plan_encode(event_ops, event, out);
}

enum event_verdict event_verdict_of_wire(enum wire_verdict verdict) {
    switch (verdict) {
    case WIRE_OK:
        return EVENT_OK;
    case WIRE_TRUNCATED:
        return EVENT_TRUNCATED;
    case WIRE_TRAILING_BYTES:
        return EVENT_TRAILING_BYTES;
    case WIRE_BAD_VALUE:
        return EVENT_BAD_VALUE;
    case WIRE_TEXT_TOO_LONG:
        return EVENT_TEXT_TOO_LONG;
    case WIRE_BAD_UTF8:
        return EVENT_BAD_UTF8;
    }
    assert(!"a verdict of the wire has its own of the event");
    return EVENT_BAD_VALUE;
}

enum event_verdict event_decode(struct bytes body, struct event *out) {
    assert(out->lines);
    if (body.size == 0) {
        return EVENT_EMPTY;
    }
    return event_decode_fast(body, out) ? EVENT_OK : event_decode_plain(body, out);
}

enum event_verdict event_decode_plain(struct bytes body, struct event *out) {
    return event_verdict_of_wire(plan_decode_body(event_ops, body, out));
}
