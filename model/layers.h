/* layers: a stack of layers for batches, forward and backward, described by a text:
 *
 *     embedding:8 dropout:0.2 dense:128:relu norm dropout:0.2 dense:1
 *
 *     embedding:D                how many numbers stand for a name; first, and once. It makes the
 *                                stack's input (net.h) and does nothing here
 *     dropout:RATE               inverted dropout (kernels.h), in learning only
 *     dense:N[:ACTIVATION]       y = activation(x W + b); linear, relu, tanh, sigmoid
 *     norm                       layer norm: y = g (x - mean) / sqrt(variance + 1e-5) + b, of a row
 *
 * The last one is dense:1: what it gives is a logit, or the prediction of a number. Parameters are
 * one block, layer by layer: W[in][out], b[out]; g[n], b[n]. Everything that has no number in it is
 * here; the mathematics is written once for float and double (layers_real.inc), so that gradients
 * are checked in double. Memory is the caller's. */
#ifndef PROMOSTREAM_MODEL_LAYERS_H
#define PROMOSTREAM_MODEL_LAYERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LAYERS_MAX        16
#define LAYERS_UNITS_MAX  4096 /* of a dense layer */
#define LAYERS_DIM_MAX    64   /* of an embedding */
#define LAYERS_NORM_LEAST 1e-5

enum layer_kind { LAYER_DROPOUT, LAYER_DENSE, LAYER_NORM };
enum layer_activation {
    ACTIVATION_LINEAR,
    ACTIVATION_RELU,
    ACTIVATION_TANH,
    ACTIVATION_SIGMOID,
    ACTIVATIONS
};
extern const char *const layer_activation_names[]; /* ended by NULL */

struct layer {
    enum layer_kind kind;
    enum layer_activation activation;
    double rate; /* of dropout */
    size_t in, out;
    size_t params_at, params; /* of the block: where, and how many */
    size_t saved_at;          /* of a row's outputs: where this layer's begin, in floats per row */
};
struct layers {
    size_t dim; /* of embeddings, 0 = the text has none */
    size_t count;
    struct layer items[LAYERS_MAX];
    size_t in, params;
    size_t saved;  /* floats of a row: the outputs of all layers */
    size_t widest; /* of all inputs and outputs */
};

/* A struct learner_option's check_text: "layers: ..." goes on with what is wrong. */
bool layers_check(const char *text, char *error, size_t size);
/* text has passed layers_check; in: floats of an input. */
struct layers layers_make(const char *text, size_t in);

/* Initial parameters: W uniform within sqrt(6 / (in + out)) (Glorot), the rest 0 and g 1; of a
 * counter, so they depend on (seed, position) alone. */
void layers_start(const struct layers *layers, uint64_t seed, float *params);

/* x[rows][in] -> out[rows]. keys[rows]: of the masks of dropout, 0 = none; NULL = none at all.
 * saved[rows x layers->saved]: all outputs, layer by layer. A row's bits do not depend on rows. */
void layers_forward(const struct layers *layers, const float *params, const float *x,
                    const uint64_t *keys, size_t rows, float *saved, float *out);
/* The same bits without what backward needs: room[2 x rows x widest]. Returns what the last layer
 * saw, in x or in room. */
const float *layers_score(const struct layers *layers, const float *params, const float *x,
                          const uint64_t *keys, size_t rows, float *room, float *out);
/* The loss's gradient: from d_out[rows] to d_params[params] (added to) and d_x[rows][in]. x, keys,
 * saved as forward had them. room[2 x rows x widest]. */
void layers_backward(const struct layers *layers, const float *params, const float *x,
                     const uint64_t *keys, size_t rows, const float *saved, const float *d_out,
                     float *d_params, float *d_x, float *room);

/* Where a row of embeddings goes into an input: x[at ..] += value rows[row][dim]. */
struct place {
    uint32_t at, row;
    float value;
};
void places_forward(const struct place *places, size_t count, size_t dim, const float *rows,
                    float *x);
/* d_rows[row][dim] += value dx[at ..] */
void places_backward(const struct place *places, size_t count, size_t dim, const float *dx,
                     float *d_rows);

#endif
