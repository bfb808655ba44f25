/* What every learner kind keeps, whatever its mathematics: the same examples give the same bytes,
 * one by one or in batches; what travelled as rows is the same learner ever after; a refusal
 * changes nothing; 32 rows can be learned by heart; shuffled labels cannot; terms add up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "tests/support/kind_scene.h"
#include "tests/support/learner_scene.h"

#define SMALL "bits=10,calibration_rate=0"

/* by_heart: settings under which 32 rows are learned by heart in so many passes. */
static const struct {
    const char *kind, *settings, *by_heart;
    int passes;
} cases[] = {
    {"logistic", SMALL, "bits=10,calibration_rate=0,alpha=1,l2=0", 200},
    {"linear", SMALL, "bits=10,calibration_rate=0,lr=1,l2=0", 200},
    {"linear", SMALL ",l1=0.1,numbers=bucket", NULL, 0},
    {"linear", SMALL ",half_life_days=2", "bits=10,calibration_rate=0,half_life_days=9,lr=1,l2=0",
     200},
    {"linear", SMALL ",table=collisionless,admit_after=2",
     "bits=10,calibration_rate=0,table=collisionless,lr=1,l2=0", 200},
    {"linear", SMALL ",table=collisionless,bits=6,expire_days=1", NULL, 0},
    {"linear", SMALL ",optimizer=sgd,l1=0.0001", "bits=10,calibration_rate=0,optimizer=sgd,l2=0",
     2000},
    {"linear", SMALL ",optimizer=momentum,l2=0",
     "bits=10,calibration_rate=0,optimizer=momentum,l2=0", 2000},
    {"linear", SMALL ",optimizer=adagrad,l2=0,schedule=inv_sqrt,warmup_steps=10",
     "bits=10,calibration_rate=0,optimizer=adagrad,lr=0.5,l2=0", 400},
    {"linear", SMALL ",optimizer=adam,l2=0,numbers=scale",
     "bits=10,calibration_rate=0,optimizer=adam,l2=0,lr=0.02", 400},
    {"linear", SMALL ",optimizer=row_adagrad,l2=0,half_life_days=1", NULL, 0},
    {"linear", SMALL ",optimizer=coin", "bits=10,calibration_rate=0,optimizer=coin", 400},
    {"linear", SMALL ",optimizer=coin,half_life_days=1,table=collisionless", NULL, 0},
    {"fm", SMALL ",k=4", "bits=10,calibration_rate=0,k=4,lr=0.5,l2=0", 400},
    {"fm", SMALL ",k=3,pairs_optimizer=ftrl,optimizer=adagrad,l2=0,numbers=both", NULL, 0},
    {"fm", SMALL ",k=2,table=collisionless,admit_after=3,pairs_optimizer=adam,pairs_clip=1", NULL,
     0},
};
#define CASES (sizeof cases / sizeof cases[0])

/* Example number i of the common stream: corrections and weights, too. */
static void draw(struct rng *rng, int i, struct kind_example *out) {
    kind_example_draw(rng, 40, out);
    out->example.time_ms = INT64_C(1700000000000) + INT64_C(600000) * i;
    out->example.weight = 0.5 + rng_unit(rng);
    out->example.is_correction = rng_below(rng, 12) == 0;
    out->example.p_first = rng_below(rng, 2) ? rng_unit(rng) : (double)NAN;
}

static void learn(struct kind_learner *learner, uint64_t seed, int count) {
    struct rng rng = rng_make(seed, 0);
    for (int i = 0; i < count; i++) {
        struct kind_example example;
        draw(&rng, i, &example);
        assert_int_equal(kind_learn(learner, &example.example), LEARNER_OK);
    }
}

static void the_same_examples_give_the_same_bytes(void **state) {
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct kind_learner a = kind_learner_new(cases[i].kind, cases[i].settings, &kind_space);
        struct kind_learner b = kind_learner_new(cases[i].kind, cases[i].settings, &kind_space);
        learn(&a, 1, 600);
        learn(&b, 1, 600);
        assert_memory_equal(a.memory, b.memory, a.bytes);
        kind_learner_free(&a);
        kind_learner_free(&b);
    }
}

/* Kinds that step example by example. */
static void batches_are_only_faster(void **state) {
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct kind_learner a = kind_learner_new(cases[i].kind, cases[i].settings, &kind_space);
        struct kind_learner b = kind_learner_new(cases[i].kind, cases[i].settings, &kind_space);
        if (!a.kind->learn_batch) {
            kind_learner_free(&a);
            kind_learner_free(&b);
            continue;
        }
        struct rng rng = rng_make(2, 0);
        static struct kind_example drawn[300];
        struct learner_example examples[300];
        enum learner_verdict verdicts[300];
        double served[300], p[300];
        for (int j = 0; j < 300; j++) {
            draw(&rng, j, &drawn[j]);
            examples[j] = drawn[j].example;
            struct learner_scores scores;
            assert_int_equal(
                a.kind->score(a.memory, &examples[j].input, &examples[j].arm, 1, &scores),
                LEARNER_OK);
            served[j] = scores.arms[0].p;
            assert_int_equal(kind_learn(&a, &examples[j]), LEARNER_OK);
        }
        for (size_t j = 0, size = 1; j < 300; j += size, size = size * 2 + 1) {
            size = size > 300 - j ? 300 - j : size;
            b.kind->learn_batch(b.memory, examples + j, size, verdicts, p + j);
        }
        assert_memory_equal(p, served, sizeof p); /* predict, then learn */
        assert_memory_equal(a.memory, b.memory, a.bytes);
        kind_learner_free(&a);
        kind_learner_free(&b);
    }
}

