/* decision: the noun that travels from triggers through features, score and decide to emit.
 * Triggers capture the left part in the fold, frozen; decide fills the right part; nothing is
 * looked up later. Texts are borrowed from the micro-batch's arena or from configuration. */
#ifndef PROMOSTREAM_ROOMS_DECISION_H
#define PROMOSTREAM_ROOMS_DECISION_H

#include "model/learner.h"
#include "schemas/event.h"
#include "schemas/rows.h"

/* Why a decision was held; the order is the order in which gates are asked, the first closed one is
 * the reason. X(enumerator, name on the wire, help) */
#define GATES(X)                                                                                   \
    X(GATE_OBSERVATION, "observation", "a sampled observation only watches")                       \
    X(GATE_CONDITION_GONE, "condition_gone", "after quiet hours the reason for it no longer held") \
    X(GATE_TOO_MANY_OPEN, "too_many_open",                                                         \
      "the user has 4 open decisions; logged, without outcome")                                    \
    X(GATE_NO_OFFER, "no_offer",                                                                   \
      "no rule, or in mode live no offer, fits this trigger and basket")                           \
    X(GATE_CONSENT_DENIED, "consent_denied", "the user said no")                                   \
    X(GATE_CONSENT_UNKNOWN, "consent_unknown", "nobody knows whether the user said yes")           \
    X(GATE_USER_CAP, "user_cap", "the user got as many pushes as the caps allow")                  \
    X(GATE_QUIET_HOURS, "quiet_hours", "night where the user is; decided again when it ends")      \
    X(GATE_HOUR_CAP, "hour_cap", "this partition's share of the cap per hour is used up")          \
    X(GATE_CONTROL_GROUP, "control_group", "the user belongs to the control group")                \
    X(GATE_EXPLORED_NONE, "explored_none", "the randomised share of nothing, for measuring")       \
    X(GATE_NOT_WORTH_IT, "not_worth_it", "mode live: nothing is worth more than sending nothing")  \
    X(GATE_PAUSED, "paused", "somebody said promostream pause")                                    \
    X(GATE_MODE_OBSERVE, "mode_observe", "mode: observe never sends")

#define GATE_ENUM(id, name, help) id,
enum gate { GATES(GATE_ENUM) GATE_COUNT, GATE_NONE = GATE_COUNT };
#define GATE_BIT(gate) (UINT32_C(1) << (gate)) /* in decision.gates */
const char *gate_name(enum gate gate);         /* "sent" for GATE_NONE */

/* Who chose from the eligible set. X(enumerator, name on the wire, help) */
#define POLICIES(X)                                                                                \
    X(POLICY_NONE, "none", "nobody: a gate held it before there was a choice")                     \
    X(POLICY_RULE, "rule", "the written rule, with a randomised share of nothing")                 \
    X(POLICY_TRIAL, "trial", "mode live: an offer that is still an apprentice, at random")         \
    X(POLICY_VALUE, "value", "mode live: expected profit")                                         \
    X(POLICY_NOT_FINITE, "not_finite", "mode live, the champion has no score: the written rule")   \
    X(POLICY_MISCALIBRATED, "miscalibrated",                                                       \
      "mode live, the champion's calibration alarm: the written rule")
#define POLICY_ENUM(id, name, help) id,
enum policy { POLICIES(POLICY_ENUM) POLICY_COUNT };
extern const char *const policy_names[]; /* "none", "rule", ..., NULL */

/* Which comparison a row may serve (METHODS 0, rules 7 and 8):
 *   control  the user belongs to the persistent control group, whatever else held the decision.
 *            Rows for lift, never IPS.
 *   explore  the episode's draw fell on the randomised share: of nothing where the rule decides, of
 *            an apprentice where profit does.
 *   policy   everything else: sent, or held by a gate that is no randomisation. */
enum bucket { BUCKET_POLICY, BUCKET_EXPLORE, BUCKET_CONTROL };
extern const char *const bucket_names[]; /* "policy", "explore", "control", NULL */

struct decision {
    /* ---- captured at the trigger ---- */
    struct bytes user_id, subject_key_id,
        canonical_id; /* canonical_id from the profile, else empty */
    enum trigger trigger;
    uint8_t attempt;
    bool is_followup;
    bool is_condition_gone; /* attempt 1 only */
    bool is_too_many_open;
    struct hash128 id, episode_id;
    uint64_t anchor;
    int64_t deadline_ms, decided_ms, close_ms;
    enum consent consent; /* of the user's state, else of the profile */
    uint16_t zone;        /* interned time zone, TIMEZONE_NONE = unknown */
    size_t sent_count;    /* pushes already sent to this user: event times, oldest first */
    int64_t sent_ms[USER_SENT_RING];
    bool is_new_user;  /* no order yet */
    double cart_value; /* NaN = unknown */
    struct bytes currency, locale, channel;
    size_t item_count;
    struct push_item items[ROW_ITEMS_MAX]; /* joined with the catalogue */
    double margin; /* value-weighted margin share of the cart, NaN = use the default */
    int32_t feature_version;
    size_t number_count;
    double numbers[ROW_NUMBERS_MAX];
    size_t name_count;
    struct bytes names[ROW_NAMES_MAX];
    size_t step_count;
    struct behaviour_step steps[ROW_STEPS_MAX]; /* the last items, oldest first */
    double weight; /* of the example that it becomes: 1 / sampling rate */

    /* ---- scored: arms are none and the offers, in the order of the configuration ---- */
    size_t learner_count; /* the champion first */
    struct bytes learners[ROW_LEARNERS_MAX];
    int64_t version_offsets[ROW_LEARNERS_MAX];
    double p[ROW_LEARNERS_MAX][LEARNER_ARMS_MAX]; /* NaN where a learner could not score */
    size_t arm_count;
    struct learner_scores champion;
    bool has_score;  /* the champion's scores are finite */
    bool is_alarmed; /* the champion's calibration alarm is on */
    uint64_t mature; /* bit per offer that has left apprenticeship */

    /* ---- decided ---- */
    enum bucket bucket;
    enum policy policy;
    size_t action_count;
    struct action_probability actions[ROW_ACTIONS_MAX]; /* "none" first */
    int action_offers[ROW_ACTIONS_MAX];                 /* offer index of each action, -1 = none */
    int would_have;    /* offer index by the written rule, -1 = none */
    uint64_t eligible; /* bit per offer that is in force, fits the basket and leaves a margin */
    int offer;         /* offer index that is sent, -1 = none */
    double action_p;
    enum gate reason;    /* GATE_NONE = sent */
    uint32_t gates;      /* bit per closed gate */
    int64_t redecide_ms; /* end of quiet hours, TIME_NONE unless held by them at attempt 0 */
    int64_t expires_ms;  /* of the push, TIME_NONE if nothing is sent */
};

static inline bool decision_is_sent(const struct decision *decision) {
    return decision->reason == GATE_NONE;
}

/* The open decision that a decided one becomes, in the user's state and on open-decisions alike.
 * offer_id: id of the sent offer, "" if nothing was sent. Not for is_too_many_open. */
void decision_open(const struct decision *decision, const char *offer_id,
                   struct open_decision *out);

#endif
