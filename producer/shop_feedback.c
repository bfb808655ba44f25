/* What a push does: it reaches its user or not, tires, moves or disturbs, is opened or dismissed,
 * and says so. */
#include <math.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "producer/shop_engine.h"

#define FATIGUE_HALF_LIFE_MS (7.0 * 86400000.0)
#define COUPON_MEMORY_MS     (30 * DAY_MS)
#define DELIVERED_MS         3000.0 /* at most, until the sender hears of it */
#define OPENED_MEDIAN_MS     300000.0
#define OPENED_S             1.0

/* ---- what a user remembers ---- */

static const struct shop_pushed *pushed_of(const struct shop *shop, int64_t user) {
    uint32_t held = shop->shoppers[user].pushed;
    return held ? &shop->pushed[held - 1] : NULL;
}

static struct shop_pushed *pushed_made(struct shop *shop, int64_t user) {
    uint32_t held = shop->shoppers[user].pushed;
    if (held) {
        return &shop->pushed[held - 1];
    }
    if (shop->pushed_count == shop->pushed_capacity) {
        shop->pushed_capacity = shop->pushed_capacity ? 2 * shop->pushed_capacity : 64;
        shop->pushed = memory_grow(shop->pushed, shop->pushed_capacity, sizeof *shop->pushed);
    }
    struct shop_pushed *made = &shop->pushed[shop->pushed_count++];
    *made = (struct shop_pushed){.fatigue_ms = shop->now_ms};
    for (int i = 0; i < SHOP_COUPONS_MAX; i++) {
        made->coupons_ms[i] = INT64_MIN;
    }
    shop->shoppers[user].pushed = (uint32_t)shop->pushed_count;
    return made;
}

double shop_feedback_fatigue(const struct shop *shop, int64_t user, int64_t at_ms) {
    const struct shop_pushed *pushed = pushed_of(shop, user);
    if (!pushed) {
        return 0;
    }
    return pushed->fatigue * exp2(-(double)(at_ms - pushed->fatigue_ms) / FATIGUE_HALF_LIFE_MS);
}

int shop_feedback_coupons(const struct shop *shop, int64_t user, int64_t at_ms) {
    const struct shop_pushed *pushed = pushed_of(shop, user);
    int count = 0;
    for (int i = 0; pushed && i < SHOP_COUPONS_MAX; i++) {
        int64_t coupon_ms = pushed->coupons_ms[i];
        count += coupon_ms != INT64_MIN && at_ms - coupon_ms < COUPON_MEMORY_MS;
    }
    return count;
}

void shop_feedback_coupon_used(struct shop *shop, int64_t user, uint32_t session) {
    double u = shop_draw_unit(shop->options.seed, (uint64_t)user, DRAW_PULL_FORWARD, session);
    if (u < shop->world.outcome.pull_forward) {
        pushed_made(shop, user)->skips_cart = true;
    }
}

bool shop_feedback_skips_cart(const struct shop *shop, int64_t user) {
    const struct shop_pushed *pushed = pushed_of(shop, user);
    return pushed && pushed->skips_cart;
}

void shop_feedback_cart_skipped(struct shop *shop, int64_t user) {
    pushed_made(shop, user)->skips_cart = false;
}

/* ---- a record of promotion-pushes ---- */

/* The nearest of the shop's arms: amounts off by their share of the cart. */
static enum shop_arm arm_of(const struct push_row *push, double cart_value, double *out_discount) {
    double percent = 0;
    *out_discount = 0;
    if (bytes_equal(push->offer_kind, bytes_of_text("free_shipping"))) {
        return SHOP_SHIP;
    }
    if (bytes_equal(push->offer_kind, bytes_of_text("percent_off"))) {
        percent = push->offer_value;
    } else if (bytes_equal(push->offer_kind, bytes_of_text("amount_off")) && cart_value > 0) {
        percent = 100 * push->offer_value / cart_value;
    }
    if (!(percent > 0)) { /* a reminder, or an offer of nothing */
        return SHOP_REMIND;
    }
    percent = percent < 100 ? percent : 100;
    *out_discount = percent / 100;
    return percent < 15 ? SHOP_10 : SHOP_20;
}

