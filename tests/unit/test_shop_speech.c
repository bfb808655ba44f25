#include "producer/shop_speech.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
/* cmocka needs the above */
#include <cmocka.h>

static struct shop_world world;
static struct shop_catalogue *catalogue;
static struct shop_speech speech;
static struct event event;

static int set_up(void **state) {
    (void)state;
    if (failed(shop_world_load("base", stderr, &world))) {
        return -1;
    }
    catalogue = shop_catalogue_new(&world, 1, 3);
    speech = (struct shop_speech){.seed = 1, .catalogue = catalogue};
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    shop_catalogue_destroy(catalogue);
    return 0;
}

static void assert_text(struct bytes found, const char *expected) {
    if (!bytes_equal(found, bytes_of_text(expected))) {
        fail_msg("found %.*s, expected %s", BYTES_ARG(found), expected);
    }
}

static struct shop_click click_of(enum event_type type) {
    struct shop_click click = {.event_ms = 1234,
                               .user = 7,
                               .session = 2,
                               .seq = 5,
                               .total_cents = -1,
                               .type = (uint8_t)type,
                               .place = 1,
                               .consent = CONSENT_DENIED,
                               .device = 1,
                               .line_count = 2,
                               .lines = {{13, 1999, 1}, {14, 500, 3}}};
    return click;
}

static void test_words_of_a_click(void **state) {
    (void)state;
    struct shop_click click = click_of(EVENT_CART_VIEWED);
    shop_speech_click(&speech, &click, &event);
    assert_int_equal(event.type, EVENT_CART_VIEWED);
    assert_int_equal(event.event_ms, 1234);
    assert_text(event.user_id, "u0000007");
    assert_int_equal(event.event_id.size, 16);
    assert_int_equal(event.session_id.size, 17);
    assert_int_equal(event.order_id.size, 0);
    assert_text(event.timezone, "Europe/Paris");
    assert_text(event.locale, "fr-FR");
    assert_text(event.place, "FR");
    assert_text(event.device, "mobile");
    assert_text(event.currency, "EUR");
    assert_int_equal(event.consent, CONSENT_DENIED);
    assert_true(isnan(event.total));
    assert_int_equal(event.line_count, 2);
    assert_text(event.lines[0].item_id, "i000013");
    assert_text(event.lines[0].category, "dresses");
    assert_true(event.lines[0].price == 19.99 && event.lines[1].price == 5);
    assert_int_equal(event.lines[1].quantity, 3);
    assert_true(event.lines[0].brand.size > 0);
}

static void test_ids(void **state) {
    (void)state;
    char first[16], order[17];
    struct shop_click click = click_of(EVENT_ORDER_COMPLETED);
    click.total_cents = 3499;
    shop_speech_click(&speech, &click, &event);
    assert_true(event.total == 34.99);
    memcpy(first, event.event_id.data, 16);
    memcpy(order, event.order_id.data, 17);
    shop_speech_click(&speech, &click, &event);
    assert_memory_equal(event.event_id.data, first, 16); /* the same event again */
    click.type = EVENT_ORDER_REFUNDED;
    click.seq = SEQ_REFUNDED;
    shop_speech_click(&speech, &click, &event);
    assert_memory_not_equal(event.event_id.data, first, 16);
    assert_memory_equal(event.order_id.data, order, 17); /* the same order */
    click.session++;
    shop_speech_click(&speech, &click, &event);
    assert_memory_not_equal(event.order_id.data, order, 17);
}

static void test_login_names_the_other_key(void **state) {
    (void)state;
    char guest[SHOP_KEY_BYTES];
    struct shop_click click = click_of(EVENT_USER_IDENTIFIED);
    shop_guest_key(1, 7, 2, guest);
    click.flags = CLICK_GUEST;
    shop_speech_click(&speech, &click, &event);
    assert_text(event.user_id, guest);
    assert_text(event.canonical_id, "u0000007");
    assert_int_equal(event.guest_id.size, 0);
    click.flags = 0;
    shop_speech_click(&speech, &click, &event);
    assert_text(event.user_id, "u0000007");
    assert_text(event.guest_id, guest);
    assert_int_equal(event.canonical_id.size, 0);
}

static void test_holes(void **state) {
    (void)state;
    struct shop_click click = click_of(EVENT_PRODUCT_VIEWED);
    click.flags = CLICK_NO_PRICE | CLICK_NO_BRAND;
    shop_speech_click(&speech, &click, &event);
    assert_true(isnan(event.lines[0].price));
    assert_int_equal(event.lines[0].brand.size, 0);
    click.flags = CLICK_ABSURD_PRICE;
    shop_speech_click(&speech, &click, &event);
    assert_true(fabs(event.lines[0].price - 199900) < 1e-6);
}

static void test_search_and_coupon(void **state) {
    (void)state;
    struct shop_click click = click_of(EVENT_PRODUCTS_SEARCHED);
    shop_speech_click(&speech, &click, &event);
    assert_text(event.query, "dresses");
    assert_int_equal(event.line_count, 0);
    click = click_of(EVENT_COUPON_APPLIED);
    shop_click_set_coupon(&click, "SAVE10", 6);
    shop_speech_click(&speech, &click, &event);
    assert_text(event.coupon, "SAVE10");
}

static void test_crawlers(void **state) {
    (void)state;
    struct shop_click click = click_of(EVENT_PRODUCT_VIEWED);
    click.flags = CLICK_BOT;
    shop_speech_click(&speech, &click, &event);
    assert_true(memcmp(event.user_agent.data, "Mozilla", 7) == 0); /* an odd one hides */
    click.user = 8;
    shop_speech_click(&speech, &click, &event);
    assert_true(memcmp(event.user_agent.data, "ShopCrawler", 11) == 0);
}

static void test_feedback(void **state) {
    (void)state;
    struct shop_user user = {.place = 0, .level = {0, 0, 2, 0}, .consent = CONSENT_GRANTED};
    struct shop_said said = {
        .type = EVENT_PUSH_OPENED,
        .event_ms = 99,
        .push = {.id = 5, .decision_id = {1, 2}, .key_size = 8, .key = "u0000007"}};
    shop_speech_feedback(&speech, &said, &user, &event);
    assert_int_equal(event.type, EVENT_PUSH_OPENED);
    assert_text(event.user_id, "u0000007");
    assert_text(event.decision_id, "00000000000000010000000000000002");
    assert_text(event.device, "tablet");
    char opened[16];
    memcpy(opened, event.event_id.data, 16);
    said.type = EVENT_PUSH_DELIVERED;
    shop_speech_feedback(&speech, &said, &user, &event);
    assert_memory_not_equal(event.event_id.data, opened, 16);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_of_a_click),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_login_names_the_other_key),
        cmocka_unit_test(test_holes),
        cmocka_unit_test(test_search_and_coupon),
        cmocka_unit_test(test_crawlers),
        cmocka_unit_test(test_feedback),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