static void expect_equal(struct kind_learner *a, struct kind_learner *b) {
    struct rng rng = rng_make(77, 0);
    for (int i = 0; i < 100; i++) {
        struct kind_example example;
        struct learner_scores left = {0}, right = {0};
        uint64_t none = LEARNER_ARM_NONE;
        draw(&rng, i, &example);
        a->kind->score(a->memory, &example.example.input, &none, 1, &left);
        b->kind->score(b->memory, &example.example.input, &none, 1, &right);
        assert_memory_equal(&left.arms[0], &right.arms[0], sizeof left.arms[0]);
        assert_true(left.covariance[0] == right.covariance[0]);
    }
    struct row_store of_a = {0}, of_b = {0};
    a->kind->export_rows(a->memory, true, row_store_visit, &of_a);
    b->kind->export_rows(b->memory, true, row_store_visit, &of_b);
    assert_true(of_a.count > 3 && row_store_equal(&of_a, &of_b));
    row_store_clear(&of_a);
    row_store_clear(&of_b);
}

/* Whole, and then in instalments. */
static void what_travelled_goes_on_with_the_same_bits(void **state) {
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct kind_learner a = kind_learner_new(cases[i].kind, cases[i].settings, &kind_space);
        struct kind_learner b = kind_learner_new(cases[i].kind, cases[i].settings, &kind_space);
        struct row_store store = {0};
        learn(&a, 3, 400);
        a.kind->export_rows(a.memory, true, row_store_visit, &store);
        row_store_import(&store, b.kind, b.memory);
        row_store_clear(&store);
        expect_equal(&a, &b);
        for (uint64_t round = 0; round < 4; round++) {
            learn(&a, 10 + round, 50);
            a.kind->export_rows(a.memory, false, row_store_visit, &store);
            row_store_import(&store, b.kind, b.memory);
            row_store_clear(&store);
            expect_equal(&a, &b);
        }
        learn(&a, 20, 100);
        learn(&b, 20, 100);
        expect_equal(&a, &b);
        kind_learner_free(&a);
        kind_learner_free(&b);
    }
}

static void rows_of_other_options_are_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct kind_learner a = kind_learner_new(cases[i].kind, cases[i].settings, &kind_space);
        char other[300];
        snprintf(other, sizeof other, "%s,prior_p=0.3", cases[i].settings);
        struct kind_learner b = kind_learner_new(cases[i].kind, other, &kind_space);
        struct row_store store = {0};
        learn(&a, 4, 50);
        a.kind->export_rows(a.memory, true, row_store_visit, &store);
        size_t refused = 0;
        for (size_t j = 0; j < store.count; j++) {
            struct learner_row bad = store.rows[j];
            refused += b.kind->check_row(b.memory, &bad) == LEARNER_BAD_SIZE;
            bad.values.size--;
            assert_int_not_equal(a.kind->check_row(a.memory, &bad), LEARNER_OK);
            bad.values.size++;
            bad.kind = bad.kind == LEARNER_MOMENTS ? LEARNER_WEIGHTS : LEARNER_MOMENTS;
            assert_int_equal(a.kind->check_row(a.memory, &bad), LEARNER_BAD_ROW);
        }
        assert_true(refused >= 1);
        row_store_clear(&store);
        kind_learner_free(&a);
        kind_learner_free(&b);
    }
}

static void a_refusal_changes_nothing(void **state) {
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct kind_learner a = kind_learner_new(cases[i].kind, cases[i].settings, &kind_space);
        learn(&a, 5, 100);
        void *before = memory_new(1, a.bytes);
        memcpy(before, a.memory, a.bytes);
        struct rng rng = rng_make(6, 0);
        for (int bad = 0; bad < 9; bad++) {
            struct kind_example example;
            kind_example_draw(&rng, 40, &example);
            struct learner_example *it = &example.example;
            bool is_open = strcmp(cases[i].kind, "logistic") != 0; /* knows no features */
            it->label = bad == 0 ? 0.5 : bad == 1 ? (double)NAN : it->label;
            it->weight = bad == 2 ? 0 : bad == 3 ? 1e5 : it->weight;
            it->p_first = bad == 4 ? 1.5 : it->p_first;
            example.numbers[1] = bad == 5 ? (double)INFINITY : bad == 6 ? 1e30 : 0;
            example.features[2].value = bad == 7 ? (double)NAN : bad == 8 ? -1e30 : 1;
            if (bad < 7 || is_open) {
                assert_int_equal(kind_learn(&a, it), LEARNER_BAD_VALUE);
            }
            assert_memory_equal(a.memory, before, a.bytes);
        }
        free(before);
        kind_learner_free(&a);
    }
}