static bool is_seen(struct shop_pushed *pushed, uint64_t id) {
    for (int i = 0; i < SHOP_PUSHES_SEEN; i++) {
        if (pushed->seen[i] == id) {
            return true;
        }
    }
    pushed->seen[pushed->seen_next] = id;
    pushed->seen_next = (uint8_t)((pushed->seen_next + 1) % SHOP_PUSHES_SEEN);
    return false;
}

static bool take_pending(struct shop *shop, uint64_t id) {
    for (size_t i = 0; i < shop->pending_count; i++) {
        if (shop->pending[i] == id) {
            shop->pending[i] = shop->pending[--shop->pending_count];
            return true;
        }
    }
    return false;
}

static void add_pending(struct shop *shop, uint64_t id) {
    if (shop->pending_count == shop->pending_capacity) {
        shop->pending_capacity = shop->pending_capacity ? 2 * shop->pending_capacity : 64;
        shop->pending = memory_grow(shop->pending, shop->pending_capacity, sizeof *shop->pending);
    }
    shop->pending[shop->pending_count++] = id;
}

static void fill_push(struct shop *shop, const struct push_row *row, int64_t user,
                      struct shop_push *out) {
    struct shop_episode *episode = shop_episode_latest(shop, user);
    double cart_value = episode ? (double)shop_cart_cents(&episode->cart) / 100 : 0;
    struct bytes code = row->coupon_code.size > 0 ? row->coupon_code : row->offer_id;
    enum shop_arm arm = arm_of(row, cart_value, &out->discount);
    out->decision_id = row->decision_id;
    out->user = user;
    out->expires_ms = row->expires_ms;
    out->arm = (uint8_t)arm;
    out->is_about_cart = row->trigger != TRIGGER_BROWSE_ABANDONED;
    out->key_size = (uint8_t)row->user_id.size; /* one of ours: shop_key_user has checked it */
    memcpy(out->key, row->user_id.data, row->user_id.size);
    size_t size = code.size < SHOP_COUPON_BYTES ? code.size : SHOP_COUPON_BYTES;
    out->coupon_size = shop_arm_is_coupon(arm) ? (uint8_t)size : 0;
    memcpy(out->coupon, code.data ? code.data : (const uint8_t *)"", code.data ? size : 0);
}

void shop_feedback(struct shop *shop, const struct push_row *push, int64_t arrival_ms,
                   int32_t partition) {
    struct shop_push_counts *counts = &shop->report.pushes;
    uint64_t id = hash64(push->push_id, 0) | 1; /* 0 is an empty place of the ring */
    if (push->kind == PUSH_REVOKED) {
        counts->revocations++;
        counts->revoked += take_pending(shop, id);
        return;
    }
    counts->read++;
    int64_t user = shop_key_user(shop->options.seed, push->user_id);
    if (user < 0 || user >= shop->options.users) {
        counts->unknown++;
        return;
    }
    if (is_seen(pushed_made(shop, user), id)) {
        counts->repeated++;
        return;
    }
    int64_t at_ms = arrival_ms > shop->now_ms ? arrival_ms : shop->now_ms;
    at_ms = push->not_before_ms > at_ms ? push->not_before_ms : at_ms;
    add_pending(shop, id);
    struct shop_plan *plan = shop_queue_add(shop->queue, at_ms, PLAN_PUSH);
    fill_push(shop, push, user, &plan->push);
    plan->push.id = id;
    plan->push.partition = partition;
}

/* ---- at the user ---- */

static void say(struct shop *shop, const struct shop_push *push, enum event_type type,
                double after_ms) {
    int64_t at_ms = shop->now_ms + (int64_t)after_ms;
    struct shop_plan *plan = shop_queue_add(shop->queue, at_ms, PLAN_FEEDBACK);
    plan->said = (struct shop_said){.type = type, .event_ms = at_ms, .push = *push};
}

static void keep_coupon(struct shop_episode *episode, const struct shop_push *push) {
    if (push->coupon_size > 0) {
        episode->coupon_size = push->coupon_size;
        memcpy(episode->coupon, push->coupon, push->coupon_size);
        episode->discount = push->discount;
        episode->coupon_expires_ms = push->expires_ms;
    }
}

