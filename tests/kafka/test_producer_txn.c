/* producer_txn on a real Kafka: what is committed arrives as it was sent, headers that no other
 * client would write included, and is read so by the seam; nothing else becomes visible. */
#include "broker/producer_txn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "broker/topic_reader.h"
#include "tests/support/kafka_member.h"

#define TEXT(literal) bytes_of_text(literal)

static const struct record_header odd[] = {
    {{NULL, 0}, {(const uint8_t *)"of an empty key", 15}},
    {{(const uint8_t *)"\xff\xfe", 2},
     {(const uint8_t *)"\0\xff", 2}}, /* a key that is not UTF-8 */
    {{(const uint8_t *)"twice", 5}, {(const uint8_t *)"", 0}},
    {{(const uint8_t *)"twice", 5}, {NULL, 0}},
};
#define ODD_COUNT (sizeof odd / sizeof odd[0])

static struct producer_txn *open_producer(const struct world *world) {
    char id[80];
    (void)snprintf(id, sizeof id, "%stxn", world->prefix);
    const struct producer_txn_config config = {.bootstrap_servers = world->bootstrap_servers,
                                               .transactional_id = id,
                                               .transaction_timeout_ms = 60000,
                                               .log = &world->log};
    struct producer_txn *producer = NULL;
    struct failure failure = producer_txn_open(&config, &producer);
    assert_string_equal(failure.text, "");
    return producer;
}

static void send(struct producer_txn *producer, const struct world *world, struct bytes key,
                 struct bytes value) {
    const struct producer_record record = {.topic = world->topics.full[TOPIC_CLICKSTREAM],
                                           .partition = 0,
                                           .key = key,
                                           .value = value,
                                           .timestamp_ms = 1790000000123,
                                           .headers = odd,
                                           .header_count = value.data ? ODD_COUNT : 0};
    struct failure failure = producer_txn_send(producer, &record);
    assert_string_equal(failure.text, "");
}

static void commit(struct producer_txn *producer) {
    struct failure failure = producer_txn_commit(producer);
    assert_string_equal(failure.text, "");
}

static void assert_same(struct bytes found, struct bytes expected) {
    assert_true(bytes_equal(found, expected));
    assert_true(!found.data == !expected.data); /* null is not empty */
}

/* The first record is whole with its headers, the second has nothing at all. */
static void on_record(void *context, const struct record *record) {
    int *count = context;
    struct record_header headers[ODD_COUNT];
    size_t header_count = record_headers(record, headers, ODD_COUNT);
    assert_true(record->timestamp_ms == 1790000000123);
    if ((*count)++ > 0) {
        assert_same(record->key, bytes_of(NULL, 0));
        assert_same(record->value, bytes_of(NULL, 0));
        assert_int_equal(header_count, 0);
        return;
    }
    assert_same(record->key, TEXT(""));
    assert_same(record->value, TEXT("v"));
    assert_int_equal(header_count, ODD_COUNT);
    assert_same(headers[0].key, TEXT(""));
    for (size_t i = 0; i < ODD_COUNT; i++) {
        assert_true(bytes_equal(headers[i].key, odd[i].key));
        assert_same(headers[i].value, odd[i].value);
    }
    struct record_header first;
    assert_int_equal(record_headers(record, &first, 1), ODD_COUNT); /* how many there are */
    assert_true(bytes_equal(first.value, odd[0].value));
}

static void test_what_is_sent_arrives(void **state) {
    (void)state;
    struct world world;
    world_open(&world, "producer-txn");
    struct producer_txn *producer = open_producer(&world);
    commit(producer); /* nothing was sent: nothing happens */
    send(producer, &world, TEXT(""), TEXT("v"));
    send(producer, &world, bytes_of(NULL, 0), bytes_of(NULL, 0));
    commit(producer);
    producer_txn_close(producer);
    struct member member;
    int count = 0;
    member_open(&member, &world, "w-0");
    member.on_record = on_record;
    member.context = &count;
    POLL_UNTIL(&member, member.records == 2);
    assert_int_equal(count, 2);
    broker_release(member.broker);
    broker_close(member.broker);
    world_close(&world);
}

static void test_only_what_is_committed(void **state) {
    (void)state;
    struct world world;
    world_open(&world, "producer-txn-ends");
    struct producer_txn *producer = open_producer(&world);
    send(producer, &world, TEXT("aborted"), TEXT("v"));
    producer_txn_close(producer);
    struct producer_txn *stale = open_producer(&world);
    send(stale, &world, TEXT("fenced"), TEXT("v"));
    producer = open_producer(&world); /* does not return before that transaction has ended */
    send(producer, &world, TEXT("committed"), TEXT("v"));
    commit(producer);
    assert_true(failed(producer_txn_commit(stale)));
    producer_txn_close(stale);
    producer_txn_close(producer);
    struct topic_read_result result;
    struct seen seen = {0};
    const struct topic_read_request request = {.bootstrap_servers = world.bootstrap_servers,
                                               .topic = world.topics.full[TOPIC_CLICKSTREAM],
                                               .partition = TOPIC_ALL_PARTITIONS,
                                               .stuck_max_ms = 10000,
                                               .log = &world.log};
    struct failure failure = topic_read(&request, see, &seen, &result);
    assert_string_equal(failure.text, "");
    assert_true(result.is_whole);
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.last_key, "committed");
    world_close(&world);
}

static void test_no_such_partition(void **state) {
    (void)state;
    struct world world;
    world_open(&world, "producer-txn-bad");
    struct producer_txn *producer = open_producer(&world);
    const struct producer_record record = {.topic = world.topics.full[TOPIC_CLICKSTREAM],
                                           .partition = PARTITIONS, /* one more than there are */
                                           .timestamp_ms = -1};
    struct failure failure = producer_txn_send(producer, &record);
    failure = failed(failure) ? failure : producer_txn_commit(producer);
    assert_true(failed(failure) && failure.action != FAILURE_RETRY);
    producer_txn_close(producer);
    world_close(&world);
    producer_txn_close(NULL);
}

int main(void) {
    if (!test_kafka_address()) {
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_sent_arrives),
        cmocka_unit_test(test_only_what_is_committed),
        cmocka_unit_test(test_no_such_partition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
