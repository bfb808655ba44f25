/* simulate_options: a command line becomes the shop's options, and what does not fit together is
 * refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "producer/simulate_options.h"

#define ARGUMENTS_MAX 32

static enum options_verdict parse(struct simulate_options *out, const char *const *words) {
    char *argv[ARGUMENTS_MAX + 1];
    int argc = 0;
    argv[argc++] = (char *)(uintptr_t) "simulate";
    for (; *words; words++) {
        assert_true(argc < ARGUMENTS_MAX);
        argv[argc++] = (char *)(uintptr_t)*words;
    }
    argv[argc] = NULL;
    return simulate_options_parse(argc, argv, out);
}
#define PARSE(out, ...) parse((out), (const char *const[]){__VA_ARGS__, NULL})

static void defaults_are_the_shops(void **state) {
    (void)state;
    struct simulate_options options;
    assert_int_equal(PARSE(&options, "-n"), OPTIONS_OK);
    struct shop_options got = simulate_shop_options(&options), expected = shop_options_default();
    assert_string_equal(got.world, expected.world);
    assert_int_equal(got.seed, expected.seed);
    assert_int_equal(got.users, expected.users);
    assert_int_equal(got.days, expected.days);
    assert_int_equal(got.start_ms, expected.start_ms);
    assert_int_equal(got.nuisance, expected.nuisance);
    assert_true(isnan(got.consent_granted) && isnan(got.consent_denied));
    assert_false(got.with_catalogue_changes);
    assert_null(got.truth_path);
    assert_int_equal(got.policy, SHOP_POLICY_NONE);
    assert_int_equal(got.report_from_day, 0);
    assert_null(got.causes_path);
}

static void everything_reaches_the_shop(void **state) {
    (void)state;
    struct simulate_options options;
    assert_int_equal(PARSE(&options, "-b", "h:1", "--world", "dirty", "--seed=7", "--users", "5",
                           "--days", "6", "--start", "2024-02-29", "--nuisance", "off",
                           "--consent-granted", "0.5", "--consent-denied=0.5", "--truth", "t.jsonl",
                           "--causes", "causes.jsonl", "--catalogue-topic", "c", "--policy",
                           "bayes", "--report-from-day=5"),
                     OPTIONS_OK);
    struct shop_options got = simulate_shop_options(&options);
    assert_string_equal(got.world, "dirty");
    assert_int_equal(got.seed, 7);
    assert_int_equal(got.users, 5);
    assert_int_equal(got.days, 6);
    assert_int_equal(got.start_ms, INT64_C(1709164800000));
    assert_int_equal(got.nuisance, SHOP_OFF);
    assert_true(got.consent_granted == .5 && got.consent_denied == .5);
    assert_true(got.with_catalogue_changes);
    assert_string_equal(got.truth_path, "t.jsonl");
    assert_int_equal(got.policy, SHOP_POLICY_BAYES);
    assert_int_equal(got.report_from_day, 5);
    assert_string_equal(got.causes_path, "causes.jsonl");
    assert_string_equal(options.feedback_topic, "push-feedback");
    assert_int_equal(options.listen_grace_ms, 5000);
}

static void what_does_not_fit_is_refused(void **state) {
    (void)state;
    struct simulate_options options;
    assert_int_equal(PARSE(&options, "--users", "5"), OPTIONS_ERROR);
    assert_int_equal(PARSE(&options, "-n", "--users", "0"), OPTIONS_ERROR);
    assert_int_equal(PARSE(&options, "-n", "--listen", "promotion-pushes"), OPTIONS_ERROR);
    assert_int_equal(PARSE(&options, "-o", "x", "--profiles-topic", "p"), OPTIONS_ERROR);
    assert_int_equal(PARSE(&options, "-n", "--consent-granted", "0.5"), OPTIONS_ERROR);
    assert_int_equal(PARSE(&options, "-n", "--consent-granted", "0.6", "--consent-denied", "0.5"),
                     OPTIONS_ERROR);
    assert_int_equal(PARSE(&options, "-n", "--policy", "best"), OPTIONS_ERROR);
    assert_int_equal(
        PARSE(&options, "-b", "h:1", "--listen", "promotion-pushes", "--policy", "all10"),
        OPTIONS_ERROR);
    assert_int_equal(
        PARSE(&options, "-b", "h:1", "--listen", "promotion-pushes", "--policy", "none"),
        OPTIONS_OK);
    assert_int_equal(PARSE(&options, "-n", "--days", "5", "--report-from-day", "5"), OPTIONS_ERROR);
    assert_int_equal(PARSE(&options, "-n", "extra"), OPTIONS_ERROR);
    assert_int_equal(PARSE(&options, "--print-world"), OPTIONS_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_the_shops),
        cmocka_unit_test(everything_reaches_the_shop),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
