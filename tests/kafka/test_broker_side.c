/* What the seam tells beside an epoch's records, on a real Kafka: side topics, lag, how far a read
 * has come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

#include "tests/support/kafka_member.h"

static void test_side_topics_are_followed(void **state) {
    (void)state;
    struct world world;
    world_open(&world, "side");
    feed(&world, TOPIC_CONTROL, 0, 3);
    struct member member;
    member_open(&member, &world, "w-0");
    struct seen control = {0}, catalogue = {0};
    int64_t position = -1;
    struct failure failure =
        broker_side_poll(member.broker, TOPIC_CATALOGUE, see, &catalogue, &position);
    assert_string_equal(failure.text, "");
    assert_int_equal(position, 0);
    failure = broker_side_poll(member.broker, TOPIC_CONTROL, see, &control, &position);
    assert_string_equal(failure.text, "");
    assert_int_equal(control.count, 3);
    assert_int_equal(position, 3);
    feed(&world, TOPIC_CONTROL, 0, 2);
    feed(&world, TOPIC_CATALOGUE, 0, 4);
    int64_t until = test_now_ms() + PATIENCE_S * 1000;
    while ((control.count < 5 || catalogue.count < 4) && test_now_ms() < until) {
        failure = broker_side_poll(member.broker, TOPIC_CONTROL, see, &control, &position);
        assert_string_equal(failure.text, "");
        assert_int_equal(position, control.count);
        failure = broker_side_poll(member.broker, TOPIC_CATALOGUE, see, &catalogue, &position);
        assert_string_equal(failure.text, "");
        member_poll(&member);
    }
    assert_int_equal(control.count, 5);
    assert_int_equal(catalogue.count, 4);
    assert_int_equal(position, 4);
    /* A topic that does not exist is followed as an empty one. */
    char *name = world.topics.full[TOPIC_PROFILES];
    world.topics.full[TOPIC_PROFILES] = "absent";
    failure = broker_side_poll(member.broker, TOPIC_PROFILES, see, &catalogue, &position);
    assert_string_equal(failure.text, "");
    assert_int_equal(position, 0);
    world.topics.full[TOPIC_PROFILES] = name;
    broker_close(member.broker);
    world_close(&world);
}

struct watched {
    struct broker_reading last;
    int count;
};

static void watch(void *context, const struct broker_reading *reading) {
    struct watched *watched = context;
    assert_true(reading->done >= watched->last.done || reading->topic != watched->last.topic);
    watched->last = *reading;
    watched->count++;
}

static void test_lag_and_progress_are_told(void **state) {
    (void)state;
    struct world world;
    world_open(&world, "lag");
    feed(&world, TOPIC_CLICKSTREAM, 0, 300);
    struct member member;
    member_open(&member, &world, "w-0");
    POLL_UNTIL(&member, member.assigned == 1);
    POLL_UNTIL(&member, member.records == 300);
    POLL_UNTIL(&member, broker_lag(member.broker, INPUT_CLICKSTREAM, 0) == 0);
    POLL_UNTIL(&member, broker_lag(member.broker, INPUT_CLICKSTREAM, 1) == 0);
    feed(&world, TOPIC_CLICKSTREAM, 0, 200);
    int64_t until_ms = test_now_ms() + PATIENCE_S * 1000;
    while (broker_lag(member.broker, INPUT_CLICKSTREAM, 0) < 200 && test_now_ms() < until_ms) {
        /* Fetched in the background, not polled. */
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    assert_int_equal(broker_lag(member.broker, INPUT_CLICKSTREAM, 0), 200);
    POLL_UNTIL(&member, member.records == 500);
    POLL_UNTIL(&member, broker_lag(member.broker, INPUT_CLICKSTREAM, 0) == 0);

    struct watched watched = {.count = 0};
    broker_watch_reading(member.broker, watch, &watched);
    member_submit(&member, "u1", "v1", 1);
    assert_true(member_drain(&member));
    assert_int_equal(member_read_state(&member).count, 1);
    assert_true(watched.count > 0);
    assert_int_equal(watched.last.topic, TOPIC_USER_STATE);
    assert_int_equal(watched.last.partition, 0);
    /* The record, and its transaction's mark, which is written a moment after the commit. */
    assert_in_range(watched.last.total, 1, 2);
    assert_in_range(watched.last.done, watched.last.total, 2);
    broker_close(member.broker);
    world_close(&world);
}

int main(void) {
    if (!test_kafka_address()) {
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_side_topics_are_followed),
        cmocka_unit_test(test_lag_and_progress_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
