/* net: one step of a batch. */
#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "model/kernels.h"
#include "model/net_internal.h"

/* Rows of embeddings start within it over sqrt(dim). */
#define START_WITHIN 0.5F
/* As in inputs.c: moments of labels are those of the first 8, 16, ... */
#define FIRST_MOMENTS 8
#define SD_LEAST      1e-12

/* ---- what the batch is made of ---- */

struct gathering {
    struct net *net;
    struct net_work *work;
};

static uint32_t intern(const struct net *net, struct net_work *work, uint64_t key) {
    size_t mask = ((size_t)1 << net->slot_bits) - 1;
    size_t slot = (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - net->slot_bits));
    while (work->slots[slot] != 0 && work->keys[work->slots[slot] - 1] != key) {
        slot = (slot + 1) & mask;
    }
    if (work->slots[slot] == 0) {
        work->keys[work->key_count] = key;
        work->times[work->key_count] = 0;
        work->counts[work->key_count] = 0;
        work->slots[slot] = (uint32_t)++work->key_count;
    }
    return work->slots[slot] - 1;
}

static void add_place(void *context, uint64_t key, size_t at, float value, bool is_step) {
    struct gathering *gathering = context;
    struct net_work *work = gathering->work;
    uint32_t row = intern(gathering->net, work, key);
    if (is_step) {
        size_t base = work->starts[work->rows] * gathering->net->cell.in;
        work->step_places[work->step_place_count++] =
            (struct place){(uint32_t)(base + at), row, value};
    } else {
        size_t base = work->rows * gathering->net->layers.in;
        work->places[work->place_count++] = (struct place){(uint32_t)(base + at), row, value};
    }
}

/* False: the example is refused, and leaves nothing. */
static bool take(struct net *net, struct net_work *work, const struct learner_example *example,
                 size_t i) {
    struct gathering gathering = {net, work};
    size_t places = work->place_count, steps = work->step_place_count, row = work->rows;
    if (inputs_most(&net->inputs, &example->input) > INPUTS_MAX ||
        !net_fill(net, &example->input, work->features, work->x + row * net->layers.in, add_place,
                  &gathering)) {
        work->place_count = places; /* keys that stay behind are of no example: never stepped */
        work->step_place_count = steps;
        return false;
    }
    work->index[row] = i;
    work->ids[row] = example->id;
    work->rows = row + 1;
    work->starts[row + 1] = work->starts[row] + net_steps_of(net, &example->input);
    work->place_starts[row + 1] = work->place_count;
    work->step_place_starts[row + 1] = work->step_place_count;
    return true;
}

/* Takes examples from i on, as many as make a step; returns how many were looked at. */
static size_t gather(struct net *net, struct net_work *work, const struct learner_example *examples,
                     size_t i, size_t count, enum learner_verdict *out_verdicts) {
    size_t first = i;
    work->starts[0] = work->place_starts[0] = work->step_place_starts[0] = 0;
    memset(work->slots, 0, sizeof *work->slots << net->slot_bits);
    for (; i < count && work->rows < (size_t)net->options.batch; i++) {
        size_t most = inputs_most(&net->inputs, &examples[i].input);
        if (work->place_count + most > net->places_max && most <= INPUTS_MAX && work->rows > 0) {
            break;
        }
        if (!take(net, work, &examples[i], i)) {
            out_verdicts[i] = LEARNER_BAD_VALUE;
        }
    }
    return i - first;
}

/* ---- forward ---- */

static void load_embeddings(const struct net *net, struct net_work *work) {
    size_t bytes = net->dim * sizeof(float);
    for (size_t k = 0; k < work->key_count; k++) {
        const float *row = table_find(net_table(net), work->keys[k]);
        float *to = work->embeddings + k * net->dim;
        if (row) {
            memcpy(to, row, bytes);
        } else {
            memset(to, 0, bytes);
        }
    }
}

