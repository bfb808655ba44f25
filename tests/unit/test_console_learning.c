/* console_learning: sums over workers, the verdict of METHODS 0 rule 11 at its edges, nothing said
 * where nothing can be; as text, as JSON that a parser takes, as exposition. */
#include "consumer/ops/console_learning.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "consumer/ops/console.h"

struct fixture {
    struct progress workers[2];
    struct outcomes_metrics outcomes[2];
    struct score_metrics scores[2];
    const struct progress *progress[2];
    const struct outcomes_metrics *outcomes_of[2];
    const struct score_metrics *scores_of[2];
    struct console_trainer trainer;
    struct console_learning view;
    struct buffer out;
};

static int set_up(void **state) {
    static const char *const names[] = {"champ", "new\"one"};
    struct fixture *fixture = memory_new(1, sizeof *fixture);
    for (size_t i = 0; i < 2; i++) {
        progress_init(&fixture->workers[i], 2, names);
        fixture->progress[i] = &fixture->workers[i];
        fixture->outcomes_of[i] = &fixture->outcomes[i];
        fixture->scores_of[i] = &fixture->scores[i];
    }
    fixture->trainer = (struct console_trainer){"champ", 1200, 30, 4, 5};
    fixture->view = (struct console_learning){.worker_count = 2,
                                              .progress = fixture->progress,
                                              .outcomes = fixture->outcomes_of,
                                              .scores = fixture->scores_of,
                                              .trainer_count = 1,
                                              .trainers = &fixture->trainer};
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    buffer_clean_up(&fixture->out);
    free(fixture);
    return 0;
}

static const char *text_of(struct buffer *out) {
    buffer_append_byte(out, 0);
    out->size--;
    return (const char *)out->data;
}

static void assert_has(struct buffer *out, const char *wanted) {
    if (!strstr(text_of(out), wanted)) {
        fail_msg("'%s' is not in:\n%s", wanted, text_of(out));
    }
}

static void assert_has_not(struct buffer *out, const char *unwanted) {
    if (strstr(text_of(out), unwanted)) {
        fail_msg("'%s' is in:\n%s", unwanted, text_of(out));
    }
}

/* count decisions of a learner with this promise, bought of them bought. */
static void judge(struct progress *progress, const char *learner, enum trigger origin, double p,
                  int count, int bought) {
    struct open_decision_row row = {
        .action = bytes_of_text("none"), .action_count = 1, .score_count = 1};
    row.open.trigger = (uint8_t)origin;
    row.actions[0].action = row.action;
    row.scores[0] =
        (struct learner_score_row){.learner = bytes_of_text(learner), .p_count = 1, .p = {p}};
    for (int i = 0; i < count; i++) {
        progress_judge(progress, &row, i < bought);
    }
}

static void judge_some(struct fixture *fixture) {
    judge(&fixture->workers[0], "champ", TRIGGER_CART_ABANDONED, .2, 400, 70);
    judge(&fixture->workers[1], "champ", TRIGGER_CART_ABANDONED, .3, 200, 70);
    judge(&fixture->workers[1], "champ", TRIGGER_CHECKOUT_ABANDONED, .5, 100, 50);
    judge(&fixture->workers[0], "champ", TRIGGER_OBSERVE, .1, 1000, 300);
    judge(&fixture->workers[0], "new\"one", TRIGGER_OBSERVE, .1, 10, 0);
}

/* ---- The verdict ---- */

static struct progress_figures figures(double n, double positives, double low, double high) {
    return (struct progress_figures){.n = n,
                                     .positives = positives,
                                     .ratio = (low + high) / 2,
                                     .ratio_low = low,
                                     .ratio_high = high};
}

