/* ftrl against independent implementations: numpy (ftrl.txt) and Vowpal Wabbit's own test 294. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "model/ftrl.h"
#include "model/sigma.h"

#define COORDINATES 3

static void near(double found, double expected, double tolerance) {
    if (!(fabs(found - expected) <= tolerance)) {
        fail_msg("found %.17g, expected %.17g within %g", found, expected, tolerance);
    }
}

/* [step][p, z_a, n_a, z_b, n_b, z_c, n_c] */
static void read_golden(double golden[3][7]) {
    FILE *file = fopen("tests/golden/ftrl.txt", "r");
    assert_non_null(file);
    char line[512];
    int step = 0;
    while (fgets(line, sizeof line, file)) {
        double *row = golden[step];
        if (line[0] != '#') {
            assert_int_equal(sscanf(line, "%lf %lf %lf %lf %lf %lf %lf", &row[0], &row[1], &row[2],
                                    &row[3], &row[4], &row[5], &row[6]),
                             7);
            step++;
        }
    }
    fclose(file);
    assert_int_equal(step, 3);
}

static const struct ftrl_params params = {.alpha = 0.1, .beta = 1, .l1 = 0.05, .l2 = 1};
static const struct {
    double label;
    bool has[COORDINATES];
} examples[3] = {{1, {true, true, false}}, {0, {true, false, false}}, {1, {false, true, true}}};

static void the_kernel_in_double_is_numpys(void **state) {
    (void)state;
    double golden[3][7], z[COORDINATES] = {0}, n[COORDINATES] = {0};
    read_golden(golden);
    for (int i = 0; i < 3; i++) {
        double w[COORDINATES], logit = 0;
        for (int c = 0; c < COORDINATES; c++) {
            w[c] = ftrl_weight(&params, z[c], n[c]);
            logit += examples[i].has[c] ? w[c] : 0;
        }
        double p = sigma(logit);
        struct ftrl_pull pull = ftrl_pull_first(p, examples[i].label, 1);
        near(p, golden[i][0], 1e-12);
        for (int c = 0; c < COORDINATES; c++) {
            if (examples[i].has[c]) {
                ftrl_step(&params, w[c], pull.gradient, pull.square, &z[c], &n[c]);
            }
            near(z[c], golden[i][1 + 2 * c], 1e-12);
            near(n[c], golden[i][2 + 2 * c], 1e-12);
        }
    }
}

static void stored_slots_are_numpys_to_single_precision(void **state) {
    (void)state;
    double golden[3][7];
    struct ftrl_slot slots[COORDINATES] = {{0}};
    read_golden(golden);
    for (int i = 0; i < 3; i++) {
        double logit = 0;
        for (int c = 0; c < COORDINATES; c++) {
            logit += examples[i].has[c] ? (double)slots[c].w : 0;
        }
        struct ftrl_pull pull = ftrl_pull_first(sigma(logit), examples[i].label, 1);
        near(sigma(logit), golden[i][0], 1e-7);
        for (int c = 0; c < COORDINATES; c++) {
            if (examples[i].has[c]) {
                assert_true(ftrl_slot_learn(&params, &slots[c], &pull, 1));
            }
            near((double)slots[c].z, golden[i][1 + 2 * c], 2e-7);
            near((double)slots[c].n, golden[i][2 + 2 * c], 2e-7);
        }
    }
}

/* VW test 294: --ftrl --noconstant, squared loss, 500 times the lines "1|f1", "1|f2", "2|f1 f2",
 * predictions clipped to the labels seen: both weights 1.0000, average loss .0029865 (METHODS 5).
 */
static void squared_loss_is_vowpal_wabbits(void **state) {
    (void)state;
    const struct ftrl_params vw = {.alpha = 0.5, .beta = 1};
    struct ftrl_slot slots[2] = {{0}};
    double loss = 0, label_max = 0;
    for (int i = 0; i < 1500; i++) {
        double label = i % 3 == 2 ? 2 : 1, p = 0;
        label_max = fmax(label_max, label);
        for (int c = 0; c < 2; c++) {
            p += i % 3 == c || i % 3 == 2 ? (double)slots[c].w : 0;
        }
        p = fmin(fmax(p, 0), label_max); /* its smallest label starts at 0 */
        loss += (p - label) * (p - label);
        double gradient = 2 * (p - label);
        struct ftrl_pull pull = {gradient, gradient * gradient};
        for (int c = 0; c < 2; c++) {
            if (i % 3 == c || i % 3 == 2) {
                assert_true(ftrl_slot_learn(&vw, &slots[c], &pull, 1));
            }
        }
    }
    near((double)slots[0].w, 1, 5e-5);
    near((double)slots[1].w, 1, 5e-5);
    near(loss / 1500, 0.0029865, 5e-8);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kernel_in_double_is_numpys),
        cmocka_unit_test(stored_slots_are_numpys_to_single_precision),
        cmocka_unit_test(squared_loss_is_vowpal_wabbits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
