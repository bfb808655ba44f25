/* wire: values of the specification byte for byte, every limit, nothing read beyond the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "schemas/wire_fast.h"

#define BYTES(...) bytes_of((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static const struct {
    int64_t value;
    struct {
        uint8_t data[10];
        size_t size;
    } wire;
} longs[] = {
    {0, {{0x00}, 1}},
    {-1, {{0x01}, 1}},
    {1, {{0x02}, 1}},
    {-2, {{0x03}, 1}},
    {63, {{0x7e}, 1}},
    {-64, {{0x7f}, 1}},
    {64, {{0x80, 0x01}, 2}},
    {8192, {{0x80, 0x80, 0x01}, 3}},
    {-8193, {{0x81, 0x80, 0x01}, 3}},
    {INT32_MAX, {{0xfe, 0xff, 0xff, 0xff, 0x0f}, 5}},
    {INT32_MIN, {{0xff, 0xff, 0xff, 0xff, 0x0f}, 5}},
    {INT64_MAX, {{0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, 10}},
    {INT64_MIN, {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, 10}},
};

static void writes_and_reads_longs(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(longs) / sizeof(longs[0]); i++) {
        struct buffer out = {0};
        wire_write_long(&out, longs[i].value);
        assert_int_equal(out.size, longs[i].wire.size);
        assert_memory_equal(out.data, longs[i].wire.data, out.size);
        struct wire_reader reader = wire_reader_of(buffer_bytes(&out));
        assert_true(wire_read_long(&reader) == longs[i].value);
        assert_int_equal(wire_finish(&reader), WIRE_OK);
        for (size_t size = 0; size < out.size; size++) {
            reader = wire_reader_of(bytes_of(out.data, size));
            assert_true(wire_read_long(&reader) == 0);
            assert_int_equal(wire_finish(&reader), WIRE_TRUNCATED);
        }
        buffer_clean_up(&out);
    }
}

static enum wire_verdict long_verdict(struct bytes body) {
    struct wire_reader reader = wire_reader_of(body);
    (void)wire_read_long(&reader);
    return wire_finish(&reader);
}

static void refuses_a_long_of_more_than_64_bits(void **state) {
    (void)state;
    assert_int_equal(
        long_verdict(BYTES(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02)),
        WIRE_BAD_VALUE);
    assert_int_equal(
        long_verdict(BYTES(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x81, 0x00)),
        WIRE_BAD_VALUE);
    assert_int_equal(
        long_verdict(BYTES(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01)), WIRE_OK);
    assert_int_equal(long_verdict(BYTES(0x00, 0x00)), WIRE_TRAILING_BYTES);
}

static void checks_ranges(void **state) {
    (void)state;
    struct wire_reader reader = wire_reader_of(BYTES(0x04));
    assert_int_equal(wire_read_range(&reader, 0, 2), 2);
    assert_int_equal(reader.verdict, WIRE_OK);
    reader = wire_reader_of(BYTES(0x06));
    assert_int_equal(wire_read_range(&reader, 0, 2), 0);
    assert_int_equal(reader.verdict, WIRE_BAD_VALUE);
    reader = wire_reader_of(BYTES(0x01));
    assert_int_equal(wire_read_range(&reader, 0, 2), 0);
    assert_int_equal(reader.verdict, WIRE_BAD_VALUE);
    reader = wire_reader_of(BYTES(0x04));
    assert_false(wire_read_present(&reader));
    assert_int_equal(reader.verdict, WIRE_BAD_VALUE);
}

static void keeps_the_first_verdict(void **state) {
    (void)state;
    struct wire_reader reader = wire_reader_of(BYTES(0x02, 0x02));
    wire_fail(&reader, WIRE_BAD_UTF8);
    assert_int_equal(wire_left(&reader), 0);
    assert_true(wire_read_long(&reader) == 0);
    assert_true(wire_read_double(&reader) == 0);
    assert_false(wire_read_boolean(&reader));
    assert_int_equal(wire_read_text(&reader, 10).size, 0);
    struct wire_array array = wire_array_of(3);
    assert_false(wire_array_next(&reader, &array));
    assert_int_equal(wire_finish(&reader), WIRE_BAD_UTF8);
}

static void floats_are_little_endian(void **state) {
    (void)state;
    struct buffer out = {0};
    wire_write_float(&out, 1.5f);
    wire_write_double(&out, -2.0);
    assert_int_equal(out.size, 12);
    assert_memory_equal(out.data, "\0\0\xc0\x3f\0\0\0\0\0\0\0\xc0", 12);
    struct wire_reader reader = wire_reader_of(buffer_bytes(&out));
    assert_true(wire_read_float(&reader) == 1.5f);
    assert_true(wire_read_double(&reader) == -2.0);
    assert_int_equal(wire_finish(&reader), WIRE_OK);
    reader = wire_reader_of(bytes_of(out.data, 3));
    assert_true(wire_read_float(&reader) == 0);
    assert_int_equal(reader.verdict, WIRE_TRUNCATED);
    reader = wire_reader_of(bytes_of(out.data, 7));
    assert_true(wire_read_double(&reader) == 0);
    assert_int_equal(reader.verdict, WIRE_TRUNCATED);
    buffer_clean_up(&out);
}

static void booleans_are_strict(void **state) {
    (void)state;
    struct buffer out = {0};
    wire_write_boolean(&out, false);
    wire_write_boolean(&out, true);
    assert_memory_equal(out.data, "\0\1", 2);
    struct wire_reader reader = wire_reader_of(buffer_bytes(&out));
    assert_false(wire_read_boolean(&reader));
    assert_true(wire_read_boolean(&reader));
    assert_false(wire_read_boolean(&reader));
    assert_int_equal(reader.verdict, WIRE_TRUNCATED);
    reader = wire_reader_of(BYTES(0x02));
    assert_false(wire_read_boolean(&reader));
    assert_int_equal(reader.verdict, WIRE_BAD_VALUE);
    buffer_clean_up(&out);
}

static enum wire_verdict text_verdict(struct bytes body, size_t size_max) {
    uint8_t *copy = malloc(body.size); /* of exactly its size, for ASan */
    memcpy(copy, body.data, body.size);
    struct wire_reader reader = wire_reader_of(bytes_of(copy, body.size));
    struct bytes text = wire_read_text(&reader, size_max);
    enum wire_verdict verdict = wire_finish(&reader);
    assert_true(verdict == WIRE_OK || verdict == WIRE_TRAILING_BYTES || text.size == 0);
    free(copy);
    return verdict;
}

