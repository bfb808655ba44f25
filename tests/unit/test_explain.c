/* explain: gates in the house's order, summands that add up to the logit, the version said plainly;
 * with the real learner, trained a little, so that its own numbers are what is compared. */
#include "consumer/commands/explain.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/rng.h"
#include "consumer/rooms/features.h"

#define NOW_MS INT64_C(1793520000000) /* 2026-11-01T08:00:00Z */

struct fixture {
    struct offer offers[1];
    struct decide_config decide;
    struct learner_config learner;
    struct model model;
    struct decision_row attempts[2];
    struct example_row examples[2];
    struct explain_view view;
    struct buffer out;
};

static void set_features(struct decision_row *row, struct rng *rng) {
    row->feature_version = FEATURE_VERSION;
    row->number_count = FEATURE_NUMBER_COUNT;
    row->name_count = FEATURE_NAME_COUNT;
    for (size_t i = 0; i < row->number_count; i++) {
        row->numbers[i] = i % 7 == 3 ? (double)NAN : floor(rng_exponential(rng, 20));
    }
    row->names[FEATURE_ORIGIN] = bytes_of_text("cart_abandoned");
    row->names[FEATURE_GENDER] = bytes_of_text(rng_unit(rng) < .5 ? "f" : "m");
    row->names[FEATURE_TOP_CATEGORY] = bytes_of_text("shoes");
}

static void train(struct model *model, struct decision_row *row) {
    struct rng rng = rng_make(7, 0);
    for (int i = 0; i < 300; i++) {
        set_features(row, &rng);
        const struct learner_example example = {
            .input = {row->numbers, row->names},
            .arm = i % 2 ? learner_arm_key(bytes_of_text("ten")) : LEARNER_ARM_NONE,
            .label = rng_unit(&rng) < (i % 2 ? .5 : .2),
            .p_first = NAN,
            .weight = 1,
        };
        assert_int_equal(model->kind->learn(model->memory, &example), LEARNER_OK);
    }
    model->version_offset = 300;
}

/* As a worker does it: what the model says now is what the row holds. */
static void freeze(const struct model *model, struct decision_row *row) {
    const uint64_t arms[] = {LEARNER_ARM_NONE, learner_arm_key(bytes_of_text("ten"))};
    const struct learner_input input = {.numbers = row->numbers, .names = row->names};
    struct learner_scores scores;
    assert_int_equal(model->kind->score(model->memory, &input, arms, 2, &scores), LEARNER_OK);
    row->score_count = 1;
    row->scores[0] = (struct learner_score_row){.learner = bytes_of_text(model->config->name),
                                                .version_offset = model->version_offset,
                                                .p_count = 2,
                                                .p = {scores.arms[0].p, scores.arms[1].p}};
}

static int set_up(void **state) {
    struct fixture *fixture = memory_new(1, sizeof *fixture);
    fixture->offers[0] = (struct offer){.id = "ten", .kind = OFFER_PERCENT_OFF, .value = 10};
    fixture->decide.offers = (struct config_list){fixture->offers, 1};
    fixture->learner = (struct learner_config){.name = "logistic",
                                               .kind = "logistic",
                                               .bits = 12,
                                               .alpha = .1,
                                               .beta = 1,
                                               .l2 = 1,
                                               .prior_p = .1,
                                               .effect_sd = .5,
                                               .calibration_rate = .02};
    model_init(&fixture->model, &fixture->learner, &fixture->decide);
    struct decision_row *row = &fixture->attempts[1];
    train(&fixture->model, row);
    row->decision_id = (struct hash128){0xab, 0xcd};
    row->attempt = 1;
    row->user_id = bytes_of_text("anna");
    row->trigger = TRIGGER_CART_ABANDONED;
    row->deadline_ms = row->decided_ms = NOW_MS;
    row->mode = bytes_of_text("live");
    row->bucket = bytes_of_text("policy");
    row->policy = bytes_of_text("value");
    row->action_count = 2;
    row->actions[0] = (struct action_probability){bytes_of_text("none"), .25, 3.5};
    row->actions[1] = (struct action_probability){bytes_of_text("ten"), .75, 4.25};
    row->would_have = row->action = row->actions[1].action;
    row->action_p = .75;
    row->reason = bytes_of_text("user_cap");
    row->gate_count = 2;
    row->gates[0] = bytes_of_text("user_cap");
    row->gates[1] = bytes_of_text("paused");
    row->cart_value = NAN;
    freeze(&fixture->model, row);
    fixture->attempts[0] = *row;
    fixture->attempts[0].attempt = 0;
    fixture->attempts[0].gate_count = 0;
    fixture->view = (struct explain_view){.attempts = fixture->attempts,
                                          .attempt_count = 2,
                                          .examples = fixture->examples,
                                          .model = &fixture->model,
                                          .note = ""};
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    model_clean_up(&fixture->model);
    buffer_clean_up(&fixture->out);
    free(fixture);
    return 0;
}

static void render(struct fixture *fixture, bool is_json) {
    buffer_clear(&fixture->out);
    explain_render(&fixture->view, is_json, &fixture->out);
    buffer_append_byte(&fixture->out, 0);
    fixture->out.size--;
}

static void assert_has(const struct fixture *fixture, const char *wanted) {
    if (!strstr((const char *)fixture->out.data, wanted)) {
        fail_msg("'%s' is not in:\n%s", wanted, (const char *)fixture->out.data);
    }
}

static json_t *parse(const struct fixture *fixture) {
    json_error_t error;
    json_t *value = json_loads((const char *)fixture->out.data, 0, &error);
    if (!value) {
        fail_msg("not JSON: %s in %s", error.text, (const char *)fixture->out.data);
    }
    return value;
}

