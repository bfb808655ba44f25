/* layers, gru_cell: gradients by central finite differences in double, values of PyTorch, float
 * against double, texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>

#include "model/kernels_blas.h"
#include "tests/support/reals.h"

#define ROWS 5

/* ---- finite differences ---- */

typedef double loss_of(void *context);

/* At count random coordinates of x[n], whose gradient is dx[n]. */
static void check_gradient(struct rng *rng, double *x, const double *dx, size_t n, size_t count,
                           loss_of *loss, void *context) {
    for (size_t trial = 0; trial < count; trial++) {
        size_t i = n <= count ? trial % n : rng_below(rng, n);
        double at = x[i], h = 1e-5;
        x[i] = at + h;
        double above = loss(context);
        x[i] = at - h;
        double below = loss(context);
        x[i] = at;
        double slope = (above - below) / (2 * h);
        double error = fabs(slope - dx[i]) / fmax(1e-3, fmax(fabs(slope), fabs(dx[i])));
        if (error >= 1e-6) {
            printf("coordinate %zu: %.12g, expected %.12g\n", i, dx[i], slope);
        }
        assert_true(error < 1e-6);
    }
}

static double *drawn(struct rng *rng, size_t count) {
    double *out = memory_new(count + 1, sizeof *out);
    for (size_t i = 0; i < count; i++) {
        out[i] = 1.4 * rng_unit(rng) - 0.7;
    }
    return out;
}

/* ---- a stack ---- */

struct stack {
    struct layers layers;
    double *params, *x, *rows; /* rows: of embeddings */
    double *saved, *d_params, *d_x, *d_rows, *room, *base;
    uint64_t keys[ROWS];
    double out[ROWS], d_out[ROWS], labels[ROWS];
    struct place places[4 * ROWS];
};

#define DIM       3
#define STACK_IN  (2 * DIM + 4)
#define STACK_ROW 6

static struct stack *stack_new(struct rng *rng, const char *text) {
    struct stack *stack = memory_new(1, sizeof *stack);
    stack->layers = layers_make(text, STACK_IN);
    stack->params = drawn(rng, stack->layers.params);
    stack->base = drawn(rng, ROWS * STACK_IN);
    stack->rows = drawn(rng, STACK_ROW * DIM);
    stack->x = memory_new(ROWS * STACK_IN, sizeof(double));
    stack->saved = memory_new(ROWS * stack->layers.saved, sizeof(double));
    stack->d_params = memory_new(stack->layers.params, sizeof(double));
    stack->d_x = memory_new(ROWS * STACK_IN, sizeof(double));
    stack->d_rows = memory_new(STACK_ROW * DIM, sizeof(double));
    stack->room = memory_new(2 * ROWS * stack->layers.widest, sizeof(double));
    for (size_t i = 0; i < ROWS; i++) {
        stack->keys[i] = (i + 1) * UINT64_C(0x1234567890abcdef);
        stack->labels[i] = (double)(i % 2);
    }
    for (size_t p = 0; p < 4 * ROWS; p++) { /* rows are shared, and met twice at one place */
        stack->places[p] = (struct place){.at = (uint32_t)(p / 4 * STACK_IN + p % 2 * DIM),
                                          .row = (uint32_t)rng_below(rng, STACK_ROW),
                                          .value = 1 + 0.5F * (float)(p % 3)};
    }
    return stack;
}

static void stack_free(struct stack *stack) {
    double *all[] = {stack->params, stack->x,      stack->rows, stack->saved, stack->d_params,
                     stack->d_x,    stack->d_rows, stack->room, stack->base};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        free(all[i]);
    }
    free(stack);
}

