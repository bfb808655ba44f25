#include "consumer/rooms/decision.h"

#include <assert.h>
#include <math.h>
#include <string.h>

const char *const bucket_names[] = {"policy", "explore", "control", NULL};

#define POLICY_TEXT(id, name, help) name,
const char *const policy_names[] = {POLICIES(POLICY_TEXT) NULL};

const char *gate_name(enum gate gate) {
#define GATE_TEXT(id, name, help) name,
    static const char *const names[] = {GATES(GATE_TEXT) "sent"};
#undef GATE_TEXT
    assert(gate <= GATE_NONE);
    return names[gate];
}

void decision_open(const struct decision *decision, const char *offer_id,
                   struct open_decision *out) {
    assert(!decision->is_too_many_open && strlen(offer_id) < sizeof out->offer_id);
    assert(decision_is_sent(decision) == (offer_id[0] != '\0'));
    *out = (struct open_decision){
        .id = decision->id,
        .deadline_ms = decision->deadline_ms,
        .close_ms = decision->close_ms,
        .redecide_ms = decision->redecide_ms,
        .expires_ms = decision->expires_ms,
        .anchor = decision->anchor,
        .decided_ms = decision->decided_ms,
        .order_ms = TIME_NONE,
        .order_total = (double)NAN,
        .refunded = (double)NAN,
        .trigger = (uint8_t)decision->trigger,
        .attempt = decision->attempt,
        .flags = (uint8_t)((decision_is_sent(decision) ? DECISION_SENT : 0) |
                           (decision->redecide_ms != TIME_NONE ? DECISION_DEFERRED : 0)),
    };
    memcpy(out->offer_id, offer_id, strlen(offer_id));
}
