/* What the built-in policies gain: against closed forms, against the numbers that SIMULATOR.md
 * states, and against each other; and that the posterior is calibrated.
 *
 * The stated gains are of the clean part of `exact`: no drift, no sale days, no returns. They hold
 * for a shop in which an offer of free shipping is worth nothing on a cart that ships free anyway;
 * by the letter of the outcome's formula such an offer still moves shoppers, at no cost, and that
 * is what the simulator does. So ship, random, bayes and oracle differ from the stated numbers (by
 * +.27, +.05, +.13, +.05), and agree with them when the offer's value there is put to that of
 * nothing. The stated numbers are a sample too, of 300,000 users and 60 d: its standard error is
 * ours scaled to that size, and the two are combined. */
#include "producer/shop_report.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "producer/shop_outcome.h"
#include "tests/support/temp_file.h"

#define CLEAN                                                                                      \
    "outcome: {fatigue: 0, coupon_wear: 1}\nvalue: {returns: 0, returns_20: 0}\n"                  \
    "catalogue: {out_of_stock: 0}\ndrift: {wave: 0, sale_days: 0}\n"
#define NO_EFFECT        "{remind: 0, ship: 0, percent_10: 0, percent_20: 0}"
#define STATED_DECISIONS 92416.0 /* of 300,000 users in 60 d */
#define GROUPS           64

/* A mean over decisions whose error counts users, not decisions. */
struct mean {
    double sum[GROUPS], count[GROUPS];
};

static void mean_add(struct mean *mean, int64_t user, double value) {
    mean->sum[user % GROUPS] += value;
    mean->count[user % GROUPS]++;
}

static double mean_of(const struct mean *mean, double *out_count, double *out_error) {
    double sum = 0, count = 0, squares = 0;
    for (int i = 0; i < GROUPS; i++) {
        sum += mean->sum[i];
        count += mean->count[i];
    }
    double value = count > 0 ? sum / count : 0;
    for (int i = 0; i < GROUPS; i++) {
        double off = mean->sum[i] - value * mean->count[i];
        squares += off * off;
    }
    *out_count = count;
    *out_error = count > 0 ? sqrt(squares * GROUPS / (GROUPS - 1)) / count : 0;
    return value;
}

static void assert_within(const char *what, double expected, double found, double error,
                          double half) {
    double off = fmax(fabs(found - expected) - half, 0);
    print_message("  %-22s expected %+8.4f found %+8.4f  %5.2f SE of %.4f\n", what, expected, found,
                  off / error, error);
    assert_true(off <= 3 * error);
}

struct bench {
    struct shop *shop;
    void (*on_truth)(struct bench *bench, const struct shop_truth *truth);
    const struct shop_world *world;
    struct mean *means;
    struct cell *cells;
    size_t count;
    bool is_pushing;
    size_t pushes;
};

static void on_truth(void *context, const struct shop_truth *truth) {
    struct bench *bench = context;
    bench->count++;
    bench->on_truth(bench, truth);
}

static struct shop_options options_of(const char *world, int64_t users, uint64_t seed) {
    struct shop_options options = shop_options_default();
    options.world = world;
    options.users = users;
    options.days = 60;
    options.seed = seed;
    return options;
}

/* Every other cart is pushed some 25 min before its decision, some with 10 %, and again later. */
static void push(struct bench *bench, const struct event *event) {
    static const int64_t after_ms[] = {35 * 60000, 5 * 3600000};
    for (int i = 0; i < 2 && event->type == EVENT_PRODUCT_ADDED; i++) {
        uint64_t draw = hash64(event->event_id, (uint64_t)i);
        char id[32];
        struct push_row row = {
            .push_id = bytes_of(id, (size_t)snprintf(id, sizeof id, "p%zu", bench->pushes++)),
            .user_id = event->user_id,
            .offer_kind = bytes_of_text(draw & 2 ? "percent_off" : "reminder"),
            .offer_value = draw & 2 ? 10 : NAN,
            .not_before_ms = event->event_ms + after_ms[i],
            .expires_ms = INT64_MAX};
        if (draw & 1) {
            shop_feedback(bench->shop, &row, 0, 5);
        }
    }
}

