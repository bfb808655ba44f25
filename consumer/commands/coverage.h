/* coverage: what a mapping makes of a sample: for each field that it maps an example and the share
 * of events (of lines, for their fields) in which it is missing. Pure: works on decoded events. A
 * type other, a consent unknown and a price that is not known count as missing; a quantity is never
 * missing, since it is 1 where nothing is said. */
#ifndef PROMOSTREAM_COMMANDS_COVERAGE_H
#define PROMOSTREAM_COMMANDS_COVERAGE_H

#include "consumer/commands/findings.h"
#include "schemas/mapping.h"

#define COVERAGE_EXAMPLE_BYTES 48

struct coverage_field {
    int64_t present;
    char example[COVERAGE_EXAMPLE_BYTES + 1]; /* the first that there was; cut */
};

struct coverage {
    const struct mapping *mapping; /* borrowed; NULL = our own schema: every field is mapped */
    int64_t events, lines, events_with_lines;
    struct coverage_field event[MAPPING_EVENT_FIELD_COUNT], line[MAPPING_LINE_FIELD_COUNT];
};

/* A zeroed coverage is empty and knows no mapping. */
void coverage_add(struct coverage *coverage, const struct event *event);
/* A warning for each field that is mapped and in no event, with its paths. Nothing without a
 * mapping or events. */
void coverage_findings(const struct coverage *coverage, const char *subject,
                       struct findings *findings);
/* An aligned table; nothing without events. */
void coverage_write(const struct coverage *coverage, struct buffer *out);
/* {"events":N,"lines":N,"fields":[{"field":"type","example":"...","missing":0.25}, ...]} */
void coverage_write_json(const struct coverage *coverage, struct buffer *out);

#endif
