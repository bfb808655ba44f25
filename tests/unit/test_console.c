/* console: rates of a span, readable pushes that cannot drive a terminal, a summary that adds up
 * over workers; as text and as JSON that a parser takes. */
#include "consumer/ops/console.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

static const char *text_of(struct buffer *out) {
    buffer_append_byte(out, 0);
    out->size--;
    return (const char *)out->data;
}

static void assert_has(struct buffer *out, const char *wanted) {
    if (!strstr(text_of(out), wanted)) {
        fail_msg("'%s' is not in:\n%s", wanted, text_of(out));
    }
}

static json_t *parse(struct buffer *out) {
    json_error_t error;
    json_t *value = json_loadb((const char *)out->data, out->size, 0, &error);
    if (!value) {
        fail_msg("not JSON: %s in:\n%s", error.text, text_of(out));
    }
    return value;
}

static json_int_t integer(const json_t *value, const char *first, const char *second) {
    json_t *found = json_object_get(json_object_get(value, first), second);
    assert_true(json_is_integer(found));
    return json_integer_value(found);
}

/* ---- Totals and rates ---- */

static void test_totals(void **state) {
    (void)state;
    struct clean_metrics clean = {0};
    struct emit_metrics emit = {0};
    struct state_metrics states = {0};
    struct broker_metrics broker = {0};
    struct decode_metrics decode = {0};
    metric_set(&clean.polled_total, 10);
    metric_set(&clean.future_total, 2);
    metric_set(&emit.decisions_total, 4);
    metric_set(&states.users, 3);
    metric_set(&broker.epochs_aborted_total, 1);
    metric_set(&decode.truncated_total, 5);
    struct console_totals totals = console_totals_none();
    console_totals_add(&totals, &clean, &emit, &states, &broker, TIME_NONE);
    assert_true(totals.watermark_ms == TIME_NONE);
    console_totals_add(&totals, &clean, &emit, &states, &broker, 2000);
    console_totals_add(&totals, &clean, &emit, &states, &broker, 1000);
    console_totals_add(&totals, &clean, &emit, &states, &broker, 3000);
    console_totals_add_decode(&totals, &decode);
    console_totals_add_decode(&totals, &decode);
    assert_int_equal(totals.polled, 40);
    assert_int_equal(totals.future, 8);
    assert_int_equal(totals.decisions, 16);
    assert_int_equal(totals.users, 12);
    assert_int_equal(totals.epochs_aborted, 4);
    assert_int_equal(totals.undecodable_by.truncated, 10);
    assert_int_equal(totals.watermark_ms, 1000);
}

static void test_line(void **state) {
    (void)state;
    struct console_totals before = console_totals_none();
    before.polled = 1000;
    before.decisions = 10;
    before.pushes = 4;
    struct console_totals now = before;
    now.polled = 44000;
    now.decisions = 20;
    now.pushes = 5;
    now.users = 4012;
    now.watermark_ms = 1793520000000;
    struct buffer out = {0};
    console_render_line(&before, &now, 2000, false, &out);
    assert_string_equal(text_of(&out), "21,500 events/s  0.5 pushes/s  4.5 held/s  4,012 users  "
                                       "watermark 2026-11-01T08:00:00Z\n");
    buffer_clear(&out);
    console_render_line(&now, &before, 1000, false,
                        &out); /* counters went back: a lost partition */
    assert_string_equal(text_of(&out), "0 events/s  0 pushes/s  0 held/s  0 users  watermark -\n");
    buffer_clear(&out);
    console_render_line(&before, &now, 0, false, &out); /* no span, no division */
    assert_has(&out, "0 events/s");
    buffer_clear(&out);
    console_render_line(&before, &now, 2000, true, &out);
    json_t *value = parse(&out);
    assert_true(json_number_value(json_object_get(value, "events_per_second")) == 21500);
    assert_true(json_number_value(json_object_get(value, "held_per_second")) == 4.5);
    json_decref(value);
    buffer_clean_up(&out);
}

/* ---- Pushes ---- */

static struct push_row example_push(void) {
    return (struct push_row){
        .kind = PUSH_SEND,
        .push_id = bytes_of_text("0123-0"),
        .user_id = bytes_of_text("u-1\x1b[2J"),
        .trigger = TRIGGER_CART_ABANDONED,
        .offer_id = bytes_of_text("ten_percent"),
        .offer_kind = bytes_of_text("percent_off"),
        .offer_value = 10,
        .channel = bytes_of_text("push"),
        .currency = bytes_of_text("EUR"),
        .item_count = 2,
        .title = bytes_of_text("10 % off \"Blue\" shoes"),
        .body = bytes_of_text("body"),
        .reason = bytes_of_text("cart quiet for 60 min"),
    };
}