static void forward(const struct net *net, struct net_work *work) {
    load_embeddings(net, work);
    places_forward(work->places, work->place_count, net->dim, work->embeddings, work->x);
    if (net->cell.hidden > 0) {
        memset(work->steps_x, 0, work->starts[work->rows] * net->cell.in * sizeof(float));
        places_forward(work->step_places, work->step_place_count, net->dim, work->embeddings,
                       work->steps_x);
        gru_cell_forward(&net->cell, net_weights(net) + net->layers.params, work->steps_x,
                         work->starts, work->rows, work->cell_saved, work->cell_room,
                         work->x + net->hidden_at, net->layers.in);
    }
    layers_forward(&net->layers, net_weights(net), work->x, work->ids, work->rows, work->saved,
                   work->out);
    layers_score(&net->layers, net_weights(net), work->x, NULL, work->rows, work->room,
                 work->scored);
}

static double prediction(const struct net *net, float logit) {
    return net->start + net->labels.used_mean + net->labels.used_sd * (double)logit;
}

/* Asks the teacher; returns how many examples are learned. */
static size_t pull(const struct net *net, struct net_work *work, const struct base_teacher *teacher,
                   enum learner_verdict *out_verdicts) {
    size_t learned = 0;
    double sd = net->labels.used_sd;
    for (size_t r = 0; r < work->rows; r++) {
        struct base_output output = {.logit = prediction(net, work->out[r]),
                                     .scored = prediction(net, work->scored[r])};
        size_t i = work->index[r];
        out_verdicts[i] = teacher->pull(teacher->context, i, &output, &work->pulls[r]);
        work->is_learned[r] = out_verdicts[i] == LEARNER_OK;
        /* Squared loss: of ((f - label) / sd)^2: clip does not depend on the label's unit. */
        work->d_out[r] = work->is_learned[r] ? (float)(work->pulls[r].gradient / sd) : 0;
        learned += work->is_learned[r];
    }
    for (size_t r = 0; r < work->rows; r++) {
        work->d_out[r] /= (float)learned;
    }
    return learned;
}

/* ---- backward ---- */

static double square_of(const float *x, size_t n) {
    double sums[8] = {0};
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        for (size_t j = 0; j < 8; j++) {
            sums[j] += (double)x[i + j] * (double)x[i + j];
        }
    }
    for (; i < n; i++) {
        sums[0] += (double)x[i] * (double)x[i];
    }
    return ((sums[0] + sums[4]) + (sums[2] + sums[6])) +
           ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

static void scale(float *x, size_t n, float by) {
    for (size_t i = 0; i < n; i++) {
        x[i] *= by;
    }
}

/* False: the gradient is not finite. */
static bool backward(const struct net *net, struct net_work *work) {
    const float *weights = net_weights(net);
    size_t rows = work->key_count * net->dim;
    memset(work->grads, 0, net->params * sizeof *work->grads);
    memset(work->d_embeddings, 0, rows * sizeof *work->d_embeddings);
    layers_backward(&net->layers, weights, work->x, work->ids, work->rows, work->saved, work->d_out,
                    work->grads, work->d_x, work->room);
    if (net->cell.hidden > 0) {
        gru_cell_backward(&net->cell, weights + net->layers.params, work->steps_x, work->starts,
                          work->rows, work->cell_saved, work->d_x + net->hidden_at, net->layers.in,
                          work->grads + net->layers.params, work->d_steps_x, work->cell_room);
        places_backward(work->step_places, work->step_place_count, net->dim, work->d_steps_x,
                        work->d_embeddings);
    }
    places_backward(work->places, work->place_count, net->dim, work->d_x, work->d_embeddings);
    double square = square_of(work->grads, net->params) + square_of(work->d_embeddings, rows);
    double by = optimizer_clip(&net->optimizer, square);
    if (!(by > 0)) {
        return false;
    }
    if (by < 1) {
        scale(work->grads, net->params, (float)by);
        scale(work->d_embeddings, rows, (float)by);
    }
    return true;
}

/* ---- step ---- */

static void count_keys(const struct net *net, struct net_work *work,
                       const struct learner_example *examples) {
    for (size_t r = 0; r < work->rows; r++) {
        if (!work->is_learned[r]) {
            continue;
        }
        int64_t time_ms = examples[work->index[r]].time_ms;
        for (size_t p = work->place_starts[r]; p < work->place_starts[r + 1]; p++) {
            uint32_t k = work->places[p].row;
            work->counts[k]++;
            work->times[k] = time_ms > work->times[k] ? time_ms : work->times[k];
        }
        for (size_t p = work->step_place_starts[r]; p < work->step_place_starts[r + 1]; p++) {
            uint32_t k = work->step_places[p].row;
            work->counts[k]++;
            work->times[k] = time_ms > work->times[k] ? time_ms : work->times[k];
        }
    }
    (void)net;
}

