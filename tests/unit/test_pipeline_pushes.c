/* One event at a time through all rooms: what becomes of pushes: feedback, revocations, quiet
 * hours, episodes, too many open decisions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "tests/support/scene.h"

static void test_order_revokes_what_has_not_arrived(void **state) {
    struct scene *scene = *state;
    struct decision_row decision;
    struct push_row push;
    scene_feed(scene, "anna", EVENT_PRODUCT_ADDED, NOON_MS);
    scene_feed(scene, "bert", EVENT_PRODUCT_ADDED, NOON_MS);
    scene_feed(scene, "zoe", EVENT_PRODUCT_VIEWED, NOON_MS + 21 * MINUTE_MS);
    assert_true(scene_decision(scene, 0, &decision) && decision.sent &&
                scene_decision(scene, 1, &decision));
    assert_int_equal(decision.deadline_ms, NOON_MS + 20 * MINUTE_MS);
    scene_assert_text(decision.reason, "rule");
    assert_true(scene_push(scene, 0, &push) && scene_push(scene, 1, &push));
    struct hash128 of_second = push.decision_id;
    assert_true(scene_push(scene, 0, &push));
    struct hash128 of_first = push.decision_id;
    assert_true(scene_push(scene, 1, &push));
    char user[8] = {0}, id[33];
    memcpy(user, push.user_id.data,
           push.user_id.size); /* the order of users is that of their hashes */
    hash128_format(of_second, id);
    struct event_line line;
    struct event event = scene_event(&line, user, EVENT_PUSH_DELIVERED, NOON_MS + 21 * MINUTE_MS);
    event.decision_id = bytes_of_text(id);
    scene_feed_event(scene, INPUT_FEEDBACK, &event, NOON_MS + 21 * MINUTE_MS);
    scene_feed(scene, user, EVENT_ORDER_COMPLETED, NOON_MS + 22 * MINUTE_MS);
    assert_false(scene_push(scene, 0, &push)); /* delivered: nothing to take back */
    const char *other = strcmp(user, "anna") == 0 ? "bert" : "anna";
    scene_feed(scene, other, EVENT_ORDER_COMPLETED, NOON_MS + 22 * MINUTE_MS);
    assert_true(scene_push(scene, 0, &push));
    assert_int_equal(push.kind, PUSH_REVOKED);
    assert_true(hash128_equal(push.decision_id, of_first));
    scene_feed(scene, other, EVENT_ORDER_COMPLETED, NOON_MS + 23 * MINUTE_MS);
    assert_false(scene_push(scene, 0, &push)); /* once */
}

static void test_order_leaves_an_expired_push(void **state) {
    struct scene *scene = *state;
    struct push_row push;
    for (int is_after = 0; is_after < 2; is_after++) {
        const char *user = is_after ? "late" : "soon";
        int64_t start_ms = NOON_MS + is_after * 48LL * 60 * MINUTE_MS;
        scene_feed(scene, user, EVENT_PRODUCT_ADDED, start_ms);
        scene_feed(scene, "zoe", EVENT_PRODUCT_VIEWED, start_ms + 21 * MINUTE_MS);
        assert_true(scene_push(scene, 0, &push));
        assert_int_equal(push.kind, PUSH_SEND);
        scene_feed(scene, user, EVENT_ORDER_COMPLETED, push.expires_ms - 1 + is_after);
        assert_int_equal(scene_push(scene, 0, &push), !is_after);
    }
}

static void test_feedback_is_counted_once(void **state) {
    struct scene *scene = *state;
    struct push_row push;
    scene_feed(scene, "anna", EVENT_PRODUCT_ADDED, NOON_MS);
    scene_feed(scene, "zoe", EVENT_PRODUCT_VIEWED, NOON_MS + 21 * MINUTE_MS);
    assert_true(scene_push(scene, 0, &push));
    char id[33];
    hash128_format(push.decision_id, id);
    struct event_line line;
    struct event event = scene_event(&line, "anna", EVENT_PUSH_OPENED, NOON_MS + 22 * MINUTE_MS);
    event.decision_id = bytes_of_text(id);
    event.event_id = bytes_of_text("f1");
    scene_feed_event(scene, INPUT_FEEDBACK, &event, NOON_MS + 22 * MINUTE_MS);
    assert_int_equal(scene_user(scene, "anna")->opened, 1);
    assert_true(scene_user(scene, "anna")->active->open[0].flags & DECISION_DELIVERED);
    scene_feed_event(scene, INPUT_FEEDBACK, &event,
                     NOON_MS + 22 * MINUTE_MS); /* a sender's retry */
    assert_int_equal(scene_user(scene, "anna")->opened, 1);
    assert_int_equal(SCENE_COUNT(scene, duplicates_total), 1);
    event.type = EVENT_PUSH_DISMISSED;
    event.event_id = bytes_of_text("f2");
    scene_feed_event(scene, INPUT_FEEDBACK, &event, NOON_MS + 22 * MINUTE_MS);
    assert_int_equal(scene_user(scene, "anna")->dismissed, 1);
    /* Feedback drives neither time nor session. */
    assert_int_equal(scene_user(scene, "anna")->last_event_ms, NOON_MS);
    assert_int_equal(scene->bench.partition.event_ms_max, NOON_MS + 21 * MINUTE_MS);
}

