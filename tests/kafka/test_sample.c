/* sample, and the commands that talk to a broker, on a real one: the newest records and no others;
 * pause, resume and validate as a person would call them. */
#include "broker/sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "consumer/commands/commands.h"
#include "schemas/event.h"
#include "schemas/rows.h"
#include "schemas/schemas.h"
#include "tests/support/kafka_member.h"
#include "tests/support/temp_file.h"

#define ROWS_MAX 64

struct visited {
    int64_t count, first_offset[PARTITIONS], last_offset[PARTITIONS];
};

static void visit(void *context, const struct record *record) {
    struct visited *visited = context;
    if (visited->first_offset[record->partition] < 0) {
        visited->first_offset[record->partition] = record->offset;
    }
    visited->last_offset[record->partition] = record->offset;
    visited->count++;
}

static struct failure sample(const struct world *world, const char *topic, int64_t per_partition,
                             struct visited *visited, struct sample_result *result) {
    *visited = (struct visited){0};
    memset(visited->first_offset, -1, sizeof visited->first_offset);
    const struct sample_request request = {.bootstrap_servers = world->bootstrap_servers,
                                           .topic = topic,
                                           .per_partition_max = per_partition,
                                           .timeout_ms = 20000,
                                           .log = &world->log};
    return sample_topic(&request, visit, visited, result);
}

static void test_newest_records(void **state) {
    (void)state;
    struct world world;
    world_open(&world, "sample");
    feed(&world, TOPIC_CLICKSTREAM, 0, 50);
    feed(&world, TOPIC_CLICKSTREAM, 1, 3);
    struct visited visited;
    struct sample_result result;
    const char *topic = world.topics.full[TOPIC_CLICKSTREAM];
    assert_false(failed(sample(&world, topic, 10, &visited, &result)));
    assert_true(result.is_whole);
    assert_int_equal(result.partition_count, PARTITIONS);
    assert_int_equal(result.record_count, 13);
    assert_int_equal(result.append_time_count, 0);
    assert_int_equal(visited.first_offset[0], 40);
    assert_int_equal(visited.last_offset[0], 49);
    assert_int_equal(visited.first_offset[1], 0);
    assert_int_equal(visited.last_offset[1], 2);
    assert_false(failed(sample(&world, topic, 0, &visited, &result)));
    assert_int_equal(result.record_count, 0);
    assert_true(result.is_whole);
    assert_false(failed(sample(&world, "no-such-topic", 10, &visited, &result)));
    assert_int_equal(result.partition_count, 0);
    world_close(&world);
}

static void test_no_broker(void **state) {
    (void)state;
    struct world world = {.bootstrap_servers = "127.0.0.1:1"};
    struct visited visited;
    struct sample_result result;
    const struct sample_request request = {
        .bootstrap_servers = world.bootstrap_servers, .topic = "x", .timeout_ms = 500};
    assert_int_equal(sample_topic(&request, visit, &visited, &result).action, FAILURE_RETRY);
}

/* ---- Commands ---- */

struct rows {
    struct buffer bytes;
    struct control_row last;
    int count;
};

static void take_control(void *context, const struct record *record) {
    struct rows *rows = context;
    struct bytes body;
    buffer_clear(&rows->bytes);
    buffer_append(&rows->bytes, record->value);
    assert_true(
        wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_CONTROL, 0, buffer_bytes(&rows->bytes), &body));
    assert_true(control_decode(body, &rows->last));
    assert_true(bytes_equal(record->key, rows->last.setting));
    rows->count++;
}

static struct rows read_control(const struct world *world) {
    struct rows rows = {0};
    struct sample_result result;
    const struct sample_request request = {.bootstrap_servers = world->bootstrap_servers,
                                           .topic = world->topics.full[TOPIC_CONTROL],
                                           .per_partition_max = ROWS_MAX,
                                           .timeout_ms = 20000};
    assert_false(failed(sample_topic(&request, take_control, &rows, &result)));
    return rows;
}

