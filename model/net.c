#include "model/net.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "model/net_internal.h"

static size_t aligned(size_t bytes) {
    return (bytes + 63) & ~(size_t)63;
}

/* ---- shape ---- */

static void add_tensor(struct net *net, size_t at, size_t count) {
    net->tensors[net->tensor_count++] = (struct net_tensor){at, count, net->states};
    net->states += optimizer_floats(&net->optimizer, count);
}

static void add_tensors(struct net *net) {
    for (size_t l = 0; l < net->layers.count; l++) {
        const struct layer *layer = &net->layers.items[l];
        size_t second = layer->kind == LAYER_DENSE ? layer->out : layer->in;
        if (layer->params > 0) {
            add_tensor(net, layer->params_at, layer->params - second);
            add_tensor(net, layer->params_at + layer->params - second, second);
        }
    }
    size_t gates = 3 * net->cell.hidden, at = net->layers.params;
    if (gates > 0) {
        add_tensor(net, at, net->cell.in * gates);
        add_tensor(net, at + net->cell.in * gates, gates);
        at += (net->cell.in + 1) * gates;
        add_tensor(net, at, net->cell.hidden * gates);
        add_tensor(net, at + net->cell.hidden * gates, gates);
    }
}

static size_t cross_count(const struct net_options *options) {
    size_t count = options->inputs.cross[0] != '\0';
    for (const char *at = options->inputs.cross; *at; at++) {
        count += *at == ',';
    }
    return count;
}

/* Where everything lies; the inputs are init's business. */
static void shape(struct net *net, const struct net_options *options,
                  const struct learner_space *space) {
    *net = (struct net){.options = *options, .optimizer = optimizer_make(&options->optimizer)};
    net->dim = layers_make(options->layers, 1).dim;
    net->number_width = 2 + (options->inputs.numbers == INPUTS_SCALE ? 0 : net->dim);
    net->names_at = space->number_count * net->number_width;
    net->crosses_at = net->names_at + space->name_count * net->dim;
    net->bag_at = net->crosses_at + cross_count(options) * net->dim;
    net->hidden_at = net->bag_at + net->dim;
    net->cell = (struct gru_cell){NET_STEP_PARTS * net->dim, (size_t)options->hidden};
    net->layers = layers_make(options->layers, net->hidden_at + net->cell.hidden);
    net->params = net->layers.params + (net->cell.hidden > 0 ? gru_cell_params(&net->cell) : 0);
    net->last = net->layers.items[net->layers.count - 1].in;
    net->weights = net->params + net->last + 1;
    add_tensors(net);
    size_t batch = (size_t)options->batch;
    size_t fields = space->number_count + space->name_count + cross_count(options);
    net->places_max = batch * (fields + 1) + INPUTS_FEATURES_MAX;
    net->step_places_max = net->cell.hidden > 0 ? batch * (size_t)options->steps * 3 : 0;
    net->slot_bits = 4;
    while (((size_t)1 << net->slot_bits) < 2 * (net->places_max + net->step_places_max)) {
        net->slot_bits++;
    }
    size_t row = net->dim + optimizer_floats(&net->optimizer, net->dim);
    net->weights_at = aligned(sizeof *net);
    net->states_at = net->weights_at + aligned(4 * net->weights);
    net->table_at = net->states_at + aligned(4 * net->states);
    net->work_at = net->table_at + aligned(table_memory_bytes(&options->table, row));
}

static void *lay(size_t *at, const struct net *base, size_t bytes) {
    void *here = base ? net_at(base, *at) : NULL;
    *at += aligned(bytes);
    return here;
}

size_t net_work_of(const struct net *net, struct net_work *out) {
    size_t batch = (size_t)net->options.batch, in = net->layers.in, at = net->work_at;
    size_t steps = net->cell.hidden > 0 ? batch * (size_t)net->options.steps : 0;
    size_t keys = net->places_max + net->step_places_max, gates = 3 * net->cell.hidden;
    *out = (struct net_work){0};
    out->x = lay(&at, net, 4 * batch * in);
    out->d_x = lay(&at, net, 4 * batch * in);
    out->saved = lay(&at, net, 4 * batch * net->layers.saved);
    out->room = lay(&at, net, 8 * batch * net->layers.widest);
    out->out = lay(&at, net, 4 * batch);
    out->scored = lay(&at, net, 4 * batch);
    out->d_out = lay(&at, net, 4 * batch);
    out->grads = lay(&at, net, 4 * net->params);
    out->steps_x = lay(&at, net, 4 * steps * net->cell.in);
    out->d_steps_x = lay(&at, net, 4 * steps * net->cell.in);
    out->cell_saved = lay(&at, net, 4 * steps * gru_cell_saved(&net->cell));
    out->cell_room = lay(&at, net, 4 * (2 * steps * gates + gates));
    out->embeddings = lay(&at, net, 4 * keys * net->dim);
    out->d_embeddings = lay(&at, net, 4 * keys * net->dim);
    out->places = lay(&at, net, net->places_max * sizeof *out->places);
    out->step_places = lay(&at, net, net->step_places_max * sizeof *out->step_places);
    out->keys = lay(&at, net, keys * sizeof *out->keys);
    out->times = lay(&at, net, keys * sizeof *out->times);
    out->counts = lay(&at, net, keys * sizeof *out->counts);
    out->slots = lay(&at, net, sizeof *out->slots << net->slot_bits);
    out->starts = lay(&at, net, (batch + 1) * sizeof *out->starts);
    out->place_starts = lay(&at, net, (batch + 1) * sizeof *out->place_starts);
    out->step_place_starts = lay(&at, net, (batch + 1) * sizeof *out->step_place_starts);
    out->index = lay(&at, net, batch * sizeof *out->index);
    out->ids = lay(&at, net, batch * sizeof *out->ids);
    out->pulls = lay(&at, net, batch * sizeof *out->pulls);
    out->is_learned = lay(&at, net, batch * sizeof *out->is_learned);
    out->features = lay(&at, net, INPUTS_MAX * sizeof *out->features);
    return at;
}

