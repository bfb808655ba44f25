#include "model/inputs.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"

#define SLOPE_SCALE (1 / 14.0) /* log1p(1e6) = 13.8: about 0..1 */
/* Half octaves: what is nearer to 0 than 2^-20 is as near. */
#define LEAST_EXPONENT -20
#define ROOT_HALF      0.70710678118654752
/* Moments are those of the first 8 examples, the first 16, ... */
#define FIRST_MOMENTS 8
#define SD_LEAST      1e-6

const char *const inputs_numbers_names[] = {"bucket", "scale", "both", NULL};

/* ---- options ---- */

/* Next pair of "a:b,c:d"; false at the end. A pair without a colon has an empty second. */
static bool next_pair(const char **at, struct bytes out[2]) {
    if (**at == '\0') {
        return false;
    }
    size_t length = strcspn(*at, ",");
    const char *colon = memchr(*at, ':', length);
    size_t first = colon ? (size_t)(colon - *at) : length;
    out[0] = bytes_of(*at, first);
    out[1] = colon ? bytes_of(colon + 1, length - first - 1) : bytes_of(NULL, 0);
    *at += length + ((*at)[length] == ',');
    return true;
}

bool inputs_check_cross(const char *text, char *error, size_t size) {
    struct bytes pair[2];
    size_t count = 0;
    for (const char *at = text; next_pair(&at, pair); count++) {
        if (pair[0].size == 0 || pair[1].size == 0 ||
            memchr(pair[1].data, ':', pair[1].size) != NULL) {
            snprintf(error, size, "found \"%s\", expected pairs of names, \"a:b,c:d\"", text);
            return false;
        }
    }
    if (count > LEARNER_CROSSES_MAX) {
        snprintf(error, size, "found %zu pairs, expected at most %d", count, LEARNER_CROSSES_MAX);
    }
    return count <= LEARNER_CROSSES_MAX;
}

static uint64_t text_hash(const char *text) {
    return hash64(bytes_of_text(text), 0);
}

uint64_t inputs_fingerprint(const struct inputs_options *options, const struct learner_space *space,
                            uint64_t hash) {
    hash = hash_combine(hash, (uint64_t)options->numbers);
    hash = hash_combine(hash, text_hash(options->cross));
    for (size_t i = 0; i < space->number_count; i++) { /* moments lie by index */
        hash = hash_combine(hash, text_hash(space->numbers[i]));
    }
    return hash;
}

static int name_of(const struct learner_space *space, struct bytes text) {
    for (size_t i = 0; i < space->name_count; i++) {
        if (bytes_equal(bytes_of_text(space->names[i]), text)) {
            return (int)i;
        }
    }
    return -1;
}

static bool is_index(int index, size_t count) {
    return index == -1 || (index >= 0 && (size_t)index < count);
}

void inputs_init(struct inputs *inputs, const struct inputs_options *options,
                 const struct learner_space *space) {
    assert(space->number_count <= INPUTS_NUMBERS_MAX && space->name_count <= INPUTS_NAMES_MAX);
    assert(is_index(space->origin, space->name_count) &&
           is_index(space->idle, space->number_count));
    memset(inputs, 0, sizeof *inputs);
    inputs->options = *options;
    inputs->space = *space;
    struct bytes pair[2];
    for (const char *at = options->cross; next_pair(&at, pair);) {
        int a = name_of(space, pair[0]), b = name_of(space, pair[1]);
        if (a >= 0 && b >= 0 && inputs->cross_count < LEARNER_CROSSES_MAX) {
            inputs->crosses[inputs->cross_count][0] = a;
            inputs->crosses[inputs->cross_count++][1] = b;
        }
    }
    static const char *const classes[INPUTS_CLASSES] = {"observe", "trigger"};
    for (int class = 0; class < INPUTS_CLASSES; class ++) {
        uint64_t seed = inputs->seeds[class] = text_hash(classes[class]);
        /* The kinds have seeds of their own: a number and a name may be called the same. */
        for (size_t i = 0; i < space->number_count; i++) {
            inputs->number_hash[class][i] =
                hash_combine(hash_combine(seed, text_hash("number")), text_hash(space->numbers[i]));
        }
        for (size_t i = 0; i < space->name_count; i++) {
            inputs->name_hash[class][i] =
                hash_combine(hash_combine(seed, text_hash("name")), text_hash(space->names[i]));
        }
    }
    for (size_t i = 0; i < space->number_count; i++) {
        inputs->moments[i].sd = 1;
    }
}

/* ---- an input ---- */

