/* The posterior of the truth rows against a second filter that reads the shop's messages and
 * nothing else: sessions, carts, orders and removals as they stand in the clickstream of the world
 * `exact`. It keeps whole histories and works in logarithms; what the two share are the world's
 * numbers, the calendar and p(z, arm, state). */
#include "producer/shop_calendar.h"
#include "producer/shop_outcome.h"
#include "producer/shop_user.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#define USERS     4000
#define DAYS      60
#define MINUTE_MS 60000

struct watched {
    double log_weight[SHOP_CLASSES];
    int64_t free_ms; /* from here on a session may begin */
    /* The session being watched. */
    char session[20];
    int64_t first_ms, last_ms, cart_ms;
    bool is_open, has_cart, has_checkout, is_paid, has_removed_first;
    /* The cart left last. */
    bool has_old, is_old_settled;
    enum shop_arm old_arm;
    struct shop_state old;
    char old_session[20];
};

struct watch {
    struct shop_world world;
    struct shop_calendar *calendar;
    struct watched *users;
    struct shop *shop;
    enum shop_policy policy;
    size_t decisions, settled;
    double worst;
};

static double rate_of(const struct watch *watch, int z) {
    return watch->world.types[z / SHOP_SENSITIVITIES].sessions_per_day;
}

static void begin(const struct watch *watch, int64_t index, struct watched *watched) {
    struct shop_user user;
    shop_user_make(&watch->world, 1, index, &user);
    watched->free_ms = SHOP_START_MS_DEFAULT;
    for (int z = 0; z < SHOP_CLASSES; z++) {
        int type = z / SHOP_SENSITIVITIES, sensitivity = z % SHOP_SENSITIVITIES;
        watched->log_weight[z] = log(watch->world.types[type].share) +
                                 log(watch->world.sensitivities[sensitivity].share);
        for (int i = 0; i < SHOP_COVARIATES; i++) {
            watched->log_weight[z] +=
                log(shop_user_level_p(&watch->world, type, sensitivity, i, user.level[i]));
        }
    }
}

static void settle(struct watch *watch, struct watched *watched, bool is_bought) {
    for (int z = 0; z < SHOP_CLASSES; z++) {
        double p = shop_outcome_p(&watch->world, z / SHOP_SENSITIVITIES, z % SHOP_SENSITIVITIES,
                                  watched->old_arm, &watched->old);
        watched->log_weight[z] += log(is_bought ? p : 1 - p);
    }
    watched->is_old_settled = true;
    watch->settled++;
}

/* The session is over: what it says. */
static void fold(struct watch *watch, int64_t index, struct watched *watched) {
    struct shop_user user;
    shop_user_make(&watch->world, 1, index, &user);
    if (!watched->is_open) {
        return;
    }
    if (watched->has_cart && watched->has_old && !watched->is_old_settled) {
        settle(watch, watched, !watched->has_removed_first);
    }
    double exposure =
        shop_calendar_exposure(watch->calendar, user.place, watched->free_ms, watched->first_ms);
    for (int z = 0; z < SHOP_CLASSES; z++) {
        const struct shop_type_world *type = &watch->world.types[z / SHOP_SENSITIVITIES];
        double *w = &watched->log_weight[z];
        *w += log(rate_of(watch, z)) - rate_of(watch, z) * exposure;
        *w += log(watched->has_cart ? type->cart : 1 - type->cart);
        if (watched->has_cart) {
            *w += log(watched->has_checkout ? type->checkout : 1 - type->checkout);
        }
        if (watched->has_checkout) {
            *w += log(watched->is_paid ? type->pay : 1 - type->pay);
        }
    }
    watched->free_ms = watched->last_ms + 30 * MINUTE_MS;
    if (watched->has_cart && watched->cart_ms + 60 * MINUTE_MS > watched->free_ms) {
        watched->free_ms = watched->cart_ms + 60 * MINUTE_MS;
    }
    watched->has_old = watched->has_old && !watched->has_cart;
    watched->is_open = false;
}

