/* calibrator: online Platt (METHODS 1.7): calibrated logit = a raw + b per origin and arm, learned
 * from the raw logit of before the example was learned.
 *
 *     a = 1 + A + A_origin, kept within [0.3, 3];  b = B + B_origin + B_(origin, arm) - (a - 1)
 * center
 *
 * The slope turns around center, the logit of the base rate: there it hardly disturbs the offset.
 * B_origin follows the shop's seasons: its steps stop shrinking (OFFSET_INFORMATION in
 * calibrator.c). Weights of examples do not count: they are the same for a whole origin. Every
 * other capital is a coordinate of FTRL-proximal, so steps shrink as AdaGrad's do, corrections are
 * retractions as in ftrl.h, and what is special to an origin or arm is drawn to the whole by its
 * l2, counted in examples' worth of information. */
#ifndef PROMOSTREAM_MODEL_CALIBRATOR_H
#define PROMOSTREAM_MODEL_CALIBRATOR_H

#include "model/ftrl.h"
#include "model/rows.h"

#define CALIBRATOR_ORIGINS    8
#define CALIBRATOR_VALUES     (CALIBRATOR_ORIGINS + 4 + 4 * CALIBRATOR_ORIGINS) /* of a row */
#define CALIBRATOR_ARM_VALUES (2 * CALIBRATOR_ORIGINS)

struct calibrator_weight {
    double z, n;
};

/* Plain data. Arms are indices as in effects.h: 0 = none, below 0 = unknown, without a part. */
struct calibrator {
    struct ftrl_params whole, level, part; /* level: of origins' offsets */
    double center;
    double origins[CALIBRATOR_ORIGINS]; /* row_text_hash, in order of appearance; 0 = free */
    struct calibrator_weight slope, offset;
    struct calibrator_weight origin_slope[CALIBRATOR_ORIGINS], origin_offset[CALIBRATOR_ORIGINS];
    struct calibrator_weight arm_offset[LEARNER_ARMS_MAX][CALIBRATOR_ORIGINS];
};

struct calibration {
    double a, b;
};

/* rate: FTRL's alpha; 0 = the identity forever. */
void calibrator_init(struct calibrator *calibrator, double rate, double center);
struct calibration calibrator_of(const struct calibrator *calibrator, struct bytes origin, int arm);

struct calibrator_example {
    struct bytes origin;
    int arm;
    double raw; /* before learning */
    double label, p_first;
    bool is_correction;
};
void calibrator_learn(struct calibrator *calibrator, const struct calibrator_example *example);

/* float64: the dictionary and what is common to arms; the parts of the first arms,
 * CALIBRATOR_ARM_VALUES of each. */
void calibrator_write(const struct calibrator *calibrator, struct row_writer *writer);
void calibrator_write_arms(const struct calibrator *calibrator, size_t count,
                           struct row_writer *writer);
enum learner_verdict calibrator_check(struct bytes values);
enum learner_verdict calibrator_check_arms(struct bytes values, size_t count);
void calibrator_read(struct calibrator *calibrator, struct bytes values);
/* Other arms are as after init. */
void calibrator_read_arms(struct calibrator *calibrator, size_t count, struct bytes values);
void calibrator_forget_arm(struct calibrator *calibrator, size_t arm);
/* Is it not as after init? */
bool calibrator_has_learned(const struct calibrator *calibrator);

#endif
