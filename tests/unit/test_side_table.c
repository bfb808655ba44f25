/* side_table: rows come back as they were put, removal and refill leave no ghosts, the bound holds.
 */
#include "consumer/side/side_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/rng.h"

static struct bytes text(const char *value) {
    return bytes_of_text(value);
}

static void assert_row(const struct side_table *table, const char *key, const char *value) {
    struct bytes found = side_table_get(table, text(key));
    assert_int_equal(found.size, strlen(value));
    assert_memory_equal(found.data, value, found.size);
}

static void test_put_replace_remove(void **state) {
    (void)state;
    struct side_table *table = side_table_new(10);
    assert_int_equal(side_table_get(table, text("a")).size, 0);
    assert_true(side_table_put(table, text("a"), text("one")));
    assert_true(side_table_put(table, text("b"), text("two")));
    assert_row(table, "a", "one");
    assert_true(side_table_put(table, text("a"), text("another, longer one")));
    assert_row(table, "a", "another, longer one");
    assert_row(table, "b", "two");
    assert_int_equal(side_table_count(table), 2);
    assert_true(side_table_put(table, text("a"), bytes_of(NULL, 0)));
    assert_int_equal(side_table_get(table, text("a")).size, 0);
    assert_row(table, "b", "two");
    assert_int_equal(side_table_count(table), 1);
    assert_true(side_table_put(table, text("never seen"), bytes_of(NULL, 0)));
    assert_int_equal(side_table_count(table), 1);
    side_table_destroy(table);
}

static void test_copies(void **state) {
    (void)state;
    struct side_table *table = side_table_new(10);
    char key[] = "key", value[] = "value";
    side_table_put(table, text(key), text(value));
    key[0] = value[0] = 'X';
    assert_row(table, "key", "value");
    struct bytes own = side_table_get(table, text("key"));
    side_table_put(table, text("key"), own); /* a row put back from its own bytes */
    assert_row(table, "key", "value");
    side_table_destroy(table);
}

static void test_full(void **state) {
    (void)state;
    struct side_table *table = side_table_new(2);
    assert_true(side_table_put(table, text("a"), text("1")));
    assert_true(side_table_put(table, text("b"), text("2")));
    assert_false(side_table_put(table, text("c"), text("3")));
    assert_int_equal(side_table_get(table, text("c")).size, 0);
    assert_true(side_table_put(table, text("b"), text("22"))); /* a row that is there may change */
    assert_true(side_table_put(table, text("a"), bytes_of(NULL, 0)));
    assert_true(side_table_put(table, text("c"), text("3")));
    assert_row(table, "b", "22");
    assert_row(table, "c", "3");
    side_table_destroy(table);
}

#define KEYS 500

/* Random puts and removals against a plain array. */
static void test_churn(void **state) {
    (void)state;
    struct side_table *table = side_table_new(KEYS);
    int values[KEYS];
    size_t count = 0;
    memset(values, -1, sizeof values);
    struct rng rng = rng_make(7, 0);
    for (int step = 0; step < 20000; step++) {
        size_t at = rng_below(&rng, KEYS);
        char key[16], value[16];
        snprintf(key, sizeof key, "k%zu", at);
        snprintf(value, sizeof value, "%d", step);
        bool is_removal = rng_below(&rng, 3) == 0;
        assert_true(side_table_put(table, text(key), is_removal ? bytes_of(NULL, 0) : text(value)));
        count += (size_t)(!is_removal && values[at] < 0);
        count -= (size_t)(is_removal && values[at] >= 0);
        values[at] = is_removal ? -1 : step;
        assert_int_equal(side_table_count(table), count);
    }
    for (size_t at = 0; at < KEYS; at++) {
        char key[16], value[16] = "";
        snprintf(key, sizeof key, "k%zu", at);
        if (values[at] >= 0) {
            snprintf(value, sizeof value, "%d", values[at]);
        }
        assert_row(table, key, value);
    }
    side_table_destroy(table);
}

static void test_memory(void **state) {
    (void)state;
    struct side_table *table = side_table_new(10);
    size_t before = side_table_memory_bytes(table);
    side_table_put(table, text("key"), text("0123456789"));
    size_t first = side_table_memory_bytes(table);
    assert_true(first >= before + 13);
    side_table_put(table, text("key"), text("0"));
    assert_int_equal(side_table_memory_bytes(table), first - 9);
    side_table_put(table, text("key"), bytes_of(NULL, 0));
    assert_int_equal(side_table_memory_bytes(table), first - 13);
    side_table_destroy(table);
    side_table_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_replace_remove),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_churn),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
