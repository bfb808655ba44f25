/* The kinds that are networks: the whole gradient, embeddings too, in float against differences
 * (what is exact in double is in test_layers.c); masks, corrections, moments; what they can learn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "model/kernels_blas.h"
#include "model/net_internal.h"
#include "model/table_internal.h"
#include "tests/support/net_scene.h"

/* ---- teachers ---- */

struct lesson {
    double gradient, square;
    double logits[NET_SCENE_BATCH];
    enum learner_verdict verdict;
};

static enum learner_verdict pull(void *context, size_t i, const struct base_output *output,
                                 struct ftrl_pull *out) {
    struct lesson *lesson = context;
    lesson->logits[i] = output->logit;
    *out = (struct ftrl_pull){lesson->gradient, lesson->square};
    return LEARNER_OK;
}

static void done(void *context, size_t i, enum learner_verdict verdict) {
    (void)i;
    ((struct lesson *)context)->verdict = verdict;
}

static struct net *net_of(struct kind_learner *learner) {
    return (struct net *)(uintptr_t)head_base(learner->memory);
}

static struct lesson teach(struct net *net, const struct learner_example *example,
                           double gradient) {
    struct lesson lesson = {.gradient = gradient, .square = gradient * gradient};
    struct base_teacher teacher = {pull, done, &lesson};
    enum learner_verdict verdict;
    net_learn(net, example, 1, &teacher, &verdict);
    return lesson;
}

static double masked(const struct net *net, const struct learner_example *example) {
    struct base_output output;
    assert_int_equal(net_forward(net, &example->input, example->id, &output), LEARNER_OK);
    return output.logit;
}

/* One step of plain gradient descent, of the logit itself, is its gradient: against differences
 * under the example's own mask. Float: 1e-3 of what is not tiny. */
static void check_weight(const struct net *net, const struct learner_example *example, float *w,
                         double gradient) {
    float at = *w, h = 4e-3F;
    *w = at + h;
    double above = masked(net, example), high = (double)*w;
    *w = at - h;
    double below = masked(net, example), low = (double)*w;
    *w = at;
    double slope = (above - below) / (high - low);
    if (fabs(slope - gradient) > 2e-3 * fabs(slope) + 3e-4) {
        fail_msg("gradient %g, difference %g", gradient, slope);
    }
}

static void the_whole_gradient_agrees_with_differences(void **state) {
    (void)state;
    static const char *const kinds[] = {"dnn", "gru"};
    static struct net_drawn drawn;
    for (size_t kind = 0; kind < 2; kind++) {
        struct kind_learner a = kind_learner_new(
            kinds[kind],
            "batch=1,optimizer=sgd,lr=1,embedding_bits=10,embedding_table=hashed,"
            "layers=embedding:6 dropout:0.3 dense:24:tanh norm dropout:0.2 dense:1",
            &kind_space);
        struct net *net = net_of(&a);
        struct rng rng = rng_make(31, 0);
        struct learner_example *example = net_draw(&rng, 0, &drawn);
        example->input.step_count = NET_SCENE_STEPS;
        example->is_correction = true; /* moments stay */
        for (int i = 0; i < 3; i++) {
            teach(net, example, 0.05 * (i - 1)); /* every value has its row now */
        }
        struct net *before = memory_new(1, a.bytes);
        memcpy(before, net, a.bytes - (size_t)((char *)net - (char *)a.memory));
        assert_true(teach(net, example, 1).verdict == LEARNER_OK);
        for (int trial = 0; trial < 80; trial++) {
            size_t i = rng_below(&rng, net->params);
            check_weight(before, example, net_weights(before) + i,
                         (double)net_weights(before)[i] - (double)net_weights(net)[i]);
        }
        float *rows = table_at(net_table(net), net_table(net)->floats_at);
        float *rows_before = table_at(net_table(before), net_table(before)->floats_at);
        int moved = 0;
        for (size_t i = 0; i < net_table(net)->rows * net->dim; i++) {
            if (rows[i] != rows_before[i]) {
                check_weight(before, example, rows_before + i,
                             (double)rows_before[i] - (double)rows[i]);
                moved++;
            }
        }
        assert_true(moved >= 30);
        free(before);
        kind_learner_free(&a);
    }
}

/* ---- masks, corrections ---- */

