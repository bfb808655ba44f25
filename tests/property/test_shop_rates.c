/* The base rates that SIMULATOR.md states, on a sample: within three standard errors of that
 * sample. The stated ones are of the clean part (no drift, no sale days, no stock), so that is the
 * world here; plus the rates of nuisance. */
#include "producer/shop_report.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "tests/support/temp_file.h"

#define USERS 60000
#define DAYS  60

static struct shop *run(const char *world, int64_t users, int days, uint64_t seed) {
    struct shop_options options = shop_options_default();
    options.world = world;
    options.users = users;
    options.days = days;
    options.seed = seed;
    struct shop *shop;
    struct failure failure = shop_new(&options, stderr, &shop);
    assert_false(failed(failure));
    struct shop_emission emission;
    while (shop_next(shop, &emission)) {
    }
    return shop;
}

/* half is half of the last digit of the stated number, 0 for an exact one. */
static void check(const char *what, double stated, double half, double found, double error) {
    double off = fabs(found - stated) - half;
    double z = (off > 0 ? off : 0) / error;
    print_message("  %-28s stated %8.4f found %8.4f  %5.2f SE\n", what, stated, found, z);
    assert_true(z <= 3);
}

static void check_share(const char *what, double stated, double half, uint64_t part,
                        uint64_t whole) {
    double n = (double)whole;
    check(what, stated, half, (double)part / n, sqrt(stated * (1 - stated) / n));
}

static void check_funnel(const struct shop_report *report) {
    static const double mix[SHOP_TYPES] = {.27, .32, .30, .11};
    check_share("cart per session", .104, .0005, report->carts, report->sessions);
    check_share("abandoned in the session", .702, .0005, report->abandoned, report->carts);
    check_share("conversion", .031, .0005, report->paid, report->sessions);
    check_share("conversion with recoveries", .042, .0005, report->orders, report->sessions);
    double n = (double)report->orders, mean = report->order_sum / n;
    double variance = report->order_squares / n - mean * mean;
    check("order value", 62.9, .05, mean, sqrt(variance / n));
    check_share("abandoned, bought", .151, .0005, report->bought, report->decided);
    for (int type = 0; type < SHOP_TYPES; type++) {
        check_share(shop_type_names[type], mix[type], .005, report->abandoned_by_type[type],
                    report->abandoned);
    }
}

static void test_stated_base_rates(void **state) {
    (void)state;
    static const double stated[SHOP_ARM_COUNT] = {.151, .157, .183, .202, .224};
    struct temp_file clean =
        temp_file_of_text("drift: {wave: 0, sale_days: 0}\ncatalogue: {out_of_stock: 0}\n");
    struct shop *shop = run(clean.path, USERS, DAYS, 101);
    const struct shop_report *report = shop_report_of(shop);
    check_funnel(report);
    double n = (double)report->decided;
    for (int arm = 0; arm < SHOP_ARM_COUNT; arm++) {
        double mean = report->p_sum[arm] / n;
        double variance = report->p_squares[arm] / n - mean * mean;
        check(shop_arm_names[arm], stated[arm], .0005, mean, sqrt(variance / n));
    }
    assert_int_equal(report->no_stock, 0);
    assert_int_equal(report->decided, report->abandoned);
    shop_destroy(shop);
    temp_file_remove(&clean);
}

/* Views are 1 + Geom(.3): variance .7 / .09. Closed forms that follow from the parameters alone, no
 * sample of anybody's. */
static void test_closed_forms(void **state) {
    (void)state;
    struct shop *shop = run("exact", 30000, 30, 102);
    const struct shop_report *report = shop_report_of(shop);
    double sessions = 0, carts = 0, left = 0;
    static const double share[] = {.16, .22, .52, .10}, rate[] = {.10, .08, .05, .07},
                        cart[] = {.17, .11, .06, .10}, checkout[] = {.68, .40, .22, .47},
                        pay[] = {.76, .50, .30, .55};
    for (int i = 0; i < SHOP_TYPES; i++) {
        sessions += share[i] * rate[i];
        carts += share[i] * rate[i] * cart[i];
        left += share[i] * rate[i] * cart[i] * (1 - checkout[i] * pay[i]);
    }
    double n = (double)report->sessions;
    check("views per session", 1 + .7 / .3, 0, (double)report->views / n, sqrt(.7 / .09 / n));
    check_share("carts", carts / sessions, 0, report->carts, report->sessions);
    check_share("left", left / carts, 0, report->abandoned, report->carts);
    shop_destroy(shop);
}

static void test_null_world_moves_nobody(void **state) {
    (void)state;
    struct shop *shop = run("null", 5000, 30, 103);
    const struct shop_report *report = shop_report_of(shop);
    assert_true(report->decided > 300);
    for (int arm = 1; arm < SHOP_ARM_COUNT; arm++) {
        assert_true(report->p_sum[arm] == report->p_sum[SHOP_NONE]);
        assert_true(report->gain_sum[arm] < 0);
    }
    shop_destroy(shop);
}

static void test_persuadable_world(void **state) {
    (void)state;
    struct shop *shop = run("persuade", 5000, 30, 104);
    const struct shop_report *report = shop_report_of(shop);
    assert_int_equal(report->abandoned_by_type[TYPE_PERSUADABLE], report->abandoned);
    assert_true(report->gain_sum[SHOP_10] / (double)report->decided > 1);
    shop_destroy(shop);
}

static void test_dirty_rates(void **state) {
    (void)state;
    struct shop *shop = run("dirty", 20000, 20, 105);
    const struct shop_nuisance_counts *counts = shop_nuisance_counts_of(shop);
    const struct shop_report *report = shop_report_of(shop);
    check_share("lost", .001, 0, counts->lost, counts->seen);
    uint64_t arrived = counts->seen - counts->lost;
    check_share("duplicated", .005, 0, counts->duplicated, arrived);
    check_share("late by minutes", .01, 0, counts->late, arrived);
    check_share("late by days", .0005, 0, counts->late_days, arrived);
    check_share("reordered", .02, 0, counts->reordered, arrived);
    check_share("future", .0001, 0, counts->future, arrived);
    check_share("guest sessions", .60, 0, counts->guest_sessions, report->sessions);
    check_share("logins", .35, 0, counts->logins, counts->guest_sessions);
    check_share("cancelled", .01, 0, counts->cancelled, report->orders);
    check_share("refunded", .08, 0, counts->refunded, report->orders);
    uint64_t emitted = 0, with_lines = 0;
    for (int type = 0; type < EVENT_TYPE_COUNT; type++) {
        emitted += report->emitted[type];
        with_lines += type == EVENT_USER_IDENTIFIED ? 0 : report->emitted[type];
    }
    assert_int_equal(emitted, arrived + counts->duplicated);
    check_share("brand missing", .05, 0, counts->no_brand, with_lines);
    check_share("price missing", .005, 0, counts->no_price, with_lines);
    check_share("absurd price", .0001, 0, counts->absurd_price, with_lines);
    assert_true(counts->bot_events > 0);
    shop_destroy(shop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stated_base_rates),
        cmocka_unit_test(test_closed_forms),
        cmocka_unit_test(test_null_world_moves_nobody),
        cmocka_unit_test(test_persuadable_world),
        cmocka_unit_test(test_dirty_rates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
