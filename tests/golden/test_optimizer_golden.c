/* Optimizers against independent implementations: PyTorch's SGD, momentum, Adagrad and Adam in
 * float64 (torch 1.13, lr .1, .1, .1 and .001, momentum .9, Adagrad's eps 1e-10, on the sum of
 * a (w - t)^2 with a = 1, 2, .5 and t = 1, -1, 3), FTRL in 50 digits (ftrl20.txt) and Vowpal
 * Wabbit's --coin (coin.txt; both made by learners.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/optimizer.h"
#include "model/sigma.h"
#include "tests/support/kind_scene.h"

static void near(double found, double expected, double tolerance) {
    if (!(fabs(found - expected) <= tolerance * (1 + fabs(expected)))) {
        fail_msg("found %.9g, expected %.9g within %g", found, expected, tolerance);
    }
}

/* [steps 1, 2, 10][weights] */
static const struct {
    enum optimizer_rule rule;
    double lr, epsilon, expected[3][3];
} torch[] = {
    {OPTIMIZER_SGD,
     0.1,
     0,
     {{0.2, -0.4, 0.3}, {0.36, -0.64, 0.57}, {0.8926258176, -0.9939533824, 1.9539646797}}},
    {OPTIMIZER_MOMENTUM,
     0.1,
     0,
     {{0.2, -0.4, 0.3}, {0.54, -1, 0.84}, {0.9956001294, -0.48332125, 4.7663681664}}},
    {OPTIMIZER_ADAGRAD,
     0.1,
     1e-10,
     {{0.099999999995, -0.0999999999975, 0.09999999999666669},
      {0.16689647315496414, -0.16689647315860454, 0.16950220967978977},
      {0.44626879963474875, -0.4462687996409898, 0.48512278546703874}}},
    {OPTIMIZER_ADAM,
     0.001,
     1e-8,
     {{0.000999999995, -0.0009999999975, 0.0009999999966666666},
      {0.001999973786165626, -0.0019999737911667458, 0.001999991289435569},
      {0.009996752652197329, -0.009996752677237446, 0.009998923399827782}}},
};

/* As a row of three weights, and as three rows of one. */
static void steps_are_pytorchs(void **state) {
    (void)state;
    const float a[3] = {1, 2, 0.5f}, t[3] = {1, -1, 3};
    for (size_t i = 0; i < sizeof torch / sizeof torch[0]; i++) {
        struct optimizer_options options = {.optimizer = (int)torch[i].rule,
                                            .lr = torch[i].lr,
                                            .momentum = 0.9,
                                            .beta1 = 0.9,
                                            .beta2 = 0.999,
                                            .epsilon = torch[i].epsilon,
                                            .decay_steps = 1};
        struct optimizer optimizer = optimizer_make(&options);
        float row[3] = {0}, row_state[7] = {0}, w[3] = {0}, state_of[3][3] = {{0}};
        for (int step = 1; step <= 10; step++) {
            float g[3];
            double rate = optimizer_rate(&optimizer, step);
            for (int j = 0; j < 3; j++) {
                g[j] = 2 * a[j] * (row[j] - t[j]);
                double slope = 2 * (double)a[j] * ((double)w[j] - (double)t[j]);
                struct ftrl_pull pull = {slope, slope * slope};
                optimizer_step_weight(&optimizer, rate, &w[j], state_of[j], &pull, 1);
            }
            optimizer_step(&optimizer, rate, row, row_state, g, NULL, 3);
            for (int j = 0; j < 3 && (step <= 2 || step == 10); j++) {
                double expected = torch[i].expected[step == 10 ? 2 : step - 1][j];
                near((double)row[j], expected, 2e-7);
                near((double)w[j], expected, 2e-7);
            }
        }
    }
}

/* Numbers of a line; comments have none. */
static size_t numbers_of(const char *line, double *out, size_t most) {
    size_t count = 0;
    int used = 0;
    while (line[0] != '#' && count < most && sscanf(line, "%lf%n", &out[count], &used) == 1) {
        count++;
        line += used;
    }
    return count;
}

