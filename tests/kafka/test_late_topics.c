/* Topics that a cluster's brokers hear of one after another: who has just created them waits for
 * them. What one broker does not know yet is played here by a topic that comes late. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <time.h>

#include "broker/producer_simple.h"
#include "tests/support/kafka_member.h"

#define LATE_NS   500000000
#define AT_ONCE_S 5

struct late {
    struct world *world;
    bool is_created;
};

static void *create_late(void *context) {
    struct late *late = context;
    nanosleep(&(struct timespec){.tv_nsec = LATE_NS}, NULL);
    struct failure failure = producer_simple_create_topic(
        late->world->producer, late->world->topics.full[TOPIC_EXAMPLES], 1, 1, &late->is_created);
    late->is_created = late->is_created && !failed(failure);
    return NULL;
}

/* A world whose topic `examples` is not there. */
static void open_without_examples(struct world *world, const char *name, char full[80]) {
    world_open(world, name);
    snprintf(full, 80, "%slate-examples", world->prefix);
    world->topics.name[TOPIC_EXAMPLES] = full;
    topics_resolve(&world->topics);
}

static void test_waits_for_what_was_created(void **state) {
    (void)state;
    struct world world;
    char full[80];
    open_without_examples(&world, "late", full);
    struct member member;
    member_configure(&member, &world, "w-0");
    struct late late = {.world = &world};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, create_late, &late), 0);
    struct failure failure =
        broker_kafka_open(&member.config, &world.topics, &world.log, &member.broker);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(late.is_created);
    assert_string_equal(failure.text, "");
    broker_close(member.broker);
    world_close(&world);
}

/* Where others create the topics a missing one is an error at once. */
static void test_does_not_wait_for_others(void **state) {
    (void)state;
    struct world world;
    char full[80], text[160];
    open_without_examples(&world, "never", full);
    world.topics.create = false;
    struct member member;
    member_configure(&member, &world, "w-0");
    int64_t started_ms = test_now_ms();
    struct failure failure =
        broker_kafka_open(&member.config, &world.topics, &world.log, &member.broker);
    assert_int_equal(failure.action, FAILURE_STOP);
    snprintf(text, sizeof text, "topic %s does not exist", full);
    assert_string_equal(failure.text, text);
    assert_in_range(test_now_ms() - started_ms, 0, AT_ONCE_S * 1000);
    world_close(&world);
}

/* A member of the group that knows one input topic alone, as a leader does whose broker has not
 * heard of the other yet; the second member's first assignment is then of half its topics. */
static rd_kafka_t *join_with_half(const struct world *world) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", world->bootstrap_servers, NULL, 0);
    rd_kafka_conf_set(conf, "group.id", world->group, NULL, 0);
    rd_kafka_conf_set(conf, "partition.assignment.strategy", "range", NULL, 0);
    rd_kafka_t *consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, NULL, 0);
    assert_non_null(consumer);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, world->topics.full[TOPIC_CLICKSTREAM],
                                      RD_KAFKA_PARTITION_UA);
    assert_int_equal(rd_kafka_subscribe(consumer, list), 0);
    rd_kafka_topic_partition_list_destroy(list);
    return consumer;
}

static int assigned_to(rd_kafka_t *consumer) {
    rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 20);
    if (message) {
        rd_kafka_message_destroy(message);
    }
    rd_kafka_topic_partition_list_t *list;
    assert_int_equal(rd_kafka_assignment(consumer, &list), 0);
    int count = list->cnt;
    rd_kafka_topic_partition_list_destroy(list);
    return count;
}

static void test_half_an_assignment_is_asked_for_again(void **state) {
    (void)state;
    struct world world;
    world_open(&world, "half");
    rd_kafka_t *other = join_with_half(&world);
    int64_t until_ms = test_now_ms() + PATIENCE_S * 1000;
    while (assigned_to(other) < PARTITIONS) {
        assert_true(test_now_ms() < until_ms);
    }
    struct member member;
    member_open(&member, &world, "w-0");
    while (assigned_to(other) == PARTITIONS) {
        member_poll(&member);
        assert_true(test_now_ms() < until_ms);
    }
    member_poll(&member); /* it has heard, and goes on */
    assert_int_equal(member.assigned, 0);
    rd_kafka_consumer_close(other);
    rd_kafka_destroy(other);
    POLL_UNTIL(&member, member.owned_count == PARTITIONS);
    broker_close(member.broker);
    world_close(&world);
}

int main(void) {
    if (!test_kafka_address()) {
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits_for_what_was_created),
        cmocka_unit_test(test_does_not_wait_for_others),
        cmocka_unit_test(test_half_an_assignment_is_asked_for_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
