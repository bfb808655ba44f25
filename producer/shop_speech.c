#include "producer/shop_speech.h"

#include <math.h>

#include "producer/shop_calendar.h"
#include "producer/shop_draw.h"

#define ABSURD_FACTOR 1e4

static const char *const crawler_agent = "ShopCrawler/2.1 (+https://crawler.example/bot)";

size_t shop_speech_hex(uint64_t id, char letter, char *out) {
    size_t size = 0;
    if (letter) {
        out[size++] = letter;
    }
    for (int shift = 60; shift >= 0; shift -= 4) {
        out[size++] = "0123456789abcdef"[id >> shift & 15];
    }
    return size;
}

static struct bytes id_text(uint64_t id, char letter, char *out) {
    return bytes_of(out, shop_speech_hex(id, letter, out));
}

static double price_of(const struct shop_click *click, const struct shop_line *line) {
    if (click->flags & CLICK_NO_PRICE) {
        return NAN;
    }
    double price = (double)line->price_cents / 100;
    return click->flags & CLICK_ABSURD_PRICE ? price * ABSURD_FACTOR : price;
}

static void put_lines(struct shop_speech *speech, const struct shop_click *click,
                      struct event *out) {
    if (click->type == EVENT_PRODUCTS_SEARCHED) {
        out->query = shop_catalogue_texts(speech->catalogue, click->lines[0].item)->category;
        return;
    }
    for (size_t i = 0; i < click->line_count; i++) {
        const struct shop_line *line = &click->lines[i];
        const struct shop_item_texts *texts = shop_catalogue_texts(speech->catalogue, line->item);
        speech->lines[i] = (struct event_line){.item_id = texts->id,
                                               .category = texts->category,
                                               .brand = texts->brand,
                                               .price = price_of(click, line),
                                               .quantity = line->quantity};
        if (click->flags & CLICK_NO_BRAND) {
            speech->lines[i].brand = bytes_of(NULL, 0);
        }
    }
    out->line_count = click->line_count;
    if (click->line_count > 0) {
        out->currency = bytes_of("EUR", 3);
    }
}

static void put_keys(struct shop_speech *speech, const struct shop_click *click,
                     struct event *out) {
    bool is_guest = click->flags & CLICK_GUEST;
    size_t size = is_guest ? shop_guest_key(speech->seed, click->user, click->session, speech->key)
                           : shop_user_key(click->user, speech->key);
    out->user_id = bytes_of(speech->key, size);
    if (click->type != EVENT_USER_IDENTIFIED) {
        return;
    }
    if (is_guest) {
        size = shop_user_key(click->user, speech->other_key);
        out->canonical_id = bytes_of(speech->other_key, size);
    } else {
        size = shop_guest_key(speech->seed, click->user, click->session, speech->other_key);
        out->guest_id = bytes_of(speech->other_key, size);
    }
}

static void put_ids(struct shop_speech *speech, const struct shop_click *click, struct event *out) {
    uint64_t user = (uint64_t)click->user;
    out->event_id = id_text(shop_click_id(speech->seed, click), '\0', speech->event_id);
    out->session_id = id_text(shop_draw_id(speech->seed, user, DRAW_SESSION_ID, click->session),
                              's', speech->session_id);
    if (click->type == EVENT_ORDER_COMPLETED || click->type == EVENT_ORDER_CANCELLED ||
        click->type == EVENT_ORDER_REFUNDED) {
        out->order_id = id_text(shop_draw_id(speech->seed, user, DRAW_ORDER_ID, click->session),
                                'o', speech->order_id);
    }
    if (click->coupon_size > 0) {
        memcpy(speech->coupon, click->coupon, click->coupon_size);
        out->coupon = bytes_of(speech->coupon, click->coupon_size);
    }
}

static void put_place(int place, int device, struct event *out) {
    out->timezone = bytes_of_text(shop_places[place].zone);
    out->locale = bytes_of_text(shop_places[place].locale);
    out->place = bytes_of_text(shop_places[place].code);
    out->device = bytes_of_text(shop_device_names[device]);
    out->user_agent = bytes_of_text(shop_device_agents[device]);
}

void shop_speech_click(struct shop_speech *speech, const struct shop_click *click,
                       struct event *out) {
    *out = (struct event){.type = (enum event_type)click->type,
                          .event_ms = click->event_ms,
                          .total = NAN,
                          .consent = (enum consent)click->consent,
                          .lines = speech->lines};
    put_keys(speech, click, out);
    put_ids(speech, click, out);
    put_place(click->place, click->device, out);
    put_lines(speech, click, out);
    if (click->total_cents >= 0) {
        out->total = (double)click->total_cents / 100;
        out->currency = bytes_of("EUR", 3);
    }
    if ((click->flags & CLICK_BOT) && click->user % 2 == 0) {
        out->user_agent = bytes_of_text(crawler_agent); /* the other half does not say so */
    }
}

void shop_speech_feedback(struct shop_speech *speech, const struct shop_said *said,
                          const struct shop_user *user, struct event *out) {
    const struct shop_push *push = &said->push;
    *out = (struct event){.type = said->type,
                          .event_ms = said->event_ms,
                          .total = NAN,
                          .consent = user->consent,
                          .lines = speech->lines};
    memcpy(speech->key, push->key, push->key_size);
    out->user_id = bytes_of(speech->key, push->key_size);
    out->event_id = id_text(hash_combine(push->id, (uint64_t)said->type), '\0', speech->event_id);
    hash128_format(push->decision_id, speech->decision_id);
    out->decision_id = bytes_of(speech->decision_id, 32);
    put_place(user->place, user->level[COVARIATE_DEVICE], out);
}
