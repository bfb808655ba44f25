/* gru_cell_real: forward and backward of gru_cell.h for one type of number; see layers_real.h. */
#include <math.h>
#include <string.h>

#include "model/gru_cell.h"

/* Where a block of parameters, or of gradients, has its tensors. */
struct REAL_NAME(gru) {
    const REAL *w, *b, *u, *c;
};

static struct REAL_NAME(gru) REAL_NAME(gru_of)(const struct gru_cell *cell, const REAL *params) {
    size_t gates = 3 * cell->hidden;
    const REAL *u = params + (cell->in + 1) * gates;
    return (struct REAL_NAME(gru)){params, params + cell->in * gates, u, u + cell->hidden * gates};
}

/* saved: h before each step [steps][hidden], gates [steps][3 hidden], q [steps][hidden]. */
struct REAL_NAME(gru_saved) {
    REAL *h, *gates, *q;
};

static struct REAL_NAME(gru_saved)
    REAL_NAME(gru_saved_of)(const struct gru_cell *cell, REAL *saved, size_t steps) {
    REAL *gates = saved + steps * cell->hidden;
    return (struct REAL_NAME(gru_saved)){saved, gates, gates + 3 * steps * cell->hidden};
}

static REAL REAL_NAME(gate)(REAL x) {
    return (REAL)(1 / (1 + exp(-(double)x)));
}

/* gates: x W + b, and then r z n; from_h: h U + c. */
static void REAL_NAME(gru_step)(size_t hidden, const REAL *h, REAL *gates, const REAL *from_h,
                                REAL *q, REAL *out) {
    for (size_t i = 0; i < hidden; i++) {
        REAL r = REAL_NAME(gate)(gates[i] + from_h[i]);
        REAL z = REAL_NAME(gate)(gates[hidden + i] + from_h[hidden + i]);
        q[i] = from_h[2 * hidden + i];
        REAL n = (REAL)tanh((double)(gates[2 * hidden + i] + r * q[i]));
        out[i] = (1 - z) * n + z * h[i];
        gates[i] = r;
        gates[hidden + i] = z;
        gates[2 * hidden + i] = n;
    }
}

static void REAL_NAME(gru_forward)(const struct gru_cell *cell, const REAL *params, const REAL *x,
                                   const size_t *starts, size_t sequences, REAL *saved, REAL *room,
                                   REAL *h, size_t h_row) {
    size_t hidden = cell->hidden, gates = 3 * hidden, steps = starts[sequences];
    struct REAL_NAME(gru) gru = REAL_NAME(gru_of)(cell, params);
    struct REAL_NAME(gru_saved) kept = REAL_NAME(gru_saved_of)(cell, saved, steps);
    for (size_t t = 0; t < steps; t++) {
        memcpy(kept.gates + t * gates, gru.b, gates * sizeof *gru.b);
    }
    REAL_PRODUCT(kept.gates, x, cell->in, 1, gru.w, steps, gates, cell->in);
    for (size_t i = 0; i < sequences; i++) {
        REAL *last = h + i * h_row;
        if (starts[i] == starts[i + 1]) {
            memset(last, 0, hidden * sizeof *last);
            continue;
        }
        memset(kept.h + starts[i] * hidden, 0, hidden * sizeof *last);
        for (size_t t = starts[i]; t < starts[i + 1]; t++) {
            const REAL *before = kept.h + t * hidden;
            memcpy(room, gru.c, gates * sizeof *room);
            REAL_PRODUCT(room, before, hidden, 1, gru.u, 1, gates, hidden);
            REAL_NAME(gru_step)
            (hidden, before, kept.gates + t * gates, room, kept.q + t * hidden,
             t + 1 < starts[i + 1] ? kept.h + (t + 1) * hidden : last);
        }
    }
}

/* One step back: dh is that of h', and becomes that of h but for what comes through U. */
static void REAL_NAME(gru_step_back)(size_t hidden, const REAL *h, const REAL *gates, const REAL *q,
                                     REAL *dh, REAL *d_from_x, REAL *d_from_h) {
    for (size_t i = 0; i < hidden; i++) {
        REAL r = gates[i], z = gates[hidden + i], n = gates[2 * hidden + i];
        REAL dn = dh[i] * (1 - z) * (1 - n * n), dz = dh[i] * (h[i] - n) * z * (1 - z);
        REAL dr = dn * q[i] * r * (1 - r);
        d_from_x[i] = d_from_h[i] = dr;
        d_from_x[hidden + i] = d_from_h[hidden + i] = dz;
        d_from_x[2 * hidden + i] = dn;
        d_from_h[2 * hidden + i] = dn * r;
        dh[i] *= z;
    }
}

static void REAL_NAME(add_rows)(REAL *sum, const REAL *x, size_t rows, size_t n) {
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < n; j++) {
            sum[j] += x[i * n + j];
        }
    }
}

static void REAL_NAME(gru_backward)(const struct gru_cell *cell, const REAL *params, const REAL *x,
                                    const size_t *starts, size_t sequences, const REAL *saved,
                                    const REAL *d_h, size_t h_row, REAL *d_params, REAL *d_x,
                                    REAL *room) {
    size_t hidden = cell->hidden, gates = 3 * hidden, steps = starts[sequences];
    struct REAL_NAME(gru) gru = REAL_NAME(gru_of)(cell, params);
    struct REAL_NAME(gru_saved) kept =
        REAL_NAME(gru_saved_of)(cell, (REAL *)(uintptr_t)saved, steps);
    REAL *d_from_x = room, *d_from_h = room + steps * gates, *dh = d_from_h + steps * gates;
    for (size_t i = 0; i < sequences; i++) {
        memcpy(dh, d_h + i * h_row, hidden * sizeof *dh);
        for (size_t t = starts[i + 1]; t-- > starts[i];) {
            REAL_NAME(gru_step_back)
            (hidden, kept.h + t * hidden, kept.gates + t * gates, kept.q + t * hidden, dh,
             d_from_x + t * gates, d_from_h + t * gates);
            REAL_PRODUCT_BACK(dh, d_from_h + t * gates, gru.u, 1, hidden, gates);
        }
    }
    REAL *d_w = d_params, *d_b = d_w + cell->in * gates, *d_u = d_b + gates,
         *d_c = d_u + hidden * gates;
    REAL_PRODUCT(d_w, x, 1, cell->in, d_from_x, cell->in, gates, steps);
    REAL_NAME(add_rows)(d_b, d_from_x, steps, gates);
    REAL_PRODUCT(d_u, kept.h, 1, hidden, d_from_h, hidden, gates, steps);
    REAL_NAME(add_rows)(d_c, d_from_h, steps, gates);
    memset(d_x, 0, steps * cell->in * sizeof *d_x);
    REAL_PRODUCT_BACK(d_x, d_from_x, gru.w, steps, cell->in, gates);
}
