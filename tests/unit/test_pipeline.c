/* One event at a time through all rooms: bad input, duplicates, bots, logins; how large a user
 * gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "tests/support/scene.h"

static void assert_dead_letter(struct scene *scene, struct bytes value, const char *reason) {
    struct dead_letter_row row;
    struct bytes body;
    assert_true(scene_row(scene, TOPIC_DEAD_LETTERS, SCHEMA_DEAD_LETTER, 0, &body));
    assert_true(dead_letter_decode(body, &row));
    scene_assert_text(row.reason, reason);
    scene_assert_text(row.topic, "clickstream");
    assert_true(value.size == 0 || bytes_equal(row.value, value));
}

static void test_bad_bytes_are_dead_letters(void **state) {
    struct scene *scene = *state;
    struct bytes key = bytes_of_text("anna"), garbage = bytes_of_text("\xc3\x01 garbage");
    scene_feed_bytes(scene, INPUT_CLICKSTREAM, key, garbage, NOON_MS);
    assert_dead_letter(scene, garbage, "bad_framing");
    scene_feed_bytes(scene, INPUT_CLICKSTREAM, key, bytes_of(NULL, 0), NOON_MS);
    assert_dead_letter(scene, bytes_of(NULL, 0), "empty");
    struct event_line line;
    struct event event = scene_event(&line, "anna", EVENT_PRODUCT_VIEWED, NOON_MS);
    struct buffer value = {0};
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_EVENT, 0, &value);
    event_encode(&event, &value);
    value.size -= 3;
    scene_feed_bytes(scene, INPUT_CLICKSTREAM, key, buffer_bytes(&value), NOON_MS);
    assert_dead_letter(scene, buffer_bytes(&value), "truncated");
    buffer_clean_up(&value);
    assert_int_equal(SCENE_COUNT(scene, undecodable_total), 3);
    assert_null(scene_user(scene, "anna"));
    scene_feed(scene, "anna", EVENT_PRODUCT_VIEWED,
               NOON_MS); /* and the next one is as welcome as ever */
    assert_non_null(scene_user(scene, "anna"));
}

/* Nobody may stop the workers with a message that, wrapped into a letter, is larger than a message
 * may be. */
static void test_a_dead_letter_fits_into_a_message(void **state) {
    struct scene *scene = *state;
    size_t size = 2000000;
    uint8_t *bytes = memory_new(size, 1);
    memset(bytes, 'x', size);
    struct dead_letter_row row;
    struct bytes body;
    scene_feed_bytes(scene, INPUT_CLICKSTREAM, bytes_of(bytes, size), bytes_of(bytes, size),
                     NOON_MS);
    assert_true(scene->bench.epoch.data.size < 1000000);
    assert_true(scene_row(scene, TOPIC_DEAD_LETTERS, SCHEMA_DEAD_LETTER, 0, &body));
    assert_true(dead_letter_decode(body, &row));
    scene_assert_text(row.reason, "bad_framing");
    assert_true(bytes_equal(row.key, bytes_of(bytes, 1024)));
    assert_true(bytes_equal(row.value, bytes_of(bytes, 900000)));
    assert_int_equal(SCENE_COUNT(scene, dead_letters_cut_total), 1);
    scene_feed_bytes(scene, INPUT_CLICKSTREAM, bytes_of(bytes, 1024), bytes_of(bytes, 900000),
                     NOON_MS);
    assert_int_equal(SCENE_COUNT(scene, dead_letters_cut_total), 1);
    free(bytes);
}

/* ---- headers of a record ---- */

struct kept_headers {
    struct record_header items[100];
    size_t count;
};

static size_t read_kept(const void *message, struct record_header *out, size_t max) {
    const struct kept_headers *kept = message;
    size_t count = kept->count < max ? kept->count : max;
    memcpy(out, kept->items, count * sizeof out[0]);
    return kept->count;
}

