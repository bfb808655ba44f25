/* kept: copies that outlive their records; the newest few, and forgetting by key. */
#include "consumer/commands/kept.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void add(struct kept *kept, const char *key, int number) {
    char value[16];
    int size = snprintf(value, sizeof value, "%d", number);
    kept_add(kept, bytes_of_text(key), bytes_of(value, (size_t)size));
    memset(value, 'x', sizeof value); /* the caller's bytes are gone */
}

static void assert_value(const struct kept *kept, size_t index, const char *value) {
    assert_true(bytes_equal(buffer_bytes(&kept->items[index].value), bytes_of_text(value)));
}

static void test_all(void **state) {
    (void)state;
    struct kept kept = {0};
    for (int i = 0; i < 20; i++) {
        add(&kept, i % 2 ? "odd" : "even", i);
    }
    assert_int_equal(kept.count, 20);
    kept_remove(&kept, bytes_of_text("even"));
    kept_remove(&kept, bytes_of_text("none"));
    assert_int_equal(kept.count, 10);
    assert_value(&kept, 0, "1");
    assert_value(&kept, 9, "19");
    kept_clean_up(&kept);
    kept_clean_up(&kept);
    assert_int_equal(kept.count, 0);
}

static void test_newest(void **state) {
    (void)state;
    struct kept kept = {.newest_max = 3};
    for (int i = 0; i < 5; i++) {
        add(&kept, "a", i);
    }
    assert_int_equal(kept.count, 3);
    assert_value(&kept, 0, "2");
    assert_value(&kept, 2, "4");
    kept_clean_up(&kept);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all), cmocka_unit_test(test_newest)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