static void test_verdict(void **state) {
    (void)state;
    static const struct {
        double n, positives, low, high;
        enum learning_verdict verdict;
    } cases[] = {
        {500, 50, .9, 1.1, LEARNING_CALIBRATED},  {499, 50, .9, 1.1, LEARNING_NOT_ENOUGH},
        {500, 49, .9, 1.1, LEARNING_NOT_ENOUGH},  {500, 50, .8, .979, LEARNING_OFF},
        {500, 50, .8, .98, LEARNING_CALIBRATED},  {500, 50, 1.02, 1.3, LEARNING_CALIBRATED},
        {500, 50, 1.021, 1.3, LEARNING_OFF},      {9999, 500, .99, 1.01, LEARNING_CALIBRATED},
        {0, 0, NAN, NAN, LEARNING_NOT_ENOUGH},    {500, 500, NAN, NAN, LEARNING_OFF},
        {1e6, 1e5, 1.0205, 1.0206, LEARNING_OFF},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct progress_figures at =
            figures(cases[i].n, cases[i].positives, cases[i].low, cases[i].high);
        if (learning_verdict_of(&at) != cases[i].verdict) {
            fail_msg("case %zu: %s", i, learning_verdict_names[learning_verdict_of(&at)]);
        }
    }
}

/* ---- The table ---- */

static void test_table(void **state) {
    struct fixture *fixture = *state;
    judge_some(fixture);
    console_render_learning(&fixture->view, false, &fixture->out);
    /* 140 bought of 600, promised 140: both workers' decisions are in one row. */
    assert_has(&fixture->out, "* champ            cart_abandoned          600      140");
    assert_has(&fixture->out, "  1.000 [0.856, 1.144]  calibrated\n");
    assert_has(&fixture->out, "* champ            checkout_abandoned      100       50");
    assert_has(&fixture->out, "[0.804, 1.196]  not enough data\n");
    assert_has(&fixture->out, "* champ            observe                1000      300");
    assert_has(&fixture->out, "  3.000 [2.814, 3.186]  off\n");
    assert_has(&fixture->out, "* champ            triggers                700      190");
    assert_has(&fixture->out, "  new\"one          observe                  10        0");
    assert_has(&fixture->out, "  0.000 [0.000, 1.859]  not enough data\n"); /* never below 0 */
    assert_has_not(&fixture->out, "browse_abandoned"); /* never judged, not shown */
    assert_has_not(&fixture->out, "new\"one          triggers");
}

static json_t *parse(struct buffer *out) {
    json_error_t error;
    json_t *value = json_loadb((const char *)out->data, out->size, 0, &error);
    if (!value) {
        fail_msg("not JSON: %s in:\n%s", error.text, text_of(out));
    }
    return value;
}

static double number(const json_t *row, const char *name) {
    json_t *found = json_object_get(row, name);
    assert_true(json_is_number(found));
    return json_number_value(found);
}

static void test_table_json(void **state) {
    struct fixture *fixture = *state;
    judge_some(fixture);
    buffer_append(&fixture->out, bytes_of_text("{\"kind\":\"summary\""));
    console_render_learning_totals(&fixture->view, true, &fixture->out);
    console_render_learning(&fixture->view, true, &fixture->out);
    buffer_append_byte(&fixture->out, '}');
    json_t *value = parse(&fixture->out);
    json_t *rows = json_object_get(value, "learning");
    assert_int_equal(json_array_size(rows), 5);
    json_t *cart = json_array_get(rows, 0), *cold = json_array_get(rows, 4);
    assert_string_equal(json_string_value(json_object_get(cart, "learner")), "champ");
    assert_string_equal(json_string_value(json_object_get(cart, "origin")), "cart_abandoned");
    assert_string_equal(json_string_value(json_object_get(cart, "verdict")), "calibrated");
    assert_true(number(cart, "decisions") == 600 && number(cart, "bought") == 140);
    assert_true(fabs(number(cart, "calibration_ratio") - 1) < 1e-9);
    assert_true(fabs(number(cart, "normalised_entropy") -
                     number(cart, "logloss") / number(cart, "constant_logloss")) < 1e-9);
    assert_true(number(cart, "auc") > .5);
    assert_string_equal(json_string_value(json_object_get(cold, "learner")), "new\"one");
    assert_true(json_is_null(json_object_get(cold, "auc")));
    assert_true(json_is_null(json_object_get(cold, "normalised_entropy")));
    json_t *trainer = json_array_get(json_object_get(value, "trainers"), 0);
    assert_true(number(json_object_get(trainer, "counts"), "refused") == 4);
    json_decref(value);
}

/* ---- Totals ---- */

