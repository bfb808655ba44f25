#include "producer/shop_nuisance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "producer/shop_bot.h"

static struct shop_world world;
static struct shop_session session; /* large */

struct fixture {
    struct shop_nuisance nuisance;
    struct shop_click sent[200]; /* in the order of arrival */
    size_t count;
};

static void begin(struct fixture *fixture, bool is_on) {
    memset(&world.nuisance, 0, sizeof world.nuisance);
    memset(fixture, 0, sizeof *fixture);
    fixture->nuisance = (struct shop_nuisance){
        .world = &world.nuisance, .seed = 1, .is_on = is_on, .queue = shop_queue_new()};
}

static void collect(struct fixture *fixture) {
    int64_t last_ms = INT64_MIN;
    fixture->count = 0;
    while (shop_queue_count(fixture->nuisance.queue) > 0) {
        const struct shop_plan *plan = shop_queue_take(fixture->nuisance.queue);
        assert_int_equal(plan->kind, PLAN_CLICK);
        assert_true(plan->click.arrival_ms >= last_ms);
        last_ms = plan->click.arrival_ms;
        assert_true(fixture->count < 200);
        shop_click_copy(&fixture->sent[fixture->count++], &plan->click);
    }
    shop_queue_destroy(fixture->nuisance.queue);
}

static struct shop_click click_of(enum event_type type, int64_t event_ms, uint32_t seq) {
    struct shop_click click = {.event_ms = event_ms,
                               .user = 7,
                               .session = 3,
                               .seq = seq,
                               .total_cents = -1,
                               .type = (uint8_t)type,
                               .line_count = 1,
                               .lines = {{.item = 100 + seq, .price_cents = 500, .quantity = 1}}};
    return click;
}

static void make_session(void) {
    static const enum event_type types[] = {EVENT_PRODUCT_VIEWED, EVENT_PRODUCT_REMOVED,
                                            EVENT_PRODUCT_ADDED, EVENT_PRODUCT_ADDED,
                                            EVENT_CART_VIEWED};
    session.count = 5;
    for (uint32_t i = 0; i < 5; i++) {
        session.clicks[i] = click_of(types[i], 10000 * (int64_t)(i + 1), i);
    }
    session.clicks[1].flags = CLICK_OF_OLD_CART;
}

static const struct shop_cart old_cart = {
    .count = 1, .lines = {{.item = 101, .price_cents = 500, .quantity = 1}}};

static void test_off_changes_nothing(void **state) {
    (void)state;
    struct fixture fixture;
    begin(&fixture, false);
    world.nuisance.lost = 1;
    world.nuisance.guest = 1;
    make_session();
    shop_nuisance_send_session(&fixture.nuisance, &session, &old_cart, true);
    collect(&fixture);
    assert_int_equal(fixture.count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(fixture.sent[i].event_ms, session.clicks[i].event_ms);
        assert_int_equal(fixture.sent[i].arrival_ms, session.clicks[i].event_ms);
        assert_false(fixture.sent[i].flags & CLICK_GUEST);
    }
}

static void test_guest_without_login(void **state) {
    (void)state;
    struct fixture fixture;
    begin(&fixture, true);
    world.nuisance.guest = 1;
    make_session();
    shop_nuisance_send_session(&fixture.nuisance, &session, &old_cart, true);
    collect(&fixture);
    assert_int_equal(fixture.count, 4); /* the guest's cart never held the old things */
    for (size_t i = 0; i < fixture.count; i++) {
        assert_true(fixture.sent[i].flags & CLICK_GUEST);
        assert_int_not_equal(fixture.sent[i].type, EVENT_PRODUCT_REMOVED);
    }
    begin(&fixture, true);
    world.nuisance.guest = 1;
    struct shop_click order = click_of(EVENT_ORDER_COMPLETED, 90000, SEQ_LATE_ORDER);
    shop_nuisance_send_later(&fixture.nuisance, &order);
    collect(&fixture);
    assert_true(fixture.sent[0].flags & CLICK_GUEST); /* where the cart is */
}

/* The login stands under both keys, the guest's first; the cart moves; afterwards all is the
 * user's. */
