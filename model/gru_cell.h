/* gru_cell: a gated recurrent unit over sequences, forward and backward through time, as PyTorch's
 * GRUCell has it (gates in the order r, z, n):
 *
 *     r = s(x Wr + br + h Ur + cr)      z = s(x Wz + bz + h Uz + cz)
 *     q = h Un + cn                     n = tanh(x Wn + bn + r q)
 *     h' = (1 - z) n + z h              h = 0 before the first step
 *
 * Parameters are one block: W[in][3 hidden], b[3 hidden], U[hidden][3 hidden], c[3 hidden]. Steps
 * of all sequences lie side by side: those of sequence i are starts[i] .. starts[i + 1] - 1. An
 * empty sequence ends with 0. Memory is the caller's. */
#ifndef PROMOSTREAM_MODEL_GRU_CELL_H
#define PROMOSTREAM_MODEL_GRU_CELL_H

#include <stddef.h>
#include <stdint.h>

#define GRU_HIDDEN_MAX 256

struct gru_cell {
    size_t in, hidden;
};
static inline size_t gru_cell_params(const struct gru_cell *cell) {
    return 3 * cell->hidden * (cell->in + cell->hidden + 2);
}
/* Floats that a step leaves behind for the way back: h before it, r z n, q. */
static inline size_t gru_cell_saved(const struct gru_cell *cell) {
    return 5 * cell->hidden;
}

/* Initial parameters: uniform within 1 / sqrt(hidden), as PyTorch's. */
void gru_cell_start(const struct gru_cell *cell, uint64_t seed, float *params);

/* x[steps][in], saved[steps x gru_cell_saved], room[3 x hidden]; h[i x h_row ..] of sequence i. */
void gru_cell_forward(const struct gru_cell *cell, const float *params, const float *x,
                      const size_t *starts, size_t sequences, float *saved, float *room, float *h,
                      size_t h_row);
/* From d_h to d_params (added to) and d_x[steps][in]; room[steps x 6 x hidden + 2 x hidden]. */
void gru_cell_backward(const struct gru_cell *cell, const float *params, const float *x,
                       const size_t *starts, size_t sequences, const float *saved, const float *d_h,
                       size_t h_row, float *d_params, float *d_x, float *room);

#endif
