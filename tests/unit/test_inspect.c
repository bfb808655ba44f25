/* inspect: a user's rows as a person reads them, and as JSON that a parser takes. */
#include "consumer/commands/inspect.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "schemas/event.h"
#include "tests/support/user_rows.h"

#define NOW_MS  INT64_C(1793520000000) /* 2026-11-01T08:00:00Z */
#define HOUR_MS INT64_C(3600000)

struct fixture {
    struct user_state user;
    struct item_names items;
    struct user_state_names names;
    struct decide_config decide;
    struct outcomes_config outcomes;
    struct open_decision_row open_row;
    struct decision_row decisions[2];
    struct inspect_view view;
    struct buffer out;
};

static const struct hash128 open_id = {0xab, 0xcd};

static struct open_decision open_of(void) {
    return (struct open_decision){
        .id = open_id,
        .deadline_ms = NOW_MS - HOUR_MS,
        .decided_ms = NOW_MS - HOUR_MS,
        .close_ms = NOW_MS + 167 * HOUR_MS,
        .redecide_ms = TIME_NONE,
        .expires_ms = NOW_MS + HOUR_MS,
        .trigger = TRIGGER_CART_ABANDONED,
        .flags = DECISION_SENT | DECISION_DELIVERED,
        .offer_id = "ten_percent",
        .order_ms = TIME_NONE,
        .order_total = NAN,
        .refunded = NAN,
    };
}

static void set_decisions(struct decision_row decisions[2]) {
    for (int i = 0; i < 2; i++) {
        struct decision_row *row = &decisions[i];
        row->decision_id = (struct hash128){0xab, (uint64_t)(0xcc + i)};
        row->trigger = TRIGGER_CART_ABANDONED;
        row->decided_ms = NOW_MS - (2 - i) * HOUR_MS;
        row->action_count = 2;
        row->actions[0] = (struct action_probability){bytes_of_text("none"), .1, 4.5};
        row->actions[1] = (struct action_probability){bytes_of_text("ten_percent"), .9, 7.25};
        row->action = row->actions[i].action;
        row->action_p = row->actions[i].p;
        row->reason = bytes_of_text(i ? "value" : "explored_none");
        row->policy = bytes_of_text(i ? "value" : "rule");
        row->score_count = 1;
        row->scores[0] = (struct learner_score_row){
            .learner = bytes_of_text("logistic"), .p_count = 2, .p = {.125, .25}};
    }
}

static int set_up(void **state) {
    struct fixture *fixture = memory_new(1, sizeof *fixture);
    struct user_state *user = &fixture->user;
    *user = user_of("anna");
    user->first_seen_ms = NOW_MS - 50 * HOUR_MS;
    user->last_event_ms = NOW_MS;
    user->session_start_ms = NOW_MS - HOUR_MS;
    user->consent = CONSENT_GRANTED;
    user->zone = 1;
    memcpy(user->locale, "de-DE-123456", 12); /* the field is full: no NUL */
    user->counters[COUNTER_VIEWED] = (struct decayed_counter){NOW_MS - HOUR_MS, {8, 8, 8}};
    user->recent[0] = (struct recent_item){.item = 7, .kind = EVENT_PRODUCT_VIEWED};
    struct user_active *active = add_active(user);
    add_cart_line(user, (struct cart_line){.item = 5, .quantity = 2, .price = 49.5f});
    add_cart_line(user, (struct cart_line){.item = 6, .quantity = 1, .price = NAN});
    add_open(user, open_of());
    active->timers[TIMER_CART].deadline_ms = NOW_MS + HOUR_MS;
    active->sent_count = 3;
    active->sent_ms[0] = NOW_MS - 8 * 24 * HOUR_MS; /* beyond both caps' windows */
    active->sent_ms[1] = NOW_MS - 24 * HOUR_MS;     /* exactly a day ago counts no more */
    active->sent_ms[2] = NOW_MS - HOUR_MS;
    fixture->names = user_rows_names(&fixture->items);
    fixture->decide.cap_per_user_day = 1;
    fixture->decide.cap_per_user_week = 3;
    fixture->outcomes = (struct outcomes_config){.trigger_window_ms = 24 * HOUR_MS,
                                                 .observe_window_ms = HOUR_MS / 2,
                                                 .return_window_ms = 720 * HOUR_MS};
    fixture->open_row.open = open_of();
    fixture->open_row.bucket = bytes_of_text("explore");
    set_decisions(fixture->decisions);
    fixture->view = (struct inspect_view){
        .user_id = bytes_of_text("anna"),
        .partition = 3,
        .partition_count = 8,
        .state = user,
        .names = &fixture->names,
        .decide = &fixture->decide,
        .outcomes = &fixture->outcomes,
        .open_rows = &fixture->open_row,
        .open_row_count = 1,
        .decisions = fixture->decisions,
        .decision_count = 2,
        .note = "",
    };
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    user_state_clean_up(&fixture->user);
    buffer_clean_up(&fixture->out);
    free(fixture);
    return 0;
}

