/* layers_real: forward and backward of layers.h for one type of number. Included with
 *
 *     REAL                             float or double
 *     REAL_NAME(x)                     the names of that type
 *     REAL_PRODUCT, REAL_PRODUCT_BACK  as kernel_product and kernel_product_rows
 *
 * by layers.c (float, kernels) and by tests (double, naive loops), nobody else. */
#include <math.h>
#include <string.h>

#include "model/kernels.h"
#include "model/layers.h"

/* Where layer l of a batch has its outputs: layer by layer, each [rows][out]. */
static REAL *REAL_NAME(saved_of)(const struct layer *layer, REAL *saved, size_t rows) {
    return saved + layer->saved_at * rows;
}

/* ---- activations: of the output alone ---- */

static void REAL_NAME(activate)(enum layer_activation activation, REAL *y, size_t n) {
    switch (activation) {
    case ACTIVATION_RELU:
        for (size_t i = 0; i < n; i++) {
            y[i] = y[i] < 0 ? 0 : y[i];
        }
        break;
    case ACTIVATION_TANH:
        for (size_t i = 0; i < n; i++) {
            y[i] = (REAL)tanh((double)y[i]);
        }
        break;
    case ACTIVATION_SIGMOID:
        for (size_t i = 0; i < n; i++) {
            y[i] = (REAL)(1 / (1 + exp(-(double)y[i])));
        }
        break;
    default:
        break;
    }
}

static void REAL_NAME(activate_back)(enum layer_activation activation, REAL *dy, const REAL *y,
                                     size_t n) {
    switch (activation) {
    case ACTIVATION_RELU:
        for (size_t i = 0; i < n; i++) {
            dy[i] = y[i] > 0 ? dy[i] : 0;
        }
        break;
    case ACTIVATION_TANH:
        for (size_t i = 0; i < n; i++) {
            dy[i] *= 1 - y[i] * y[i];
        }
        break;
    case ACTIVATION_SIGMOID:
        for (size_t i = 0; i < n; i++) {
            dy[i] *= y[i] * (1 - y[i]);
        }
        break;
    default:
        break;
    }
}

/* ---- layer norm, of one row ---- */

struct REAL_NAME(norm) {
    REAL mean, scale;
};

static struct REAL_NAME(norm) REAL_NAME(norm_of)(const REAL *x, size_t n) {
    double mean = 0, square = 0;
    for (size_t i = 0; i < n; i++) {
        mean += (double)x[i];
    }
    mean /= (double)n;
    for (size_t i = 0; i < n; i++) {
        square += ((double)x[i] - mean) * ((double)x[i] - mean);
    }
    return (struct REAL_NAME(norm)){(REAL)mean,
                                    (REAL)(1 / sqrt(square / (double)n + LAYERS_NORM_LEAST))};
}

static void REAL_NAME(norm_row)(REAL *y, const REAL *x, const REAL *params, size_t n) {
    struct REAL_NAME(norm) norm = REAL_NAME(norm_of)(x, n);
    for (size_t i = 0; i < n; i++) {
        y[i] = params[i] * ((x[i] - norm.mean) * norm.scale) + params[n + i];
    }
}

/* With u the normalised x: dx = scale (g dy - mean(g dy) - u mean(g dy u)). dx may be dy. */
static void REAL_NAME(norm_row_back)(REAL *dx, REAL *d_params, const REAL *dy, const REAL *x,
                                     const REAL *params, size_t n) {
    struct REAL_NAME(norm) norm = REAL_NAME(norm_of)(x, n);
    double sum = 0, along = 0;
    for (size_t i = 0; i < n; i++) {
        REAL u = (x[i] - norm.mean) * norm.scale;
        d_params[i] += dy[i] * u;
        d_params[n + i] += dy[i];
        sum += (double)(params[i] * dy[i]);
        along += (double)(params[i] * dy[i] * u);
    }
    REAL mean = (REAL)(sum / (double)n), slope = (REAL)(along / (double)n);
    for (size_t i = 0; i < n; i++) {
        REAL u = (x[i] - norm.mean) * norm.scale;
        dx[i] = norm.scale * (params[i] * dy[i] - mean - u * slope);
    }
}

/* ---- dropout ---- */

static uint64_t REAL_NAME(mask_key)(uint64_t key, size_t layer) {
    return key ^ (UINT64_C(0x9e3779b97f4a7c15) * (uint64_t)(layer + 1));
}

static void REAL_NAME(drop)(REAL *y, const REAL *x, uint64_t key, const struct layer *layer,
                            size_t index) {
    REAL_DROPOUT(y, x, REAL_NAME(mask_key)(key, index), layer->rate, layer->in);
}

/* ---- the stack ---- */

