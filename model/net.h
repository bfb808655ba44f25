/* net: f(x) by a network over the features of an input (inputs.h): what dnn, gru and the deep part
 * of wide_deep have in common.
 *
 * The network's input is, side by side: for each number its scaled value (0 if it is missing) and 1
 * if it is missing, and, with buckets, the embedding of its bucket; the embedding of each name's
 * value and of each cross; the sum of the embeddings of features of an open vocabulary, times their
 * values; and, of sequences, the last state of a GRU over the last `steps` steps, whose inputs are
 * the embeddings of item, kind of event and half octave of the gap. Embeddings are rows of one
 * table (table.h): one that a value does not have yet counts as zeros, in learning too, so the
 * network knows what unknown means; its row starts uniform within 0.5 / sqrt(dim), by a hash of its
 * key.
 *
 * A step is of a batch: the mean of its examples' gradients, cut to a global norm of `clip`; a
 * batch whose gradient is not finite changes nothing and is counted. Masks of dropout are those of
 * the examples' ids (layers.h), so a correction has the mask of what it corrects. With squared loss
 * the network predicts (label - mean) / sd, by moments of the labels that are those of the first 8,
 * 16, 32, ... of them; parameters follow when they, or the numbers' moments, change, so that no
 * prediction does (numbers: where the first layer but dropout is dense).
 *
 * Uncertainty is that of the last layer: sum of h^2 / (1 + n), n the sum of squared gradients
 * (METHODS 0, rule 9, on what the last layer sees).
 *
 * Rows: p/ (weights, n of the last layer) and pz/ (optimizer) in chunks of 4096, n/counts,
 * m/numbers, and e/ ez/ ef/ en of the table. */
#ifndef PROMOSTREAM_MODEL_NET_H
#define PROMOSTREAM_MODEL_NET_H

#include "model/base_learner.h"
#include "model/gru_cell.h"
#include "model/head.h"
#include "model/inputs.h"
#include "model/layers.h"
#include "model/optimizer.h"
#include "model/table.h"

#define NET_STEPS_MAX 64

struct net_options {
    struct inputs_options inputs;
    struct optimizer_options optimizer;
    struct table_options table; /* of embeddings */
    char layers[LEARNER_OPTION_TEXT_MAX];
    int batch;         /* examples of a step; one with very many features may end it before */
    int seed;          /* of initial weights */
    int hidden, steps; /* of a GRU; hidden 0 = no sequences */
};

#define NET_OPTION(TYPE, AT, NAME, TEXT, LEAST, MOST, HELP)                                        \
    {                                                                                              \
        .name = #NAME, .type = LEARNER_OPTION_INT, .offset = offsetof(TYPE, AT.NAME),              \
        .default_text = TEXT, .min = LEAST, .max = MOST, .help = HELP                              \
    }
/* Rows of a table of options, as OPTIMIZER_OPTIONS; without those of the GRU. */
#define NET_OPTIONS(TYPE, AT, LAYERS)                                                              \
    {.name = "layers",                                                                             \
     .type = LEARNER_OPTION_TEXT,                                                                  \
     .offset = offsetof(TYPE, AT.layers),                                                          \
     .default_text = LAYERS,                                                                       \
     .check_text = layers_check,                                                                   \
     .help = "the network: embedding:D first, then any of dropout:RATE, norm, "                    \
             "dense:N:relu|tanh|sigmoid|linear, dense:1 last"},                                    \
        NET_OPTION(TYPE, AT, batch, "32", 1, LEARNER_BATCH_MAX, "examples that make one step"),    \
        NET_OPTION(TYPE, AT, seed, "1", 0, 1e9, "of the initial weights"),                         \
        INPUTS_OPTIONS(TYPE, AT.inputs, "scale"),                                                  \
        OPTIMIZER_OPTIONS(TYPE, AT.optimizer, "", "adam", "0"),                                    \
        TABLE_OPTIONS(TYPE, AT.table, "embedding_", "collisionless", "14", "1")

/* Plain data in front of its arrays, found by offset. */
struct net;
size_t net_memory_bytes(const struct net_options *options, const struct learner_space *space);
/* start: added to every logit (head_start). */
void net_init(struct net *net, const struct net_options *options, const struct learner_space *space,
              double start, bool is_squared);
uint64_t net_fingerprint(const struct net_options *options, const struct learner_space *space,
                         uint64_t hash);

/* As in base_learner.h. */
enum learner_verdict net_forward(const struct net *net, const struct learner_input *input,
                                 uint64_t dropout_key, struct base_output *out);
void net_learn(struct net *net, const struct learner_example *examples, size_t count,
               const struct base_teacher *teacher, enum learner_verdict *out_verdicts);
/* The bits of net_forward, without dropout, of many at once. */
void net_forward_batch(const struct net *net, const struct learner_input *inputs, size_t count,
                       struct base_output *out, enum learner_verdict *out_verdicts);
void net_export_rows(struct net *net, bool all, learner_visit_row *visit, void *context);
enum learner_verdict net_check_row(const struct net *net, const struct learner_row *row);
void net_import_row(struct net *net, const struct learner_row *row);
/* What the logit would lose if an input were unknown, of each input; what they do together is a
 * term of its own. */
size_t net_explain(const struct net *net, const struct learner_input *input,
                   struct learner_term *out);
size_t net_describe(const struct net *net, char *out, size_t size);

/* What a net is, for other programs to score with: lent, as it is now. An input is what net_input
 * makes of a row: number i has its scaled value at i * number_width, name i its embedding at
 * names_at + i * dim, the sum of the features' embeddings lies at features_at. */
struct net_view {
    const struct layers *layers;
    const float *params; /* as layers.h lays them out */
    double start, scale; /* logit = start + scale * what the last layer gives */
    size_t dim, number_width, names_at, features_at;
};
struct net_view net_view(const struct net *net);
/* x[layers->in]. False: the input is refused. Of nets without sequences, inputs of at most one
 * feature. */
bool net_input(const struct net *net, const struct learner_input *input, float *x);

/* Batches that were rejected: their gradient was not finite. */
int64_t net_rejected(const struct net *net);

#endif
