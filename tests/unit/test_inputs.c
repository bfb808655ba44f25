/* inputs: buckets, scales, crosses and keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "model/inputs.h"
#include "tests/support/kind_scene.h"
#include "tests/support/learner_scene.h"

static struct inputs inputs_new(int numbers, const char *cross) {
    struct inputs_options options = {.numbers = numbers};
    snprintf(options.cross, sizeof options.cross, "%s", cross);
    struct inputs inputs;
    inputs_init(&inputs, &options, &kind_space);
    return inputs;
}

static void buckets_are_half_octaves(void **state) {
    (void)state;
    assert_int_equal(inputs_bucket(0), 0);
    assert_int_equal(inputs_bucket(1e-9), inputs_bucket(1e-300));
    assert_int_equal(inputs_bucket(-3.7), -inputs_bucket(3.7));
    int last = 0;
    for (double edge = ldexp(1, -20); edge < 1e15; edge *= 2) {
        int whole = inputs_bucket(edge), half = inputs_bucket(edge * 1.5);
        assert_int_equal(half, whole + 1);
        assert_int_equal(inputs_bucket(edge * 1.41), whole);
        assert_int_equal(inputs_bucket(edge * 1.9999), half);
        assert_true(last == 0 || whole == last + 2);
        last = whole;
    }
}

static const struct input_feature *find(const struct input_list *list, int part, int of) {
    for (size_t i = 0; i < list->count; i++) {
        if (list->features[i].part == part && list->features[i].of == of) {
            return &list->features[i];
        }
    }
    return NULL;
}

static void numbers_come_as_asked(void **state) {
    (void)state;
    struct rng rng = rng_make(1, 0);
    struct kind_example example;
    kind_example_draw(&rng, 10, &example);
    example.numbers[0] = 30;
    example.numbers[1] = (double)NAN;
    example.numbers[2] = -7;
    struct input_feature features[INPUTS_MAX];
    struct input_list list = {0, features};
    for (int how = INPUTS_BUCKET; how <= INPUTS_BOTH; how++) {
        struct inputs inputs = inputs_new(how, "");
        assert_true(inputs_of(&inputs, &example.example.input, &list));
        assert_true(list.count <= inputs_most(&inputs, &example.example.input));
        assert_int_equal(list.features[0].part, INPUTS_BIAS);
        assert_true(!!find(&list, INPUTS_IN_BUCKET, 0) == (how != INPUTS_SCALE));
        double expected = log1p(30) / (how == INPUTS_BUCKET ? 14 : 1); /* no moments yet */
        assert_true(fabs(find(&list, INPUTS_LINEAR, 0)->x - expected) < 1e-12);
        assert_true(find(&list, INPUTS_LINEAR, 2)->x < 0);
        assert_non_null(find(&list, INPUTS_MISSING, 1));
        assert_null(find(&list, INPUTS_LINEAR, 1));
        /* bias, missing, names, words, and of two numbers a linear term and perhaps a bucket */
        assert_int_equal(list.count,
                         2 + KIND_NAMES + KIND_FEATURES + 2 * (how == INPUTS_SCALE ? 1 : 2));
        for (size_t i = 0; i < list.count; i++) { /* no two keys are the same */
            for (size_t j = 0; j < i; j++) {
                assert_true(features[i].key != features[j].key);
            }
        }
    }
    example.numbers[2] = (double)INFINITY;
    struct inputs inputs = inputs_new(INPUTS_BOTH, "");
    assert_false(inputs_of(&inputs, &example.example.input, &list));
}

static void crosses_are_pairs_of_names(void **state) {
    (void)state;
    char error[300];
    assert_true(inputs_check_cross("", error, sizeof error));
    assert_true(inputs_check_cross("city:device,city:brand", error, sizeof error));
    static const char *const bad[] = {"city", "city:", ":city", "a:b:c", "a:b,,c:d"};
    for (size_t i = 0; i < 5; i++) {
        assert_false(inputs_check_cross(bad[i], error, sizeof error));
        assert_non_null(strstr(error, "expected pairs of names"));
    }
    struct inputs inputs = inputs_new(INPUTS_BUCKET, "city:device,city:unknown,brand:city");
    assert_int_equal(inputs.cross_count, 2);
    struct rng rng = rng_make(1, 0);
    struct kind_example a, b;
    kind_example_draw(&rng, 10, &a);
    b = a;
    struct input_feature features[2][INPUTS_MAX];
    struct input_list lists[2] = {{0, features[0]}, {0, features[1]}};
    b.example.input.numbers = b.numbers;
    b.example.input.names = b.names;
    b.names[0] = bytes_of_text("elsewhere");
    assert_true(inputs_of(&inputs, &a.example.input, &lists[0]));
    assert_true(inputs_of(&inputs, &b.example.input, &lists[1]));
    for (int i = 0; i < 2; i++) {
        assert_true(find(&lists[0], INPUTS_CROSS, i)->key != find(&lists[1], INPUTS_CROSS, i)->key);
    }
    assert_true(find(&lists[0], INPUTS_NAME, 1)->key == find(&lists[1], INPUTS_NAME, 1)->key);
    char text[64];
    inputs_name(&inputs, &b.example.input, find(&lists[1], INPUTS_CROSS, 1), text, sizeof text);
    assert_non_null(strstr(text, " x city = elsewhere"));
}

