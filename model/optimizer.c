#include "model/optimizer.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "model/clones.h"

const char *const optimizer_rule_names[OPTIMIZER_RULES + 1] = {
    "sgd", "momentum", "adagrad", "adam", "ftrl", "row_adagrad", "coin", NULL};
const char *const optimizer_schedule_names[OPTIMIZER_SCHEDULES + 1] = {"constant", "inv_sqrt",
                                                                       "inv", "cosine", NULL};

/* Coin betting: money at the start and the least gradient to reckon with, VW's defaults. */
#define COIN_START 4.0
#define COIN_LEAST 1.0
enum coin_state { COIN_SUM, COIN_ABS, COIN_X, COIN_WEALTH, COIN_G, COIN_FLOATS };

double optimizer_usual_lr(enum optimizer_rule rule) {
    static const double usual[OPTIMIZER_RULES] = {0.05, 0.01, 0.05, 0.001, 0.1, 0.05, 1};
    return usual[rule];
}

struct optimizer optimizer_make(const struct optimizer_options *options) {
    struct optimizer optimizer;
    memset(&optimizer, 0, sizeof optimizer); /* padding, too: memories are compared */
    optimizer.rule = (enum optimizer_rule)options->optimizer;
    optimizer.options = *options;
    assert(optimizer.rule < OPTIMIZER_RULES && options->lr >= 0);
    if (options->lr == 0) {
        optimizer.options.lr = optimizer_usual_lr(optimizer.rule);
    }
    optimizer.ftrl =
        (struct ftrl_params){optimizer.options.lr, options->ftrl_beta, options->l1, options->l2};
    return optimizer;
}

static uint64_t mix(uint64_t hash, double number) {
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return hash_combine(hash, bits);
}

uint64_t optimizer_fingerprint(const struct optimizer_options *options, uint64_t hash) {
    const double numbers[] = {options->optimizer,  options->schedule,  options->lr,
                              options->momentum,   options->beta1,     options->beta2,
                              options->epsilon,    options->ftrl_beta, options->l1,
                              options->l2,         options->clip,      options->warmup_steps,
                              options->decay_steps};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        hash = mix(hash, numbers[i]);
    }
    return hash;
}

size_t optimizer_floats(const struct optimizer *optimizer, size_t n) {
    switch (optimizer->rule) {
    case OPTIMIZER_SGD:
        return 0;
    case OPTIMIZER_MOMENTUM:
    case OPTIMIZER_ADAGRAD:
        return n;
    case OPTIMIZER_ADAM:
        return 2 * n + 1; /* m, v; steps of the row */
    case OPTIMIZER_FTRL:
        return 2 * n; /* z, n */
    case OPTIMIZER_ROW_ADAGRAD:
        return 1;
    case OPTIMIZER_COIN:
        return COIN_FLOATS * n;
    default:
        assert(false);
        return 0;
    }
}

double optimizer_rate(const struct optimizer *optimizer, int64_t step) {
    static const double pi = 3.14159265358979323846;
    const struct optimizer_options *options = &optimizer->options;
    double t = (double)step, rate = options->lr, share = t / options->decay_steps;
    if (t < options->warmup_steps) {
        rate *= t / options->warmup_steps;
    }
    switch ((enum optimizer_schedule)options->schedule) {
    case OPTIMIZER_INV_SQRT:
        return share > 1 ? rate / sqrt(share) : rate;
    case OPTIMIZER_INV:
        return rate / (1 + share);
    case OPTIMIZER_COSINE:
        return rate * (0.01 + 0.99 * 0.5 * (1 + cos(pi * fmin(1, share))));
    default:
        return rate;
    }
}

double optimizer_clip(const struct optimizer *optimizer, double norm_square) {
    if (!isfinite(norm_square)) {
        return (double)NAN;
    }
    double norm = sqrt(norm_square), most = optimizer->options.clip;
    return most > 0 && norm > most ? most / norm : 1;
}

/* ---- rows ---- */

/* What l1 takes from the weights. */
static void shrink(const struct optimizer *optimizer, double rate, float *w, size_t n) {
    double take = rate * optimizer->options.l1;
    for (size_t i = 0; take > 0 && i < n; i++) {
        double size = fabs((double)w[i]) - take;
        w[i] = (float)(size > 0 ? copysign(size, (double)w[i]) : 0);
    }
}