static void on_truth(void *context, const struct shop_truth *truth) {
    struct watch *watch = context;
    struct watched *watched = &watch->users[truth->user];
    assert_true(watched->is_open && watched->has_cart && !watched->is_paid);
    fold(watch, truth->user, watched);
    double highest = -INFINITY, sum = 0;
    for (int z = 0; z < SHOP_CLASSES; z++) {
        highest = fmax(highest, watched->log_weight[z]);
    }
    for (int z = 0; z < SHOP_CLASSES; z++) {
        sum += exp(watched->log_weight[z] - highest);
    }
    for (int z = 0; z < SHOP_CLASSES; z++) {
        double expected = exp(watched->log_weight[z] - highest) / sum;
        watch->worst = fmax(watch->worst, fabs(truth->posterior[z] - expected));
    }
    watched->has_old = true;
    watched->is_old_settled = false;
    watched->old_arm = truth->arm;
    watched->old = (struct shop_state){
        .cart_value = truth->cart_value,
        .drift = shop_calendar_drift(watch->calendar, truth->deadline_ms),
        .is_sale = shop_calendar_is_sale(watch->calendar, truth->deadline_ms),
        .is_second_half = shop_calendar_is_second_half(watch->calendar, truth->deadline_ms)};
    memcpy(watched->old_session, watched->session, sizeof watched->session);
    watch->decisions++;
}

static void hear(struct watch *watch, const struct event *event) {
    int64_t index = shop_key_user(1, event->user_id);
    struct watched *watched = &watch->users[index];
    bool is_old =
        watched->has_old && bytes_equal(event->session_id, bytes_of_text(watched->old_session));
    if (is_old || event->type == EVENT_COUPON_APPLIED) { /* an order after the session */
        if (is_old && event->type == EVENT_ORDER_COMPLETED && !watched->is_old_settled) {
            settle(watch, watched, true);
            watched->has_old = false; /* nothing is left to be thrown out */
        }
        return;
    }
    if (watched->is_open && !bytes_equal(event->session_id, bytes_of_text(watched->session))) {
        if (event->type == EVENT_ORDER_COMPLETED) {
            return; /* of a cart older than the last: settled already */
        }
        fold(watch, index, watched);
    }
    if (!watched->is_open) {
        if (event->type == EVENT_ORDER_COMPLETED) {
            return;
        }
        watched->is_open = true;
        watched->first_ms = event->event_ms;
        watched->has_cart = watched->has_checkout = watched->is_paid = false;
        watched->has_removed_first = false;
        memset(watched->session, 0, sizeof watched->session);
        memcpy(watched->session, event->session_id.data, event->session_id.size);
    }
    watched->last_ms = event->event_ms;
    watched->has_removed_first |= event->type == EVENT_PRODUCT_REMOVED && !watched->has_cart;
    if (event->type == EVENT_PRODUCT_ADDED || event->type == EVENT_PRODUCT_REMOVED) {
        watched->cart_ms = event->event_ms;
    }
    watched->has_cart |= event->type == EVENT_PRODUCT_ADDED;
    watched->has_checkout |= event->type == EVENT_CHECKOUT_STARTED;
    watched->is_paid |= event->type == EVENT_ORDER_COMPLETED;
}

static void check_policy(enum shop_policy policy) {
    struct watch watch = {.users = memory_new(USERS, sizeof *watch.users)};
    struct shop_options options = shop_options_default();
    options.world = "exact";
    options.users = USERS;
    options.days = DAYS;
    options.policy = policy;
    options.on_truth = on_truth;
    options.truth_context = &watch;
    assert_false(failed(shop_world_load("exact", stderr, &watch.world)));
    watch.calendar = shop_calendar_new(&watch.world, 1, SHOP_START_MS_DEFAULT, DAYS);
    for (int64_t i = 0; i < USERS; i++) {
        begin(&watch, i, &watch.users[i]);
    }
    assert_false(failed(shop_new(&options, stderr, &watch.shop)));
    struct shop_emission emission;
    while (shop_next(watch.shop, &emission)) {
        hear(&watch, &emission.event);
    }
    print_message("  %s: %zu decisions, %zu histories, off by %.2e at most\n",
                  shop_policy_names[policy], watch.decisions, watch.settled, watch.worst);
    assert_true(watch.decisions > 1000 && watch.settled > 250);
    assert_true(watch.worst < 2e-5); /* the shop keeps floats */
    shop_destroy(watch.shop);
    shop_calendar_destroy(watch.calendar);
    free(watch.users);
}

static void test_posterior_is_what_the_messages_say(void **state) {
    (void)state;
    check_policy(SHOP_POLICY_NONE);
    check_policy(SHOP_POLICY_BAYES);
    check_policy(SHOP_POLICY_RANDOM);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_posterior_is_what_the_messages_say)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
