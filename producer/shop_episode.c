/* What becomes of a cart that was left. */
#include <assert.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "producer/shop_engine.h"

static uint32_t take_slot(struct shop *shop) {
    if (shop->free_episode) {
        uint32_t index = shop->free_episode - 1;
        shop->free_episode = shop->episodes[index].next_free;
        return index;
    }
    if (shop->episode_count == shop->episode_capacity) {
        shop->episode_capacity = shop->episode_capacity ? 2 * shop->episode_capacity : 64;
        shop->episodes =
            memory_grow(shop->episodes, shop->episode_capacity, sizeof *shop->episodes);
    }
    return (uint32_t)shop->episode_count++;
}

static void release(struct shop *shop, uint32_t index) {
    struct shop_episode *episode = &shop->episodes[index];
    assert(episode->holders > 0);
    if (--episode->holders == 0) {
        episode->next_free = shop->free_episode;
        shop->free_episode = index + 1;
    }
}

static void plan(struct shop *shop, uint32_t index, int64_t at_ms, enum shop_plan_kind kind) {
    shop_queue_add(shop->queue, at_ms, kind)->episode = index;
    shop->episodes[index].holders++;
}

void shop_episodes_clean_up(struct shop *shop) {
    free(shop->episodes);
    shop->episodes = NULL;
}

void shop_episode_open(struct shop *shop, int64_t user, const struct shop_session *session) {
    shop_episode_forget(shop, user);
    uint32_t index = take_slot(shop);
    struct shop_episode *episode = &shop->episodes[index];
    *episode = (struct shop_episode){.user = user,
                                     .deadline_ms = session->deadline_ms,
                                     .session = session->clicks[0].session,
                                     .anchor_seq = session->anchor_seq,
                                     .holders = 1,
                                     .cart = session->cart};
    shop->shoppers[user].episode = index + 1;
    plan(shop, index, episode->deadline_ms, PLAN_DECISION);
}

struct shop_episode *shop_episode_latest(struct shop *shop, int64_t user) {
    uint32_t held = shop->shoppers[user].episode;
    return held ? &shop->episodes[held - 1] : NULL;
}

void shop_episode_forget(struct shop *shop, int64_t user) {
    uint32_t held = shop->shoppers[user].episode;
    if (held) {
        shop->shoppers[user].episode = 0;
        release(shop, held - 1);
    }
}

void shop_episode_freeze(struct shop *shop, struct shop_episode *episode) {
    if (!episode->is_frozen) {
        int64_t at_ms = shop->now_ms < episode->deadline_ms ? shop->now_ms : episode->deadline_ms;
        episode->fatigue = shop_feedback_fatigue(shop, episode->user, at_ms);
        episode->coupons_30d = shop_feedback_coupons(shop, episode->user, at_ms);
        episode->is_frozen = true;
    }
}

struct hash128 shop_episode_id(const struct shop *shop, const struct shop_episode *episode) {
    uint64_t seed = shop->options.seed;
    uint64_t words[3] = {
        shop_draw_id(seed, (uint64_t)episode->user, DRAW_SESSION_ID, episode->session),
        episode->anchor_seq, (uint64_t)episode->deadline_ms};
    return hash128(bytes_of(words, sizeof words), seed);
}

static double delay_of(const struct shop *shop, const struct shop_episode *episode,
                       enum shop_arm arm) {
    struct rng rng =
        shop_draw(shop->options.seed, (uint64_t)episode->user, DRAW_DELAY, episode->session);
    return shop_outcome_delay_ms(&shop->world, rng, arm);
}

static bool has_stock(const struct shop *shop, const struct shop_episode *episode, int64_t at_ms) {
    int day = shop_calendar_day(shop->calendar, at_ms);
    for (size_t i = 0; i < episode->cart.count; i++) {
        if (!shop_catalogue_has_stock(shop->catalogue, episode->cart.lines[i].item, day)) {
            return false;
        }
    }
    return true;
}

static void buy(struct shop *shop, uint32_t index, int64_t at_ms) {
    struct shop_episode *episode = &shop->episodes[index];
    episode->is_bought = true;
    shop_report_order(&shop->report, (double)shop_cart_cents(&episode->cart) / 100);
    plan(shop, index, at_ms, PLAN_ORDER);
}

static void tell(struct shop *shop, const struct shop_user *user,
                 const struct shop_episode *episode, struct shop_truth *truth) {
    char key[SHOP_KEY_BYTES], session[17], anchor[16];
    uint64_t seed = shop->options.seed;
    struct shop_click last = {
        .user = episode->user, .session = episode->session, .seq = episode->anchor_seq};
    truth->decision_id = shop_episode_id(shop, episode);
    truth->user = episode->user;
    truth->user_id = bytes_of(key, shop_user_key(episode->user, key));
    uint64_t id = shop_draw_id(seed, (uint64_t)episode->user, DRAW_SESSION_ID, episode->session);
    truth->session_id = bytes_of(session, shop_speech_hex(id, 's', session));
    truth->anchor_event_id =
        bytes_of(anchor, shop_speech_hex(shop_click_id(seed, &last), '\0', anchor));
    truth->deadline_ms = episode->deadline_ms;
    truth->z = shop_user_z(user);
    shop_report_decision(&shop->report, truth);
    shop_truth_write(&shop->truth, truth);
    if (shop->options.on_truth) {
        shop->options.on_truth(shop->options.truth_context, truth);
    }
}