static void test_push(void **state) {
    (void)state;
    struct push_row push = example_push();
    struct buffer out = {0};
    console_render_push(&push, false, &out);
    assert_string_equal(text_of(&out),
                        "  > u-1\\x1b[2J  ten_percent (10 % off)  \"10 % off \"Blue\" shoes\"\n"
                        "      cart quiet for 60 min\n");
    buffer_clear(&out);
    push.kind = PUSH_REVOKED;
    console_render_push(&push, false, &out);
    assert_has(&out, "  x u-1\\x1b[2J  revoked ten_percent");
    buffer_clear(&out);
    push.offer_value = NAN;
    console_render_push(&push, true, &out);
    json_t *value = parse(&out);
    assert_string_equal(json_string_value(json_object_get(value, "kind")), "push_revoked");
    assert_string_equal(json_string_value(json_object_get(value, "user_id")), "u-1\x1b[2J");
    assert_string_equal(json_string_value(json_object_get(value, "trigger")), "cart_abandoned");
    assert_true(json_is_null(json_object_get(value, "offer_value")));
    json_decref(value);
    buffer_clean_up(&out);
}

/* ---- Summary ---- */

static const struct console_learning nothing_learned; /* test_console_learning.c has some */

struct summary_fixture {
    struct offer offers[2];
    struct decide_config config;
    struct decision_tally tallies[2];
    const struct decision_tally *items[2];
    struct console_tallies view;
    struct console_totals totals;
};

static int set_up(void **state) {
    struct summary_fixture *fixture = memory_new(1, sizeof *fixture);
    fixture->offers[0].id = "reminder";
    fixture->offers[1].id = "ten_percent";
    fixture->config.offers = (struct config_list){fixture->offers, 2};
    fixture->items[0] = &fixture->tallies[0];
    fixture->items[1] = &fixture->tallies[1];
    fixture->view = (struct console_tallies){fixture->items, 2, &fixture->config};
    metric_set(&fixture->tallies[0].count[TRIGGER_CART_ABANDONED][2][GATE_NONE], 1200);
    metric_set(&fixture->tallies[1].count[TRIGGER_CART_ABANDONED][2][GATE_NONE], 34);
    metric_set(&fixture->tallies[1].count[TRIGGER_BROWSE_ABANDONED][0][GATE_CONSENT_UNKNOWN], 7);
    metric_set(&fixture->tallies[0].count[0][0][0], 1); /* the very first cell */
    fixture->totals = console_totals_none();
    fixture->totals.polled = 5000;
    fixture->totals.applied = 4990;
    fixture->totals.refused = 10;
    fixture->totals.future = 10;
    fixture->totals.decisions = 1242;
    fixture->totals.pushes = 1234;
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    free(*state);
    return 0;
}

static void test_summary_text(void **state) {
    struct summary_fixture *fixture = *state;
    struct buffer out = {0};
    console_render_summary(&fixture->totals, &fixture->view, &nothing_learned, 2000, false, &out);
    assert_has(&out, "summary of 2.0 s: 2,500 events/s");
    assert_has(&out, "polled 5,000, applied 4,990");
    assert_has(&out, "future 10");
    assert_has(&out, "taken 1,242, pushed 1,234, held 8, revoked 0");
    assert_has(&out, "  cart_abandoned       ten_percent              sent                      "
                     "1,234\n");
    assert_has(&out,
               "  browse_abandoned     none                     consent_unknown               "
               "7\n");
    assert_has(&out,
               "  cart_abandoned       none                     observation                   "
               "1\n");
    assert_null(strstr(text_of(&out), "reminder")); /* never counted, not shown */
    buffer_clean_up(&out);
}

static void test_summary_json(void **state) {
    struct summary_fixture *fixture = *state;
    struct buffer out = {0};
    console_render_summary(&fixture->totals, &fixture->view, &nothing_learned, 2000, true, &out);
    json_t *value = parse(&out);
    assert_int_equal(integer(value, "events", "polled"), 5000);
    assert_int_equal(integer(value, "refused", "future"), 10);
    assert_int_equal(integer(value, "decisions", "held"), 8);
    json_t *by = json_object_get(value, "by");
    assert_int_equal(json_array_size(by), 3);
    json_t *row = json_array_get(by, 1);
    assert_string_equal(json_string_value(json_object_get(row, "offer")), "ten_percent");
    assert_string_equal(json_string_value(json_object_get(row, "reason")), "sent");
    assert_int_equal(json_integer_value(json_object_get(row, "count")), 1234);
    json_decref(value);
    buffer_clean_up(&out);
}

