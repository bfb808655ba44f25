/* effects: what an offer adds to the logit, theta_a . phi(x), per arm a Gaussian over theta_a with
 * full covariance (METHODS 0 rule 2; 2.3; 2.4). phi is 0 or 1 in every component:
 *
 *     bias | origin | bucket of cart value | is_new | bucket of f(x) | values of up to 6 names
 *
 * Values of origin (6) and of names (7 each) get components in the order in which examples with an
 * offer show them; later values, and missing ones, have none. Bucket of f(x): how likely the user
 * buys anyway, the strongest clue to what an offer can still do.
 *
 * An example updates its own arm by one step of the extended Kalman filter (sequential Laplace):
 * with s = phi' P phi and w = p (1 - p) weight, P -= w/(1 + w s) (P phi)(P phi)', theta += P_new
 * phi (y - p) weight. P is symmetric: only its upper triangle is kept, rows one after another. */
#ifndef PROMOSTREAM_MODEL_EFFECTS_H
#define PROMOSTREAM_MODEL_EFFECTS_H

#include "model/rows.h"

#define EFFECTS_ORIGINS   6
#define EFFECTS_CARTS     6
#define EFFECTS_LOGITS    7
#define EFFECTS_VALUES    7 /* of a name */
#define EFFECTS_FIXED     (2 + EFFECTS_ORIGINS + EFFECTS_CARTS + EFFECTS_LOGITS)
#define EFFECTS_DIM_MAX   (EFFECTS_FIXED + EFFECTS_VALUES * LEARNER_ARM_NAMES_MAX)
#define EFFECTS_PHI_MAX   (5 + LEARNER_ARM_NAMES_MAX)
#define EFFECTS_ROW_BYTES (8 * (1 + EFFECTS_DIM_MAX + EFFECTS_DIM_MAX * (EFFECTS_DIM_MAX + 1) / 2))
#define EFFECTS_NONE      0  /* index of LEARNER_ARM_NONE: it has no theta */
#define EFFECTS_UNKNOWN   -1 /* index of an arm that is not here */

struct effects {
    struct learner_space space;
    size_t arm_name_count;
    int arm_names[LEARNER_ARM_NAMES_MAX];
    int dim;
    double part_variance; /* prior variance of every component but the bias */
    /* Text hashes, 0 = free. Origins first, then the values of each name. */
    double dictionary[EFFECTS_ORIGINS + EFFECTS_VALUES * LEARNER_ARM_NAMES_MAX];
    size_t arm_count; /* the first is none */
    uint64_t keys[LEARNER_ARMS_MAX];
    int64_t learned[LEARNER_ARMS_MAX]; /* examples and corrections; 0 = as after init */
    double moments[];                  /* [LEARNER_ARMS_MAX][dim + dim (dim + 1)/2]: theta, P */
};

/* phi as the list of its ones. */
struct effects_phi {
    size_t count;
    uint8_t ones[EFFECTS_PHI_MAX];
};

size_t effects_bytes(size_t arm_name_count);
/* effect_sd: between kinds of users, at a phi of typical size. At most LEARNER_ARMS_MAX - 1 arms.
 */
void effects_init(struct effects *effects, const struct learner_space *space, size_t arm_name_count,
                  const int *arm_names, double effect_sd, const struct learner_arm *arms,
                  size_t arm_count);

/* EFFECTS_UNKNOWN if it is not here. */
int effects_find(const struct effects *effects, uint64_t arm);
/* Finds it or makes it with the prior 0 +- 0.3; EFFECTS_UNKNOWN if there is no room. */
int effects_admit(struct effects *effects, uint64_t arm);
/* Gives the input's values components where some are free. True if the dictionary changed. */
bool effects_admit_values(struct effects *effects, const struct learner_input *input);
struct effects_phi effects_phi(const struct effects *effects, const struct learner_input *input,
                               double base_logit);

struct effect {
    double mean, variance; /* of theta . phi */
};
/* Of an unknown arm: the prior 0 +- 0.3. */
struct effect effects_of(const struct effects *effects, int index, const struct effects_phi *phi);
/* Contribution of one of phi's ones; index as above. */
double effects_theta(const struct effects *effects, int index, int component);

struct effects_outcome {
    double p;     /* with this arm, before learning */
    double label; /* 0 or 1 */
    double weight;
    bool is_correction;
};
/* Would the result be finite and a covariance? */
bool effects_can_learn(const struct effects *effects, int index, const struct effects_phi *phi);
/* A correction moves theta by P phi weight towards the new label and leaves P: in information form
 * the label enters the mean alone, so for a linear model that is exact. */
void effects_learn(struct effects *effects, int index, const struct effects_phi *phi,
                   const struct effects_outcome *outcome);

/* Rows: [learned, theta, P] of an arm, float64; the dictionary. */
void effects_write(const struct effects *effects, int index, struct row_writer *writer);
enum learner_verdict effects_check(const struct effects *effects, struct bytes values);
void effects_read(struct effects *effects, int index, struct bytes values);
size_t effects_dictionary_count(const struct effects *effects);

/* "offer x cart_value in [40, 70)", cut at size. */
void effects_name(const struct effects *effects, const struct learner_input *input, int component,
                  char *out, size_t size);

#endif
