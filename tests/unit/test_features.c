/* features: counters against a direct sum, every number against a user who has it and one who has
 * not, buckets against their formula. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "consumer/rooms/features.h"
#include "consumer/rooms/state.h"
#include "tests/support/decide_fixture.h"

static void near(double found, double expected) {
    if (!(fabs(found - expected) <= 1e-5 * (1 + fabs(expected)))) {
        fail_msg("found %.9g, expected %.9g", found, expected);
    }
}

/* ---- counters ---- */

static void counters_are_the_sum_over_events(void **state) {
    (void)state;
    struct rng rng = rng_make(7, 0);
    for (int round = 0; round < 50; round++) {
        struct decayed_counter counter = {.last_ms = TIME_NONE};
        int64_t times_ms[60], now_ms = FIXTURE_NOON_MS;
        for (size_t i = 0; i < 60; i++) { /* not in order: some come late */
            times_ms[i] = now_ms - (int64_t)rng_below(&rng, (uint64_t)(10 * FIXTURE_DAY_MS));
            counter_add(&counter, times_ms[i], 1);
        }
        for (int half_life = 0; half_life < COUNTER_HALF_LIVES; half_life++) {
            double sum = 0;
            for (size_t i = 0; i < 60; i++) {
                double age_ms = (double)(now_ms - times_ms[i]);
                sum += exp2(-age_ms / counter_half_life_ms[half_life]);
            }
            near(counter_at(&counter, half_life, now_ms), sum);
        }
    }
}

static void a_counter_never_grows_backwards(void **state) {
    (void)state;
    struct decayed_counter counter = {.last_ms = TIME_NONE};
    assert_true(counter_at(&counter, 0, FIXTURE_NOON_MS) == 0);
    counter_add(&counter, FIXTURE_NOON_MS, 1);
    assert_true(counter_at(&counter, 0, FIXTURE_NOON_MS) == 1);
    assert_true(counter_at(&counter, 0, FIXTURE_NOON_MS - FIXTURE_DAY_MS) == 1);
    near(counter_at(&counter, 0, FIXTURE_NOON_MS + FIXTURE_HOUR_MS), 0.5);
    near(counter_at(&counter, 1, FIXTURE_NOON_MS + FIXTURE_DAY_MS), 0.5);
    near(counter_at(&counter, 2, FIXTURE_NOON_MS + 14 * FIXTURE_DAY_MS), 0.5);
    assert_true(counter_at(&counter, 0, FIXTURE_NOON_MS + 100000 * FIXTURE_DAY_MS) == 0);
}

/* ---- capture ---- */

struct scene {
    struct user_state user;
    struct feature_context context;
    struct decision decision;
};

static int set_up(void **state) {
    struct scene *scene = memory_new(1, sizeof *scene);
    user_state_init(&scene->user, bytes_of_text("anna"));
    scene->user.first_seen_ms = scene->user.last_event_ms = FIXTURE_NOON_MS - 60000;
    scene->context = (struct feature_context){.local_hour = -1, .local_weekday = -1, .margin = NAN};
    decide_fixture_decision("anna", &scene->decision);
    *state = scene;
    return 0;
}

static int tear_down(void **state) {
    struct scene *scene = *state;
    user_state_clean_up(&scene->user);
    free(scene);
    return 0;
}

static const double *capture(struct scene *scene) {
    features_capture(&scene->user, &scene->context, &scene->decision);
    assert_int_equal(scene->decision.feature_version, FEATURE_VERSION);
    assert_int_equal(scene->decision.number_count, feature_number_count);
    assert_int_equal(scene->decision.name_count, feature_name_count);
    return scene->decision.numbers;
}

static void expect_name(const struct scene *scene, enum feature_name name, const char *expected) {
    struct bytes found = scene->decision.names[name];
    if (!bytes_equal(found, bytes_of_text(expected))) {
        fail_msg("%s: found \"%.*s\", expected \"%s\"", feature_names[name].name, BYTES_ARG(found),
                 expected);
    }
}

