/* The seam under errors that a real broker gives rarely: injected into librdkafka's mock cluster.
 * The mock keeps no offsets of transactions, so what is proven here is the path (lost, assigned
 * anew, alive), not the bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "broker/broker_internal.h"
#include "broker/embedded.h"
#include "tests/support/mock_cluster.h"

#define CALL_GIVEN_UP_MS 6000 /* more than one call waits */
#define FENCED_TIMES     3
#define LONG_AGO_MS      60000
#define SHORT_SESSION_MS 3500

static void mock_cluster_join(struct mock_cluster *mock, int64_t commit_deadline_ms) {
    struct failure failure = mock_cluster_start(mock, commit_deadline_ms);
    assert_string_equal(failure.text, "");
    POLL_UNTIL(&mock->member, mock->member.records == MOCK_RECORDS);
}

static int64_t committed(const struct member *member) {
    return metric_get(&broker_metrics_of(member->broker)->epochs_committed_total);
}

static int64_t recreated(const struct member *member) {
    return metric_get(&broker_metrics_of(member->broker)->producers_recreated_total);
}

/* An epoch is lost, everything is assigned and read anew, and the next epoch commits. */
static void lose_and_recover(struct member *member, int64_t recreated_after) {
    int lost = member->lost, assigned = member->assigned;
    int64_t committed_before = committed(member);
    member_submit(member, "u1", "v1", 1);
    assert_false(member_drain(member));
    member_submit(member, "u2", "v2", 2); /* computed meanwhile: goes with it */
    member->records = 0;
    POLL_UNTIL(member, member->assigned == assigned + 1);
    assert_int_equal(member->lost, lost + 1);
    assert_int_equal(member->revoked, 0);
    assert_int_equal(committed(member), committed_before);
    assert_int_equal(recreated(member), recreated_after);
    POLL_UNTIL(member, member->records == MOCK_RECORDS);
    member_submit(member, "u3", "v3", 3);
    assert_true(member_drain(member));
    assert_int_equal(committed(member), committed_before + 1);
}

static void set_topic_error(struct mock_cluster *mock, enum topic topic, rd_kafka_resp_err_t code) {
    rd_kafka_mock_topic_set_error(mock->cluster, mock->world.topics.full[topic], code);
}

