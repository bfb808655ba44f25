/* topic_reader on a real Kafka: everything that is committed, from the start to the true end, and
 * nothing else; an open transaction does not hold it up for ever. */
#include "broker/topic_reader.h"

#include <librdkafka/rdkafka.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/kafka_member.h"

#define WAIT_MS 20000

static struct topic_read_result read_topic(const struct world *world, const char *topic,
                                           int32_t partition, int stuck_max_ms, struct seen *seen) {
    struct topic_read_result result;
    const struct topic_read_request request = {.bootstrap_servers = world->bootstrap_servers,
                                               .topic = topic,
                                               .partition = partition,
                                               .stuck_max_ms = stuck_max_ms,
                                               .log = &world->log};
    *seen = (struct seen){0};
    struct failure failure = topic_read(&request, see, seen, &result);
    if (failed(failure)) {
        fail_msg("%s", failure.text);
    }
    assert_int_equal(result.record_count, seen->count);
    return result;
}

static void test_partitions(void **state) {
    (void)state;
    struct world world;
    world_open(&world, "topic-read");
    const char *topic = world.topics.full[TOPIC_CLICKSTREAM];
    feed(&world, TOPIC_CLICKSTREAM, 0, 2500); /* more than one batch */
    feed(&world, TOPIC_CLICKSTREAM, 1, 3);
    struct seen seen;
    struct topic_read_result all = read_topic(&world, topic, TOPIC_ALL_PARTITIONS, WAIT_MS, &seen);
    assert_true(all.is_whole && all.partition_count == PARTITIONS && seen.count == 2503);
    assert_true(read_topic(&world, topic, 1, WAIT_MS, &seen).is_whole && seen.count == 3);
    assert_true(read_topic(&world, topic, PARTITIONS, WAIT_MS, &seen).is_whole && seen.count == 0);
    struct topic_read_result absent =
        read_topic(&world, "no-such-topic", TOPIC_ALL_PARTITIONS, WAIT_MS, &seen);
    assert_true(absent.partition_count == 0 && seen.count == 0);
    int32_t count = -1;
    const struct topic_read_request request = {.bootstrap_servers = world.bootstrap_servers,
                                               .topic = topic};
    assert_false(failed(topic_count(&request, &count)));
    assert_int_equal(count, PARTITIONS);
    world_close(&world);
}

/* ---- Transactions ---- */

static rd_kafka_t *open_producer(const struct world *world) {
    char id[80];
    (void)snprintf(id, sizeof id, "%stxn", world->prefix);
    return open_transactional(world->bootstrap_servers, id);
}

enum ending { COMMIT, ABORT, LEAVE_OPEN };

static void transaction(rd_kafka_t *producer, const char *topic, const char *key, int count,
                        enum ending ending) {
    assert_null(rd_kafka_begin_transaction(producer));
    for (int i = 0; i < count; i++) {
        bool is_tombstone = i == 0;
        assert_int_equal(
            rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0),
                              RD_KAFKA_V_KEY(key, strlen(key)),
                              RD_KAFKA_V_VALUE(is_tombstone ? NULL : "x", is_tombstone ? 0 : 1),
                              RD_KAFKA_V_END),
            RD_KAFKA_RESP_ERR_NO_ERROR);
    }
    assert_int_equal(rd_kafka_flush(producer, WAIT_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
    if (ending == COMMIT) {
        assert_null(rd_kafka_commit_transaction(producer, WAIT_MS));
    } else if (ending == ABORT) {
        assert_null(rd_kafka_abort_transaction(producer, WAIT_MS));
    }
}

static void test_transactions(void **state) {
    (void)state;
    struct world world;
    world_open(&world, "topic-read-txn");
    const char *topic = world.topics.full[TOPIC_USER_STATE];
    rd_kafka_t *producer = open_producer(&world);
    struct seen seen;
    transaction(producer, topic, "a", 5, COMMIT);
    transaction(producer, topic, "b", 4, ABORT);
    transaction(producer, topic, "c", 2, COMMIT);
    transaction(producer, topic, "d", 3, ABORT); /* the end is not a record of ours */
    assert_true(read_topic(&world, topic, 0, WAIT_MS, &seen).is_whole);
    assert_int_equal(seen.count, 7);
    assert_int_equal(seen.tombstones, 2);
    assert_string_equal(seen.last_key, "c");
    transaction(producer, topic, "e", 2, LEAVE_OPEN);
    assert_false(read_topic(&world, topic, 0, 1500, &seen).is_whole); /* said, not waited for */
    assert_int_equal(seen.count, 7);
    assert_null(rd_kafka_commit_transaction(producer, WAIT_MS));
    assert_true(read_topic(&world, topic, 0, WAIT_MS, &seen).is_whole);
    assert_int_equal(seen.count, 9);
    rd_kafka_destroy(producer);
    world_close(&world);
}

static void test_no_broker(void **state) {
    (void)state;
    struct topic_read_result result;
    struct seen seen = {0};
    const struct topic_read_request request = {.bootstrap_servers = "127.0.0.1:1", .topic = "x"};
    assert_int_equal(topic_read(&request, see, &seen, &result).action, FAILURE_RETRY);
}

int main(void) {
    if (!test_kafka_address()) {
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_partitions),
        cmocka_unit_test(test_transactions),
        cmocka_unit_test(test_no_broker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