static double number(const json_t *row, const char *name) {
    json_t *found = json_object_get(row, name);
    assert_true(json_is_number(found));
    return json_number_value(found);
}

/* ---- ---- */

static void test_gates_in_order(void **state) {
    struct fixture *fixture = *state;
    render(fixture, true);
    json_t *value = parse(fixture);
    json_t *attempts = json_object_get(value, "attempts");
    assert_int_equal(json_array_size(attempts), 2);
    json_t *gates = json_object_get(json_array_get(attempts, 1), "gates");
    assert_int_equal(json_array_size(gates), GATE_COUNT);
    for (size_t i = 0; i < GATE_COUNT; i++) {
        json_t *gate = json_array_get(gates, i);
        assert_string_equal(json_string_value(json_object_get(gate, "gate")),
                            gate_name((enum gate)i));
        bool is_closed = i == GATE_USER_CAP || i == GATE_PAUSED;
        assert_string_equal(json_string_value(json_object_get(gate, "state")),
                            is_closed ? "CLOSED" : "open");
        assert_true(json_string_length(json_object_get(gate, "help")) > 10);
    }
    json_decref(value);
    render(fixture, false);
    assert_has(fixture,
               "  CLOSED  user_cap          the user got as many pushes as the caps allow\n");
    assert_has(fixture, "  open    consent_denied    the user said no\n");
}

/* For none and for the action: the summands shown add up to the logit, p is the frozen one. */
static void test_contributions_add_up(void **state) {
    struct fixture *fixture = *state;
    render(fixture, true);
    json_t *value = parse(fixture);
    json_t *why = json_object_get(value, "why");
    assert_int_equal(json_array_size(why), 3);
    json_t *fit = json_array_get(why, 0);
    assert_string_equal(json_string_value(json_object_get(fit, "fit")), "exact");
    for (size_t i = 0; i < 2; i++) {
        json_t *arm = json_array_get(why, i + 1);
        assert_string_equal(json_string_value(json_object_get(arm, "action")), i ? "ten" : "none");
        json_t *terms = json_object_get(arm, "terms");
        assert_int_equal(json_array_size(terms), 21);
        double sum = 0, last = INFINITY;
        for (size_t k = 0; k < 21; k++) {
            double term = number(json_array_get(terms, k), "value");
            sum += term;
            assert_true(k == 20 || fabs(term) <= last); /* the largest first */
            last = fabs(term);
        }
        assert_true(fabs(sum - number(arm, "logit")) < 1e-9);
        assert_true(fabs(number(arm, "terms_total") - number(arm, "logit")) < 1e-9);
        assert_true(fabs(number(arm, "p") - fixture->attempts[1].scores[0].p[i]) < 1e-12);
        assert_true(number(arm, "p") == number(arm, "frozen_p"));
        double logit = number(arm, "calibrated_logit");
        assert_true(fabs(1 / (1 + exp(-logit)) - number(arm, "p")) < 1e-9);
    }
    assert_string_not_equal(
        json_string_value(json_object_get(
            json_array_get(json_object_get(json_array_get(why, 1), "terms"), 0), "name")),
        "");
    json_decref(value);
    render(fixture, false);
    assert_has(fixture, "by logistic, version 300: the one that scored\n");
    assert_has(fixture, " others)\n");
}

static void test_not_the_version_that_scored(void **state) {
    struct fixture *fixture = *state;
    fixture->model.version_offset = 332;
    render(fixture, false);
    assert_has(fixture, "version 332, NOT the one that scored (300)");
    assert_has(fixture, "frozen_p 0."); /* both numbers are there to compare */
    fixture->model.version_offset = 300;
    fixture->attempts[1].scores[0].p[1] += 1e-6; /* the same version, another number */
    render(fixture, false);
    assert_has(fixture, "version 300, which does NOT repeat the frozen numbers");
    fixture->attempts[1].scores[0].p[1] = NAN;
    render(fixture, false);
    assert_has(fixture, "which does NOT repeat the frozen numbers");
}

static void test_without_model(void **state) {
    struct fixture *fixture = *state;
    fixture->view.model = NULL;
    render(fixture, false);
    assert_has(fixture, "not to be had: the configuration has no learner logistic");
    fixture->view.model = &fixture->model;
    fixture->attempts[1].feature_version++;
    render(fixture, false);
    assert_has(fixture, "not to be had");
    fixture->attempts[1].score_count = 0;
    render(fixture, false);
    assert_has(fixture, "no learner scored it\n");
    render(fixture, true);
    json_decref(parse(fixture));
}

static void test_outcome(void **state) {
    struct fixture *fixture = *state;
    render(fixture, false);
    assert_has(fixture, "outcome\n  no label yet\n");
    fixture->view.example_count = 2;
    fixture->examples[0] = (struct example_row){
        .labelled_ms = NOW_MS, .label = LABEL_NOT_BOUGHT, .net_margin = -0.0, .weight = 1};
    fixture->examples[1] = (struct example_row){.revision = 1,
                                                .labelled_ms = NOW_MS + 60000,
                                                .label = LABEL_BOUGHT,
                                                .is_retraction = true,
                                                .net_margin = 12.5,
                                                .weight = 1};
    render(fixture, false);
    assert_has(fixture, "  revision 0, labelled 2026-11-01T08:00:00Z, label not_bought, "
                        "net_margin 0.00, weight 1\n");
    assert_has(fixture, "  revision 1, labelled 2026-11-01T08:01:00Z, label bought, takes_back, "
                        "net_margin 12.50, weight 1\n");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_gates_in_order),
        TEST(test_contributions_add_up),
        TEST(test_not_the_version_that_scored),
        TEST(test_without_model),
        TEST(test_outcome),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
