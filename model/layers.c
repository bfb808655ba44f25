#include "model/layers.h"

#include "model/kernels.h"
#include "model/kernels_blas.h"

/* From here on OpenBLAS's a b' is faster than ours, on any CPU that was measured; its a b was not
 * (model/README.md). */
#define BLAS_ROWS 8

static void product_back(float *c, const float *a, const float *b, size_t m, size_t n, size_t k) {
    if (m < BLAS_ROWS || k == 1) {
        kernel_product_rows(c, a, b, m, n, k);
    } else {
        kernel_blas_product_rows(c, a, b, m, n, k);
    }
}

#define REAL              float
#define REAL_NAME(x)      x##_f32
#define REAL_PRODUCT      kernel_product
#define REAL_PRODUCT_BACK product_back
#define REAL_DROPOUT      kernel_dropout
#include "model/layers_real.inc"

void layers_start(const struct layers *layers, uint64_t seed, float *params) {
    memset(params, 0, layers->params * sizeof *params);
    for (size_t l = 0; l < layers->count; l++) {
        const struct layer *layer = &layers->items[l];
        float *own = params + layer->params_at;
        float within = sqrtf(6 / (float)(layer->in + layer->out));
        for (size_t i = 0; layer->kind == LAYER_DENSE && i < layer->in * layer->out; i++) {
            own[i] = within * kernel_uniform(seed + l, i);
        }
        for (size_t i = 0; layer->kind == LAYER_NORM && i < layer->in; i++) {
            own[i] = 1;
        }
    }
}

void layers_forward(const struct layers *layers, const float *params, const float *x,
                    const uint64_t *keys, size_t rows, float *saved, float *out) {
    stack_forward_f32(layers, params, x, keys, rows, saved, out);
}

const float *layers_score(const struct layers *layers, const float *params, const float *x,
                          const uint64_t *keys, size_t rows, float *room, float *out) {
    float *y = room, *other = room + rows * layers->widest;
    const float *last = x;
    for (size_t l = 0; l < layers->count; l++) {
        if (layers->items[l].kind == LAYER_DROPOUT && !keys) {
            continue;
        }
        layer_forward_f32(layers, l, params, x, keys, rows, y);
        last = x;
        x = y;
        y = other;
        other = (float *)(uintptr_t)x;
    }
    memcpy(out, x, rows * sizeof *out);
    return last;
}

void layers_backward(const struct layers *layers, const float *params, const float *x,
                     const uint64_t *keys, size_t rows, const float *saved, const float *d_out,
                     float *d_params, float *d_x, float *room) {
    stack_backward_f32(layers, params, x, keys, rows, saved, d_out, d_params, d_x, room);
}

void places_forward(const struct place *places, size_t count, size_t dim, const float *rows,
                    float *x) {
    places_forward_f32(places, count, dim, rows, x);
}

void places_backward(const struct place *places, size_t count, size_t dim, const float *dx,
                     float *d_rows) {
    places_backward_f32(places, count, dim, dx, d_rows);
}