static size_t check_login(uint32_t number) {
    struct fixture fixture;
    begin(&fixture, true);
    world.nuisance.guest = 1;
    world.nuisance.login = 1;
    make_session();
    for (size_t i = 0; i < session.count; i++) {
        session.clicks[i].session = number;
    }
    shop_nuisance_send_session(&fixture.nuisance, &session, &old_cart, true);
    collect(&fixture);
    size_t at = 0;
    struct shop_cart guest = {0};
    for (; at < fixture.count && fixture.sent[at].type != EVENT_USER_IDENTIFIED; at++) {
        assert_true(fixture.sent[at].flags & CLICK_GUEST);
        if (fixture.sent[at].type == EVENT_PRODUCT_ADDED) {
            guest.lines[guest.count++] = fixture.sent[at].lines[0];
        }
    }
    assert_true(at >= 1 && at + 2 <= fixture.count);
    assert_true(fixture.sent[at].flags & CLICK_GUEST);
    assert_int_equal(fixture.sent[at].line_count, 0);
    const struct shop_click *moved = &fixture.sent[at + 1];
    assert_int_equal(moved->type, EVENT_USER_IDENTIFIED);
    assert_false(moved->flags & CLICK_GUEST);
    assert_int_equal(moved->line_count, 1 + guest.count);
    assert_int_equal(moved->lines[0].item, 101); /* what the user's own cart holds */
    assert_memory_equal(&moved->lines[1], guest.lines, guest.count * sizeof guest.lines[0]);
    int removed = 0;
    for (size_t i = at + 2; i < fixture.count; i++) {
        assert_false(fixture.sent[i].flags & CLICK_GUEST);
        removed += fixture.sent[i].type == EVENT_PRODUCT_REMOVED;
    }
    assert_int_equal(removed, 1);
    assert_int_equal(fixture.nuisance.counts.logins, 1);
    return guest.count;
}

/* The draw decides when: sessions enough that some log in before, in the middle of and after the
 * adding. */
static void test_login(void **state) {
    (void)state;
    size_t carried[3] = {0};
    for (uint32_t number = 0; number < 60; number++) {
        carried[check_login(number)]++;
    }
    assert_true(carried[0] > 0 && carried[1] > 0 && carried[2] > 0);
}

static void test_old_cart_of_a_guest_is_lost(void **state) {
    (void)state;
    struct fixture fixture;
    begin(&fixture, true);
    make_session();
    shop_nuisance_send_session(&fixture.nuisance, &session, &old_cart, false);
    collect(&fixture);
    assert_int_equal(fixture.count, 4);
}

/* Every kind alone, at 100 %. */
static void send_one(struct fixture *fixture, enum event_type type) {
    struct shop_click click = click_of(type, 1000000, 0);
    shop_nuisance_send(&fixture->nuisance, &click);
    collect(fixture);
}

static void test_lost_and_duplicated(void **state) {
    (void)state;
    struct fixture fixture;
    begin(&fixture, true);
    world.nuisance.lost = 1;
    send_one(&fixture, EVENT_PRODUCT_VIEWED);
    assert_int_equal(fixture.count, 0);
    begin(&fixture, true);
    world.nuisance.duplicate = 1;
    send_one(&fixture, EVENT_PRODUCT_VIEWED);
    assert_int_equal(fixture.count, 2);
    assert_int_equal(shop_click_id(1, &fixture.sent[0]), shop_click_id(1, &fixture.sent[1]));
    assert_int_equal(fixture.sent[0].event_ms, fixture.sent[1].event_ms);
    assert_in_range(fixture.sent[1].arrival_ms - fixture.sent[0].arrival_ms, 0, 600000);
}

static void test_late(void **state) {
    (void)state;
    struct fixture fixture;
    begin(&fixture, true);
    world.nuisance.late_days = 1;
    send_one(&fixture, EVENT_PRODUCT_VIEWED);
    assert_int_equal(fixture.sent[0].event_ms, 1000000);
    assert_in_range(fixture.sent[0].arrival_ms - 1000000, DAY_MS, 3 * DAY_MS);
    begin(&fixture, true);
    world.nuisance.late = 1;
    send_one(&fixture, EVENT_PRODUCT_VIEWED);
    assert_in_range(fixture.sent[0].arrival_ms - 1000000, 1, 20 * 600000);
    begin(&fixture, true);
    world.nuisance.reordered = 1;
    send_one(&fixture, EVENT_PRODUCT_VIEWED);
    assert_in_range(fixture.sent[0].arrival_ms - 1000000, 0, 60000);
}

static void test_fields_and_clocks(void **state) {
    (void)state;
    struct fixture fixture;
    begin(&fixture, true);
    world.nuisance.no_brand = 1;
    send_one(&fixture, EVENT_PRODUCT_VIEWED);
    assert_true(fixture.sent[0].flags & CLICK_NO_BRAND);
    begin(&fixture, true);
    world.nuisance.absurd_price = 1;
    send_one(&fixture, EVENT_PRODUCT_VIEWED);
    assert_true(fixture.sent[0].flags & CLICK_ABSURD_PRICE);
    begin(&fixture, true);
    world.nuisance.future = 1;
    send_one(&fixture, EVENT_PRODUCT_VIEWED);
    assert_true(fixture.sent[0].event_ms >= fixture.sent[0].arrival_ms + DAY_MS);
    begin(&fixture, true);
    world.nuisance.clock_hour = 1;
    send_one(&fixture, EVENT_PRODUCT_VIEWED);
    assert_int_equal(llabs(fixture.sent[0].event_ms - 1000000), HOUR_MS);
    assert_int_equal(fixture.sent[0].arrival_ms, 1000000); /* a wrong clock delays nothing */
}