int inputs_bucket(double value) {
    if (value == 0) {
        return 0;
    }
    int exponent;
    double part = frexp(fabs(value), &exponent);
    int half = part >= ROOT_HALF;
    if (exponent < LEAST_EXPONENT) {
        exponent = LEAST_EXPONENT;
        half = 0;
    }
    int bucket = 2 * (exponent - LEAST_EXPONENT) + half + 1;
    return value < 0 ? -bucket : bucket;
}

static double squeezed(double value) {
    return copysign(log1p(fabs(value)), value);
}

double inputs_scaled(const struct inputs *inputs, size_t number, double value) {
    if (isnan(value)) {
        return 0;
    }
    const struct inputs_moments *moments = &inputs->moments[number];
    return (squeezed(value) - moments->mean) / moments->sd;
}

static struct bytes origin_of(const struct inputs *inputs, const struct learner_input *input) {
    int origin = inputs->space.origin;
    return origin < 0 ? bytes_of(NULL, 0) : input->names[origin];
}

int inputs_class(const struct inputs *inputs, const struct learner_input *input) {
    return bytes_equal(origin_of(inputs, input), bytes_of_text("observe")) ? 0 : 1;
}

uint64_t inputs_bias_key(const struct inputs *inputs, int class) {
    return hash_combine(inputs->seeds[class], INPUTS_BIAS);
}

uint64_t inputs_linear_key(const struct inputs *inputs, int class, size_t number) {
    return hash_combine(inputs->number_hash[class][number], INPUTS_LINEAR);
}

static void add(struct input_list *out, uint64_t key, enum inputs_part part, size_t of, int bucket,
                double x) {
    out->features[out->count++] =
        (struct input_feature){key, x, (uint16_t)part, (uint16_t)of, bucket};
}

static void add_number(const struct inputs *inputs, int class, uint64_t origin, size_t i,
                       double value, struct input_list *out) {
    uint64_t hash = inputs->number_hash[class][i];
    if (isnan(value)) {
        add(out, hash_combine(hash, INPUTS_MISSING), INPUTS_MISSING, i, 0, 1);
        return;
    }
    enum inputs_numbers how = (enum inputs_numbers)inputs->options.numbers;
    if (how != INPUTS_SCALE) {
        int bucket = inputs_bucket(value);
        uint64_t seed = (int)i == inputs->space.idle ? hash_combine(hash, origin) : hash;
        uint64_t key = hash_combine(hash_combine(seed, INPUTS_IN_BUCKET), (uint64_t)bucket);
        add(out, key, INPUTS_IN_BUCKET, i, bucket, 1);
    }
    double x =
        how == INPUTS_BUCKET ? squeezed(value) * SLOPE_SCALE : inputs_scaled(inputs, i, value);
    if (x != 0) {
        add(out, inputs_linear_key(inputs, class, i), INPUTS_LINEAR, i, 0, x);
    }
}

static bool add_numbers(const struct inputs *inputs, int class, uint64_t origin,
                        const struct learner_input *input, struct input_list *out) {
    for (size_t i = 0; i < inputs->space.number_count; i++) {
        if (fabs(input->numbers[i]) > LEARNER_NUMBER_MAX) {
            return false;
        }
        add_number(inputs, class, origin, i, input->numbers[i], out);
    }
    return true;
}

static void add_names(const struct inputs *inputs, int class, const struct learner_input *input,
                      struct input_list *out) {
    uint64_t values[INPUTS_NAMES_MAX];
    for (size_t i = 0; i < inputs->space.name_count; i++) {
        values[i] = hash64(input->names[i], 0); /* the origin's slot is bias x origin */
        add(out, hash_combine(inputs->name_hash[class][i], values[i]), INPUTS_NAME, i, 0, 1);
    }
    for (size_t i = 0; i < inputs->cross_count; i++) {
        const int *pair = inputs->crosses[i];
        uint64_t names =
            hash_combine(inputs->name_hash[class][pair[0]], inputs->name_hash[class][pair[1]]);
        uint64_t both = hash_combine(values[pair[0]], values[pair[1]]);
        add(out, hash_combine(names, both), INPUTS_CROSS, i, 0, 1);
    }
}

size_t inputs_most(const struct inputs *inputs, const struct learner_input *input) {
    const struct learner_space *space = &inputs->space;
    return 1 + 2 * space->number_count + space->name_count + inputs->cross_count +
           input->feature_count;
}

