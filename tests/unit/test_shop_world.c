#include "producer/shop_world.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "tests/support/temp_file.h"

static struct shop_world load(const char *name) {
    struct shop_world world;
    struct failure failure = shop_world_load(name, stderr, &world);
    assert_false(failed(failure));
    return world;
}

static void assert_near(double found, double expected) {
    assert_true(fabs(found - expected) < 1e-12);
}

static void test_base_is_as_stated(void **state) {
    (void)state;
    struct shop_world world = load("base");
    const struct shop_type_world *persuadable = &world.types[TYPE_PERSUADABLE];
    assert_near(persuadable->share, .22);
    assert_near(persuadable->sessions_per_day, .08);
    assert_near(persuadable->base_7d, .06);
    assert_near(persuadable->delta[SHOP_NONE], 0);
    assert_near(persuadable->delta[SHOP_REMIND], .55);
    assert_near(persuadable->delta[SHOP_20], 1.75);
    assert_near(world.types[TYPE_DISTURB].delta[SHOP_SHIP], -.55);
    assert_near(world.types[TYPE_DISTURB].covariate[COVARIATE_DISMISS][2], .55); /* the rest to 1 */
    assert_near(world.types[TYPE_SURE].covariate[COVARIATE_RFM][2], .60);
    assert_near(world.sensitivities[SENSITIVITY_HIGH].price_slope, -.60);
    assert_near(world.sensitivities[SENSITIVITY_LOW].coupon_tilt[0], 1.4);
    assert_false(world.nuisance.enabled);
    assert_near(world.consent.granted, .8);
    assert_int_equal(shop_world_idle_ms(&world), 60 * 60000);
}

static void test_every_built_in_world_loads(void **state) {
    (void)state;
    size_t count = 0;
    for (; shop_worlds[count].name; count++) {
        struct shop_world world = load(shop_worlds[count].name);
        assert_int_equal(world.catalogue.items, 2000);
    }
    assert_int_equal(count, 10);
}

static void test_worlds_differ_as_stated(void **state) {
    (void)state;
    struct shop_world world = load("null");
    for (int type = 0; type < SHOP_TYPES; type++) {
        for (int arm = 0; arm < SHOP_ARM_COUNT; arm++) {
            assert_near(world.types[type].delta[arm], 0);
        }
    }
    assert_near(load("persuade").types[TYPE_PERSUADABLE].share, 1);
    world = load("interact");
    assert_near(world.outcome.interaction, .8);
    assert_near(world.types[TYPE_PERSUADABLE].delta[SHOP_10], 0);
    assert_near(world.types[TYPE_PERSUADABLE].delta[SHOP_20], 1.75);
    assert_near(load("drift").drift.slow, .1);
    assert_near(load("shock").drift.jump, -.4);
    assert_near(load("shock").drift.jump_coupon, .5);
    assert_near(load("forward").outcome.pull_forward, .3);
    assert_near(load("wait").outcome.wait_training, .2);
    assert_true(load("dirty").nuisance.enabled);
    world = load("exact");
    assert_near(world.outcome.fatigue, 0);
    assert_near(world.outcome.coupon_wear, 1);
    assert_near(world.value.returns + world.value.returns_20, 0);
    assert_near(world.catalogue.out_of_stock, 0);
    assert_near(world.consent.granted, 1);
}

static void test_file_changes_what_it_names(void **state) {
    (void)state;
    struct temp_file file =
        temp_file_of_text("types:\n  sure: {share: 0.38}\n  persuadable: {share: 0}\n"
                          "sessions: {views: 0.5}\n");
    struct shop_world world = load(file.path);
    assert_near(world.types[TYPE_SURE].share, .38);
    assert_near(world.types[TYPE_SURE].cart, .17);
    assert_near(world.sessions.views, .5);
    temp_file_remove(&file);
}

static void refuse(const char *text, const char *expected) {
    struct temp_file file = temp_file_of_text(text);
    struct shop_world world;
    char errors[512] = "";
    FILE *out = fmemopen(errors, sizeof errors, "w");
    struct failure failure = shop_world_load(file.path, out, &world);
    fclose(out);
    assert_int_equal(failure.action, FAILURE_STOP);
    if (!strstr(errors, expected) && !strstr(failure.text, expected)) {
        fail_msg("no \"%s\" in \"%s\" nor \"%s\"", expected, errors, failure.text);
    }
    temp_file_remove(&file);
}

static void test_bad_files(void **state) {
    (void)state;
    refuse("sessions: {vews: 0.5}\n", "views");
    refuse("types: {sure: {share: 0.5}}\n", "shares sum to 1.34");
    refuse("types: {sure: {rfm_1: 0.8}}\n", "levels 1 and 2 exceed 1");
    refuse("sensitivities: {low: {share: 0}}\n", "shares sum to 0.7");
    refuse("consent: {granted: 0.8, denied: 0.3}\n", "consent");
    refuse("feedback: {opened: 0.9, dismissed: 0.2}\n", "feedback");
    refuse("types: {sure: {cart: 2}}\n", "cart");
    struct shop_world world;
    struct failure failure = shop_world_load("nowhere", stderr, &world);
    assert_non_null(strstr(failure.text, "nowhere"));
}

static void test_defaults_are_a_world_file(void **state) {
    (void)state;
    static char text[65536];
    FILE *out = fmemopen(text, sizeof text, "w");
    shop_world_write_defaults(out);
    fclose(out);
    struct temp_file file = temp_file_of_text(text);
    struct shop_world written = load(file.path), base = load("base");
    assert_memory_equal(&written, &base, sizeof base);
    temp_file_remove(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base_is_as_stated),
        cmocka_unit_test(test_every_built_in_world_loads),
        cmocka_unit_test(test_worlds_differ_as_stated),
        cmocka_unit_test(test_file_changes_what_it_names),
        cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_defaults_are_a_world_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
