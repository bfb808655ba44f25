/* Takeover on a real Kafka: a worker died with an open transaction and never comes back; its
 * successor does not wait for the broker to time that out (60 s here). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>

#include "tests/support/kafka_member.h"

#define AT_ONCE_MS 3000 /* 0.5 s of it are init_transactions; far below the 60 s */

/* The dead one's producer. Closing its client sends nothing: its transaction stays open. */
static rd_kafka_t *ghost_new(const struct world *world, const char *worker_name) {
    char id[160];
    snprintf(id, sizeof id, "%s-%s", world->group, worker_name);
    rd_kafka_t *producer = open_transactional(world->bootstrap_servers, id);
    assert_null(rd_kafka_begin_transaction(producer));
    return producer;
}

static void ghost_write(rd_kafka_t *ghost, const struct world *world, enum topic topic) {
    assert_int_equal(rd_kafka_producev(ghost, RD_KAFKA_V_TOPIC(world->topics.full[topic]),
                                       RD_KAFKA_V_PARTITION(0), RD_KAFKA_V_KEY("ghost", 5),
                                       RD_KAFKA_V_VALUE("ghost", 5),
                                       RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
                     0);
    assert_int_equal(rd_kafka_flush(ghost, 10000), 0);
}

static void ghost_send_offsets(rd_kafka_t *ghost, const struct world *world) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, world->topics.full[TOPIC_CLICKSTREAM], 0)->offset = 8;
    rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata_new(world->group);
    assert_null(rd_kafka_send_offsets_to_transaction(ghost, list, group, 10000));
    rd_kafka_consumer_group_metadata_destroy(group);
    rd_kafka_topic_partition_list_destroy(list);
}

static int64_t takeovers(const struct member *member) {
    return metric_get(&broker_metrics_of(member->broker)->takeovers_total);
}

/* w-0 commits epoch 7 at offset 5 and is a member no more. */
static void work_and_leave(struct world *world) {
    struct member member;
    member_configure(&member, world, "w-0");
    member.config.leave_group_at_close = true;
    struct failure failure =
        broker_kafka_open(&member.config, &world->topics, &world->log, &member.broker);
    assert_string_equal(failure.text, "");
    POLL_UNTIL(&member, member.records == 5);
    member_submit(&member, "u1", "v1", 7);
    assert_true(member_drain(&member));
    assert_int_equal(takeovers(&member), 0);
    broker_close(member.broker);
}

/* From the assignment on. */
static void succeed(struct world *world, int64_t expected_takeovers) {
    struct member member;
    member_open(&member, world, "w-1");
    int64_t started_ms = test_now_ms();
    POLL_UNTIL(&member, member.assigned == 1);
    assert_int_equal(takeovers(&member), expected_takeovers);
    assert_int_equal(member.next[0][INPUT_CLICKSTREAM], 5);
    assert_int_equal(member.committed_epoch[0], 7);
    struct seen seen = member_read_state(&member);
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.last_key, "u1");
    seen = (struct seen){0};
    struct failure failure =
        broker_read_to_end(member.broker, TOPIC_PROMOTION_DECISIONS, 0, see, &seen);
    assert_string_equal(failure.text, "");
    assert_int_equal(seen.count, 0);
    assert_in_range(test_now_ms() - started_ms, 0, AT_ONCE_MS);

    /* The successor is the named writer now; a lost epoch of its own asks nobody again. */
    POLL_UNTIL(&member, member.records == 5);
    member_submit(&member, "u2", "v2", 8);
    assert_true(member_drain(&member));
    rd_kafka_destroy(ghost_new(world, "w-1"));
    member_submit(&member, "u3", "v3", 9);
    assert_false(member_drain(&member));
    POLL_UNTIL(&member, member.assigned == 2);
    assert_int_equal(member.next[0][INPUT_CLICKSTREAM], 10);
    assert_int_equal(member.committed_epoch[0], 8);
    assert_int_equal(takeovers(&member), expected_takeovers);
    assert_int_equal(metric_get(&broker_metrics_of(member.broker)->producers_recreated_total), 1);
    broker_release(member.broker);
    broker_close(member.broker);
}