static void run(struct shop_options *options, struct bench *bench) {
    if (bench->on_truth) {
        options->on_truth = on_truth;
        options->truth_context = bench;
    }
    assert_false(failed(shop_new(options, stderr, &bench->shop)));
    struct shop_emission emission;
    while (shop_next(bench->shop, &emission)) {
        if (bench->is_pushing && emission.stream == SHOP_CLICKSTREAM) {
            push(bench, &emission.event);
        }
    }
}

static struct shop_gain gain_of(const struct bench *bench, int row) {
    return shop_gains_of(&shop_report_of(bench->shop)->gains, row);
}

/* ---- closed forms: the mix at abandonment x the law of the cart's value ---- */

struct forms {
    double p[SHOP_ARM_COUNT], gain[SHOP_ARM_COUNT], oracle;
};

static void add_class(const struct shop_world *world, int z, double weight, struct forms *out) {
    int type = z / SHOP_SENSITIVITIES, sensitivity = z % SHOP_SENSITIVITIES;
    double step = .01, norm = step / sqrt(2 * 3.14159265358979323846);
    for (double x = -7; x <= 7; x += step) {
        struct shop_state state = {.cart_value =
                                       exp(world->catalogue.cart_mu + world->catalogue.cart_s * x)};
        double w = weight * norm * exp(-x * x / 2), value[SHOP_ARM_COUNT];
        for (int i = 0; i < SHOP_ARM_COUNT; i++) {
            enum shop_arm arm = (enum shop_arm)i;
            double p = shop_outcome_p(world, type, sensitivity, arm, &state);
            value[i] = shop_outcome_value(world, arm, p, state.cart_value);
            out->p[i] += w * p;
            out->gain[i] += w * (value[i] - value[SHOP_NONE]);
        }
        out->oracle += w * (value[shop_policy_best(value)] - value[SHOP_NONE]);
    }
}

static struct forms forms_of(const struct shop_world *world) {
    struct forms forms = {0};
    double left[SHOP_TYPES], sum = 0;
    for (int i = 0; i < SHOP_TYPES; i++) {
        const struct shop_type_world *type = &world->types[i];
        left[i] =
            type->share * type->sessions_per_day * type->cart * (1 - type->checkout * type->pay);
        sum += left[i];
    }
    for (int z = 0; z < SHOP_CLASSES; z++) {
        double share = world->sensitivities[z % SHOP_SENSITIVITIES].share;
        add_class(world, z, left[z / SHOP_SENSITIVITIES] / sum * share, &forms);
    }
    return forms;
}

static void check_forms(const struct bench *bench, const struct shop_world *world) {
    struct forms forms = forms_of(world);
    double random = 0;
    for (int i = 1; i < SHOP_ARM_COUNT; i++) {
        struct shop_gain gain = gain_of(bench, (int)SHOP_POLICY_NONE + i);
        assert_within(shop_arm_names[i], forms.gain[i], gain.mean, gain.error, 0);
        random += forms.gain[i] / SHOP_ARM_COUNT;
    }
    struct shop_gain gain = gain_of(bench, SHOP_POLICY_RANDOM);
    assert_within("random", random, gain.mean, gain.error, 0);
    gain = gain_of(bench, SHOP_POLICY_ORACLE);
    assert_within("oracle", forms.oracle, gain.mean, gain.error, 0);
}

/* ---- the stated gains ---- */

enum stated { STATED_RANDOM, STATED_BAYES, STATED_BAYES_SENT, STATED_ORACLE, STATED_COUNT };

/* The row as the stated numbers see it: free shipping of what ships free is worth nothing. */
static struct shop_truth as_stated(const struct shop_world *world, const struct shop_truth *truth) {
    struct shop_truth row = *truth;
    if (row.cart_value >= world->value.free_shipping_from) {
        row.value[SHOP_SHIP] = row.value[SHOP_NONE] - world->value.contact;
        row.bayes_value[SHOP_SHIP] = row.bayes_value[SHOP_NONE] - world->value.contact;
    }
    row.a_bayes = shop_policy_best(row.bayes_value);
    row.a_oracle = shop_policy_best(row.value);
    return row;
}

