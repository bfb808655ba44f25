#include "producer/shop_policy.h"

#include <math.h>

const char *const shop_policy_names[SHOP_POLICY_COUNT + 1] = {
    "none", "remind",     "ship",  "all10",  "all20", "random",
    "rule", "propensity", "bayes", "oracle", NULL};

enum shop_arm shop_policy_best(const double value[SHOP_ARM_COUNT]) {
    int best = 0;
    for (int arm = 1; arm < SHOP_ARM_COUNT; arm++) {
        best = value[arm] > value[best] ? arm : best;
    }
    return (enum shop_arm)best;
}

enum shop_arm shop_policy_arm(enum shop_policy policy, const struct shop_truth *truth, double u) {
    switch (policy) {
    case SHOP_POLICY_REMIND:
        return SHOP_REMIND;
    case SHOP_POLICY_SHIP:
        return SHOP_SHIP;
    case SHOP_POLICY_10:
    case SHOP_POLICY_RULE:
        return SHOP_10;
    case SHOP_POLICY_20:
        return SHOP_20;
    case SHOP_POLICY_RANDOM:
        return (enum shop_arm)(u * SHOP_ARM_COUNT);
    case SHOP_POLICY_PROPENSITY:
        return truth->bayes_p[SHOP_NONE] > SHOP_PROPENSITY_FROM ? SHOP_10 : SHOP_NONE;
    case SHOP_POLICY_BAYES:
        return truth->a_bayes;
    case SHOP_POLICY_ORACLE:
        return truth->a_oracle;
    case SHOP_POLICY_NONE:
    case SHOP_POLICY_COUNT:
        break;
    }
    return SHOP_NONE;
}

/* ---- sums ---- */

/* Expected log-loss of predicting q where p is true. */
static double log_loss(double p, double q) {
    double yes = p > 0 ? p * log(q) : 0, no = p < 1 ? (1 - p) * log1p(-q) : 0;
    return -yes - no;
}

static void add(struct shop_gains *gains, int row, size_t group, const struct shop_truth *truth,
                enum shop_arm arm, double weight) {
    gains->sum[row][group] += weight * (truth->value[arm] - truth->value[SHOP_NONE]);
    gains->sent[row] += arm == SHOP_NONE ? 0 : weight;
}

void shop_gains_add(struct shop_gains *gains, const struct shop_truth *truth) {
    if (truth->deadline_ms < gains->from_ms) {
        return;
    }
    size_t group = (size_t)(truth->user % SHOP_GAIN_GROUPS);
    gains->count[group]++;
    for (int i = 0; i < SHOP_POLICY_COUNT; i++) {
        enum shop_policy policy = (enum shop_policy)i;
        if (policy == SHOP_POLICY_RANDOM) { /* its expectation, not one draw */
            for (int arm = 0; arm < SHOP_ARM_COUNT; arm++) {
                add(gains, i, group, truth, (enum shop_arm)arm, 1.0 / SHOP_ARM_COUNT);
            }
        } else {
            add(gains, i, group, truth, shop_policy_arm(policy, truth, 0), 1);
        }
    }
    add(gains, SHOP_GAIN_IN_FORCE, group, truth, truth->arm, 1);
    double p = truth->p[truth->arm];
    gains->p_sum += p;
    gains->bayes_loss += log_loss(p, truth->bayes_p[truth->arm]);
    gains->oracle_loss += log_loss(p, p);
}

double shop_gains_decisions(const struct shop_gains *gains) {
    double count = 0;
    for (int group = 0; group < SHOP_GAIN_GROUPS; group++) {
        count += gains->count[group];
    }
    return count;
}

struct shop_gain shop_gains_of(const struct shop_gains *gains, int row) {
    double count = shop_gains_decisions(gains), sum = 0, squares = 0;
    if (count <= 0) {
        return (struct shop_gain){0};
    }
    for (int group = 0; group < SHOP_GAIN_GROUPS; group++) {
        sum += gains->sum[row][group];
    }
    double mean = sum / count;
    for (int group = 0; group < SHOP_GAIN_GROUPS; group++) {
        double off = gains->sum[row][group] - mean * gains->count[group];
        squares += off * off;
    }
    double error = sqrt(squares * SHOP_GAIN_GROUPS / (SHOP_GAIN_GROUPS - 1)) / count;
    return (struct shop_gain){.mean = mean, .error = error, .sent = gains->sent[row] / count};
}