static const struct learner_space plain_space = {
    .feature_version = 1, .origin = -1, .cart_value = -1, .idle = -1, .is_new = -1};

/* x of the named features; 0 = absent. */
static size_t features_of(const double *x, size_t count, struct learner_feature *out) {
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (x[i] != 0) {
            out[found++] = (struct learner_feature){(i + 1) << 60, x[i]};
        }
    }
    return found;
}

/* Each of the file's examples, learned by a `linear` whose bias is the file's: its p or its raw
 * score before learning is the file's last column, or the one at `at`. */
static void learn_file(const char *path, const char *settings, size_t first_x, size_t at,
                       bool is_raw, double tolerance) {
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    struct kind_learner learner = kind_learner_new("linear", settings, &plain_space);
    char line[600];
    int steps = 0;
    while (fgets(line, sizeof line, file)) {
        double row[16];
        struct learner_feature features[3];
        if (numbers_of(line, row, 16) == 0) {
            continue;
        }
        struct learner_example example = {.input.features = features,
                                          .input.feature_count =
                                              features_of(row + first_x, 3, features),
                                          .label = row[0],
                                          .p_first = (double)NAN,
                                          .weight = 1};
        struct learner_arm_score score = kind_score(&learner, &example.input);
        near(is_raw ? score.raw : score.p, row[at], tolerance);
        assert_int_equal(kind_learn(&learner, &example), LEARNER_OK);
        steps++;
    }
    assert_true(steps >= 20);
    kind_learner_free(&learner);
    fclose(file);
}

static void linear_with_ftrl_is_the_fifty_digits(void **state) {
    (void)state;
    learn_file("tests/golden/ftrl20.txt",
               "prior_p=0.5,calibration_rate=0,lr=0.3,ftrl_beta=0.7,l1=0.25,l2=0.5", 2, 5, false,
               1e-6);
    learn_file("tests/golden/ftrl20.txt",
               "prior_p=0.5,calibration_rate=0,lr=0.3,ftrl_beta=0.7,l1=0.25,l2=0.5,"
               "table=collisionless",
               2, 5, false, 1e-6);
}

static void the_kernel_is_the_fifty_digits(void **state) {
    (void)state;
    const struct ftrl_params params = {.alpha = 0.3, .beta = 0.7, .l1 = 0.25, .l2 = 0.5};
    FILE *file = fopen("tests/golden/ftrl20.txt", "r");
    assert_non_null(file);
    double z[4] = {0}, n[4] = {0};
    char line[600];
    while (fgets(line, sizeof line, file)) {
        double row[16], w[4], logit = 0;
        if (numbers_of(line, row, 16) == 0) {
            continue;
        }
        for (int i = 0; i < 4; i++) {
            w[i] = ftrl_weight(&params, z[i], n[i]);
            logit += w[i] * row[1 + i];
        }
        near(sigma(logit), row[5], 1e-13);
        struct ftrl_pull pull = ftrl_pull_first(sigma(logit), row[0], 1);
        for (int i = 0; i < 4; i++) {
            double x = row[1 + i];
            ftrl_step(&params, w[i], pull.gradient * x, pull.square * x * x, &z[i], &n[i]);
            near(z[i], row[6 + 2 * i], 1e-13);
            near(n[i], row[7 + 2 * i], 1e-13);
        }
    }
    fclose(file);
}