/* Logistic loss, summed. */
static double stack_loss(void *context) {
    struct stack *stack = context;
    memcpy(stack->x, stack->base, ROWS * STACK_IN * sizeof(double));
    places_forward_f64(stack->places, 4 * ROWS, DIM, stack->rows, stack->x);
    stack_forward_f64(&stack->layers, stack->params, stack->x, stack->keys, ROWS, stack->saved,
                      stack->out);
    double loss = 0;
    for (size_t i = 0; i < ROWS; i++) {
        double p = 1 / (1 + exp(-stack->out[i]));
        stack->d_out[i] = p - stack->labels[i];
        loss += log1p(exp(stack->out[i])) - stack->labels[i] * stack->out[i];
    }
    return loss;
}

static void stack_gradient(struct stack *stack) {
    stack_loss(stack);
    stack_backward_f64(&stack->layers, stack->params, stack->x, stack->keys, ROWS, stack->saved,
                       stack->d_out, stack->d_params, stack->d_x, stack->room);
    places_backward_f64(stack->places, 4 * ROWS, DIM, stack->d_x, stack->d_rows);
}

static const char *const texts[] = {
    "embedding:3 dense:1",
    "embedding:3 dense:7 dense:1",
    "embedding:3 dense:7:relu dense:1",
    "embedding:3 dense:7:tanh dense:1",
    "embedding:3 dense:7:sigmoid dense:1",
    "embedding:3 norm dense:7:tanh norm dense:1",
    "embedding:3 dropout:0.2 dense:9:relu dropout:0.3 dense:1",
    "embedding:3 dropout:0.2 dense:9:relu norm dense:4:tanh dropout:0.5 dense:3:sigmoid dense:1",
};

static void gradients_agree_with_differences(void **state) {
    (void)state;
    struct rng rng = rng_make(11, 0);
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++) {
        struct stack *stack = stack_new(&rng, texts[t]);
        stack_gradient(stack);
        check_gradient(&rng, stack->params, stack->d_params, stack->layers.params, 80, stack_loss,
                       stack);
        check_gradient(&rng, stack->base, stack->d_x, ROWS * STACK_IN, 60, stack_loss, stack);
        check_gradient(&rng, stack->rows, stack->d_rows, STACK_ROW * DIM, 60, stack_loss, stack);
        stack_free(stack);
    }
}

static void to_float(float *to, const double *from, size_t n) {
    for (size_t i = 0; i < n; i++) {
        to[i] = (float)from[i];
    }
}

/* 16 rows: OpenBLAS takes part. */
static void float_agrees_with_double(void **state) {
    (void)state;
    enum { MANY = 16 };
    struct rng rng = rng_make(12, 0);
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++) {
        struct layers layers = layers_make(texts[t], STACK_IN);
        size_t sizes[] = {layers.params, MANY * STACK_IN, MANY * layers.saved,     MANY, MANY,
                          layers.params, MANY * STACK_IN, 2 * MANY * layers.widest};
        enum { PARAMS, X, SAVED, OUT, D_OUT, D_PARAMS, D_X, ROOM, ALL };
        double *d[ALL];
        float *f[ALL], scored[MANY];
        uint64_t keys[MANY];
        for (size_t i = 0; i < ALL; i++) {
            d[i] = drawn(&rng, sizes[i]);
            f[i] = memory_new(sizes[i] + 1, sizeof(float));
            to_float(f[i], d[i], sizes[i]);
        }
        for (size_t i = 0; i < MANY; i++) {
            keys[i] = rng_u64(&rng) | 1;
        }
        stack_forward_f64(&layers, d[PARAMS], d[X], keys, MANY, d[SAVED], d[OUT]);
        layers_forward(&layers, f[PARAMS], f[X], keys, MANY, f[SAVED], f[OUT]);
        stack_backward_f64(&layers, d[PARAMS], d[X], keys, MANY, d[SAVED], d[D_OUT], d[D_PARAMS],
                           d[D_X], d[ROOM]);
        layers_backward(&layers, f[PARAMS], f[X], keys, MANY, f[SAVED], f[D_OUT], f[D_PARAMS],
                        f[D_X], f[ROOM]);
        for (size_t i = 0; i < layers.params; i++) {
            assert_true(fabs((double)f[D_PARAMS][i] - d[D_PARAMS][i]) < 3e-5);
        }
        for (size_t i = 0; i < MANY; i++) {
            assert_true(fabs((double)f[OUT][i] - d[OUT][i]) < 1e-5);
        }
        /* Without a mask, a row's bits are the same alone, in a batch, and as it is scored. */
        layers_forward(&layers, f[PARAMS], f[X], NULL, MANY, f[SAVED], f[OUT]);
        layers_score(&layers, f[PARAMS], f[X], NULL, MANY, f[ROOM], scored);
        assert_memory_equal(scored, f[OUT], sizeof scored);
        for (size_t i = 0; i < MANY; i++) {
            layers_score(&layers, f[PARAMS], f[X] + i * STACK_IN, NULL, 1, f[ROOM], scored);
            assert_memory_equal(scored, &f[OUT][i], sizeof(float));
        }
        for (size_t i = 0; i < ALL; i++) {
            free(d[i]);
            free(f[i]);
        }
    }
}

