/* Section `learn` of pipeline.yaml. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "consumer/pipeline_config.h"
#include "model/logistic.h"

static void expect_config_error(const char *text, const char *error) {
    struct pipeline_config config;
    char *errors = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&errors, &size);
    struct failure failure = pipeline_config_load_text("x.yaml", text, strlen(text), out, &config);
    fclose(out);
    assert_true(failed(failure));
    if (!strstr(errors, error)) {
        fail_msg("'%s' is not in '%s'", error, errors);
    }
    free(errors);
}

static void test_what_the_section_refuses(void **state) {
    (void)state;
    expect_config_error("learn: {learners: [{name: 'a/b'}]}", "learn.learners[0].name: found a/b");
    expect_config_error("learn: {learners: [{name: ''}]}", "learn.learners[0].name");
    expect_config_error("learn: {learners: [{name: abcdefghijklmnopqrstuvwx}]}", "1 to 23");
    expect_config_error("learn: {learners: [{name: a}, {name: a, role: challenger}]}",
                        "learn.learners[1].name: found a");
    expect_config_error("learn: {learners: [{name: a}, {name: b}]}", "2 of them champions");
    expect_config_error("learn: {learners: [{role: challenger}]}", "0 of them champions");
    expect_config_error("learn: {learners: []}", "found 0");
    expect_config_error("learn: {learners: [{crosses: [age_band]}]}", "crosses: found age_band");
    expect_config_error("learn: {learners: [{crosses: ['age_band:shoe']}]}", "age_band:shoe");
    expect_config_error("learn: {learners: [{crosses: ['zone:zone']}]}", "zone:zone");
    expect_config_error("learn: {learners: [{arm_features: [shoe]}]}", "arm_features: found shoe");
    expect_config_error("learn: {alarm_ratio: 0.5}", "learn.alarm_ratio: found 0.5");
    expect_config_error("learn: {learners: [{bits: 30}]}", "bits");
    expect_config_error("learn: {learners: [{kind: oracle}]}",
                        "learn.learners[0].kind: found oracle, expected one of logistic, linear");
    expect_config_error("learn: {learners: [{options: {lr: 1}}]}",
                        "learn.learners[0].options: found lr, expected none");
    expect_config_error("learn: {learners: [{kind: linear, options: {lr: -1}}]}",
                        "learn.learners[0].options.lr: found \"-1\", expected a number");
    expect_config_error("learn: {learners: [{kind: linear, options: {speed: 1}}]}",
                        "learn.learners[0].options.speed: found an option that linear does not");
    expect_config_error("learn: {learners: [{kind: linear, options: {loss: squared}}]}",
                        "learn.learners[0].options.loss: found squared, expected logistic");
    expect_config_error("learn: {learners: [{kind: fm, bits: 12}]}",
                        "learn.learners[0].bits: found 12, expected nothing: it is of logistic");
    expect_config_error("learn: {learners: [{kind: dnn, l2: 3}]}", "[0].l2: found 3");
    expect_config_error("learn: {learners: [{kind: fm, crosses: ['age_band:region']}]}",
                        "learn.learners[0].crosses: found age_band:region, expected nothing");
}

static void test_the_default_learner(void **state) {
    (void)state;
    struct pipeline_config config;
    struct failure failure = pipeline_config_load_text("x.yaml", "{}", 2, stderr, &config);
    assert_false(failed(failure));
    const struct learner_config *learners[ROW_LEARNERS_MAX];
    assert_int_equal(learn_config_list(&config.learn, learners), 1);
    struct logistic_options options;
    learner_options_default(&learner_logistic, &options);
    const struct learner_config *learner = learners[0];
    assert_string_equal(learner->name, "logistic");
    assert_int_equal(learner->role, ROLE_CHAMPION);
    assert_int_equal(learner->bits, options.bits);
    assert_true(learner->alpha == options.alpha && learner->beta == options.beta);
    assert_true(learner->l1 == options.l1 && learner->l2 == options.l2);
    assert_true(learner->prior_p == options.head.prior_p &&
                learner->effect_sd == options.head.effect_sd);
    assert_true(learner->calibration_rate == options.head.calibration_rate);
    assert_int_equal(learner->crosses.count, 2);
    assert_string_equal(learner->crosses.items[1], "origin:top_category");
    assert_int_equal(learner->arm_features.count, 3);
    struct model model;
    model_init(&model, learner, &config.decide);
    assert_ptr_equal(model.kind, &learner_logistic);
    model_clean_up(&model);
    pipeline_config_clean_up(&config);
}

static void test_another_kind_has_its_options(void **state) {
    (void)state;
    static const char text[] = "learn: {learners: [{name: b, kind: linear, prior_p: 0.25, "
                               "options: {optimizer: adagrad, lr: 0.5}}]}";
    struct pipeline_config config;
    struct failure failure =
        pipeline_config_load_text("x.yaml", text, strlen(text), stderr, &config);
    assert_false(failed(failure));
    const struct learner_config *learners[ROW_LEARNERS_MAX];
    assert_int_equal(learn_config_list(&config.learn, learners), 1);
    struct model model;
    model_init(&model, learners[0], &config.decide);
    assert_string_equal(model.kind->name, "linear");
    char said[2000] = "";
    model.kind->describe(model.memory, said, sizeof said);
    assert_non_null(strstr(said, "adagrad"));
    assert_non_null(strstr(said, "0.5"));
    assert_non_null(strstr(said, "0.25"));
    model_clean_up(&model);
    pipeline_config_clean_up(&config);
}

static void test_the_champion_comes_first(void **state) {
    (void)state;
    static const char text[] = "learn: {learners: [{name: a, role: challenger}, {name: b}, "
                               "{name: c, role: challenger}]}";
    struct pipeline_config config;
    struct failure failure =
        pipeline_config_load_text("x.yaml", text, strlen(text), stderr, &config);
    assert_false(failed(failure));
    const struct learner_config *learners[ROW_LEARNERS_MAX];
    assert_int_equal(learn_config_list(&config.learn, learners), 3);
    assert_string_equal(learners[0]->name, "b");
    assert_string_equal(learners[1]->name, "a");
    assert_string_equal(learners[2]->name, "c");
    pipeline_config_clean_up(&config);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_the_section_refuses),
        cmocka_unit_test(test_the_default_learner),
        cmocka_unit_test(test_another_kind_has_its_options),
        cmocka_unit_test(test_the_champion_comes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