/* The policy in force, if there is one. */
static void obey(struct shop *shop, struct shop_episode *episode, const struct shop_truth *truth) {
    enum shop_policy policy = shop->options.policy;
    if (policy != SHOP_POLICY_NONE) {
        double u = shop_draw_unit(shop->options.seed, (uint64_t)episode->user, DRAW_POLICY,
                                  episode->session);
        enum shop_arm arm = shop_policy_arm(policy, truth, u);
        if (arm != SHOP_NONE) {
            shop_feedback_send(shop, episode, arm);
        }
    }
}

void shop_episode_decide(struct shop *shop, uint32_t index) {
    struct shop_episode *episode = &shop->episodes[index];
    struct shop_user user;
    shop_user_make(&shop->world, shop->options.seed, episode->user, &user);
    shop_episode_freeze(shop, episode);
    int64_t at_ms = episode->deadline_ms;
    struct shop_state state = {
        .cart_value = (double)shop_cart_cents(&episode->cart) / 100,
        .fatigue = episode->fatigue,
        .coupons_30d = episode->coupons_30d,
        .drift = shop_calendar_drift(shop->calendar, at_ms),
        .is_sale = shop_calendar_is_sale(shop->calendar, at_ms),
        .is_second_half = shop_calendar_is_second_half(shop->calendar, at_ms),
    };
    struct shop_truth truth = {
        .cart_value = state.cart_value, .fatigue = state.fatigue, .coupons_30d = state.coupons_30d};
    episode->history = (struct shop_history){.state = state};
    shop_learn_judge(shop, episode, &user, &truth);
    obey(shop, episode, &truth);
    truth.arm = (enum shop_arm)episode->arm;
    memcpy(episode->p, truth.p, sizeof episode->p);
    episode->u =
        shop_draw_unit(shop->options.seed, (uint64_t)episode->user, DRAW_OUTCOME, episode->session);
    episode->p_now = episode->p[episode->arm];
    episode->is_decided = true;
    episode->history.arm = truth.arm;
    truth.u = episode->u;
    truth.delay_ms = delay_of(shop, episode, truth.arm);
    int64_t order_ms = at_ms + (int64_t)truth.delay_ms;
    truth.has_stock = has_stock(shop, episode, order_ms);
    truth.is_bought = episode->u < episode->p_now && truth.has_stock;
    tell(shop, &user, episode, &truth);
    if (truth.is_bought) {
        buy(shop, index, order_ms);
    }
    release(shop, index);
}

bool shop_episode_push(struct shop *shop, struct shop_episode *episode, enum shop_arm arm,
                       int64_t at_ms) {
    struct shop_history *history = &episode->history;
    if (history->late_count < SHOP_LATE_MAX) {
        history->late[history->late_count++] =
            (struct shop_late_push){(double)(at_ms - episode->deadline_ms), arm};
    }
    if (episode->p[arm] <= episode->p_now) {
        return false;
    }
    episode->p_now = episode->p[arm];
    episode->arm = (uint8_t)arm;
    if (episode->is_bought || episode->u >= episode->p_now) {
        return false;
    }
    /* The delay runs from the push, and the order still falls into the decision's window. */
    int64_t last_ms = episode->deadline_ms + SHOP_WINDOW_MS - 1;
    int64_t order_ms = at_ms + (int64_t)delay_of(shop, episode, arm);
    order_ms = order_ms < last_ms ? order_ms : last_ms;
    if (order_ms < at_ms || !has_stock(shop, episode, order_ms)) {
        return false;
    }
    buy(shop, (uint32_t)(episode - shop->episodes), order_ms);
    return true;
}

static void say_order(struct shop *shop, const struct shop_episode *episode) {
    struct shop_user user;
    shop_user_make(&shop->world, shop->options.seed, episode->user, &user);
    int64_t cents = shop_cart_cents(&episode->cart);
    struct shop_click click = {.event_ms = shop->now_ms,
                               .user = episode->user,
                               .session = episode->session,
                               .seq = SEQ_LATE_COUPON,
                               .total_cents = -1,
                               .type = EVENT_COUPON_APPLIED,
                               .place = (uint8_t)user.place,
                               .consent = (uint8_t)user.consent,
                               .device = (uint8_t)user.level[COVARIATE_DEVICE]};
    shop_click_set_lines(&click, episode->cart.lines, episode->cart.count);
    if (episode->coupon_size > 0 && shop->now_ms <= episode->coupon_expires_ms) {
        shop_click_set_coupon(&click, episode->coupon, episode->coupon_size);
        cents -= (int64_t)((double)cents * episode->discount);
        struct shop_click applied;
        shop_click_copy(&applied, &click);
        shop_nuisance_send_later(&shop->nuisance, &applied);
        shop_feedback_coupon_used(shop, episode->user, episode->session);
    }
    click.type = EVENT_ORDER_COMPLETED;
    click.seq = SEQ_LATE_ORDER;
    click.total_cents = cents;
    shop_nuisance_send_later(&shop->nuisance, &click);
}

void shop_episode_order(struct shop *shop, uint32_t index) {
    struct shop_episode *episode = &shop->episodes[index];
    shop_learn_order(shop, episode);
    say_order(shop, episode);
    if (shop->shoppers[episode->user].episode == index + 1) {
        shop_episode_forget(shop, episode->user); /* nothing is left to be thrown out */
    }
    release(shop, index);
}
