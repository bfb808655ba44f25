/* What an observer of the shop makes of it: the users' beliefs, kept as things are seen. Nothing
 * here looks at a latent class but to say what is true of it. */
#include <string.h>

#include "producer/shop_engine.h"

static struct shop_belief *belief_of(struct shop *shop, int64_t index,
                                     const struct shop_user *user) {
    struct shop_belief *belief = &shop->beliefs[index];
    if (!belief->is_begun) {
        shop_belief_begin(&shop->world, user, shop->options.start_ms, belief);
    }
    return belief;
}

/* For whoever has not made the user already. */
static struct shop_belief *belief_at(struct shop *shop, int64_t index) {
    struct shop_user user;
    shop_user_make(&shop->world, shop->options.seed, index, &user);
    return belief_of(shop, index, &user);
}

static bool has_stock_on(const struct shop *shop, const struct shop_episode *episode, int day) {
    for (size_t i = 0; i < episode->cart.count; i++) {
        if (!shop_catalogue_has_stock(shop->catalogue, episode->cart.lines[i].item, day)) {
            return false;
        }
    }
    return true;
}

/* P(the cart is in stock at the time of its order): the delay's law over the days of the window. */
static double stock_of(const struct shop *shop, const struct shop_episode *episode) {
    enum shop_arm arm = episode->history.arm;
    double in_stock = 0, before = 0;
    if (shop->world.catalogue.out_of_stock <= 0) {
        return 1;
    }
    int day = shop_calendar_day(shop->calendar, episode->deadline_ms);
    for (; before < 1; day++) {
        int64_t age_ms = shop->options.start_ms + (day + 1) * DAY_MS - episode->deadline_ms;
        double by = shop_outcome_delay_cdf(&shop->world, arm, (double)age_ms);
        in_stock += has_stock_on(shop, episode, day) ? by - before : 0;
        before = by;
    }
    return in_stock;
}

static void learn_outcome(struct shop *shop, struct shop_episode *episode, enum shop_sight sight,
                          struct shop_belief *belief) {
    if (!episode->is_decided || episode->is_learned) {
        return;
    }
    episode->history.in_stock = sight == SIGHT_NEVER ? stock_of(shop, episode) : 1;
    double age_ms = (double)(shop->now_ms - episode->deadline_ms);
    shop_belief_outcome(&shop->world, &episode->history, sight, age_ms, belief);
    episode->is_learned = true;
}

void shop_learn_session(struct shop *shop, int64_t index, const struct shop_user *user,
                        const struct shop_session *session, const struct shop_past *past) {
    struct shop_belief *belief = belief_of(shop, index, user);
    int64_t start_ms = session->clicks[0].event_ms;
    shop_belief_arrival(
        &shop->world,
        shop_calendar_exposure(shop->calendar, user->place, belief->since_ms, start_ms), belief);
    struct shop_episode *old = shop_episode_latest(shop, index);
    if (old && session->has_cart) {
        enum shop_sight sight = old->is_bought ? SIGHT_KEPT : SIGHT_NEVER; /* thrown out */
        learn_outcome(shop, old, sight, belief);
    }
    if (!past->skips_cart) {
        struct shop_funnel seen = {.has_cart = session->has_cart,
                                   .has_checkout = session->has_checkout,
                                   .is_paid = session->is_paid,
                                   .pay_factor = past->pay_factor};
        shop_belief_funnel(&shop->world, &seen, belief);
    }
    belief->since_ms = shop_session_free_ms(session);
}

void shop_learn_order(struct shop *shop, struct shop_episode *episode) {
    learn_outcome(shop, episode, SIGHT_ORDER, belief_at(shop, episode->user));
}

/* ---- pushes ---- */

static struct shop_pushed *pushed_of(struct shop *shop, int64_t user) {
    uint32_t held = shop->shoppers[user].pushed;
    return held ? &shop->pushed[held - 1] : NULL;
}

static void keep_silence(const struct shop *shop, const struct shop_pushed *pushed,
                         struct shop_belief *belief) {
    double age_ms = (double)(shop->now_ms - pushed->awaited_ms);
    shop_belief_silence(&shop->world, shop_feedback_reacted_by(age_ms), belief);
}

/* One push is awaited at a time: the one before it is settled as it stands. */
void shop_learn_delivered(struct shop *shop, int64_t user, uint64_t push) {
    struct shop_pushed *pushed = pushed_of(shop, user);
    if (pushed->awaited) {
        keep_silence(shop, pushed, belief_at(shop, user));
    }
    pushed->awaited = push;
    pushed->awaited_ms = shop->now_ms;
}

void shop_learn_reaction(struct shop *shop, const struct shop_said *said) {
    struct shop_pushed *pushed = pushed_of(shop, said->push.user);
    if (said->type == EVENT_PUSH_DELIVERED || pushed->awaited != said->push.id) {
        return;
    }
    pushed->awaited = 0;
    if (said->type == EVENT_PUSH_DISMISSED) {
        shop_belief_dismissed(&shop->world, belief_at(shop, said->push.user));
    }
}

/* ---- the decision ---- */

void shop_learn_judge(struct shop *shop, const struct shop_episode *episode,
                      const struct shop_user *user, struct shop_truth *truth) {
    struct shop_belief belief = *belief_of(shop, episode->user, user);
    struct shop_pushed *pushed = pushed_of(shop, episode->user);
    if (pushed && pushed->awaited) {
        keep_silence(shop, pushed, &belief);
    }
    for (int z = 0; z < SHOP_CLASSES; z++) {
        truth->posterior[z] = (double)belief.weights[z];
    }
    for (int i = 0; i < SHOP_ARM_COUNT; i++) {
        enum shop_arm arm = (enum shop_arm)i;
        truth->bayes_p[i] = 0;
        for (int z = 0; z < SHOP_CLASSES; z++) {
            double p = shop_outcome_p(&shop->world, z / SHOP_SENSITIVITIES, z % SHOP_SENSITIVITIES,
                                      arm, &episode->history.state);
            truth->bayes_p[i] += truth->posterior[z] * p;
            truth->p[i] = z == shop_user_z(user) ? p : truth->p[i];
        }
        /* The value is linear in p. */
        double cart_value = episode->history.state.cart_value;
        truth->bayes_value[i] =
            shop_outcome_value(&shop->world, arm, truth->bayes_p[i], cart_value);
        truth->value[i] = shop_outcome_value(&shop->world, arm, truth->p[i], cart_value);
    }
    truth->a_bayes = shop_policy_best(truth->bayes_value);
    truth->a_oracle = shop_policy_best(truth->value);
}
