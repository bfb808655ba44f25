/* Reading back in parts and ahead, and partitions that run while others are read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>

#include "tests/support/kafka_member.h"

#define ROWS 25000 /* of a partition: more than two batches of the seam */

/* Rows of one partition, which must come in order, each once. */
struct rows {
    int32_t partition;
    int count, parts;
};

static void take_row(void *context, const struct record *record) {
    struct rows *rows = context;
    char expected[20];
    int size = snprintf(expected, sizeof expected, "%d", rows->count);
    assert_int_equal(record->partition, rows->partition);
    assert_true(bytes_equal(record->value, bytes_of(expected, (size_t)size)));
    rows->count++;
}

static void write_rows(struct member *member) {
    struct epoch *epoch = broker_epoch(member->broker);
    for (int i = 0; i < PARTITIONS * ROWS; i++) {
        char key[20], value[20];
        snprintf(key, sizeof key, "u%d", i);
        snprintf(value, sizeof value, "%d", i / PARTITIONS);
        add_text(epoch, TOPIC_USER_STATE, i % PARTITIONS, key, value);
    }
    member_add_offsets(member, epoch, 1);
    struct failure failure = broker_submit(member->broker, epoch);
    assert_string_equal(failure.text, "");
    assert_true(member_drain(member));
}

/* One part; whether it was the last. */
static bool read_part(struct member *member, struct rows *rows) {
    bool is_end;
    struct failure failure = broker_read_some(member->broker, TOPIC_USER_STATE, rows->partition, 0,
                                              take_row, rows, &is_end);
    assert_string_equal(failure.text, "");
    rows->parts++;
    return is_end;
}

static void open_with_rows(struct world *world, const char *name, struct member *member) {
    world_open(world, name);
    feed(world, TOPIC_CLICKSTREAM, 0, 10);
    member_open(member, world, "w-0");
    POLL_UNTIL(member, member->records == 10);
    write_rows(member);
}

static void test_in_parts_and_ahead(void **state) {
    (void)state;
    struct world world;
    struct member member;
    open_with_rows(&world, "parts", &member);
    for (int again = 0; again < 2; again++) {
        struct rows rows[PARTITIONS] = {{.partition = 0}, {.partition = 1}};
        broker_read_ahead(member.broker, TOPIC_USER_STATE, 0);
        broker_read_ahead(member.broker, TOPIC_USER_STATE, 1);
        bool is_end[PARTITIONS] = {false, false};
        while (!is_end[0] || !is_end[1]) { /* side by side, and the group goes on */
            for (int p = 0; p < PARTITIONS; p++) {
                is_end[p] = is_end[p] || read_part(&member, &rows[p]);
            }
            member_poll(&member);
        }
        for (int p = 0; p < PARTITIONS; p++) {
            assert_int_equal(rows[p].count, ROWS);
            assert_true(rows[p].parts > 2);
        }
    }
    broker_close(member.broker);
    world_close(&world);
}

/* Others may have written since. */
static void test_an_assignment_begins_anew(void **state) {
    (void)state;
    struct world world;
    struct member member;
    open_with_rows(&world, "anew", &member);
    struct rows rows = {.partition = 1};
    while (rows.count == 0) { /* a part may only have waited */
        assert_false(read_part(&member, &rows));
    }
    assert_in_range(rows.count, 1, ROWS - 1);
    char id[120];
    snprintf(id, sizeof id, "%s-w-0", world.group);
    rd_kafka_destroy(open_transactional(world.bootstrap_servers, id));
    member_submit(&member, "u", "lost", 2);
    assert_false(member_drain(&member));
    POLL_UNTIL(&member, member.lost == 1 && member.assigned == 2);
    rows.count = 0;
    while (!read_part(&member, &rows)) {
    }
    assert_int_equal(rows.count, ROWS);
    broker_close(member.broker);
    world_close(&world);
}

static struct broker_event poll_for(struct member *member, enum broker_event_kind kind) {
    struct broker_event event = {.kind = BROKER_NOTHING};
    int64_t until_ms = test_now_ms() + PATIENCE_S * 1000;
    while (event.kind != kind) {
        assert_true(test_now_ms() < until_ms);
        struct failure failure = broker_poll(member->broker, POLL_MS, 1000, &event);
        assert_string_equal(failure.text, "");
    }
    return event;
}

/* Counts what comes of each partition, until that many have. */
static void take_records(struct member *member, int wanted, int counts[PARTITIONS]) {
    while (counts[0] + counts[1] < wanted) {
        struct broker_event event = poll_for(member, BROKER_RECORDS);
        for (size_t i = 0; i < event.record_count; i++) {
            int32_t p = event.records[i].partition;
            if (event.records[i].input == INPUT_CLICKSTREAM) {
                assert_int_equal(event.records[i].offset, counts[p]++);
            }
        }
        broker_release(member->broker);
    }
}

static void test_one_runs_while_the_other_is_read_back(void **state) {
    (void)state;
    struct world world;
    struct member member;
    const int64_t from_start[INPUT_COUNT] = {0, 0};
    world_open(&world, "one-by-one");
    feed(&world, TOPIC_CLICKSTREAM, 0, 10);
    feed(&world, TOPIC_CLICKSTREAM, 1, 10);
    member_open(&member, &world, "w-0");
    poll_for(&member, BROKER_ASSIGNED);
    struct failure failure = broker_start(member.broker, 0, from_start);
    assert_string_equal(failure.text, "");
    int counts[PARTITIONS] = {0, 0};
    take_records(&member, 10, counts);
    assert_int_equal(counts[1], 0);
    feed(&world, TOPIC_CLICKSTREAM, 0, 5);
    failure = broker_start(member.broker, 1, from_start);
    assert_string_equal(failure.text, "");
    take_records(&member, 25, counts);
    assert_int_equal(counts[0], 15);
    assert_int_equal(counts[1], 10);
    broker_close(member.broker);
    world_close(&world);
}

int main(void) {
    if (!test_kafka_address()) {
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_parts_and_ahead),
        cmocka_unit_test(test_an_assignment_begins_anew),
        cmocka_unit_test(test_one_runs_while_the_other_is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
