/* net: its memory, for its own files.
 *
 *     struct net | weights | states | table | workbench of a batch
 *
 * weights: the stack's parameters, the GRU's, then n of the last layer. */
#ifndef PROMOSTREAM_MODEL_NET_INTERNAL_H
#define PROMOSTREAM_MODEL_NET_INTERNAL_H

#include "model/net.h"

#define NET_TENSORS_MAX (2 * LAYERS_MAX + 4)
#define NET_STEP_PARTS  3 /* embeddings of a step: item, kind, gap */
#define NET_CHUNK       4096

/* What the optimizer steps at once. */
struct net_tensor {
    size_t at, count; /* of the weights */
    size_t state_at;  /* of the states */
};

/* Moments of labels, for squared loss; as those of numbers in inputs.h. */
struct net_labels {
    double count, mean, squares;
    double used_mean, used_sd;
};

struct net {
    struct net_options options;
    struct layers layers;
    struct gru_cell cell; /* hidden 0 = none */
    struct optimizer optimizer;
    struct inputs inputs;
    struct net_labels labels;
    double start;
    bool is_squared, is_changed;
    int64_t steps, rejected;
    size_t dim, number_width, names_at, crosses_at, bag_at, hidden_at; /* of an input */
    size_t tensor_count;
    struct net_tensor tensors[NET_TENSORS_MAX];
    size_t params; /* of the stack and the GRU */
    size_t last;   /* inputs of the last layer */
    size_t weights, states;
    size_t places_max, step_places_max, slot_bits;
    size_t weights_at, states_at, table_at, work_at; /* bytes */
};

static inline void *net_at(const struct net *net, size_t offset) {
    return (char *)(uintptr_t)net + offset;
}
static inline float *net_weights(const struct net *net) {
    return net_at(net, net->weights_at);
}
static inline float *net_states(const struct net *net) {
    return net_at(net, net->states_at);
}
static inline struct table *net_table(const struct net *net) {
    return net_at(net, net->table_at);
}

/* A batch while it is learned. */
struct net_work {
    size_t rows;
    float *x, *d_x;             /* [batch][in] */
    float *saved, *room;        /* of layers */
    float *out, *scored;        /* [batch]; scored: without dropout */
    float *d_out;               /* [batch] */
    float *grads;               /* [params] */
    float *steps_x, *d_steps_x; /* [batch x steps][3 dim] */
    float *cell_saved, *cell_room;
    float *embeddings, *d_embeddings; /* [keys][dim]: each key of the batch once */
    struct place *places, *step_places;
    uint64_t *keys;
    int64_t *times;   /* event time of the newest example that has the key */
    uint32_t *counts; /* learned examples that have the key */
    uint32_t *slots;  /* key -> index + 1 */
    size_t key_count, place_count, step_place_count;
    size_t *starts, *place_starts, *step_place_starts; /* [batch + 1] */
    size_t *index;                                     /* of the example */
    uint64_t *ids;
    struct ftrl_pull *pulls;
    bool *is_learned;
    struct input_feature *features;
};
/* Lays the workbench out; returns where it ends. */
size_t net_work_of(const struct net *net, struct net_work *out);

/* net_input.c: from features to a row of the input. add is called for each embedding that belongs
 * there; at: in the row, or in the row of steps. False: the input is refused. */
typedef void net_add(void *context, uint64_t key, size_t at, float value, bool is_step);
size_t net_steps_of(const struct net *net, const struct learner_input *input);
bool net_fill(const struct net *net, const struct learner_input *input,
              struct input_feature *features, float *x, net_add *add, void *context);
/* Where in the row a feature lies, and how many floats: its value's part. */
size_t net_place_of(const struct net *net, const struct input_feature *feature, size_t *out_width);

#endif