static void checks_lengths_of_texts(void **state) {
    (void)state;
    assert_int_equal(text_verdict(BYTES(0x06, 'a', 'b', 'c'), 3), WIRE_OK);
    assert_int_equal(text_verdict(BYTES(0x00), 0), WIRE_OK);
    assert_int_equal(text_verdict(BYTES(0x06, 'a', 'b', 'c'), 2), WIRE_TEXT_TOO_LONG);
    assert_int_equal(text_verdict(BYTES(0x06, 'a', 'b'), 3), WIRE_TRUNCATED);
    assert_int_equal(text_verdict(BYTES(0x01, 'a', 'b'), 3), WIRE_BAD_VALUE);
    assert_int_equal(text_verdict(BYTES(0x02, 'a', 'b'), 3), WIRE_TRAILING_BYTES);
    /* A length that would wrap a pointer. */
    assert_int_equal(
        text_verdict(BYTES(0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01), SIZE_MAX),
        WIRE_TRUNCATED);
}

static bool is_utf8(const char *text) {
    struct bytes exact = bytes_of_text(text);
    uint8_t *copy = malloc(exact.size);
    memcpy(copy, text, exact.size);
    bool is_valid = wire_is_utf8(bytes_of(copy, exact.size));
    free(copy);
    return is_valid;
}

static void knows_utf8(void **state) {
    (void)state;
    static const char *const valid[] = {"",
                                        "plain text of more than eight bytes",
                                        "\x7f",
                                        "\xc2\x80",
                                        "\xdf\xbf",
                                        "\xe0\xa0\x80",
                                        "\xed\x9f\xbf",
                                        "\xee\x80\x80",
                                        "\xef\xbf\xbf",
                                        "\xf0\x90\x80\x80",
                                        "\xf4\x8f\xbf\xbf",
                                        "1234567\xc3\xa9",
                                        "12345678\xc3\xa9 12345678"};
    static const char *const invalid[] = {
        "\x80",         "\xbf",         "\xc0\x80",         "\xc1\xbf",         "\xc2",
        "\xc2\x7f",     "\xe0\x9f\xbf", "\xe0\xa0",         "\xed\xa0\x80",     "\xef\xbf\x7f",
        "\xf0\x80\x80", "\xf0\x90\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
        "\xff",         "1234567\xc3",  "12345678\x80",     "\xc3\xa9\xff"};
    for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
        assert_true(is_utf8(valid[i]));
    }
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++) {
        assert_false(is_utf8(invalid[i]));
    }
    assert_int_equal(text_verdict(BYTES(0x02, 0x80), 3), WIRE_BAD_UTF8);
}

/* A byte at a time, as the specification says it. */
static int64_t plain_long(struct wire_reader *reader) {
    uint64_t zigzag = 0;
    const uint8_t *cursor = reader->cursor;
    for (unsigned shift = 0; cursor < reader->end && shift < 70; shift += 7) {
        uint8_t byte = *cursor++;
        if (shift == 63 && byte > 1) {
            break;
        }
        zigzag |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            reader->cursor = cursor;
            return (int64_t)(zigzag >> 1) ^ -(int64_t)(zigzag & 1);
        }
    }
    wire_fail(reader, cursor == reader->end ? WIRE_TRUNCATED : WIRE_BAD_VALUE);
    return 0;
}

