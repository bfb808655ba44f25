/* calibrator: a stream of wrong scale becomes calibrated, per origin and arm, and nothing else
 * moves much; labels that are taken back; bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>

#include "base/rng.h"
#include "model/calibrator.h"
#include "model/sigma.h"

#define RATE   0.02
#define CENTER -2.0

static void near(double found, double expected, double tolerance) {
    if (!(fabs(found - expected) <= tolerance)) {
        fail_msg("found %.9g, expected %.9g within %g", found, expected, tolerance);
    }
}

static struct bytes cart(void) {
    return bytes_of_text("cart_abandoned");
}

/* What a learner of wrong scale says: true = slope raw + offset. */
struct wrong {
    struct bytes origin;
    int arm;
    double slope, offset;
    double
        late_share; /* of the bought: first learned as not bought, taken back 500 examples later */
};

/* Of the second half of a stream. */
struct ratio {
    double p, y;
    double slope, offset; /* means of the map; the offset at the center */
};

struct late {
    bool is_late;
    struct calibrator_example example;
};

static struct ratio feed(struct calibrator *calibrator, const struct wrong *wrong, uint64_t seed,
                         int count) {
    static struct late late[500];
    memset(late, 0, sizeof late);
    struct rng rng = rng_make(seed, 0);
    struct ratio ratio = {0};
    for (int i = 0; i < count; i++) {
        struct late *due = &late[i % 500];
        if (due->is_late) {
            due->example.is_correction = true;
            due->example.label = 1;
            calibrator_learn(calibrator, &due->example);
        }
        double raw = -2 + rng_normal(&rng);
        struct calibration map = calibrator_of(calibrator, wrong->origin, wrong->arm);
        double p = sigma(map.a * raw + map.b);
        double label = rng_unit(&rng) < sigma(wrong->slope * raw + wrong->offset);
        if (i >= count / 2) {
            ratio.p += p;
            ratio.y += label;
            ratio.slope += map.a / (count - count / 2);
            ratio.offset += (map.a * CENTER + map.b) / (count - count / 2);
        }
        *due = (struct late){.example = {.origin = wrong->origin,
                                         .arm = wrong->arm,
                                         .raw = raw,
                                         .label = label,
                                         .p_first = p}};
        due->is_late = label > 0.5 && rng_unit(&rng) < wrong->late_share;
        due->example.label = due->is_late ? 0 : label;
        calibrator_learn(calibrator, &due->example);
    }
    return ratio;
}

static void a_stream_of_wrong_scale_becomes_calibrated(void **state) {
    (void)state;
    const struct wrong wrongs[] = {{cart(), 0, 0.5, -0.5, 0},
                                   {cart(), 0, 1.6, 1.0, 0},
                                   {cart(), 2, 1.0, 0.8, 0},
                                   {cart(), 0, 0.7, 0.3, 0.6}};
    for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i++) {
        struct calibrator calibrator;
        calibrator_init(&calibrator, RATE, CENTER);
        struct ratio ratio = feed(&calibrator, &wrongs[i], 11 + i, 200000);
        near(ratio.p / ratio.y, 1, 0.02);
        near(ratio.slope, wrongs[i].slope, 0.1);
        near(ratio.offset, wrongs[i].slope * CENTER + wrongs[i].offset, 0.1);
        /* An offset that follows seasons never rests: with steps of 0.01 (p - y) it moves about the
         * truth with a deviation of sqrt(0.01 / 2) = 0.07, corrections make it more. */
        struct calibration map = calibrator_of(&calibrator, wrongs[i].origin, wrongs[i].arm);
        near(map.a * CENTER + map.b, ratio.offset, 4 * 0.07);
    }
}

/* Demand moves by a sine of 30 d and 0.15 log-odds, 1,000 decisions a day, labels a day late. Over
 * any 10 days what was promised must be near what was to come; returns the largest |ratio - 1|. Of
 * the sums of 16 shops: in one alone chance would do as much as what is measured. */
static double worst_of_seasons(double rate) {
    enum { DAY = 1000, DAYS = 120, SHOPS = 16 };
    static struct calibrator_example late[DAY];
    double promised[DAYS] = {0}, true_p[DAYS] = {0}, worst = 0;
    for (uint64_t shop = 0; shop < SHOPS; shop++) {
        struct calibrator calibrator;
        calibrator_init(&calibrator, rate, CENTER);
        struct rng rng = rng_make(700 + shop, 0);
        for (int i = 0; i < DAY * DAYS; i++) {
            if (i >= DAY) {
                calibrator_learn(&calibrator, &late[i % DAY]);
            }
            double raw = CENTER + rng_normal(&rng);
            double season = 0.15 * sin(2 * 3.14159265358979 * i / (30.0 * DAY));
            struct calibration map = calibrator_of(&calibrator, cart(), 0);
            double p = sigma(map.a * raw + map.b), truth = sigma(raw + season);
            late[i % DAY] = (struct calibrator_example){
                .origin = cart(), .raw = raw, .label = rng_unit(&rng) < truth, .p_first = p};
            promised[i / DAY] += p;
            true_p[i / DAY] += truth;
        }
    }
    for (int day = 0; day + 10 <= DAYS; day++) {
        double p = 0, truth = 0;
        for (int k = day; k < day + 10; k++) {
            p += promised[k];
            truth += true_p[k];
        }
        worst = fmax(worst, fabs(p / truth - 1));
    }
    return worst;
}