size_t net_memory_bytes(const struct net_options *options, const struct learner_space *space) {
    struct net net;
    struct net_work work;
    shape(&net, options, space);
    return net_work_of(&net, &work);
}

void net_init(struct net *net, const struct net_options *options, const struct learner_space *space,
              double start, bool is_squared) {
    memset(net, 0, net_memory_bytes(options, space));
    shape(net, options, space);
    net->start = start;
    net->is_squared = is_squared;
    net->labels.used_sd = 1;
    inputs_init(&net->inputs, &options->inputs, space);
    layers_start(&net->layers, (uint64_t)options->seed, net_weights(net));
    if (net->cell.hidden > 0) {
        gru_cell_start(&net->cell, (uint64_t)options->seed + 1,
                       net_weights(net) + net->layers.params);
    }
    table_init(net_table(net), &options->table, "e", net->dim,
               net->dim + optimizer_floats(&net->optimizer, net->dim));
}

static uint64_t mix_text(uint64_t hash, const char *text) {
    return hash_combine(hash, hash64(bytes_of_text(text), 0));
}

uint64_t net_fingerprint(const struct net_options *options, const struct learner_space *space,
                         uint64_t hash) {
    hash = mix_text(hash, "net 1");
    hash = mix_text(hash, options->layers);
    hash = inputs_fingerprint(&options->inputs, space, hash);
    hash = optimizer_fingerprint(&options->optimizer, hash);
    hash = table_fingerprint(&options->table, hash);
    for (size_t i = 0; i < space->name_count; i++) { /* inputs lie by index */
        hash = mix_text(hash, space->names[i]);
    }
    hash = hash_combine(hash, (uint64_t)options->seed);
    hash = hash_combine(hash, (uint64_t)options->hidden);
    return hash_combine(hash, (uint64_t)options->steps);
}

int64_t net_rejected(const struct net *net) {
    return net->rejected;
}

/* ---- score ---- */

/* Room of whoever scores, on his stack. */
struct scoring {
    const struct net *net;
    float *x, *steps_x; /* the row at hand */
};

static void add_row(void *context, uint64_t key, size_t at, float value, bool is_step) {
    struct scoring *scoring = context;
    const float *row = table_find(net_table(scoring->net), key);
    float *to = (is_step ? scoring->steps_x : scoring->x) + at;
    for (size_t i = 0; row && i < scoring->net->dim; i++) {
        to[i] += value * row[i];
    }
}

/* Floats of a sequence while it is scored: inputs, what is saved, room. */
static size_t sequence_floats(const struct net *net) {
    size_t steps = net->cell.hidden > 0 ? (size_t)net->options.steps : 0;
    return steps * (net->cell.in + gru_cell_saved(&net->cell)) + 3 * net->cell.hidden;
}

static void run_sequence(const struct net *net, size_t steps, float *x, float *floats) {
    size_t starts[2] = {0, steps};
    float *saved = floats + steps * net->cell.in;
    gru_cell_forward(&net->cell, net_weights(net) + net->layers.params, floats, starts, 1, saved,
                     saved + steps * gru_cell_saved(&net->cell), x + net->hidden_at, 0);
}

static bool fill_row(const struct net *net, const struct learner_input *input,
                     struct input_feature *features, float *x, float *floats) {
    struct scoring scoring = {net, x, floats};
    size_t steps = net_steps_of(net, input);
    memset(floats, 0, steps * net->cell.in * sizeof *floats);
    if (!net_fill(net, input, features, x, add_row, &scoring)) {
        return false;
    }
    if (net->cell.hidden > 0) {
        run_sequence(net, steps, x, floats);
    }
    return true;
}

