/* Policies in force, and what the truth rows and the report say of them, in the running shop. */
#include "producer/shop_report.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "producer/shop_outcome.h"
#include "tests/support/temp_file.h"

#define ROWS_MAX 3000

struct bench {
    struct shop *shop;
    struct shop_truth *rows;
    size_t count, feedback, coupons;
};

static void on_truth(void *context, const struct shop_truth *truth) {
    struct bench *bench = context;
    assert_true(bench->count < ROWS_MAX);
    bench->rows[bench->count++] = *truth; /* its texts are not looked at */
}

static struct shop_options options_of(const char *world, enum shop_policy policy) {
    struct shop_options options = shop_options_default();
    options.world = world;
    options.users = 4000;
    options.days = 40;
    options.policy = policy;
    return options;
}

static struct bench *bench_run(struct shop_options options) {
    struct bench *bench = memory_new(1, sizeof *bench);
    bench->rows = memory_new(ROWS_MAX, sizeof *bench->rows);
    options.on_truth = on_truth;
    options.truth_context = bench;
    assert_false(failed(shop_new(&options, stderr, &bench->shop)));
    struct shop_emission emission;
    while (shop_next(bench->shop, &emission)) {
        bench->feedback += emission.stream == SHOP_FEEDBACK;
        bench->coupons += emission.event.type == EVENT_COUPON_APPLIED;
    }
    assert_true(bench->count > 500);
    return bench;
}

static void bench_destroy(struct bench *bench) {
    shop_destroy(bench->shop);
    free(bench->rows);
    free(bench);
}

static const struct shop_gains *gains_of(const struct bench *bench) {
    return &shop_report_of(bench->shop)->gains;
}

static void assert_near(double found, double expected) {
    assert_true(fabs(found - expected) < 1e-9);
}

/* Each row holds together, whatever is in force. */
static void check_rows(const struct bench *bench, enum shop_policy policy) {
    for (size_t i = 0; i < bench->count; i++) {
        const struct shop_truth *row = &bench->rows[i];
        double sum = 0;
        for (int z = 0; z < SHOP_CLASSES; z++) {
            sum += row->posterior[z];
        }
        assert_true(fabs(sum - 1) < 1e-5 && row->posterior[row->z] > 0);
        assert_int_equal(row->a_bayes, shop_policy_best(row->bayes_value));
        assert_int_equal(row->a_oracle, shop_policy_best(row->value));
        if (policy != SHOP_POLICY_RANDOM) {
            assert_int_equal(row->arm, shop_policy_arm(policy, row, 0));
        }
        assert_int_equal(row->is_bought, row->u < row->p[row->arm] && row->has_stock);
    }
}

static void test_a_policy_in_force(void **state) {
    (void)state;
    for (int i = 0; i < SHOP_POLICY_COUNT; i++) {
        enum shop_policy policy = (enum shop_policy)i;
        struct bench *bench = bench_run(options_of("base", policy));
        check_rows(bench, policy);
        assert_string_equal(shop_policy_in_force(bench->shop), shop_policy_names[i]);
        struct shop_gain in_force = shop_gains_of(gains_of(bench), SHOP_GAIN_IN_FORCE);
        struct shop_gain same = shop_gains_of(gains_of(bench), i);
        if (policy != SHOP_POLICY_RANDOM) {
            assert_near(in_force.mean, same.mean);
            assert_near(in_force.sent, same.sent);
        } else {
            assert_true(fabs(in_force.sent - .8) < .05);
        }
        assert_int_equal(bench->feedback, 0); /* no topic brought these pushes */
        bool has_coupons = policy != SHOP_POLICY_NONE && policy != SHOP_POLICY_REMIND;
        assert_int_equal(bench->coupons > 0, has_coupons);
        bench_destroy(bench);
    }
}