static void a_correction_has_the_mask_of_what_it_corrects(void **state) {
    (void)state;
    static struct net_drawn drawn;
    struct kind_learner a = kind_learner_new("dnn", "batch=1", &kind_space);
    struct net *net = net_of(&a);
    struct rng rng = rng_make(41, 0);
    net_scene_learn(&a, 41, 200);
    struct learner_example example = *net_draw(&rng, 0, &drawn);
    double first = masked(net, &example);
    example.is_correction = true;
    struct lesson lesson = teach(net, &example, 0);
    assert_true(lesson.logits[0] == first);
    first = masked(net, &example);
    example.id++;
    lesson = teach(net, &example, 0);
    assert_true(lesson.logits[0] != first);
    example.id = 0; /* none: as it scores */
    first = masked(net, &example);
    lesson = teach(net, &example, 0);
    assert_true(lesson.logits[0] == first);
    kind_learner_free(&a);
}

/* Taking a label back and learning the other is, to first order, learning the other. */
static void a_retraction_leaves_the_gradient_of_the_truth(void **state) {
    (void)state;
    static struct net_drawn drawn;
    static const char settings[] = "batch=1,optimizer=sgd,lr=0.0001,calibration_rate=0";
    struct kind_learner a = kind_learner_new("dnn", settings, &kind_space);
    struct kind_learner b = kind_learner_new("dnn", settings, &kind_space);
    struct rng rng = rng_make(42, 0);
    net_scene_learn(&a, 42, 100);
    net_scene_learn(&b, 42, 100);
    struct learner_example example = *net_draw(&rng, 0, &drawn);
    example.is_correction = false;
    double before = kind_score(&a, &example.input).raw;
    example.label = 0;
    double p = kind_score(&a, &example.input).p;
    assert_int_equal(kind_learn(&a, &example), LEARNER_OK);
    example.label = 1;
    assert_int_equal(kind_learn(&b, &example), LEARNER_OK);
    example.is_correction = true;
    example.p_first = p;
    assert_int_equal(kind_learn(&a, &example), LEARNER_OK);
    double both = kind_score(&a, &example.input).raw - before;
    double truth = kind_score(&b, &example.input).raw - before;
    assert_true(truth > 0 && fabs(both - truth) < 0.05 * truth);
    kind_learner_free(&a);
    kind_learner_free(&b);
}

static void a_gradient_that_is_not_finite_rejects_the_batch(void **state) {
    (void)state;
    static struct net_drawn drawn;
    struct kind_learner a = kind_learner_new("dnn", "batch=8,clip=5", &kind_space);
    struct kind_learner b = kind_learner_new("dnn", "batch=8,clip=5", &kind_space);
    net_scene_learn(&a, 51, 64);
    net_scene_learn(&b, 51, 64);
    struct rng rng = rng_make(51, 1);
    struct learner_example *example = net_draw(&rng, 0, &drawn);
    double poisons[] = {1e300, (double)NAN, -1e300};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(teach(net_of(&a), example, poisons[i]).verdict, LEARNER_NOT_FINITE);
    }
    assert_int_equal(net_rejected(net_of(&a)), 3);
    net_expect_same_scores(&a, &b);
    net_of(&a)->rejected = 0;
    net_expect_same_rows(&a, &b);
    char text[2000];
    net_of(&a)->rejected = 3;
    a.kind->describe(a.memory, text, sizeof text);
    assert_non_null(strstr(text, "3 batches rejected"));
    kind_learner_free(&a);
    kind_learner_free(&b);
}

/* ---- moments ---- */

