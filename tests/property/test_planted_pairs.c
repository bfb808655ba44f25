/* Where pairs of values decide, a factorisation machine must find them in one pass, and a weighted
 * sum of the values cannot: log-loss at least .002 better (METHODS 5); that of the sum with the
 * right cross is the mark. Without pairs it must lose next to nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "base/hash.h"
#include "model/sigma.h"
#include "tests/support/kind_scene.h"

#define NAMES  6
#define VALUES 12
#define ROWS   40000

static const char *const names[NAMES] = {"a", "b", "c", "d", "e", "f"};
static const struct learner_space space = {.feature_version = 1,
                                           .name_count = NAMES,
                                           .names = names,
                                           .origin = -1,
                                           .cart_value = -1,
                                           .idle = -1,
                                           .is_new = -1};

static double drawn(uint64_t key) { /* between -1 and 1 */
    return 2 * ((double)(hash_combine(key, 815) >> 11) * 0x1p-53) - 1;
}

/* Log-loss of the second half. pairs: the strength of a x b, of three hidden traits each. */
static double loss_of(const char *kind, const char *settings, double pairs) {
    struct kind_learner learner = kind_learner_new(kind, settings, &space);
    struct rng rng = rng_make(9, 0);
    double loss = 0;
    for (int i = 0; i < ROWS; i++) {
        char texts[NAMES][8];
        struct bytes values[NAMES];
        uint64_t keys[NAMES];
        double logit = -1;
        for (uint64_t j = 0; j < NAMES; j++) {
            uint64_t value = rng_below(&rng, VALUES);
            int length = snprintf(texts[j], sizeof texts[0], "v%u", (unsigned)value);
            values[j] = bytes_of((uint8_t *)texts[j], (size_t)length);
            keys[j] = hash_combine(j, value);
            logit += 0.5 * drawn(keys[j]);
        }
        for (uint64_t trait = 1; trait <= 3; trait++) {
            logit +=
                pairs * drawn(hash_combine(keys[0], trait)) * drawn(hash_combine(keys[1], trait));
        }
        struct learner_example example = {.input.names = values,
                                          .label = rng_unit(&rng) < sigma(logit),
                                          .p_first = (double)NAN,
                                          .weight = 1};
        double p = kind_score(&learner, &example.input).p;
        loss -= i >= ROWS / 2 ? log(example.label > 0.5 ? p : 1 - p) / (ROWS - ROWS / 2) : 0;
        assert_int_equal(kind_learn(&learner, &example), LEARNER_OK);
    }
    kind_learner_free(&learner);
    return loss;
}

static void pairs_are_found(void **state) {
    (void)state;
    for (int has_pairs = 0; has_pairs < 2; has_pairs++) {
        double strength = has_pairs * 1.5;
        double sum = loss_of("linear", "calibration_rate=0", strength);
        double crossed = loss_of("linear", "calibration_rate=0,cross=a:b", strength);
        double fm = loss_of("fm", "calibration_rate=0", strength);
        printf("%s pairs: linear %.4f, with a x b %.4f, fm %.4f\n", has_pairs ? "with" : "without",
               sum, crossed, fm);
        assert_true(has_pairs ? fm < sum - 0.02 && crossed < sum - 0.02 : fm < sum + 0.002);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(pairs_are_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
