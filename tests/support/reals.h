/* The nets' mathematics in double, with naive products, and what checks its gradients. Each test
 * that includes it has its own copy. */
#ifndef PROMOSTREAM_TESTS_REALS_H
#define PROMOSTREAM_TESTS_REALS_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/rng.h"
#include "model/kernels.h"

static void naive_product(double *c, const double *a, size_t a_row, size_t a_step, const double *b,
                          size_t m, size_t n, size_t k) {
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            for (size_t l = 0; l < k; l++) {
                c[i * n + j] += a[i * a_row + l * a_step] * b[l * n + j];
            }
        }
    }
}

static void naive_product_rows(double *c, const double *a, const double *b, size_t m, size_t n,
                               size_t k) {
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            for (size_t l = 0; l < k; l++) {
                c[i * n + j] += a[i * k + l] * b[j * k + l];
            }
        }
    }
}

static void naive_dropout(double *y, const double *x, uint64_t key, double rate, size_t n) {
    for (size_t i = 0; i < n; i++) {
        y[i] = kernel_is_dropped(key, (uint32_t)i, rate) ? 0 : x[i] / (1 - rate);
    }
}

#define REAL              double
#define REAL_NAME(x)      x##_f64
#define REAL_PRODUCT      naive_product
#define REAL_PRODUCT_BACK naive_product_rows
#define REAL_DROPOUT      naive_dropout
#include "model/gru_cell_real.inc"
#include "model/layers_real.inc"

#endif
