/* Where an epoch ends decides nothing: a decision that waits in the micro-batch is taken before the
 * timer that it sets is due, also when no other timer and no event of its user asks for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "../support/stream.h"

#define MINUTE_MS 60000
#define HOUR_MS   (60 * MINUTE_MS)

static const char config[] =
    "clean: {lateness: 5s}\n"
    "triggers:\n"
    "  cart_abandoned: {idle: 20m}\n"
    "  checkout_abandoned: {enabled: false}\n"
    "  browse_abandoned: {enabled: false}\n"
    "  observe: {share: 0}\n"
    "outcomes: {trigger_window: 3h, return_window: 3d}\n"
    "decide:\n"
    "  control_share: 0\n"
    "  none_share: 0\n"
    "  attribution_window: 2d\n"
    "  quiet_hours: \"22:00-08:00\"\n"
    "  offers: [{id: ten, kind: percent_off, value: 10, valid: 12h, title: t, body: b}]\n"
    "  rules: [{trigger: cart_abandoned, offer: ten}]\n";

struct step {
    const char *user;
    int64_t at_ms; /* since midnight */
    enum event_type type;
};

static void add_step(struct stream *stream, const struct step *step) {
    struct event_line line = {.item_id = bytes_of_text("shoe"), .price = 50, .quantity = 1};
    struct event event;
    event_clear(&event, &line);
    event.user_id = bytes_of_text(step->user);
    event.type = step->type;
    event.event_ms = STREAM_START_MS + step->at_ms;
    event.timezone = bytes_of_text("UTC");
    event.consent = CONSENT_GRANTED;
    event.total = 50;
    event.line_count = step->type == EVENT_ORDER_COMPLETED ? 0 : 1;
    stream_add(stream, INPUT_CLICKSTREAM, &event, event.event_ms);
}

/* The rows of a topic after epochs of cut records. */
static void run(const struct stream *stream, size_t cut, struct outputs *outputs,
                struct buffer *state) {
    struct bench bench;
    bench_init(&bench, config, 64);
    for (size_t at = 0; at < stream->count; at += cut) {
        size_t left = stream->count - at;
        bench_epoch(&bench, &stream->records[at], left < cut ? left : cut, outputs);
    }
    bench_state(&bench, state);
    bench_clean_up(&bench);
}

static void check(const struct step *steps, size_t count, size_t pushes, size_t decisions,
                  size_t examples) {
    static const enum topic ordered[] = {TOPIC_PROMOTION_DECISIONS, TOPIC_PROMOTION_PUSHES,
                                         TOPIC_OPEN_DECISIONS, TOPIC_EXAMPLES};
    struct stream stream = {0};
    struct outputs one = {0}, many = {0};
    struct buffer one_state = {0}, many_state = {0};
    for (size_t i = 0; i < count; i++) {
        add_step(&stream, &steps[i]);
    }
    stream_seal(&stream);
    run(&stream, count, &one, &one_state);
    run(&stream, 1, &many, &many_state);
    assert_int_equal(many.count[TOPIC_PROMOTION_DECISIONS], decisions);
    assert_int_equal(many.count[TOPIC_PROMOTION_PUSHES], pushes);
    assert_int_equal(many.count[TOPIC_EXAMPLES], examples);
    for (size_t i = 0; i < sizeof ordered / sizeof ordered[0]; i++) {
        struct bytes left = buffer_bytes(&one.topic[ordered[i]]);
        struct bytes right = buffer_bytes(&many.topic[ordered[i]]);
        assert_true(bytes_equal(left, right));
    }
    assert_true(bytes_equal(buffer_bytes(&one_state), buffer_bytes(&many_state)));
    buffer_clean_up(&one_state);
    buffer_clean_up(&many_state);
    outputs_clean_up(&one);
    outputs_clean_up(&many);
    stream_clean_up(&stream);
}

/* Held at 7:40 for the night, due again at 8:00, before the new line of 8:20. */
static void test_the_night_ends_inside_an_epoch(void **state) {
    (void)state;
    static const struct step steps[] = {
        {"anna", 7 * HOUR_MS + 20 * MINUTE_MS, EVENT_PRODUCT_ADDED},
        {"carl", 7 * HOUR_MS + 50 * MINUTE_MS, EVENT_PRODUCT_VIEWED},
        {"carl", 8 * HOUR_MS + 10 * MINUTE_MS, EVENT_PRODUCT_VIEWED},
        {"anna", 8 * HOUR_MS + 20 * MINUTE_MS, EVENT_PRODUCT_ADDED},
        {"carl", 8 * HOUR_MS + 30 * MINUTE_MS, EVENT_PRODUCT_VIEWED},
    };
    check(steps, sizeof steps / sizeof steps[0], 1, 2, 0);
}

/* The same when the watermark jumps over both, the deadline and the end of the night, at once. */
static void test_the_night_ends_in_a_jump(void **state) {
    (void)state;
    static const struct step steps[] = {
        {"anna", 7 * HOUR_MS + 20 * MINUTE_MS, EVENT_PRODUCT_ADDED},
        {"carl", 8 * HOUR_MS + 10 * MINUTE_MS, EVENT_PRODUCT_VIEWED},
        {"anna", 8 * HOUR_MS + 20 * MINUTE_MS, EVENT_PRODUCT_ADDED},
        {"carl", 8 * HOUR_MS + 30 * MINUTE_MS, EVENT_PRODUCT_VIEWED},
    };
    check(steps, sizeof steps / sizeof steps[0], 1, 2, 0);
}

/* A decision of three days ago is closed before the user does anything else. */
static void test_a_window_ends_in_a_jump(void **state) {
    (void)state;
    static const struct step steps[] = {
        {"anna", 12 * HOUR_MS, EVENT_PRODUCT_ADDED},
        {"carl", 84 * HOUR_MS, EVENT_PRODUCT_VIEWED},
        {"anna", 84 * HOUR_MS, EVENT_ORDER_COMPLETED},
        {"carl", 85 * HOUR_MS, EVENT_PRODUCT_VIEWED},
    };
    check(steps, sizeof steps / sizeof steps[0], 1, 1, 1);
}

/* The short window and the attribution window of one decision end in the same jump, and its
 * example comes before the order of the other user's that follows. */
static void test_labels_come_in_a_jump(void **state) {
    (void)state;
    static const struct step steps[] = {
        {"anna", 10 * HOUR_MS, EVENT_PRODUCT_ADDED},
        {"bert", 10 * HOUR_MS + 10 * MINUTE_MS, EVENT_PRODUCT_ADDED},
        {"carl", 11 * HOUR_MS, EVENT_PRODUCT_VIEWED},
        {"bert", 12 * HOUR_MS, EVENT_ORDER_COMPLETED}, /* inside the short window: no label yet */
        {"carl", 20 * HOUR_MS, EVENT_PRODUCT_VIEWED},
        {"anna", 21 * HOUR_MS, EVENT_ORDER_COMPLETED}, /* takes "not bought" back */
        {"bert", 22 * HOUR_MS, EVENT_ORDER_CANCELLED},
        {"carl", 150 * HOUR_MS, EVENT_PRODUCT_VIEWED},
    };
    check(steps, sizeof steps / sizeof steps[0], 4, 2, 4); /* both pushes are taken back */
}

static int set_up(void **state) {
    (void)state;
    schemas_init();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_night_ends_inside_an_epoch),
        cmocka_unit_test(test_the_night_ends_in_a_jump),
        cmocka_unit_test(test_a_window_ends_in_a_jump),
        cmocka_unit_test(test_labels_come_in_a_jump),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
