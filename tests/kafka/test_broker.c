/* The seam on a real Kafka. Each test has its own topics (prefix) and group. Address:
 * PROMOSTREAM_KAFKA. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>

#include "tests/support/kafka_member.h"

#define CLOSES        100
#define CLOSE_STEP_NS 300000
#define CLOSE_MAX_S   30

/* ---- tests ---- */

static void test_topics_created_pass_the_check(void **state) {
    (void)state;
    struct world world;
    world_open(&world, "check");
    struct topic_finding findings[2 * TOPIC_COUNT];
    size_t count;
    struct failure failure =
        topics_check(&world.topics, test_kafka_address(), NULL, findings, 2 * TOPIC_COUNT, &count);
    assert_string_equal(failure.text, "");
    assert_int_equal(count, TOPIC_COUNT);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(findings[i].level, FINDING_OK);
    }
    world.topics.partitions = PARTITIONS + 1;
    failure = topics_create(&world.topics, test_kafka_address(), NULL, &world.log);
    assert_int_equal(failure.action, FAILURE_STOP);
    failure =
        topics_check(&world.topics, test_kafka_address(), NULL, findings, 2 * TOPIC_COUNT, &count);
    assert_string_equal(failure.text, "");
    assert_int_equal(findings[0].level, FINDING_ERROR);
    world.topics.partitions = PARTITIONS;

    /* Somebody made the inputs with a broker's defaults. */
    bool created;
    char *name = world.topics.full[TOPIC_CONTROL];
    world.topics.full[TOPIC_CONTROL] = "absent";
    failure =
        topics_check(&world.topics, test_kafka_address(), NULL, findings, 2 * TOPIC_COUNT, &count);
    assert_string_equal(failure.text, "");
    assert_int_equal(findings[TOPIC_CONTROL].level, FINDING_ERROR);
    world.topics.full[TOPIC_CONTROL] = name;
    char other[100];
    snprintf(other, sizeof other, "%sother", world.prefix);
    failure = producer_simple_create_topic(world.producer, other, 3, 1, &created);
    assert_string_equal(failure.text, "");
    assert_true(created);
    failure = producer_simple_create_topic(world.producer, other, 3, 1, &created);
    assert_string_equal(failure.text, "");
    assert_false(created);
    world_close(&world);
}

static void test_round_trip(void **state) {
    (void)state;
    struct world world;
    world_open(&world, "round");
    feed(&world, TOPIC_CLICKSTREAM, 0, 100);
    feed(&world, TOPIC_CLICKSTREAM, 1, 50);
    feed(&world, TOPIC_PUSH_FEEDBACK, 1, 7);
    struct member member;
    member_open(&member, &world, "w-0");
    POLL_UNTIL(&member, member.records == 157);
    assert_int_equal(member.assigned, 1);
    assert_int_equal(member.owned_count, PARTITIONS);
    assert_int_equal(member.committed_epoch[0], -1);
    member_submit(&member, "u1", "v1", 41);
    assert_true(member_drain(&member));
    struct epoch *epoch = broker_epoch(member.broker);
    add_text(epoch, TOPIC_USER_STATE, 0, "u2", "");
    epoch_tombstone(epoch, TOPIC_USER_STATE, 0, bytes_of_text("u1"));
    member_add_offsets(&member, epoch, 42);
    struct failure failure = broker_submit(member.broker, epoch);
    assert_string_equal(failure.text, "");
    assert_true(member_drain(&member));

    struct seen seen = member_read_state(&member);
    assert_int_equal(seen.count, 3);
    assert_int_equal(seen.tombstones, 1);
    /* The same partition again: an old position must not end the read before it began. */
    seen = member_read_state(&member);
    assert_int_equal(seen.count, 3);
    int64_t end, position;
    failure = broker_log_end(member.broker, INPUT_CLICKSTREAM, 0, &end);
    assert_string_equal(failure.text, "");
    failure = broker_position(member.broker, INPUT_CLICKSTREAM, 0, &position);
    assert_string_equal(failure.text, "");
    assert_int_equal(end, 100);
    assert_int_equal(position, 100);
    assert_int_equal(metric_get(&broker_metrics_of(member.broker)->epochs_committed_total), 2);
    broker_close(member.broker);

    /* Restart in place: nothing is read again, and the epoch's number comes back. */
    struct member again;
    member_open(&again, &world, "w-0");
    POLL_UNTIL(&again, again.assigned == 1);
    assert_int_equal(again.next[0][INPUT_CLICKSTREAM], 100);
    assert_int_equal(again.next[1][INPUT_CLICKSTREAM], 50);
    assert_int_equal(again.next[1][INPUT_FEEDBACK], 7);
    assert_int_equal(again.next[0][INPUT_FEEDBACK], 0); /* resolved at the first start */
    assert_int_equal(again.committed_epoch[0], 42);
    feed(&world, TOPIC_CLICKSTREAM, 0, 3);
    POLL_UNTIL(&again, again.records == 3);
    broker_release(again.broker);
    broker_close(again.broker);
    world_close(&world);
}

