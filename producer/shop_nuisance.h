/* shop_nuisance: what goes wrong between the shoppers and the topic: guests and logins, second
 * devices, clocks, duplicates, losses, lateness, holes in the data, cancellations and refunds. It
 * sees each message of the shop once and plans its arrivals; it has its own salt, and nothing of it
 * ever comes back into the shop's truth. Switched off, every message arrives at its own time under
 * the user's key. */
#ifndef PROMOSTREAM_PRODUCER_SHOP_NUISANCE_H
#define PROMOSTREAM_PRODUCER_SHOP_NUISANCE_H

#include "producer/shop_causes.h"
#include "producer/shop_queue.h"
#include "producer/shop_session.h"

/* X(name, what it counts) */
#define SHOP_NUISANCES(X)                                                                          \
    X(duplicated, "duplicates")                                                                    \
    X(late, "late by minutes")                                                                     \
    X(late_days, "late by days")                                                                   \
    X(reordered, "reordered")                                                                      \
    X(lost, "lost")                                                                                \
    X(clock_skewed, "dated by a wrong clock")                                                      \
    X(no_brand, "brand missing")                                                                   \
    X(no_price, "price missing")                                                                   \
    X(absurd_price, "absurd price")                                                                \
    X(future, "event time in the future")                                                          \
    X(async_payments, "order confirmed later")                                                     \
    X(cancelled, "orders cancelled")                                                               \
    X(refunded, "orders refunded")                                                                 \
    X(second_device, "from a second device")                                                       \
    X(guest_sessions, "sessions begun as guest")                                                   \
    X(logins, "logins")                                                                            \
    X(bot_events, "events of bots")

#define SHOP_NUISANCE_COUNT(name, text) uint64_t name;
struct shop_nuisance_counts {
    SHOP_NUISANCES(SHOP_NUISANCE_COUNT)
    uint64_t seen; /* messages of the shop, before all this */
};

struct shop_nuisance {
    const struct shop_nuisance_world *world;
    uint64_t seed;
    bool is_on;
    struct shop_queue *queue;         /* takes PLAN_CLICK */
    const struct shop_causes *causes; /* NULL: nobody keeps a record */
    struct shop_nuisance_counts counts;
};

struct shop_identity {
    bool starts_as_guest, logs_in, is_on_second_device;
};

/* A pure function of its arguments; nothing at all when nuisance is off. */
struct shop_identity shop_nuisance_identity(const struct shop_nuisance *nuisance, int64_t user,
                                            uint32_t session);
/* The key that holds the cart at the session's end. */
static inline bool shop_identity_ends_as_guest(struct shop_identity identity) {
    return identity.starts_as_guest && !identity.logs_in;
}

/* Sends a session's messages. old_cart_is_users: what an earlier session left lies under the user's
 * key (else under a guest's that never returns: then its removals are not said). */
void shop_nuisance_send_session(struct shop_nuisance *nuisance, struct shop_session *session,
                                const struct shop_cart *old_cart, bool old_cart_is_users);
/* Sends one message of the user that belongs to a session already over, under the key that holds
 * its cart. */
void shop_nuisance_send_later(struct shop_nuisance *nuisance, struct shop_click *click);
/* Sends one message as it is keyed: event_ms is when it happens. */
void shop_nuisance_send(struct shop_nuisance *nuisance, const struct shop_click *click);

#endif