/* Who sees messages refused is told why, whatever the reason. */
static void test_every_verdict_is_shown(void **state) {
    struct summary_fixture *fixture = *state;
    struct buffer out = {0};
    console_render_summary(&fixture->totals, &fixture->view, &nothing_learned, 2000, true, &out);
    json_t *value = parse(&out);
    const json_t *shown = json_object_get(value, "undecodable");
    for (int verdict = EVENT_OK + 1; verdict < EVENT_VERDICT_COUNT; verdict++) {
        const char *name = event_verdict_name((enum event_verdict)verdict);
        if (!json_object_get(shown, name)) {
            fail_msg("%s is not shown", name);
        }
    }
    json_decref(value);
    buffer_clean_up(&out);
}

static void test_summary_of_nothing(void **state) {
    struct summary_fixture *fixture = *state;
    memset(fixture->tallies, 0, sizeof fixture->tallies);
    struct console_totals none = console_totals_none();
    struct buffer out = {0};
    console_render_summary(&none, &fixture->view, &nothing_learned, 0, false, &out);
    assert_has(&out, "(no decision was taken)");
    buffer_clear(&out);
    console_render_summary(&none, &fixture->view, &nothing_learned, 0, true, &out);
    json_t *value = parse(&out);
    assert_int_equal(json_array_size(json_object_get(value, "by")), 0);
    json_decref(value);
    buffer_clean_up(&out);
}

static void test_exposition(void **state) {
    struct summary_fixture *fixture = *state;
    struct buffer out = {0};
    console_write_tallies(&fixture->view, &out);
    assert_has(&out, "# TYPE promostream_emit_decisions_by counter\n");
    assert_has(&out,
               "promostream_emit_decisions_by{trigger=\"cart_abandoned\",offer=\"ten_percent\","
               "reason=\"sent\"} 1234\n");
    buffer_clean_up(&out);
}

/* ---- The live console ---- */

#define THREADS         4
#define PUSHES_A_THREAD 500

static void *push_many(void *console) {
    struct push_row push = example_push();
    for (int i = 0; i < PUSHES_A_THREAD; i++) {
        console_push(console, &push);
    }
    return NULL;
}

static size_t count_of(const char *text, const char *piece) {
    size_t count = 0;
    for (const char *at = strstr(text, piece); at; at = strstr(at + 1, piece)) {
        count++;
    }
    return count;
}

static void test_live(void **state) {
    struct summary_fixture *fixture = *state;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    struct console *console = console_new(out, 3, false);
    console_tick(console, &fixture->totals, 1000);
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, push_many, console), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    fixture->totals.polled += 100;
    console_tick(console, &fixture->totals, 2000);
    fflush(out);
    assert_int_equal(count_of(text, "  > u-1"), 3);
    assert_int_equal(count_of(text, "    and 1997 more\n"), 1);
    assert_int_equal(count_of(text, "100 events/s"), 1);
    struct push_row push = example_push();
    console_push(console, &push); /* a new second, a new allowance; shown even if no tick follows */
    console_end(console, &fixture->totals, &fixture->view, &nothing_learned, 4000);
    fflush(out);
    assert_int_equal(count_of(text, "  > u-1"), 4);
    assert_int_equal(count_of(text, "summary of 3.0 s"), 1);
    console_destroy(console);
    console_destroy(NULL);
    fclose(out);
    free(text);
}

/* What is not a terminal may be kept for years. */
static void test_pseudonyms(void **state) {
    struct summary_fixture *fixture = *state;
    for (int is_json = 0; is_json < 2; is_json++) {
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);
        struct console *console = console_new(out, 3, is_json);
        struct pseudonym_key key = pseudonym_key_of(bytes_of_text("a key"));
        console_use_pseudonyms(console, key);
        struct push_row push = example_push();
        push.user_id = bytes_of_text("anna@example.org");
        push.title = push.body = bytes_of_text("For anna@example.org");
        console_push(console, &push);
        console_tick(console, &fixture->totals, 1000);
        fflush(out);
        assert_int_equal(count_of(text, "anna"), 0);
        assert_int_equal(count_of(text, pseudonym_of(&key, push.user_id).text), 1);
        assert_int_equal(count_of(text, "cart quiet for 60 min"), 1);
        console_destroy(console);
        fclose(out);
        free(text);
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_totals),     cmocka_unit_test(test_line), cmocka_unit_test(test_push),
        TEST(test_summary_text),           TEST(test_pseudonyms),       TEST(test_summary_json),
        TEST(test_summary_of_nothing),     TEST(test_exposition),       TEST(test_live),
        TEST(test_every_verdict_is_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