struct shop_losses shop_gains_losses(const struct shop_gains *gains) {
    double count = shop_gains_decisions(gains);
    if (count <= 0) {
        return (struct shop_losses){0};
    }
    double base = gains->p_sum / count;
    return (struct shop_losses){.constant = log_loss(base, base),
                                .bayes = gains->bayes_loss / count,
                                .oracle = gains->oracle_loss / count};
}

/* ---- the report ---- */

struct standing { /* of what was in force, among the others */
    struct shop_gain gain;
    double bayes, oracle; /* what those gain */
    double share;         /* of the Bayes gain; NaN where that is nothing */
};

static struct standing standing_of(const struct shop_gains *gains) {
    struct standing it = {.gain = shop_gains_of(gains, SHOP_GAIN_IN_FORCE),
                          .bayes = shop_gains_of(gains, SHOP_POLICY_BAYES).mean,
                          .oracle = shop_gains_of(gains, SHOP_POLICY_ORACLE).mean};
    it.share = it.bayes > 0 ? it.gain.mean / it.bayes : NAN;
    return it;
}

void shop_gains_write(const struct shop_gains *gains, const char *in_force, FILE *out) {
    double count = shop_gains_decisions(gains);
    struct standing it = standing_of(gains);
    struct shop_losses losses = shop_gains_losses(gains);
    fprintf(out, "  policies, %.0f decisions       gain EUR       se     sent\n", count);
    for (int row = 0; row < SHOP_POLICY_COUNT; row++) {
        struct shop_gain gain = shop_gains_of(gains, row);
        fprintf(out, "    %-26s %+12.4f %8.4f %8.3f\n", shop_policy_names[row], gain.mean,
                gain.error, gain.sent);
    }
    fprintf(out, "  in force: %-18s %+12.4f %8.4f %8.3f\n", in_force, it.gain.mean, it.gain.error,
            it.gain.sent);
    if (!isnan(it.share)) {
        fprintf(out, "    %-26s %12.3f\n", "share of the Bayes gain", it.share);
    }
    fprintf(out,
            "    %-26s %12.4f   in all %.2f EUR\n"
            "    %-26s %12.4f   in all %.2f EUR\n",
            "regret to Bayes", it.bayes - it.gain.mean, count * (it.bayes - it.gain.mean),
            "regret to the oracle", it.oracle - it.gain.mean, count * (it.oracle - it.gain.mean));
    fprintf(out,
            "    log-loss of the base rate  %12.4f   Bayes %.4f   oracle %.4f\n"
            "    normalised entropy, floor  %12.4f\n",
            losses.constant, losses.bayes, losses.oracle,
            losses.constant > 0 ? losses.bayes / losses.constant : 1);
}

static void write_json_gain(struct shop_gain gain, FILE *out) {
    fprintf(out, "\"gain\":%.6f,\"se\":%.6f,\"sent\":%.6f", gain.mean, gain.error, gain.sent);
}

void shop_gains_write_json(const struct shop_gains *gains, const char *in_force, FILE *out) {
    double count = shop_gains_decisions(gains);
    struct standing it = standing_of(gains);
    struct shop_losses losses = shop_gains_losses(gains);
    fprintf(out, ",\"policies\":{\"decisions\":%.0f,\"gains\":{", count);
    for (int row = 0; row < SHOP_POLICY_COUNT; row++) {
        fprintf(out, "%s\"%s\":{", row ? "," : "", shop_policy_names[row]);
        write_json_gain(shop_gains_of(gains, row), out);
        fputc('}', out);
    }
    fprintf(out, "},\"in_force\":{\"policy\":\"%s\",", in_force);
    write_json_gain(it.gain, out);
    if (!isnan(it.share)) {
        fprintf(out, ",\"share_of_bayes\":%.6f", it.share);
    }
    fprintf(out, ",\"regret_to_bayes\":%.6f,\"regret_to_oracle\":%.6f}", it.bayes - it.gain.mean,
            it.oracle - it.gain.mean);
    fprintf(out,
            ",\"log_loss\":{\"constant\":%.6f,\"bayes\":%.6f,\"oracle\":%.6f,"
            "\"normalised_entropy_floor\":%.6f}}",
            losses.constant, losses.bayes, losses.oracle,
            losses.constant > 0 ? losses.bayes / losses.constant : 1);
}
