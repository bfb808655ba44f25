#include "base/rng.h"

#include <assert.h>
#include <math.h>

/* splitmix64: spreads a seed over the state so that near seeds give far states. */
static uint64_t split_next(uint64_t *x) {
    uint64_t z = (*x += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

struct rng rng_make(uint64_t seed, uint64_t stream) {
    /* The stream is mixed before it meets the seed: (1, 2) and (2, 1) must not be neighbours. */
    uint64_t mixed_stream = stream;
    uint64_t x = seed ^ split_next(&mixed_stream);
    struct rng rng;
    for (int i = 0; i < 4; i++) {
        rng.state[i] = split_next(&x);
    }
    return rng;
}

static uint64_t rotate_left(uint64_t x, int bits) {
    return x << bits | x >> (64 - bits);
}

/* xoshiro256** 1.0 (Blackman, Vigna 2018). */
uint64_t rng_u64(struct rng *rng) {
    uint64_t *s = rng->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate_left(s[3], 45);
    return result;
}

double rng_unit(struct rng *rng) {
    return (double)(rng_u64(rng) >> 11) * 0x1p-53;
}

/* (0, 1]: for logarithms. */
static double unit_above_zero(struct rng *rng) {
    return 1.0 - rng_unit(rng);
}

uint64_t rng_below(struct rng *rng, uint64_t bound) {
    assert(bound > 0);
    /* 2^64 mod bound: the draws below it would make the small results more likely. */
    uint64_t surplus = (0 - bound) % bound;
    uint64_t draw;
    do {
        draw = rng_u64(rng);
    } while (draw < surplus);
    return draw % bound;
}

double rng_normal(struct rng *rng) {
    /* Box-Muller, and its second number is thrown away: a kept one would be hidden state, and a
     * call would no longer use the same count of draws each time. */
    double radius = sqrt(-2.0 * log(unit_above_zero(rng)));
    return radius * cos(2.0 * 3.14159265358979323846 * rng_unit(rng));
}

double rng_lognormal(struct rng *rng, double median, double s) {
    assert(median > 0 && s >= 0);
    return median * exp(s * rng_normal(rng));
}

double rng_exponential(struct rng *rng, double mean) {
    assert(mean > 0);
    return -mean * log(unit_above_zero(rng));
}

uint64_t rng_geometric(struct rng *rng, double p) {
    assert(p > 0 && p <= 1);
    double draw = unit_above_zero(rng);
    if (p >= 1) {
        return 0;
    }
    double failures = floor(log(draw) / log1p(-p));
    return failures < 0x1p63 ? (uint64_t)failures : UINT64_C(1) << 63;
}

/* Multiplies uniforms until they fall under exp(-mean): short for small means only. */
static uint64_t poisson_small(struct rng *rng, double mean) {
    double floor_product = exp(-mean);
    double product = rng_unit(rng);
    uint64_t count = 0;
    while (product > floor_product) {
        product *= rng_unit(rng);
        count++;
    }
    return count;
}

/* PTRS, transformed rejection with squeeze (Hoermann 1993, "The transformed rejection method for
 * generating Poisson random variables"); for mean >= 10. */
static uint64_t poisson_large(struct rng *rng, double mean) {
    double b = 0.931 + 2.53 * sqrt(mean);
    double a = -0.059 + 0.02483 * b;
    double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
    double v_r = 0.9277 - 3.6224 / (b - 2);
    for (;;) {
        double u = rng_unit(rng) - 0.5;
        double v = unit_above_zero(rng);
        double us = 0.5 - fabs(u);
        if (us <= 0) {
            continue;
        }
        double k = floor((2 * a / us + b) * u + mean + 0.43);
        if (us >= 0.07 && v <= v_r) {
            return (uint64_t)k;
        }
        if (k < 0 || (us < 0.013 && v > us)) {
            continue;
        }
        int sign; /* lgamma itself writes a global */
        double left = log(v * inverse_alpha / (a / (us * us) + b));
        if (left <= k * log(mean) - mean - lgamma_r(k + 1, &sign)) {
            return (uint64_t)k;
        }
    }
}

uint64_t rng_poisson(struct rng *rng, double mean) {
    assert(mean >= 0 && mean <= 1e9);
    return mean < 10 ? poisson_small(rng, mean) : poisson_large(rng, mean);
}

/* Marsaglia and Tsang 2000, "A simple method for generating gamma variables"; shape >= 1. */
static double gamma_from_one(struct rng *rng, double shape) {
    double d = shape - 1.0 / 3.0;
    double c = 1.0 / sqrt(9.0 * d);
    for (;;) {
        double x = rng_normal(rng);
        double v = 1.0 + c * x;
        if (v <= 0) {
            continue;
        }
        v = v * v * v;
        if (log(unit_above_zero(rng)) < 0.5 * x * x + d - d * v + d * log(v)) {
            return d * v;
        }
    }
}

/* The logarithm of a draw: a small shape gives values far below the least double. */
static double log_gamma_draw(struct rng *rng, double shape) {
    assert(shape > 0);
    if (shape >= 1) {
        return log(gamma_from_one(rng, shape));
    }
    double above_one = log(gamma_from_one(rng, shape + 1));
    return above_one + log(unit_above_zero(rng)) / shape;
}

double rng_gamma(struct rng *rng, double shape, double scale) {
    assert(scale > 0);
    return scale * exp(log_gamma_draw(rng, shape));
}

void rng_dirichlet(struct rng *rng, const double *alpha, double *out, size_t size) {
    assert(size > 0);
    double largest = -INFINITY;
    for (size_t i = 0; i < size; i++) {
        out[i] = log_gamma_draw(rng, alpha[i]);
        largest = fmax(largest, out[i]);
    }
    double sum = 0;
    for (size_t i = 0; i < size; i++) {
        out[i] = exp(out[i] - largest);
        sum += out[i];
    }
    for (size_t i = 0; i < size; i++) {
        out[i] /= sum;
    }
}