/* Features as large as may be: whatever the verdict, scores stay finite or are refused. */
static void large_values_do_no_harm(void **state) {
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct kind_learner a = kind_learner_new(cases[i].kind, cases[i].settings, &kind_space);
        void *before = memory_new(1, a.bytes);
        struct rng rng = rng_make(7, 0);
        int refused = 0;
        for (int j = 0; j < 200; j++) {
            struct kind_example example;
            kind_example_draw(&rng, 40, &example);
            example.example.weight = 1e4;
            example.features[0].value = rng_below(&rng, 2) ? 1e15 : -1e15;
            memcpy(before, a.memory, a.bytes);
            if (kind_learn(&a, &example.example) != LEARNER_OK) {
                refused++;
                assert_memory_equal(a.memory, before, a.bytes);
            }
            struct learner_scores scores;
            uint64_t none = LEARNER_ARM_NONE;
            if (a.kind->score(a.memory, &example.example.input, &none, 1, &scores) == LEARNER_OK) {
                assert_true(isfinite(scores.arms[0].p));
            }
        }
        assert_true(refused > 0 || strcmp(cases[i].kind, "logistic") == 0);
        free(before);
        kind_learner_free(&a);
    }
}

static void thirty_two_rows_are_learned_by_heart(void **state) {
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        if (!cases[i].by_heart) {
            continue;
        }
        struct kind_learner a = kind_learner_new(cases[i].kind, cases[i].by_heart, &kind_space);
        static struct kind_example rows[32];
        struct rng rng = rng_make(8, 0);
        for (int row = 0; row < 32; row++) {
            kind_example_draw(&rng, 60, &rows[row]);
        }
        for (int pass = 0; pass < cases[i].passes; pass++) {
            for (int row = 0; row < 32; row++) {
                assert_int_equal(kind_learn(&a, &rows[row].example), LEARNER_OK);
            }
        }
        double loss = 0;
        for (int row = 0; row < 32; row++) {
            double p = kind_score(&a, &rows[row].example.input).p;
            loss -= log(rows[row].example.label > 0.5 ? p : 1 - p) / 32;
        }
        if (!(loss < 0.01)) {
            fail_msg("%s %s: log-loss %g after %d passes", cases[i].kind, cases[i].by_heart, loss,
                     cases[i].passes);
        }
        kind_learner_free(&a);
    }
}

/* Predict, then learn; labels of the rule, or drawn without it (METHODS 0, rule 11). */
static double area_of_pass(size_t which, uint64_t seed, bool is_shuffled, double *out_bound) {
    enum { ROWS = 3000 };
    static struct kind_judged judged[ROWS];
    struct kind_learner a = kind_learner_new(cases[which].kind, cases[which].settings, &kind_space);
    struct rng rng = rng_make(seed, 9);
    double positives = 0;
    for (int i = 0; i < ROWS; i++) {
        struct kind_example example;
        kind_example_draw(&rng, 30, &example);
        example.example.label = is_shuffled ? rng_unit(&rng) < 0.4 : example.example.label;
        judged[i].p = kind_score(&a, &example.example.input).p;
        judged[i].label = example.example.label;
        positives += example.example.label;
        assert_int_equal(kind_learn(&a, &example.example), LEARNER_OK);
    }
    kind_learner_free(&a);
    *out_bound = 4 * sqrt((ROWS + 1) / (12 * positives * (ROWS - positives)));
    return kind_area(judged, ROWS);
}

static void shuffled_labels_teach_nothing(void **state) {
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        double sum = 0, bound = 0, real = area_of_pass(i, 1, false, &bound);
        for (uint64_t seed = 1; seed <= 5; seed++) {
            sum += area_of_pass(i, seed, true, &bound);
        }
        printf("%-9s%-70s AUC %.3f, shuffled %.3f\n", cases[i].kind, cases[i].settings, real,
               sum / 5);
        assert_true(fabs(sum / 5 - 0.5) < bound);
        assert_true(real > 0.6);
    }
}

static void terms_add_up(void **state) {
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct kind_learner a = kind_learner_new(cases[i].kind, cases[i].settings, &kind_space);
        learn(&a, 11, 300);
        struct rng rng = rng_make(12, 0);
        for (int j = 0; j < 20; j++) {
            struct kind_example example;
            kind_example_draw(&rng, 40, &example);
            kind_expect_terms(&a, &example.example.input);
        }
        kind_expect_description(&a, 300);
        kind_learner_free(&a);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_examples_give_the_same_bytes),
        cmocka_unit_test(batches_are_only_faster),
        cmocka_unit_test(what_travelled_goes_on_with_the_same_bits),
        cmocka_unit_test(rows_of_other_options_are_refused),
        cmocka_unit_test(a_refusal_changes_nothing),
        cmocka_unit_test(large_values_do_no_harm),
        cmocka_unit_test(thirty_two_rows_are_learned_by_heart),
        cmocka_unit_test(shuffled_labels_teach_nothing),
        cmocka_unit_test(terms_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