/* Words at a time against bytes at a time, for numbers of every length and for any bytes. */
static void words_read_and_write_as_bytes(void **state) {
    (void)state;
    struct rng rng = rng_make(7, 0);
    for (int i = 0; i < 300000; i++) {
        int64_t value = (int64_t)(rng_u64(&rng) >> rng_below(&rng, 64));
        value = i % 2 ? -value : value;
        uint8_t put[WIRE_PUT_BYTES_MAX + 8] = {0};
        struct buffer out = {0};
        wire_write_long(&out, value);
        assert_ptr_equal(wire_put_long(put, value), put + out.size);
        assert_memory_equal(put, out.data, out.size);
        buffer_clean_up(&out);

        uint8_t bytes[16];
        uint64_t goes_on = UINT64_C(0x8080808080808080) >> 8 * rng_below(&rng, 9) % 64;
        for (size_t at = 0; at < sizeof bytes; at += 8) {
            wire_store_word(bytes + at, rng_u64(&rng) | (i % 2 ? goes_on : 0));
        }
        struct bytes body = bytes_of(bytes, (size_t)rng_below(&rng, sizeof bytes + 1));
        struct wire_reader fast = wire_reader_of(body), plain = fast;
        assert_true(wire_read_long(&fast) == plain_long(&plain));
        assert_ptr_equal(fast.cursor, plain.cursor);
        bool is_same =
            fast.verdict == plain.verdict || (fast.verdict != WIRE_OK && plain.verdict != WIRE_OK);
        assert_true(is_same);

        struct wire_reader again = wire_reader_of(body);
        int64_t expected = plain_long(&again), number = 0;
        const uint8_t *next = wire_short_range(bytes, bytes + body.size, 1 + (unsigned)i % 8,
                                               INT64_MIN, INT64_MAX, &number);
        bool is_short = body.size >= 8 && again.verdict == WIRE_OK && again.cursor - bytes <= 8;
        assert_int_equal(next != NULL, is_short);
        assert_true(!next || (number == expected && next == again.cursor));
    }
}

/* Reads an array of longs; the items' sum, or the verdict below zero. */
static int sum(struct bytes body, size_t count_max) {
    struct wire_reader reader = wire_reader_of(body);
    struct wire_array array = wire_array_of(count_max);
    int total = 0;
    while (wire_array_next(&reader, &array)) {
        total += (int)wire_read_long(&reader);
    }
    assert_true(array.count <= count_max);
    enum wire_verdict verdict = wire_finish(&reader);
    return verdict == WIRE_OK ? total : -(int)verdict;
}

static void reads_arrays_in_blocks(void **state) {
    (void)state;
    assert_int_equal(sum(BYTES(0x00), 0), 0);
    assert_int_equal(sum(BYTES(0x06, 0x02, 0x04, 0x06, 0x00), 3), 6);
    assert_int_equal(sum(BYTES(0x02, 0x02, 0x04, 0x04, 0x06, 0x00), 3), 6);
    /* -3 items in 3 bytes, then -1 in 2. */
    assert_int_equal(sum(BYTES(0x05, 0x06, 0x02, 0x04, 0x06, 0x01, 0x04, 0x80, 0x01, 0x00), 4), 70);
}

static void refuses_bad_blocks(void **state) {
    (void)state;
    assert_int_equal(sum(BYTES(0x06, 0x02, 0x04, 0x06, 0x00), 2), -WIRE_BAD_VALUE);
    assert_int_equal(sum(BYTES(0x04, 0x02, 0x04, 0x04, 0x02, 0x02, 0x00), 3), -WIRE_BAD_VALUE);
    assert_int_equal(sum(BYTES(0x06, 0x02, 0x04), 3), -WIRE_TRUNCATED);
    assert_int_equal(sum(BYTES(0x06, 0x02, 0x04, 0x06), 3), -WIRE_TRUNCATED);
    /* A block of 3 bytes that says 2, 4, -1, and more than there are. */
    assert_int_equal(sum(BYTES(0x05, 0x04, 0x02, 0x04, 0x06, 0x00), 3), -WIRE_BAD_VALUE);
    assert_int_equal(sum(BYTES(0x05, 0x08, 0x02, 0x04, 0x06, 0x00), 3), -WIRE_BAD_VALUE);
    assert_int_equal(sum(BYTES(0x05, 0x01, 0x02, 0x04, 0x06, 0x00), 3), -WIRE_BAD_VALUE);
    assert_int_equal(sum(BYTES(0x05, 0x7e, 0x02, 0x04, 0x06, 0x00), 3), -WIRE_TRUNCATED);
    /* INT64_MIN items: its negation is no int64_t. */
    assert_int_equal(
        sum(BYTES(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x00, 0x00), 3),
        -WIRE_BAD_VALUE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_and_reads_longs),
        cmocka_unit_test(refuses_a_long_of_more_than_64_bits),
        cmocka_unit_test(words_read_and_write_as_bytes),
        cmocka_unit_test(checks_ranges),
        cmocka_unit_test(keeps_the_first_verdict),
        cmocka_unit_test(floats_are_little_endian),
        cmocka_unit_test(booleans_are_strict),
        cmocka_unit_test(checks_lengths_of_texts),
        cmocka_unit_test(knows_utf8),
        cmocka_unit_test(reads_arrays_in_blocks),
        cmocka_unit_test(refuses_bad_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