static void REAL_NAME(layer_forward)(const struct layers *layers, size_t l, const REAL *params,
                                     const REAL *x, const uint64_t *keys, size_t rows, REAL *y) {
    const struct layer *layer = &layers->items[l];
    const REAL *own = params + layer->params_at;
    switch (layer->kind) {
    case LAYER_DROPOUT:
        for (size_t i = 0; i < rows; i++) {
            if (keys && keys[i] != 0) {
                REAL_NAME(drop)(y + i * layer->out, x + i * layer->in, keys[i], layer, l);
            } else {
                memcpy(y + i * layer->out, x + i * layer->in, layer->in * sizeof *y);
            }
        }
        break;
    case LAYER_NORM:
        for (size_t i = 0; i < rows; i++) {
            REAL_NAME(norm_row)(y + i * layer->out, x + i * layer->in, own, layer->in);
        }
        break;
    case LAYER_DENSE:
        for (size_t i = 0; i < rows; i++) {
            memcpy(y + i * layer->out, own + layer->in * layer->out, layer->out * sizeof *y);
        }
        REAL_PRODUCT(y, x, layer->in, 1, own, rows, layer->out, layer->in);
        REAL_NAME(activate)(layer->activation, y, rows * layer->out);
        break;
    }
}

static void REAL_NAME(stack_forward)(const struct layers *layers, const REAL *params, const REAL *x,
                                     const uint64_t *keys, size_t rows, REAL *saved, REAL *out) {
    for (size_t l = 0; l < layers->count; l++) {
        REAL *y = REAL_NAME(saved_of)(&layers->items[l], saved, rows);
        REAL_NAME(layer_forward)(layers, l, params, x, keys, rows, y);
        x = y;
    }
    memcpy(out, x, rows * sizeof *out);
}

/* dy -> dx; dense reads dy after it has been through the activation. */
static void REAL_NAME(layer_backward)(const struct layers *layers, size_t l, const REAL *params,
                                      const REAL *x, const uint64_t *keys, size_t rows,
                                      const REAL *y, REAL *dy, REAL *d_params, REAL *dx) {
    const struct layer *layer = &layers->items[l];
    const REAL *own = params + layer->params_at;
    REAL *d_own = d_params + layer->params_at;
    switch (layer->kind) {
    case LAYER_DROPOUT:
        for (size_t i = 0; i < rows; i++) {
            if (keys && keys[i] != 0) {
                REAL_NAME(drop)(dx + i * layer->in, dy + i * layer->out, keys[i], layer, l);
            } else {
                memcpy(dx + i * layer->in, dy + i * layer->out, layer->in * sizeof *dx);
            }
        }
        break;
    case LAYER_NORM:
        for (size_t i = 0; i < rows; i++) {
            REAL_NAME(norm_row_back)
            (dx + i * layer->in, d_own, dy + i * layer->out, x + i * layer->in, own, layer->in);
        }
        break;
    case LAYER_DENSE: {
        REAL *d_bias = d_own + layer->in * layer->out;
        REAL_NAME(activate_back)(layer->activation, dy, y, rows * layer->out);
        for (size_t i = 0; i < rows; i++) {
            for (size_t j = 0; j < layer->out; j++) {
                d_bias[j] += dy[i * layer->out + j];
            }
        }
        REAL_PRODUCT(d_own, x, 1, layer->in, dy, layer->in, layer->out, rows);
        memset(dx, 0, rows * layer->in * sizeof *dx);
        REAL_PRODUCT_BACK(dx, dy, own, rows, layer->in, layer->out);
        break;
    }
    }
}

static void REAL_NAME(stack_backward)(const struct layers *layers, const REAL *params,
                                      const REAL *x, const uint64_t *keys, size_t rows,
                                      const REAL *saved, const REAL *d_out, REAL *d_params,
                                      REAL *d_x, REAL *room) {
    REAL *dy = room, *dx = room + rows * layers->widest;
    memcpy(dy, d_out, rows * sizeof *dy);
    for (size_t l = layers->count; l-- > 0;) {
        const struct layer *layer = &layers->items[l];
        const REAL *y = saved + layer->saved_at * rows;
        const REAL *in = l > 0 ? saved + layers->items[l - 1].saved_at * rows : x;
        REAL *to = l > 0 ? dx : d_x;
        REAL_NAME(layer_backward)(layers, l, params, in, keys, rows, y, dy, d_params, to);
        REAL *other = dy;
        dy = to;
        dx = other;
    }
}

/* ---- embeddings ---- */

/* x[at] += value row, of each place. */
static void REAL_NAME(places_forward)(const struct place *places, size_t count, size_t dim,
                                      const REAL *rows, REAL *x) {
    for (size_t p = 0; p < count; p++) {
        const REAL *row = rows + places[p].row * dim;
        REAL *to = x + places[p].at, value = (REAL)places[p].value;
        for (size_t i = 0; i < dim; i++) {
            to[i] += value * row[i];
        }
    }
}

static void REAL_NAME(places_backward)(const struct place *places, size_t count, size_t dim,
                                       const REAL *dx, REAL *d_rows) {
    for (size_t p = 0; p < count; p++) {
        REAL *row = d_rows + places[p].row * dim;
        const REAL *from = dx + places[p].at;
        REAL value = (REAL)places[p].value;
        for (size_t i = 0; i < dim; i++) {
            row[i] += value * from[i];
        }
    }
}
