/* shop_policy: the built-in policies, and what each of them would have gained: every decision is
 * judged under every policy by its true value, whatever was in force. A gain is value[arm] -
 * value[none], EUR, expected given the latent class: no luck of who bought is in it. */
#ifndef PROMOSTREAM_PRODUCER_SHOP_POLICY_H
#define PROMOSTREAM_PRODUCER_SHOP_POLICY_H

#include "producer/shop_world.h"

#define SHOP_PROPENSITY_FROM 0.20
#define SHOP_GAIN_GROUPS     64

/* The policy's arm; the row's p, value, bayes_p, a_bayes and a_oracle are filled in. u in [0, 1) is
 * the chance of `random`. */
enum shop_arm shop_policy_arm(enum shop_policy policy, const struct shop_truth *truth, double u);
/* The first of the highest. */
enum shop_arm shop_policy_best(const double value[SHOP_ARM_COUNT]);

/* One row for each policy, and one for what was in force. Sums stand in groups of users: the
 * decisions of one user are not independent of each other, so standard errors are those of the
 * groups' totals (ratio estimate, clusters = groups). */
#define SHOP_GAIN_IN_FORCE SHOP_POLICY_COUNT
#define SHOP_GAIN_ROWS     (SHOP_POLICY_COUNT + 1)
struct shop_gains {
    int64_t from_ms; /* decisions before it are left out */
    double count[SHOP_GAIN_GROUPS];
    double sum[SHOP_GAIN_ROWS][SHOP_GAIN_GROUPS];
    double sent[SHOP_GAIN_ROWS];
    /* Of P(buy within 7 d | arm in force), stock set aside. */
    double p_sum, bayes_loss, oracle_loss;
};

void shop_gains_add(struct shop_gains *gains, const struct shop_truth *truth);

struct shop_gain {
    double mean, error, sent; /* EUR per decision; its standard error; share of decisions */
};
double shop_gains_decisions(const struct shop_gains *gains);
struct shop_gain shop_gains_of(const struct shop_gains *gains, int row);

/* Expected log-loss per decision, nats. Whoever predicts the orders under the arms in force cannot
 * do better than `bayes` for long; constant: the base rate, for everybody. */
struct shop_losses {
    double constant, bayes, oracle;
};
struct shop_losses shop_gains_losses(const struct shop_gains *gains);

/* The part of the end report. in_force names that row. */
void shop_gains_write(const struct shop_gains *gains, const char *in_force, FILE *out);
/* ,"policies":{...}; share_of_bayes is left out where Bayes gains nothing. */
void shop_gains_write_json(const struct shop_gains *gains, const char *in_force, FILE *out);

#endif
