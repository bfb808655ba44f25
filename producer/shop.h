/* shop: the simulated shop of `clickfeed simulate`, a world whose truth is known (SIMULATOR.md).
 *
 * It yields the shop's messages in the order of their arrival. Every choice is a draw keyed by
 * (seed, user, purpose, index): the same options give the same bytes, and nuisance (duplicates,
 * losses, guests, bots ...) never changes what the shoppers do nor the truth. Memory is bounded by
 * users and by what is under way, not by days. One thread per shop. Texts that it lends live until
 * the next call that is said to end them. */
#ifndef PROMOSTREAM_PRODUCER_SHOP_H
#define PROMOSTREAM_PRODUCER_SHOP_H

#include <stdio.h>

#include "base/failure.h"
#include "schemas/event.h"
#include "schemas/rows.h"

#define SHOP_START_MS_DEFAULT INT64_C(1736121600000) /* 2025-01-06T00:00:00Z, a Monday */
#define SHOP_USERS_MAX        INT64_C(100000000)
#define SHOP_DAYS_MAX         3660

/* What may be sent at a decision; `none` first, as everywhere. */
enum shop_arm { SHOP_NONE, SHOP_REMIND, SHOP_SHIP, SHOP_10, SHOP_20, SHOP_ARM_COUNT };
extern const char
    *const shop_arm_names[SHOP_ARM_COUNT + 1]; /* "none", "remind", "ship", "10%", "20%", NULL */

/* The built-in worlds with one sentence each, for --help; ended by a NULL name. */
struct shop_world_name {
    const char *name, *help;
};
extern const struct shop_world_name shop_worlds[];

enum shop_switch { SHOP_AS_WORLD, SHOP_OFF, SHOP_ON };

/* The built-in policies (shop_policy.h): which arm at a decision. The end report compares all of
 * them on the same decisions; one may be in force. */
enum shop_policy {
    SHOP_POLICY_NONE,
    SHOP_POLICY_REMIND,     /* to all, as are the next three */
    SHOP_POLICY_SHIP,       /* free shipping */
    SHOP_POLICY_10,         /* 10 % */
    SHOP_POLICY_20,         /* 20 % */
    SHOP_POLICY_RANDOM,     /* each of the five arms alike */
    SHOP_POLICY_RULE,       /* the marketer's: idle cart, 10 %; every decision is an idle cart */
    SHOP_POLICY_PROPENSITY, /* 10 % to whoever is expected to buy anyway with more than .20 */
    SHOP_POLICY_BAYES,  /* the arm of the highest expected value, given all that a shop can observe
                         */
    SHOP_POLICY_ORACLE, /* the arm of the highest value, given the latent class */
    SHOP_POLICY_COUNT
};
extern const char
    *const shop_policy_names[SHOP_POLICY_COUNT + 1]; /* as on the command line; NULL */

#define SHOP_CLASSES 12 /* of shoppers: four types x three sensitivities */

/* One line of the truth file: an abandoned cart, outcome.decide_after_min (60 min) after its last
 * change. Never a topic. */
struct shop_truth {
    struct hash128 decision_id; /* of the shop: hash of user, anchor event and deadline */
    int64_t user;               /* index, 0-based */
    struct bytes
        user_id; /* the shopper's own key; under nuisance the events may stand under a guest's */
    struct bytes session_id;
    struct bytes anchor_event_id; /* the last product_added of the cart */
    int64_t deadline_ms;          /* last cart change + 60 min, by the shop's clock */
    /* What the best observer could know just before the decision (shop_belief.h), whatever nuisance
     * does to the messages. */
    double posterior[SHOP_CLASSES];     /* P(z | history), sum 1 */
    double bayes_p[SHOP_ARM_COUNT];     /* posterior mean of p */
    double bayes_value[SHOP_ARM_COUNT]; /* posterior mean of value, EUR */
    enum shop_arm a_bayes, a_oracle;    /* of the highest bayes_value, value; ties: the first */
    int z;                              /* type * 3 + sensitivity */
    double cart_value;
    double fatigue; /* F: decayed number of delivered pushes */
    int coupons_30d;
    double p[SHOP_ARM_COUNT]; /* P(buy within 7 d | z, arm, state) */
    double value[SHOP_ARM_COUNT];
    double u;          /* the one uniform of the episode: arm a buys iff u < p[a] */
    double delay_ms;   /* from the decision to the order, if it buys */
    bool has_stock;    /* false: stock gone by then, nobody buys */
    enum shop_arm arm; /* in force: delivered before the decision, or the policy's */
    bool is_bought;    /* as decided now; a later push may still turn a no into a yes */
};

