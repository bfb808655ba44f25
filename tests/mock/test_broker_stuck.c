/* A call of librdkafka's that forgets its time-out: seen of send_offsets_to_transaction when the
 * group's coordinator was cut off. Here it never comes back at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "broker/broker_failure.h"
#include "tests/support/mock_cluster.h"

static atomic_bool is_hanging;

rd_kafka_error_t *__real_rd_kafka_send_offsets_to_transaction(
    rd_kafka_t *client, const rd_kafka_topic_partition_list_t *offsets,
    const rd_kafka_consumer_group_metadata_t *member, int timeout_ms);
rd_kafka_error_t *__wrap_rd_kafka_send_offsets_to_transaction(
    rd_kafka_t *client, const rd_kafka_topic_partition_list_t *offsets,
    const rd_kafka_consumer_group_metadata_t *member, int timeout_ms);

rd_kafka_error_t *__wrap_rd_kafka_send_offsets_to_transaction(
    rd_kafka_t *client, const rd_kafka_topic_partition_list_t *offsets,
    const rd_kafka_consumer_group_metadata_t *member, int timeout_ms) {
    while (atomic_load(&is_hanging)) {
        pause(); /* until the process ends */
    }
    return __real_rd_kafka_send_offsets_to_transaction(client, offsets, member, timeout_ms);
}

static void a_call_that_never_comes_back_ends_the_process(void **state) {
    (void)state;
    struct mock_cluster mock;
    mock_cluster_open(&mock, "stuck");
    struct member *member = &mock.member;
    member_configure(member, &mock.world, "w-0");
    member->config.is_embedded = true;
    member->config.commit_deadline_ms = 1000;
    member->config.call_stuck_ms = 300;
    struct failure failure =
        broker_kafka_open(&member->config, &mock.world.topics, &mock.world.log, &member->broker);
    assert_string_equal(failure.text, "");
    POLL_UNTIL(member, member->records == MOCK_RECORDS);
    member_submit(member, "u0", "v0", 0);
    assert_true(member_drain(member));

    atomic_store(&is_hanging, true);
    member_submit(member, "u1", "v1", 1);
    bool is_committed = true;
    failure = broker_drain(member->broker, &is_committed);
    assert_false(is_committed);
    assert_int_equal(failure.action, FAILURE_STOP);
    assert_non_null(strstr(failure.text, "has not come back for"));
    assert_true(broker_failure_is_unreachable(failure)); /* exit code 3: start again */

    int64_t before_ms = test_now_ms();
    mock_cluster_close(&mock); /* does not wait for the thread */
    assert_true(test_now_ms() - before_ms < 30000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_that_never_comes_back_ends_the_process)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
