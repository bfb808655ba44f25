/* buffer: bytes stay in order through growth, formatting fits exactly, clean_up may come twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/buffer.h"

static void keeps_bytes_through_growth(void **state) {
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 1);
    for (int i = 0; i < 5000; i++) {
        buffer_append_byte(&buffer, (uint8_t)i);
    }
    assert_int_equal(buffer.size, 5000);
    for (int i = 0; i < 5000; i++) {
        assert_int_equal(buffer.data[i], (uint8_t)i);
    }
    buffer_clean_up(&buffer);
}

static void zeroed_buffer_is_ready(void **state) {
    (void)state;
    struct buffer buffer = {0};
    buffer_append(&buffer, bytes_of(NULL, 0));
    assert_null(buffer.data);
    buffer_append(&buffer, bytes_of_text("abc"));
    assert_true(bytes_equal(buffer_bytes(&buffer), bytes_of_text("abc")));
    buffer_clear(&buffer);
    assert_int_equal(buffer_bytes(&buffer).size, 0);
    buffer_clean_up(&buffer);
    buffer_clean_up(&buffer);
    buffer_clean_up(NULL);
    assert_null(buffer.data);
    assert_int_equal(buffer.capacity, 0);
}

static void reserve_makes_room_without_advancing(void **state) {
    (void)state;
    struct buffer buffer = {0};
    buffer_append(&buffer, bytes_of_text("ab"));
    uint8_t *room = buffer_reserve(&buffer, 1000);
    assert_int_equal(buffer.size, 2);
    assert_true(buffer.capacity >= 1002);
    assert_ptr_equal(room, buffer.data + 2);
    memset(room, 'x', 1000);
    buffer.size += 1000;
    assert_memory_equal(buffer.data, "abxx", 4);
    buffer_clean_up(&buffer);
}

static void formats_at_every_fill(void **state) {
    (void)state;
    /* The NUL of vsnprintf must neither be counted nor cut the last character. */
    for (size_t filled = 0; filled < 80; filled++) {
        struct buffer buffer;
        buffer_init(&buffer, 70);
        for (size_t i = 0; i < filled; i++) {
            buffer_append_byte(&buffer, '.');
        }
        buffer_format(&buffer, "%d-%s", 42, "end");
        assert_int_equal(buffer.size, filled + 6);
        assert_memory_equal(buffer.data + filled, "42-end", 6);
        buffer_clean_up(&buffer);
    }
}

static void formats_more_than_it_ever_held(void **state) {
    (void)state;
    struct buffer buffer = {0};
    buffer_format(&buffer, "%0*d", 10000, 7);
    assert_int_equal(buffer.size, 10000);
    assert_int_equal(buffer.data[9999], '7');
    buffer_format(&buffer, "%s", "");
    assert_int_equal(buffer.size, 10000);
    buffer_clean_up(&buffer);
}

static void memory_is_zeroed_and_never_null(void **state) {
    (void)state;
    uint8_t *memory = memory_new(100, 3);
    for (int i = 0; i < 300; i++) {
        assert_int_equal(memory[i], 0);
    }
    memory[0] = 9;
    memory = memory_grow(memory, 1000, 3);
    assert_int_equal(memory[0], 9);
    free(memory);
    void *empty = memory_new(0, 8);
    assert_non_null(empty);
    free(empty);
    void *grown = memory_grow(NULL, 0, 8);
    assert_non_null(grown);
    free(grown);
}

static void copied_text_ends_with_nul(void **state) {
    (void)state;
    char *copy = memory_copy_text(bytes_of("abcdef", 3));
    assert_string_equal(copy, "abc");
    free(copy);
    char *empty = memory_copy_text(bytes_of(NULL, 0));
    assert_string_equal(empty, "");
    free(empty);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_bytes_through_growth),
        cmocka_unit_test(zeroed_buffer_is_ready),
        cmocka_unit_test(reserve_makes_room_without_advancing),
        cmocka_unit_test(formats_at_every_fill),
        cmocka_unit_test(formats_more_than_it_ever_held),
        cmocka_unit_test(memory_is_zeroed_and_never_null),
        cmocka_unit_test(copied_text_ends_with_nul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
