/* effects: who buys, and what an offer adds to it: one Gaussian over three blocks of weights, with
 * full covariance (METHODS 0 rule 2; 2.3; 2.4). The logit of a trigger's decision with arm a is
 *
 *     f(x) + level . phi(x)                                        without an offer
 *     f(x) + level . phi(x) + scale_a effect . phi(x) + own_a      with arm a
 *
 * phi is 0 or 1 in every component:
 *
 *     bias | origin | bucket of cart value | is_new | values of up to 6 names
 *
 * Why one Gaussian: what an offer adds is a difference between two groups of the same kind of user,
 * and both must be estimated together or one's error is taken for the other's effect. Why the arms
 * share `effect`: whom one offer moves another one moves too; apart, each would need the data of
 * all; an offer from which less is expected (its prior) does less for each, by scale_a. (In the
 * simulated shop the offers' gain with shared effects was 1.3 times that of effects per arm; with
 * blocks that forget their covariance it was half.) Sampled observations have no phi: they are no
 * place for an offer, and their weight would drown the triggers.
 *
 * Values of origin (6) and of names (7 each) get components in the order in which examples show
 * them; later values, and missing ones, have none.
 *
 * An example makes one step of the extended Kalman filter (sequential Laplace): with x the ones of
 * its blocks, s = x' P x and w = p (1 - p) weight,
 *     P -= w/(1 + w s) (P x)(P x)',   theta += P_new x (y - p) weight.
 * Then the variance of level's bias grows a little (LEVEL_WALK), for seasons move what all buy.
 * P is symmetric: only its lower triangle is kept, rows one after another, so that an arm that is
 * new adds a row at the end. */
#ifndef PROMOSTREAM_MODEL_EFFECTS_H
#define PROMOSTREAM_MODEL_EFFECTS_H

#include "model/rows.h"

#define EFFECTS_ORIGINS   6
#define EFFECTS_CARTS     6
#define EFFECTS_VALUES    7 /* of a name */
#define EFFECTS_FIXED     (2 + EFFECTS_ORIGINS + EFFECTS_CARTS)
#define EFFECTS_PARTS_MAX (EFFECTS_FIXED + EFFECTS_VALUES * LEARNER_ARM_NAMES_MAX) /* of phi */
#define EFFECTS_DIM_MAX   (2 * EFFECTS_PARTS_MAX + LEARNER_ARMS_MAX - 1)
#define EFFECTS_TRIANGLE  (EFFECTS_DIM_MAX * (EFFECTS_DIM_MAX + 1) / 2)
#define EFFECTS_PHI_MAX   (4 + LEARNER_ARM_NAMES_MAX) /* ones */
#define EFFECTS_WORDS     (EFFECTS_ORIGINS + EFFECTS_VALUES * LEARNER_ARM_NAMES_MAX)
#define EFFECTS_ROW_BYTES                                                                          \
    (8 * (2 + 3 * LEARNER_ARMS_MAX + EFFECTS_WORDS + EFFECTS_DIM_MAX + EFFECTS_TRIANGLE))
#define EFFECTS_NONE          0  /* index of LEARNER_ARM_NONE: it has no effect */
#define EFFECTS_UNKNOWN       -1 /* index of an arm that is not here */
#define EFFECTS_SCALE_MIN     0.25
#define EFFECTS_SCALE_MAX     1.5
#define EFFECTS_SCALE_UNKNOWN EFFECTS_SCALE_MIN

struct effects {
    struct learner_space space;
    size_t arm_name_count;
    int arm_names[LEARNER_ARM_NAMES_MAX];
    int parts;        /* of phi */
    double effect_sd; /* between kinds of users */
    size_t configured_count;
    struct learner_arm configured[LEARNER_ARMS_MAX - 1];
    double dictionary[EFFECTS_WORDS]; /* text hashes, 0 = free: origins, then values of each name */
    size_t arm_count;                 /* the first is none */
    uint64_t keys[LEARNER_ARMS_MAX];
    /* Prior mean / 0.35, within the bounds; none's is 0. It stays as the arm was first met: theta
     * was learned with it. */
    double scales[LEARNER_ARMS_MAX];
    int64_t learned;               /* examples and corrections; 0 = as after init */
    double theta[EFFECTS_DIM_MAX]; /* level, effect, own of arms 1, 2, ... */
    double p[EFFECTS_TRIANGLE];
};

/* phi as the list of its ones; count 0: a sampled observation. */
struct effects_phi {
    size_t count;
    uint8_t ones[EFFECTS_PHI_MAX];
};

void effects_init(struct effects *effects, const struct learner_space *space, size_t arm_name_count,
                  const int *arm_names, double effect_sd, const struct learner_arm *arms,
                  size_t arm_count);

/* EFFECTS_UNKNOWN if it is not here. */
int effects_find(const struct effects *effects, uint64_t arm);
/* Finds it or makes it with the prior 0 +- 0.3; EFFECTS_UNKNOWN if there is no room. */
int effects_admit(struct effects *effects, uint64_t arm);
/* After arms came from elsewhere: configured arms that are not here get their priors, at the end or
 * in place of the first that is not configured any more. Bit i of the result: index i is new. */
uint64_t effects_admit_configured(struct effects *effects);
/* Gives the input's values components where some are free. */
void effects_admit_values(struct effects *effects, const struct learner_input *input);
struct effects_phi effects_phi(const struct effects *effects, const struct learner_input *input);

/* What is added to f(x) for this arm. Of an unknown arm: what is common to all. Of an empty phi: 0,
 * as its covariances. */
double effects_mean(const struct effects *effects, int index, const struct effects_phi *phi);
/* Covariance of two arms' sums, level included. Unknown arms are taken for one and the same. */
double effects_covariance(const struct effects *effects, int a, int b,
                          const struct effects_phi *phi);

/* The same of all pairs, out[i * count + j], faster: blocks are summed up once. */
void effects_covariances(const struct effects *effects, const int *indices, size_t count,
                         const struct effects_phi *phi, double *out);

struct effects_outcome {
    double p;     /* with this arm, before learning */
    double label; /* 0 or 1 */
    double weight;
    bool is_correction;
};
/* Would the result be finite and a covariance? */
bool effects_can_learn(const struct effects *effects, int index, const struct effects_phi *phi);
/* A correction moves theta by P x weight towards the new label and leaves P: in information form
 * the label enters the mean alone, so for a linear model that is exact. An empty phi: nothing. */
void effects_learn(struct effects *effects, int index, const struct effects_phi *phi,
                   const struct effects_outcome *outcome);

/* The front of a row, float64: learned, arms, their keys and scales, dictionary, theta, P of what
 * is in use. How many arms it names: 0 if it names none, or more than there is room for. */
size_t effects_row_arms(struct bytes values);
size_t effects_row_bytes(const struct effects *effects, size_t arm_count);
void effects_write(const struct effects *effects, struct row_writer *writer);
/* values end where P does. */
enum learner_verdict effects_check(const struct effects *effects, struct bytes values);
/* Configured arms that the row does not know keep their priors; returns which indices they have, as
 * effects_admit_configured. */
uint64_t effects_read(struct effects *effects, struct bytes values);

#define EFFECTS_TERMS_MAX (2 * EFFECTS_PHI_MAX + 1)
/* Every summand of effects_mean, named; returns how many, at most EFFECTS_TERMS_MAX. */
size_t effects_terms(const struct effects *effects, const struct learner_input *input, int index,
                     const struct effects_phi *phi, struct learner_term *out);

#endif