static void judge_as_stated(struct bench *bench, const struct shop_truth *truth) {
    struct shop_truth row = as_stated(bench->world, truth);
    double random = 0, none = row.value[SHOP_NONE];
    for (int i = 0; i < SHOP_ARM_COUNT; i++) {
        random += (row.value[i] - none) / SHOP_ARM_COUNT;
    }
    mean_add(&bench->means[STATED_RANDOM], row.user, random);
    mean_add(&bench->means[STATED_BAYES], row.user, row.value[row.a_bayes] - none);
    mean_add(&bench->means[STATED_BAYES_SENT], row.user, row.a_bayes != SHOP_NONE);
    mean_add(&bench->means[STATED_ORACLE], row.user, row.value[row.a_oracle] - none);
}

/* Both are samples. */
static double combined(double error, double count) {
    return error * sqrt(1 + count / STATED_DECISIONS);
}

static void check_stated_policy(const struct bench *bench, int policy, double stated) {
    struct shop_gain gain = gain_of(bench, policy);
    assert_within(shop_policy_names[policy], stated, gain.mean,
                  combined(gain.error, (double)bench->count), .0005);
}

static double check_stated(const struct bench *bench, enum stated which, const char *name,
                           double stated, double half) {
    double count, error, mean = mean_of(&bench->means[which], &count, &error);
    assert_within(name, stated, mean, combined(error, count), half);
    return mean;
}

static void test_gains_of_the_clean_shop(void **state) {
    (void)state;
    struct mean means[STATED_COUNT] = {0};
    struct shop_world world;
    struct temp_file clean = temp_file_of_text(CLEAN);
    assert_false(failed(shop_world_load(clean.path, stderr, &world)));
    struct bench bench = {.on_truth = judge_as_stated, .world = &world, .means = means};
    struct shop_options options = options_of(clean.path, 100000, 101);
    run(&options, &bench);
    check_forms(&bench, &world);
    print_message("  as stated\n");
    assert_true(gain_of(&bench, SHOP_POLICY_NONE).mean == 0);
    check_stated_policy(&bench, SHOP_POLICY_10, -.172);
    check_stated_policy(&bench, SHOP_POLICY_RULE, -.172);
    check_stated_policy(&bench, SHOP_POLICY_20, -1.118);
    check_stated_policy(&bench, SHOP_POLICY_REMIND, .088);
    check_stated_policy(&bench, SHOP_POLICY_PROPENSITY, -.308);
    check_stated(&bench, STATED_RANDOM, "random", -.323, .0005);
    double bayes = check_stated(&bench, STATED_BAYES, "bayes", .339, .0005);
    check_stated(&bench, STATED_BAYES_SENT, "share sent by bayes", .70, .005);
    double oracle = check_stated(&bench, STATED_ORACLE, "oracle", .682, .0005);
    assert_true(fabs(bayes / oracle - .5) < .05);
    shop_destroy(bench.shop);
    temp_file_remove(&clean);
}

static void test_nobody_is_moved(void **state) {
    (void)state;
    struct temp_file null =
        temp_file_of_text(CLEAN "types: {sure: " NO_EFFECT ", persuadable: " NO_EFFECT
                                ", lost: " NO_EFFECT ", disturb: " NO_EFFECT "}\n");
    struct bench bench = {0};
    struct shop_options options = options_of(null.path, 30000, 102);
    run(&options, &bench);
    bench.count = (size_t)shop_gains_decisions(&shop_report_of(bench.shop)->gains);
    check_stated_policy(&bench, SHOP_POLICY_10, -.886);
    for (int policy = SHOP_POLICY_BAYES; policy <= SHOP_POLICY_ORACLE; policy++) {
        assert_true(gain_of(&bench, policy).mean == 0 && gain_of(&bench, policy).sent == 0);
    }
    shop_destroy(bench.shop);
    temp_file_remove(&null);
}

static void judge_persuadables(struct bench *bench, const struct shop_truth *truth) {
    struct shop_truth row = as_stated(bench->world, truth);
    mean_add(bench->means, row.user, row.value[row.a_bayes] - row.value[SHOP_NONE]);
    mean_add(bench->means + 1, row.user, row.value[row.a_bayes] - row.value[SHOP_10]);
}

