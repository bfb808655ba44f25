/* event: one canonical shop event (event.avsc), named as in Segment's e-commerce spec; also push
 * feedback. All texts are borrowed from the encoded message and live as long as it does. */
#ifndef PROMOSTREAM_SCHEMAS_EVENT_H
#define PROMOSTREAM_SCHEMAS_EVENT_H

#include <math.h>

#include "base/buffer.h"

#define EVENT_LINES_MAX      200
#define EVENT_USER_BYTES_MAX 255
#define EVENT_TEXT_BYTES_MAX 1024 /* any other text field */

/* X(enumerator, name on the wire) */
#define EVENT_TYPES(X)                                                                             \
    X(EVENT_OTHER, "other")                                                                        \
    X(EVENT_PRODUCT_VIEWED, "product_viewed")                                                      \
    X(EVENT_PRODUCT_LIST_VIEWED, "product_list_viewed")                                            \
    X(EVENT_PRODUCTS_SEARCHED, "products_searched")                                                \
    X(EVENT_PRODUCT_ADDED, "product_added")                                                        \
    X(EVENT_PRODUCT_REMOVED, "product_removed")                                                    \
    X(EVENT_CART_VIEWED, "cart_viewed")                                                            \
    X(EVENT_CHECKOUT_STARTED, "checkout_started")                                                  \
    X(EVENT_ORDER_COMPLETED, "order_completed")                                                    \
    X(EVENT_ORDER_CANCELLED, "order_cancelled")                                                    \
    X(EVENT_ORDER_REFUNDED, "order_refunded")                                                      \
    X(EVENT_COUPON_APPLIED, "coupon_applied")                                                      \
    X(EVENT_USER_IDENTIFIED, "user_identified")                                                    \
    X(EVENT_PUSH_DELIVERED, "push_delivered")                                                      \
    X(EVENT_PUSH_OPENED, "push_opened")                                                            \
    X(EVENT_PUSH_DISMISSED, "push_dismissed")

#define EVENT_TYPE_ENUM(id, name) id,
enum event_type { EVENT_TYPES(EVENT_TYPE_ENUM) EVENT_TYPE_COUNT };

enum consent { CONSENT_UNKNOWN, CONSENT_GRANTED, CONSENT_DENIED };

/* One product of the event. NaN price = missing (never 0). */
struct event_line {
    struct bytes item_id, category, brand;
    double price;     /* unit price in the event's currency */
    int32_t quantity; /* >= 1 where given; 1 when absent */
};

struct event {
    enum event_type type;
    int64_t event_ms;            /* event time, UTC */
    struct bytes user_id;        /* the key of the topic */
    struct bytes event_id;       /* empty = none: no de-duplication */
    struct bytes subject_key_id; /* reserved for pseudonyms */
    struct bytes
        canonical_id;      /* user_identified under a guest's key: the user it turned out to be */
    struct bytes guest_id; /* user_identified under a user's key: the guest it was */
    struct bytes session_id;
    struct bytes order_id;
    struct bytes coupon;
    struct bytes currency; /* ISO 4217 */
    struct bytes timezone; /* IANA name */
    struct bytes locale;
    struct bytes place;
    struct bytes device;
    struct bytes user_agent;
    struct bytes decision_id; /* push feedback: echoed from the push */
    struct bytes query;       /* products_searched */
    double total;             /* order value, NaN = missing */
    enum consent consent;
    size_t line_count;
    struct event_line *lines; /* borrowed storage of EVENT_LINES_MAX */
};

enum event_verdict {
    EVENT_OK,
    EVENT_EMPTY,          /* no value at all */
    EVENT_BAD_FRAMING,    /* wrong magic, unknown fingerprint or schema id */
    EVENT_TRUNCATED,      /* the message ends inside a field */
    EVENT_TRAILING_BYTES, /* more bytes than the record */
    EVENT_BAD_VALUE, /* enum, union or boolean out of range, negative length, count over its bound
                      */
    EVENT_TEXT_TOO_LONG,
    EVENT_BAD_UTF8,
    EVENT_MISSING_FIELD,  /* mapped messages: no type or no time */
    EVENT_UNKNOWN_SCHEMA, /* the registry has no schema of this id, or one that is not read */
    EVENT_BAD_JSON,       /* not one JSON object */
    EVENT_TOO_LARGE,
    EVENT_TOO_DEEP,
    EVENT_DUPLICATE_KEY, /* JSON: one name twice in an object */
    EVENT_NUMBER_RANGE,  /* JSON: a number that neither 64 bits nor a double holds */
    EVENT_VERDICT_COUNT
};

const char *event_type_name(enum event_type type);
/* EVENT_OTHER for an unknown name. */
enum event_type event_type_of_name(struct bytes name);
const char *event_verdict_name(enum event_verdict verdict);

/* An event with all texts empty, numbers missing, no lines; lines is kept. */
void event_clear(struct event *event, struct event_line *lines);

/* Avro body (no framing) of event.avsc, appended to out. */
void event_encode(const struct event *event, struct buffer *out);
/* Decodes an Avro body. out->lines must point to EVENT_LINES_MAX lines. Bounds-checked, allocates
 * nothing, keeps pointers into body. On any verdict but EVENT_OK out is unspecified. */
enum event_verdict event_decode(struct bytes body, struct event *out);
/* The same value by value, the oracle of the way that event_decode takes first (event_fast.h). The
 * body is not empty. */
enum event_verdict event_decode_plain(struct bytes body, struct event *out);

#endif
