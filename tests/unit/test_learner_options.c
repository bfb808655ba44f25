/* Options of learners by their names: defaults, ranges, and texts that read back to the same bits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/learner_options.h"
#include "model/logistic.h"

static bool is_colour(const char *text, char *error, size_t size) {
    if (strcmp(text, "red") != 0) {
        snprintf(error, size, "found \"%s\", expected red", text);
        return false;
    }
    return true;
}

struct made_options {
    int count, choice;
    double rate;
    char colour[LEARNER_OPTION_TEXT_MAX];
};
static const char *const choices[] = {"sgd", "adam", NULL};
static const struct learner_option table[] = {
    {"count", LEARNER_OPTION_INT, offsetof(struct made_options, count), "3", 1, 9, NULL, "", NULL},
    {"choice", LEARNER_OPTION_CHOICE, offsetof(struct made_options, choice), "adam", 0, 0, choices,
     "", NULL},
    {"rate", LEARNER_OPTION_NUMBER, offsetof(struct made_options, rate), "0.1", 0, 1e9, NULL, "",
     NULL},
    {"colour", LEARNER_OPTION_TEXT, offsetof(struct made_options, colour), "red", 0, 0, NULL, "",
     is_colour},
};
static const struct learner_kind made = {.name = "made",
                                         .options_bytes = sizeof(struct made_options),
                                         .options = table,
                                         .option_count = 4};

static void test_defaults(void **state) {
    (void)state;
    struct made_options options;
    learner_options_default(&made, &options);
    assert_int_equal(options.count, 3);
    assert_int_equal(options.choice, 1);
    assert_true(options.rate == 0.1);
    assert_string_equal(options.colour, "red");
}

static void test_refusals_say_what_was_expected(void **state) {
    (void)state;
    static const char *const cases[][3] = {
        {"count", "10", "count: found \"10\", expected a whole number between 1 and 9"},
        {"count", "2.5", "count: found \"2.5\", expected a whole number between 1 and 9"},
        {"rate", "nan", "rate: found \"nan\", expected a number between 0 and 1000000000"},
        {"rate", "1x", "rate: found \"1x\", expected a number between 0 and 1000000000"},
        {"rate", "", "rate: found \"\", expected a number between 0 and 1000000000"},
        {"choice", "ftrl", "choice: found \"ftrl\", expected one of sgd, adam"},
        {"colour", "blue", "colour: found \"blue\", expected red"},
        {"size", "1", "size: found an option that made does not have"},
    };
    struct made_options options, before;
    learner_options_default(&made, &options);
    memcpy(&before, &options, sizeof before);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char error[200] = "";
        assert_false(
            learner_options_set(&made, &options, cases[i][0], cases[i][1], error, sizeof error));
        assert_string_equal(error, cases[i][2]);
        assert_memory_equal(&options, &before, sizeof before);
    }
    char small[8];
    assert_false(learner_options_set(&made, &options, "choice", "ftrl", small, sizeof small));
    assert_string_equal(small, "choice:");
}

static void test_texts_read_back_to_the_same_bits(void **state) {
    (void)state;
    static const double values[] = {0.1, 1e-6, 1.0 / 3, 12345.678901234567, DBL_MIN, 0, 1e9};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct made_options options = {.rate = values[i]}, again = {0};
        char text[64], error[200];
        learner_options_text(&table[2], &options, text, sizeof text);
        assert_true(learner_options_set(&made, &again, "rate", text, error, sizeof error));
        assert_memory_equal(&again.rate, &options.rate, sizeof options.rate);
    }
    struct made_options options = {.rate = 0.1};
    char text[64];
    learner_options_text(&table[2], &options, text, sizeof text);
    assert_string_equal(text, "0.1");
    learner_options_text(&table[1], &options, text, sizeof text);
    assert_string_equal(text, "sgd");
}

static void test_every_kind_is_found(void **state) {
    (void)state;
    for (size_t i = 0; learner_kinds[i]; i++) {
        assert_ptr_equal(learner_kind_find(learner_kinds[i]->name), learner_kinds[i]);
        void *options = calloc(1, learner_kinds[i]->options_bytes);
        learner_options_default(learner_kinds[i], options);
        free(options);
    }
    assert_null(learner_kind_find("oracle"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_refusals_say_what_was_expected),
        cmocka_unit_test(test_texts_read_back_to_the_same_bits),
        cmocka_unit_test(test_every_kind_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