/* Who follows nothing is some 10 % off. Steps of 0.01 (p - y), rate 0.02, are to keep it within 5
 * %; AdaGrad's alone (no bound on the information) leave 9 %. The default rate, tuned in the
 * simulated shop, steps by a quarter of that, with a time constant of some 4 d: 7 % off, 12 %
 * without. */
static void seasons_are_followed(void **state) {
    (void)state;
    near(worst_of_seasons(RATE), 0, 0.05);
    near(worst_of_seasons(0.005), 0, 0.08);
}

static void a_calibrated_stream_stays_so(void **state) {
    (void)state;
    struct calibrator calibrator;
    calibrator_init(&calibrator, RATE, CENTER);
    struct calibration map = calibrator_of(&calibrator, cart(), 0);
    assert_true(map.a == 1 && map.b == 0);
    struct ratio ratio = feed(&calibrator, &(struct wrong){cart(), 0, 1, 0, 0}, 21, 200000);
    near(ratio.p / ratio.y, 1, 0.02);
    map = calibrator_of(&calibrator, cart(), 0);
    near(map.a, 1, 0.06);
    near(map.a * CENTER + map.b, CENTER, 0.06);
}

static void origins_and_arms_have_maps_of_their_own(void **state) {
    (void)state;
    struct calibrator calibrator;
    calibrator_init(&calibrator, RATE, CENTER);
    struct bytes observe = bytes_of_text("observe");
    for (uint64_t round = 0; round < 40; round++) {
        feed(&calibrator, &(struct wrong){cart(), 0, 1, 0.5, 0}, 31 + round, 1000);
        feed(&calibrator, &(struct wrong){cart(), 1, 1, -0.5, 0}, 131 + round, 1000);
        feed(&calibrator, &(struct wrong){observe, 0, 1, -1, 0}, 231 + round, 2000);
    }
    double at[3];
    for (int i = 0; i < 3; i++) {
        struct calibration map =
            calibrator_of(&calibrator, i < 2 ? cart() : observe, i == 1 ? 1 : 0);
        at[i] = map.a * CENTER + map.b - CENTER;
    }
    near(at[0], 0.5, 0.15);
    near(at[1], -0.5, 0.15);
    near(at[2], -1, 0.15);
    /* Who was never seen gets the whole: between the others. */
    struct calibration unseen = calibrator_of(&calibrator, bytes_of_text("browse_abandoned"), 0);
    double whole = unseen.a * CENTER + unseen.b - CENTER;
    assert_true(whole > -1 && whole < 0.5);
}

static void few_examples_move_little(void **state) {
    (void)state;
    struct calibrator calibrator;
    calibrator_init(&calibrator, RATE, CENTER);
    feed(&calibrator, &(struct wrong){cart(), 0, 1, 2, 0}, 41, 20);
    struct calibration map = calibrator_of(&calibrator, cart(), 0);
    assert_true(fabs(map.a - 1) < 0.3 && fabs(map.a * CENTER + map.b - CENTER) < 0.5);
}

static void the_slope_stays_in_its_bounds(void **state) {
    (void)state;
    struct calibrator calibrator;
    calibrator_init(&calibrator, 1, CENTER);
    feed(&calibrator, &(struct wrong){cart(), 0, 8, 14, 0}, 51, 20000);
    near(calibrator_of(&calibrator, cart(), 0).a, 3, 0.3);
    assert_true(calibrator_of(&calibrator, cart(), 0).a <= 3);
    /* ... and leaves them as soon as the stream does. */
    feed(&calibrator, &(struct wrong){cart(), 0, 1, 0, 0}, 52, 20000);
    near(calibrator_of(&calibrator, cart(), 0).a, 1, 0.3);
    feed(&calibrator, &(struct wrong){cart(), 0, -2, -6, 0}, 53, 20000);
    assert_true(calibrator_of(&calibrator, cart(), 0).a >= 0.3);
}

static void at_rate_zero_it_is_the_identity_forever(void **state) {
    (void)state;
    struct calibrator calibrator;
    calibrator_init(&calibrator, 0, CENTER);
    feed(&calibrator, &(struct wrong){cart(), 0, 0.5, 1, 0}, 61, 1000);
    struct calibration map = calibrator_of(&calibrator, cart(), 0);
    assert_true(map.a == 1 && map.b == 0);
    assert_false(calibrator_has_learned(&calibrator));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_of_wrong_scale_becomes_calibrated),
        cmocka_unit_test(seasons_are_followed),
        cmocka_unit_test(a_calibrated_stream_stays_so),
        cmocka_unit_test(origins_and_arms_have_maps_of_their_own),
        cmocka_unit_test(few_examples_move_little),
        cmocka_unit_test(the_slope_stays_in_its_bounds),
        cmocka_unit_test(at_rate_zero_it_is_the_identity_forever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
