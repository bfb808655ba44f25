/* learner_choice: what a file and a command line say of a learner, who of them wins, and what is
 * said of what cannot be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "consumer/learn/learner_choice.h"
#include "tests/support/temp_file.h"

static void expect(const struct learner_request *request, const char *kind, const char *option,
                   const char *value) {
    struct learner_choice choice;
    struct failure failure = learner_choice_make(request, &choice);
    assert_string_equal(failure.text, "");
    assert_string_equal(choice.kind->name, kind);
    bool is_found = false;
    for (size_t i = 0; i < choice.kind->option_count; i++) {
        char text[LEARNER_OPTION_TEXT_MAX];
        if (strcmp(choice.kind->options[i].name, option) == 0) {
            learner_options_text(&choice.kind->options[i], choice.options, text, sizeof text);
            assert_string_equal(text, value);
            is_found = true;
        }
    }
    assert_true(is_found);
    learner_choice_clean_up(&choice);
}

static void expect_refused(const struct learner_request *request, const char *expected) {
    struct learner_choice choice;
    struct failure failure = learner_choice_make(request, &choice);
    assert_true(failed(failure));
    assert_non_null(strstr(failure.text, expected));
    assert_null(choice.options);
}

/* Rows of a file have neither late labels nor offers that change. */
static void files_have_defaults_of_their_own(void **state) {
    (void)state;
    const struct learner_request request = {0};
    expect(&request, LEARNER_CHOICE_DEFAULT, "calibration_rate", "0");
    expect(&request, "linear", "lr", "0.07"); /* tests/compare/choose_defaults.py */
}

static void the_command_line_wins_over_the_file(void **state) {
    (void)state;
    struct temp_file file =
        temp_file_of_text("learner:\n  kind: fm\n  options: {k: 3, lr: 0.5, bits: 12}\n");
    static const char *const sets[] = {"bits=13", "lr=0.125"};
    struct learner_request request = {.config_path = file.path};
    expect(&request, "fm", "k", "3");
    expect(&request, "fm", "lr", "0.5");
    request.lr = "0.25";
    expect(&request, "fm", "lr", "0.25");
    request.sets = sets;
    request.set_count = 2;
    expect(&request, "fm", "lr", "0.125");
    expect(&request, "fm", "bits", "13");
    temp_file_remove(&file);
    file = temp_file_of_text("learner:\n  kind: fm\n");
    request = (struct learner_request){.config_path = file.path, .learner = "dnn"};
    expect(&request, "dnn", "batch", "32");
    temp_file_remove(&file);
}

/* The seed of a run is that of a net's first weights too, unless those have one of their own. */
static void the_seed_reaches_the_nets(void **state) {
    (void)state;
    struct temp_file file = temp_file_of_text("learner:\n  options: {seed: 5}\n");
    static const char *const nets[] = {"dnn", "wide_deep", "gru"};
    static const char *const set[] = {"seed=9"};
    for (size_t i = 0; i < 3; i++) {
        struct learner_request request = {.learner = nets[i]};
        expect(&request, nets[i], "seed", "0");
        request.config_path = file.path;
        expect(&request, nets[i], "seed", "5");
        request.has_seed = true;
        request.seed = 1000000000;
        expect(&request, nets[i], "seed", "1000000000");
        request.sets = set;
        request.set_count = 1;
        expect(&request, nets[i], "seed", "9");
    }
    const struct learner_request request = {.learner = "linear", .seed = 3, .has_seed = true};
    expect(&request, "linear", "calibration_rate", "0"); /* it has none: nothing is wrong */
    temp_file_remove(&file);
}

/* Every optimiser steps by its own usual size unless one was given. */
static void an_optimizer_brings_its_step(void **state) {
    (void)state;
    static const char *const sets[] = {"optimizer=coin"}, *const both[] = {"lr=3", "optimizer=sgd"};
    struct learner_request request = {.learner = "linear", .sets = sets, .set_count = 1};
    expect(&request, "linear", "lr", "0");
    request.sets = both;
    request.set_count = 2;
    expect(&request, "linear", "lr", "3");
}

static void what_cannot_be(void **state) {
    (void)state;
    static const char *const typo[] = {"embeding=4"}, *const pair[] = {"bits"},
                             *const range[] = {"bits=99"};
    struct learner_request request = {.learner = "xgboost"};
    expect_refused(&request, "--learner: found \"xgboost\", expected one of ");
    request = (struct learner_request){.sets = pair, .set_count = 1};
    expect_refused(&request, "--set: found \"bits\", expected key=value");
    request.sets = range;
    expect_refused(&request, "linear: bits: found \"99\", expected ");
    request = (struct learner_request){.learner = "dnn", .sets = typo, .set_count = 1};
    expect_refused(&request, "embeding");
    request = (struct learner_request){.learner = "fm", .l1 = "x"};
    expect_refused(&request, "l1: found \"x\"");
    request =
        (struct learner_request){.learner = "logistic", .has_task = true, .task = TASK_REGRESSION};
    expect_refused(&request, "--task regression: logistic learns labels of two values");
    request.learner = "linear"; /* numbers have no log-loss */
    request.loss = "logistic";
    expect_refused(&request, "--task regression: loss: found \"logistic\", expected squared");
    request = (struct learner_request){.config_path = "/nowhere.yaml"};
    expect_refused(&request, "/nowhere.yaml");
}

/* Whoever made it may not be who runs it: the file is named. */
static void errors_of_the_file_name_it(void **state) {
    (void)state;
    struct temp_file kind = temp_file_of_text("learner: {kind: dn}\n");
    struct temp_file option = temp_file_of_text("learner: {kind: dnn, options: {btch: 3}}\n");
    struct learner_request request = {.config_path = kind.path};
    expect_refused(&request, ": learner.kind: found \"dn\", expected one of ");
    request.config_path = option.path;
    expect_refused(&request, option.path);
    expect_refused(&request, ": learner.options: dnn: btch: ");
    request.learner = "dnnn"; /* the command line wins, and is blamed */
    expect_refused(&request, "--learner: found \"dnnn\"");
    temp_file_remove(&kind);
    temp_file_remove(&option);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_have_defaults_of_their_own),
        cmocka_unit_test(the_command_line_wins_over_the_file),
        cmocka_unit_test(the_seed_reaches_the_nets),
        cmocka_unit_test(an_optimizer_brings_its_step),
        cmocka_unit_test(what_cannot_be),
        cmocka_unit_test(errors_of_the_file_name_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
