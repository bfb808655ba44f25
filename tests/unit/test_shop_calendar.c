#include "producer/shop_calendar.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
/* cmocka needs the above */
#include <cmocka.h>

#define DAYS  60
#define TOKYO 13

static struct shop_world world;
static struct shop_calendar *calendar;

static int set_up(void **state) {
    (void)state;
    if (failed(shop_world_load("shock", stderr, &world))) {
        return -1;
    }
    calendar = shop_calendar_new(&world, 7, SHOP_START_MS_DEFAULT, DAYS);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    shop_calendar_destroy(calendar);
    return 0;
}

static int64_t at(int day, int hour) {
    return SHOP_START_MS_DEFAULT + day * DAY_MS + hour * HOUR_MS;
}

static void test_shares_of_places(void **state) {
    (void)state;
    double sum = 0;
    for (int i = 0; i < SHOP_PLACES; i++) {
        sum += shop_places[i].share;
    }
    assert_true(fabs(sum - 1) < 1e-9);
    assert_string_equal(shop_places[TOKYO].zone, "Asia/Tokyo");
}

/* The evening peak is at 20h of the place. */
static int busiest_hour(int place, int day) {
    int best = 0;
    for (int hour = 0; hour < 24; hour++) {
        if (shop_calendar_factor(calendar, place, at(day, hour)) >
            shop_calendar_factor(calendar, place, at(day, best))) {
            best = hour;
        }
    }
    return best;
}

static void test_hours_are_local(void **state) {
    (void)state;
    assert_int_equal(busiest_hour(0, 1), 19);     /* Berlin in winter */
    assert_int_equal(busiest_hour(TOKYO, 1), 11); /* nine hours east */
}

static double day_sum(int place, int day) {
    double sum = 0;
    for (int hour = 0; hour < 24; hour++) {
        sum += shop_calendar_factor(calendar, place, at(day, hour));
    }
    return sum / 24;
}

static void test_factors_average_to_about_one(void **state) {
    (void)state;
    double sum = 0, highest = 0;
    for (int place = 0; place < SHOP_PLACES; place++) {
        for (int day = 0; day < DAYS; day++) {
            sum += day_sum(place, day);
        }
        for (int64_t ms = at(0, 0); ms < at(DAYS, 0); ms += HOUR_MS / 2) {
            double factor = shop_calendar_factor(calendar, place, ms);
            highest = factor > highest ? factor : highest;
            assert_true(factor <= shop_calendar_factor_max(calendar, place));
        }
    }
    double mean = sum / (SHOP_PLACES * DAYS); /* paydays and sale days add about 8 % */
    assert_true(mean > 1.0 && mean < 1.2);
    assert_true(highest > 2);
}

static void test_one_sale_day_in_thirty(void **state) {
    (void)state;
    for (int block = 0; block < 2; block++) {
        int sales = 0;
        for (int day = 30 * block; day < 30 * block + 30; day++) {
            sales += shop_calendar_is_sale(calendar, at(day, 13));
        }
        assert_int_equal(sales, 1);
    }
}

static void test_drift(void **state) {
    (void)state;
    int sale = 0;
    while (!shop_calendar_is_sale(calendar, at(sale, 0))) {
        sale++;
    }
    int quiet = sale == 3 ? 4 : 3; /* a day of the first half without a sale */
    double wave = .15 * sin(2 * 3.14159265358979 * quiet / 30);
    assert_true(fabs(shop_calendar_drift(calendar, at(quiet, 0)) - wave) < 1e-9);
    wave = .15 * sin(2 * 3.14159265358979 * sale / 30);
    assert_true(fabs(shop_calendar_drift(calendar, at(sale, 0)) - wave - .3) < 1e-9);
    assert_false(shop_calendar_is_second_half(calendar, at(30, 0) - 1));
    assert_true(shop_calendar_is_second_half(calendar, at(30, 0)));
    double before = shop_calendar_drift(calendar, at(30, 0) - 1);
    double after = shop_calendar_drift(calendar, at(30, 0));
    bool is_even =
        shop_calendar_is_sale(calendar, at(29, 0)) == shop_calendar_is_sale(calendar, at(30, 0));
    assert_true(!is_even || fabs(after - before + .4) < 1e-6);
}

/* Against the factor itself, from minute to minute; ends within slots, and beyond the days. */
static void test_exposure(void **state) {
    (void)state;
    int64_t from_ms = at(3, 5) + 11 * 60000, to_ms = at(6, 17) + 43 * 60000;
    double sum = 0;
    for (int64_t ms = from_ms; ms < to_ms; ms += 60000) {
        sum += shop_calendar_factor(calendar, TOKYO, ms) / (24 * 60);
    }
    assert_true(fabs(shop_calendar_exposure(calendar, TOKYO, from_ms, to_ms) - sum) < 1e-9);
    double all = shop_calendar_exposure(calendar, 0, at(0, 0), at(DAYS, 0));
    assert_true(all > .9 * DAYS && all < 1.3 * DAYS);
    assert_true(shop_calendar_exposure(calendar, 0, at(-2, 0), at(DAYS + 2, 0)) == all);
    assert_true(shop_calendar_exposure(calendar, 0, at(DAYS, 0), at(DAYS + 1, 0)) == 0);
}

static void test_bounds(void **state) {
    (void)state;
    assert_true(shop_calendar_factor(calendar, 0, at(0, 0) - 1) == 0);
    assert_true(shop_calendar_factor(calendar, 0, at(0, 0)) > 0);
    assert_true(shop_calendar_factor(calendar, 0, at(DAYS, 0) - 1) > 0);
    assert_true(shop_calendar_factor(calendar, 0, at(DAYS, 0)) == 0);
    assert_true(shop_calendar_is_over(calendar, at(DAYS, 0)));
    assert_int_equal(shop_calendar_day(calendar, at(0, 0) - 1), -1);
    assert_int_equal(shop_calendar_day(calendar, at(3, 23)), 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shares_of_places),
        cmocka_unit_test(test_hours_are_local),
        cmocka_unit_test(test_factors_average_to_about_one),
        cmocka_unit_test(test_one_sale_day_in_thirty),
        cmocka_unit_test(test_drift),
        cmocka_unit_test(test_exposure),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
