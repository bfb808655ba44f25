/* arena: aligned pieces that do not overlap, overflow that changes nothing, marks that take back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/arena.h"

static void pieces_are_aligned_and_apart(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena, 16384);
    uint8_t *last_end = arena.data;
    for (size_t alignment = 1; alignment <= 4096; alignment *= 2) {
        (void)arena_take(&arena, 1, 1, 1); /* put it off the alignment */
        uint8_t *piece = arena_take(&arena, 3, 5, alignment);
        assert_non_null(piece);
        assert_int_equal((uintptr_t)piece % alignment, 0);
        assert_true(piece > last_end || alignment == 1);
        memset(piece, 0xff, 15);
        last_end = piece + 15;
    }
    assert_true(last_end <= arena.data + arena.capacity_bytes);
    arena_clean_up(&arena);
}

static void overflow_is_null_and_changes_nothing(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena, 64);
    size_t start = arena_mark(&arena);
    assert_non_null(arena_take(&arena, 1, 1, 1));
    assert_null(arena_take(&arena, 1, 60, 8)); /* fits only without its padding */
    arena_rewind(&arena, start);
    assert_non_null(arena_take(&arena, 60, 1, 1));
    assert_null(arena_take(&arena, 5, 1, 1));
    assert_null(arena_take(&arena, 1, 4, 64)); /* the padding alone is too much */
    assert_null(arena_take(&arena, SIZE_MAX / 2, 3, 1));
    assert_null(arena_take(&arena, SIZE_MAX, 1, 1));
    assert_int_equal(arena_mark(&arena), 60);
    assert_non_null(arena_take(&arena, 4, 1, 1));
    assert_int_equal(arena_mark(&arena), 64);
    assert_null(arena_take(&arena, 1, 1, 1));
    arena_clean_up(&arena);
}

static void rewind_gives_the_same_place_again(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena, 1000);
    uint32_t *kept = arena_new(&arena, 1, uint32_t);
    *kept = 42;
    size_t mark = arena_mark(&arena);
    void *first = arena_take(&arena, 100, 1, 8);
    (void)arena_take(&arena, 500, 1, 8);
    arena_rewind(&arena, mark);
    assert_ptr_equal(arena_take(&arena, 100, 1, 8), first);
    assert_int_equal(*kept, 42);
    assert_true(arena.peak_bytes >= 604);
    arena_reset(&arena);
    assert_int_equal(arena.used_bytes, 0);
    assert_ptr_equal(arena_take(&arena, 1, 1, 1), kept);
    arena_clean_up(&arena);
}

static void copies_outlive_their_source(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena, 8);
    char source[] = "abcde";
    struct bytes copy = arena_copy(&arena, bytes_of(source, 5));
    source[0] = 'X';
    assert_true(bytes_equal(copy, bytes_of_text("abcde")));
    assert_non_null(arena_copy(&arena, bytes_of(NULL, 0)).data);
    struct bytes none = arena_copy(&arena, bytes_of_text("abcde"));
    assert_null(none.data);
    assert_int_equal(none.size, 0);
    arena_clean_up(&arena);
}

static void clean_up_may_come_twice(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena, 10);
    arena_clean_up(&arena);
    arena_clean_up(&arena);
    arena_clean_up(NULL);
    assert_null(arena.data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_aligned_and_apart),
        cmocka_unit_test(overflow_is_null_and_changes_nothing),
        cmocka_unit_test(rewind_gives_the_same_place_again),
        cmocka_unit_test(copies_outlive_their_source),
        cmocka_unit_test(clean_up_may_come_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
