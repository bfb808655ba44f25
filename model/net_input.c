/* net: from an input to what the network sees. */
#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "model/net_internal.h"

#define ITEM_SEED UINT64_C(0x6974656d)
#define KIND_SEED UINT64_C(0x6b696e64)
#define GAP_SEED  UINT64_C(0x676170)

size_t net_steps_of(const struct net *net, const struct learner_input *input) {
    size_t most = net->cell.hidden > 0 ? (size_t)net->options.steps : 0;
    return input->step_count < most ? input->step_count : most;
}

static void fill_steps(const struct net *net, const struct learner_input *input, net_add *add,
                       void *context) {
    size_t count = net_steps_of(net, input), row = NET_STEP_PARTS * net->dim;
    const struct behaviour_step *steps =
        count > 0 ? &input->steps[input->step_count - count] : NULL;
    for (size_t t = 0; t < count; t++) {
        bool is_known = isfinite(steps[t].gap_s);
        uint64_t gap = is_known ? (uint64_t)inputs_bucket(steps[t].gap_s) : UINT64_C(1) << 32;
        uint64_t kind = steps[t].kind > 0 ? (uint64_t)steps[t].kind : 0;
        if (steps[t].item != 0) {
            add(context, hash_combine(ITEM_SEED, steps[t].item), t * row, 1, true);
        }
        add(context, hash_combine(KIND_SEED, kind), t * row + net->dim, 1, true);
        add(context, hash_combine(GAP_SEED, gap), t * row + 2 * net->dim, 1, true);
    }
}

size_t net_place_of(const struct net *net, const struct input_feature *feature, size_t *out_width) {
    size_t dim = net->dim;
    *out_width = dim;
    switch ((enum inputs_part)feature->part) {
    case INPUTS_MISSING:
    case INPUTS_IN_BUCKET:
    case INPUTS_LINEAR:
        *out_width = net->number_width;
        return feature->of * net->number_width;
    case INPUTS_NAME:
        return net->names_at + feature->of * dim;
    case INPUTS_CROSS:
        return net->crosses_at + feature->of * dim;
    default:
        return net->bag_at;
    }
}

bool net_fill(const struct net *net, const struct learner_input *input,
              struct input_feature *features, float *x, net_add *add, void *context) {
    struct input_list list = {0, features};
    if (!inputs_of(&net->inputs, input, &list)) {
        return false;
    }
    bool has_buckets = net->number_width > 2;
    memset(x, 0, net->layers.in * sizeof *x);
    for (size_t i = 1; i < list.count; i++) { /* the first is the bias */
        const struct input_feature *feature = &features[i];
        size_t width, at = net_place_of(net, feature, &width);
        switch ((enum inputs_part)feature->part) {
        case INPUTS_LINEAR:
            x[at] = (float)feature->x;
            break;
        case INPUTS_MISSING:
            x[at + 1] = 1;
            if (has_buckets) {
                add(context, feature->key, at + 2, 1, false);
            }
            break;
        case INPUTS_IN_BUCKET:
            add(context, feature->key, at + 2, 1, false);
            break;
        default:
            add(context, feature->key, at, (float)feature->x, false);
            break;
        }
    }
    if (net->cell.hidden > 0) {
        fill_steps(net, input, add, context);
    }
    return true;
}
