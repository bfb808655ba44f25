/* ledger: shares add up to the cap, and no hour is overspent, however late it comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/rng.h"
#include "consumer/rooms/ledger.h"

static void shares_add_up_to_the_cap_in_every_hour(void **state) {
    (void)state;
    for (int32_t count = 1; count <= 17; count++) {
        for (int64_t cap = 0; cap <= 40; cap++) {
            for (int64_t hour = -40; hour <= 40; hour++) {
                int64_t sum = 0;
                for (int32_t partition = 0; partition < count; partition++) {
                    sum += hour_cap_share(cap, partition, count, hour);
                }
                assert_int_equal(sum, cap);
            }
        }
    }
}

static void the_remainder_goes_round(void **state) {
    (void)state;
    /* cap 5 over 3 partitions: hour 10 begins at partition 1, so 1 and 2 have 2, and 0 has 1. */
    assert_int_equal(hour_cap_share(5, 0, 3, 10), 1);
    assert_int_equal(hour_cap_share(5, 1, 3, 10), 2);
    assert_int_equal(hour_cap_share(5, 2, 3, 10), 2);
    assert_int_equal(hour_cap_share(5, 0, 3, 11), 2);
    assert_int_equal(hour_cap_share(5, 1, 3, 11), 1);
    for (int32_t partition = 0; partition < 7; partition++) { /* over P hours nobody is favoured */
        int64_t sum = 0;
        for (int64_t hour = 492000; hour < 492007; hour++) {
            sum += hour_cap_share(3, partition, 7, hour);
        }
        assert_int_equal(sum, 3);
    }
}

static void hours_round_down(void **state) {
    (void)state;
    assert_int_equal(ledger_hour_of(0), 0);
    assert_int_equal(ledger_hour_of(3599999), 0);
    assert_int_equal(ledger_hour_of(3600000), 1);
    assert_int_equal(ledger_hour_of(-1), -1);
    assert_int_equal(ledger_hour_of(-3600000), -1);
}

static void an_hour_is_used_up_at_its_share(void **state) {
    (void)state;
    struct ledger ledger = {0};
    assert_true(ledger_is_exhausted(&ledger, 5, 0));
    assert_false(ledger_is_exhausted(&ledger, 5, 2));
    ledger_take(&ledger, 5);
    assert_false(ledger_is_exhausted(&ledger, 5, 2));
    ledger_take(&ledger, 5);
    assert_true(ledger_is_exhausted(&ledger, 5, 2));
    assert_false(ledger_is_exhausted(&ledger, 4, 2));
    assert_false(ledger_is_exhausted(&ledger, 6, 2));
}

static void hours_stay_ascending_whatever_comes_first(void **state) {
    (void)state;
    struct ledger ledger = {0};
    const int64_t hours[] = {7, 3, 9, 3, 5, 9, 9};
    for (size_t i = 0; i < 7; i++) {
        ledger_take(&ledger, hours[i]);
    }
    const struct ledger_hour expected[] = {{3, 2}, {5, 1}, {7, 1}, {9, 3}};
    assert_int_equal(ledger.hour_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(ledger.hours[i].hour, expected[i].hour);
        assert_int_equal(ledger.hours[i].used, expected[i].used);
    }
}

static void a_full_ledger_forgets_the_oldest_and_spends_it_no_more(void **state) {
    (void)state;
    struct ledger ledger = {0};
    for (int64_t hour = 10; hour < 10 + ROW_LEDGER_MAX; hour++) {
        ledger_take(&ledger, hour == 12 ? 11 : hour); /* 11 twice, 12 never: one place left */
    }
    assert_int_equal(ledger.hour_count, ROW_LEDGER_MAX - 1);
    assert_false(ledger_is_exhausted(&ledger, 2, 1));
    ledger_take(&ledger, 12);
    assert_int_equal(ledger.hour_count, ROW_LEDGER_MAX);
    assert_true(ledger_is_exhausted(&ledger, 9, 1000000));
    ledger_take(&ledger, 9); /* not counted */
    assert_int_equal(ledger.hours[0].hour, 10);

    ledger_take(&ledger, 100);
    assert_int_equal(ledger.hour_count, ROW_LEDGER_MAX);
    assert_int_equal(ledger.hours[0].hour, 11);
    assert_int_equal(ledger.hours[0].used, 2);
    assert_int_equal(ledger.hours[1].hour, 12);
    assert_int_equal(ledger.hours[ROW_LEDGER_MAX - 1].hour, 100);
    assert_true(ledger_is_exhausted(&ledger, 10, 1000000));
    ledger_take(&ledger, 50); /* in the middle of a full one */
    assert_int_equal(ledger.hours[0].hour, 12);
    assert_int_equal(ledger.hours[ROW_LEDGER_MAX - 2].hour, 50);
}

#define SPAN 200

static void no_hour_is_ever_overspent(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct rng rng = rng_make(seed, 0);
        struct ledger ledger = {0};
        int64_t sent[SPAN] = {0}, held_in_time = 0;
        for (int64_t step = 0; step < 4000; step++) {
            int64_t now = step * (SPAN - 40) / 4000 + 30;
            int64_t hour = now - (int64_t)rng_below(&rng, 30);
            int64_t share = hour_cap_share(11, 1, 4, hour);
            if (!ledger_is_exhausted(&ledger, hour, share)) {
                ledger_take(&ledger, hour);
                sent[hour]++;
            } else {
                held_in_time += sent[hour] < share && hour > now - 8;
            }
            assert_true(sent[hour] <= share);
        }
        assert_int_equal(held_in_time, 0); /* nor is money left lying of an hour that is kept */
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_add_up_to_the_cap_in_every_hour),
        cmocka_unit_test(the_remainder_goes_round),
        cmocka_unit_test(hours_round_down),
        cmocka_unit_test(an_hour_is_used_up_at_its_share),
        cmocka_unit_test(hours_stay_ascending_whatever_comes_first),
        cmocka_unit_test(a_full_ledger_forgets_the_oldest_and_spends_it_no_more),
        cmocka_unit_test(no_hour_is_ever_overspent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
