#include "producer/shop_session.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
/* cmocka needs the above */
#include <cmocka.h>

#define DAYS 30

static struct shop_world world;
static struct shop_tastes tastes;
static struct shop_scene scene;
static struct shop_session session; /* large */

static int set_up(void **state) {
    (void)state;
    if (failed(shop_world_load("base", stderr, &world))) {
        return -1;
    }
    shop_tastes_init(&tastes, &world, 1);
    scene =
        (struct shop_scene){.world = &world,
                            .calendar = shop_calendar_new(&world, 1, SHOP_START_MS_DEFAULT, DAYS),
                            .catalogue = shop_catalogue_new(&world, 1, DAYS),
                            .tastes = &tastes,
                            .seed = 1};
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    shop_calendar_destroy((struct shop_calendar *)(uintptr_t)scene.calendar);
    shop_catalogue_destroy((struct shop_catalogue *)(uintptr_t)scene.catalogue);
    shop_tastes_clean_up(&tastes);
    return 0;
}

static void make(int64_t index, const struct shop_past *past) {
    struct shop_user user;
    shop_user_make(&world, scene.seed, index, &user);
    shop_session_make(&scene, &user, index, 3, SHOP_START_MS_DEFAULT + 12 * HOUR_MS, past,
                      &session);
}

/* What the messages themselves say is in the cart. */
static void replay(struct shop_cart *cart, size_t *out_views) {
    cart->count = 0;
    *out_views = 0;
    for (size_t i = 0; i < session.count; i++) {
        const struct shop_click *click = &session.clicks[i];
        *out_views += click->type == EVENT_PRODUCT_VIEWED;
        if (click->type == EVENT_PRODUCT_ADDED) {
            assert_true(cart->count < SHOP_CART_LINES_MAX);
            cart->lines[cart->count++] = click->lines[0];
        } else if (click->type == EVENT_PRODUCT_REMOVED) {
            size_t at = 0;
            while (at < cart->count && cart->lines[at].item != click->lines[0].item) {
                at++;
            }
            assert_true(at < cart->count);
            memmove(&cart->lines[at], &cart->lines[at + 1],
                    (cart->count - at - 1) * sizeof cart->lines[0]);
            cart->count--;
        }
    }
}

static void check_session(void) {
    struct shop_cart cart;
    size_t views;
    replay(&cart, &views);
    assert_int_equal(views, session.views);
    assert_int_equal(cart.count, session.has_cart ? session.cart.count : 0);
    assert_memory_equal(cart.lines, session.cart.lines, cart.count * sizeof cart.lines[0]);
    for (size_t i = 1; i < session.count; i++) {
        int64_t dwell_ms = session.clicks[i].event_ms - session.clicks[i - 1].event_ms;
        assert_in_range(dwell_ms, 1000, 290000);
        assert_int_equal(session.clicks[i].seq, i);
    }
    const struct shop_click *last = &session.clicks[session.count - 1];
    assert_int_equal(session.end_ms, last->event_ms);
    assert_int_equal(session.is_paid, last->type == EVENT_ORDER_COMPLETED);
    if (session.has_cart) {
        const struct shop_click *anchor = &session.clicks[session.anchor_seq];
        assert_int_equal(anchor->type, EVENT_PRODUCT_ADDED);
        assert_true(anchor->event_ms <= session.cart_ms && session.cart_ms <= session.end_ms);
        assert_true(session.end_ms <
                    session.cart_ms + 20 * 60000); /* all is over before any idle trigger */
        assert_int_equal(session.deadline_ms, session.cart_ms + 60 * 60000);
        assert_true(shop_session_free_ms(&session) >= session.deadline_ms);
        assert_int_equal(last->type == EVENT_CART_VIEWED, !session.has_checkout);
    }
}

static void test_a_session_hangs_together(void **state) {
    (void)state;
    struct shop_past past = {.pay_factor = 1};
    int carts = 0, paid = 0;
    for (int64_t i = 0; i < 20000; i++) {
        make(i, &past);
        check_session();
        carts += session.has_cart;
        paid += session.is_paid;
    }
    assert_true(carts > 1000 && paid > 100);
}

/* The old cart is thrown out before anything new goes in; the rest of the session is as without it.
 */
