/* fm_math: the formulas of a factorisation machine for one number type, so that what runs in float
 * is checked in double (tests/property/test_gradients.c): FM_REAL and FM_NAME(name), float unless
 * they are defined before. No include guard.
 *
 * x[count], w[count], v[count] -> [k]: NULL where there is none; sums[k]. Sums go over features in
 * their order. */
#include <stddef.h>

#include "model/fm.h"

#ifndef FM_REAL
#define FM_REAL       float
#define FM_NAME(name) name
#endif

/* sum w x + 1/2 sum over f of (S_f^2 - sum v_f^2 x^2); leaves S_f in sums. The first feature is the
 * bias: its v counts for nothing. */
static inline FM_REAL FM_NAME(fm_forward)(size_t count, size_t k, const FM_REAL *x,
                                          const FM_REAL *w, const FM_REAL *const *v,
                                          FM_REAL *sums) {
    FM_REAL squares[FM_K_MAX], total = 0;
    for (size_t f = 0; f < k; f++) {
        sums[f] = squares[f] = 0;
    }
    for (size_t i = 0; i < count; i++) {
        total += w[i] * x[i];
        for (size_t f = 0; f < k && i > 0 && v[i]; f++) {
            FM_REAL part = v[i][f] * x[i];
            sums[f] += part;
            squares[f] += part * part;
        }
    }
    FM_REAL pairs = 0;
    for (size_t f = 0; f < k; f++) {
        pairs += sums[f] * sums[f] - squares[f];
    }
    return total + pairs / 2;
}

/* out[k] = d f / d v_i = x (S_f - v_f x); v NULL = 0. */
static inline void FM_NAME(fm_slope)(size_t k, FM_REAL x, const FM_REAL *v, const FM_REAL *sums,
                                     FM_REAL *out) {
    for (size_t f = 0; f < k; f++) {
        out[f] = x * (sums[f] - (v ? v[f] * x : 0));
    }
}
