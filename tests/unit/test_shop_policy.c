#include "producer/shop_policy.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

static void assert_near(double found, double expected) {
    assert_true(fabs(found - expected) < 1e-12);
}

static struct shop_truth row_of(int64_t user, double gain_10) {
    return (struct shop_truth){.user = user,
                               .p = {.2, .3, .3, .4, .5},
                               .value = {1, 1.5, .5, 1 + gain_10, 0},
                               .bayes_p = {.25, .3, .3, .35, .5},
                               .a_bayes = SHOP_REMIND,
                               .a_oracle = SHOP_10};
}

static void test_arms(void **state) {
    (void)state;
    struct shop_truth row = row_of(0, 2);
    static const enum shop_arm expected[SHOP_POLICY_COUNT] = {
        [SHOP_POLICY_NONE] = SHOP_NONE,    [SHOP_POLICY_REMIND] = SHOP_REMIND,
        [SHOP_POLICY_SHIP] = SHOP_SHIP,    [SHOP_POLICY_10] = SHOP_10,
        [SHOP_POLICY_20] = SHOP_20,        [SHOP_POLICY_RANDOM] = SHOP_20,
        [SHOP_POLICY_RULE] = SHOP_10,      [SHOP_POLICY_PROPENSITY] = SHOP_10,
        [SHOP_POLICY_BAYES] = SHOP_REMIND, [SHOP_POLICY_ORACLE] = SHOP_10};
    for (int i = 0; i < SHOP_POLICY_COUNT; i++) {
        assert_int_equal(shop_policy_arm((enum shop_policy)i, &row, .999), expected[i]);
        assert_non_null(shop_policy_names[i]);
    }
    assert_null(shop_policy_names[SHOP_POLICY_COUNT]);
    assert_int_equal(shop_policy_arm(SHOP_POLICY_RANDOM, &row, 0), SHOP_NONE);
    assert_int_equal(shop_policy_arm(SHOP_POLICY_RANDOM, &row, .41), SHOP_SHIP);
    row.bayes_p[SHOP_NONE] = .20;
    assert_int_equal(shop_policy_arm(SHOP_POLICY_PROPENSITY, &row, 0), SHOP_NONE);
}

static void test_best(void **state) {
    (void)state;
    assert_int_equal(shop_policy_best((const double[]){0, 0, 0, 0, 0}), SHOP_NONE);
    assert_int_equal(shop_policy_best((const double[]){-1, 3, 2, 3, -5}), SHOP_REMIND);
    assert_int_equal(shop_policy_best((const double[]){-3, -2, -2, -2, -1}), SHOP_20);
}

static void test_gains(void **state) {
    (void)state;
    struct shop_gains gains = {.from_ms = 100};
    struct shop_truth early = row_of(1, 9), first = row_of(1, 2), second = row_of(2, 4);
    early.deadline_ms = 99;
    first.deadline_ms = second.deadline_ms = 100;
    second.arm = SHOP_20;
    shop_gains_add(&gains, &early);
    assert_near(shop_gains_decisions(&gains), 0);
    assert_near(shop_gains_of(&gains, SHOP_POLICY_10).mean, 0); /* of nothing */
    shop_gains_add(&gains, &first);
    shop_gains_add(&gains, &second);
    assert_near(shop_gains_decisions(&gains), 2);
    assert_near(shop_gains_of(&gains, SHOP_POLICY_10).mean, 3);
    assert_near(shop_gains_of(&gains, SHOP_POLICY_ORACLE).mean, 3);
    assert_near(shop_gains_of(&gains, SHOP_POLICY_BAYES).mean, .5);
    assert_near(shop_gains_of(&gains, SHOP_POLICY_NONE).mean, 0);
    assert_near(shop_gains_of(&gains, SHOP_POLICY_NONE).sent, 0);
    assert_near(shop_gains_of(&gains, SHOP_POLICY_20).sent, 1);
    /* Random: (0 + .5 - .5 + 3 - 1) / 5 */
    assert_near(shop_gains_of(&gains, SHOP_POLICY_RANDOM).mean, .4);
    assert_near(shop_gains_of(&gains, SHOP_POLICY_RANDOM).sent, .8);
    struct shop_gain in_force = shop_gains_of(&gains, SHOP_GAIN_IN_FORCE);
    assert_near(in_force.mean, -.5);
    assert_near(in_force.sent, .5);
    /* Two of 64 groups are off by 1 from the mean of 2 decisions. */
    assert_near(shop_gains_of(&gains, SHOP_POLICY_10).error, sqrt(2.0 * 64 / 63) / 2);
}

/* A user's decisions stand in one group: twice the same user is no new information. */
static void test_errors_cluster_by_user(void **state) {
    (void)state;
    struct shop_gains once = {0}, twice = {0};
    for (int64_t user = 0; user < SHOP_GAIN_GROUPS; user++) {
        struct shop_truth row = row_of(user, (double)(user % 7));
        shop_gains_add(&once, &row);
        shop_gains_add(&twice, &row);
        shop_gains_add(&twice, &row);
    }
    double error = shop_gains_of(&once, SHOP_POLICY_10).error;
    assert_true(error > .1);
    assert_near(shop_gains_of(&twice, SHOP_POLICY_10).error, error);
}

static void test_losses(void **state) {
    (void)state;
    struct shop_gains gains = {0};
    struct shop_truth yes = row_of(1, 0), no = row_of(2, 0);
    yes.p[SHOP_NONE] = .6;
    no.arm = SHOP_REMIND;
    no.p[SHOP_REMIND] = 0; /* a sure no must not become NaN */
    shop_gains_add(&gains, &yes);
    shop_gains_add(&gains, &no);
    struct shop_losses losses = shop_gains_losses(&gains);
    assert_near(losses.constant, -.3 * log(.3) - .7 * log(.7));
    assert_near(losses.oracle, (-.6 * log(.6) - .4 * log(.4)) / 2);
    assert_near(losses.bayes, (-.6 * log(.25) - .4 * log(.75) - log(.7)) / 2);
}

static void test_report(void **state) {
    (void)state;
    struct shop_gains gains = {0};
    struct shop_truth row = row_of(3, 2);
    row.arm = SHOP_REMIND;
    shop_gains_add(&gains, &row);
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    fprintf(out, "{\"a\":1");
    shop_gains_write_json(&gains, "listened", out);
    fprintf(out, "}");
    fclose(out);
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    json_t *in_force = json_object_get(json_object_get(json, "policies"), "in_force");
    assert_string_equal(json_string_value(json_object_get(in_force, "policy")), "listened");
    assert_near(json_number_value(json_object_get(in_force, "share_of_bayes")), 1);
    assert_near(json_number_value(json_object_get(in_force, "regret_to_oracle")), 1.5);
    json_decref(json);
    free(text);
    out = open_memstream(&text, &size);
    shop_gains_write(&(struct shop_gains){0}, "none", out); /* nothing decided: no NaN */
    fclose(out);
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "share of the Bayes gain"));
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arms),   cmocka_unit_test(test_best),
        cmocka_unit_test(test_gains),  cmocka_unit_test(test_errors_cluster_by_user),
        cmocka_unit_test(test_losses), cmocka_unit_test(test_report),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
