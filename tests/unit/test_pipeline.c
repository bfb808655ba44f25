/* One event at a time through all rooms: bad input, logins, orders, quiet hours, too many open
 * decisions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "tests/support/stream.h"

#define MINUTE_MS 60000
#define NOON_MS   (STREAM_START_MS + 12 * 60 * MINUTE_MS) /* in UTC */

static const char config[] =
    "clean: {lateness: 5s, max_skew: 5m, price_max: 1000, bot_user_agents: [crawler]}\n"
    "state: {bot_events_per_minute: 20}\n"
    "triggers:\n"
    "  cart_abandoned: {idle: 20m}\n"
    "  checkout_abandoned: {enabled: false}\n"
    "  browse_abandoned: {enabled: false}\n"
    "decide:\n"
    "  control_share: 0\n"
    "  none_share: 0\n"
    "  cap_per_user_day: 0\n"
    "  cap_per_user_week: 0\n"
    "  quiet_hours: \"22:00-08:00\"\n"
    "  offers: [{id: ten, kind: percent_off, value: 10, title: t, body: b}]\n"
    "  rules: [{trigger: cart_abandoned, offer: ten}]\n";

struct scene {
    struct bench bench; /* bench.epoch keeps the rows of the last record */
};

static int set_up(void **state) {
    struct scene *scene = memory_new(1, sizeof *scene);
    schemas_init();
    bench_init(&scene->bench, config, 64);
    *state = scene;
    return 0;
}

static int tear_down(void **state) {
    struct scene *scene = *state;
    bench_clean_up(&scene->bench);
    free(scene);
    return 0;
}

static struct event event_of(struct event_line *line, const char *user, enum event_type type,
                             int64_t event_ms) {
    struct event event;
    event_clear(&event, line);
    *line = (struct event_line){.item_id = bytes_of_text("shoe"),
                                .category = bytes_of_text("shoes"),
                                .price = 50,
                                .quantity = 1};
    event.user_id = bytes_of_text(user);
    event.type = type;
    event.event_ms = event_ms;
    event.consent = CONSENT_GRANTED;
    event.line_count = type >= EVENT_PRODUCT_VIEWED && type <= EVENT_PRODUCT_REMOVED ? 1 : 0;
    return event;
}

/* Runs one record as an epoch of its own; its rows stay in bench.epoch until the next one. */
static void feed_bytes(struct scene *scene, enum broker_input input, struct bytes key,
                       struct bytes value, int64_t timestamp_ms) {
    struct bench *bench = &scene->bench;
    struct record record = {.key = key,
                            .value = value,
                            .timestamp_ms = timestamp_ms,
                            .offset = bench->partition.next_offset[input],
                            .input = input};
    epoch_clear(&bench->epoch);
    pipeline_begin(&bench->pipeline, &bench->epoch);
    partition_begin(&bench->partition);
    if (input == INPUT_FEEDBACK) {
        pipeline_feedback(&bench->pipeline, &bench->partition, &record, 1);
    } else {
        pipeline_clickstream(&bench->pipeline, &bench->partition, &record, 1);
    }
    pipeline_finish(&bench->pipeline, &bench->partition, 0);
    pipeline_check(&bench->pipeline);
}

static void feed_as(struct scene *scene, enum broker_input input, const struct event *event,
                    int64_t timestamp_ms) {
    struct buffer value = {0};
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_EVENT, 0, &value);
    event_encode(event, &value);
    feed_bytes(scene, input, event->user_id, buffer_bytes(&value), timestamp_ms);
    buffer_clean_up(&value);
}

static void feed(struct scene *scene, const char *user, enum event_type type, int64_t event_ms) {
    struct event_line line;
    struct event event = event_of(&line, user, type, event_ms);
    feed_as(scene, INPUT_CLICKSTREAM, &event, event_ms);
}

/* The n-th row of a topic in the last epoch; its body. */
static bool row_of(struct scene *scene, enum topic topic, enum schema schema, size_t n,
                   struct bytes *out_body) {
    const struct epoch *epoch = &scene->bench.epoch;
    for (size_t i = 0; i < epoch->record_count; i++) {
        if (epoch->records[i].topic == topic && n-- == 0) {
            assert_true(wire_unframe(WIRE_SINGLE_OBJECT, schema, 0, epoch_record_value(epoch, i),
                                     out_body));
            return true;
        }
    }
    return false;
}

