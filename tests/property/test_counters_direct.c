/* Decayed counters against the sum that they stand for: 2^-(age / half-life) over all increments,
 * in any order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "base/rng.h"
#include "consumer/rooms/features.h"
#include "consumer/rooms/state.h"

#define INCREMENTS 400
#define START_MS   1767225600000

static void run_seed(uint64_t seed) {
    struct rng rng = rng_make(seed, 3);
    struct decayed_counter counter = {.last_ms = TIME_NONE};
    int64_t times_ms[INCREMENTS], now_ms = START_MS;
    for (size_t i = 0; i < INCREMENTS; i++) {
        now_ms += (int64_t)rng_below(&rng, i % 50 == 0 ? 864000000 : 600000);
        times_ms[i] = now_ms - (rng_below(&rng, 5) == 0 ? (int64_t)rng_below(&rng, 3600000) : 0);
        counter_add(&counter, times_ms[i], 1);
        int64_t asked_ms = now_ms + (int64_t)rng_below(&rng, 86400000);
        for (int life = 0; life < COUNTER_HALF_LIVES; life++) {
            double direct = 0;
            for (size_t j = 0; j <= i; j++) {
                direct += exp2(-(double)(asked_ms - times_ms[j]) / counter_half_life_ms[life]);
            }
            /* floats: one rounding of 2^-24 per increment, forgotten as the increments are */
            double found = counter_at(&counter, life, asked_ms);
            if (fabs(found - direct) > 2e-5 * direct + 1e-9) {
                fail_msg("seed %llu, increment %zu, half-life %d: %.9g, directly %.9g",
                         (unsigned long long)seed, i, life, found, direct);
            }
        }
    }
}

static void test_counters_are_their_sums(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        run_seed(seed);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_counters_are_their_sums)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
