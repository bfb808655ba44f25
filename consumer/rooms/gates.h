/* gates: every reason for which a decision is held, each one question. They are asked of what the
 * decision froze, of the configuration and of the partition's ledger, and change nothing. The list,
 * its order and its words are GATES in decision.h. Only decide asks them. */
#ifndef PROMOSTREAM_ROOMS_GATES_H
#define PROMOSTREAM_ROOMS_GATES_H

#include "consumer/rooms/decide.h"

/* What the gates may look at. decision->would_have and, in mode live, eligible are set; the rest of
 * its decided part is not. */
struct gate_view {
    const struct decide *room;
    const struct ledger *ledger;
    const struct decision *decision;
    int32_t partition;
    bool is_paused;
};

/* Bit per closed gate; explored_none and not_worth_it are never among them, for they need the
 * choice, which comes after. */
uint32_t gates_ask(const struct gate_view *view);

/* The lowest closed gate is the reason; GATE_NONE if all are open. */
enum gate gates_reason(uint32_t closed);

/* End of the user's quiet hours at decided_ms, by the user's zone or the default one; decided_ms
 * itself if it is not quiet. */
int64_t gates_quiet_end_ms(const struct decide *room, const struct decision *decision);

#endif
