#include "producer/shop_shelf.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* cmocka needs the above */
#include <cmocka.h>

static void fill(struct shop_shelf *shelf) {
    memset(shelf, 0, sizeof *shelf);
    shop_shelf_add(shelf, 10, 5000, 1, 1);
    shop_shelf_add(shelf, 11, 1000, 5, 1);
    shop_shelf_add(shelf, 12, 1020, 3, 1);
    shop_shelf_add(shelf, 13, 9000, 1, 0);
    shop_shelf_close(shelf);
}

static void test_popularity(void **state) {
    (void)state;
    struct shop_shelf shelf;
    fill(&shelf);
    int counts[4] = {0};
    for (int i = 0; i < 1000; i++) {
        counts[shop_shelf_popular(&shelf, i / 1000.0) - 10]++;
    }
    assert_int_equal(counts[0], 100);
    assert_int_equal(counts[1], 500);
    assert_int_equal(counts[2], 300);
    assert_int_equal(counts[3], 100); /* looked at, though it is out of stock */
    shop_shelf_clean_up(&shelf);
}

static void test_price(void **state) {
    (void)state;
    struct shop_shelf shelf;
    fill(&shelf);
    int cheap = 0;
    for (int i = 0; i < 800; i++) {
        uint32_t item = shop_shelf_priced(&shelf, 1010, 0.04, i / 800.0);
        assert_true(item == 11 || item == 12);
        cheap += item == 11;
    }
    assert_int_equal(cheap, 500); /* by popularity among those near */
    assert_int_equal(shop_shelf_priced(&shelf, 3500, 0.04, 0.5), 10); /* the nearest one */
    assert_int_equal(shop_shelf_priced(&shelf, 2000, 0.04, 0.5), 12);
    assert_int_equal(shop_shelf_priced(&shelf, 1, 0.04, 0.5), 11);
    assert_int_equal(shop_shelf_priced(&shelf, 9000, 0.04, 0.5), 10); /* 13 is out of stock */
    shop_shelf_clean_up(&shelf);
}

static void test_next_day(void **state) {
    (void)state;
    struct shop_shelf shelf;
    fill(&shelf);
    shop_shelf_clear(&shelf);
    for (uint32_t i = 0; i < 200; i++) {
        shop_shelf_add(&shelf, i, 100.0 * (i + 1), 1, 0);
    }
    shop_shelf_close(&shelf);
    assert_int_equal(shop_shelf_popular(&shelf, 0.9999), 199);
    assert_int_equal(shop_shelf_priced(&shelf, 100, 0.04, 0),
                     0); /* nothing in stock: by popularity */
    shop_shelf_clean_up(&shelf);
    shop_shelf_clean_up(&shelf);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_popularity),
        cmocka_unit_test(test_price),
        cmocka_unit_test(test_next_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
