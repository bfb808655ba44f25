/* kernels_blas: what OpenBLAS does faster than kernels.h, for batches whose shape is a function of
 * offsets or of a file: its bits depend on the shape and on the CPU's type. */
#ifndef PROMOSTREAM_MODEL_KERNELS_BLAS_H
#define PROMOSTREAM_MODEL_KERNELS_BLAS_H

#include <stddef.h>

/* Once, at a program's start: OpenBLAS is one for the process, and stays on the caller's thread. */
void kernel_blas_start(void);

/* As kernel_product_rows. */
void kernel_blas_product_rows(float *c, const float *a, const float *b, size_t m, size_t n,
                              size_t k);

#endif
