#include "producer/shop_user.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "producer/shop_calendar.h"
#include "producer/shop_taste.h"

#define USERS 40000

static struct shop_world world;

static int set_up(void **state) {
    (void)state;
    return failed(shop_world_load("base", stderr, &world)) ? -1 : 0;
}

static void assert_share(double part, double whole, double expected) {
    double error = sqrt(expected * (1 - expected) / whole);
    assert_true(fabs(part / whole - expected) < 4 * error);
}

static void test_shares(void **state) {
    (void)state;
    double types[SHOP_TYPES] = {0}, high = 0, rfm_of_lost = 0, coupon = 0, sure_low = 0,
           granted = 0, denied = 0;
    double places[SHOP_PLACES] = {0};
    for (int64_t i = 0; i < USERS; i++) {
        struct shop_user user;
        shop_user_make(&world, 5, i, &user);
        types[user.type]++;
        high += user.sensitivity == SENSITIVITY_HIGH;
        rfm_of_lost += user.type == TYPE_LOST && user.level[COVARIATE_RFM] == 0;
        bool is_sure_low = user.type == TYPE_SURE && user.sensitivity == SENSITIVITY_LOW;
        sure_low += is_sure_low;
        coupon += is_sure_low && user.level[COVARIATE_COUPON] == 0;
        granted += user.consent == CONSENT_GRANTED;
        denied += user.consent == CONSENT_DENIED;
        places[user.place]++;
    }
    assert_share(types[TYPE_SURE], USERS, .16);
    assert_share(types[TYPE_LOST], USERS, .52);
    assert_share(high, USERS, .3);
    assert_share(rfm_of_lost, types[TYPE_LOST], .60);
    /* .60 x 1.4 against .30 x 1 and .10 x .6, made to sum to 1 */
    assert_share(coupon, sure_low, .84 / (.84 + .30 + .06));
    assert_share(granted, USERS, .8);
    assert_share(denied, USERS, .1);
    assert_share(places[0], USERS, shop_places[0].share);
}

static void test_levels_sum_to_one(void **state) {
    (void)state;
    for (int z = 0; z < SHOP_CLASSES; z++) {
        for (int covariate = 0; covariate < SHOP_COVARIATES; covariate++) {
            double sum = 0;
            for (int level = 0; level < SHOP_LEVELS; level++) {
                sum += shop_user_level_p(&world, z / 3, z % 3, covariate, level);
            }
            assert_true(fabs(sum - 1) < 1e-12);
        }
    }
}

static void test_keys(void **state) {
    (void)state;
    char key[SHOP_KEY_BYTES];
    assert_int_equal(shop_user_key(42, key), 8);
    assert_string_equal(key, "u0000042");
    for (int64_t user = 0; user < SHOP_USERS_MAX; user = user * 7 + 3) {
        size_t size = shop_user_key(user, key);
        assert_int_equal(shop_key_user(9, bytes_of(key, size)), user);
        size = shop_guest_key(9, user, (uint32_t)user * 3, key);
        assert_int_equal(size, strlen(key));
        assert_int_equal(shop_key_user(9, bytes_of(key, size)), user);
        assert_int_not_equal(shop_key_user(10, bytes_of(key, size)), user);
    }
    static const char *const strangers[] = {
        "", "u", "u12", "u00000x2", "x0000042", "g123", "g1a42ca2d2bf0432x", "u000000000000042"};
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
        assert_int_equal(shop_key_user(9, bytes_of_text(strangers[i])), -1);
    }
}

static void test_profile(void **state) {
    (void)state;
    struct shop_user user = {
        .type = TYPE_LOST, .level = {2, 1, 0, 2}, .place = 1, .consent = CONSENT_DENIED};
    char id[SHOP_KEY_BYTES];
    struct profile_row row;
    shop_user_profile(&user, 7, id, &row);
    assert_true(bytes_equal(row.user_id, bytes_of_text("u0000007")));
    assert_true(bytes_equal(row.age_band, bytes_of_text("50+")));
    assert_true(bytes_equal(row.gender, bytes_of_text("male")));
    assert_true(bytes_equal(row.region, bytes_of_text("south")));
    assert_true(bytes_equal(row.timezone, bytes_of_text("Europe/Paris")));
    assert_int_equal(row.consent, CONSENT_DENIED);
}

static void test_tastes(void **state) {
    (void)state;
    struct shop_tastes tastes;
    shop_tastes_init(&tastes, &world, 5);
    double first = 0, squares = 0;
    for (int64_t i = 0; i < USERS; i++) {
        const float *taste = shop_taste_of(&tastes, 5, i);
        for (int category = 1; category < tastes.categories; category++) {
            assert_true(taste[category] >= taste[category - 1]);
        }
        assert_true(taste[tastes.categories - 1] == 1);
        first += (double)taste[0];
        squares += (double)taste[0] * (double)taste[0];
    }
    /* Dirichlet(.3 x 12): mean 1/12, variance (1/12)(11/12)/(3.6 + 1) */
    double mean = first / USERS, variance = squares / USERS - mean * mean;
    assert_true(fabs(mean - 1 / 12.0) < 0.01);
    assert_true(fabs(variance - 11 / 144.0 / 4.6) < 0.002);
    shop_tastes_clean_up(&tastes);
    shop_tastes_clean_up(&tastes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shares), cmocka_unit_test(test_levels_sum_to_one),
        cmocka_unit_test(test_keys),   cmocka_unit_test(test_profile),
        cmocka_unit_test(test_tastes),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
