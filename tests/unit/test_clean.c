/* The verdicts on single events; what becomes of refused ones is in test_pipeline.c. */
#include "consumer/rooms/clean.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#define NOW_MS 1767225600000

static const char *agents[] = {"bot", "Crawl"};
static const struct clean_config config = {
    .lateness_ms = 5000, .max_skew_ms = 60000, .price_max = 100, .bot_user_agents = {agents, 2}};

static struct event make(enum event_type type, int64_t event_ms, struct event_line *line) {
    struct event event;
    event_clear(&event, line);
    event.type = type;
    event.event_ms = event_ms;
    event.user_id = bytes_of_text("anna");
    return event;
}

static void test_user_comes_from_the_key_if_it_is_text(void **state) {
    (void)state;
    struct clean clean = {.config = &config};
    struct event event = make(EVENT_CART_VIEWED, NOW_MS, NULL);
    event.user_id = bytes_of(NULL, 0);
    assert_int_equal(clean_event(&clean, &event, bytes_of_text("\xff\xfe"), NOW_MS, false),
                     CLEAN_MISSING_USER);
    assert_int_equal(clean_event(&clean, &event, bytes_of_text("bert"), NOW_MS, false), CLEAN_OK);
    assert_true(bytes_equal(event.user_id, bytes_of_text("bert")));
    assert_int_equal(metric_get(&clean.metrics.key_mismatch_total), 0);
    assert_int_equal(clean_event(&clean, &event, bytes_of_text("carl"), NOW_MS, false), CLEAN_OK);
    assert_int_equal(metric_get(&clean.metrics.key_mismatch_total), 1);
}

static void test_times(void **state) {
    (void)state;
    struct clean clean = {.config = &config};
    struct bytes key = bytes_of_text("anna");
    struct event event = make(EVENT_CART_VIEWED, NOW_MS + 60000, NULL);
    assert_int_equal(clean_event(&clean, &event, key, NOW_MS, false),
                     CLEAN_OK); /* just within the skew */
    event.event_ms++;
    assert_int_equal(clean_event(&clean, &event, key, NOW_MS, false), CLEAN_FUTURE);
    assert_int_equal(clean_event(&clean, &event, key, -1, false),
                     CLEAN_OK); /* no record time to compare with */
    assert_int_equal(clean_event(&clean, &event, key, INT64_MAX, false),
                     CLEAN_OK); /* a record time that is none does not wrap around */
    event.event_ms = -5;
    assert_int_equal(clean_event(&clean, &event, key, NOW_MS, false), CLEAN_BAD_TIME);
    event.event_ms = INT64_MAX;
    assert_int_equal(clean_event(&clean, &event, key, NOW_MS, false), CLEAN_BAD_TIME);
}

static void test_prices_and_quantities(void **state) {
    (void)state;
    struct clean clean = {.config = &config};
    static const double given[] = {0, 99.5, 101, -1, NAN, INFINITY};
    static const double wanted[] = {0, 99.5, 100, NAN, NAN, 100};
    for (size_t i = 0; i < 6; i++) {
        struct event_line line = {.price = given[i], .quantity = (int32_t)i - 3};
        struct event event = make(EVENT_PRODUCT_ADDED, NOW_MS, &line);
        line = (struct event_line){.price = given[i], .quantity = (int32_t)i - 3};
        event.line_count = 1;
        assert_int_equal(clean_event(&clean, &event, bytes_of_text("anna"), NOW_MS, false),
                         CLEAN_OK);
        assert_true(isnan(wanted[i]) ? isnan(line.price) : line.price == wanted[i]);
        assert_int_equal(line.quantity, i > 3 ? (int32_t)i - 3 : 1);
    }
    assert_int_equal(metric_get(&clean.metrics.prices_clipped_total), 2);
}

static void test_feedback_and_events_have_their_topics(void **state) {
    (void)state;
    struct clean clean = {.config = &config};
    struct event event = make(EVENT_PUSH_OPENED, NOW_MS, NULL);
    assert_int_equal(clean_event(&clean, &event, bytes_of_text("anna"), NOW_MS, true), CLEAN_OK);
    assert_int_equal(clean_event(&clean, &event, bytes_of_text("anna"), NOW_MS, false),
                     CLEAN_NOT_FEEDBACK);
    event.type = EVENT_CART_VIEWED;
    assert_int_equal(clean_event(&clean, &event, bytes_of_text("anna"), NOW_MS, true),
                     CLEAN_NOT_FEEDBACK);
}

static void test_bot_agents_in_any_case(void **state) {
    (void)state;
    struct clean clean = {.config = &config};
    assert_true(clean_is_bot_agent(&clean, bytes_of_text("GoogleBOT/2.1")));
    assert_true(clean_is_bot_agent(&clean, bytes_of_text("webcrawl")));
    assert_false(clean_is_bot_agent(&clean, bytes_of_text("Mozilla/5.0")));
    assert_false(clean_is_bot_agent(&clean, bytes_of_text("bo")));
}

static void test_every_verdict_is_counted_once(void **state) {
    (void)state;
    struct clean clean = {.config = &config};
    for (int verdict = 0; verdict < CLEAN_VERDICT_COUNT; verdict++) {
        clean_count(&clean, (enum clean_verdict)verdict);
        assert_true(clean_verdict_name((enum clean_verdict)verdict)[0] != '\0');
    }
    int64_t all = metric_get(&clean.metrics.applied_total) +
                  metric_get(&clean.metrics.duplicates_total) +
                  metric_get(&clean.metrics.refused_total);
    assert_int_equal(all, CLEAN_VERDICT_COUNT);
    assert_int_equal(metric_get(&clean.metrics.late_total), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_user_comes_from_the_key_if_it_is_text),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_prices_and_quantities),
        cmocka_unit_test(test_feedback_and_events_have_their_topics),
        cmocka_unit_test(test_bot_agents_in_any_case),
        cmocka_unit_test(test_every_verdict_is_counted_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
