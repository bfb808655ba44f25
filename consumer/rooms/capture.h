/* capture: what a decision needs to know, frozen at the trigger: the user's side of it, joined with
 * profile and catalogue as known at the epoch's start. After this nothing is looked up again. */
#ifndef PROMOSTREAM_ROOMS_CAPTURE_H
#define PROMOSTREAM_ROOMS_CAPTURE_H

#include "consumer/rooms/features.h"
#include "consumer/rooms/partition.h"
#include "consumer/side/side_table.h"

/* Where a decision comes from. */
struct capture_cause {
    enum trigger trigger;
    uint64_t anchor;
    int64_t deadline_ms; /* the trigger's */
    int64_t decided_ms;  /* = deadline_ms, or the end of quiet hours */
    const struct open_decision
        *open; /* attempt 1: the decision that was deferred; NULL at attempt 0 */
};

/* Fills the captured part of *out and, at attempt 0, opens or joins the user's episode (a sampled
 * observation has none). Texts are
 * lent by the user's state, the side tables and constants: they hold until that user is touched
 * again. */
void capture_decision(const struct decide_config *config, const struct side *side,
                      struct partition *partition, uint32_t slot, const struct capture_cause *cause,
                      struct decision *out);

#endif
