#include "model/calibrator.h"

#include <math.h>

#include "model/sigma.h"

#define SLOPE_MIN 0.3
#define SLOPE_MAX 3.0
/* The whole starts with the weight of a few examples for the identity, a part with that of some 20
 * for the whole. */
#define WHOLE_L2 2.0
#define PART_L2  20.0
/* B_origin's steps: OFFSET_SPEED times those of the others at first, and never smaller than with
 * this much information: what everybody buys more or less of moves with the weather and the sales.
 * With rate 0.005 a step is then 0.0025 (p - y): half of a change is followed within some 2,500
 * decisions. */
#define OFFSET_SPEED       5.0
#define OFFSET_INFORMATION 81.0

void calibrator_init(struct calibrator *calibrator, double rate, double center) {
    *calibrator = (struct calibrator){.center = center};
    calibrator->whole = (struct ftrl_params){.alpha = rate, .beta = 1, .l2 = WHOLE_L2};
    calibrator->level = (struct ftrl_params){.alpha = OFFSET_SPEED * rate, .beta = 1};
    calibrator->part = (struct ftrl_params){.alpha = rate, .beta = 1, .l2 = PART_L2};
}

static int find_origin(const struct calibrator *calibrator, struct bytes origin) {
    double hash = row_text_hash(origin);
    for (int i = 0; i < CALIBRATOR_ORIGINS; i++) {
        if (calibrator->origins[i] == hash) {
            return i;
        }
    }
    return -1;
}

static int admit_origin(struct calibrator *calibrator, struct bytes origin) {
    int place = find_origin(calibrator, origin);
    for (int i = 0; i < CALIBRATOR_ORIGINS && place < 0; i++) {
        if (calibrator->origins[i] == 0) {
            calibrator->origins[i] = row_text_hash(origin);
            place = i;
        }
    }
    return place;
}

static double weight_of(const struct ftrl_params *params, const struct calibrator_weight *weight) {
    return weight->z == 0 ? 0 : ftrl_weight(params, weight->z, weight->n);
}

static struct calibration calibration_at(const struct calibrator *calibrator, int origin, int arm) {
    double slope = weight_of(&calibrator->whole, &calibrator->slope);
    double offset = weight_of(&calibrator->whole, &calibrator->offset);
    if (origin >= 0) {
        slope += weight_of(&calibrator->part, &calibrator->origin_slope[origin]);
        offset += weight_of(&calibrator->level, &calibrator->origin_offset[origin]);
    }
    if (origin >= 0 && arm >= 0) {
        offset += weight_of(&calibrator->part, &calibrator->arm_offset[arm][origin]);
    }
    double a = fmin(fmax(1 + slope, SLOPE_MIN), SLOPE_MAX);
    return (struct calibration){a, offset - (a - 1) * calibrator->center};
}

struct calibration calibrator_of(const struct calibrator *calibrator, struct bytes origin,
                                 int arm) {
    return calibration_at(calibrator, find_origin(calibrator, origin), arm);
}

static void step(const struct ftrl_params *params, struct calibrator_weight *weight,
                 const struct ftrl_pull *pull, double x) {
    double w = weight_of(params, weight);
    ftrl_step(params, w, pull->gradient * x, pull->square * x * x, &weight->z, &weight->n);
}

/* Bounds the information and keeps the weight: z is re-derived (METHODS 1.2, drift). */
static void follow(const struct ftrl_params *params, struct calibrator_weight *weight) {
    if (weight->n > OFFSET_INFORMATION) {
        double w = weight_of(params, weight);
        weight->n = OFFSET_INFORMATION;
        weight->z = -w * ((params->beta + sqrt(weight->n)) / params->alpha + params->l2);
    }
}

void calibrator_learn(struct calibrator *calibrator, const struct calibrator_example *example) {
    if (calibrator->whole.alpha <= 0) {
        return;
    }
    int origin = admit_origin(calibrator, example->origin);
    struct calibration map = calibration_at(calibrator, origin, example->arm);
    double p = sigma(map.a * example->raw + map.b);
    double p_first = isfinite(example->p_first) ? example->p_first : p;
    struct ftrl_pull pull = example->is_correction
                                ? ftrl_pull_correction(p_first, example->label, 1)
                                : ftrl_pull_first(p, example->label, 1);
    double x = example->raw - calibrator->center;
    /* At a bound the slope does not move: what is summed up beyond would have to be undone first.
     */
    bool is_stuck = (map.a >= SLOPE_MAX && pull.gradient * x < 0) ||
                    (map.a <= SLOPE_MIN && pull.gradient * x > 0);
    if (!is_stuck) {
        step(&calibrator->whole, &calibrator->slope, &pull, x);
    }
    step(&calibrator->whole, &calibrator->offset, &pull, 1);
    if (origin < 0) {
        return;
    }
    if (!is_stuck) {
        step(&calibrator->part, &calibrator->origin_slope[origin], &pull, x);
    }
    step(&calibrator->level, &calibrator->origin_offset[origin], &pull, 1);
    follow(&calibrator->level, &calibrator->origin_offset[origin]);
    if (example->arm >= 0) {
        step(&calibrator->part, &calibrator->arm_offset[example->arm][origin], &pull, 1);
    }
}

