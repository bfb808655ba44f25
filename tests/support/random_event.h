/* random_event: events of every shape that event.avsc can carry, from a seed. */
#ifndef PROMOSTREAM_TESTS_RANDOM_EVENT_H
#define PROMOSTREAM_TESTS_RANDOM_EVENT_H

#include "base/rng.h"
#include "schemas/event.h"

/* About 1 MiB: keep it on the heap or static in a test. */
struct random_event {
    struct event event; /* points into the rest */
    struct event_line lines[EVENT_LINES_MAX];
    uint8_t texts[1 << 20];
    size_t text_bytes;
};

/* Overwrites *out. Texts hold no NUL, so that Avro-C can take them. */
void random_event_make(struct rng *rng, struct random_event *out);

/* Same values, texts by content; NaN equals NaN. */
bool events_equal(const struct event *a, const struct event *b);

/* The text fields that may be null, in the order of event.avsc, ended by a NULL name. */
struct event_text_field {
    const char *name;
    size_t offset;
};
extern const struct event_text_field event_text_fields[];
static inline struct bytes *event_text(const struct event *event,
                                       const struct event_text_field *field) {
    return (struct bytes *)(void *)((uint8_t *)event + field->offset);
}

#endif