/* ---- PyTorch's values (fixtures: weights are round(sin(a i + b) / 2, 6)) ---- */

static double w(size_t i, double a, double b) {
    return round(sin(a * (double)i + b) * 0.5 * 1e6) / 1e6;
}
#define NEAR(VALUE, EXPECTED) assert_true(fabs((VALUE) - (EXPECTED)) < 1e-11)

static void the_seed_network_is_that_of_pytorch(void **state) {
    (void)state;
    struct layers layers = layers_make("embedding:3 dense:4:relu dense:1", 5);
    double params[5 * 4 + 4 + 4 + 1] = {0}, rows[6], x[5] = {0, 0, 0, 0.4, -1.2};
    for (size_t j = 0; j < 4; j++) { /* PyTorch's W[out][in] */
        for (size_t i = 0; i < 5; i++) {
            params[i * 4 + j] = w(j * 5 + i, .61, .2);
        }
        params[20 + j] = w(j, .3, .9);
        params[24 + j] = w(j, .83, .1);
    }
    for (size_t i = 0; i < 6; i++) {
        rows[i] = w(i, .37, .11);
    }
    struct place place = {.at = 0, .row = 1, .value = 1};
    double saved[5], out, d_params[29] = {0}, d_x[5], d_rows[6] = {0}, room[10];
    places_forward_f64(&place, 1, 3, rows, x);
    stack_forward_f64(&layers, params, x, NULL, 1, saved, &out);
    double p = 1 / (1 + exp(-out)), d_out = p - 1;
    NEAR(out, 0.5536961190696972);
    NEAR(-log(p), 0.4541417872824102);
    stack_backward_f64(&layers, params, x, NULL, 1, saved, &d_out, d_params, d_x, room);
    places_backward_f64(&place, 1, 3, d_x, d_rows);
    static const double embedding[] = {0.0010251084426592335, 0.013367078143084295,
                                       0.020887742539265366};
    static const double first[] = {-0.008555233748666815, -0.009108358625979194,
                                   -0.008428713584358984, -0.007288027897916572,
                                   0.021864083693749713};
    static const double second[] = {-0.26967126953659776, -0.07312020191462625,
                                    -0.24848239117722043, -0.14239511655166429};
    for (size_t i = 0; i < 3; i++) {
        NEAR(d_rows[3 + i], embedding[i]);
        assert_true(d_rows[i] == 0);
    }
    for (size_t i = 0; i < 5; i++) {
        NEAR(d_params[i * 4], first[i]);
    }
    for (size_t j = 0; j < 4; j++) {
        NEAR(d_params[24 + j], second[j]);
    }
    NEAR(d_params[28], -0.3650073070254909);
}

