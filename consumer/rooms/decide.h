/* decide: which offer, or none. Gates with reasons, control group, written rules, caps, quiet
 * hours. Takes frozen decisions in order; partition-wide values (the hour ledger) are read and
 * written only here. Never reads the wall clock, side topics or user state. Every draw is a hash
 * (METHODS 0, rules 7, 8).
 *
 * Its parts: offers (rules), gates (why not), ledger (cap per hour), decide_config (section
 * `decide`). */
#ifndef PROMOSTREAM_ROOMS_DECIDE_H
#define PROMOSTREAM_ROOMS_DECIDE_H

#include "base/config.h"
#include "base/metrics.h"
#include "base/timezone.h"
#include "consumer/rooms/decision.h"
#include "consumer/rooms/ledger.h"
#include "consumer/rooms/offers.h"

enum mode { MODE_OBSERVE, MODE_APPRENTICE, MODE_LIVE };
extern const char *const mode_names[]; /* "observe", "apprentice", "live", NULL */

/* Section `decide` of pipeline.yaml; the lists `offers` and `rules` are keys of it. */
struct decide_config {
    int mode;             /* enum mode */
    double control_share; /* persistent control group, share of users */
    double none_share;    /* apprentice: probability of none where the rule has an offer */
    double trial_share;   /* live: probability of trying an offer that is still an apprentice */
    double epsilon;       /* live: floor of every action's probability */
    double uncertainty;  /* live: how much of the posterior's spread the draws have; 1 = Thompson */
    double min_gain;     /* live: value over none below which nothing is sent, currency */
    double contact_cost; /* of one push, currency */
    double fatigue_cost; /* live: of one more push, per decayed push before it, currency */
    const char *control_salt, *explore_salt, *observe_salt, *validation_salt;
    double margin_default;                /* 0.30 */
    int64_t attribution_window_ms;        /* 7d: the episode and the life of an open decision */
    int64_t cap_per_hour;                 /* over all users and partitions; 0 = no cap */
    int64_t cap_per_user_day;             /* in sliding 24 h of event time; 0 = no cap */
    int64_t cap_per_user_week;            /* in sliding 7 d of event time; 0 = no cap */
    struct config_time_range quiet_hours; /* local time of the user */
    const char *default_timezone;         /* for users whose zone is unknown */
    bool consent_unknown_is_granted;      /* false: unknown consent holds */
    struct config_list offers;            /* struct offer */
    struct config_list rules;             /* struct rule */
};
extern const struct config_table decide_config_table;

/* Checks what the table cannot: at most OFFERS_MAX offers, ids unique and usable, values that fit
 * the kind, an offer that ends before it starts or outlives the attribution window, templates with
 * unknown {names}, rules that name unknown offers or can never be reached, a time zone that is
 * none. One line per error to errors; returns their number. Not for the hot path: it reads zone
 * files. */
size_t decide_config_check(const struct decide_config *config, FILE *errors);

struct decide {
    const struct decide_config *config; /* borrowed */
    struct timezone_set *zones;         /* borrowed */
    uint16_t default_zone;
    int32_t partition_count;
};
/* config has passed decide_config_check. */
void decide_init(struct decide *decide, const struct decide_config *config,
                 struct timezone_set *zones, int32_t partition_count);

/* Fills the decided part of a scored decision. All gates are asked and noted; the first closed one
 * is the reason. The order of work: offer by rule -> gates -> control -> probabilities over the
 * eligible set (by the rule, or in mode live by expected profit: policy.h), choice drawn from them
 * by the episode's draw -> caps are taken only if it is sent. Quiet hours at
 * attempt 0 set redecide_ms. Cap hours and quiet hours use decided_ms, never the wall clock.
 *
 * Probabilities are those of what happens, given the gates: none: none_share and offer: 1 -
 * none_share where the offer is open to the user, none: 1 where any gate but explored_none holds
 * the decision (control, pause and observe too); would_have still tells the rule's offer. The draw
 * is taken under pause and observe as well, so that bucket and gates show what would have happened;
 * explored_none is asked only where there was something to draw. */
void decide(const struct decide *room, struct ledger *ledger, int32_t partition, bool is_paused,
            struct decision *decision);

#endif
