/* shop_click: a message of the shop in numbers, before it has words (shop_speech.h): small enough
 * to wait in a queue. */
#ifndef PROMOSTREAM_PRODUCER_SHOP_CLICK_H
#define PROMOSTREAM_PRODUCER_SHOP_CLICK_H

#include "producer/shop_draw.h"
#include "schemas/event.h"

struct shop_line {
    uint32_t item;
    int32_t price_cents; /* of one */
    int32_t quantity;
};

#define SHOP_CART_LINES_MAX 8
struct shop_cart {
    size_t count;
    struct shop_line lines[SHOP_CART_LINES_MAX];
};

static inline int64_t shop_cart_cents(const struct shop_cart *cart) {
    int64_t cents = 0;
    for (size_t i = 0; i < cart->count; i++) {
        cents += (int64_t)cart->lines[i].price_cents * cart->lines[i].quantity;
    }
    return cents;
}

enum shop_click_flag {
    CLICK_GUEST = 1,         /* stands under the session's guest key */
    CLICK_SECOND_DEVICE = 2, /* whose clock it bears */
    CLICK_OF_OLD_CART = 4,   /* removal of what an earlier session left */
    CLICK_BOT = 8,
    CLICK_NO_BRAND = 16,
    CLICK_NO_PRICE = 32,
    CLICK_ABSURD_PRICE = 64,
};

#define SHOP_CLICK_LINES_MAX (2 * SHOP_CART_LINES_MAX) /* a merged cart */
#define SHOP_COUPON_BYTES    32

struct shop_click {
    int64_t event_ms, arrival_ms;
    int64_t user;        /* index; bots count on from the last user */
    uint32_t session;    /* of this user */
    uint32_t seq;        /* (user, session, seq) names the event */
    int64_t total_cents; /* -1: none */
    uint8_t type;        /* enum event_type */
    uint8_t flags;       /* enum shop_click_flag */
    uint8_t place;       /* index of shop_places */
    uint8_t consent;     /* enum consent */
    uint8_t device;      /* level of COVARIATE_DEVICE */
    uint8_t line_count;
    uint8_t coupon_size;
    char coupon[SHOP_COUPON_BYTES];
    struct shop_line lines[SHOP_CLICK_LINES_MAX];
};

/* Numbers of events that a session does not count itself. */
enum shop_seq {
    SEQ_LATE_ORDER = 1 << 20, /* the order after the decision, and its coupon_applied */
    SEQ_LATE_COUPON,
    SEQ_LOGIN_GUEST,
    SEQ_LOGIN_USER,
    SEQ_CANCELLED,
    SEQ_REFUNDED,
    SEQ_OLD_CART = 1 << 21, /* + n: removals that had to wait for a login */
};

/* The event's own hash: its id, and the subject of what happens to it on the way. */
static inline uint64_t shop_click_id(uint64_t seed, const struct shop_click *click) {
    uint64_t index = (uint64_t)click->session << 32 | click->seq;
    return shop_draw_id(seed, (uint64_t)click->user, DRAW_EVENT_ID, index);
}

static inline void shop_click_set_lines(struct shop_click *click, const struct shop_line *lines,
                                        size_t count) {
    click->line_count = (uint8_t)count;
    memcpy(click->lines, lines, count * sizeof *lines);
}

static inline void shop_click_set_coupon(struct shop_click *click, const char *coupon,
                                         size_t size) {
    click->coupon_size = (uint8_t)(size < SHOP_COUPON_BYTES ? size : SHOP_COUPON_BYTES);
    memcpy(click->coupon, coupon, click->coupon_size);
}

/* A copy of the parts in use only: lines beyond line_count stay as they are. */
static inline void shop_click_copy(struct shop_click *to, const struct shop_click *from) {
    memcpy(to, from, offsetof(struct shop_click, lines));
    memcpy(to->lines, from->lines, from->line_count * sizeof from->lines[0]);
}

#endif