/* Stated: 10 % to all is the Bayes rule, +1.98. */
static void test_everybody_is_persuadable(void **state) {
    (void)state;
    struct temp_file persuade = temp_file_of_text(
        CLEAN "types: {sure: {share: 0}, persuadable: {share: 1}, lost: {share: 0}, "
              "disturb: {share: 0}}\n");
    struct shop_world world;
    assert_false(failed(shop_world_load(persuade.path, stderr, &world)));
    struct mean means[2] = {0};
    struct bench bench = {.on_truth = judge_persuadables, .world = &world, .means = means};
    struct shop_options options = options_of(persuade.path, 30000, 103);
    run(&options, &bench);
    check_forms(&bench, &world);
    print_message("  as stated\n");
    check_stated_policy(&bench, SHOP_POLICY_10, 1.98);
    check_stated(&bench, 0, "bayes", 1.98, .005);
    double count, error, more = mean_of(&means[1], &count, &error);
    print_message("  bayes - all10 %+.4f, se %.4f\n", more, error);
    assert_true(fabs(more) < .01);
    assert_true(gain_of(&bench, SHOP_POLICY_BAYES).sent == 1);
    shop_destroy(bench.shop);
    temp_file_remove(&persuade);
}

/* ---- calibration ---- */

#define BINS 10

struct cell {
    struct mean off;
    double variance; /* of the sum, were the decisions independent */
};

enum {
    OF_CLASS = 0,                              /* P(z) - [z] over all decisions */
    OF_TYPE = OF_CLASS + SHOP_CLASSES,         /* the same by bin of P(type) */
    OF_ARM = OF_TYPE + SHOP_TYPES * BINS,      /* bayes_p - bought, by arm in force and bin */
    OF_VALUE = OF_ARM + SHOP_ARM_COUNT * BINS, /* bayes_value - value of a_bayes */
    OF_COUNT
};

/* A predicted probability and what was. */
static void compare(struct cell *cell, int64_t user, double p, bool is_so) {
    mean_add(&cell->off, user, p - is_so);
    cell->variance += p * (1 - p);
}

static int bin_of(double p) {
    int bin = (int)(p * BINS);
    return bin < BINS ? bin : BINS - 1;
}

static void judge_calibration(struct bench *bench, const struct shop_truth *truth) {
    struct cell *cells = bench->cells;
    double sum = 0;
    for (int z = 0; z < SHOP_CLASSES; z++) {
        compare(&cells[OF_CLASS + z], truth->user, truth->posterior[z], truth->z == z);
        sum += truth->posterior[z];
    }
    assert_true(fabs(sum - 1) < 1e-5);
    for (int type = 0; type < SHOP_TYPES; type++) {
        const double *of_type = &truth->posterior[type * SHOP_SENSITIVITIES];
        double p = of_type[0] + of_type[1] + of_type[2];
        compare(&cells[OF_TYPE + type * BINS + bin_of(p)], truth->user, p,
                truth->z / SHOP_SENSITIVITIES == type);
    }
    double p = truth->bayes_p[truth->arm];
    compare(&cells[OF_ARM + (int)truth->arm * BINS + bin_of(p)], truth->user, p, truth->is_bought);
    mean_add(&cells[OF_VALUE].off, truth->user,
             truth->bayes_value[truth->a_bayes] - truth->value[truth->a_bayes]);
}

/* Every mean difference is 0 within its error: no cell beyond 4.2 SE (of some 50 cells, by chance
 * one run in 700), and their squares behave as squares of standard normals do. Where something
 * rare is predicted a sample may hold none of it: its error is at least the predicted one. */
