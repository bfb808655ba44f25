/* shop_queue: what is planned, in the order of its time: messages under way, decisions, late
 * orders, pushes. Equal times come out in the order in which they were added. Grows with what is
 * under way and keeps its memory. */
#ifndef PROMOSTREAM_PRODUCER_SHOP_QUEUE_H
#define PROMOSTREAM_PRODUCER_SHOP_QUEUE_H

#include "producer/shop_click.h"
#include "producer/shop_user.h"

enum shop_plan_kind {
    PLAN_CLICK,    /* a message arrives */
    PLAN_DECISION, /* a cart has been idle for 60 min */
    PLAN_ORDER,    /* an abandoned cart is bought after all */
    PLAN_PUSH,     /* a push reaches its user */
    PLAN_FEEDBACK, /* what became of a push arrives */
};

struct shop_push {
    uint64_t id;                /* hash of push_id */
    struct hash128 decision_id; /* of promostream */
    int64_t user;
    int64_t expires_ms;
    int32_t partition;
    uint8_t arm; /* enum shop_arm */
    bool is_about_cart;
    uint8_t key_size, coupon_size;
    char key[SHOP_KEY_BYTES]; /* under which it came */
    char coupon[SHOP_COUPON_BYTES];
    double discount; /* share of price; of the coupon */
};

struct shop_said { /* of a push */
    enum event_type type;
    int64_t event_ms;
    struct shop_push push;
};

struct shop_plan {
    enum shop_plan_kind kind;
    union {
        struct shop_click click;
        uint32_t episode; /* DECISION, ORDER */
        struct shop_push push;
        struct shop_said said;
    };
};

struct shop_queue;
struct shop_queue *shop_queue_new(void);
void shop_queue_destroy(struct shop_queue *queue);

/* Adds a plan and lends it to be filled, until the next add or take. */
struct shop_plan *shop_queue_add(struct shop_queue *queue, int64_t at_ms, enum shop_plan_kind kind);
/* INT64_MAX when empty. */
int64_t shop_queue_next_ms(const struct shop_queue *queue);
/* Removes the first plan, which must be there, and lends it until the next add or take. */
const struct shop_plan *shop_queue_take(struct shop_queue *queue);
size_t shop_queue_count(const struct shop_queue *queue);

#endif