/* Values by complex-step differentiation in Python: y, and the slopes of sum(c y). */
static void layer_norm_is_that_of_its_formula(void **state) {
    (void)state;
    static const double y[] = {-1.642940519565284, -0.545928618441102, 0.7501368560027463,
                               1.586620126590275,  1.6105444555195927, 1.01465989462433};
    static const double slope_x[] = {-2.0655808473443638, 2.6020870820135746,  1.8753953826926997,
                                     -1.5702875862432835, -1.7702922937775079, 0.9286782626588789};
    static const double slope_g[] = {-0.5225079709526128,  -0.3683579029668584,
                                     0.028177447585951112, -0.2611283108101858,
                                     -0.45570110973083516, -0.06518145597564926};
    double x[6], params[12], out[6], dy[6], dx[6], d_params[12] = {0};
    for (size_t i = 0; i < 6; i++) {
        x[i] = w(i, .37, .11);
        params[i] = 1 + w(i, .61, .2);
        params[6 + i] = w(i, .3, .9);
        dy[i] = w(i, 1.1, .6);
    }
    norm_row_f64(out, x, params, 6);
    norm_row_back_f64(dx, d_params, dy, x, params, 6);
    for (size_t i = 0; i < 6; i++) {
        NEAR(out[i], y[i]);
        NEAR(dx[i], slope_x[i]);
        NEAR(d_params[i], slope_g[i]);
        NEAR(d_params[6 + i], dy[i]);
    }
}

enum { GRU_IN = 3, GRU_HIDDEN = 4, GRU_GATES = 12, GRU_STEPS = 5, GRU_PARAMS = 12 * 9 };

static void the_gru_is_that_of_pytorch(void **state) {
    (void)state;
    static const double last[] = {-0.245073774915, -0.119018685977, 0.383577421359, 0.500955508055};
    static const double d_hidden[] = {-2.4922593025956578e-05, -0.0006566980613365957,
                                      -0.001137446472501556, -0.0015627440742394742};
    static const double d_bias[] = {
        -0.00633589723532722,  -0.004495617651097761, 0.0014719508399269785, -0.0018136817929494938,
        0.0008932284445220596, 0.09443263828610174,   0.027123702912155514,  0.04201044386318377,
        0.10847924923865593,   0.25970641390891114,   0.01698729972294926,   -0.3630357779426101};
    struct gru_cell cell = {GRU_IN, GRU_HIDDEN};
    double params[GRU_PARAMS], d_params[GRU_PARAMS] = {0}, x[GRU_STEPS * GRU_IN];
    double *u = params + (GRU_IN + 1) * GRU_GATES;
    for (size_t j = 0; j < GRU_GATES; j++) {
        for (size_t i = 0; i < GRU_IN; i++) {
            params[i * GRU_GATES + j] = w(j * GRU_IN + i, .37, .11);
        }
        for (size_t i = 0; i < GRU_HIDDEN; i++) {
            u[i * GRU_GATES + j] = w(j * GRU_HIDDEN + i, .29, .5);
        }
        params[GRU_IN * GRU_GATES + j] = w(j, .7, .2);
        u[GRU_HIDDEN * GRU_GATES + j] = w(j, .9, .4);
    }
    for (size_t i = 0; i < GRU_STEPS * GRU_IN; i++) {
        x[i] = w(i, .53, .3);
    }
    size_t starts[2] = {0, GRU_STEPS};
    double saved[GRU_STEPS * 5 * GRU_HIDDEN], h[4], d_h[4], d_x[15], room[6 * 4 * 5 + 8], loss = 0;
    gru_forward_f64(&cell, params, x, starts, 1, saved, room, h, 4);
    for (size_t i = 0; i < 4; i++) {
        NEAR(h[i], last[i]);
        d_h[i] = w(i, 1.1, .6);
        loss += h[i] * d_h[i];
    }
    NEAR(loss, -0.23622591267637089);
    NEAR(saved[4], 0.03175218878); /* h after the first step */
    NEAR(saved[8 + 3], 0.250024946876);
    gru_backward_f64(&cell, params, x, starts, 1, saved, d_h, 4, d_params, d_x, room);
    double sum = 0;
    for (size_t i = 0; i < GRU_IN * GRU_GATES; i++) {
        sum += fabs(d_params[i]);
    }
    NEAR(sum, 0.7665678003503477);
    for (size_t i = 0; i < 4; i++) {
        NEAR(d_params[(GRU_IN + 1) * GRU_GATES + i * GRU_GATES], d_hidden[i]);
    }
    for (size_t j = 0; j < GRU_GATES; j++) {
        NEAR(d_params[GRU_IN * GRU_GATES + j], d_bias[j]);
    }
}

