/* shop_report: the base rates of a run, counted where they happen, and the end summary. */
#ifndef PROMOSTREAM_PRODUCER_SHOP_REPORT_H
#define PROMOSTREAM_PRODUCER_SHOP_REPORT_H

#include "producer/shop_nuisance.h"
#include "producer/shop_policy.h"

/* X(name, what it counts) */
#define SHOP_PUSH_FATES(X)                                                                         \
    X(read, "pushes read")                                                                         \
    X(unknown, "user unknown")                                                                     \
    X(repeated, "push id seen before")                                                             \
    X(revocations, "revocations read")                                                             \
    X(revoked, "revoked in time")                                                                  \
    X(expired, "expired before delivery")                                                          \
    X(undelivered, "lost on the way")                                                              \
    X(delivered, "delivered")                                                                      \
    X(opened, "opened")                                                                            \
    X(dismissed, "dismissed")                                                                      \
    X(before_decision, "before the decision")                                                      \
    X(brought_order, "brought an order")

#define SHOP_PUSH_FATE_COUNT(name, text) uint64_t name;
struct shop_push_counts {
    SHOP_PUSH_FATES(SHOP_PUSH_FATE_COUNT)
};

struct shop_report {
    uint64_t emitted[EVENT_TYPE_COUNT]; /* messages, as they arrive */
    uint64_t catalogue_changes;
    /* The shop itself, before any nuisance. */
    uint64_t sessions, views, carts, checkouts, paid, abandoned;
    uint64_t bought;   /* abandoned carts that are bought later, as decided then */
    uint64_t no_stock; /* abandoned carts that stock would have stopped */
    uint64_t decided;  /* abandoned carts whose decision is over */
    uint64_t abandoned_by_type[SHOP_TYPES];
    double order_sum, order_squares; /* EUR, all orders decided so far, goods before discounts */
    uint64_t orders;
    double p_sum[SHOP_ARM_COUNT], p_squares[SHOP_ARM_COUNT], gain_sum[SHOP_ARM_COUNT];
    struct shop_push_counts pushes;
    struct shop_gains gains;
};

void shop_report_session(struct shop_report *report, const struct shop_session *session, int type);
void shop_report_decision(struct shop_report *report, const struct shop_truth *truth);
void shop_report_order(struct shop_report *report, double cart_value);

struct shop;
const struct shop_report *shop_report_of(const struct shop *shop);
/* Its name, or "listened" if pushes have been heard. */
const char *shop_policy_in_force(const struct shop *shop);
const struct shop_nuisance_counts *shop_nuisance_counts_of(const struct shop *shop);

#endif