static bool decision_row(struct scene *scene, size_t n, struct decision_row *out) {
    struct bytes body;
    return row_of(scene, TOPIC_PROMOTION_DECISIONS, SCHEMA_DECISION, n, &body) &&
           decision_decode(body, out);
}

static bool push_row(struct scene *scene, size_t n, struct push_row *out) {
    struct bytes body;
    return row_of(scene, TOPIC_PROMOTION_PUSHES, SCHEMA_PUSH, n, &body) && push_decode(body, out);
}

static void assert_text(struct bytes found, const char *expected) {
    assert_true(bytes_equal(found, bytes_of_text(expected)));
}

static void assert_dead_letter(struct scene *scene, struct bytes value, const char *reason) {
    struct dead_letter_row row;
    struct bytes body;
    assert_true(row_of(scene, TOPIC_DEAD_LETTERS, SCHEMA_DEAD_LETTER, 0, &body));
    assert_true(dead_letter_decode(body, &row));
    assert_text(row.reason, reason);
    assert_text(row.topic, "clickstream");
    assert_true(value.size == 0 || bytes_equal(row.value, value));
}

static const struct user_state *user_of(struct scene *scene, const char *name) {
    uint32_t slot = user_store_find(&scene->bench.partition.store, bytes_of_text(name));
    return slot == SLOT_NONE ? NULL : &user_store_get(&scene->bench.partition.store, slot)->state;
}

#define COUNT(scene, name) metric_get(&(scene)->bench.pipeline.clean.metrics.name)

static void test_bad_bytes_are_dead_letters(void **state) {
    struct scene *scene = *state;
    struct bytes key = bytes_of_text("anna"), garbage = bytes_of_text("\xc3\x01 garbage");
    feed_bytes(scene, INPUT_CLICKSTREAM, key, garbage, NOON_MS);
    assert_dead_letter(scene, garbage, "bad_framing");
    feed_bytes(scene, INPUT_CLICKSTREAM, key, bytes_of(NULL, 0), NOON_MS);
    assert_dead_letter(scene, bytes_of(NULL, 0), "empty");
    struct event_line line;
    struct event event = event_of(&line, "anna", EVENT_PRODUCT_VIEWED, NOON_MS);
    struct buffer value = {0};
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_EVENT, 0, &value);
    event_encode(&event, &value);
    value.size -= 3;
    feed_bytes(scene, INPUT_CLICKSTREAM, key, buffer_bytes(&value), NOON_MS);
    assert_dead_letter(scene, buffer_bytes(&value), "truncated");
    buffer_clean_up(&value);
    assert_int_equal(COUNT(scene, undecodable_total), 3);
    assert_null(user_of(scene, "anna"));
    feed(scene, "anna", EVENT_PRODUCT_VIEWED, NOON_MS); /* and the next one is as welcome as ever */
    assert_non_null(user_of(scene, "anna"));
}

static void test_refused_events_are_counted_by_reason(void **state) {
    struct scene *scene = *state;
    struct event_line line;
    struct event event = event_of(&line, "anna", EVENT_PRODUCT_VIEWED, NOON_MS + 6 * MINUTE_MS);
    feed_as(scene, INPUT_CLICKSTREAM, &event, NOON_MS);
    assert_dead_letter(scene, bytes_of(NULL, 0), "future");
    assert_int_equal(scene->bench.partition.watermark_ms, TIME_NONE);
    event = event_of(&line, "", EVENT_PRODUCT_VIEWED, NOON_MS);
    feed_as(scene, INPUT_CLICKSTREAM, &event, NOON_MS);
    assert_dead_letter(scene, bytes_of(NULL, 0), "missing_user");
    event = event_of(&line, "anna", EVENT_PRODUCT_VIEWED, 1000);
    feed_as(scene, INPUT_CLICKSTREAM, &event, NOON_MS);
    assert_dead_letter(scene, bytes_of(NULL, 0), "bad_time");
    event = event_of(&line, "anna", EVENT_PUSH_OPENED, NOON_MS);
    feed_as(scene, INPUT_CLICKSTREAM, &event, NOON_MS);
    assert_dead_letter(scene, bytes_of(NULL, 0), "not_feedback");
    assert_int_equal(COUNT(scene, refused_total), 4);
    assert_int_equal(COUNT(scene, applied_total), 0);
}

