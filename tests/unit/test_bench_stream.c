/* bench_stream: the same settings give the same stream, every message is an event that decodes, and
 * the mix is what its settings say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "consumer/bench/bench_stream.h"
#include "schemas/schemas.h"

#define EVENTS 20000

static const struct bench_stream_config usual = {
    .users = 1000, .partitions = 8, .seed = 1, .buyers_every = BENCH_BUYERS_EVERY};

/* All messages, one after the other, with their record's place and time. */
static struct buffer stream_bytes(const struct bench_stream_config *config, size_t events) {
    struct bench_stream stream;
    struct buffer message, all;
    bench_stream_init(&stream, config);
    buffer_init(&message, BENCH_MESSAGE_BYTES_MAX);
    buffer_init(&all, events * BENCH_MESSAGE_BYTES_MAX);
    for (size_t i = 0; i < events; i++) {
        struct record record;
        buffer_clear(&message);
        bench_stream_record(&stream, &message, &record);
        buffer_append(&all, record.key);
        buffer_append(&all, record.value);
        buffer_format(&all, "%d %lld", (int)record.partition, (long long)record.timestamp_ms);
    }
    buffer_clean_up(&message);
    return all;
}

static void the_same_settings_give_the_same_stream(void **state) {
    (void)state;
    struct bench_stream_config other = usual;
    other.seed = 2;
    struct buffer first = stream_bytes(&usual, EVENTS);
    struct buffer again = stream_bytes(&usual, EVENTS);
    struct buffer different = stream_bytes(&other, EVENTS);
    assert_true(bytes_equal(buffer_bytes(&first), buffer_bytes(&again)));
    assert_false(bytes_equal(buffer_bytes(&first), buffer_bytes(&different)));
    buffer_clean_up(&first);
    buffer_clean_up(&again);
    buffer_clean_up(&different);
}

/* What decodes is the event that went in. */
static void every_message_decodes(void **state) {
    (void)state;
    struct bench_stream written, encoded;
    struct buffer message;
    bench_stream_init(&written, &usual);
    bench_stream_init(&encoded, &usual);
    buffer_init(&message, BENCH_MESSAGE_BYTES_MAX);
    int64_t last_ms = 0;
    for (size_t i = 0; i < EVENTS; i++) {
        struct event event, decoded;
        struct event_line lines[EVENT_LINES_MAX];
        struct record record;
        struct bytes body;
        decoded.lines = lines;
        int32_t partition = bench_stream_next(&written, &event);
        buffer_clear(&message);
        bench_stream_record(&encoded, &message, &record);
        assert_true(wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_EVENT, 0, record.value, &body));
        assert_int_equal(event_decode(body, &decoded), EVENT_OK);
        assert_int_equal(decoded.type, event.type);
        assert_int_equal(decoded.event_ms, event.event_ms);
        assert_int_equal(record.timestamp_ms, event.event_ms);
        assert_true(bytes_equal(decoded.user_id, record.key));
        assert_true(bytes_equal(decoded.event_id, event.event_id));
        assert_int_equal(decoded.line_count, event.line_count);
        assert_int_equal(record.partition, partition);
        assert_in_range(partition, 0, usual.partitions - 1);
        assert_true(event.event_ms >= last_ms);
        last_ms = event.event_ms;
    }
    buffer_clean_up(&message);
}

static size_t count_carts(uint32_t buyers_every) {
    struct bench_stream_config config = usual;
    struct bench_stream stream;
    size_t carts = 0;
    config.buyers_every = buyers_every;
    bench_stream_init(&stream, &config);
    for (size_t i = 0; i < EVENTS; i++) {
        struct event event;
        (void)bench_stream_next(&stream, &event);
        carts += event.type == EVENT_PRODUCT_ADDED;
    }
    return carts;
}

static void buyers_are_as_many_as_was_said(void **state) {
    (void)state;
    size_t all = count_carts(1), some = count_carts(8), few = count_carts(UINT32_MAX);
    assert_in_range(all, 35 * EVENTS / 100, 45 * EVENTS / 100);
    assert_in_range(some, all / 10, all / 6);
    assert_in_range(few, 0, all / 20);
}

int main(void) {
    schemas_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_settings_give_the_same_stream),
        cmocka_unit_test(every_message_decodes),
        cmocka_unit_test(buyers_are_as_many_as_was_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
