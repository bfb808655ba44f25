#include "consumer/rooms/open_decisions.h"

#include <assert.h>
#include <stdio.h>

#include "base/buffer.h"

#define PRESSURE_HALF_LIFE_MS (7.0 * 86400000)

struct open_decision *open_decisions_find(struct user_state *user, struct hash128 id) {
    for (size_t i = 0; user->active && i < user->active->open_count; i++) {
        if (hash128_equal(user->active->open[i].id, id)) {
            return &user->active->open[i];
        }
    }
    return NULL;
}

struct open_decision *open_decisions_record(struct user_state *user, const struct decision *decision) {
    struct open_decision *open = open_decisions_find(user, decision->id);
    if (!open) {
        if (decision->is_too_many_open) {
            return NULL;
        }
        struct user_active *active = state_active(user);
        assert(active->open_count < USER_OPEN_MAX);
        if (!active->open) {
            active->open = memory_new(USER_OPEN_MAX, sizeof *active->open);
        }
        open = &active->open[active->open_count++];
        *open = (struct open_decision){
            .id = decision->id,
            .deadline_ms = decision->deadline_ms,
            .close_ms = decision->close_ms,
            .expires_ms = TIME_NONE,
            .anchor = decision->anchor,
            .trigger = (uint8_t)decision->trigger,
        };
    }
    open->attempt = decision->attempt;
    open->redecide_ms = decision->redecide_ms;
    open->flags = (uint8_t)(open->flags & ~DECISION_DEFERRED);
    if (open->redecide_ms != TIME_NONE) {
        open->flags |= DECISION_DEFERRED;
    }
    return open;
}

static void push_pressure(struct user_state *user, int64_t now_ms) {
    const struct user_active *active = user->active;
    if (active->sent_count > 0) {
        int64_t age_ms = now_ms - active->sent_ms[active->sent_count - 1];
        user->push_pressure *= (float)exp2(-(double)(age_ms > 0 ? age_ms : 0) / PRESSURE_HALF_LIFE_MS);
    }
    user->push_pressure += 1;
}

void open_decisions_record_push(struct user_state *user, struct open_decision *open, const struct decision *decision,
                                const char *offer_id) {
    struct user_active *active = user->active;
    push_pressure(user, decision->decided_ms);
    if (active->sent_count == USER_SENT_RING) {
        memmove(active->sent_ms, active->sent_ms + 1, (USER_SENT_RING - 1) * sizeof active->sent_ms[0]);
        active->sent_count--;
    }
    active->sent_ms[active->sent_count++] = decision->decided_ms;
    open->flags |= DECISION_SENT;
    open->expires_ms = decision->expires_ms;
    (void)snprintf(open->offer_id, sizeof open->offer_id, "%s", offer_id);
}

void open_decisions_close(struct user_state *user, size_t index) {
    struct user_active *active = user->active;
    assert(index < active->open_count);
    memmove(&active->open[index], &active->open[index + 1], (active->open_count - index - 1U) * sizeof *active->open);
    active->open_count--;
}