static void check_calibration(const char *what, const struct cell all[OF_COUNT]) {
    double worst = 0, squares = 0, cells = 0;
    for (int i = 0; i < OF_COUNT; i++) {
        double count, error, mean = mean_of(&all[i].off, &count, &error);
        if (count < 300 || (i != OF_VALUE && all[i].variance < 25)) {
            continue;
        }
        double z = mean / fmax(error, sqrt(all[i].variance) / count);
        worst = fmax(worst, fabs(z));
        squares += z * z;
        cells++;
    }
    double chi = (squares - cells) / sqrt(2 * cells);
    print_message("  %-22s %3.0f cells, worst %.2f SE, squares %+.2f sd\n", what, cells, worst,
                  chi);
    assert_true(cells > 40 && worst < 4.2 && chi < 4.5);
}

static void test_posterior_is_calibrated(void **state) {
    (void)state;
    static const enum shop_policy policies[] = {SHOP_POLICY_RANDOM, SHOP_POLICY_BAYES};
    static const char *const worlds[] = {"exact", "base"};
    for (size_t i = 0; i < 2; i++) {
        struct cell *cells = memory_new(OF_COUNT, sizeof *cells);
        struct bench bench = {.on_truth = judge_calibration, .cells = cells};
        struct shop_options options = options_of(worlds[i], 40000, 104 + i);
        options.policy = policies[i];
        run(&options, &bench);
        check_calibration(worlds[i], cells);
        shop_destroy(bench.shop);
        free(cells);
    }
}

/* The same under pushes before and after decisions, with what is dismissed and what is not. */
static void test_posterior_is_calibrated_under_pushes(void **state) {
    (void)state;
    struct cell *cells = memory_new(OF_COUNT, sizeof *cells);
    struct bench bench = {.on_truth = judge_calibration, .cells = cells, .is_pushing = true};
    struct shop_options options = options_of("exact", 40000, 107);
    run(&options, &bench);
    const struct shop_push_counts *pushes = &shop_report_of(bench.shop)->pushes;
    print_message(
        "  delivered %" PRIu64 ", dismissed %" PRIu64 ", before %" PRIu64 ", brought %" PRIu64 "\n",
        pushes->delivered, pushes->dismissed, pushes->before_decision, pushes->brought_order);
    assert_true(pushes->dismissed > 1000 && pushes->before_decision > 3000 &&
                pushes->brought_order > 100);
    assert_string_equal(shop_policy_in_force(bench.shop), "listened");
    check_calibration("exact, pushed", cells);
    shop_destroy(bench.shop);
    free(cells);
}

/* ---- one against the other ---- */

static void judge_lead(struct bench *bench, const struct shop_truth *truth) {
    for (int i = 0; i < SHOP_POLICY_COUNT; i++) {
        double u = shop_draw_unit(7, (uint64_t)bench->count, DRAW_POLICY, 0);
        enum shop_arm arm = shop_policy_arm((enum shop_policy)i, truth, u);
        mean_add(&bench->means[i], truth->user, truth->value[truth->a_bayes] - truth->value[arm]);
        assert_true(truth->value[truth->a_oracle] >= truth->value[arm]);
        assert_true(truth->bayes_value[truth->a_bayes] >= truth->bayes_value[arm]);
    }
}

/* Whoever sees no more than the rule's twelve weights gains less, in every world. */
static void test_bayes_leads(void **state) {
    (void)state;
    static const char *const worlds[] = {"exact", "base", "interact", "shock", "persuade", "null"};
    for (size_t i = 0; i < sizeof worlds / sizeof worlds[0]; i++) {
        struct mean means[SHOP_POLICY_COUNT] = {0};
        struct bench bench = {.on_truth = judge_lead, .means = means};
        struct shop_options options = options_of(worlds[i], 12000, 106);
        run(&options, &bench);
        for (int policy = 0; policy < SHOP_POLICY_ORACLE; policy++) {
            double count, error, lead = mean_of(&means[policy], &count, &error);
            if (lead < -2 * error) {
                fail_msg("%s: %s leads by %g, se %g", worlds[i], shop_policy_names[policy], -lead,
                         error);
            }
        }
        shop_destroy(bench.shop);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gains_of_the_clean_shop),
        cmocka_unit_test(test_nobody_is_moved),
        cmocka_unit_test(test_everybody_is_persuadable),
        cmocka_unit_test(test_posterior_is_calibrated),
        cmocka_unit_test(test_posterior_is_calibrated_under_pushes),
        cmocka_unit_test(test_bayes_leads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
