#include "model/kernels_blas.h"

#include <cblas.h>

void kernel_blas_start(void) {
    openblas_set_num_threads(1);
}

void kernel_blas_product_rows(float *c, const float *a, const float *b, size_t m, size_t n,
                              size_t k) {
    if (m == 0 || n == 0 || k == 0) { /* some releases get k = 0 wrong */
        return;
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)m, (blasint)n, (blasint)k, 1, a,
                (blasint)k, b, (blasint)k, 1, c, (blasint)n);
}
