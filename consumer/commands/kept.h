/* kept: copies of records that a command wants to look at after its reading: all of them, or the
 * newest few. */
#ifndef PROMOSTREAM_COMMANDS_KEPT_H
#define PROMOSTREAM_COMMANDS_KEPT_H

#include "base/buffer.h"

struct kept_record {
    struct buffer key, value;
};

struct kept {
    struct kept_record *items; /* in the order of adding */
    size_t count, capacity;
    size_t newest_max; /* 0 = all */
};

/* With newest_max reached the oldest one goes. */
void kept_add(struct kept *kept, struct bytes key, struct bytes value);
/* Forgets every record with this key. */
void kept_remove(struct kept *kept, struct bytes key);
void kept_clean_up(struct kept *kept); /* idempotent; a zeroed one is fine */

#endif
