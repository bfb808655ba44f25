/* consumer/rooms/progress: what a learner promised for the action that was taken, against what came
 * of it. (test_progress.c tests the feeder's progress lines.) */
#include "consumer/rooms/progress.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"

static const char *const names[] = {"champ", "other"};

static int set_up(void **state) {
    struct progress *progress = memory_new(1, sizeof *progress);
    progress_init(progress, 2, names);
    *state = progress;
    return 0;
}

static int tear_down(void **state) {
    free(*state);
    return 0;
}

static struct open_decision_row row_of(enum trigger trigger, const char *action) {
    struct open_decision_row row = {.action = bytes_of_text(action), .action_count = 3};
    row.open.trigger = (uint8_t)trigger;
    row.actions[0].action = bytes_of_text("none");
    row.actions[1].action = bytes_of_text("ten");
    row.actions[2].action = bytes_of_text("ship");
    return row;
}

static void add_score(struct open_decision_row *row, const char *learner, double none, double ten,
                      double ship) {
    struct learner_score_row *score = &row->scores[row->score_count++];
    *score = (struct learner_score_row){
        .learner = bytes_of_text(learner), .p_count = 3, .p = {none, ten, ship}};
}

/* One decision of the first learner with this probability. */
static void judge_p(struct progress *progress, double p, bool is_bought) {
    struct open_decision_row row = row_of(TRIGGER_CART_ABANDONED, "none");
    add_score(&row, "champ", p, NAN, NAN);
    progress_judge(progress, &row, is_bought);
}

static struct progress_figures figures_of(const struct progress *progress, size_t learner,
                                          enum trigger origin) {
    struct progress_view view = {0};
    progress_add(&view, &progress->cells[learner][origin]);
    return progress_figures(&view);
}

static void assert_near(double found, double wanted, double most) {
    if (!(fabs(found - wanted) <= most)) {
        fail_msg("found %.9g, expected %.9g +- %g", found, wanted, most);
    }
}

/* ---- Who is judged, by what ---- */

static void test_p_of_the_action_taken(void **state) {
    struct progress *progress = *state;
    struct open_decision_row row = row_of(TRIGGER_CHECKOUT_ABANDONED, "ship");
    add_score(&row, "other", .5, .6, .25); /* the order of the row, not of the struct */
    add_score(&row, "champ", .1, .2, .75);
    progress_judge(progress, &row, true);
    struct progress_figures champ = figures_of(progress, 0, TRIGGER_CHECKOUT_ABANDONED);
    assert_true(champ.n == 1 && champ.positives == 1);
    assert_near(champ.logloss, -log(.75), 1e-6);
    assert_near(champ.ratio, 1 / .75, 1e-5);
    struct progress_figures other = figures_of(progress, 1, TRIGGER_CHECKOUT_ABANDONED);
    assert_near(other.logloss, -log(.25), 1e-6);
    assert_true(figures_of(progress, 0, TRIGGER_CART_ABANDONED).n == 0);
}

static void test_who_is_not_judged(void **state) {
    struct progress *progress = *state;
    struct open_decision_row row = row_of(TRIGGER_OBSERVE, "ten");
    add_score(&row, "stranger", .1, .2, .3);
    add_score(&row, "champ", .1, NAN, .3); /* could not score what was done */
    add_score(&row, "other", .1, .2, .3);
    row.scores[2].p_count = 1; /* scored less than was eligible */
    progress_judge(progress, &row, true);
    row = row_of(TRIGGER_OBSERVE, "gone"); /* not in the eligible set */
    add_score(&row, "champ", .1, .2, .3);
    progress_judge(progress, &row, true);
    row = row_of(TRIGGER_OBSERVE, "none"); /* frozen before there were learners */
    progress_judge(progress, &row, true);
    assert_true(figures_of(progress, 0, TRIGGER_OBSERVE).n == 0);
    assert_true(figures_of(progress, 1, TRIGGER_OBSERVE).n == 0);
}

/* ---- Figures ---- */

static void test_logloss_stays_finite(void **state) {
    struct progress *progress = *state;
    judge_p(progress, 0, true);
    judge_p(progress, 1, false);
    assert_near(figures_of(progress, 0, TRIGGER_CART_ABANDONED).logloss, -log(1e-6), 1e-5);
    judge_p(progress, 1, true); /* and is all but free for who was right */
    assert_near(figures_of(progress, 0, TRIGGER_CART_ABANDONED).logloss, -log(1e-6) * 2 / 3, 1e-5);
}

static void test_nothing_can_be_said(void **state) {
    struct progress *progress = *state;
    struct progress_figures none = figures_of(progress, 0, TRIGGER_CART_ABANDONED);
    assert_true(none.n == 0 && isnan(none.logloss) && isnan(none.constant_logloss) &&
                isnan(none.ne) && isnan(none.auc) && isnan(none.ratio) && isnan(none.ratio_low) &&
                isnan(none.ratio_high));
    judge_p(progress, .2, false);
    judge_p(progress, .3, false);
    struct progress_figures cold = figures_of(progress, 0, TRIGGER_CART_ABANDONED);
    assert_true(isnan(cold.auc) && isnan(cold.ne) && isnan(cold.constant_logloss));
    assert_near(cold.logloss, -(log(.8) + log(.7)) / 2, 1e-6);
    assert_true(cold.ratio == 0); /* promised, and nothing came: that can be said */
    judge_p(progress, .2, true);
    struct progress_figures mixed = figures_of(progress, 0, TRIGGER_CART_ABANDONED);
    assert_near(mixed.auc, .25, 1e-12); /* ties with .2, loses against .3 */
    assert_near(mixed.constant_logloss, -(log(1. / 3) + 2 * log(2. / 3)) / 3, 1e-12);
    assert_near(mixed.ne, mixed.logloss / mixed.constant_logloss, 1e-12);
}