static void a_stranger_is_missing_only_what_may_be_missing(void **state) {
    struct scene *scene = *state;
    const double *numbers = capture(scene);
    for (size_t i = 0; i < feature_number_count; i++) {
        bool can_miss = strstr(feature_numbers[i].help, "never missing") == NULL;
        bool is_cart_value = i == FEATURE_CART_VALUE; /* no cart: 0 */
        if (isnan(numbers[i]) != (can_miss && !is_cart_value)) {
            fail_msg("%s is %g", feature_numbers[i].name, numbers[i]);
        }
    }
    assert_true(numbers[FEATURE_IS_NEW] == 1);
    assert_true(numbers[FEATURE_CART_VALUE] == 0);
    assert_true(numbers[FEATURE_SINCE_EVENT_S] == 60);
    for (size_t i = 0; i < feature_name_count; i++) {
        bool can_miss = strstr(feature_names[i].help, "never missing") == NULL;
        assert_int_equal(scene->decision.names[i].size == 0, can_miss);
    }
    expect_name(scene, FEATURE_ORIGIN, "cart_abandoned");
    expect_name(scene, FEATURE_CONSENT, "unknown");
}

static void counters_fill_the_first_fifteen(void **state) {
    struct scene *scene = *state;
    for (int kind = 0; kind < COUNTER_KIND_COUNT; kind++) {
        for (int i = 0; i <= kind; i++) { /* kind + 1 events an hour ago */
            counter_add(&scene->user.counters[kind], FIXTURE_NOON_MS - FIXTURE_HOUR_MS, 1);
        }
    }
    const double *numbers = capture(scene);
    near(numbers[FEATURE_VIEWED_1H], 0.5);
    near(numbers[FEATURE_ADDED_1H], 1);
    near(numbers[FEATURE_CHECKOUT_1H], 1.5);
    near(numbers[FEATURE_ORDERED_1H], 2);
    near(numbers[FEATURE_SEARCHED_1H], 2.5);
    near(numbers[FEATURE_VIEWED_1D], exp2(-1.0 / 24));
    near(numbers[FEATURE_SEARCHED_14D], 5 * exp2(-1.0 / 24 / 14));
}

static void habits_are_as_of_now(void **state) {
    struct scene *scene = *state;
    struct user_state *user = &scene->user;
    user->order_ms = FIXTURE_NOON_MS - 14 * FIXTURE_DAY_MS;
    user->order_value = 100;
    user->first_seen_ms = FIXTURE_NOON_MS - 20 * FIXTURE_DAY_MS;
    user->session_start_ms = FIXTURE_NOON_MS + 3000; /* after now, within the lateness */
    user->sessions = 9;
    user->session_views = 4;
    user->session_adds = 2;
    user->coupons = 1;
    user->opened = 5;
    user->dismissed = 6;
    user->price_mean = 25;
    user->last_event_ms = FIXTURE_NOON_MS - 14 * FIXTURE_DAY_MS;
    user->categories[1] = (struct affinity){.name_hash = 5, .weight = 8};
    user->categories[2] = (struct affinity){.name_hash = 6, .weight = 2};
    user->brands[0] = (struct affinity){.name_hash = 7, .weight = 3};
    const double *numbers = capture(scene);
    near(numbers[FEATURE_SINCE_ORDER_S], 14 * 86400);
    near(numbers[FEATURE_ORDER_VALUE_14D], 50);
    near(numbers[FEATURE_SINCE_FIRST_S], 20 * 86400);
    assert_true(numbers[FEATURE_SINCE_SESSION_S] == 0);
    assert_true(numbers[FEATURE_SESSIONS] == 9);
    assert_true(numbers[FEATURE_SESSION_VIEWS] == 4);
    assert_true(numbers[FEATURE_SESSION_ADDS] == 2);
    assert_true(numbers[FEATURE_COUPONS] == 1);
    assert_true(numbers[FEATURE_OPENED] == 5);
    assert_true(numbers[FEATURE_DISMISSED] == 6);
    assert_true(numbers[FEATURE_PRICE_MEAN] == 25);
    assert_true(numbers[FEATURE_IS_NEW] == 0);
    near(numbers[FEATURE_TOP_CATEGORY_WEIGHT], 4);
    near(numbers[FEATURE_TOP_BRAND_WEIGHT], 1.5);
}