/* The letter of a record of garbage with these headers. */
static struct dead_letter_row letter_with(struct scene *scene, const struct kept_headers *headers) {
    struct bytes body;
    struct dead_letter_row row;
    scene_feed_record(scene, &(struct record){.key = bytes_of_text("anna"),
                                              .value = bytes_of_text("garbage"),
                                              .timestamp_ms = NOON_MS,
                                              .read_headers = read_kept,
                                              .message = headers});
    assert_true(scene->bench.epoch.data.size < 1000000);
    assert_true(scene_row(scene, TOPIC_DEAD_LETTERS, SCHEMA_DEAD_LETTER, 0, &body));
    assert_true(dead_letter_decode(body, &row));
    return row;
}

static void test_a_dead_letter_keeps_headers(void **state) {
    struct scene *scene = *state;
    const struct kept_headers headers = {
        .items = {{bytes_of_text("trace"), bytes_of("\0\xff", 2)},
                  {bytes_of_text("\xff not UTF-8"), bytes_of(NULL, 0)},
                  {bytes_of_text("trace"), bytes_of_text("")},
                  {bytes_of_text(""), bytes_of_text("of an empty key")}},
        .count = 4,
    };
    struct dead_letter_row row = letter_with(scene, &headers);
    assert_int_equal(row.header_count, headers.count);
    for (size_t i = 0; i < headers.count; i++) {
        assert_true(bytes_equal(row.headers[i].key, headers.items[i].key));
        assert_true(bytes_equal(row.headers[i].value, headers.items[i].value));
        assert_true(!row.headers[i].value.data == !headers.items[i].value.data);
    }
    assert_false(row.cut);
    assert_int_equal(SCENE_COUNT(scene, dead_letters_cut_total), 0);
}

static void test_headers_of_a_dead_letter_have_bounds(void **state) {
    struct scene *scene = *state;
    struct kept_headers headers = {.count = ROW_HEADERS_MAX};
    for (size_t i = 0; i < 100; i++) {
        headers.items[i] = (struct record_header){bytes_of_text("k"), bytes_of_text("v")};
    }
    struct dead_letter_row row = letter_with(scene, &headers);
    assert_true(row.header_count == ROW_HEADERS_MAX && !row.cut);
    headers.count = ROW_HEADERS_MAX + 1;
    row = letter_with(scene, &headers);
    assert_true(row.header_count == ROW_HEADERS_MAX && row.cut);
    /* 65,536 bytes of keys and values are whole, one more is not: nothing behind it is kept. */
    size_t size = 65536 - 1 - 2;
    uint8_t *bytes = memory_new(size + 1, 1);
    headers.count = 2;
    headers.items[0].value = bytes_of(bytes, size);
    row = letter_with(scene, &headers);
    assert_true(row.header_count == 2 && row.headers[0].value.size == size && !row.cut);
    headers.count = 3;
    headers.items[1].value = bytes_of(bytes, 2);
    headers.items[2] = (struct record_header){bytes_of(NULL, 0), bytes_of(NULL, 0)};
    row = letter_with(scene, &headers);
    assert_true(row.header_count == 1 && row.cut);
    assert_int_equal(SCENE_COUNT(scene, dead_letters_cut_total), 2);
    free(bytes);
}

static void test_refused_events_are_counted_by_reason(void **state) {
    struct scene *scene = *state;
    struct event_line line;
    struct event event = scene_event(&line, "anna", EVENT_PRODUCT_VIEWED, NOON_MS + 6 * MINUTE_MS);
    scene_feed_event(scene, INPUT_CLICKSTREAM, &event, NOON_MS);
    assert_dead_letter(scene, bytes_of(NULL, 0), "future");
    assert_int_equal(scene->bench.partition.watermark_ms, TIME_NONE);
    event = scene_event(&line, "", EVENT_PRODUCT_VIEWED, NOON_MS);
    scene_feed_event(scene, INPUT_CLICKSTREAM, &event, NOON_MS);
    assert_dead_letter(scene, bytes_of(NULL, 0), "missing_user");
    event = scene_event(&line, "anna", EVENT_PRODUCT_VIEWED, 1000);
    scene_feed_event(scene, INPUT_CLICKSTREAM, &event, NOON_MS);
    assert_dead_letter(scene, bytes_of(NULL, 0), "bad_time");
    event = scene_event(&line, "anna", EVENT_PUSH_OPENED, NOON_MS);
    scene_feed_event(scene, INPUT_CLICKSTREAM, &event, NOON_MS);
    assert_dead_letter(scene, bytes_of(NULL, 0), "not_feedback");
    assert_int_equal(SCENE_COUNT(scene, refused_total), 4);
    assert_int_equal(SCENE_COUNT(scene, applied_total), 0);
}

