#include "producer/shop_report.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

static struct shop *run(const char *world) {
    struct shop_options options = shop_options_default();
    options.world = world;
    options.users = 2000;
    options.days = 10;
    struct shop *shop;
    struct failure failure = shop_new(&options, stderr, &shop);
    assert_false(failed(failure));
    struct shop_emission emission;
    while (shop_next(shop, &emission)) {
    }
    return shop;
}

static void test_json(void **state) {
    (void)state;
    struct shop *shop = run("dirty");
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    shop_report_write_json(shop, out);
    fclose(out);
    json_error_t error;
    json_t *json = json_loads(text, 0, &error);
    assert_non_null(json);
    const struct shop_report *report = shop_report_of(shop);
    assert_int_equal(json_integer_value(json_object_get(json, "sessions")), report->sessions);
    json_t *messages = json_object_get(json, "messages");
    assert_int_equal(json_integer_value(json_object_get(messages, "product_viewed")),
                     report->emitted[EVENT_PRODUCT_VIEWED]);
    double rate = json_real_value(json_object_get(json, "cart_per_session"));
    assert_true(fabs(rate - (double)report->carts / (double)report->sessions) < 1e-5);
    assert_true(json_integer_value(json_object_get(json_object_get(json, "nuisance"), "lost")) > 0);
    assert_non_null(json_object_get(json_object_get(json, "pushes"), "delivered"));
    assert_int_equal(json_object_size(json_object_get(json, "arms")), SHOP_ARM_COUNT);
    json_t *policies = json_object_get(json, "policies");
    assert_int_equal(json_object_size(json_object_get(policies, "gains")), SHOP_POLICY_COUNT);
    assert_int_equal(json_integer_value(json_object_get(policies, "decisions")), report->decided);
    json_t *in_force = json_object_get(policies, "in_force");
    assert_string_equal(json_string_value(json_object_get(in_force, "policy")), "none");
    assert_true(json_number_value(json_object_get(in_force, "gain")) == 0);
    json_t *losses = json_object_get(policies, "log_loss");
    assert_true(json_number_value(json_object_get(losses, "bayes")) <
                json_number_value(json_object_get(losses, "constant")));
    json_decref(json);
    free(text);
    shop_destroy(shop);
}

static void test_text(void **state) {
    (void)state;
    struct shop *shop = run("base");
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    shop_report_write(shop, out);
    fclose(out);
    assert_non_null(strstr(text, "cart per session"));
    assert_non_null(strstr(text, "product_viewed"));
    assert_non_null(strstr(text, "share of the Bayes gain"));
    assert_null(
        strstr(text, "duplicates")); /* a clean shop says nothing of nuisance, nor of pushes */
    assert_null(strstr(text, "pushes"));
    free(text);
    shop_destroy(shop);
}

/* Sums, and no rates: those are made when they are shown. */
static void test_sums(void **state) {
    (void)state;
    struct shop_report report = {0};
    struct shop_truth truth = {
        .p = {.1, .2, .3, .4, .5}, .value = {1, 2, 3, 4, 5}, .is_bought = true};
    shop_report_decision(&report, &truth);
    shop_report_order(&report, 30);
    shop_report_order(&report, 50);
    assert_int_equal(report.decided, 1);
    assert_int_equal(report.bought, 1);
    assert_int_equal(report.no_stock, 1);
    assert_true(report.gain_sum[SHOP_20] == 4 && report.gain_sum[SHOP_NONE] == 0);
    assert_true(report.order_sum == 80 && report.order_squares == 3400 && report.orders == 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_json), cmocka_unit_test(test_text),
                                       cmocka_unit_test(test_sums)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