static void the_cart_is_counted(void **state) {
    struct scene *scene = *state;
    struct user_active *active = state_active(&scene->user);
    active->cart = memory_new(3, sizeof *active->cart);
    active->cart_count = active->cart_capacity = 3;
    active->cart[0] = (struct cart_line){.item = 1, .quantity = 2, .price = 10};
    active->cart[1] = (struct cart_line){.item = 2, .quantity = 1, .price = NAN};
    active->cart[2] = (struct cart_line){.item = 3, .quantity = 3, .price = 1.5F};
    active->cart_overflow = 7;
    active->cart_changed_ms = FIXTURE_NOON_MS - FIXTURE_HOUR_MS / 2;
    active->checkout_ms = FIXTURE_NOON_MS - 1500;
    scene->context.margin = 0.4;
    const double *numbers = capture(scene);
    near(numbers[FEATURE_CART_VALUE], 24.5);
    near(numbers[FEATURE_CART_VALUE], state_cart_value(&scene->user));
    assert_true(numbers[FEATURE_CART_LINES] == 3);
    assert_true(numbers[FEATURE_CART_QUANTITY] == 6);
    assert_true(numbers[FEATURE_CART_OVERFLOW] == 7);
    assert_true(numbers[FEATURE_CART_IDLE_H] == 0.5);
    assert_true(numbers[FEATURE_SINCE_CHECKOUT_S] == 1.5);
    assert_true(numbers[FEATURE_CART_MARGIN] == 0.4);
    active->cart[0].price = active->cart[2].price = NAN;
    assert_true(isnan(capture(scene)[FEATURE_CART_VALUE]));
    active->cart_count = 0; /* only lines that nobody knows */
    assert_true(isnan(capture(scene)[FEATURE_CART_VALUE]));
}

static void pushes_press_and_are_forgotten(void **state) {
    struct scene *scene = *state;
    struct user_active *active = state_active(&scene->user);
    const int64_t ages_ms[] = {8 * FIXTURE_DAY_MS, 7 * FIXTURE_DAY_MS, 7 * FIXTURE_DAY_MS - 1,
                               2 * FIXTURE_DAY_MS};
    for (size_t i = 0; i < 4; i++) {
        active->sent_ms[active->sent_count++] = FIXTURE_NOON_MS - ages_ms[i];
    }
    scene->user.push_pressure = 3;
    const double *numbers = capture(scene);
    assert_true(numbers[FEATURE_PUSHES_7D] == 2);
    near(numbers[FEATURE_PUSH_PRESSURE], 3 * exp2(-2.0 / 7));
}

static void the_top_item_comes_from_the_catalogue(void **state) {
    struct scene *scene = *state;
    struct catalogue_item_row item = {
        .category = bytes_of_text("shoes"),
        .brand = bytes_of_text("Runner"),
        .price = 50,
        .margin = 0.25,
        .stock = 0,
    };
    scene->context.top_item = &item;
    scene->context.top_item_id = bytes_of_text("i-1");
    const double *numbers = capture(scene);
    assert_true(isnan(numbers[FEATURE_TOP_PRICE_RATIO])); /* no prices looked at yet */
    scene->user.price_mean = 20;
    numbers = capture(scene);
    assert_true(numbers[FEATURE_TOP_PRICE_RATIO] == 2.5);
    assert_true(numbers[FEATURE_TOP_MARGIN] == 0.25);
    assert_true(numbers[FEATURE_TOP_STOCK] == 0);
    expect_name(scene, FEATURE_TOP_ITEM, "i-1");
    expect_name(scene, FEATURE_TOP_CATEGORY, "shoes");
    expect_name(scene, FEATURE_TOP_BRAND, "Runner");
    item.price = item.margin = NAN;
    item.stock = -1;
    numbers = capture(scene);
    assert_true(isnan(numbers[FEATURE_TOP_PRICE_RATIO]));
    assert_true(isnan(numbers[FEATURE_TOP_MARGIN]));
    assert_true(isnan(numbers[FEATURE_TOP_STOCK]));
    item.price = 10;
    scene->user.price_mean = 0;
    assert_true(isnan(capture(scene)[FEATURE_TOP_PRICE_RATIO]));
}