static void start_row(const struct net *net, uint64_t key, float *row) {
    uint64_t seed = hash_combine((uint64_t)net->options.seed, key);
    float within = START_WITHIN / sqrtf((float)net->dim);
    for (size_t i = 0; i < net->dim; i++) {
        row[i] = within * kernel_uniform(seed, i);
    }
}

/* Only admission wants to know how often a key was met. */
static void step_embeddings(struct net *net, struct net_work *work, double rate) {
    bool is_counted = net->options.table.admit_after > 1;
    for (size_t k = 0; k < work->key_count; k++) {
        float *row = NULL;
        bool is_new = false;
        uint32_t times = is_counted || work->counts[k] == 0 ? work->counts[k] : 1;
        for (uint32_t t = 0; t < times; t++) {
            bool is_new_now;
            row = table_take(net_table(net), work->keys[k], work->times[k], &is_new_now);
            is_new |= row && is_new_now;
        }
        if (!row) {
            continue;
        }
        if (is_new) {
            start_row(net, work->keys[k], row);
        }
        optimizer_step(&net->optimizer, rate, row, row + net->dim,
                       work->d_embeddings + k * net->dim, NULL, net->dim);
    }
}

static void step(struct net *net, struct net_work *work) {
    double rate = optimizer_rate(&net->optimizer, ++net->steps);
    float *weights = net_weights(net), *states = net_states(net);
    for (size_t t = 0; t < net->tensor_count; t++) {
        const struct net_tensor *tensor = &net->tensors[t];
        optimizer_step(&net->optimizer, rate, weights + tensor->at, states + tensor->state_at,
                       work->grads + tensor->at, NULL, tensor->count);
    }
    step_embeddings(net, work, rate);
    float *n = weights + net->params;
    size_t before = net->layers.count - 1;
    const float *h =
        before > 0 ? work->saved + net->layers.items[before - 1].saved_at * work->rows : work->x;
    for (size_t r = 0; r < work->rows; r++) {
        float square = work->is_learned[r] ? (float)work->pulls[r].square : 0;
        for (size_t i = 0; i < net->last; i++) {
            n[i] += square * h[r * net->last + i] * h[r * net->last + i];
        }
        n[net->last] += square;
    }
    net->is_changed = true;
}

/* ---- moments ---- */

/* The first layer that is not dropout; NULL unless it is dense. */
static const struct layer *first_dense(const struct net *net) {
    size_t l = 0;
    while (net->layers.items[l].kind == LAYER_DROPOUT) {
        l++;
    }
    return net->layers.items[l].kind == LAYER_DENSE ? &net->layers.items[l] : NULL;
}

static const struct net_tensor *tensor_of(const struct net *net, size_t weight) {
    size_t t = 0;
    while (weight >= net->tensors[t].at + net->tensors[t].count) {
        t++;
    }
    return &net->tensors[t];
}

/* One weight of a tensor as a row of its own, with its part of the state: the optimizer's functions
 * for one weight take it. What a whole row shares (adam's t, row_adagrad's n) is left alone. */
#define STATE_MAX 8
struct single {
    float *w, *state;
    size_t stride, own; /* floats of state that belong to the weight alone */
    float copy[STATE_MAX];
};

static struct single single_of(struct net *net, size_t weight) {
    const struct net_tensor *tensor = tensor_of(net, weight);
    size_t at = weight - tensor->at, n = tensor->count;
    size_t one = optimizer_floats(&net->optimizer, 1), two = optimizer_floats(&net->optimizer, 2);
    struct single single = {.w = net_weights(net) + weight,
                            .state = net_states(net) + tensor->state_at + at,
                            .stride = n,
                            .own = two - one};
    for (size_t i = 0; i < single.own; i++) {
        single.copy[i] = single.state[i * n];
    }
    return single;
}

static void put_back(const struct single *single) {
    for (size_t i = 0; i < single->own; i++) {
        single->state[i * single->stride] = single->copy[i];
    }
}

