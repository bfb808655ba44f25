#include "consumer/rooms/decide.h"

#include <assert.h>
#include <math.h>

#include "base/hash.h"
#include "consumer/rooms/gates.h"
#include "consumer/rooms/policy.h"

const char *const mode_names[] = {"observe", "apprentice", "live", NULL};

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

/* Has the written rule an offer that may be sent? In mode live nothing may eat the margin, by no
 * rule either. */
static bool has_rule(const struct decide_config *config, const struct decision *decision) {
    return decision->would_have >= 0 &&
           (config->mode != MODE_LIVE || (decision->eligible >> decision->would_have & 1));
}

static void none_or_offer(const struct decide_config *config, struct decision *decision) {
    offers_only_none(decision);
    if (has_rule(config, decision)) {
        decision->actions[0].p = config->none_share;
        offers_add_action(config, decision, decision->would_have, 1 - config->none_share);
    }
}

/* One draw per episode, for the episode is what is randomised (METHODS 0, rule 3). */
static double episode_draw(const struct decide_config *config, const struct decision *decision) {
    char episode[33];
    hash128_format(decision->episode_id, episode);
    return hash_draw(bytes_of(episode, 32), "explore", config->explore_salt);
}

/* Index into actions: chosen from the p[] that is logged, so that the logged number is exact (rule
 * 7). */
static size_t pick(const struct decision *decision, double draw) {
    double below = 0;
    for (size_t i = 0; i + 1 < decision->action_count; i++) {
        below += decision->actions[i].p;
        if (draw < below) {
            return i;
        }
    }
    return decision->action_count - 1;
}

/* ---- mode live: apprentices ---- */

/* Mixes a share of trials into actions: every eligible apprentice is as likely as the others. */
static void mix_trials(const struct decide_config *config, struct decision *decision,
                       const int *apprentices, size_t count) {
    double each = config->trial_share / (double)count;
    for (size_t i = 0; i < decision->action_count; i++) {
        decision->actions[i].p *= 1 - config->trial_share;
    }
    for (size_t k = 0; k < count; k++) {
        size_t at = 0;
        while (at < decision->action_count && decision->action_offers[at] != apprentices[k]) {
            at++;
        }
        if (at == decision->action_count) { /* the rule's own offer may be an apprentice too */
            offers_add_action(config, decision, apprentices[k], 0);
        }
        decision->actions[at].p += each;
    }
}

static size_t list_apprentices(const struct decide_config *config, const struct decision *decision,
                               int out[OFFERS_MAX]) {
    uint64_t apprentices = decision->eligible & ~decision->mature;
    bool is_trying = decision->policy == POLICY_VALUE || decision->policy == POLICY_RULE;
    size_t count = 0;
    for (size_t i = 0; i < config->offers.count && is_trying && config->trial_share > 0; i++) {
        if (apprentices >> i & 1) {
            out[count++] = (int)i;
        }
    }
    return count;
}

/* Returns the offer drawn, -1 = none; the draw below trial_share tries an apprentice, the rest is
 * stretched over the policy's own probabilities. */
static int choose_live(const struct decide_config *config, struct decision *decision, double draw) {
    int apprentices[OFFERS_MAX];
    decision->policy = policy_of(decision);
    if (decision->policy == POLICY_VALUE) {
        policy_fill(config, decision);
    } else {
        none_or_offer(config, decision);
    }
    size_t count = list_apprentices(config, decision, apprentices);
    if (count == 0) {
        return decision->action_offers[pick(decision, draw)];
    }
    bool is_trial = draw < config->trial_share;
    int offer;
    if (is_trial) {
        offer = apprentices[(size_t)(draw / config->trial_share * (double)count)];
        decision->policy = POLICY_TRIAL;
        decision->bucket = BUCKET_EXPLORE;
    } else {
        draw = (draw - config->trial_share) / (1 - config->trial_share);
        offer = decision->action_offers[pick(decision, draw)];
    }
    mix_trials(config, decision, apprentices, count);
    return offer;
}

/* ---- the choice ---- */

/* Trials beside a rule that has nothing to say do not make its nothing a randomised one. */
static void hold_none(const struct decide_config *config, struct decision *decision) {
    if (decision->policy == POLICY_VALUE) {
        decision->gates |= GATE_BIT(GATE_NOT_WORTH_IT);
    } else if (!has_rule(config, decision)) {
        decision->gates |= GATE_BIT(GATE_NO_OFFER);
    } else {
        decision->bucket = BUCKET_EXPLORE;
        decision->gates |= GATE_BIT(GATE_EXPLORED_NONE);
    }
}

/* Returns the offer chosen, -1 = none. */
static int choose(const struct decide_config *config, struct decision *decision) {
    decision->bucket =
        decision->gates & GATE_BIT(GATE_CONTROL_GROUP) ? BUCKET_CONTROL : BUCKET_POLICY;
    decision->policy = POLICY_NONE;
    offers_only_none(decision);
    if (decision->gates & ~GATES_AFTER_CHOICE) {
        return -1;
    }
    double draw = episode_draw(config, decision);
    int offer;
    if (config->mode == MODE_LIVE) {
        offer = choose_live(config, decision, draw);
    } else {
        decision->policy = POLICY_RULE;
        none_or_offer(config, decision);
        offer = decision->action_offers[pick(decision, draw)];
    }
    if (offer < 0) {
        hold_none(config, decision);
    }
    if (decision->gates & GATES_AFTER_CHOICE) {
        offers_only_none(decision);
    }
    return offer;
}

static double p_of_action(const struct decision *decision) {
    for (size_t i = 0; i < decision->action_count; i++) {
        if (decision->action_offers[i] == decision->offer) {
            return decision->actions[i].p;
        }
    }
    assert(!"what is done is one of the actions");
    return 0;
}

void decide(const struct decide *room, struct ledger *ledger, int32_t partition, bool is_paused,
            struct decision *decision) {
    const struct decide_config *config = room->config;
    decision->would_have = offers_by_rule(config, decision);
    decision->eligible = config->mode == MODE_LIVE ? policy_eligible(config, decision) : 0;
    decision->gates = gates_ask(&(struct gate_view){room, ledger, decision, partition, is_paused});
    int chosen = choose(config, decision);
    decision->reason = gates_reason(decision->gates);
    bool is_sent = decision_is_sent(decision);
    bool is_deferred = decision->reason == GATE_QUIET_HOURS && decision->attempt == 0;
    decision->offer = is_sent ? chosen : -1;
    decision->action_p = p_of_action(decision);
    decision->redecide_ms = is_deferred ? gates_quiet_end_ms(room, decision) : TIME_NONE;
    decision->expires_ms = TIME_NONE;
    if (is_sent) {
        decision->expires_ms = decision->decided_ms + offers_get(config, decision->offer)->valid_ms;
        ledger_take(ledger, ledger_hour_of(decision->decided_ms));
    }
}