static void origins_have_slots_of_their_class(void **state) {
    (void)state;
    struct learner_scene scene;
    learner_scene_init(&scene);
    struct inputs_options options = {.numbers = INPUTS_BUCKET};
    struct inputs inputs;
    inputs_init(&inputs, &options, &scene.space);
    struct rng rng = rng_make(1, 0);
    struct scene_example example;
    scene_example_draw(&scene, &rng, &example);
    example.numbers[SCENE_IDLE] = 60;
    struct input_feature features[3][INPUTS_MAX];
    struct input_list lists[3];
    static const char *const origins[] = {"observe", "cart_abandoned", "browse_abandoned"};
    for (int i = 0; i < 3; i++) {
        lists[i] = (struct input_list){0, features[i]};
        example.names[SCENE_ORIGIN] = bytes_of_text(origins[i]);
        assert_true(inputs_of(&inputs, &example.example.input, &lists[i]));
    }
    for (size_t i = 0; i < lists[0].count; i++) {
        assert_true(features[0][i].key != features[1][i].key);
    }
    /* Triggers share all but the origin's own slot and the buckets of idle time. */
    assert_true(features[1][0].key == features[2][0].key);
    assert_true(find(&lists[1], INPUTS_NAME, SCENE_REGION)->key ==
                find(&lists[2], INPUTS_NAME, SCENE_REGION)->key);
    assert_true(find(&lists[1], INPUTS_NAME, SCENE_ORIGIN)->key !=
                find(&lists[2], INPUTS_NAME, SCENE_ORIGIN)->key);
    assert_true(find(&lists[1], INPUTS_IN_BUCKET, SCENE_IDLE)->key !=
                find(&lists[2], INPUTS_IN_BUCKET, SCENE_IDLE)->key);
}

static void moments_are_those_of_the_examples(void **state) {
    (void)state;
    struct inputs inputs = inputs_new(INPUTS_SCALE, "");
    struct rng rng = rng_make(1, 0);
    struct inputs_move moves[INPUTS_NUMBERS_MAX];
    double sum = 0, squares = 0;
    int moved = 0;
    for (int i = 1; i <= 64; i++) {
        struct kind_example example;
        kind_example_draw(&rng, 10, &example);
        example.numbers[0] = 10 * rng_unit(&rng);
        example.numbers[1] = (double)NAN;
        example.numbers[2] = 5;
        double u = log1p(example.numbers[0]);
        sum += u;
        squares += u * u;
        size_t count = inputs_learn(&inputs, &example.example.input, moves);
        bool is_due = i >= 8 && (i & (i - 1)) == 0;
        assert_int_equal(count, is_due ? 2 : 0);
        if (is_due) {
            moved++;
            assert_true(fabs(moves[0].now.mean - sum / i) < 1e-12);
            assert_true(fabs(moves[0].now.sd - sqrt(squares / i - pow(sum / i, 2))) < 1e-9);
            assert_true(moves[1].now.sd == 1); /* a constant */
        }
    }
    assert_int_equal(moved, 4);
    assert_true(inputs_scaled(&inputs, 2, 5) == 0 && inputs_scaled(&inputs, 1, 3) == log1p(3));
}

static void names_are_readable(void **state) {
    (void)state;
    struct inputs inputs = inputs_new(INPUTS_BUCKET, "");
    struct rng rng = rng_make(1, 0);
    struct kind_example example;
    kind_example_draw(&rng, 10, &example);
    struct input_feature features[INPUTS_MAX];
    struct input_list list = {0, features};
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0, "price = 0"},
                 {30, "price in [22.6, 32)"},
                 {64, "price in [64, 90.5)"},
                 {-30, "price in (-32, -22.6]"},
                 {(double)NAN, "price missing"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[64];
        example.numbers[0] = cases[i].value;
        assert_true(inputs_of(&inputs, &example.example.input, &list));
        inputs_name(&inputs, &example.example.input, &features[1], text, sizeof text);
        assert_string_equal(text, cases[i].text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_are_half_octaves),
        cmocka_unit_test(numbers_come_as_asked),
        cmocka_unit_test(crosses_are_pairs_of_names),
        cmocka_unit_test(origins_have_slots_of_their_class),
        cmocka_unit_test(moments_are_those_of_the_examples),
        cmocka_unit_test(names_are_readable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