/* ---- sequences of several lengths ---- */

struct sequences {
    struct gru_cell cell;
    size_t starts[ROWS + 1];
    double *params, *x, *saved, *h, *d_h, *d_params, *d_x, *room;
};

static double sequences_loss(void *context) {
    struct sequences *s = context;
    double loss = 0;
    gru_forward_f64(&s->cell, s->params, s->x, s->starts, ROWS, s->saved, s->room, s->h, 6);
    for (size_t i = 0; i < ROWS * 6; i++) { /* 5 of 6 are h */
        loss += i % 6 < 5 ? s->h[i] * s->d_h[i] : 0;
    }
    return loss;
}

static void gradients_through_time_agree_with_differences(void **state) {
    (void)state;
    struct rng rng = rng_make(13, 0);
    static const size_t starts[ROWS + 1] = {0, 20, 20, 21, 24, 44}; /* one is empty */
    struct sequences s = {.cell = {4, 5}};
    memcpy(s.starts, starts, sizeof starts);
    size_t params = gru_cell_params(&s.cell);
    s.params = drawn(&rng, params);
    s.x = drawn(&rng, 44 * 4);
    s.h = drawn(&rng, ROWS * 6);
    s.d_h = drawn(&rng, ROWS * 6);
    s.saved = drawn(&rng, 44 * gru_cell_saved(&s.cell));
    s.d_params = memory_new(params, sizeof(double));
    s.d_x = memory_new(44 * 4, sizeof(double));
    s.room = drawn(&rng, 44 * 30 + 10);
    sequences_loss(&s);
    assert_true(s.h[6] == 0 && s.h[10] == 0 && s.h[11] != 0);
    gru_backward_f64(&s.cell, s.params, s.x, s.starts, ROWS, s.saved, s.d_h, 6, s.d_params, s.d_x,
                     s.room);
    check_gradient(&rng, s.params, s.d_params, params, 100, sequences_loss, &s);
    check_gradient(&rng, s.x, s.d_x, 44 * 4, 60, sequences_loss, &s);
    double *all[] = {s.params, s.x, s.h, s.d_h, s.saved, s.d_params, s.d_x, s.room};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        free(all[i]);
    }
}

static void float_gru_agrees_with_double(void **state) {
    (void)state;
    struct rng rng = rng_make(14, 0);
    struct gru_cell cell = {6, 17};
    size_t starts[] = {0, 9, 20}, n = gru_cell_params(&cell);
    size_t sizes[] = {n, 20 * 6, 20 * 85, 2 * 17, 2 * 17, n, 20 * 6, 20 * 102 + 34};
    enum { PARAMS, X, SAVED, H, D_H, D_PARAMS, D_X, ROOM, ALL };
    double *d[ALL];
    float *f[ALL];
    for (size_t i = 0; i < ALL; i++) {
        d[i] = drawn(&rng, sizes[i]);
        f[i] = memory_new(sizes[i] + 1, sizeof(float));
        to_float(f[i], d[i], sizes[i]);
    }
    gru_forward_f64(&cell, d[PARAMS], d[X], starts, 2, d[SAVED], d[ROOM], d[H], 17);
    gru_cell_forward(&cell, f[PARAMS], f[X], starts, 2, f[SAVED], f[ROOM], f[H], 17);
    gru_backward_f64(&cell, d[PARAMS], d[X], starts, 2, d[SAVED], d[D_H], 17, d[D_PARAMS], d[D_X],
                     d[ROOM]);
    gru_cell_backward(&cell, f[PARAMS], f[X], starts, 2, f[SAVED], f[D_H], 17, f[D_PARAMS], f[D_X],
                      f[ROOM]);
    for (size_t i = 0; i < 34; i++) {
        assert_true(fabs((double)f[H][i] - d[H][i]) < 1e-5);
    }
    for (size_t i = 0; i < n; i++) {
        assert_true(fabs((double)f[D_PARAMS][i] - d[D_PARAMS][i]) < 3e-5);
    }
    for (size_t i = 0; i < ALL; i++) {
        free(d[i]);
        free(f[i]);
    }
}