/* The broker that a new producer asks first does not know a topic; the next one does. */
static void produce_where_it_was_unknown(struct mock_cluster *mock, int64_t recreated_after) {
    struct member *member = &mock->member;
    set_topic_error(mock, TOPIC_PROMOTION_PUSHES, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    rd_kafka_mock_push_request_errors(mock->cluster, API_END_TXN, 1,
                                      RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH);
    lose_and_recover(member, recreated_after);
    set_topic_error(mock, TOPIC_PROMOTION_PUSHES, RD_KAFKA_RESP_ERR_NO_ERROR);
    add_text(broker_epoch(member->broker), TOPIC_PROMOTION_PUSHES, 0, "push", "push");
    member_submit(member, "u4", "v4", 4);
    assert_true(member_drain(member));
}

static void test_abortable_then_fatal(void **state) {
    (void)state;
    struct mock_cluster mock;
    mock_cluster_open(&mock, "errors");
    mock_cluster_join(&mock, 20000);
    struct member *member = &mock.member;
    member_submit(member, "u0", "v0", 0);
    assert_true(member_drain(member));

    rd_kafka_mock_push_request_errors(mock.cluster, API_TXN_OFFSET_COMMIT, 1,
                                      RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID);
    lose_and_recover(member, 1);
    rd_kafka_mock_push_request_errors(mock.cluster, API_TXN_OFFSET_COMMIT, 1,
                                      RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION);
    lose_and_recover(member, 2);
    /* Fenced: a new producer, however often; whether there is a twin is the group's to say. */
    rd_kafka_mock_push_request_errors(mock.cluster, API_END_TXN, 1,
                                      RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH);
    lose_and_recover(member, 3);
    rd_kafka_mock_push_request_errors(mock.cluster, API_ADD_OFFSETS, 1,
                                      RD_KAFKA_RESP_ERR_INVALID_TXN_STATE);
    lose_and_recover(member, 4);
    for (int i = 0; i < FENCED_TIMES; i++) {
        rd_kafka_mock_push_request_errors(mock.cluster, API_END_TXN, 1,
                                          RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH);
        lose_and_recover(member, 5 + i);
    }
    produce_where_it_was_unknown(&mock, 5 + FENCED_TIMES);
    mock_cluster_close(&mock);
}

static void test_retriable_errors_are_not_seen(void **state) {
    (void)state;
    struct mock_cluster mock;
    mock_cluster_open(&mock, "retry");
    mock_cluster_join(&mock, 20000);
    struct member *member = &mock.member;
    rd_kafka_mock_push_request_errors(mock.cluster, API_ADD_OFFSETS, 2,
                                      RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS,
                                      RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS);
    rd_kafka_mock_push_request_errors(mock.cluster, API_END_TXN, 2,
                                      RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
                                      RD_KAFKA_RESP_ERR_NOT_COORDINATOR);
    rd_kafka_mock_push_request_errors(mock.cluster, API_PRODUCE, 1,
                                      RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
    member_submit(member, "u1", "v1", 1);
    assert_true(member_drain(member));
    assert_int_equal(committed(member), 1);
    member_poll(member);
    assert_int_equal(member->lost, 0);

    /* A record that no repetition can deliver ends the process, and says which topic. */
    rd_kafka_mock_push_request_errors(mock.cluster, API_PRODUCE, 1,
                                      RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    member_submit(member, "u2", "v2", 2);
    bool done;
    struct failure failure = member_await_stop(member, broker_drain(member->broker, &done));
    assert_non_null(strstr(failure.text, "user-state [0]"));
    mock_cluster_close(&mock);
}

static void test_a_broker_away_longer_than_the_deadline(void **state) {
    (void)state;
    struct mock_cluster mock;
    mock_cluster_open(&mock, "away");
    mock_cluster_join(&mock, 1000);
    struct member *member = &mock.member;
    rd_kafka_mock_broker_set_down(mock.cluster, MOCK_BROKER_ID);
    member_submit(member, "u1", "v1", 1);
    assert_false(member_drain(member));
    POLL_UNTIL(member, member->lost == 1);
    assert_int_equal(member->assigned, 1);
    rd_kafka_mock_broker_set_up(mock.cluster, MOCK_BROKER_ID);
    member->records = 0;
    POLL_UNTIL(member, member->assigned >= 2 && member->records == MOCK_RECORDS);
    member_submit(member, "u2", "v2", 2);
    assert_true(member_drain(member));
    mock_cluster_close(&mock);
}

/* The first request may arrive late, in the next transaction: its producer has another epoch then.
 */
static void test_after_a_repeated_call_comes_a_new_producer(void **state) {
    (void)state;
    struct mock_cluster mock;
    mock_cluster_open(&mock, "late");
    mock_cluster_join(&mock, 30000);
    struct member *member = &mock.member;
    rd_kafka_mock_broker_set_down(mock.cluster, MOCK_BROKER_ID);
    member_submit(member, "u1", "v1", 1);
    int64_t until_ms = test_now_ms() + CALL_GIVEN_UP_MS;
    while (test_now_ms() < until_ms) {
        member_poll(member);
    }
    rd_kafka_mock_broker_set_up(mock.cluster, MOCK_BROKER_ID);
    assert_true(member_drain(member));
    member_submit(member, "u2", "v2", 2);
    assert_true(member_drain(member));
    assert_int_equal(committed(member), 2);
    assert_int_equal(recreated(member), 1);
    assert_int_equal(member->lost, 0);
    mock_cluster_close(&mock);
}

/* The partitions may only move after the epoch that was computed under the old assignment. */
static void test_a_revocation_waits_for_the_epoch_in_flight(void **state) {
    (void)state;
    struct mock_cluster mock;
    mock_cluster_open(&mock, "revoke");
    mock_cluster_join(&mock, 20000);
    struct member *a = &mock.member;
    struct member b;
    member_open(&b, &mock.world, "w-1");
    rd_kafka_mock_broker_push_request_error_rtts(mock.cluster, MOCK_BROKER_ID, API_END_TXN, 1,
                                                 RD_KAFKA_RESP_ERR_NO_ERROR, 4000);
    member_submit(a, "u1", "v1", 1);
    assert_int_equal(committed(a), 0);
    POLL_UNTIL(a, a->revoked + a->lost > 0);
    assert_int_equal(a->lost, 0);
    assert_int_equal(committed(a), 1);
    int64_t until_ms = test_now_ms() + PATIENCE_S * 1000;
    while ((a->owned_count != 1 || b.owned_count != 1) && test_now_ms() < until_ms) {
        member_poll(a);
        member_poll(&b);
    }
    assert_int_equal(a->owned_count, 1);
    assert_int_equal(b.owned_count, 1);
    broker_release(b.broker);
    broker_close(b.broker);
    mock_cluster_close(&mock);
}

/* After an outage of a session a member can be fenced by itself; it joins anew, once. */
static void test_a_fenced_member_joins_anew(void **state) {
    (void)state;
    struct mock_cluster mock;
    mock_cluster_open(&mock, "fenced");
    mock_cluster_join(&mock, 20000);
    struct member *member = &mock.member;
    broker_release(member->broker);
    rd_kafka_mock_push_request_errors(mock.cluster, API_HEARTBEAT, 1,
                                      RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID);
    POLL_UNTIL(member, member->lost + member->revoked == 1);
    member->records = 0;
    POLL_UNTIL(member, member->records == MOCK_RECORDS);
    assert_int_equal(member->assigned, 2);
    member_submit(member, "u1", "v1", 1);
    assert_true(member_drain(member));

    rd_kafka_mock_push_request_errors(mock.cluster, API_HEARTBEAT, 1,
                                      RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID);
    struct failure failure = member_await_stop(member, failure_none());
    assert_string_equal(failure.text, "another process uses worker name w-0");
    mock_cluster_close(&mock);
}

/* A member whose broker does not know an input topic joins anew until it does, or ends. */
static void test_a_topic_that_one_broker_does_not_know(void **state) {
    (void)state;
    struct mock_cluster mock;
    mock_cluster_open(&mock, "unknown");
    struct member *member = &mock.member;
    member_configure(member, &mock.world, "w-0");
    member->config.is_embedded = true;
    member->config.session_timeout_ms = SHORT_SESSION_MS; /* the mock awaits its end */
    struct failure failure =
        broker_kafka_open(&member->config, &mock.world.topics, &mock.world.log, &member->broker);
    assert_string_equal(failure.text, "");
    POLL_UNTIL(member, member->records == MOCK_RECORDS);
    broker_release(member->broker);
    set_topic_error(&mock, TOPIC_PUSH_FEEDBACK, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    rd_kafka_mock_push_request_errors(mock.cluster, API_HEARTBEAT, 1,
                                      RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID);
    POLL_UNTIL(member, kafka_of(member->broker)->apart_since_ms > 0);
    assert_int_equal(member->assigned, 1);
    set_topic_error(&mock, TOPIC_PUSH_FEEDBACK, RD_KAFKA_RESP_ERR_NO_ERROR);
    member->records = 0;
    POLL_UNTIL(member, member->records == MOCK_RECORDS);
    broker_release(member->broker);

    set_topic_error(&mock, TOPIC_PUSH_FEEDBACK, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    kafka_of(member->broker)->apart_since_ms = test_now_ms() - LONG_AGO_MS;
    kafka_of(member->broker)->is_apart = true;
    failure = member_await_stop(member, failure_none());
    assert_non_null(strstr(failure.text, mock.world.topics.full[TOPIC_PUSH_FEEDBACK]));
    mock_cluster_close(&mock);
}

static void test_embedded_broker_has_every_topic(void **state) {
    (void)state;
    struct topics topics = {.partitions = PARTITIONS};
    topics_resolve(&topics);
    struct embedded *embedded;
    struct failure failure = embedded_start(&topics, &embedded);
    assert_string_equal(failure.text, "");
    struct world world;
    world_open_at(&world, embedded_bootstrap_servers(embedded), "embedded");
    for (int topic = 0; topic < TOPIC_COUNT; topic++) {
        int32_t count;
        failure = producer_simple_partitions(world.producer, topics.full[topic], &count);
        assert_string_equal(failure.text, "");
        bool is_p = topic_partitions_of((enum topic)topic) == TOPIC_PARTITIONS_P;
        assert_int_equal(count, is_p ? PARTITIONS : 1);
    }
    /* What exists is not made again: the mock knows no admin calls. */
    bool created;
    failure = producer_simple_create_topic(world.producer, "clickstream", 1, 1, &created);
    assert_string_equal(failure.text, "");
    assert_false(created);
    feed(&world, TOPIC_CLICKSTREAM, 0, 100);
    assert_int_equal(producer_simple_delivered(world.producer), 100);
    world_close(&world);
    embedded_stop(embedded);
    topics_clean_up(&topics);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_topic_that_one_broker_does_not_know),
        cmocka_unit_test(test_embedded_broker_has_every_topic),
        cmocka_unit_test(test_abortable_then_fatal),
        cmocka_unit_test(test_retriable_errors_are_not_seen),
        cmocka_unit_test(test_a_broker_away_longer_than_the_deadline),
        cmocka_unit_test(test_after_a_repeated_call_comes_a_new_producer),
        cmocka_unit_test(test_a_fenced_member_joins_anew),
        cmocka_unit_test(test_a_revocation_waits_for_the_epoch_in_flight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