static void test_totals(void **state) {
    struct fixture *fixture = *state;
    metric_set(&fixture->outcomes[0].open, 1000);
    metric_set(&fixture->outcomes[1].open, 234);
    metric_set(&fixture->outcomes[1].evicted_total, 7);
    metric_set(&fixture->outcomes[1].corrections_total, 9);
    metric_set(&fixture->scores[0].model_offset, 640);
    metric_set(&fixture->scores[1].model_offset, 608); /* one version behind */
    metric_set(&fixture->scores[0].arms_mature, 3);
    metric_set(&fixture->scores[1].arms_mature, 2);
    metric_set(&fixture->scores[1].alarmed, 1);
    console_render_learning_totals(&fixture->view, false, &fixture->out);
    assert_has(&fixture->out, "  outcomes    open 1,234, examples 0, bought 0, corrections 9, ");
    assert_has(&fixture->out, "evicted 7, ");
    assert_has(&fixture->out,
               "  model       version_offset 608, mature_arms 2, alarmed_workers 1, ");
    assert_has(&fixture->out,
               "  trainer champ: learned 1,200, corrections 30, refused 4, versions 5\n");
}

static void test_nothing(void **state) {
    struct fixture *fixture = *state;
    console_render_learning(&fixture->view, false, &fixture->out);
    assert_has(&fixture->out, "(no scored decision has matured)");
    buffer_clear(&fixture->out);
    const struct console_learning none = {0}; /* a process without workers and trainers */
    console_render_learning_totals(&none, false, &fixture->out);
    console_render_learning(&none, false, &fixture->out);
    assert_int_equal(fixture->out.size, 0);
}

/* The summary has both parts, in text and in JSON. */
static void test_in_the_summary(void **state) {
    struct fixture *fixture = *state;
    judge_some(fixture);
    const struct decide_config config = {0};
    const struct console_tallies tallies = {.config = &config};
    struct console_totals totals = console_totals_none();
    console_render_summary(&totals, &tallies, &fixture->view, 1000, false, &fixture->out);
    assert_has(&fixture->out, "\n  outcomes    open 0");
    assert_has(&fixture->out, "\n* champ            triggers");
    buffer_clear(&fixture->out);
    console_render_summary(&totals, &tallies, &fixture->view, 1000, true, &fixture->out);
    json_t *value = parse(&fixture->out);
    assert_int_equal(json_array_size(json_object_get(value, "learning")), 5);
    assert_true(json_is_object(json_object_get(value, "outcomes")));
    json_decref(value);
}

/* ---- /metrics ---- */

static void test_exposition(void **state) {
    struct fixture *fixture = *state;
    judge_some(fixture);
    console_write_progress(&fixture->view, &fixture->out);
    assert_has(&fixture->out, "# TYPE promostream_progress_decisions_total counter\n");
    assert_has(&fixture->out, "# TYPE promostream_progress_auc gauge\n");
    assert_has(&fixture->out,
               "promostream_progress_decisions_total{learner=\"champ\",origin=\"cart_"
               "abandoned\"} 600\n");
    assert_has(&fixture->out,
               "promostream_progress_bought_total{learner=\"new\\\"one\",origin=\"observe\"} 0\n");
    assert_has(&fixture->out,
               "promostream_progress_calibration_ratio{learner=\"champ\",origin=\"observe\"} 3\n");
    assert_has(&fixture->out, "\npromostream_learner_champion{learner=\"champ\"} 1\n"
                              "promostream_learner_champion{learner=\"new\\\"one\"} 0\n");
    assert_has(&fixture->out, "promostream_progress_auc{learner=\"champ\",origin=\"triggers\"} 0.");
    /* Sums of other lines are no counters; what cannot be said is left out. */
    assert_has_not(&fixture->out, "decisions_total{learner=\"champ\",origin=\"triggers\"");
    assert_has_not(&fixture->out, "auc{learner=\"new");
    assert_has_not(&fixture->out, "nan");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdict),
        TEST(test_table),
        TEST(test_table_json),
        TEST(test_totals),
        TEST(test_nothing),
        TEST(test_in_the_summary),
        TEST(test_exposition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
