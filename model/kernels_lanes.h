/* kernels_lanes: the two products for vectors of LANES floats. Included by kernels.c alone, once
 * for each width, with LANES, TARGET (an attribute) and NAME(x) defined. All give the same bits. */

typedef float NAME(lanes) __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

/* ---- c += a b ---- */

/* rows by columns of vectors, all in registers; both are constants where it is inlined. */
INLINE TARGET void NAME(block)(float *c, const float *a, size_t a_row, size_t a_step,
                               const float *b, size_t n, size_t k, size_t rows, size_t columns) {
    NAME(lanes) sum[4][8];
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < columns; j++) {
            sum[i][j] = *(const NAME(lanes) *)(c + i * n + j * LANES);
        }
    }
    for (size_t l = 0; l < k; l++) {
        const float *from = b + l * n;
        for (size_t i = 0; i < rows; i++) {
            float x = a[i * a_row + l * a_step];
            for (size_t j = 0; j < columns; j++) {
                sum[i][j] += x * *(const NAME(lanes) *)(from + j * LANES);
            }
        }
    }
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < columns; j++) {
            *(NAME(lanes) *)(c + i * n + j * LANES) = sum[i][j];
        }
    }
}

INLINE TARGET void NAME(some_rows)(float *c, const float *a, size_t a_row, size_t a_step,
                                   const float *b, size_t n, size_t k, size_t rows) {
    size_t j = 0;
    for (; rows == 1 && j + 8 * LANES <= n; j += 8 * LANES) { /* hides the adds' latency */
        NAME(block)(c + j, a, a_row, a_step, b + j, n, k, 1, 8);
    }
    for (; j + 2 * LANES <= n; j += 2 * LANES) {
        NAME(block)(c + j, a, a_row, a_step, b + j, n, k, rows, 2);
    }
    for (; j + LANES <= n; j += LANES) {
        NAME(block)(c + j, a, a_row, a_step, b + j, n, k, rows, 1);
    }
    for (; j < n; j++) {
        column(c + j, a, a_row, a_step, b + j, n, k, rows);
    }
}

TARGET static void NAME(product)(float *c, const float *a, size_t a_row, size_t a_step,
                                 const float *b, size_t m, size_t n, size_t k) {
    size_t i = 0;
    for (; i + 4 <= m; i += 4) {
        NAME(some_rows)(c + i * n, a + i * a_row, a_row, a_step, b, n, k, 4);
    }
    for (; i < m; i++) {
        NAME(some_rows)(c + i * n, a + i * a_row, a_row, a_step, b, n, k, 1);
    }
}

/* ---- c += a b' ---- */

#define PARTS (DOT_PARTS / LANES)

INLINE TARGET void NAME(dots)(float *c, const float *a, const float *b, size_t k, size_t columns) {
    NAME(lanes) sum[4][PARTS];
    for (size_t j = 0; j < columns; j++) {
        for (size_t part = 0; part < PARTS; part++) {
            sum[j][part] = (NAME(lanes)){0};
        }
    }
    size_t l = 0;
    for (; l + DOT_PARTS <= k; l += DOT_PARTS) {
        for (size_t part = 0; part < PARTS; part++) {
            NAME(lanes) x = *(const NAME(lanes) *)(a + l + part * LANES);
            for (size_t j = 0; j < columns; j++) {
                sum[j][part] += x * *(const NAME(lanes) *)(b + j * k + l + part * LANES);
            }
        }
    }
    for (size_t j = 0; j < columns; j++) {
        float parts[DOT_PARTS];
        for (size_t part = 0; part < PARTS; part++) {
            *(NAME(lanes) *)(parts + part * LANES) = sum[j][part];
        }
        float all = sum_of(parts);
        for (size_t rest = l; rest < k; rest++) {
            all += a[rest] * b[j * k + rest];
        }
        c[j] += all;
    }
}

TARGET static void NAME(product_rows)(float *c, const float *a, const float *b, size_t m, size_t n,
                                      size_t k) {
    for (size_t i = 0; i < m; i++) {
        size_t j = 0;
        for (; j + 4 <= n; j += 4) {
            NAME(dots)(c + i * n + j, a + i * k, b + j * k, k, 4);
        }
        for (; j < n; j++) {
            NAME(dots)(c + i * n + j, a + i * k, b + j * k, k, 1);
        }
    }
}

#undef PARTS
#undef LANES
#undef TARGET
#undef NAME