/* The world goes on under the policy: pushes tire, coupons wear, carts are skipped. */
static void test_the_world_remembers(void **state) {
    (void)state;
    struct bench *bench = bench_run(options_of("base", SHOP_POLICY_10));
    size_t tired = 0, worn = 0;
    for (size_t i = 0; i < bench->count; i++) {
        tired += bench->rows[i].fatigue > 0;
        worn += bench->rows[i].coupons_30d > 0;
        assert_int_equal(bench->rows[i].fatigue > 0 || bench->rows[i].coupons_30d == 0, true);
    }
    assert_true(tired > 50 && worn > 50);
    bench_destroy(bench);
    struct bench *quiet = bench_run(options_of("forward", SHOP_POLICY_NONE));
    struct bench *loud = bench_run(options_of("forward", SHOP_POLICY_20));
    assert_true(shop_report_of(loud->shop)->carts < shop_report_of(quiet->shop)->carts);
    assert_true(shop_report_of(loud->shop)->bought > shop_report_of(quiet->shop)->bought);
    bench_destroy(quiet);
    bench_destroy(loud);
}

static void test_warm_up_is_left_out(void **state) {
    (void)state;
    struct shop_options options = options_of("base", SHOP_POLICY_NONE);
    options.report_from_day = 25;
    struct bench *bench = bench_run(options);
    double counted = 0, gain = 0;
    for (size_t i = 0; i < bench->count; i++) {
        const struct shop_truth *row = &bench->rows[i];
        if (row->deadline_ms >= SHOP_START_MS_DEFAULT + 25 * DAY_MS) {
            counted++;
            gain += row->value[row->a_bayes] - row->value[SHOP_NONE];
        }
    }
    assert_true(counted > 100 && counted < .6 * (double)bench->count);
    assert_near(shop_gains_decisions(gains_of(bench)), counted);
    assert_near(shop_gains_of(gains_of(bench), SHOP_POLICY_BAYES).mean, gain / counted);
    bench_destroy(bench);
    struct shop *shop;
    options.report_from_day = options.days;
    struct failure failure = shop_new(&options, stderr, &shop);
    assert_true(failed(failure));
}

/* outcome.decide_after_min: a push that comes after 60 min is still the decision's own arm. */
static void test_a_later_decision(void **state) {
    (void)state;
    struct temp_file late = temp_file_of_text("outcome: {decide_after_min: 240}\n");
    struct shop_options options = options_of(late.path, SHOP_POLICY_NONE);
    struct bench bench = {.rows = memory_new(ROWS_MAX, sizeof *bench.rows)};
    options.on_truth = on_truth;
    options.truth_context = &bench;
    assert_false(failed(shop_new(&options, stderr, &bench.shop)));
    struct shop_emission emission;
    char id[24];
    for (int pushes = 0; shop_next(bench.shop, &emission); pushes++) {
        const struct event *event = &emission.event;
        struct push_row row = {.push_id =
                                   bytes_of(id, (size_t)snprintf(id, sizeof id, "%d", pushes)),
                               .user_id = event->user_id,
                               .offer_kind = bytes_of_text("reminder"),
                               .offer_value = NAN,
                               .not_before_ms = event->event_ms + 200 * 60000,
                               .expires_ms = INT64_MAX};
        if (emission.stream == SHOP_CLICKSTREAM && event->type == EVENT_PRODUCT_ADDED) {
            shop_feedback(bench.shop, &row, 0, 5);
        }
    }
    size_t reminded = 0;
    double gain = 0;
    for (size_t i = 0; i < bench.count; i++) {
        const struct shop_truth *row = &bench.rows[i];
        reminded += row->arm == SHOP_REMIND;
        gain += row->value[row->arm] - row->value[SHOP_NONE];
    }
    assert_true((double)reminded > .9 * (double)bench.count);
    assert_string_equal(shop_policy_in_force(bench.shop), "listened");
    struct shop_gain in_force = shop_gains_of(gains_of(&bench), SHOP_GAIN_IN_FORCE);
    assert_near(in_force.mean, gain / (double)bench.count);
    assert_near(in_force.sent, (double)reminded / (double)bench.count);
    shop_destroy(bench.shop);
    free(bench.rows);
    temp_file_remove(&late);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_policy_in_force),
        cmocka_unit_test(test_the_world_remembers),
        cmocka_unit_test(test_warm_up_is_left_out),
        cmocka_unit_test(test_a_later_decision),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
