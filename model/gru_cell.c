#include "model/gru_cell.h"

#include "model/kernels.h"

#define REAL              float
#define REAL_NAME(x)      x##_f32
#define REAL_PRODUCT      kernel_product
#define REAL_PRODUCT_BACK kernel_product_rows
#include "model/gru_cell_real.inc"

void gru_cell_start(const struct gru_cell *cell, uint64_t seed, float *params) {
    float within = 1 / sqrtf((float)cell->hidden);
    for (size_t i = 0; i < gru_cell_params(cell); i++) {
        params[i] = within * kernel_uniform(seed, i);
    }
}

void gru_cell_forward(const struct gru_cell *cell, const float *params, const float *x,
                      const size_t *starts, size_t sequences, float *saved, float *room, float *h,
                      size_t h_row) {
    gru_forward_f32(cell, params, x, starts, sequences, saved, room, h, h_row);
}

void gru_cell_backward(const struct gru_cell *cell, const float *params, const float *x,
                       const size_t *starts, size_t sequences, const float *saved, const float *d_h,
                       size_t h_row, float *d_params, float *d_x, float *room) {
    gru_backward_f32(cell, params, x, starts, sequences, saved, d_h, h_row, d_params, d_x, room);
}
