/* sink, sink_file: what goes into an Avro file comes out of it with the foreign reader, in order; a
 * dry run only counts; a file that cannot be written is a failure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <avro.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "producer/sink_file.h"
#include "schemas/event.h"
#include "tests/support/temp_file.h"

#define EVENTS 30000 /* some blocks of the container */

static void send_event(struct sink *sink, int number) {
    struct event_line lines[1] = {
        {.item_id = bytes_of_text("i"), .price = number * .5, .quantity = number % 7 + 1}};
    struct event event;
    event_clear(&event, lines);
    char user[32];
    snprintf(user, sizeof user, "user-%d", number);
    event.type = EVENT_PRODUCT_ADDED;
    event.event_ms = INT64_C(1569888000000) + number;
    event.user_id = bytes_of_text(user);
    event.line_count = 1;
    struct buffer body = {0};
    event_encode(&event, &body);
    struct sink_record record = {.key = event.user_id,
                                 .body = buffer_bytes(&body),
                                 .timestamp_ms = event.event_ms,
                                 .partition = -1};
    struct failure failure = sink_send(sink, &record);
    assert_false(failed(failure));
    buffer_clean_up(&body);
}

static int64_t long_of(avro_value_t *record, const char *name) {
    avro_value_t field;
    int64_t value = -1;
    assert_int_equal(avro_value_get_by_name(record, name, &field, NULL), 0);
    assert_int_equal(avro_value_get_long(&field, &value), 0);
    return value;
}

static const char *text_of(avro_value_t *record, const char *name) {
    avro_value_t field;
    const char *value = NULL;
    size_t size = 0;
    assert_int_equal(avro_value_get_by_name(record, name, &field, NULL), 0);
    assert_int_equal(avro_value_get_string(&field, &value, &size), 0);
    return value;
}

/* Reads the container with Avro-C by the schema that stands in it. */
static int read_back(const char *path) {
    avro_file_reader_t reader;
    assert_int_equal(avro_file_reader(path, &reader), 0);
    avro_schema_t schema = avro_file_reader_get_writer_schema(reader);
    avro_value_iface_t *iface = avro_generic_class_from_schema(schema);
    avro_value_t value;
    avro_generic_value_new(iface, &value);
    int count = 0;
    for (; avro_file_reader_read_value(reader, &value) == 0; count++) {
        char user[32];
        snprintf(user, sizeof user, "user-%d", count);
        assert_string_equal(text_of(&value, "user_id"), user);
        assert_int_equal(long_of(&value, "event_ms"), INT64_C(1569888000000) + count);
        avro_value_reset(&value);
    }
    avro_value_decref(&value);
    avro_value_iface_decref(iface);
    avro_schema_decref(schema);
    avro_file_reader_close(reader);
    return count;
}

static void a_file_holds_every_event(void **state) {
    (void)state;
    struct temp_file file = temp_file_of_text("what stood here before is replaced");
    struct sink *sink;
    struct failure failure = sink_file_open(file.path, SCHEMA_EVENT, &sink);
    assert_false(failed(failure));
    for (int i = 0; i < EVENTS; i++) {
        send_event(sink, i);
    }
    failure = sink_flush(sink);
    assert_false(failed(failure));
    failure = sink_finish(sink);
    assert_false(failed(failure));
    assert_int_equal(sink->sent, EVENTS);
    sink_destroy(sink);
    assert_int_equal(read_back(file.path), EVENTS);
    temp_file_remove(&file);
}

static void an_unfinished_file_leaks_nothing(void **state) {
    (void)state;
    struct temp_file file = temp_file_of_text("");
    struct sink *sink;
    struct failure failure = sink_file_open(file.path, SCHEMA_EVENT, &sink);
    assert_false(failed(failure));
    send_event(sink, 0);
    sink_destroy(sink);
    temp_file_remove(&file);
}

static void a_file_that_cannot_be_written(void **state) {
    (void)state;
    struct sink *sink;
    struct failure failure = sink_file_open("/nonexistent/x.avro", SCHEMA_EVENT, &sink);
    assert_int_equal(failure.action, FAILURE_STOP);
    assert_null(sink);
    /* A full disk shows at the latest when the file is finished. */
    failure = sink_file_open("/dev/full", SCHEMA_EVENT, &sink);
    assert_false(failed(failure));
    send_event(sink, 0);
    failure = sink_finish(sink);
    assert_int_equal(failure.action, FAILURE_STOP);
    sink_destroy(sink);
}

static void a_dry_run_counts(void **state) {
    (void)state;
    struct sink *sink = sink_null_new();
    send_event(sink, 0);
    send_event(sink, 1);
    assert_int_equal(sink->sent, 2);
    struct failure failure = sink_finish(sink);
    assert_false(failed(failure));
    sink_destroy(sink);
    sink_destroy(NULL);
}

int main(void) {
    schemas_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_holds_every_event),
        cmocka_unit_test(an_unfinished_file_leaks_nothing),
        cmocka_unit_test(a_file_that_cannot_be_written),
        cmocka_unit_test(a_dry_run_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