static void test_after_the_order(void **state) {
    (void)state;
    struct fixture fixture;
    begin(&fixture, true);
    world.nuisance.refund = 1;
    send_one(&fixture, EVENT_ORDER_COMPLETED);
    assert_int_equal(fixture.count, 2);
    assert_int_equal(fixture.sent[1].type, EVENT_ORDER_REFUNDED);
    assert_int_equal(fixture.sent[1].session, fixture.sent[0].session); /* the order's id */
    assert_true(fixture.sent[1].event_ms > 1000000 + DAY_MS);
    begin(&fixture, true);
    world.nuisance.cancel = 1;
    world.nuisance.async_payment = 1;
    send_one(&fixture, EVENT_ORDER_COMPLETED);
    assert_int_equal(fixture.count, 2);
    const struct shop_click *order = &fixture.sent[fixture.sent[0].type != EVENT_ORDER_COMPLETED];
    const struct shop_click *cancelled =
        &fixture.sent[fixture.sent[0].type == EVENT_ORDER_COMPLETED];
    assert_int_equal(cancelled->type, EVENT_ORDER_CANCELLED);
    assert_in_range(cancelled->event_ms - 1000000, 0, DAY_MS);
    assert_in_range(order->event_ms - 1000000, 1, 20 * 60000);
    assert_int_equal(order->arrival_ms, order->event_ms);
    begin(&fixture, true);
    world.nuisance.refund = 1;
    send_one(&fixture, EVENT_PRODUCT_VIEWED);
    assert_int_equal(fixture.count, 1);
}

static void test_second_device(void **state) {
    (void)state;
    struct fixture fixture;
    begin(&fixture, true);
    world.nuisance.second_device = 1;
    int second = 0;
    for (uint32_t number = 0; number < 1000; number++) {
        second += shop_nuisance_identity(&fixture.nuisance, 7, number).is_on_second_device;
    }
    assert_in_range(second, 430, 570);
    collect(&fixture);
}

static void test_bots(void **state) {
    (void)state;
    struct fixture fixture;
    begin(&fixture, true);
    world.nuisance.bot_active = 1;
    struct shop_scene scene = {.world = &world,
                               .calendar = shop_calendar_new(&world, 1, SHOP_START_MS_DEFAULT, 4),
                               .catalogue = shop_catalogue_new(&world, 1, 4),
                               .seed = 1};
    int64_t at_ms = SHOP_START_MS_DEFAULT;
    uint32_t views = 0;
    size_t adds = 0;
    for (;; views++) {
        at_ms = shop_bot_arrival(&scene, 500, views, at_ms);
        if (at_ms == SHOP_NEVER) {
            break;
        }
        assert_true(at_ms >= SHOP_START_MS_DEFAULT && at_ms < SHOP_START_MS_DEFAULT + 4 * DAY_MS);
        shop_bot_act(&scene, &fixture.nuisance, 500, views, at_ms);
        while (shop_queue_count(fixture.nuisance.queue) > 0) {
            const struct shop_click *click = &shop_queue_take(fixture.nuisance.queue)->click;
            assert_true(click->type == EVENT_PRODUCT_VIEWED || click->type == EVENT_PRODUCT_ADDED);
            assert_true(click->flags & CLICK_BOT);
            adds += click->type == EVENT_PRODUCT_ADDED;
        }
    }
    assert_in_range(views, 4 * 150, 4 * 2200);
    assert_true(adds > 0 && adds < views / 10);
    world.nuisance.bot_active = 0;
    assert_true(shop_bot_arrival(&scene, 500, 0, SHOP_START_MS_DEFAULT) == SHOP_NEVER);
    shop_calendar_destroy((struct shop_calendar *)(uintptr_t)scene.calendar);
    shop_catalogue_destroy((struct shop_catalogue *)(uintptr_t)scene.catalogue);
    collect(&fixture);
}

static int set_up(void **state) {
    (void)state;
    return failed(shop_world_load("base", stderr, &world)) ? -1 : 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_off_changes_nothing),
        cmocka_unit_test(test_guest_without_login),
        cmocka_unit_test(test_login),
        cmocka_unit_test(test_old_cart_of_a_guest_is_lost),
        cmocka_unit_test(test_lost_and_duplicated),
        cmocka_unit_test(test_late),
        cmocka_unit_test(test_fields_and_clocks),
        cmocka_unit_test(test_after_the_order),
        cmocka_unit_test(test_second_device),
        cmocka_unit_test(test_bots),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