static void test_absurd_price_is_clipped_and_missing_stays_missing(void **state) {
    struct scene *scene = *state;
    struct event_line line;
    struct event event = event_of(&line, "anna", EVENT_PRODUCT_ADDED, NOON_MS);
    line.price = 5e6;
    feed_as(scene, INPUT_CLICKSTREAM, &event, NOON_MS);
    assert_int_equal(COUNT(scene, prices_clipped_total), 1);
    assert_true(state_cart_value(user_of(scene, "anna")) == 1000);
    event = event_of(&line, "bert", EVENT_PRODUCT_ADDED, NOON_MS);
    line.price = -3;
    feed_as(scene, INPUT_CLICKSTREAM, &event, NOON_MS);
    assert_true(isnan(state_cart_value(user_of(scene, "bert"))));
}

static void test_duplicates_and_late_events(void **state) {
    struct scene *scene = *state;
    struct event_line line;
    struct event event = event_of(&line, "anna", EVENT_PRODUCT_ADDED, NOON_MS);
    event.event_id = bytes_of_text("e1");
    feed_as(scene, INPUT_CLICKSTREAM, &event, NOON_MS);
    feed_as(scene, INPUT_CLICKSTREAM, &event, NOON_MS);
    assert_int_equal(COUNT(scene, duplicates_total), 1);
    assert_int_equal(user_of(scene, "anna")->active->cart[0].quantity, 1);
    feed(scene, "bert", EVENT_PRODUCT_VIEWED, NOON_MS + 10 * MINUTE_MS);
    feed(scene, "carl", EVENT_PRODUCT_ADDED, NOON_MS); /* late: arms nothing */
    assert_int_equal(COUNT(scene, late_total), 1);
    assert_false(state_has_cart(user_of(scene, "carl")));
    feed(scene, "anna", EVENT_ORDER_COMPLETED, NOON_MS + MINUTE_MS); /* late: closes the cart */
    assert_false(state_has_cart(user_of(scene, "anna")));
    feed(scene, "bert", EVENT_PRODUCT_VIEWED, NOON_MS + 60 * MINUTE_MS);
    struct decision_row row;
    assert_false(decision_row(scene, 0, &row));
}

static void test_bots_trigger_nothing(void **state) {
    struct scene *scene = *state;
    struct event_line line;
    struct event event = event_of(&line, "spider", EVENT_PRODUCT_ADDED, NOON_MS);
    event.user_agent = bytes_of_text("Mozilla (Big CRAWLER 2.0)");
    feed_as(scene, INPUT_CLICKSTREAM, &event, NOON_MS);
    for (int i = 0; i < 25; i++) {
        feed(scene, "hurry", EVENT_PRODUCT_ADDED, NOON_MS + i);
    }
    assert_true(user_of(scene, "spider")->bot_suspect && user_of(scene, "hurry")->bot_suspect);
    feed(scene, "anna", EVENT_PRODUCT_VIEWED, NOON_MS + 60 * MINUTE_MS);
    struct decision_row row;
    assert_false(decision_row(scene, 0, &row));
}

static void test_order_revokes_what_has_not_arrived(void **state) {
    struct scene *scene = *state;
    struct decision_row decision;
    struct push_row push;
    feed(scene, "anna", EVENT_PRODUCT_ADDED, NOON_MS);
    feed(scene, "bert", EVENT_PRODUCT_ADDED, NOON_MS);
    feed(scene, "zoe", EVENT_PRODUCT_VIEWED, NOON_MS + 21 * MINUTE_MS);
    assert_true(decision_row(scene, 0, &decision) && decision.sent &&
                decision_row(scene, 1, &decision));
    assert_int_equal(decision.deadline_ms, NOON_MS + 20 * MINUTE_MS);
    assert_text(decision.reason, "rule");
    assert_true(push_row(scene, 0, &push) && push_row(scene, 1, &push));
    struct hash128 of_second = push.decision_id;
    char user[8] = {0}, id[33];
    memcpy(user, push.user_id.data,
           push.user_id.size); /* the order of users is that of their hashes */
    hash128_format(of_second, id);
    struct event_line line;
    struct event event = event_of(&line, user, EVENT_PUSH_DELIVERED, NOON_MS + 21 * MINUTE_MS);
    event.decision_id = bytes_of_text(id);
    feed_as(scene, INPUT_FEEDBACK, &event, NOON_MS + 21 * MINUTE_MS);
    feed(scene, user, EVENT_ORDER_COMPLETED, NOON_MS + 22 * MINUTE_MS);
    assert_false(push_row(scene, 0, &push)); /* delivered: nothing to take back */
    const char *other = strcmp(user, "anna") == 0 ? "bert" : "anna";
    feed(scene, other, EVENT_ORDER_COMPLETED, NOON_MS + 22 * MINUTE_MS);
    assert_true(push_row(scene, 0, &push));
    assert_int_equal(push.kind, PUSH_REVOKED);
    assert_false(hash128_equal(push.decision_id, of_second));
    feed(scene, other, EVENT_ORDER_COMPLETED, NOON_MS + 23 * MINUTE_MS);
    assert_false(push_row(scene, 0, &push)); /* once */
}