bool inputs_of(const struct inputs *inputs, const struct learner_input *input,
               struct input_list *out) {
    out->count = 0;
    if (input->feature_count > INPUTS_FEATURES_MAX) {
        return false;
    }
    int class = 1;
    uint64_t origin = 0;
    if (inputs->space.origin >= 0) {
        class = inputs_class(inputs, input);
        origin = hash64(origin_of(inputs, input), 0);
    }
    add(out, inputs_bias_key(inputs, class), INPUTS_BIAS, 0, 0, 1);
    if (!add_numbers(inputs, class, origin, input, out)) {
        return false;
    }
    add_names(inputs, class, input, out);
    bool is_sane = true;
    for (size_t i = 0; i < input->feature_count; i++) {
        double x = input->features[i].value;
        is_sane &= fabs(x) <= LEARNER_NUMBER_MAX;
        add(out, input->features[i].key, INPUTS_FEATURE, 0, 0, x);
    }
    return is_sane;
}

/* ---- moments ---- */

size_t inputs_learn(struct inputs *inputs, const struct learner_input *input,
                    struct inputs_move *out) {
    size_t moved = 0;
    if (inputs->options.numbers == INPUTS_BUCKET) {
        return 0;
    }
    for (size_t i = 0; i < inputs->space.number_count; i++) {
        double u = squeezed(input->numbers[i]);
        if (isnan(u)) {
            continue;
        }
        double count = inputs->counts[i] += 1, delta = u - inputs->means[i];
        inputs->means[i] += delta / count;
        inputs->squares[i] += delta * (u - inputs->means[i]);
        inputs->is_changed = true;
        int exponent;
        if (count < FIRST_MOMENTS || frexp(count, &exponent) != 0.5) {
            continue;
        }
        struct inputs_moments now = {inputs->means[i], sqrt(inputs->squares[i] / count)};
        now.sd = now.sd < SD_LEAST ? 1 : now.sd; /* a constant */
        out[moved++] = (struct inputs_move){i, inputs->moments[i], now};
        inputs->moments[i] = now;
    }
    return moved;
}

#define MOMENTS 5
static const char moments_key[] = "m/numbers";

void inputs_export_rows(struct inputs *inputs, bool all, learner_visit_row *visit, void *context) {
    uint8_t values[8 * MOMENTS * INPUTS_NUMBERS_MAX];
    bool is_any = inputs->is_changed;
    for (size_t i = 0; i < inputs->space.number_count && all; i++) {
        is_any |= inputs->counts[i] > 0;
    }
    inputs->is_changed = false;
    if (!is_any) {
        return;
    }
    struct row_writer writer = {values, 0};
    for (size_t i = 0; i < inputs->space.number_count; i++) {
        row_put_f64(&writer, inputs->moments[i].mean);
        row_put_f64(&writer, inputs->moments[i].sd);
        row_put_f64(&writer, inputs->counts[i]);
        row_put_f64(&writer, inputs->means[i]);
        row_put_f64(&writer, inputs->squares[i]);
    }
    struct learner_row row = {.kind = LEARNER_MOMENTS, .values = bytes_of(values, writer.size)};
    memcpy(row.key, moments_key, sizeof moments_key);
    visit(context, &row);
}

enum learner_verdict inputs_check_row(const struct inputs *inputs, const struct learner_row *row) {
    if (strcmp(row->key, moments_key) != 0 || row->kind != LEARNER_MOMENTS) {
        return LEARNER_BAD_ROW;
    }
    enum learner_verdict verdict = row_check_f64(row->values, MOMENTS * inputs->space.number_count);
    struct row_reader reader = {row->values};
    for (size_t i = 0; i < inputs->space.number_count && verdict == LEARNER_OK; i++) {
        row_get_f64(&reader);
        double sd = row_get_f64(&reader), count = row_get_f64(&reader);
        row_get_f64(&reader);
        if (!(sd > 0) || count < 0 || row_get_f64(&reader) < 0) {
            verdict = LEARNER_BAD_VALUE;
        }
    }
    return verdict;
}

void inputs_import_row(struct inputs *inputs, const struct learner_row *row) {
    assert(inputs_check_row(inputs, row) == LEARNER_OK);
    struct row_reader reader = {row->values};
    for (size_t i = 0; i < inputs->space.number_count; i++) {
        inputs->moments[i].mean = row_get_f64(&reader);
        inputs->moments[i].sd = row_get_f64(&reader);
        inputs->counts[i] = row_get_f64(&reader);
        inputs->means[i] = row_get_f64(&reader);
        inputs->squares[i] = row_get_f64(&reader);
    }
}
