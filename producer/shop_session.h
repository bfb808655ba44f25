/* shop_session: when a shopper comes, and what happens until the cart is paid or left. Everything
 * in a session is drawn at its start from streams of its own number; all of it happens within 15
 * min of the last change of the cart. */
#ifndef PROMOSTREAM_PRODUCER_SHOP_SESSION_H
#define PROMOSTREAM_PRODUCER_SHOP_SESSION_H

#include "producer/shop_calendar.h"
#include "producer/shop_catalogue.h"
#include "producer/shop_click.h"
#include "producer/shop_taste.h"
#include "producer/shop_user.h"

#define SHOP_SESSION_GAP_MS     (30 * INT64_C(60000))
#define SHOP_SESSION_CLICKS_MAX 80
#define SHOP_NEVER              INT64_MAX

struct shop_scene {
    const struct shop_world *world;
    const struct shop_calendar *calendar;
    const struct shop_catalogue *catalogue;
    const struct shop_tastes *tastes;
    uint64_t seed;
};

/* What the shopper's past changes in a session. */
struct shop_past {
    struct shop_cart old_cart; /* left by an earlier session and not bought: emptied before a new
                                  cart is filled */
    double pay_factor;         /* wait-training: 1, or less after coupons */
    bool skips_cart;           /* pull-forward: bought earlier already */
};

struct shop_session {
    size_t count;
    struct shop_click
        clicks[SHOP_SESSION_CLICKS_MAX]; /* ascending event_ms; arrival_ms is not set */
    size_t views;
    bool has_cart, has_checkout, is_paid;
    bool is_cart_skipped;  /* there would have been a cart, but for past.skips_cart */
    struct shop_cart cart; /* at the end */
    uint32_t anchor_seq;   /* the last product_added of the cart */
    int64_t cart_ms;       /* the last change of the cart */
    int64_t deadline_ms;   /* has_cart: the decision, if it is left */
    int64_t end_ms;        /* the last event */
};

/* Arrival number `session` of the user, later than after_ms: a Poisson process of rate
 * sessions_per_day x calendar factor, by thinning. SHOP_NEVER if the days end first. */
int64_t shop_session_arrival(const struct shop_scene *scene, const struct shop_user *user,
                             int64_t index, uint32_t session, int64_t after_ms);

/* The catalogue must stand open at the day of start_ms. */
void shop_session_make(const struct shop_scene *scene, const struct shop_user *user, int64_t index,
                       uint32_t session, int64_t start_ms, const struct shop_past *past,
                       struct shop_session *out);

/* The earliest time at which the user may come again: carts are decided one at a time. */
static inline int64_t shop_session_free_ms(const struct shop_session *session) {
    int64_t free_ms = session->end_ms + SHOP_SESSION_GAP_MS;
    int64_t decided_ms = session->has_cart ? session->deadline_ms : free_ms;
    return decided_ms > free_ms ? decided_ms : free_ms;
}

#endif
