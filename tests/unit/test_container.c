/* container: what was written is read back by Avro-C, and a path that cannot be written is a
 * failure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <avro.h>
#include <stdlib.h>
#include <unistd.h>

#include "schemas/container.h"
#include "schemas/event.h"
#include "tests/support/temp_file.h"

#define EVENTS 3000

static void write_events(const char *path) {
    struct container_writer *writer;
    struct failure failure = container_writer_new(path, SCHEMA_EVENT, &writer);
    assert_false(failed(failure));
    struct buffer body = {0};
    for (int64_t i = 0; i < EVENTS; i++) {
        struct event event;
        event_clear(&event, NULL);
        event.event_ms = i;
        event.user_id = bytes_of_text("u1");
        /* More than one block. */
        char query[EVENT_TEXT_BYTES_MAX];
        memset(query, 'q', sizeof(query));
        event.query = bytes_of(query, sizeof(query));
        buffer_clear(&body);
        event_encode(&event, &body);
        failure = container_write(writer, buffer_bytes(&body));
        assert_false(failed(failure));
    }
    buffer_clean_up(&body);
    failure = container_writer_close(writer);
    assert_false(failed(failure));
}

static void is_read_back_by_avro_c(void **state) {
    (void)state;
    struct temp_file file = temp_file_of_text("");
    write_events(file.path);
    avro_file_reader_t reader;
    assert_int_equal(avro_file_reader(file.path, &reader), 0);
    avro_schema_t schema = avro_file_reader_get_writer_schema(reader);
    avro_value_iface_t *iface = avro_generic_class_from_schema(schema);
    avro_value_t value, event_ms;
    assert_int_equal(avro_generic_value_new(iface, &value), 0);
    int64_t count = 0, ms;
    while (avro_file_reader_read_value(reader, &value) == 0) {
        assert_int_equal(avro_value_get_by_name(&value, "event_ms", &event_ms, NULL), 0);
        assert_int_equal(avro_value_get_long(&event_ms, &ms), 0);
        assert_int_equal(ms, count);
        count++;
    }
    assert_int_equal(count, EVENTS);
    avro_value_decref(&value);
    avro_value_iface_decref(iface);
    avro_schema_decref(schema);
    avro_file_reader_close(reader);
    temp_file_remove(&file);
}

static void no_such_folder_is_a_failure(void **state) {
    (void)state;
    struct container_writer *writer;
    struct failure failure = container_writer_new("/nowhere/at/all.avro", SCHEMA_EVENT, &writer);
    assert_int_equal(failure.action, FAILURE_STOP);
    assert_non_null(strstr(failure.text, "/nowhere/at/all.avro"));
    assert_null(writer);
}

/* Avro-C alone would report success: it ignores what fclose says. */
static void a_full_disk_is_a_failure(void **state) {
    (void)state;
    if (access("/dev/full", W_OK) != 0) {
        skip();
    }
    struct container_writer *writer;
    struct failure failure = container_writer_new("/dev/full", SCHEMA_EVENT, &writer);
    if (!failed(failure)) {
        failure = container_writer_close(writer);
    }
    assert_int_equal(failure.action, FAILURE_STOP);
}

static void a_body_beyond_a_block_is_a_failure(void **state) {
    (void)state;
    struct temp_file file = temp_file_of_text("");
    struct container_writer *writer;
    struct failure failure = container_writer_new(file.path, SCHEMA_DEAD_LETTER, &writer);
    assert_false(failed(failure));
    size_t size = ((size_t)1 << 20) + 1;
    uint8_t *body = memory_new(size, 1);
    failure = container_write(writer, bytes_of(body, size));
    assert_int_equal(failure.action, FAILURE_STOP);
    failure = container_writer_close(writer);
    assert_false(failed(failure));
    free(body);
    temp_file_remove(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_read_back_by_avro_c),
        cmocka_unit_test(no_such_folder_is_a_failure),
        cmocka_unit_test(a_full_disk_is_a_failure),
        cmocka_unit_test(a_body_beyond_a_block_is_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