static void test_feedback_is_counted_once(void **state) {
    struct scene *scene = *state;
    struct push_row push;
    feed(scene, "anna", EVENT_PRODUCT_ADDED, NOON_MS);
    feed(scene, "zoe", EVENT_PRODUCT_VIEWED, NOON_MS + 21 * MINUTE_MS);
    assert_true(push_row(scene, 0, &push));
    char id[33];
    hash128_format(push.decision_id, id);
    struct event_line line;
    struct event event = event_of(&line, "anna", EVENT_PUSH_OPENED, NOON_MS + 22 * MINUTE_MS);
    event.decision_id = bytes_of_text(id);
    event.event_id = bytes_of_text("f1");
    feed_as(scene, INPUT_FEEDBACK, &event, NOON_MS + 22 * MINUTE_MS);
    assert_int_equal(user_of(scene, "anna")->opened, 1);
    assert_true(user_of(scene, "anna")->active->open[0].flags & DECISION_DELIVERED);
    feed_as(scene, INPUT_FEEDBACK, &event, NOON_MS + 22 * MINUTE_MS); /* a sender's retry */
    assert_int_equal(user_of(scene, "anna")->opened, 1);
    assert_int_equal(COUNT(scene, duplicates_total), 1);
    event.type = EVENT_PUSH_DISMISSED;
    event.event_id = bytes_of_text("f2");
    feed_as(scene, INPUT_FEEDBACK, &event, NOON_MS + 22 * MINUTE_MS);
    assert_int_equal(user_of(scene, "anna")->dismissed, 1);
    /* Feedback drives neither time nor session. */
    assert_int_equal(user_of(scene, "anna")->last_event_ms, NOON_MS);
    assert_int_equal(scene->bench.partition.event_ms_max, NOON_MS + 21 * MINUTE_MS);
}

static void test_feedback_for_nobody_is_refused(void **state) {
    struct scene *scene = *state;
    struct event_line line;
    struct event event = event_of(&line, "anna", EVENT_PUSH_DELIVERED, NOON_MS);
    event.decision_id = bytes_of_text("00112233445566778899aabbccddeeff");
    feed_as(scene, INPUT_FEEDBACK, &event, NOON_MS);
    assert_int_equal(COUNT(scene, wrong_partition_total), 1);
    assert_null(user_of(scene, "anna"));
    feed(scene, "anna", EVENT_PRODUCT_VIEWED, NOON_MS); /* known, but without such a decision */
    static const char *const ids[] = {"00112233445566778899aabbccddeeff", "no id", ""};
    for (size_t i = 0; i < 3; i++) {
        event.decision_id = bytes_of_text(ids[i]);
        feed_as(scene, INPUT_FEEDBACK, &event, NOON_MS);
        struct bytes body;
        struct dead_letter_row row;
        assert_true(row_of(scene, TOPIC_DEAD_LETTERS, SCHEMA_DEAD_LETTER, 0, &body));
        assert_true(dead_letter_decode(body, &row));
        assert_text(row.reason, "wrong_partition");
        assert_text(row.topic, "push-feedback");
        assert_int_equal(row.offset, 1 + (int64_t)i);
    }
    event.type = EVENT_PRODUCT_VIEWED; /* a shop event on push-feedback */
    feed_as(scene, INPUT_FEEDBACK, &event, NOON_MS);
    assert_int_equal(COUNT(scene, not_feedback_total), 1);
}