static void add_to(struct net *net, size_t weight, double value) {
    struct single single = single_of(net, weight);
    optimizer_set_weight(&net->optimizer, (double)*single.w + value, single.w, single.copy);
    put_back(&single);
}

static void multiply(struct net *net, size_t weight, double by) {
    struct single single = single_of(net, weight);
    optimizer_rescale(&net->optimizer, by, single.w, single.copy);
    put_back(&single);
}

/* A missing number stays 0, so its flag takes back what the bias gets. */
static void move_number(struct net *net, const struct layer *dense,
                        const struct inputs_move *move) {
    size_t row = dense->params_at + move->number * net->number_width * dense->out;
    size_t bias = dense->params_at + dense->in * dense->out;
    double by = move->now.sd / move->before.sd;
    double shift = (move->now.mean - move->before.mean) / move->before.sd;
    for (size_t j = 0; j < dense->out; j++) {
        double moved = (double)net_weights(net)[row + j] * shift;
        add_to(net, bias + j, moved);
        add_to(net, row + dense->out + j, -moved);
        multiply(net, row + j, by);
    }
}

static void learn_label(struct net *net, double label) {
    struct net_labels *labels = &net->labels;
    double delta = label - labels->mean;
    labels->count++;
    labels->mean += delta / labels->count;
    labels->squares += delta * (label - labels->mean);
    int exponent;
    if (labels->count < FIRST_MOMENTS || frexp(labels->count, &exponent) != 0.5) {
        return;
    }
    double sd = sqrt(labels->squares / labels->count);
    sd = sd > SD_LEAST ? sd : 1;
    /* What was predicted before the first moments knew nothing of the labels' unit: nothing to
     * keep. */
    if (labels->count > FIRST_MOMENTS) {
        const struct layer *last = &net->layers.items[net->layers.count - 1];
        for (size_t i = 0; i <= last->in; i++) { /* the bias is behind them */
            multiply(net, last->params_at + i, labels->used_sd / sd);
        }
        add_to(net, last->params_at + last->in, (labels->used_mean - labels->mean) / sd);
    }
    labels->used_mean = labels->mean;
    labels->used_sd = sd;
}

static void learn_moments(struct net *net, const struct learner_example *example) {
    struct inputs_move moves[INPUTS_NUMBERS_MAX];
    size_t count = inputs_learn(&net->inputs, &example->input, moves);
    const struct layer *dense = first_dense(net);
    for (size_t i = 0; i < count && dense; i++) {
        move_number(net, dense, &moves[i]);
    }
    if (net->is_squared) {
        learn_label(net, example->label);
    }
}

/* ---- a batch ---- */

static void tell(struct net_work *work, const struct base_teacher *teacher,
                 enum learner_verdict verdict, enum learner_verdict *out_verdicts) {
    for (size_t r = 0; r < work->rows; r++) {
        if (work->is_learned[r]) {
            out_verdicts[work->index[r]] = verdict;
            teacher->done(teacher->context, work->index[r], verdict);
        }
    }
}

static size_t learn_step(struct net *net, const struct learner_example *examples, size_t i,
                         size_t count, const struct base_teacher *teacher,
                         enum learner_verdict *out_verdicts) {
    struct net_work work;
    net_work_of(net, &work);
    size_t looked_at = gather(net, &work, examples, i, count, out_verdicts);
    if (work.rows == 0) {
        return looked_at;
    }
    forward(net, &work);
    if (pull(net, &work, teacher, out_verdicts) == 0) {
        return looked_at;
    }
    if (!backward(net, &work)) {
        net->rejected++;
        net->is_changed = true;
        tell(&work, teacher, LEARNER_NOT_FINITE, out_verdicts);
        return looked_at;
    }
    count_keys(net, &work, examples);
    step(net, &work);
    for (size_t r = 0; r < work.rows; r++) {
        const struct learner_example *example = &examples[work.index[r]];
        if (work.is_learned[r] && !example->is_correction) {
            learn_moments(net, example);
        }
    }
    tell(&work, teacher, LEARNER_OK, out_verdicts);
    return looked_at;
}

void net_learn(struct net *net, const struct learner_example *examples, size_t count,
               const struct base_teacher *teacher, enum learner_verdict *out_verdicts) {
    for (size_t i = 0; i < count;) {
        i += learn_step(net, examples, i, count, teacher, out_verdicts);
    }
}