struct shop_options {
    const char *world; /* a built-in name, or the path of a world file (with a / or ending in .yaml,
                          .yml) */
    uint64_t seed;
    int64_t users; /* 1 .. SHOP_USERS_MAX */
    int days; /* 1 .. SHOP_DAYS_MAX: sessions start within them; what they cause may come later */
    int64_t start_ms; /* midnight UTC of the first day */
    enum shop_switch nuisance;
    double consent_granted,
        consent_denied;      /* shares of users, the rest is unknown; both NaN: as the world says */
    enum shop_policy policy; /* in force: its arm reaches each cart just before its decision,
                                without any message; not together with shop_feedback */
    int report_from_day; /* the policies' report leaves out decisions before this day, 0-based */
    bool with_catalogue_changes; /* yield SHOP_CATALOGUE emissions too */
    const char *truth_path;      /* JSON lines; NULL: none */
    const char *causes_path;     /* JSON lines (shop_causes.h); NULL: none */
    void (*on_truth)(void *context,
                     const struct shop_truth *truth); /* NULL: none; the row lives for the call */
    void *truth_context;
};

/* base, seed 1, 10,000 users, 30 days, the default start, nuisance as the world says. */
struct shop_options shop_options_default(void);

enum shop_stream {
    SHOP_CLICKSTREAM, /* event */
    SHOP_FEEDBACK,    /* event: push_delivered, push_opened, push_dismissed */
    SHOP_CATALOGUE,   /* item: a new one, or one with another price or stock */
};

struct shop_emission {
    enum shop_stream stream;
    int64_t arrival_ms; /* the record's timestamp; never decreases */
    struct bytes key;   /* of the record: user or guest id, item id */
    int32_t partition; /* SHOP_FEEDBACK: where the push stood, to be produced there explicitly; else
                          -1, by key */
    struct event event; /* lines are lent like the texts */
    struct catalogue_item_row item;
};

struct shop;

/* STOP for an unknown world, a bad world file (each error one line on errors), options out of
 * range, or a file of truth or causes that cannot be written. */
MUST_CHECK struct failure shop_new(const struct shop_options *options, FILE *errors,
                                   struct shop **out);
void shop_destroy(struct shop *shop); /* NULL is fine */

/* Fills *out, lent until the next shop_next or shop_destroy. False at the end: all days are over
 * and all that they caused has been said. A later shop_feedback may cause more: then it yields
 * again. */
bool shop_next(struct shop *shop, struct shop_emission *out);

/* Simulated time: arrival of the last emission, start_ms before the first. */
int64_t shop_now_ms(const struct shop *shop);

/* What stands on the topics catalogue and profiles before the first event. index 0 .. count - 1.
 * Texts of an item live as long as the shop; texts of a profile until the next shop_profile. */
int64_t shop_catalogue_count(const struct shop *shop);
void shop_catalogue_item(const struct shop *shop, int64_t index, struct catalogue_item_row *out);
int64_t shop_profile_count(const struct shop *shop);
void shop_profile(struct shop *shop, int64_t index, struct profile_row *out);

/* --listen: a record of promotion-pushes was read at simulated time arrival_ms (earlier than now:
 * now) from the given partition. It reaches the user at max(arrival, not_before), unless it has
 * expired by then. The shop copies what it needs. Delivered before the user's decision it is the
 * decision's arm; after it, p1 = max(p0, pa) by the episode's own uniform. Unknown
 * users are counted and ignored. */
void shop_feedback(struct shop *shop, const struct push_row *push, int64_t arrival_ms,
                   int32_t partition);

/* The files of truth and causes are written out and closed; call at the end, once. STOP if that
 * failed (disk full). */
MUST_CHECK struct failure shop_finish(struct shop *shop);

/* Base rates and what each policy gains, so far, readable (the end summary of `clickfeed
 * simulate`), and as one JSON object. */
void shop_report_write(const struct shop *shop, FILE *out);
void shop_report_write_json(const struct shop *shop, FILE *out);

/* The whole world file with its defaults and comments (`clickfeed simulate --print-world`). */
void shop_world_write_defaults(FILE *out);

#endif