/* With steps too small to see, only moments move; predictions stay, of missing numbers too. */
static void predictions_do_not_move_with_moments(void **state) {
    (void)state;
    static struct net_drawn kept[16], drawn;
    static const char *const settings[] = {
        "batch=4,optimizer=sgd,lr=1e-30,embedding_bits=8,calibration_rate=0",
        "batch=4,optimizer=sgd,lr=1e-30,embedding_bits=8,loss=squared",
    };
    for (size_t i = 0; i < 2; i++) {
        struct kind_learner a = kind_learner_new("dnn", settings[i], &kind_space);
        struct rng rng = rng_make(61, 0);
        double before[16], scale = 0;
        for (int j = 0; j < 3000; j++) {
            struct learner_example *example = net_draw(&rng, j, &drawn);
            example->is_correction = false;
            example->label = i == 1 ? 500 + 30 * drawn.it.logit : example->label;
            assert_int_equal(kind_learn(&a, example), LEARNER_OK);
            if (j == 10) { /* in the midst of it */
                for (int k = 0; k < 16; k++) {
                    net_draw(&rng, k, &kept[k])->input.feature_count = 0;
                    memset(kept[k].it.names, 0, sizeof kept[k].it.names); /* never met */
                    kept[k].it.numbers[k % 3] = k % 2 ? kept[k].it.numbers[k % 3] : (double)NAN;
                    before[k] = kind_score(&a, &kept[k].it.example.input).mean;
                    scale = fmax(scale, fabs(before[k]));
                }
            }
        }
        struct net *net = net_of(&a);
        assert_true(net->inputs.moments[0].mean > 3 && net->inputs.moments[0].sd != 1);
        assert_true(i == 0 || (net->labels.used_mean > 400 && net->labels.used_sd > 10));
        for (int k = 0; k < 16; k++) {
            double now = kind_score(&a, &kept[k].it.example.input).mean;
            assert_true(fabs(now - before[k]) < (i == 0 ? 2e-2 : 1e-3) * fmax(scale, 1));
        }
        kind_learner_free(&a);
    }
}

static void numbers_of_any_unit_are_predicted(void **state) {
    (void)state;
    static const double units[] = {1e-4, 1, 1e6};
    for (size_t i = 0; i < 3; i++) {
        struct kind_learner a = kind_learner_new(
            "dnn", "loss=squared,batch=16,lr=0.01,clip=5,embedding_bits=10", &kind_space);
        struct rng rng = rng_make(62, 0);
        double errors = 0, squares = 0, sum = 0, count = 0;
        struct learner_example examples[16];
        static struct net_drawn batch[16];
        for (int j = 0; j < 8000; j++) {
            struct learner_example *example = net_draw(&rng, j, &batch[j % 16]);
            example->is_correction = false;
            example->weight = 1;
            example->label = units[i] * (20 + batch[j % 16].it.logit);
            examples[j % 16] = *example;
            if (j >= 7000) {
                double error = kind_score(&a, &example->input).p - example->label;
                errors += error * error;
                squares += example->label * example->label;
                sum += example->label;
                count++;
            }
            if (j % 16 == 15) {
                enum learner_verdict verdicts[16];
                a.kind->learn_batch(a.memory, examples, 16, verdicts, NULL);
            }
        }
        double variance = squares / count - sum / count * (sum / count);
        if (!(errors / count < 0.35 * variance)) {
            fail_msg("unit %g: %.3f of the variance is left", units[i], errors / count / variance);
        }
        kind_learner_free(&a);
    }
}

/* ---- learning ---- */

static void thirty_two_rows_are_learned_by_heart(void **state) {
    (void)state;
    static struct net_drawn rows[32];
    for (size_t i = 0; i < NET_CASES; i++) {
        if (!net_cases[i].by_heart) {
            continue;
        }
        struct kind_learner a =
            kind_learner_new(net_cases[i].kind, net_cases[i].by_heart, &kind_space);
        struct learner_example examples[32];
        struct rng rng = rng_make(8, 0);
        for (int row = 0; row < 32; row++) {
            examples[row] = *net_draw(&rng, row, &rows[row]);
            examples[row].weight = 1;
            examples[row].is_correction = false;
        }
        for (int pass = 0; pass < 200; pass++) {
            enum learner_verdict verdicts[32];
            a.kind->learn_batch(a.memory, examples, 32, verdicts, NULL);
        }
        double loss = 0;
        for (int row = 0; row < 32; row++) {
            double p = kind_score(&a, &examples[row].input).p;
            loss -= log(examples[row].label > 0.5 ? p : 1 - p) / 32;
        }
        if (!(loss < 1e-3)) {
            fail_msg("%s: log-loss %g", net_cases[i].kind, loss);
        }
        kind_learner_free(&a);
    }
}

enum rule { OF_THE_SCENE, SHUFFLED, OF_THE_LAST_STEPS };