/* A transactional producer beside the seam, for what the seam never does. */
static void raw_send(rd_kafka_t *producer, const char *topic, int count) {
    assert_null(rd_kafka_begin_transaction(producer));
    for (int i = 0; i < count; i++) {
        assert_int_equal(
            rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0),
                              RD_KAFKA_V_KEY("raw", 3), RD_KAFKA_V_VALUE("raw", 3),
                              RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
            0);
    }
    assert_int_equal(rd_kafka_flush(producer, 10000), 0);
}

static void test_aborted_records_are_invisible(void **state) {
    (void)state;
    struct world world;
    world_open(&world, "abort");
    rd_kafka_t *raw = open_transactional(test_kafka_address(), world.prefix);
    raw_send(raw, world.topics.full[TOPIC_USER_STATE], 5);
    assert_null(rd_kafka_abort_transaction(raw, 10000));
    struct member member;
    member_open(&member, &world, "w-0");
    POLL_UNTIL(&member, member.assigned == 1);
    member_submit(&member, "u1", "v1", 1);
    assert_true(member_drain(&member));
    raw_send(raw, world.topics.full[TOPIC_USER_STATE], 3);
    assert_null(rd_kafka_abort_transaction(raw, 10000));
    /* The log ends with aborted records and a marker: the read must end all the same. */
    struct seen seen = member_read_state(&member);
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.last_value, "v1");

    /* Positions of an input pass them too, or a partition would never be idle. */
    raw_send(raw, world.topics.full[TOPIC_CLICKSTREAM], 4);
    assert_null(rd_kafka_commit_transaction(raw, 10000));
    raw_send(raw, world.topics.full[TOPIC_CLICKSTREAM], 2);
    assert_null(rd_kafka_abort_transaction(raw, 10000));
    /* Markers are written a moment after the producer's call has returned. */
    int64_t end = 0, position = -1;
    int64_t until = test_now_ms() + PATIENCE_S * 1000;
    while ((end < 8 || position < end) && test_now_ms() < until) {
        member_poll(&member);
        struct failure failure = broker_log_end(member.broker, INPUT_CLICKSTREAM, 0, &end);
        assert_string_equal(failure.text, "");
        failure = broker_position(member.broker, INPUT_CLICKSTREAM, 0, &position);
        assert_string_equal(failure.text, "");
    }
    assert_int_equal(end, 8);
    assert_int_equal(position, end);
    assert_int_equal(member.records, 4);
    rd_kafka_destroy(raw);
    broker_release(member.broker);
    broker_close(member.broker);
    world_close(&world);
}

struct open_transaction {
    rd_kafka_t *producer;
    struct seen seen;
};

static void see_and_commit(void *context, const struct record *record) {
    struct open_transaction *open = context;
    if (open->seen.count == 0) {
        assert_null(rd_kafka_commit_transaction(open->producer, 10000));
    }
    see(&open->seen, record);
}

static void test_recovery_waits_for_an_open_transaction(void **state) {
    (void)state;
    struct world world;
    world_open(&world, "open");
    struct open_transaction open = {.producer =
                                        open_transactional(test_kafka_address(), world.prefix)};
    struct member member;
    member_open(&member, &world, "w-0");
    POLL_UNTIL(&member, member.assigned == 1);
    member_submit(&member, "u1", "v1", 1);
    assert_true(member_drain(&member));
    raw_send(open.producer, world.topics.full[TOPIC_USER_STATE], 1);
    /* At the first record the transaction is still open; only the true end makes the read go on
     * after it. */
    struct failure failure =
        broker_read_to_end(member.broker, TOPIC_USER_STATE, 0, see_and_commit, &open);
    assert_string_equal(failure.text, "");
    assert_int_equal(open.seen.count, 2);
    assert_string_equal(open.seen.last_value, "raw");
    rd_kafka_destroy(open.producer);
    broker_close(member.broker);
    world_close(&world);
}

static void poll_both(struct member *a, struct member *b) {
    struct failure failure = member_step(a, 20);
    assert_string_equal(failure.text, "");
    failure = member_step(b, 20);
    assert_string_equal(failure.text, "");
}

