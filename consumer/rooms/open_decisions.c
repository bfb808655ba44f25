#include "consumer/rooms/open_decisions.h"

#include <assert.h>

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

static struct open_decision *append(struct user_state *user) {
    struct user_active *active = state_active(user);
    assert(active->open_count < USER_OPEN_MAX);
    active->open = memory_grow(active->open, active->open_count + 1U, sizeof *active->open);
    return &active->open[active->open_count++];
}

static void record_push(struct user_state *user, int64_t sent_ms) {
    struct user_active *active = user->active;
    if (active->sent_count > 0) {
        int64_t age_ms = sent_ms - active->sent_ms[active->sent_count - 1];
        user->push_pressure *=
            (float)exp2(-(double)(age_ms > 0 ? age_ms : 0) / PRESSURE_HALF_LIFE_MS);
    }
    user->push_pressure += 1;
    if (active->sent_count == USER_SENT_RING) {
        memmove(active->sent_ms, active->sent_ms + 1,
                (USER_SENT_RING - 1) * sizeof active->sent_ms[0]);
        active->sent_count--;
    }
    active->sent_ms[active->sent_count++] = sent_ms;
}

/* What they would have come to without this push, nobody will know (METHODS 0, rule 3). Only until
 * the first label: a learner that has learned it takes corrections back by the same rule. */
static void censor_others(struct user_state *user, const struct open_decision *sent) {
    for (size_t i = 0; i < user->active->open_count; i++) {
        struct open_decision *open = &user->active->open[i];
        if (open != sent && !(open->flags & DECISION_LABELLED)) {
            open->flags |= DECISION_CENSORED;
        }
    }
}

void open_decisions_record(struct user_state *user, const struct decision *decision,
                           const char *offer_id) {
    struct open_decision *open = open_decisions_find(user, decision->id);
    if (!open && decision->is_too_many_open) {
        return;
    }
    open = open ? open : append(user);
    decision_open(decision, offer_id, open);
    if (decision_is_sent(decision)) {
        censor_others(user, open);
        record_push(user, decision->decided_ms);
    }
}

void open_decisions_close(struct user_state *user, size_t index) {
    struct user_active *active = user->active;
    assert(index < active->open_count);
    memmove(&active->open[index], &active->open[index + 1],
            (active->open_count - index - 1U) * sizeof *active->open);
    active->open_count--;
}