/* A row of four weights, the same gradients: the kernel in float. */
static void rows_step_as_the_fifty_digits(void **state) {
    (void)state;
    struct optimizer_options options = {.optimizer = OPTIMIZER_FTRL,
                                        .lr = 0.3,
                                        .ftrl_beta = 0.7,
                                        .l1 = 0.25,
                                        .l2 = 0.5,
                                        .decay_steps = 1};
    struct optimizer optimizer = optimizer_make(&options);
    FILE *file = fopen("tests/golden/ftrl20.txt", "r");
    assert_non_null(file);
    float w[4] = {0}, state_of[8] = {0};
    char line[600];
    while (fgets(line, sizeof line, file)) {
        double row[16], logit = 0;
        float g[4];
        if (numbers_of(line, row, 16) == 0) {
            continue;
        }
        for (int i = 0; i < 4; i++) {
            logit += (double)w[i] * row[1 + i];
        }
        near(sigma(logit), row[5], 2e-6);
        for (int i = 0; i < 4; i++) {
            g[i] = (float)((sigma(logit) - row[0]) * row[1 + i]);
        }
        optimizer_step(&optimizer, 1, w, state_of, g, NULL, 4);
        for (int i = 0; i < 4; i++) {
            near((double)state_of[i], row[6 + 2 * i], 2e-6);
            near((double)state_of[4 + i], row[7 + 2 * i], 2e-6);
        }
    }
    fclose(file);
}

/* A row that starts at other numbers than 0 goes on from there, whatever the optimizer. */
static void steps_go_on_from_where_a_row_is(void **state) {
    (void)state;
    for (int rule = 0; rule < OPTIMIZER_RULES; rule++) {
        struct optimizer_options options = {.optimizer = rule,
                                            .lr = 0.01,
                                            .momentum = 0.9,
                                            .beta1 = 0.9,
                                            .beta2 = 0.999,
                                            .epsilon = 1e-8,
                                            .ftrl_beta = 1,
                                            .l1 = rule == OPTIMIZER_FTRL ? 0.01 : 0,
                                            .decay_steps = 1};
        struct optimizer optimizer = optimizer_make(&options);
        float w[3] = {0.5f, -0.25f, 2}, g[3] = {1e-3f, -2e-3f, 5e-4f}, states[20] = {0};
        const float before[3] = {0.5f, -0.25f, 2};
        optimizer_step(&optimizer, optimizer_rate(&optimizer, 1), w, states, g, NULL, 3);
        for (int i = 0; i < 3; i++) {
            near((double)w[i], (double)before[i], 0.02);
            if (rule != OPTIMIZER_COIN) { /* which must have seen a gradient first */
                assert_true((w[i] - before[i]) * g[i] < 0);
            }
        }
    }
}

/* Whatever square a caller gives, l2 may not throw a weight further away than it was. */
static void l2_never_drives_weights_apart(void **state) {
    (void)state;
    static const enum optimizer_rule rules[] = {OPTIMIZER_ADAGRAD, OPTIMIZER_ROW_ADAGRAD,
                                                OPTIMIZER_ADAM, OPTIMIZER_FTRL, OPTIMIZER_SGD};
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        struct optimizer_options options = {.optimizer = (int)rules[i],
                                            .lr = 0.05,
                                            .beta1 = 0.9,
                                            .beta2 = 0.999,
                                            .epsilon = 1e-8,
                                            .ftrl_beta = 1,
                                            .l2 = 1,
                                            .decay_steps = 1};
        struct optimizer optimizer = optimizer_make(&options);
        float w[2] = {0.3f, -0.2f}, states[5] = {0}, g[2] = {1e-6f, 1e-6f}, square[2] = {0, 1e-12f};
        for (int step = 1; step <= 500; step++) {
            optimizer_step(&optimizer, optimizer_rate(&optimizer, step), w, states, g, square, 2);
            assert_true(fabsf(w[0]) < 0.31f && fabsf(w[1]) < 0.31f);
        }
    }
}

static void linear_with_coin_is_vowpal_wabbits(void **state) {
    (void)state;
    learn_file("tests/golden/coin.txt", "prior_p=0.5,calibration_rate=0,optimizer=coin", 1, 4, true,
               2e-5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_pytorchs),
        cmocka_unit_test(the_kernel_is_the_fifty_digits),
        cmocka_unit_test(rows_step_as_the_fifty_digits),
        cmocka_unit_test(steps_go_on_from_where_a_row_is),
        cmocka_unit_test(l2_never_drives_weights_apart),
        cmocka_unit_test(linear_with_ftrl_is_the_fifty_digits),
        cmocka_unit_test(linear_with_coin_is_vowpal_wabbits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