static void test_members_share_and_leave(void **state) {
    (void)state;
    struct world world;
    world_open(&world, "share");
    feed(&world, TOPIC_CLICKSTREAM, 0, 10);
    feed(&world, TOPIC_CLICKSTREAM, 1, 10);
    struct member a, b;
    member_open(&a, &world, "w-0");
    POLL_UNTIL(&a, a.records == 20);
    member_open(&b, &world, "w-1");
    /* An epoch is in flight when the revocation comes: it must commit before the partitions move.
     */
    member_submit(&a, "u1", "v1", 7);
    int64_t until = test_now_ms() + PATIENCE_S * 1000;
    while ((a.owned_count != 1 || b.owned_count != 1) && test_now_ms() < until) {
        poll_both(&a, &b);
    }
    assert_int_equal(a.owned_count, 1);
    assert_int_equal(b.owned_count, 1);
    assert_int_equal(a.revoked, 1);
    assert_int_equal(a.lost, 0);
    assert_int_equal(b.next[b.owned[0]][INPUT_CLICKSTREAM], 10);
    assert_int_equal(b.committed_epoch[b.owned[0]], 7);
    assert_int_equal(a.records + b.records, 20);
    broker_release(a.broker);

    /* Closing without leaving keeps the membership; --leave gives the partition away at once. */
    broker_close(b.broker);
    struct member again;
    struct failure failure = member_try_open(&again, &world, "w-1");
    assert_string_equal(failure.text, "");
    until = test_now_ms() + PATIENCE_S * 1000;
    while (again.owned_count != 1 && test_now_ms() < until) {
        poll_both(&a, &again);
    }
    assert_int_equal(again.owned_count, 1);
    assert_int_equal(a.revoked, 1); /* nobody noticed the restart */
    broker_close(again.broker);
    again.config.leave_group_at_close = true;
    failure = broker_kafka_open(&again.config, &world.topics, &world.log, &again.broker);
    assert_string_equal(failure.text, "");
    again.owned_count = 0;
    while (again.owned_count != 1 && test_now_ms() < until) {
        poll_both(&a, &again);
    }
    broker_close(again.broker);
    int64_t left_ms = test_now_ms();
    POLL_UNTIL(&a, a.owned_count == 2);
    assert_true(test_now_ms() - left_ms < 2000);
    broker_close(a.broker);
    world_close(&world);
}

static void test_a_lost_epoch_is_read_again(void **state) {
    (void)state;
    struct world world;
    world_open(&world, "lost");
    feed(&world, TOPIC_CLICKSTREAM, 0, 10);
    struct member member;
    member_open(&member, &world, "w-0");
    POLL_UNTIL(&member, member.records == 10);
    member_submit(&member, "u1", "v1", 1);
    assert_true(member_drain(&member));
    feed(&world, TOPIC_CLICKSTREAM, 0, 5);
    POLL_UNTIL(&member, member.records == 15);
    /* Somebody fences our producer. */
    char id[120];
    snprintf(id, sizeof id, "%s-w-0", world.group);
    rd_kafka_destroy(open_transactional(test_kafka_address(), id));
    member_submit(&member, "u2", "v2", 2);
    assert_false(member_drain(&member));
    /* What was gathered meanwhile is thrown away with it. */
    member_submit(&member, "u3", "v3", 3);
    POLL_UNTIL(&member, member.lost == 1 && member.assigned == 2);
    assert_int_equal(member.revoked, 0);
    assert_int_equal(member.next[0][INPUT_CLICKSTREAM], 10);
    assert_int_equal(member.committed_epoch[0], 1);
    /* The position of before must not look like ours: ticks depend on it. */
    int64_t position;
    struct failure failure = broker_position(member.broker, INPUT_CLICKSTREAM, 0, &position);
    assert_string_equal(failure.text, "");
    assert_int_equal(position, 10);
    assert_int_equal(member_read_state(&member).count, 1);
    POLL_UNTIL(&member, member.records == 20);
    member_submit(&member, "u4", "v4", 2);
    assert_true(member_drain(&member));
    assert_string_equal(member_read_state(&member).last_value, "v4");
    assert_int_equal(metric_get(&broker_metrics_of(member.broker)->producers_recreated_total), 1);

    /* However often: nobody has joined under our name. */
    rd_kafka_destroy(open_transactional(test_kafka_address(), id));
    member_submit(&member, "u5", "v5", 3);
    assert_false(member_drain(&member));
    POLL_UNTIL(&member, member.lost == 2 && member.assigned == 3);
    assert_int_equal(metric_get(&broker_metrics_of(member.broker)->producers_recreated_total), 2);
    broker_close(member.broker);
    world_close(&world);
}