MODEL_CLONES
static void step_sgd(float rate, float l2, float *w, const float *g, size_t n) {
    for (size_t i = 0; i < n; i++) {
        w[i] -= rate * (g[i] + l2 * w[i]);
    }
}

MODEL_CLONES
static void step_momentum(float rate, float l2, float kept, float *w, float *v, const float *g,
                          size_t n) {
    for (size_t i = 0; i < n; i++) {
        v[i] = kept * v[i] + (g[i] + l2 * w[i]);
        w[i] -= rate * v[i];
    }
}

MODEL_CLONES
static void step_adagrad(float rate, float l2, float epsilon, float *w, float *sum, const float *g,
                         const float *square, size_t n) {
    for (size_t i = 0; i < n; i++) {
        float slope = g[i] + l2 * w[i];
        float penalty = slope * slope - g[i] * g[i]; /* l2's part of the square */
        float more = penalty > 0 ? penalty : 0;      /* fmaxf would be a call, and no vectors */
        float grown = sum[i] + (square ? square[i] + more : slope * slope);
        sum[i] = grown > 0 ? grown : slope * slope; /* square 0 at a weight that is new */
        w[i] -= rate * slope / (sqrtf(sum[i]) + epsilon);
    }
}

struct adam {
    float rate, root, l2, beta1, beta2, epsilon; /* root: 1 / sqrt(1 - beta2^t) */
};

MODEL_CLONES
static void step_adam(struct adam a, float *w, float *m, float *v, const float *g, size_t n) {
    for (size_t i = 0; i < n; i++) {
        float slope = g[i] + a.l2 * w[i];
        m[i] = a.beta1 * m[i] + (1 - a.beta1) * slope;
        v[i] = a.beta2 * v[i] + (1 - a.beta2) * slope * slope;
        w[i] -= a.rate * m[i] / (sqrtf(v[i]) * a.root + a.epsilon);
    }
}

static void adam(const struct optimizer *optimizer, double rate, float *w, float *state,
                 const float *g, size_t n) {
    const struct optimizer_options *options = &optimizer->options;
    float *t = &state[2 * n];
    *t = fminf(*t + 1, 16777215); /* beyond it both corrections are 1 */
    struct adam a = {.rate = (float)(rate / (1 - pow(options->beta1, (double)*t))),
                     .root = (float)(1 / sqrt(1 - pow(options->beta2, (double)*t))),
                     .l2 = (float)options->l2,
                     .beta1 = (float)options->beta1,
                     .beta2 = (float)options->beta2,
                     .epsilon = (float)options->epsilon};
    step_adam(a, w, state, state + n, g, n);
}

static void row_adagrad(const struct optimizer *optimizer, double rate, float *w, float *state,
                        const float *g, const float *square, size_t n) {
    double own = 0, sum = 0, l2 = optimizer->options.l2;
    for (size_t i = 0; i < n; i++) {
        double slope = (double)g[i] + l2 * (double)w[i];
        own += slope * slope;
        double penalty = slope * slope - (double)g[i] * (double)g[i]; /* l2's part */
        sum += square ? (double)square[i] + fmax(penalty, 0) : slope * slope;
    }
    double grown = (double)*state + sum / (double)n;
    *state = (float)(grown > 0 ? grown : own / (double)n); /* square 0 at a row that is new */
    double divided = rate / (sqrt((double)*state) + optimizer->options.epsilon);
    step_sgd((float)divided, (float)l2, w, g, n);
}

struct ftrl_row {
    float alpha, beta, l1, l2;
};

