/* sink_kafka, target, reader_simple: on librdkafka's mock cluster, what is sent comes back with its
 * key, header, time and partition; a reader sees what was sent after it was opened and nothing
 * before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/embedded.h"
#include "broker/reader_simple.h"
#include "producer/sink_kafka.h"
#include "producer/target.h"

#define PARTITIONS 3

struct fixture {
    struct topics topics;
    struct config *config;
    struct embedded *embedded;
};

static int start_cluster(void **state) {
    struct fixture *fixture = memory_new(1, sizeof *fixture);
    const char *text = "topics:\n  partitions: 3\n";
    const struct config_room rooms[] = {{"topics", &topics_config, &fixture->topics}};
    struct failure failure =
        config_load_text("test", text, strlen(text), rooms, 1, stderr, &fixture->config);
    if (!failed(failure)) {
        topics_resolve(&fixture->topics);
        failure = embedded_start(&fixture->topics, &fixture->embedded);
    }
    *state = fixture;
    return failed(failure);
}

static int stop_cluster(void **state) {
    struct fixture *fixture = *state;
    embedded_stop(fixture->embedded);
    topics_clean_up(&fixture->topics);
    config_destroy(fixture->config);
    free(fixture);
    return 0;
}

static struct target_options options_for(const struct fixture *fixture) {
    return (struct target_options){.brokers = embedded_bootstrap_servers(fixture->embedded),
                                   .topic = "clickstream",
                                   .framing = WIRE_SINGLE_OBJECT};
}

static void send(struct sink *sink, const char *key, int64_t timestamp_ms, int32_t partition) {
    struct sink_record record = {.key = bytes_of_text(key),
                                 .body = bytes_of_text("body of "),
                                 .timestamp_ms = timestamp_ms,
                                 .partition = partition};
    struct failure failure = sink_send(sink, &record);
    assert_false(failed(failure));
}

static struct target *opened(const struct target_options *options) {
    struct target *target;
    struct failure failure = target_open(options, &target);
    assert_false(failed(failure));
    return target;
}

static void finished(struct target *target) {
    struct failure failure = target_finish(target);
    assert_false(failed(failure));
}

static struct reader_simple *reader_of(const struct fixture *fixture, const char *topic) {
    struct reader_simple *reader;
    struct failure failure = reader_simple_open(embedded_bootstrap_servers(fixture->embedded), NULL,
                                                topic, NULL, &reader);
    assert_false(failed(failure));
    return reader;
}

/* The next record, or the test fails. */
static struct record next(struct reader_simple *reader) {
    struct record record = {0};
    for (int i = 0; i < 100; i++) {
        if (reader_simple_next(reader, 100, &record)) {
            return record;
        }
    }
    fail_msg("no record came");
    return record;
}

static void a_reader_sees_what_comes_after_it(void **state) {
    struct fixture *fixture = *state;
    struct target_options options = options_for(fixture);
    struct target *target = opened(&options);
    assert_int_equal(target_partitions(target), PARTITIONS);
    for (int i = 0; i < 30; i++) {
        send(target_events(target), "before", 1, i % PARTITIONS);
    }
    struct failure failure = sink_flush(target_events(target));
    assert_false(failed(failure));
    struct reader_simple *reader = reader_of(fixture, "clickstream");
    send(target_events(target), "after", INT64_C(1569888000123), 2);
    finished(target);

    struct record record = next(reader);
    assert_true(bytes_equal(record.key, bytes_of_text("after")));
    assert_int_equal(record.timestamp_ms, INT64_C(1569888000123));
    assert_int_equal(record.partition, 2);
    struct bytes body;
    assert_true(wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_EVENT, 0, record.value, &body));
    assert_true(bytes_equal(body, bytes_of_text("body of ")));
    assert_false(reader_simple_next(reader, 300, &record));
    reader_simple_close(reader);
    target_close(target);
}

static void a_key_has_one_partition(void **state) {
    struct fixture *fixture = *state;
    struct target_options options = options_for(fixture);
    struct target *target = opened(&options);
    struct reader_simple *reader = reader_of(fixture, "clickstream");
    for (int i = 0; i < 200; i++) {
        char key[16];
        snprintf(key, sizeof key, "user-%d", i % 20);
        send(target_events(target), key, i, -1);
    }
    finished(target);
    int32_t partition_of[20];
    memset(partition_of, -1, sizeof partition_of);
    unsigned used = 0;
    for (int i = 0; i < 200; i++) {
        struct record record = next(reader);
        int user = atoi((const char *)record.key.data + 5);
        assert_in_range(user, 0, 19);
        assert_true(partition_of[user] == -1 || partition_of[user] == record.partition);
        partition_of[user] = record.partition;
        used |= 1u << record.partition;
    }
    assert_int_equal(used, (1u << PARTITIONS) - 1);
    reader_simple_close(reader);
    target_close(target);
}

static void each_topic_has_its_schema(void **state) {
    struct fixture *fixture = *state;
    struct target_options options = options_for(fixture);
    options.framing = WIRE_CONFLUENT;
    options.schema_id = 77;
    struct target *target = opened(&options);
    struct sink *items;
    struct failure failure = target_add_topic(target, "catalogue", SCHEMA_CATALOGUE_ITEM, &items);
    assert_false(failed(failure));
    struct reader_simple *events_reader = reader_of(fixture, "clickstream");
    struct reader_simple *items_reader = reader_of(fixture, "catalogue");
    send(items, "sku", 5, -1);
    send(target_events(target), "user", 6, -1);
    finished(target);
    struct bytes body;
    struct record record = next(events_reader);
    assert_true(wire_unframe(WIRE_CONFLUENT, SCHEMA_EVENT, 77, record.value, &body));
    record = next(items_reader);
    assert_true(wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_CATALOGUE_ITEM, 0, record.value, &body));
    reader_simple_close(events_reader);
    reader_simple_close(items_reader);
    target_close(target);
}

static void what_is_not_there_is_said(void **state) {
    struct fixture *fixture = *state;
    struct target_options options = options_for(fixture);
    struct target *target;
    options.topic = "no-such-topic";
    struct failure failure = target_open(&options, &target);
    assert_int_equal(failure.action, FAILURE_STOP);
    assert_non_null(strstr(failure.text, "no-such-topic does not exist"));
    assert_null(target);
    options = options_for(fixture);
    options.partitions = PARTITIONS + 1;
    failure = target_open(&options, &target);
    assert_int_equal(failure.action, FAILURE_STOP);
    assert_non_null(strstr(failure.text, "has 3 partitions, --partitions says 4"));
    struct reader_simple *reader;
    failure = reader_simple_open(options.brokers, NULL, "no-such-topic", NULL, &reader);
    assert_int_equal(failure.action, FAILURE_STOP);
    assert_null(reader);
}

int main(void) {
    schemas_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_sees_what_comes_after_it),
        cmocka_unit_test(a_key_has_one_partition),
        cmocka_unit_test(each_topic_has_its_schema),
        cmocka_unit_test(what_is_not_there_is_said),
    };
    return cmocka_run_group_tests(tests, start_cluster, stop_cluster);
}
