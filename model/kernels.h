/* kernels: dense algebra in float32, row-major, out first and sizes last. Every kernel adds to its
 * output, so whoever wants a plain product clears it, and whoever has a bias copies it there.
 *
 * The own kernels sum up in an order that depends on k alone: an output has the same bits whatever
 * m and n are and whatever vector unit the CPU has (no sum over lanes whose order is the CPU's, no
 * fused multiply-add). So a row that is scored alone and the same row in a batch agree. OpenBLAS
 * (kernels_blas.h) gives no such promise.
 *
 * One thread, no state, no allocation. Oracles: the naive loops of tests/unit/test_kernels.c. */
#ifndef PROMOSTREAM_MODEL_KERNELS_H
#define PROMOSTREAM_MODEL_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* c[m][n] += a b, summed over k in ascending order; b[k][n]; a(i, l) = a[i * a_row + l * a_step],
 * l < k: a_row = k, a_step = 1 for a plain a[m][k]; a_row = 1, a_step = m for a transposed a[k][m].
 */
void kernel_product(float *c, const float *a, size_t a_row, size_t a_step, const float *b, size_t m,
                    size_t n, size_t k);
/* c[m][n] += a b', a[m][k], b[n][k]: 16 partial sums over l mod 16, then their sum by halves, then
 * what is left of k. */
void kernel_product_rows(float *c, const float *a, const float *b, size_t m, size_t n, size_t k);
/* Inverted dropout by a counter: unit i of a mask is dropped if a hash of (key, i) is below rate
 * 2^32: the same key gives the same mask, in every build. y = x / (1 - rate) where it is kept, 0
 * where it is dropped; y may be x. Its derivative is itself. */
void kernel_dropout(float *y, const float *x, uint64_t key, double rate, size_t n);
/* The rule for one unit. */
bool kernel_is_dropped(uint64_t key, uint32_t i, double rate);
/* Number i of a stream of numbers, uniform in (-1, 1): for initial weights. */
float kernel_uniform(uint64_t seed, uint64_t i);

#endif
