#include "producer/shop_catalogue.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
/* cmocka needs the above */
#include <cmocka.h>

#define DAYS 40

static struct shop_world world;
static struct shop_catalogue *catalogue;

static int set_up(void **state) {
    (void)state;
    if (failed(shop_world_load("base", stderr, &world))) {
        return -1;
    }
    catalogue = shop_catalogue_new(&world, 3, DAYS);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    shop_catalogue_destroy(catalogue);
    return 0;
}

static void test_items_are_born(void **state) {
    (void)state;
    assert_int_equal(shop_catalogue_items(catalogue, 0), 2000);
    assert_int_equal(shop_catalogue_items(catalogue, 1), 2005);
    assert_int_equal(shop_catalogue_items(catalogue, DAYS - 1), 2195);
    assert_int_equal(shop_catalogue_items(catalogue, DAYS + 5), 2195);
    assert_true(shop_catalogue_is_changed(catalogue, 2004, 1));
    bool is_seen = false;
    shop_catalogue_open_day(catalogue, 20);
    for (int i = 0; i < 24000; i++) {
        is_seen |= shop_catalogue_popular(catalogue, i % 12, (i / 12) / 2000.0) >= 2000;
    }
    assert_true(is_seen); /* new items stand on the shelves */
    shop_catalogue_open_day(catalogue, 0);
    for (int i = 0; i < 24000; i++) {
        assert_true(shop_catalogue_popular(catalogue, i % 12, (i / 12) / 2000.0) < 2000);
    }
}

static void test_stock_and_prices(void **state) {
    (void)state;
    double out = 0, changed = 0;
    for (uint32_t item = 0; item < 2000; item++) {
        int32_t list = 0;
        for (int day = 0; day < DAYS; day++) {
            int32_t price = shop_catalogue_price_cents(catalogue, item, day);
            list = price > list ? price : list;
            out += !shop_catalogue_has_stock(catalogue, item, day);
            changed += day > 0 && price < shop_catalogue_price_cents(catalogue, item, day - 1);
        }
        for (int day = 0; day < DAYS; day++) {
            double ratio = (double)shop_catalogue_price_cents(catalogue, item, day) / list;
            assert_true(ratio > 0.69 && (ratio < 0.91 || ratio > 0.999));
        }
    }
    double item_days = 2000.0 * DAYS;
    assert_true(fabs(out / item_days - 0.02) < 0.003);
    assert_true(changed / item_days > 0.007 && changed / item_days < 0.012);
}

static void test_changes_are_told(void **state) {
    (void)state;
    for (uint32_t item = 0; item < 500; item++) {
        for (int day = 1; day < DAYS; day++) {
            struct catalogue_item_row before, now;
            shop_catalogue_row(catalogue, item, day - 1, &before);
            shop_catalogue_row(catalogue, item, day, &now);
            bool differs = before.price != now.price || (before.stock == 0) != (now.stock == 0);
            assert_int_equal(differs, shop_catalogue_is_changed(catalogue, item, day));
        }
    }
}

static void test_rows_have_words(void **state) {
    (void)state;
    struct catalogue_item_row row;
    shop_catalogue_row(catalogue, 13, 0, &row);
    assert_true(bytes_equal(row.item_id, bytes_of_text("i000013")));
    assert_true(bytes_equal(row.category, bytes_of_text("dresses"))); /* 13 mod 12 */
    assert_true(row.brand.size > 0 && row.image.size > 0 && row.url.size > 0);
    assert_true(row.name.size > row.brand.size);
    assert_true(row.price > 0);
    assert_true(fabs(row.margin - 0.35) < 1e-12);
}

/* Whatever price a shopper has in mind, the cart comes near it. */
static void test_wishes_are_met(void **state) {
    (void)state;
    shop_catalogue_open_day(catalogue, 5);
    double off = 0;
    int count = 0;
    for (double cents = 700; cents < 30000; cents *= 1.01, count++) {
        uint32_t item = shop_catalogue_priced(catalogue, count % 12, cents, 0.5);
        assert_true(shop_catalogue_has_stock(catalogue, item, 5));
        off += log(shop_catalogue_price_cents(catalogue, item, 5) / cents);
        assert_true(fabs(log(shop_catalogue_price_cents(catalogue, item, 5) / cents)) < 0.25);
    }
    assert_true(fabs(off / count) < 0.005);
}

static void test_same_seed_same_shop(void **state) {
    (void)state;
    struct shop_catalogue *same = shop_catalogue_new(&world, 3, DAYS);
    struct shop_catalogue *other = shop_catalogue_new(&world, 4, DAYS);
    int differences = 0;
    for (uint32_t item = 0; item < 2000; item++) {
        int32_t price = shop_catalogue_price_cents(catalogue, item, 7);
        assert_int_equal(shop_catalogue_price_cents(same, item, 7), price);
        differences += shop_catalogue_price_cents(other, item, 7) != price;
    }
    assert_true(differences > 1900);
    shop_catalogue_destroy(same);
    shop_catalogue_destroy(other);
}

static void test_stock_does_not_move_prices(void **state) {
    (void)state;
    struct shop_world endless = world;
    endless.catalogue.out_of_stock = 0;
    struct shop_catalogue *full = shop_catalogue_new(&endless, 3, DAYS);
    for (uint32_t item = 0; item < 2000; item++) {
        assert_true(shop_catalogue_has_stock(full, item, 11));
        assert_int_equal(shop_catalogue_price_cents(full, item, 11),
                         shop_catalogue_price_cents(catalogue, item, 11));
    }
    shop_catalogue_destroy(full);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_items_are_born),
        cmocka_unit_test(test_stock_and_prices),
        cmocka_unit_test(test_changes_are_told),
        cmocka_unit_test(test_rows_have_words),
        cmocka_unit_test(test_wishes_are_met),
        cmocka_unit_test(test_same_seed_same_shop),
        cmocka_unit_test(test_stock_does_not_move_prices),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