static void test_quiet_hours_defer_and_ask_again(void **state) {
    struct scene *scene = *state;
    struct decision_row first, second;
    int64_t night_ms = NOON_MS + 10 * 60 * MINUTE_MS; /* 22:00 */
    int64_t morning_ms = night_ms + 10 * 60 * MINUTE_MS;
    feed(scene, "anna", EVENT_PRODUCT_ADDED, night_ms);
    feed(scene, "bert", EVENT_PRODUCT_ADDED, night_ms);
    feed(scene, "bert", EVENT_PRODUCT_VIEWED, night_ms + 30 * MINUTE_MS);
    assert_true(decision_row(scene, 0, &first) && decision_row(scene, 1, &first));
    assert_text(first.reason, "quiet_hours");
    assert_int_equal(first.attempt, 0);
    feed(scene, "bert", EVENT_PRODUCT_ADDED,
         night_ms + 40 * MINUTE_MS); /* bert's cart changes in the night */
    feed(scene, "zoe", EVENT_PRODUCT_VIEWED, morning_ms + MINUTE_MS);
    /* bert's second cart has a decision of the night, then both are asked again in the morning. */
    size_t again = 0;
    for (size_t n = 0; decision_row(scene, n, &second); n++) {
        if (second.attempt != 1) {
            continue;
        }
        again++;
        assert_int_equal(second.decided_ms, morning_ms);
        bool is_anna = bytes_equal(second.user_id, bytes_of_text("anna"));
        bool is_old_cart = second.deadline_ms == night_ms + 20 * MINUTE_MS;
        assert_text(second.reason, is_anna || !is_old_cart ? "rule" : "condition_gone");
    }
    assert_int_equal(again, 3);
}

/* The first decision opens an episode of a week; the last one in it is held over night, while the
 * week ends. */
static void test_an_episode_outlives_its_last_night(void **state) {
    struct scene *scene = *state;
    struct decision_row row;
    int64_t week_ms = 7LL * 24 * 60 * MINUTE_MS;
    int64_t night_ms = NOON_MS + 11 * 60 * MINUTE_MS;
    feed(scene, "anna", EVENT_PRODUCT_ADDED, night_ms);
    feed(scene, "zoe", EVENT_PRODUCT_VIEWED, night_ms + 25 * MINUTE_MS);
    assert_true(decision_row(scene, 0, &row) && !row.is_followup);
    struct hash128 episode = row.episode_id;
    feed(scene, "anna", EVENT_PRODUCT_ADDED, night_ms + week_ms - 10 * MINUTE_MS);
    feed(scene, "zoe", EVENT_PRODUCT_VIEWED, night_ms + week_ms + 15 * MINUTE_MS);
    assert_true(decision_row(scene, 0, &row));
    assert_text(row.reason, "quiet_hours");
    assert_true(row.is_followup && hash128_equal(row.episode_id, episode));
    struct hash128 id = row.decision_id;
    /* The week is over; anna looks around, and goes on filling her cart. */
    feed(scene, "anna", EVENT_PRODUCT_VIEWED, night_ms + week_ms + 30 * MINUTE_MS);
    feed(scene, "anna", EVENT_PRODUCT_ADDED, night_ms + week_ms + 40 * MINUTE_MS);
    feed(scene, "zoe", EVENT_PRODUCT_VIEWED, night_ms + week_ms + 65 * MINUTE_MS);
    assert_true(decision_row(scene, 0, &row) && hash128_equal(row.episode_id, episode));
    feed(scene, "zoe", EVENT_PRODUCT_VIEWED, night_ms + week_ms + 12 * 60 * MINUTE_MS);
    assert_true(decision_row(scene, 0, &row) && hash128_equal(row.decision_id, id));
    assert_int_equal(row.attempt, 1);
    assert_true(row.is_followup && hash128_equal(row.episode_id, episode));
    assert_true(decision_row(scene, 1, &row) && hash128_equal(row.episode_id, episode));
    feed(scene, "anna", EVENT_PRODUCT_ADDED, night_ms + week_ms + 13 * 60 * MINUTE_MS);
    feed(scene, "zoe", EVENT_PRODUCT_VIEWED, night_ms + week_ms + 14 * 60 * MINUTE_MS);
    assert_true(decision_row(scene, 0, &row) && !row.is_followup); /* and now a new one begins */
}