static void test_old_cart_goes_first(void **state) {
    (void)state;
    struct shop_past empty = {.pay_factor = 1}, past = empty;
    past.old_cart = (struct shop_cart){.count = 2, .lines = {{1, 100, 1}, {2, 200, 2}}};
    int seen = 0;
    for (int64_t i = 0; i < 300; i++) {
        make(i, &empty);
        bool has_cart = session.has_cart;
        struct shop_cart cart = session.cart;
        make(i, &past);
        assert_int_equal(session.has_cart, has_cart);
        size_t at = 0;
        while (at < session.count && session.clicks[at].type != EVENT_PRODUCT_REMOVED) {
            at++;
        }
        if (!has_cart) {
            assert_int_equal(at, session.count);
            continue;
        }
        seen++;
        assert_memory_equal(&session.cart.lines, &cart.lines, cart.count * sizeof cart.lines[0]);
        for (size_t i_old = 0; i_old < 2; i_old++) {
            assert_int_equal(session.clicks[at + i_old].type, EVENT_PRODUCT_REMOVED);
            assert_true(session.clicks[at + i_old].flags & CLICK_OF_OLD_CART);
            assert_int_equal(session.clicks[at + i_old].lines[0].item, 1 + i_old);
        }
        assert_true(session.anchor_seq > at + 1);
    }
    assert_true(seen > 10);
}

static void test_the_past_counts(void **state) {
    (void)state;
    struct shop_past free_of_it = {.pay_factor = 1}, waits = {.pay_factor = 0};
    struct shop_past skips = {.pay_factor = 1, .skips_cart = true};
    int skipped = 0, not_paid = 0;
    for (int64_t i = 0; i < 2000; i++) {
        make(i, &free_of_it);
        bool has_cart = session.has_cart, is_paid = session.is_paid;
        make(i, &skips);
        assert_false(session.has_cart);
        assert_int_equal(session.is_cart_skipped, has_cart);
        skipped += has_cart;
        make(i, &waits);
        assert_int_equal(session.has_cart, has_cart);
        assert_false(session.is_paid);
        not_paid += is_paid;
    }
    assert_true(skipped > 50 && not_paid > 10);
}

static void test_cart_values(void **state) {
    (void)state;
    struct shop_past past = {.pay_factor = 1};
    double sum = 0, squares = 0, lines = 0;
    int count = 0;
    for (int64_t i = 0; i < 60000; i++) {
        make(i, &past);
        if (session.has_cart) {
            double ln = log((double)shop_cart_cents(&session.cart) / 100);
            sum += ln;
            squares += ln * ln;
            lines += (double)session.cart.count;
            count++;
        }
    }
    double mean = sum / count, s = sqrt(squares / count - mean * mean);
    assert_true(count > 4000);
    assert_true(fabs(mean - 3.9) < 4 * .75 / sqrt(count));
    assert_true(fabs(s - .75) < 4 * .75 / sqrt(2.0 * count));
    assert_true(fabs(lines / count - (1 + .3 / .7)) < 0.05);
}

/* Arrivals of one user in the mean of many: the day's rate, times the calendar's factors. */
static void test_arrivals(void **state) {
    (void)state;
    double expected = 0, found = 0;
    for (int64_t index = 0; index < 3000; index++) {
        struct shop_user user;
        shop_user_make(&world, scene.seed, index, &user);
        for (int64_t ms = 0; ms < DAYS * DAY_MS; ms += HOUR_MS / 2) {
            expected +=
                world.types[user.type].sessions_per_day / 48 *
                shop_calendar_factor(scene.calendar, user.place, SHOP_START_MS_DEFAULT + ms);
        }
        int64_t at_ms = SHOP_START_MS_DEFAULT;
        for (uint32_t number = 0;; number++, found++) {
            int64_t next_ms = shop_session_arrival(&scene, &user, index, number, at_ms);
            if (next_ms == SHOP_NEVER) {
                break;
            }
            assert_true(next_ms >= at_ms && next_ms < SHOP_START_MS_DEFAULT + DAYS * DAY_MS);
            at_ms = next_ms;
        }
    }
    assert_true(fabs(found - expected) < 4 * sqrt(expected));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_session_hangs_together),
        cmocka_unit_test(test_old_cart_goes_first),
        cmocka_unit_test(test_the_past_counts),
        cmocka_unit_test(test_cart_values),
        cmocka_unit_test(test_arrivals),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