static void test_absurd_price_is_clipped_and_missing_stays_missing(void **state) {
    struct scene *scene = *state;
    struct event_line line;
    struct event event = scene_event(&line, "anna", EVENT_PRODUCT_ADDED, NOON_MS);
    line.price = 5e6;
    scene_feed_event(scene, INPUT_CLICKSTREAM, &event, NOON_MS);
    assert_int_equal(SCENE_COUNT(scene, prices_clipped_total), 1);
    assert_true(state_cart_value(scene_user(scene, "anna")) == 1000);
    event = scene_event(&line, "bert", EVENT_PRODUCT_ADDED, NOON_MS);
    line.price = -3;
    scene_feed_event(scene, INPUT_CLICKSTREAM, &event, NOON_MS);
    assert_true(isnan(state_cart_value(scene_user(scene, "bert"))));
}

static void test_duplicates_and_late_events(void **state) {
    struct scene *scene = *state;
    struct event_line line;
    struct event event = scene_event(&line, "anna", EVENT_PRODUCT_ADDED, NOON_MS);
    event.event_id = bytes_of_text("e1");
    scene_feed_event(scene, INPUT_CLICKSTREAM, &event, NOON_MS);
    scene_feed_event(scene, INPUT_CLICKSTREAM, &event, NOON_MS);
    assert_int_equal(SCENE_COUNT(scene, duplicates_total), 1);
    assert_int_equal(scene_user(scene, "anna")->active->cart[0].quantity, 1);
    scene_feed(scene, "bert", EVENT_PRODUCT_VIEWED, NOON_MS + 10 * MINUTE_MS);
    scene_feed(scene, "carl", EVENT_PRODUCT_ADDED, NOON_MS); /* late: arms nothing */
    assert_int_equal(SCENE_COUNT(scene, late_total), 1);
    assert_false(state_has_cart(scene_user(scene, "carl")));
    scene_feed(scene, "anna", EVENT_ORDER_COMPLETED,
               NOON_MS + MINUTE_MS); /* late: closes the cart */
    assert_false(state_has_cart(scene_user(scene, "anna")));
    scene_feed(scene, "bert", EVENT_PRODUCT_VIEWED, NOON_MS + 60 * MINUTE_MS);
    struct decision_row row;
    assert_false(scene_decision(scene, 0, &row));
}

static void test_bots_trigger_nothing(void **state) {
    struct scene *scene = *state;
    struct event_line line;
    struct event event = scene_event(&line, "spider", EVENT_PRODUCT_ADDED, NOON_MS);
    event.user_agent = bytes_of_text("Mozilla (Big CRAWLER 2.0)");
    scene_feed_event(scene, INPUT_CLICKSTREAM, &event, NOON_MS);
    for (int i = 0; i < 25; i++) {
        scene_feed(scene, "hurry", EVENT_PRODUCT_ADDED, NOON_MS + i);
    }
    assert_true(scene_user(scene, "spider")->bot_suspect &&
                scene_user(scene, "hurry")->bot_suspect);
    scene_feed(scene, "anna", EVENT_PRODUCT_VIEWED, NOON_MS + 60 * MINUTE_MS);
    struct decision_row row;
    assert_false(scene_decision(scene, 0, &row));
}