static void test_a_bot_of_the_night_gets_nothing_in_the_morning(void **state) {
    struct scene *scene = *state;
    struct decision_row row;
    int64_t night_ms = NOON_MS + 13 * 60 * MINUTE_MS; /* after midnight: the bot rule goes by day */
    feed(scene, "anna", EVENT_PRODUCT_ADDED, night_ms);
    feed(scene, "zoe", EVENT_PRODUCT_VIEWED, night_ms + 25 * MINUTE_MS);
    for (int i = 0; i < 25; i++) {
        feed(scene, "anna", EVENT_PRODUCT_VIEWED, night_ms + 30 * MINUTE_MS + i);
    }
    feed(scene, "zoe", EVENT_PRODUCT_VIEWED, night_ms + 12 * 60 * MINUTE_MS);
    assert_true(decision_row(scene, 0, &row));
    assert_int_equal(row.attempt, 1);
    assert_text(row.reason, "condition_gone");
}

static void test_a_fifth_open_decision_is_logged_only(void **state) {
    struct scene *scene = *state;
    struct decision_row row;
    for (int i = 0; i < 5; i++) {
        feed(scene, "anna", EVENT_PRODUCT_ADDED, NOON_MS + i * 30 * MINUTE_MS);
        feed(scene, "zoe", EVENT_PRODUCT_VIEWED, NOON_MS + (i * 30 + 25) * MINUTE_MS);
        assert_true(decision_row(scene, 0, &row));
        assert_int_equal(row.is_followup, i > 0);
    }
    assert_text(row.reason, "too_many_open");
    assert_int_equal(user_of(scene, "anna")->active->open_count, USER_OPEN_MAX);
    /* A week later the windows have closed, each with a tombstone. */
    feed(scene, "zoe", EVENT_PRODUCT_VIEWED, NOON_MS + 8LL * 24 * 60 * MINUTE_MS);
    assert_int_equal(user_of(scene, "anna")->active->open_count, 0);
    size_t tombstones = 0;
    for (size_t i = 0; i < scene->bench.epoch.record_count; i++) {
        const struct epoch_record *record = &scene->bench.epoch.records[i];
        tombstones += record->topic == TOPIC_OPEN_DECISIONS && record->is_tombstone;
    }
    assert_int_equal(tombstones, USER_OPEN_MAX);
}

static void test_login_moves_the_cart(void **state) {
    struct scene *scene = *state;
    struct event_line line;
    struct decision_row row;
    feed(scene, "guest", EVENT_PRODUCT_ADDED, NOON_MS);
    struct event leave = event_of(&line, "guest", EVENT_USER_IDENTIFIED, NOON_MS + 5 * MINUTE_MS);
    leave.canonical_id = bytes_of_text("anna");
    feed_as(scene, INPUT_CLICKSTREAM, &leave, leave.event_ms);
    assert_false(state_has_cart(user_of(scene, "guest")));
    struct event arrive = event_of(&line, "anna", EVENT_USER_IDENTIFIED, NOON_MS + 5 * MINUTE_MS);
    arrive.guest_id = bytes_of_text("guest");
    arrive.line_count = 1;
    feed_as(scene, INPUT_CLICKSTREAM, &arrive, arrive.event_ms);
    feed(scene, "zoe", EVENT_PRODUCT_VIEWED, NOON_MS + 60 * MINUTE_MS);
    assert_true(decision_row(scene, 0, &row));
    assert_text(row.user_id, "anna");
    assert_int_equal(row.deadline_ms, NOON_MS + 25 * MINUTE_MS);
    assert_false(decision_row(scene, 1, &row)); /* the guest's cart closed without a trigger */
}

static void test_a_user_stays_small(void **state) {
    struct scene *scene = *state;
    for (int i = 0; i < 10; i++) {
        feed(scene, "anna", EVENT_PRODUCT_VIEWED, NOON_MS + i * MINUTE_MS);
    }
    assert_in_range(user_state_memory_bytes(user_of(scene, "anna")), 100, 480);
    struct bytes body;
    assert_true(row_of(scene, TOPIC_USER_STATE, SCHEMA_USER_STATE, 0, &body));
    assert_in_range(body.size, 50, 400);
    printf("a user who looked at 10 items: %zu bytes of memory, %zu bytes of row\n",
           user_state_memory_bytes(user_of(scene, "anna")), body.size);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bad_bytes_are_dead_letters, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused_events_are_counted_by_reason, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_absurd_price_is_clipped_and_missing_stays_missing,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_duplicates_and_late_events, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bots_trigger_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_order_revokes_what_has_not_arrived, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_feedback_is_counted_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_feedback_for_nobody_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_quiet_hours_defer_and_ask_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_episode_outlives_its_last_night, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_bot_of_the_night_gets_nothing_in_the_morning, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_fifth_open_decision_is_logged_only, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_login_moves_the_cart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_user_stays_small, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
