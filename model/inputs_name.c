/* inputs: features in words. */
#include <math.h>
#include <stdio.h>

#include "model/inputs.h"
#include "model/slots.h"

/* Lower edge of a bucket's size: 2^(half octaves / 2) from 2^-21 on. */
static double edge_of(int bucket) {
    return ldexp(bucket % 2 ? 0.5 : 0.70710678118654752, (bucket - 1) / 2 - 20);
}

static void bucket_name(const char *name, int bucket, char *out, size_t size) {
    if (bucket == 0) {
        snprintf(out, size, "%s = 0", name);
    } else if (bucket > 0) {
        snprintf(out, size, "%s in [%.3g, %.3g)", name, bucket == 1 ? 0 : edge_of(bucket),
                 edge_of(bucket + 1));
    } else {
        snprintf(out, size, "%s in (%.3g, %.3g]", name, -edge_of(-bucket + 1),
                 bucket == -1 ? 0 : -edge_of(-bucket));
    }
}

static void value_name(const struct inputs *inputs, const struct learner_input *input, int name,
                       char *out, size_t size) {
    struct bytes value = input->names[name];
    if (value.size == 0) {
        snprintf(out, size, "%s missing", inputs->space.names[name]);
    } else {
        snprintf(out, size, "%s = %.*s", inputs->space.names[name], BYTES_ARG(value));
    }
}

void inputs_name(const struct inputs *inputs, const struct learner_input *input,
                 const struct input_feature *feature, char *out, size_t size) {
    const struct learner_space *space = &inputs->space;
    switch ((enum inputs_part)feature->part) {
    case INPUTS_BIAS:
        snprintf(out, size, "bias");
        break;
    case INPUTS_MISSING:
        snprintf(out, size, "%s missing", space->numbers[feature->of]);
        break;
    case INPUTS_IN_BUCKET:
        bucket_name(space->numbers[feature->of], feature->bucket, out, size);
        break;
    case INPUTS_LINEAR:
        snprintf(out, size, "%s, slope", space->numbers[feature->of]);
        break;
    case INPUTS_NAME:
        value_name(inputs, input, feature->of, out, size);
        break;
    case INPUTS_CROSS: {
        char sides[2][48];
        for (int side = 0; side < 2; side++) {
            value_name(inputs, input, inputs->crosses[feature->of][side], sides[side],
                       sizeof sides[0]);
            slots_trim_text(sides[side]);
        }
        snprintf(out, size, "%.*s x %s", (int)size / 2 - 2, sides[0], sides[1]);
        break;
    }
    case INPUTS_FEATURE:
        snprintf(out, size, "feature %016llx", (unsigned long long)feature->key);
        break;
    }
    slots_trim_text(out);
}
