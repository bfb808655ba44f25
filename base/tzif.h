/* tzif: one time zone in memory, from the bytes of a TZif file (RFC 9636), version 2 or later.
 * The bytes are not trusted: whatever breaks the format's rules is refused as a whole. */
#ifndef PROMOSTREAM_BASE_TZIF_H
#define PROMOSTREAM_BASE_TZIF_H

#include "base/tz_rule.h"

struct tzif_transition {
    int64_t at_s;     /* UTC */
    int32_t offset_s; /* east of UTC, from at_s on */
};

struct tzif {
    struct tzif_transition *transitions; /* by time, strictly ascending */
    size_t transition_count;
    int32_t first_offset_s; /* before the first transition */
    bool has_rule;
    struct tz_rule rule; /* from the last transition on; without transitions, always */
};

/* False leaves *out untouched. True: *out owns memory until tzif_clean_up. */
bool tzif_parse(struct bytes file, struct tzif *out);
void tzif_clean_up(struct tzif *tzif); /* idempotent; a zeroed one is fine (UTC) */
int tzif_offset_s(const struct tzif *tzif, int64_t at_s);
/* The first instant after at_s at which the offset may change, INT64_MAX if there is none. */
int64_t tzif_next_s(const struct tzif *tzif, int64_t at_s);

#endif
