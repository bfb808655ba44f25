#include "producer/shop_truth.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "tests/support/temp_file.h"

static json_t *read_line(FILE *file) {
    char line[4096];
    json_error_t error;
    assert_non_null(fgets(line, sizeof line, file));
    json_t *object = json_loads(line, 0, &error);
    if (!object) {
        fail_msg("%s in %s", error.text, line);
    }
    return object;
}

static void test_lines_are_json(void **state) {
    (void)state;
    struct temp_file temp = temp_file_of_text("");
    struct shop_truth_file truth;
    struct failure failure = shop_truth_open(temp.path, &truth);
    assert_false(failed(failure));
    struct shop_truth row = {.decision_id = {1, 2},
                             .user_id = bytes_of_text("u0000001"),
                             .session_id = bytes_of_text("s1"),
                             .anchor_event_id = bytes_of_text("e1"),
                             .deadline_ms = 1736121600000,
                             .z = 5,
                             .cart_value = 49.5,
                             .p = {.1, .2, .3, .4, .5},
                             .value = {1, -2, 3, 4, 5},
                             .posterior = {[0] = .75, [11] = .25},
                             .bayes_p = {.5, .4, .3, .2, .1},
                             .bayes_value = {5, 4, 3, 2, 1},
                             .a_bayes = SHOP_NONE,
                             .a_oracle = SHOP_20,
                             .u = 1.0 / 3,
                             .delay_ms = 1500,
                             .has_stock = true,
                             .arm = SHOP_10};
    shop_truth_write(&truth, &row);
    shop_truth_write_delivery(&truth, (struct hash128){1, 2}, (struct hash128){3, 4}, 77, SHOP_SHIP,
                              true);
    failure = shop_truth_close(&truth);
    assert_false(failed(failure));
    failure = shop_truth_close(&truth); /* once more does nothing */
    assert_false(failed(failure));
    FILE *file = fopen(temp.path, "r");
    json_t *line = read_line(file);
    assert_string_equal(json_string_value(json_object_get(line, "decision_id")),
                        "00000000000000010000000000000002");
    assert_string_equal(json_string_value(json_object_get(line, "type")), "persuadable");
    assert_string_equal(json_string_value(json_object_get(line, "sensitivity")), "high");
    assert_int_equal(json_integer_value(json_object_get(line, "deadline_ms")), 1736121600000);
    assert_true(json_number_value(json_object_get(json_object_get(line, "p"), "20%")) == .5);
    assert_true(json_number_value(json_object_get(json_object_get(line, "value"), "remind")) == -2);
    json_t *posterior = json_object_get(line, "posterior");
    assert_int_equal(json_array_size(posterior), SHOP_CLASSES);
    assert_true(json_number_value(json_array_get(posterior, 11)) == .25);
    assert_true(json_number_value(json_object_get(json_object_get(line, "bayes_p"), "20%")) == .1);
    assert_true(json_number_value(json_object_get(json_object_get(line, "bayes_value"), "none")) ==
                5);
    assert_string_equal(json_string_value(json_object_get(line, "a_bayes")), "none");
    assert_string_equal(json_string_value(json_object_get(line, "a_oracle")), "20%");
    assert_true(json_real_value(json_object_get(line, "u")) == 1.0 / 3); /* every bit of it */
    assert_string_equal(json_string_value(json_object_get(line, "arm")), "10%");
    assert_true(json_is_true(json_object_get(line, "has_stock")) &&
                json_is_false(json_object_get(line, "is_bought")));
    json_decref(line);
    line = read_line(file);
    assert_string_equal(json_string_value(json_object_get(line, "delivery")),
                        "00000000000000030000000000000004");
    assert_true(json_is_true(json_object_get(line, "brought_order")));
    json_decref(line);
    fclose(file);
    temp_file_remove(&temp);
}

static void test_none(void **state) {
    (void)state;
    struct shop_truth_file truth;
    struct failure failure = shop_truth_open(NULL, &truth);
    assert_false(failed(failure));
    shop_truth_write(&truth, &(struct shop_truth){0});
    failure = shop_truth_close(&truth);
    assert_false(failed(failure));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lines_are_json),
                                       cmocka_unit_test(test_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