/* ---- rows ---- */

static void put(struct row_writer *writer, const struct calibrator_weight *weights, size_t count) {
    for (size_t i = 0; i < count; i++) {
        row_put_f64(writer, weights[i].z);
        row_put_f64(writer, weights[i].n);
    }
}

static void get(struct row_reader *reader, struct calibrator_weight *weights, size_t count) {
    for (size_t i = 0; i < count; i++) {
        weights[i].z = row_get_f64(reader);
        weights[i].n = row_get_f64(reader);
    }
}

void calibrator_write(const struct calibrator *calibrator, struct row_writer *writer) {
    for (int i = 0; i < CALIBRATOR_ORIGINS; i++) {
        row_put_f64(writer, calibrator->origins[i]);
    }
    put(writer, &calibrator->slope, 1);
    put(writer, &calibrator->offset, 1);
    put(writer, calibrator->origin_slope, CALIBRATOR_ORIGINS);
    put(writer, calibrator->origin_offset, CALIBRATOR_ORIGINS);
}

void calibrator_read(struct calibrator *calibrator, struct bytes values) {
    struct row_reader reader = {values};
    for (int i = 0; i < CALIBRATOR_ORIGINS; i++) {
        calibrator->origins[i] = row_get_f64(&reader);
    }
    get(&reader, &calibrator->slope, 1);
    get(&reader, &calibrator->offset, 1);
    get(&reader, calibrator->origin_slope, CALIBRATOR_ORIGINS);
    get(&reader, calibrator->origin_offset, CALIBRATOR_ORIGINS);
}

void calibrator_write_arms(const struct calibrator *calibrator, size_t count,
                           struct row_writer *writer) {
    for (size_t i = 0; i < count; i++) {
        put(writer, calibrator->arm_offset[i], CALIBRATOR_ORIGINS);
    }
}

void calibrator_read_arms(struct calibrator *calibrator, size_t count, struct bytes values) {
    struct row_reader reader = {values};
    memset(calibrator->arm_offset, 0, sizeof calibrator->arm_offset);
    for (size_t i = 0; i < count; i++) {
        get(&reader, calibrator->arm_offset[i], CALIBRATOR_ORIGINS);
    }
}

void calibrator_forget_arm(struct calibrator *calibrator, size_t arm) {
    memset(calibrator->arm_offset[arm], 0, sizeof calibrator->arm_offset[arm]);
}

/* skip values of any sign, then z and n in turns, n not below 0. */
static enum learner_verdict check(struct bytes values, size_t skip, size_t weights) {
    enum learner_verdict verdict = row_check_f64(values, skip + 2 * weights);
    if (verdict != LEARNER_OK) {
        return verdict;
    }
    struct row_reader reader = {bytes_of(values.data + 8 * skip, values.size - 8 * skip)};
    for (size_t i = 0; i < weights; i++) {
        row_get_f64(&reader);
        if (row_get_f64(&reader) < 0) {
            return LEARNER_BAD_VALUE;
        }
    }
    return LEARNER_OK;
}

/* Origins as they appeared: hashes, then free places. */
static bool is_dictionary(struct bytes values) {
    struct row_reader reader = {values};
    double before = 1;
    for (int i = 0; i < CALIBRATOR_ORIGINS; i++) {
        double origin = row_get_f64(&reader);
        if (!(origin == 0 || origin >= 1) || (i == 0 && origin == 0) ||
            (before == 0 && origin != 0)) {
            return false;
        }
        before = origin;
    }
    return true;
}

enum learner_verdict calibrator_check(struct bytes values) {
    if (values.size >= 8 * CALIBRATOR_ORIGINS && !is_dictionary(values)) {
        return LEARNER_BAD_VALUE;
    }
    return check(values, CALIBRATOR_ORIGINS, 2 + 2 * CALIBRATOR_ORIGINS);
}

enum learner_verdict calibrator_check_arms(struct bytes values, size_t count) {
    return check(values, 0, count * CALIBRATOR_ORIGINS);
}

bool calibrator_has_learned(const struct calibrator *calibrator) {
    return calibrator->origins[0] != 0;
}
