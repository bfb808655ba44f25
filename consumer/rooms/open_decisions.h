/* open_decisions: the user's own recorded decisions inside the state: at most USER_OPEN_MAX that
 * await their outcome, and the pushes that caps and fatigue count. Closing timers are triggers'
 * business. */
#ifndef PROMOSTREAM_ROOMS_OPEN_DECISIONS_H
#define PROMOSTREAM_ROOMS_OPEN_DECISIONS_H

#include "consumer/rooms/decision.h"
#include "consumer/rooms/state.h"

/* NULL if the user has no such open decision. Lent until the next add or close. */
struct open_decision *open_decisions_find(struct user_state *user, struct hash128 id);
/* Records a taken decision: attempt 0 opens it (unless it is too_many_open), attempt 1 replaces it.
 * A sent one is counted for caps and fatigue. offer_id: of the sent offer, "" if nothing was sent.
 */
void open_decisions_record(struct user_state *user, const struct decision *decision,
                           const char *offer_id);
/* Forgets the index-th one. */
void open_decisions_close(struct user_state *user, size_t index);

#endif