/* One step of a twin that works on whatever it has. */
static bool is_stopped(struct member *member, const char *key) {
    struct failure failure = member_step(member, POLL_MS);
    if (failed(failure)) {
        assert_string_equal(failure.text, "another process uses worker name w-0");
        return true;
    }
    if (member->owned_count > 0) {
        member_submit(member, key, key, 1);
    }
    broker_release(member->broker);
    return false;
}

static void test_a_twin_stops_one_of_both(void **state) {
    (void)state;
    struct world world;
    world_open(&world, "twin");
    feed(&world, TOPIC_CLICKSTREAM, 0, 10);
    struct member older, newer;
    member_open(&older, &world, "w-0");
    POLL_UNTIL(&older, older.records == 10);
    member_open(&newer, &world, "w-0");
    POLL_UNTIL(&newer, newer.records == 10);
    /* Each answers one fencing with a new client; the second one within a minute is the proof.
     * Their producers fence each other meanwhile, which must end nobody. */
    struct member *stopped = NULL;
    int64_t until = test_now_ms() + PATIENCE_S * 1000;
    while (!stopped && test_now_ms() < until) {
        stopped = is_stopped(&older, "old") ? &older : is_stopped(&newer, "new") ? &newer : NULL;
    }
    assert_non_null(stopped);
    struct member *kept = stopped == &older ? &newer : &older;
    broker_release(stopped->broker);
    broker_close(stopped->broker);
    bool is_committed = false;
    until = test_now_ms() + PATIENCE_S * 1000;
    while (!is_committed && test_now_ms() < until) {
        POLL_UNTIL(kept, kept->owned_count == PARTITIONS);
        int lost = kept->lost;
        member_submit(kept, "kept", "kept", 1);
        is_committed = member_drain(kept);
        if (!is_committed) {
            POLL_UNTIL(kept, kept->lost == lost + 1);
        }
    }
    assert_true(is_committed);
    assert_string_equal(member_read_state(kept).last_key, "kept");
    broker_close(kept->broker);
    world_close(&world);
}

static void test_impossible_positions_stop(void **state) {
    (void)state;
    struct world world;
    world_open(&world, "beyond");
    struct member member;
    member_open(&member, &world, "w-0");
    struct broker_event event = {.kind = BROKER_NOTHING};
    struct failure failure = failure_none();
    int64_t until = test_now_ms() + PATIENCE_S * 1000;
    while (event.kind != BROKER_ASSIGNED && !failed(failure) && test_now_ms() < until) {
        failure = broker_poll(member.broker, POLL_MS, 10, &event);
    }
    assert_string_equal(failure.text, "");
    int64_t beyond[INPUT_COUNT] = {1000, 0};
    failure = broker_start(member.broker, 0, beyond);
    assert_int_equal(failure.action, FAILURE_STOP);
    assert_non_null(strstr(failure.text, "was the topic made anew?"));
    broker_close(member.broker);

    char *name = world.topics.full[TOPIC_JOURNAL];
    world.topics.full[TOPIC_JOURNAL] = "absent";
    failure = member_try_open(&member, &world, "w-0");
    assert_int_equal(failure.action, FAILURE_STOP);
    assert_string_equal(failure.text, "topic absent does not exist");
    world.topics.full[TOPIC_JOURNAL] = name;
    world_close(&world);
}

/* At each moment of a join, most of all while an assignment waits for a poll that never comes. The
 * pause is what is tried, it waits for nothing. */
static void test_a_close_ends_whatever_arrives(void **state) {
    (void)state;
    struct world world;
    world_open(&world, "close");
    for (int i = 0; i < CLOSES; i++) {
        struct member member;
        member_open(&member, &world, "w-0");
        nanosleep(&(struct timespec){.tv_nsec = i * CLOSE_STEP_NS}, NULL);
        alarm(CLOSE_MAX_S);
        broker_close(member.broker);
        alarm(0);
    }
    world_close(&world);
}

int main(void) {
    if (!test_kafka_address()) {
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_topics_created_pass_the_check),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_aborted_records_are_invisible),
        cmocka_unit_test(test_recovery_waits_for_an_open_transaction),
        cmocka_unit_test(test_members_share_and_leave),
        cmocka_unit_test(test_a_lost_epoch_is_read_again),
        cmocka_unit_test(test_a_twin_stops_one_of_both),
        cmocka_unit_test(test_impossible_positions_stop),
        cmocka_unit_test(test_a_close_ends_whatever_arrives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