static void test_feedback_for_nobody_is_refused(void **state) {
    struct scene *scene = *state;
    struct event_line line;
    struct event event = scene_event(&line, "anna", EVENT_PUSH_DELIVERED, NOON_MS);
    event.decision_id = bytes_of_text("00112233445566778899aabbccddeeff");
    scene_feed_event(scene, INPUT_FEEDBACK, &event, NOON_MS);
    assert_int_equal(SCENE_COUNT(scene, wrong_partition_total), 1);
    assert_null(scene_user(scene, "anna"));
    scene_feed(scene, "anna", EVENT_PRODUCT_VIEWED,
               NOON_MS); /* known, but without such a decision */
    static const char *const ids[] = {"00112233445566778899aabbccddeeff", "no id", ""};
    for (size_t i = 0; i < 3; i++) {
        event.decision_id = bytes_of_text(ids[i]);
        scene_feed_event(scene, INPUT_FEEDBACK, &event, NOON_MS);
        struct bytes body;
        struct dead_letter_row row;
        assert_true(scene_row(scene, TOPIC_DEAD_LETTERS, SCHEMA_DEAD_LETTER, 0, &body));
        assert_true(dead_letter_decode(body, &row));
        scene_assert_text(row.reason, "wrong_partition");
        scene_assert_text(row.topic, "push-feedback");
        assert_int_equal(row.offset, 1 + (int64_t)i);
    }
    event.type = EVENT_PRODUCT_VIEWED; /* a shop event on push-feedback */
    scene_feed_event(scene, INPUT_FEEDBACK, &event, NOON_MS);
    assert_int_equal(SCENE_COUNT(scene, not_feedback_total), 1);
}

