/* avro_walker: what an event should be, read out of Avro-C's generic value along a mapping's paths,
 * one path after the other. Plain and slow: the oracle of avro_plan. */
#ifndef PROMOSTREAM_TESTS_AVRO_WALKER_H
#define PROMOSTREAM_TESTS_AVRO_WALKER_H

#include "schemas/avro_plan.h"
#include "tests/support/avro_oracle.h"

#define WALKER_TEXT_BYTES (1 << 16)

struct avro_walker {
    const struct mapping *mapping;
    const struct writer_schema *schema; /* logical types and aliases, which Avro-C drops */
    struct mapping_scratch scratch;
    char texts[WALKER_TEXT_BYTES]; /* uuids; they live until the next message */
    size_t text_bytes;
    struct event event; /* of the last message; texts lie in the value */
    struct event_line lines[EVENT_LINES_MAX];
    /* A bit for each verdict that the last message may get; none = EVENT_OK. */
    uint32_t verdicts;
};

void avro_walker_read(struct avro_walker *walker, avro_value_t *message);

#endif