static void names_come_from_events_before_the_profile(void **state) {
    struct scene *scene = *state;
    struct profile_row profile = {
        .age_band = bytes_of_text("25-34"),
        .gender = bytes_of_text("f"),
        .region = bytes_of_text("DE-BE"),
        .locale = bytes_of_text("de-DE"),
        .consent = CONSENT_GRANTED,
    };
    scene->context.profile = &profile;
    scene->context.zone_name = bytes_of_text("Europe/Berlin");
    scene->context.local_hour = 0;
    scene->context.local_weekday = 6;
    scene->decision.trigger = TRIGGER_BROWSE_ABANDONED;
    memcpy(scene->user.currency, "EUR", 3);
    const double *numbers = capture(scene);
    assert_true(numbers[FEATURE_LOCAL_HOUR] == 0);
    assert_true(numbers[FEATURE_LOCAL_WEEKDAY] == 6);
    expect_name(scene, FEATURE_ORIGIN, "browse_abandoned");
    expect_name(scene, FEATURE_CONSENT, "granted");
    expect_name(scene, FEATURE_AGE_BAND, "25-34");
    expect_name(scene, FEATURE_GENDER, "f");
    expect_name(scene, FEATURE_REGION, "DE-BE");
    expect_name(scene, FEATURE_LOCALE, "de-DE");
    expect_name(scene, FEATURE_CURRENCY, "EUR");
    expect_name(scene, FEATURE_ZONE, "Europe/Berlin");
    scene->user.consent = CONSENT_DENIED;
    memcpy(scene->user.locale, "zh-Hant", 7);
    capture(scene);
    expect_name(scene, FEATURE_CONSENT, "denied");
    expect_name(scene, FEATURE_LOCALE, "zh-Hant");
    memcpy(scene->user.locale, "\xc3\xb6\xc3\xb6\xc3\xb6\xc3", 7); /* cut inside a character */
    capture(scene);
    expect_name(scene, FEATURE_LOCALE, "de-DE");
}

static void capture_is_a_function_of_its_inputs(void **state) {
    struct scene *scene = *state;
    capture(scene);
    struct decision first = scene->decision;
    memset(scene->decision.numbers, 0x5a, sizeof scene->decision.numbers);
    memset(scene->decision.names, 0, sizeof scene->decision.names);
    capture(scene);
    assert_memory_equal(first.numbers, scene->decision.numbers,
                        feature_number_count * sizeof first.numbers[0]);
}

/* ---- documentation, buckets ---- */

static void every_feature_is_documented_once(void **state) {
    (void)state;
    for (size_t i = 0; i < feature_number_count; i++) {
        assert_non_null(strstr(feature_numbers[i].help, "missing"));
        assert_true(strlen(feature_numbers[i].unit) > 0);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(feature_numbers[i].name, feature_numbers[j].name);
        }
    }
    for (size_t i = 0; i < feature_name_count; i++) {
        assert_non_null(strstr(feature_names[i].help, "missing"));
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(feature_names[i].name, feature_names[j].name);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_are_the_sum_over_events),
        cmocka_unit_test(a_counter_never_grows_backwards),
        TEST(a_stranger_is_missing_only_what_may_be_missing),
        TEST(counters_fill_the_first_fifteen),
        TEST(habits_are_as_of_now),
        TEST(the_cart_is_counted),
        TEST(pushes_press_and_are_forgotten),
        TEST(the_top_item_comes_from_the_catalogue),
        TEST(names_come_from_events_before_the_profile),
        TEST(capture_is_a_function_of_its_inputs),
        cmocka_unit_test(every_feature_is_documented_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