static void test_quiet_hours_defer_and_ask_again(void **state) {
    struct scene *scene = *state;
    struct decision_row first, second;
    int64_t night_ms = NOON_MS + 10 * 60 * MINUTE_MS; /* 22:00 */
    int64_t morning_ms = night_ms + 10 * 60 * MINUTE_MS;
    scene_feed(scene, "anna", EVENT_PRODUCT_ADDED, night_ms);
    scene_feed(scene, "bert", EVENT_PRODUCT_ADDED, night_ms);
    scene_feed(scene, "bert", EVENT_PRODUCT_VIEWED, night_ms + 30 * MINUTE_MS);
    assert_true(scene_decision(scene, 0, &first) && scene_decision(scene, 1, &first));
    scene_assert_text(first.reason, "quiet_hours");
    assert_int_equal(first.attempt, 0);
    scene_feed(scene, "bert", EVENT_PRODUCT_ADDED,
               night_ms + 40 * MINUTE_MS); /* bert's cart changes in the night */
    scene_feed(scene, "zoe", EVENT_PRODUCT_VIEWED, morning_ms + MINUTE_MS);
    /* bert's second cart has a decision of the night, then both are asked again in the morning. */
    size_t again = 0;
    for (size_t n = 0; scene_decision(scene, n, &second); n++) {
        if (second.attempt != 1) {
            continue;
        }
        again++;
        assert_int_equal(second.decided_ms, morning_ms);
        bool is_anna = bytes_equal(second.user_id, bytes_of_text("anna"));
        bool is_old_cart = second.deadline_ms == night_ms + 20 * MINUTE_MS;
        scene_assert_text(second.reason, is_anna || !is_old_cart ? "rule" : "condition_gone");
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
    scene_feed(scene, "anna", EVENT_PRODUCT_ADDED, night_ms);
    scene_feed(scene, "zoe", EVENT_PRODUCT_VIEWED, night_ms + 25 * MINUTE_MS);
    assert_true(scene_decision(scene, 0, &row) && !row.is_followup);
    struct hash128 episode = row.episode_id;
    scene_feed(scene, "anna", EVENT_PRODUCT_ADDED, night_ms + week_ms - 10 * MINUTE_MS);
    scene_feed(scene, "zoe", EVENT_PRODUCT_VIEWED, night_ms + week_ms + 15 * MINUTE_MS);
    assert_true(scene_decision(scene, 0, &row));
    scene_assert_text(row.reason, "quiet_hours");
    assert_true(row.is_followup && hash128_equal(row.episode_id, episode));
    struct hash128 id = row.decision_id;
    /* The week is over; anna looks around, and goes on filling her cart. */
    scene_feed(scene, "anna", EVENT_PRODUCT_VIEWED, night_ms + week_ms + 30 * MINUTE_MS);
    scene_feed(scene, "anna", EVENT_PRODUCT_ADDED, night_ms + week_ms + 40 * MINUTE_MS);
    scene_feed(scene, "zoe", EVENT_PRODUCT_VIEWED, night_ms + week_ms + 65 * MINUTE_MS);
    assert_true(scene_decision(scene, 0, &row) && hash128_equal(row.episode_id, episode));
    scene_feed(scene, "zoe", EVENT_PRODUCT_VIEWED, night_ms + week_ms + 12 * 60 * MINUTE_MS);
    assert_true(scene_decision(scene, 0, &row) && hash128_equal(row.decision_id, id));
    assert_int_equal(row.attempt, 1);
    assert_true(row.is_followup && hash128_equal(row.episode_id, episode));
    assert_true(scene_decision(scene, 1, &row) && hash128_equal(row.episode_id, episode));
    scene_feed(scene, "anna", EVENT_PRODUCT_ADDED, night_ms + week_ms + 13 * 60 * MINUTE_MS);
    scene_feed(scene, "zoe", EVENT_PRODUCT_VIEWED, night_ms + week_ms + 14 * 60 * MINUTE_MS);
    assert_true(scene_decision(scene, 0, &row) && !row.is_followup); /* and now a new one begins */
}

static void test_a_bot_of_the_night_gets_nothing_in_the_morning(void **state) {
    struct scene *scene = *state;
    struct decision_row row;
    int64_t night_ms = NOON_MS + 13 * 60 * MINUTE_MS; /* after midnight: the bot rule goes by day */
    scene_feed(scene, "anna", EVENT_PRODUCT_ADDED, night_ms);
    scene_feed(scene, "zoe", EVENT_PRODUCT_VIEWED, night_ms + 25 * MINUTE_MS);
    for (int i = 0; i < 25; i++) {
        scene_feed(scene, "anna", EVENT_PRODUCT_VIEWED, night_ms + 30 * MINUTE_MS + i);
    }
    scene_feed(scene, "zoe", EVENT_PRODUCT_VIEWED, night_ms + 12 * 60 * MINUTE_MS);
    assert_true(scene_decision(scene, 0, &row));
    assert_int_equal(row.attempt, 1);
    scene_assert_text(row.reason, "condition_gone");
}

static void test_a_fifth_open_decision_is_logged_only(void **state) {
    struct scene *scene = *state;
    struct decision_row row;
    for (int i = 0; i < 5; i++) {
        scene_feed(scene, "anna", EVENT_PRODUCT_ADDED, NOON_MS + i * 30 * MINUTE_MS);
        scene_feed(scene, "zoe", EVENT_PRODUCT_VIEWED, NOON_MS + (i * 30 + 25) * MINUTE_MS);
        assert_true(scene_decision(scene, 0, &row));
        assert_int_equal(row.is_followup, i > 0);
    }
    scene_assert_text(row.reason, "too_many_open");
    assert_int_equal(scene_user(scene, "anna")->active->open_count, USER_OPEN_MAX);
    /* A week later the windows have closed, each with a tombstone. */
    scene_feed(scene, "zoe", EVENT_PRODUCT_VIEWED, NOON_MS + 8LL * 24 * 60 * MINUTE_MS);
    assert_int_equal(scene_user(scene, "anna")->active->open_count, 0);
    size_t tombstones = 0;
    for (size_t i = 0; i < scene->bench.epoch.record_count; i++) {
        const struct epoch_record *record = &scene->bench.epoch.records[i];
        tombstones += record->topic == TOPIC_OPEN_DECISIONS && record->is_tombstone;
    }
    assert_int_equal(tombstones, USER_OPEN_MAX);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_set_up, scene_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_order_revokes_what_has_not_arrived),
        TEST(test_order_leaves_an_expired_push),
        TEST(test_feedback_is_counted_once),
        TEST(test_feedback_for_nobody_is_refused),
        TEST(test_quiet_hours_defer_and_ask_again),
        TEST(test_an_episode_outlives_its_last_night),
        TEST(test_a_bot_of_the_night_gets_nothing_in_the_morning),
        TEST(test_a_fifth_open_decision_is_logged_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