static struct temp_file config_of(const struct world *world) {
    struct buffer text = {0};
    buffer_format(&text,
                  "kafka: {bootstrap_servers: '%s'}\n"
                  "topics: {prefix: %s, partitions: %d, replication_factor: 1}\n"
                  "decide: {cap_per_hour: 1}\n",
                  world->bootstrap_servers, world->prefix, PARTITIONS);
    struct temp_file file = temp_file_make(buffer_bytes(&text));
    buffer_clean_up(&text);
    return file;
}

#define CALL(command, ...)                                                                         \
    (command)((int)(sizeof((char *[]){__VA_ARGS__}) / sizeof(char *)),                             \
              (char *[]){__VA_ARGS__, NULL})

static void test_pause_and_resume(void **state) {
    (void)state;
    struct world world;
    world_open(&world, "pause");
    struct temp_file config = config_of(&world);
    char path[sizeof config.path];
    memcpy(path, config.path, sizeof path);
    assert_int_equal(
        CALL(command_pause, "pause", "--config", path, "--why", "wrong price", "--by", "eve"),
        COMMAND_OK);
    struct rows rows = read_control(&world);
    assert_int_equal(rows.count, 1);
    assert_true(bytes_equal(rows.last.setting, bytes_of_text("paused")));
    assert_true(bytes_equal(rows.last.value, bytes_of_text("true")));
    assert_true(bytes_equal(rows.last.why, bytes_of_text("wrong price")));
    assert_true(bytes_equal(rows.last.changed_by, bytes_of_text("eve")));
    buffer_clean_up(&rows.bytes);
    assert_int_equal(CALL(command_resume, "resume", "-c", path, "--json"), COMMAND_OK);
    rows = read_control(&world);
    assert_int_equal(rows.count, 2);
    assert_true(bytes_equal(rows.last.value, bytes_of_text("false")));
    buffer_clean_up(&rows.bytes);
    temp_file_remove(&config);
    world_close(&world);
}

static void send_event(struct world *world, const char *key, const char *user) {
    struct event_line lines[EVENT_LINES_MAX];
    struct event event;
    event_clear(&event, lines);
    event.type = EVENT_PRODUCT_VIEWED;
    event.event_ms = 1573000000000;
    event.user_id = bytes_of_text(user);
    struct buffer value = {0};
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_EVENT, 0, &value);
    event_encode(&event, &value);
    struct failure failure =
        producer_simple_send(world->producer, world->topics.full[TOPIC_CLICKSTREAM], 0,
                             bytes_of_text(key), buffer_bytes(&value), 1573000000000);
    assert_false(failed(failure));
    buffer_clean_up(&value);
    assert_false(failed(producer_simple_flush(world->producer, 10000)));
}

static void test_validate(void **state) {
    (void)state;
    struct world world;
    world_open(&world, "validate");
    struct temp_file config = config_of(&world);
    char path[sizeof config.path];
    memcpy(path, config.path, sizeof path);
    send_event(&world, "u1", "u1");
    assert_int_equal(CALL(command_validate, "validate", "-c", path, "-b"), COMMAND_OK);
    send_event(&world, "session-7", "u1");
    assert_int_equal(CALL(command_validate, "validate", "-c", path, "-b"), COMMAND_FAILED);
    assert_int_equal(
        CALL(command_validate, "validate", "-c", path, "-b", "--json", "--allow-unkeyed"),
        COMMAND_OK);
    assert_int_equal(CALL(command_validate, "validate", "-c", path), COMMAND_OK);
    assert_int_equal(CALL(command_validate, "validate", "-c", "no-such-file"), COMMAND_USAGE);
    assert_int_equal(CALL(command_validate, "validate", "--nonsense"), COMMAND_USAGE);
    temp_file_remove(&config);
    world_close(&world);
}

int main(void) {
    if (!test_kafka_address()) {
        return 77;
    }
    schemas_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_newest_records),
        cmocka_unit_test(test_no_broker),
        cmocka_unit_test(test_pause_and_resume),
        cmocka_unit_test(test_validate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