static void test_login_moves_the_cart(void **state) {
    struct scene *scene = *state;
    struct event_line line;
    struct decision_row row;
    scene_feed(scene, "guest", EVENT_PRODUCT_ADDED, NOON_MS);
    struct event leave =
        scene_event(&line, "guest", EVENT_USER_IDENTIFIED, NOON_MS + 5 * MINUTE_MS);
    leave.canonical_id = bytes_of_text("anna");
    scene_feed_event(scene, INPUT_CLICKSTREAM, &leave, leave.event_ms);
    assert_false(state_has_cart(scene_user(scene, "guest")));
    struct event arrive =
        scene_event(&line, "anna", EVENT_USER_IDENTIFIED, NOON_MS + 5 * MINUTE_MS);
    arrive.guest_id = bytes_of_text("guest");
    arrive.line_count = 1;
    scene_feed_event(scene, INPUT_CLICKSTREAM, &arrive, arrive.event_ms);
    scene_feed(scene, "zoe", EVENT_PRODUCT_VIEWED, NOON_MS + 60 * MINUTE_MS);
    assert_true(scene_decision(scene, 0, &row));
    scene_assert_text(row.user_id, "anna");
    assert_int_equal(row.deadline_ms, NOON_MS + 25 * MINUTE_MS);
    assert_false(scene_decision(scene, 1, &row)); /* the guest's cart closed without a trigger */
}

struct sizes {
    size_t memory_bytes, row_bytes;
};

static struct sizes sizes_of(struct scene *scene, const char *name) {
    struct user_state_names names = user_store_names(&scene->bench.partition.store);
    struct buffer row = {0};
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_USER_STATE, 0, &row);
    user_state_encode(scene_user(scene, name), &names, &row);
    struct sizes sizes = {user_state_memory_bytes(scene_user(scene, name)), row.size};
    buffer_clean_up(&row);
    return sizes;
}

/* DESIGN 7: hundreds of bytes; at most 200 more for each open decision. */
static void test_a_user_stays_small(void **state) {
    struct scene *scene = *state;
    for (int i = 0; i < 10; i++) {
        scene_feed(scene, "anna", EVENT_PRODUCT_VIEWED, NOON_MS + i * MINUTE_MS);
    }
    struct sizes idle = sizes_of(scene, "anna");
    assert_in_range(idle.memory_bytes, 100, 480);
    assert_in_range(idle.row_bytes, 50, 400);
    scene_feed(scene, "anna", EVENT_PRODUCT_ADDED, NOON_MS + 11 * MINUTE_MS);
    struct sizes cart = sizes_of(scene, "anna");
    printf("10 views: %zu bytes of memory, %zu of row; with a cart: %zu and %zu\n",
           idle.memory_bytes, idle.row_bytes, cart.memory_bytes, cart.row_bytes);
    for (int i = 1; i <= USER_OPEN_MAX; i++) {
        scene_feed(scene, "zoe", EVENT_PRODUCT_VIEWED, NOON_MS + (i * 30 + 10) * MINUTE_MS);
        scene_feed(scene, "anna", EVENT_PRODUCT_ADDED, NOON_MS + (i * 30 + 11) * MINUTE_MS);
        assert_int_equal(scene_user(scene, "anna")->active->open_count, i);
        struct sizes open = sizes_of(scene, "anna");
        printf("%d open: %zu and %zu\n", i, open.memory_bytes, open.row_bytes);
        assert_in_range(open.row_bytes, cart.row_bytes, cart.row_bytes + 200 * (size_t)i);
        assert_in_range(open.memory_bytes, cart.memory_bytes,
                        cart.memory_bytes + 200 * USER_OPEN_MAX);
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_set_up, scene_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_bad_bytes_are_dead_letters),
        TEST(test_a_dead_letter_fits_into_a_message),
        TEST(test_a_dead_letter_keeps_headers),
        TEST(test_headers_of_a_dead_letter_have_bounds),
        TEST(test_refused_events_are_counted_by_reason),
        TEST(test_absurd_price_is_clipped_and_missing_stays_missing),
        TEST(test_duplicates_and_late_events),
        TEST(test_bots_trigger_nothing),
        TEST(test_login_moves_the_cart),
        TEST(test_a_user_stays_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
