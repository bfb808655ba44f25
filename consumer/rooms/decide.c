#include "consumer/rooms/decide.h"

#include <assert.h>

#include "base/hash.h"
#include "consumer/rooms/gates.h"

const char *const mode_names[] = {"observe", "apprentice", NULL};

_Static_assert(GATE_COUNT <= ROW_GATES_MAX, "a decision row holds every gate");

/* Gates that come after the choice: they hold what was chosen, and do not change what there was to
 * choose from. */
#define GATES_AFTER_CHOICE (GATE_BIT(GATE_PAUSED) | GATE_BIT(GATE_MODE_OBSERVE))

void decide_init(struct decide *decide, const struct decide_config *config,
                 struct timezone_set *zones, int32_t partition_count) {
    assert(partition_count > 0);
    *decide = (struct decide){
        .config = config,
        .zones = zones,
        .default_zone = timezone_find(zones, bytes_of_text(config->default_timezone)),
        .partition_count = partition_count,
    };
}

static void only_none(struct decision *decision) {
    decision->action_count = 1;
    decision->actions[0] = (struct action_probability){.action = bytes_of_text("none"), .p = 1};
}

static void none_or_offer(const struct decide_config *config, struct decision *decision) {
    only_none(decision);
    decision->actions[0].p = config->none_share;
    decision->actions[1] = (struct action_probability){
        .action = bytes_of_text(offers_get(config, decision->would_have)->id),
        .p = 1 - config->none_share,
    };
    decision->action_count = 2;
}

/* One draw per episode, for the episode is what is randomised (METHODS 0, rule 3); chosen from the
 * p[] that is logged, so that the logged number is exact (rule 7). Returns the index into actions.
 */
static size_t draw_action(const struct decide_config *config, const struct decision *decision) {
    char episode[33];
    hash128_format(decision->episode_id, episode);
    double draw = hash_draw(bytes_of(episode, 32), "explore", config->explore_salt);
    double below = 0;
    for (size_t i = 0; i + 1 < decision->action_count; i++) {
        below += decision->actions[i].p;
        if (draw < below) {
            return i;
        }
    }
    return decision->action_count - 1;
}

static void choose(const struct decide_config *config, struct decision *decision) {
    decision->bucket =
        decision->gates & GATE_BIT(GATE_CONTROL_GROUP) ? BUCKET_CONTROL : BUCKET_POLICY;
    only_none(decision);
    if (decision->gates & ~GATES_AFTER_CHOICE) {
        return;
    }
    none_or_offer(config, decision);
    if (draw_action(config, decision) == 0) {
        decision->bucket = BUCKET_EXPLORE;
        decision->gates |= GATE_BIT(GATE_EXPLORED_NONE);
    }
    if (decision->gates & GATES_AFTER_CHOICE) {
        only_none(decision);
    }
}

void decide(const struct decide *room, struct ledger *ledger, int32_t partition, bool is_paused,
            struct decision *decision) {
    const struct decide_config *config = room->config;
    decision->would_have = offers_by_rule(config, decision);
    decision->gates = gates_ask(&(struct gate_view){room, ledger, decision, partition, is_paused});
    choose(config, decision);
    decision->reason = gates_reason(decision->gates);
    bool is_sent = decision_is_sent(decision);
    bool is_deferred = decision->reason == GATE_QUIET_HOURS && decision->attempt == 0;
    decision->offer = is_sent ? decision->would_have : -1;
    decision->action_p = decision->actions[is_sent ? 1 : 0].p;
    decision->redecide_ms = is_deferred ? gates_quiet_end_ms(room, decision) : TIME_NONE;
    decision->expires_ms = TIME_NONE;
    if (is_sent) {
        decision->expires_ms = decision->decided_ms + offers_get(config, decision->offer)->valid_ms;
        ledger_take(ledger, ledger_hour_of(decision->decided_ms));
    }
}