/* As step_ftrl, for a row; s in a form that does not cancel. */
MODEL_CLONES
static void step_ftrl_row(struct ftrl_row p, float *w, float *z, float *sum, const float *g,
                          const float *square, size_t n) {
    float least = p.beta / p.alpha + p.l2; /* of what divides: at n = 0 */
    for (size_t i = 0; i < n; i++) {
        float grown = square ? square[i] : g[i] * g[i];
        float start = w[i] != 0 ? -w[i] * least - copysignf(p.l1, w[i]) : 0;
        float from = z[i] == 0 && sum[i] == 0 ? start : z[i];
        float next = sum[i] + grown, root = sqrtf(next);
        float s = grown > 0 ? grown / ((root + sqrtf(sum[i])) * p.alpha) : 0;
        z[i] = from + g[i] - s * w[i];
        sum[i] = next;
        float beyond = fabsf(z[i]) - p.l1;
        float size = beyond > 0 ? beyond : 0; /* as above */
        w[i] = -copysignf(size, z[i]) / ((p.beta + root) / p.alpha + p.l2);
    }
}

/* A row that starts at w and not at 0 goes on from there. */
static double ftrl_start(const struct ftrl_params *ftrl, double w, double z, double n) {
    return z == 0 && n == 0 && w != 0 ? ftrl_z_of(ftrl, w, 0) : z;
}

static void step_ftrl(const struct ftrl_params *ftrl, float *w, float *z, float *n,
                      const struct ftrl_pull *pull, double x) {
    double z1 = ftrl_start(ftrl, (double)*w, (double)*z, (double)*n), n1 = (double)*n;
    ftrl_step(ftrl, (double)*w, pull->gradient * x, pull->square * x * x, &z1, &n1);
    *z = (float)z1;
    *n = (float)n1;
    *w = (float)ftrl_weight(ftrl, (double)*z, (double)*n);
}

double optimizer_coin_weight(const float *state, size_t stride, double x) {
    double most = fmax((double)state[COIN_X * stride], fabs(x)) * (double)state[COIN_G * stride];
    return most > 0 ? (COIN_START + (double)state[COIN_WEALTH * stride]) /
                          (most * (most + (double)state[COIN_ABS * stride])) *
                          (double)state[COIN_SUM * stride]
                    : 0;
}

double optimizer_coin_largest(const float *state) {
    return (double)state[COIN_X];
}

/* As VW's --coin: the bet is made again if x or the gradient is the largest so far. */
static void step_coin(float *w, float *state, size_t stride, double gradient, double x) {
    double before = optimizer_coin_weight(state, stride, x);
    state[COIN_X * stride] = fmaxf(state[COIN_X * stride], (float)fabs(x));
    if (fabs(gradient) > (double)state[COIN_G * stride]) {
        state[COIN_G * stride] = (float)fmax(fabs(gradient), COIN_LEAST);
    }
    double bet = optimizer_coin_weight(state, stride, x), g = gradient * x;
    state[COIN_SUM * stride] = (float)((double)state[COIN_SUM * stride] - g);
    state[COIN_ABS * stride] = (float)((double)state[COIN_ABS * stride] + fabs(g));
    state[COIN_WEALTH * stride] = (float)((double)state[COIN_WEALTH * stride] - g * bet);
    *w = (float)((double)*w - before + optimizer_coin_weight(state, stride, x));
}

void optimizer_step(const struct optimizer *optimizer, double rate, float *w, float *state,
                    const float *g, const float *square, size_t n) {
    const struct optimizer_options *options = &optimizer->options;
    float r = (float)rate, l2 = (float)options->l2;
    switch (optimizer->rule) {
    case OPTIMIZER_SGD:
        step_sgd(r, l2, w, g, n);
        break;
    case OPTIMIZER_MOMENTUM:
        step_momentum(r, l2, (float)options->momentum, w, state, g, n);
        break;
    case OPTIMIZER_ADAGRAD:
        step_adagrad(r, l2, (float)options->epsilon, w, state, g, square, n);
        break;
    case OPTIMIZER_ADAM:
        adam(optimizer, rate, w, state, g, n);
        break;
    case OPTIMIZER_ROW_ADAGRAD:
        row_adagrad(optimizer, rate, w, state, g, square, n);
        break;
    case OPTIMIZER_FTRL:
        step_ftrl_row((struct ftrl_row){(float)optimizer->ftrl.alpha, (float)optimizer->ftrl.beta,
                                        (float)optimizer->ftrl.l1, (float)optimizer->ftrl.l2},
                      w, state, state + n, g, square, n);
        return;
    default:
        for (size_t i = 0; i < n; i++) {
            step_coin(&w[i], &state[i], n, (double)g[i], 1);
        }
        return;
    }
    shrink(optimizer, rate, w, n);
}