struct draw {
    double p;
    bool is_bought;
};

static int by_p(const void *a, const void *b) {
    const struct draw *left = a, *right = b;
    return (left->p > right->p) - (left->p < right->p);
}

/* Rank sum of Mann and Whitney; no two p of the draws are the same. */
static double exact_auc(struct draw *draws, size_t count) {
    qsort(draws, count, sizeof *draws, by_p);
    double ranks = 0, positives = 0;
    for (size_t i = 0; i < count; i++) {
        ranks += draws[i].is_bought ? (double)i + 1 : 0;
        positives += draws[i].is_bought;
    }
    return (ranks - positives * (positives + 1) / 2) / (positives * ((double)count - positives));
}

static void test_auc_against_the_exact_one(void **state) {
    struct progress *progress = *state;
    enum { COUNT = 4000 };
    static struct draw draws[COUNT];
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct rng rng = rng_make(seed, 0);
        double spread = .1 * (double)seed, bias = -4 + .3 * (double)seed;
        progress_init(progress, 2, names);
        for (size_t i = 0; i < COUNT; i++) {
            draws[i].p = 1 / (1 + exp(-bias - spread * rng_normal(&rng)));
            draws[i].is_bought = rng_unit(&rng) < draws[i].p;
            judge_p(progress, draws[i].p, draws[i].is_bought);
        }
        double binned = figures_of(progress, 0, TRIGGER_CART_ABANDONED).auc;
        assert_near(binned, exact_auc(draws, COUNT), .005);
    }
}

/* Of worlds in which the promise holds, 95 in 100 intervals hold 1; of a learner that promises 30 %
 * too little, next to none. */
static void test_interval_covers(void **state) {
    struct progress *progress = *state;
    int covered = 0, fooled = 0;
    enum { WORLDS = 400, COUNT = 600 };
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        struct rng rng = rng_make(seed, 1);
        progress_init(progress, 2, names);
        for (size_t i = 0; i < COUNT; i++) {
            double p = .05 + .4 * rng_unit(&rng);
            struct open_decision_row row = row_of(TRIGGER_CART_ABANDONED, "none");
            add_score(&row, "champ", p, NAN, NAN);
            add_score(&row, "other", .7 * p, NAN, NAN);
            progress_judge(progress, &row, rng_unit(&rng) < p);
        }
        struct progress_figures good = figures_of(progress, 0, TRIGGER_CART_ABANDONED);
        struct progress_figures bad = figures_of(progress, 1, TRIGGER_CART_ABANDONED);
        covered += good.ratio_low <= 1 && good.ratio_high >= 1;
        fooled += bad.ratio_low <= 1 && bad.ratio_high >= 1;
    }
    assert_in_range(covered, WORLDS * 92 / 100, WORLDS * 98 / 100);
    assert_in_range(fooled, 0, WORLDS * 5 / 100);
}

static void test_views_add_up(void **state) {
    struct progress *progress = *state;
    struct progress *second = memory_new(1, sizeof *second);
    progress_init(second, 2, names);
    judge_p(progress, .9, true);
    judge_p(second, .1, false);
    judge_p(second, .9, true);
    struct progress_view view = {0};
    progress_add(&view, &progress->cells[0][TRIGGER_CART_ABANDONED]);
    progress_add(&view, &second->cells[0][TRIGGER_CART_ABANDONED]);
    struct progress_figures sum = progress_figures(&view);
    assert_true(sum.n == 3 && sum.positives == 2 && sum.auc == 1);
    assert_near(sum.ratio, 2 / 1.9, 1e-5);
    double half = 1.96 * sqrt(3 * .09) / 1.9;
    assert_near(sum.ratio_low, sum.ratio - half, 1e-4);
    assert_near(sum.ratio_high, sum.ratio + half, 1e-4);
    free(second);
}

static void watch(struct progress *progress, struct rng *rng, double mean, int count) {
    for (int i = 0; i < count; i++) {
        double logit = mean + rng_normal(rng);
        progress_watch(progress, bytes_of_text("champ"), 1 / (1 + exp(-logit)));
    }
}

static double psi(const struct progress *progress) {
    return (double)metric_get(&progress->psi[0].psi_e6) / 1e6;
}

/* By the formula on normal distributions: a mean that moves by d standard deviations gives d^2. */
static void test_psi(void **state) {
    struct progress *progress = *state;
    struct rng rng = rng_make(7, 0);
    watch(progress, &rng, -2, PROGRESS_PSI_REFERENCE + PROGRESS_PSI_WINDOW - 1);
    progress_watch(progress, bytes_of_text("champ"), NAN);
    progress_watch(progress, bytes_of_text("nobody"), .5);
    assert_int_equal(metric_get(&progress->psi[0].windows), 0);
    watch(progress, &rng, -2, 1);
    assert_int_equal(metric_get(&progress->psi[0].windows), 1);
    assert_true(psi(progress) > 0 && psi(progress) < .05);
    watch(progress, &rng, -1.5, PROGRESS_PSI_WINDOW);
    assert_near(psi(progress), .25, .08);
    watch(progress, &rng, -1, PROGRESS_PSI_WINDOW);
    assert_near(psi(progress), 1, .3);
    progress_watch(progress, bytes_of_text("champ"), 0);
    progress_watch(progress, bytes_of_text("champ"), 1);
    assert_int_equal(metric_get(&progress->psi[1].windows), 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_p_of_the_action_taken),
        TEST(test_who_is_not_judged),
        TEST(test_logloss_stays_finite),
        TEST(test_nothing_can_be_said),
        TEST(test_auc_against_the_exact_one),
        TEST(test_interval_covers),
        TEST(test_views_add_up),
        TEST(test_psi),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
