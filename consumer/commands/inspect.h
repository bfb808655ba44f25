/* inspect: what the topics say of one user, for people. Pure: rows in, text or JSON out. */
#ifndef PROMOSTREAM_COMMANDS_INSPECT_H
#define PROMOSTREAM_COMMANDS_INSPECT_H

#include "consumer/rooms/outcomes.h"

struct inspect_view {
    struct bytes user_id;
    int32_t partition, partition_count;        /* where the user was looked for and found */
    const struct user_state *state;            /* NULL = no row in user-state */
    const struct user_state_names *names;      /* of state's items and zone */
    const struct decide_config *decide;        /* caps */
    const struct outcomes_config *outcomes;    /* windows */
    const struct open_decision_row *open_rows; /* of the user, as they were frozen */
    size_t open_row_count;
    const struct decision_row *decisions; /* the user's last ones, oldest first */
    size_t decision_count;
    const char *note; /* what was not read, "" = everything was */
};

/* Groups of a line each, then lists: counters, recent, cart, timers, open decisions, last
 * decisions; JSON has them as members of one object, and "state": null instead of what it would
 * say if there is no row. Times are event times, UTC; what decays or slides is taken at the user's
 * last event. */
void inspect_render(const struct inspect_view *view, bool is_json, struct buffer *out);

/* Words of enum decision_flag, in its order; returns how many. */
#define DECISION_FLAGS 8
size_t decision_flag_words(uint8_t flags, struct bytes out[DECISION_FLAGS]);
/* "not bought so far", "bought", "cancelled": the outcome of an open decision as its user's state
 * has it. */
const char *decision_label_so_far(const struct open_decision *open);

#endif