static void scene_open(struct world *world, const char *name) {
    world_open(world, name);
    feed(world, TOPIC_CLICKSTREAM, 0, 5);
    work_and_leave(world);
    feed(world, TOPIC_CLICKSTREAM, 0, 5);
}

/* Killed while it committed: the positions are not told. */
static void test_pending_offsets(void **state) {
    (void)state;
    struct world world;
    scene_open(&world, "offsets");
    rd_kafka_t *ghost = ghost_new(&world, "w-0");
    ghost_write(ghost, &world, TOPIC_USER_STATE);
    ghost_send_offsets(ghost, &world);
    succeed(&world, 1);
    rd_kafka_destroy(ghost);
    world_close(&world);
}

/* Killed while it produced: recovery would stand still at the topic's end. */
static void test_open_state(void **state) {
    (void)state;
    struct world world;
    scene_open(&world, "state");
    rd_kafka_t *ghost = ghost_new(&world, "w-0");
    ghost_write(ghost, &world, TOPIC_USER_STATE);
    succeed(&world, 1);
    rd_kafka_destroy(ghost);
    world_close(&world);
}

/* Killed before it came to a topic that recovery reads: only readers of the output would wait. */
static void test_open_output(void **state) {
    (void)state;
    struct world world;
    scene_open(&world, "output");
    rd_kafka_t *ghost = ghost_new(&world, "w-0");
    ghost_write(ghost, &world, TOPIC_PROMOTION_DECISIONS);
    succeed(&world, 1);
    rd_kafka_destroy(ghost);
    world_close(&world);
}

/* A writer that is a member ends its transactions itself. */
static void test_a_living_writer_is_left_alone(void **state) {
    (void)state;
    struct world world;
    scene_open(&world, "alive");
    struct member writer, other;
    member_open(&writer, &world, "w-0");
    POLL_UNTIL(&writer, writer.records == 5);
    member_submit(&writer, "u2", "v2", 8);
    assert_true(member_drain(&writer));
    member_open(&other, &world, "w-1");
    int64_t until_ms = test_now_ms() + PATIENCE_S * 1000;
    while ((writer.owned_count != 1 || other.owned_count != 1) && test_now_ms() < until_ms) {
        struct failure failure = member_step(&writer, 20);
        assert_string_equal(failure.text, "");
        failure = member_step(&other, 20);
        assert_string_equal(failure.text, "");
    }
    assert_int_equal(other.committed_epoch[other.owned[0]], 8);
    assert_int_equal(takeovers(&other), 0);
    member_submit(&writer, "u3", "v3", 9);
    assert_true(member_drain(&writer));
    assert_int_equal(metric_get(&broker_metrics_of(writer.broker)->producers_recreated_total), 0);
    broker_close(other.broker);
    broker_close(writer.broker);
    world_close(&world);
}

/* Nobody is named before the first epoch: the broker's time-out decides, as without takeover. */
static void test_the_first_epoch_names_nobody(void **state) {
    (void)state;
    struct world world;
    world_open(&world, "first");
    rd_kafka_t *ghost = ghost_new(&world, "w-0");
    ghost_send_offsets(ghost, &world);
    struct member member;
    member_open(&member, &world, "w-1");
    int64_t until_ms = test_now_ms() + AT_ONCE_MS / 2;
    while (test_now_ms() < until_ms) {
        member_poll(&member);
        assert_int_equal(member.assigned, 0);
    }
    assert_int_equal(takeovers(&member), 0);
    assert_null(rd_kafka_abort_transaction(ghost, 10000));
    POLL_UNTIL(&member, member.assigned == 1);
    rd_kafka_destroy(ghost);
    broker_close(member.broker);
    world_close(&world);
}

int main(void) {
    if (!test_kafka_address()) {
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pending_offsets),
        cmocka_unit_test(test_open_state),
        cmocka_unit_test(test_open_output),
        cmocka_unit_test(test_a_living_writer_is_left_alone),
        cmocka_unit_test(test_the_first_epoch_names_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