struct net_view net_view(const struct net *net) {
    return (struct net_view){.layers = &net->layers,
                             .params = net_weights(net),
                             .start = net->start + net->labels.used_mean,
                             .scale = net->labels.used_sd,
                             .dim = net->dim,
                             .number_width = net->number_width,
                             .names_at = net->names_at,
                             .features_at = net->bag_at};
}

bool net_input(const struct net *net, const struct learner_input *input, float *x) {
    struct input_feature features[INPUTS_FIXED_MAX + 1];
    assert(net->cell.hidden == 0 && input->feature_count <= 1);
    return fill_row(net, input, features, x, x);
}

/* The input of the last layer is where layers_score left it: the other half of its room. */
static double variance_of(const struct net *net, const float *h) {
    const float *n = net_weights(net) + net->params;
    double variance = 1 / (1 + (double)n[net->last]);
    for (size_t i = 0; i < net->last; i++) {
        variance += (double)h[i] * (double)h[i] / (1 + (double)n[i]);
    }
    return variance * net->labels.used_sd * net->labels.used_sd;
}

struct score_room {
    struct input_feature *features;
    float *floats;
    size_t float_count;
};

static size_t row_floats(const struct net *net) {
    return net->layers.in + 2 * net->layers.widest + 1;
}

/* Up to as many rows as there is room for; returns how many. */
static size_t score_some(const struct net *net, const struct learner_input *inputs, size_t count,
                         uint64_t key, const struct score_room *room, struct base_output *out,
                         enum learner_verdict *out_verdicts) {
    size_t in = net->layers.in, most = (room->float_count - sequence_floats(net)) / row_floats(net);
    size_t rows = count < most ? count : most;
    float *x = room->floats + sequence_floats(net), *stack = x + rows * in;
    float *logits = stack + 2 * rows * net->layers.widest;
    assert(rows > 0);
    for (size_t i = 0; i < rows; i++) {
        bool is_fine = fill_row(net, &inputs[i], room->features, x + i * in, room->floats);
        out_verdicts[i] = is_fine ? LEARNER_OK : LEARNER_BAD_VALUE;
        if (!is_fine) {
            memset(x + i * in, 0, in * sizeof *x);
        }
    }
    const float *h = layers_score(&net->layers, net_weights(net), x, key != 0 ? &key : NULL, rows,
                                  stack, logits);
    for (size_t i = 0; i < rows; i++) {
        out[i].logit = net->start + net->labels.used_mean + net->labels.used_sd * (double)logits[i];
        out[i].scored = out[i].logit;
        out[i].variance = variance_of(net, h + i * net->last);
    }
    return rows;
}

#define SMALL_FLOATS 16384
#define LARGE_FLOATS 262144

static bool is_small(const struct net *net, const struct learner_input *input) {
    return inputs_most(&net->inputs, input) <= INPUTS_SMALL &&
           sequence_floats(net) + row_floats(net) <= SMALL_FLOATS;
}

__attribute__((noinline)) static void score_large(const struct net *net,
                                                  const struct learner_input *input, uint64_t key,
                                                  struct base_output *out,
                                                  enum learner_verdict *out_verdict) {
    struct input_feature features[INPUTS_MAX];
    float floats[LARGE_FLOATS];
    struct score_room room = {features, floats, LARGE_FLOATS};
    score_some(net, input, 1, key, &room, out, out_verdict);
}

enum learner_verdict net_forward(const struct net *net, const struct learner_input *input,
                                 uint64_t dropout_key, struct base_output *out) {
    enum learner_verdict verdict;
    if (!is_small(net, input)) {
        if (inputs_most(&net->inputs, input) > INPUTS_MAX) {
            return LEARNER_BAD_VALUE;
        }
        score_large(net, input, dropout_key, out, &verdict);
        return verdict;
    }
    struct input_feature features[INPUTS_SMALL];
    float floats[SMALL_FLOATS];
    struct score_room room = {features, floats, SMALL_FLOATS};
    score_some(net, input, 1, dropout_key, &room, out, &verdict);
    return verdict;
}

void net_forward_batch(const struct net *net, const struct learner_input *inputs, size_t count,
                       struct base_output *out, enum learner_verdict *out_verdicts) {
    struct input_feature features[INPUTS_SMALL];
    float floats[SMALL_FLOATS];
    struct score_room room = {features, floats, SMALL_FLOATS};
    for (size_t i = 0; i < count;) {
        size_t side = 0;
        while (i + side < count && is_small(net, &inputs[i + side])) {
            side++;
        }
        if (side > 0) {
            i += score_some(net, inputs + i, side, 0, &room, out + i, out_verdicts + i);
        } else {
            out_verdicts[i] = net_forward(net, &inputs[i], 0, &out[i]);
            i++;
        }
    }
}