static void move(struct shop *shop, const struct shop_push *push) {
    struct shop_episode *episode = shop_episode_latest(shop, push->user);
    if (!push->is_about_cart || !episode || shop->now_ms >= episode->deadline_ms + SHOP_WINDOW_MS) {
        return;
    }
    enum shop_arm arm = (enum shop_arm)push->arm;
    bool brought_order = false;
    shop_episode_freeze(shop, episode);
    if (episode->is_decided) {
        brought_order = shop_episode_push(shop, episode, arm, shop->now_ms);
        shop->report.pushes.brought_order += brought_order;
    } else {
        episode->arm = (uint8_t)arm;
        shop->report.pushes.before_decision++;
    }
    keep_coupon(episode, push);
    shop_truth_write_delivery(&shop->truth, shop_episode_id(shop, episode), push->decision_id,
                              shop->now_ms, arm, brought_order);
}

double shop_feedback_reacted_by(double age_ms) {
    double later_ms = age_ms - DELIVERED_MS;
    if (later_ms <= 0) {
        return 0;
    }
    return 0.5 * erfc(-log(later_ms / OPENED_MEDIAN_MS) / (OPENED_S * 1.4142135623730951));
}

static void remember(struct shop *shop, const struct shop_push *push) {
    double fatigue = shop_feedback_fatigue(shop, push->user, shop->now_ms);
    struct shop_pushed *pushed = pushed_made(shop, push->user);
    pushed->fatigue = fatigue + 1;
    pushed->fatigue_ms = shop->now_ms;
    if (shop_arm_is_coupon((enum shop_arm)push->arm)) {
        pushed->coupons_ms[pushed->coupons_next] = shop->now_ms;
        pushed->coupons_next = (uint8_t)((pushed->coupons_next + 1) % SHOP_COUPONS_MAX);
    }
}

void shop_feedback_send(struct shop *shop, struct shop_episode *episode, enum shop_arm arm) {
    static const char *const codes[SHOP_ARM_COUNT] = {"", "", "SHIPFREE", "TAKE10", "TAKE20"};
    struct shop_push push = {.user = episode->user,
                             .expires_ms = episode->deadline_ms + SHOP_WINDOW_MS,
                             .arm = (uint8_t)arm,
                             .discount = shop_arm_discount(arm)};
    push.coupon_size = (uint8_t)strlen(codes[arm]);
    memcpy(push.coupon, codes[arm], push.coupon_size);
    episode->arm = (uint8_t)arm;
    keep_coupon(episode, &push);
    remember(shop, &push);
}

void shop_feedback_deliver(struct shop *shop, const struct shop_push *push, int64_t at_ms) {
    const struct shop_feedback_world *world = &shop->world.feedback;
    struct shop_push_counts *counts = &shop->report.pushes;
    if (!take_pending(shop, push->id)) {
        return; /* revoked */
    }
    if (at_ms >= push->expires_ms) {
        counts->expired++;
        return;
    }
    struct rng rng = shop_draw(shop->options.seed, (uint64_t)push->user, DRAW_PUSH, push->id);
    double arrives = rng_unit(&rng), reacts = rng_unit(&rng);
    if (arrives >= world->delivered) {
        counts->undelivered++;
        return;
    }
    struct shop_user user;
    shop_user_make(&shop->world, shop->options.seed, push->user, &user);
    counts->delivered++;
    move(shop, push);
    remember(shop, push);
    shop_learn_delivered(shop, push->user, push->id);
    double dismissed = user.type == TYPE_DISTURB ? world->dismissed_disturb : world->dismissed;
    say(shop, push, EVENT_PUSH_DELIVERED, rng_unit(&rng) * DELIVERED_MS);
    double later_ms = DELIVERED_MS + rng_lognormal(&rng, OPENED_MEDIAN_MS, OPENED_S);
    if (reacts < world->opened) {
        counts->opened++;
        say(shop, push, EVENT_PUSH_OPENED, later_ms);
    } else if (reacts < world->opened + dismissed) {
        counts->dismissed++;
        say(shop, push, EVENT_PUSH_DISMISSED, later_ms);
    }
}