static void assert_has(struct buffer *out, const char *wanted) {
    buffer_append_byte(out, 0);
    out->size--;
    if (!strstr((const char *)out->data, wanted)) {
        fail_msg("'%s' is not in:\n%s", wanted, (const char *)out->data);
    }
}

static void test_text(void **state) {
    struct fixture *fixture = *state;
    struct buffer *out = &fixture->out;
    inspect_render(&fixture->view, false, out);
    assert_has(out, "  user        id anna, partition 3, of 8\n");
    assert_has(out, "last 2026-11-01T08:00:00Z");
    assert_has(out, "  profile     consent granted, zone Europe/Berlin, locale de-DE-123456\n");
    assert_has(out, "viewed      v1h 4, v1d 7.772, "); /* decayed to the last event */
    assert_has(out, "10048007                  product_viewed\n");
    assert_has(out, "  basket      lines 2, value 99.00, overflow 0\n");
    assert_has(out, "10048005                      2       49.50\n");
    assert_has(out, "10048006                      1           -\n");
    assert_has(out, "in_24h 1, cap_per_day 1, in_7d 2, cap_per_week 3");
    assert_has(out, "cart        2026-11-01T09:00:00Z\n");
    assert_has(out, "00000000000000ab00000000000000cd  cart_abandoned      decided "
                    "2026-11-01T07:00:00Z, offer ten_percent, bucket explore\n");
    assert_has(out, "flags sent delivered, label not bought so far");
    assert_has(out, "next_step 2026-11-02T07:00:00Z"); /* the first label */
    assert_has(out, "window_ends 2026-11-08T07:00:00Z\n");
    assert_has(out, "2026-11-01T06:00:00Z  cart_abandoned      none              explored_none   "
                    "  policy rule, action_p 0.1000, buy_p 0.1250, value 4.50");
    assert_has(out, "2026-11-01T07:00:00Z  cart_abandoned      ten_percent       value           "
                    "  policy value, action_p 0.9000, buy_p 0.2500, value 7.25");
}

static void test_json(void **state) {
    struct fixture *fixture = *state;
    inspect_render(&fixture->view, true, &fixture->out);
    json_error_t error;
    json_t *value = json_loadb((const char *)fixture->out.data, fixture->out.size, 0, &error);
    if (!value) {
        fail_msg("not JSON: %s in %.*s", error.text, BYTES_ARG(buffer_bytes(&fixture->out)));
    }
    json_t *open = json_array_get(json_object_get(value, "open_decisions"), 0);
    assert_string_equal(json_string_value(json_object_get(open, "decision_id")),
                        "00000000000000ab00000000000000cd");
    assert_int_equal(json_array_size(json_object_get(open, "flags")), 2);
    assert_true(json_is_null(json_object_get(open, "order_total")));
    json_t *cart = json_object_get(value, "cart");
    assert_int_equal(json_array_size(cart), 2);
    assert_true(json_is_null(json_object_get(json_array_get(cart, 1), "price")));
    json_t *decision = json_array_get(json_object_get(value, "last_decisions"), 1);
    assert_true(json_number_value(json_object_get(decision, "buy_p")) == .25);
    json_decref(value);
}

/* What is not there is said, and does not crash. */
static void test_little_is_known(void **state) {
    struct fixture *fixture = *state;
    struct user_state quiet = user_of("bert");
    fixture->view.state = &quiet;
    fixture->view.open_row_count = fixture->view.decision_count = 0;
    inspect_render(&fixture->view, false, &fixture->out);
    assert_has(&fixture->out, "  profile     consent unknown\n");
    buffer_clear(&fixture->out);
    fixture->view.state = NULL;
    fixture->view.note = "  something was hidden";
    inspect_render(&fixture->view, false, &fixture->out);
    assert_has(&fixture->out, "no row in user-state: the user was forgotten");
    assert_has(&fixture->out, "something was hidden\n");
    user_state_clean_up(&quiet);
}

static void test_labels(void **state) {
    (void)state;
    struct open_decision open = open_of();
    assert_string_equal(decision_label_so_far(&open), "not bought so far");
    open.order_ms = NOW_MS; /* an order that was cancelled */
    assert_string_equal(decision_label_so_far(&open), "cancelled");
    open.flags |= DECISION_ORDERED;
    assert_string_equal(decision_label_so_far(&open), "bought");
    struct bytes words[DECISION_FLAGS];
    assert_int_equal(decision_flag_words(0xff, words), 8);
    assert_true(bytes_equal(words[7], bytes_of_text("censored")));
    assert_int_equal(decision_flag_words(DECISION_MATURED, words), 1);
    assert_true(bytes_equal(words[0], bytes_of_text("matured")));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_text),
        TEST(test_json),
        TEST(test_little_is_known),
        cmocka_unit_test(test_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