/* Predict, then learn. */
static double area_of_pass(size_t which, uint64_t seed, enum rule rule, double *out_bound) {
    enum { ROWS = 3008 };
    static struct kind_judged judged[ROWS];
    static struct net_drawn drawn[NET_SCENE_BATCH];
    struct kind_learner a =
        kind_learner_new(net_cases[which].kind, net_cases[which].settings, &kind_space);
    struct rng rng = rng_make(seed, 9);
    struct learner_example examples[NET_SCENE_BATCH];
    double positives = 0;
    for (int i = 0; i < ROWS; i++) {
        struct learner_example *example = net_draw(&rng, i, &drawn[i % NET_SCENE_BATCH]);
        const struct behaviour_step *steps = drawn[i % NET_SCENE_BATCH].steps;
        example->is_correction = false;
        if (rule == SHUFFLED) {
            example->label = rng_unit(&rng) < 0.4;
        } else if (rule == OF_THE_LAST_STEPS) { /* does the order of the last two matter? */
            example->input.step_count = NET_SCENE_STEPS;
            example->label = steps[NET_SCENE_STEPS - 1].kind > steps[NET_SCENE_STEPS - 2].kind;
        }
        examples[i % NET_SCENE_BATCH] = *example;
        judged[i] = (struct kind_judged){kind_score(&a, &example->input).p, example->label};
        positives += example->label;
        if (i % NET_SCENE_BATCH == NET_SCENE_BATCH - 1) {
            enum learner_verdict verdicts[NET_SCENE_BATCH];
            a.kind->learn_batch(a.memory, examples, NET_SCENE_BATCH, verdicts, NULL);
        }
    }
    kind_learner_free(&a);
    *out_bound = 4 * sqrt((ROWS + 1) / (12 * positives * (ROWS - positives)));
    /* Of the order only what comes late can be judged: it has to be learned first. */
    return rule == OF_THE_LAST_STEPS ? kind_area(judged + ROWS / 2, ROWS / 2)
                                     : kind_area(judged, ROWS);
}

/* METHODS 0, rule 11. */
static void shuffled_labels_teach_nothing(void **state) {
    (void)state;
    for (size_t i = 0; i < NET_CASES; i++) {
        double sum = 0, bound = 0, real = area_of_pass(i, 1, OF_THE_SCENE, &bound);
        for (uint64_t seed = 1; seed <= 5; seed++) {
            sum += area_of_pass(i, seed, SHUFFLED, &bound);
        }
        printf("%-10s%-70.70s AUC %.3f, shuffled %.3f\n", net_cases[i].kind, net_cases[i].settings,
               real, sum / 5);
        assert_true(fabs(sum / 5 - 0.5) < bound);
        assert_true(real > 0.6);
    }
}

static void a_gru_sees_order_and_others_do_not(void **state) {
    (void)state;
    double bound, gru = area_of_pass(NET_CASES - 1, 1, OF_THE_LAST_STEPS, &bound);
    assert_true(gru > 0.9);
    assert_true(fabs(area_of_pass(0, 1, OF_THE_LAST_STEPS, &bound) - 0.5) < 0.1);

    static struct net_drawn drawn;
    struct kind_learner a = kind_learner_new("gru", net_cases[NET_CASES - 1].settings, &kind_space);
    struct rng rng = rng_make(71, 0);
    net_scene_learn(&a, 71, 200);
    struct learner_example *example = net_draw(&rng, 0, &drawn);
    example->input.step_count = NET_SCENE_STEPS;
    double whole = kind_score(&a, &example->input).raw;
    drawn.steps[0].item += 5; /* before the last 4 */
    drawn.steps[1].kind = 9;
    assert_true(kind_score(&a, &example->input).raw == whole);
    drawn.steps[2].kind++;
    assert_true(kind_score(&a, &example->input).raw != whole);
    drawn.steps[3].gap_s = (double)INFINITY; /* as unknown */
    double unknown = kind_score(&a, &example->input).raw;
    drawn.steps[3].gap_s = (double)NAN;
    assert_true(kind_score(&a, &example->input).raw == unknown);
    kind_learner_free(&a);
}

static int one_thread(void **state) {
    (void)state;
    kernel_blas_start();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_gradient_agrees_with_differences),
        cmocka_unit_test(a_correction_has_the_mask_of_what_it_corrects),
        cmocka_unit_test(a_retraction_leaves_the_gradient_of_the_truth),
        cmocka_unit_test(a_gradient_that_is_not_finite_rejects_the_batch),
        cmocka_unit_test(predictions_do_not_move_with_moments),
        cmocka_unit_test(numbers_of_any_unit_are_predicted),
        cmocka_unit_test(thirty_two_rows_are_learned_by_heart),
        cmocka_unit_test(shuffled_labels_teach_nothing),
        cmocka_unit_test(a_gru_sees_order_and_others_do_not),
    };
    return cmocka_run_group_tests(tests, one_thread, NULL);
}
