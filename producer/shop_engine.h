/* shop_engine: the inside of struct shop, for shop.c (time), shop_episode.c (what becomes of a
 * cart), shop_feedback.c (what a push does) and shop_learn.c (what an observer would make of it).
 * Nobody else includes it. */
#ifndef PROMOSTREAM_PRODUCER_SHOP_ENGINE_H
#define PROMOSTREAM_PRODUCER_SHOP_ENGINE_H

#include "producer/shop_belief.h"
#include "producer/shop_outcome.h"
#include "producer/shop_policy.h"
#include "producer/shop_queue.h"
#include "producer/shop_report.h"
#include "producer/shop_session.h"
#include "producer/shop_speech.h"
#include "producer/shop_truth.h"
#include "producer/shop_wakes.h"

/* An abandoned cart. Held by its user (the latest one only) and by each plan for it; freed when
 * nobody holds it. */
struct shop_episode {
    int64_t user;
    int64_t deadline_ms; /* the decision */
    uint32_t session, anchor_seq;
    uint32_t holders;
    bool is_frozen; /* the state below is fixed: by the first push or by the decision */
    bool is_decided;
    bool is_bought; /* an order is planned or has been */
    uint8_t arm;    /* best one delivered so far */
    struct shop_cart cart;
    double fatigue;
    int coupons_30d;
    double p[SHOP_ARM_COUNT]; /* after the decision, as is the next */
    struct shop_history history;
    bool is_learned; /* the belief knows what became of it */
    double u;
    double p_now; /* of what has been delivered */
    /* The coupon that an order would use; size 0: none. */
    double discount;
    int64_t coupon_expires_ms;
    uint8_t coupon_size;
    char coupon[SHOP_COUPON_BYTES];
    uint32_t next_free;
};

/* What pushes did to a user. */
#define SHOP_COUPONS_MAX 8
#define SHOP_PUSHES_SEEN 8
struct shop_pushed {
    double fatigue; /* as of fatigue_ms */
    int64_t fatigue_ms;
    int64_t coupons_ms[SHOP_COUPONS_MAX]; /* a ring of deliveries, INT64_MIN = none */
    uint64_t seen[SHOP_PUSHES_SEEN];      /* a ring of push ids */
    uint8_t coupons_next, seen_next;
    bool skips_cart;    /* pull-forward */
    uint64_t awaited;   /* id of the last push delivered without a reaction so far, 0 = none */
    int64_t awaited_ms; /* its delivery */
};

struct shop_shopper {
    uint32_t sessions; /* so far: the number of the next one */
    uint32_t episode;  /* 1 + index, 0 = none */
    uint32_t pushed;   /* 1 + index, 0 = never */
};

struct shop {
    struct shop_options options;
    struct shop_world world;
    struct shop_scene scene;
    struct shop_calendar *calendar;
    struct shop_catalogue *catalogue;
    struct shop_tastes tastes;
    struct shop_queue *queue;
    struct shop_wakes wakes; /* users, then bots */
    struct shop_nuisance nuisance;
    struct shop_causes causes;
    struct shop_speech speech;
    struct shop_truth_file truth;
    struct shop_report report;
    struct shop_belief *beliefs; /* [users] */
    int64_t now_ms;
    int day;                       /* open in the catalogue */
    uint32_t next_change;          /* item to look at for a change of the open day */
    struct shop_shopper *shoppers; /* [users] */
    struct shop_episode *episodes;
    size_t episode_count, episode_capacity;
    uint32_t free_episode; /* 1 + index */
    struct shop_pushed *pushed;
    size_t pushed_count, pushed_capacity;
    uint64_t *pending; /* ids of pushes under way: what a revocation can still stop */
    size_t pending_count, pending_capacity;
    uint32_t *bot_views; /* [bots] */
    int64_t bots;
    struct shop_session session; /* the one being made */
    char profile_id[SHOP_KEY_BYTES];
};

/* ---- shop_episode.c ---- */

/* The session's cart was left: its decision is planned, and it becomes the user's latest. */
void shop_episode_open(struct shop *shop, int64_t user, const struct shop_session *session);
/* NULL if the user left no cart that is still unsold. */
struct shop_episode *shop_episode_latest(struct shop *shop, int64_t user);
/* The user's cart is no more (bought, or a new one was begun). */
void shop_episode_forget(struct shop *shop, int64_t user);
void shop_episode_decide(struct shop *shop, uint32_t index);
void shop_episode_order(struct shop *shop, uint32_t index);
/* Fixes fatigue and coupons as they are, once. */
void shop_episode_freeze(struct shop *shop, struct shop_episode *episode);
/* After the decision: the arm is delivered at at_ms. True if it alone brings an order. */
bool shop_episode_push(struct shop *shop, struct shop_episode *episode, enum shop_arm arm,
                       int64_t at_ms);
struct hash128 shop_episode_id(const struct shop *shop, const struct shop_episode *episode);
void shop_episodes_clean_up(struct shop *shop);

/* ---- shop_feedback.c ---- */

void shop_feedback_deliver(struct shop *shop, const struct shop_push *push, int64_t at_ms);
/* F and coupons of the last 30 d as of at_ms. */
double shop_feedback_fatigue(const struct shop *shop, int64_t user, int64_t at_ms);
int shop_feedback_coupons(const struct shop *shop, int64_t user, int64_t at_ms);
/* The policy in force sends the arm, just before the decision. */
void shop_feedback_send(struct shop *shop, struct shop_episode *episode, enum shop_arm arm);
/* Share of all reactions to a push that have come by age_ms after its delivery. */
double shop_feedback_reacted_by(double age_ms);
/* A coupon of ours was used: pull-forward. */
void shop_feedback_coupon_used(struct shop *shop, int64_t user, uint32_t session);
/* True once, if the user's next cart is not to be. */
bool shop_feedback_skips_cart(const struct shop *shop, int64_t user);
void shop_feedback_cart_skipped(struct shop *shop, int64_t user);

/* ---- shop_learn.c: what is observed, in the order of its time ---- */

/* A session, whole, before its cart replaces the user's latest. */
void shop_learn_session(struct shop *shop, int64_t index, const struct shop_user *user,
                        const struct shop_session *session, const struct shop_past *past);
/* The order of a cart that was left. */
void shop_learn_order(struct shop *shop, struct shop_episode *episode);
void shop_learn_delivered(struct shop *shop, int64_t user, uint64_t push);
void shop_learn_reaction(struct shop *shop, const struct shop_said *said);
/* Fills in posterior, bayes_* and a_bayes as of now, and p, value and a_oracle of the user's own
 * class. */
void shop_learn_judge(struct shop *shop, const struct shop_episode *episode,
                      const struct shop_user *user, struct shop_truth *truth);

#endif