/* ---- one weight ---- */

void optimizer_step_weight(const struct optimizer *optimizer, double rate, float *w, float *state,
                           const struct ftrl_pull *pull, double x) {
    if (optimizer->rule == OPTIMIZER_FTRL) {
        step_ftrl(&optimizer->ftrl, w, &state[0], &state[1], pull, x);
    } else if (optimizer->rule == OPTIMIZER_COIN) {
        step_coin(w, state, 1, pull->gradient, x);
    } else {
        float g = (float)(pull->gradient * x);
        float square = (float)(pull->square * x * x);
        optimizer_step(optimizer, rate, w, state, &g, &square, 1);
    }
}

/* ---- forgetting, moving ---- */

/* The sum whose bet is this one; never more than nearly all is bet, or wealth could go below 0. */
static void coin_bet(float *state, double bet) {
    double most = (double)state[COIN_X] * (double)state[COIN_G];
    double room = most + (double)state[COIN_ABS];
    if (most > 0) {
        double sum = bet * most * room / (COIN_START + (double)state[COIN_WEALTH]);
        state[COIN_SUM] = (float)copysign(fmin(fabs(sum), 0.9 * room), sum);
    }
}

void optimizer_forget(const struct optimizer *optimizer, double keep, const float *w, float *state,
                      size_t n) {
    assert(keep > 0 && keep <= 1);
    for (size_t i = 0; i < n && optimizer->rule == OPTIMIZER_FTRL; i++) {
        state[n + i] = (float)(keep * (double)state[n + i]);
        if (w[i] != 0) {
            state[i] = (float)ftrl_z_of(&optimizer->ftrl, (double)w[i], (double)state[n + i]);
        }
    }
    for (size_t i = 0; i < n && optimizer->rule == OPTIMIZER_COIN; i++) {
        state[COIN_SUM * n + i] = (float)(keep * (double)state[COIN_SUM * n + i]);
        state[COIN_ABS * n + i] = (float)(keep * (double)state[COIN_ABS * n + i]);
    }
    for (size_t i = 0; i < n && optimizer->rule == OPTIMIZER_ADAGRAD; i++) {
        state[i] = (float)(keep * (double)state[i]);
    }
    if (optimizer->rule == OPTIMIZER_ROW_ADAGRAD) {
        *state = (float)(keep * (double)*state);
    }
}

void optimizer_set_weight(const struct optimizer *optimizer, double value, float *w, float *state) {
    if (optimizer->rule == OPTIMIZER_FTRL) {
        state[0] = value != 0 ? (float)ftrl_z_of(&optimizer->ftrl, value, (double)state[1]) : 0;
        *w = (float)ftrl_weight(&optimizer->ftrl, (double)state[0], (double)state[1]);
        return;
    }
    if (optimizer->rule == OPTIMIZER_COIN) {
        coin_bet(state, optimizer_coin_weight(state, 1, 0) + value - (double)*w);
    }
    *w = (float)value;
}

static void divide(float *value, double by) {
    *value = (float)((double)*value / by);
}

void optimizer_rescale(const struct optimizer *optimizer, double by, float *w, float *state) {
    switch (optimizer->rule) {
    case OPTIMIZER_FTRL:
        divide(&state[0], by); /* z of a weight that l1 holds at 0 */
        divide(&state[1], by * by);
        if (*w != 0) {
            optimizer_set_weight(optimizer, (double)*w * by, w, state);
        }
        return;
    case OPTIMIZER_COIN:
        divide(&state[COIN_X], by);
        divide(&state[COIN_SUM], by);
        divide(&state[COIN_ABS], by);
        break;
    case OPTIMIZER_ADAM: /* m, v */
        divide(&state[0], by);
        divide(&state[1], by * by);
        break;
    case OPTIMIZER_MOMENTUM:
        divide(&state[0], by);
        break;
    case OPTIMIZER_ADAGRAD:
    case OPTIMIZER_ROW_ADAGRAD:
        divide(&state[0], by * by);
        break;
    default:
        break;
    }
    *w = (float)((double)*w * by);
}
