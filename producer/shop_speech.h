/* shop_speech: puts numbers into words: a click or a push's fate becomes the event that goes to a
 * topic. */
#ifndef PROMOSTREAM_PRODUCER_SHOP_SPEECH_H
#define PROMOSTREAM_PRODUCER_SHOP_SPEECH_H

#include "producer/shop_catalogue.h"
#include "producer/shop_queue.h"

struct shop_speech {
    uint64_t seed;
    const struct shop_catalogue *catalogue;
    /* Texts of the last event. */
    char key[SHOP_KEY_BYTES], other_key[SHOP_KEY_BYTES];
    char event_id[16], session_id[17], order_id[17], decision_id[33];
    char coupon[SHOP_COUPON_BYTES];
    struct event_line lines[SHOP_CLICK_LINES_MAX];
};

/* *out and its texts are lent by speech until the next call. */
void shop_speech_click(struct shop_speech *speech, const struct shop_click *click,
                       struct event *out);
void shop_speech_feedback(struct shop_speech *speech, const struct shop_said *said,
                          const struct shop_user *user, struct event *out);

/* 16 hex digits of an id, with a letter before them if letter is not NUL. Returns the size; no NUL
 * is written. */
size_t shop_speech_hex(uint64_t id, char letter, char *out);

#endif