/* ---- texts ---- */

static void texts_are_checked(void **state) {
    (void)state;
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"", "embedding:8 dropout:0.2 dense:128:relu"},
        {"dense:1", "embedding:8"},
        {"embedding:8", "dense:1 as the last layer"},
        {"embedding:8 dense:2", "dense:1 as the last layer"},
        {"embedding:8 dense:1:sigmoid", "the loss adds its own sigmoid"},
        {"embedding:8 dense:1 dropout:0.5", "dense:1 as the last layer"},
        {"embedding:65 dense:1", "embedding:D first, 1 <= D <= 64"},
        {"embedding:8 embedding:8 dense:1", "one embedding"},
        {"dense:3 embedding:8 dense:1", "embedding:D first"},
        {"embedding:8 dropout:1 dense:1", "dropout:RATE, 0 <= RATE < 1"},
        {"embedding:8 dropout dense:1", "dropout:RATE"},
        {"embedding:8 dense:0 dense:1", "dense:N"},
        {"embedding:8 dense:9999 dense:1", "1 <= N <= 4096"},
        {"embedding:8 dense:16:gelu dense:1", "found \"dense:16:gelu\""},
        {"embedding:8 dense:16:relu:2 dense:1", "dense:N"},
        {"embedding:8 norm:2 dense:1", "expected norm"},
        {"embedding:8 conv:3 dense:1", "embedding, dropout, dense or norm"},
        {"embedding:8 norm norm norm norm norm norm norm norm norm norm norm norm norm norm norm "
         "norm dense:1",
         "at most 16 layers"},
    };
    char error[200];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(layers_check(bad[i].text, error, sizeof error));
        if (!strstr(error, bad[i].says)) {
            printf("%s: %s\n", bad[i].text, error);
        }
        assert_non_null(strstr(error, bad[i].says));
    }
    assert_true(layers_check("embedding:8 dropout:0.2 dense:128:relu dropout:0.2 dense:1", error,
                             sizeof error));
    assert_true(layers_check("  embedding:1   dense:1 ", error, sizeof error));
}

static void initial_weights_depend_on_the_seed_alone(void **state) {
    (void)state;
    struct layers layers = layers_make("embedding:2 norm dense:6:relu dense:1", 4);
    float a[45], b[45];
    assert_int_equal(layers.params, 8 + 30 + 7);
    layers_start(&layers, 1, a);
    layers_start(&layers, 1, b);
    assert_memory_equal(a, b, sizeof a);
    layers_start(&layers, 2, b);
    assert_true(memcmp(a, b, sizeof a) != 0);
    assert_true(a[0] == 1 && a[4] == 0 && a[8] != 0 && a[8 + 24] == 0 && a[44] == 0);
}

static int one_thread(void **state) {
    (void)state;
    kernel_blas_start();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_agree_with_differences),
        cmocka_unit_test(float_agrees_with_double),
        cmocka_unit_test(the_seed_network_is_that_of_pytorch),
        cmocka_unit_test(layer_norm_is_that_of_its_formula),
        cmocka_unit_test(the_gru_is_that_of_pytorch),
        cmocka_unit_test(gradients_through_time_agree_with_differences),
        cmocka_unit_test(float_gru_agrees_with_double),
        cmocka_unit_test(texts_are_checked),
        cmocka_unit_test(initial_weights_depend_on_the_seed_alone),
    };
    return cmocka_run_group_tests(tests, one_thread, NULL);
}
