#include "consumer/rooms/items.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* cmocka needs the above */
#include <cmocka.h>

static void test_counts_references(void **state) {
    (void)state;
    struct items items;
    items_init(&items);
    struct bytes shoe = bytes_of_text("shoe"), sock = bytes_of_text("sock");
    uint32_t a = items_intern(&items, shoe);
    assert_int_equal(items_intern(&items, shoe), a);
    uint32_t b = items_intern(&items, sock);
    assert_int_not_equal(a, b);
    assert_true(bytes_equal(items_text(&items, a), shoe));
    items_release(&items, a);
    assert_int_equal(items_find(&items, shoe), a); /* one reference is left */
    items_release(&items, a);
    assert_int_equal(items_find(&items, shoe), ITEM_NONE);
    assert_true(bytes_equal(items_text(&items, b), sock));
    items_clean_up(&items);
}

static void test_interns_several_as_one_by_one(void **state) {
    (void)state;
    struct items items;
    items_init(&items);
    uint32_t shoe = items_intern(&items, bytes_of_text("shoe")), out[4];
    struct bytes ids[4] = {bytes_of_text("sock"), bytes_of_text(""), bytes_of_text("shoe"),
                           bytes_of_text("sock")};
    uint64_t hashes[4];
    items_hash_all(&items, ids, 4, hashes);
    items_fetch_all(&items, hashes, 4);
    items_intern_all(&items, ids, hashes, 4, out);
    assert_int_equal(out[0], items_find(&items, ids[0]));
    assert_int_equal(out[1], ITEM_NONE);
    assert_int_equal(out[2], shoe);
    assert_int_equal(out[3], out[0]);
    for (int i = 0; i < 4; i++) {
        items_release(&items, out[i]);
    }
    assert_int_equal(items_find(&items, ids[0]), ITEM_NONE);
    assert_int_equal(items_find(&items, ids[2]), shoe); /* one reference is left */
    items_clean_up(&items);
}

static void test_reuses_numbers(void **state) {
    (void)state;
    struct items items;
    items_init(&items);
    for (int round = 0; round < 3; round++) {
        uint32_t numbers[500];
        for (int i = 0; i < 500; i++) {
            char name[16];
            int size = snprintf(name, sizeof name, "item-%d-%d", round, i);
            numbers[i] = items_intern(&items, bytes_of(name, (size_t)size));
        }
        for (int i = 0; i < 500; i++) {
            items_release(&items, numbers[i]);
        }
    }
    assert_int_equal(items.index.count, 0);
    assert_in_range(items.count, 1,
                    501); /* the second and third round took the first one's numbers */
    items_clean_up(&items);
}

static void test_empty_id_is_none(void **state) {
    (void)state;
    struct items items;
    items_init(&items);
    assert_int_equal(items_intern(&items, bytes_of(NULL, 0)), ITEM_NONE);
    assert_int_equal(items_text(&items, ITEM_NONE).size, 0);
    items_release(&items, ITEM_NONE);
    items_clean_up(&items);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_references),
        cmocka_unit_test(test_interns_several_as_one_by_one),
        cmocka_unit_test(test_reuses_numbers),
        cmocka_unit_test(test_empty_id_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
