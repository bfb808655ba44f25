/* run, model_file: whole runs on drawn rows: figures, passes that are kept, parts that stay apart,
 * decisions by their last label, models that come back bit for bit, and files that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/rng.h"
#include "consumer/learn/learner_choice.h"
#include "consumer/learn/model_file.h"
#include "consumer/learn/run.h"
#include "schemas/container.h"
#include "schemas/schemas.h"
#include "tests/support/examples.h"
#include "tests/support/silent_listener.h"
#include "tests/support/temp_file.h"

/* p = sigma(x + (c = "b")); a label that is x's sign when is_leaky. */
static struct temp_file drawn_rows(uint64_t seed, int count, bool is_shuffled) {
    struct rng rng = rng_make(seed, 0);
    struct buffer text = {0};
    buffer_format(&text, "x,c,user,y\n");
    for (int i = 0; i < count; i++) {
        double x = rng_normal(&rng);
        uint64_t c = rng_below(&rng, 3);
        double p = 1 / (1 + exp(-(1.5 * x + (c == 1 ? 1.5 : -0.5))));
        double label_p = is_shuffled ? 0.4 : p;
        buffer_format(&text, "%.4f,%c,u%d,%d\n", x, (char)('a' + c), (int)rng_below(&rng, 40),
                      rng_unit(&rng) < label_p);
    }
    struct temp_file file = temp_file_make(buffer_bytes(&text));
    buffer_clean_up(&text);
    return file;
}

struct setting {
    struct learner_choice choice;
    struct learn_plan plan;
};

static struct setting setting_make(const char *path, const char *learner) {
    struct setting out = {0};
    struct learner_request request = {.learner = learner};
    struct failure failure = learner_choice_make(&request, &out.choice);
    assert_string_equal(failure.text, "");
    out.plan = (struct learn_plan){.source = {.path = path, .row_bytes_max = 4096},
                                   .columns = {.task = -1, .group = "user"},
                                   .kind = out.choice.kind,
                                   .options = out.choice.options,
                                   .passes = 1,
                                   .is_progressive = true,
                                   .memory_max = 64 << 20,
                                   .threshold = 0.5};
    return out;
}

static struct figures figures_of(struct learn_run *run, enum report_part part) {
    assert_non_null(run->report.parts[part]);
    return evaluation_figures(&run->report.parts[part]->whole, 1);
}

static void run_well(const struct learn_plan *plan, struct learn_run *run) {
    struct failure failure = learn_run(plan, &silent_listener, run);
    assert_string_equal(failure.text, "");
}

static void one_pass_learns(void **state) {
    (void)state;
    struct temp_file file = drawn_rows(1, 4000, false);
    struct setting setting = setting_make(file.path, "linear");
    struct learn_run run = {0};
    run_well(&setting.plan, &run);
    struct figures figures = figures_of(&run, REPORT_PROGRESSIVE);
    assert_int_equal(figures.n, 4000);
    assert_true(figures.auc > 0.8 && figures.ne < 0.82);
    assert_true(fabs(figures.calibration_ratio - 1) < 0.1);
    learn_run_clean_up(&run);
    learner_choice_clean_up(&setting.choice);
    temp_file_remove(&file);
}

/* METHODS 0, rule 11: mean of 5 within 4 standard errors of 0.5. */
static void shuffled_labels_teach_nothing(void **state) {
    (void)state;
    double sum = 0;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct temp_file file = drawn_rows(seed, 2000, true);
        struct setting setting = setting_make(file.path, "linear");
        struct learn_run run = {0};
        run_well(&setting.plan, &run);
        sum += figures_of(&run, REPORT_PROGRESSIVE).auc;
        learn_run_clean_up(&run);
        learner_choice_clean_up(&setting.choice);
        temp_file_remove(&file);
    }
    double n1 = 800, n0 = 1200;
    assert_true(fabs(sum / 5 - 0.5) < 4 * sqrt((n1 + n0 + 1) / (12 * n1 * n0)));
}

/* Parts are apart, together they are all rows; the best pass is kept and judged. */
static void held_out_parts(void **state) {
    (void)state;
    struct temp_file file = drawn_rows(2, 3000, false);
    struct setting setting = setting_make(file.path, "linear");
    setting.plan.valid = "0.2";
    setting.plan.test = "0.3";
    setting.plan.passes = 30;
    setting.plan.patience = 2;
    setting.plan.is_progressive = false;
    struct learn_run run = {0};
    run_well(&setting.plan, &run);
    struct figures train = figures_of(&run, REPORT_TRAIN), valid = figures_of(&run, REPORT_VALID);
    struct figures test = figures_of(&run, REPORT_TEST);
    assert_int_equal(train.n + valid.n + test.n, 3000);
    assert_true(run.report.passes < 30 && run.report.best_pass <= run.report.passes);
    assert_true(test.auc > 0.83);
    /* The pass that was kept is the one that it says: as many passes from the start are the same.
     */
    struct learn_run again = {0};
    setting.plan.passes = run.report.best_pass;
    run_well(&setting.plan, &again);
    assert_true(figures_of(&again, REPORT_TEST).logloss == test.logloss);
    learn_run_clean_up(&again);
    learn_run_clean_up(&run);
    learner_choice_clean_up(&setting.choice);
    temp_file_remove(&file);
}

static void duplicates_are_left_out_of_training_alone(void **state) {
    (void)state;
    struct buffer text = {0};
    buffer_format(&text, "x,user,y\n");
    for (int i = 0; i < 400; i++) {
        buffer_format(&text, "%d.5,u%d,%d\n", i % 100, i, i % 2);
        buffer_format(&text, "%d.5,u%d,%d\n", i % 100, i, i % 2);
    }
    struct temp_file file = temp_file_make(buffer_bytes(&text));
    struct setting setting = setting_make(file.path, "linear");
    setting.plan.drops_duplicates = true;
    setting.plan.test = "0.5";
    setting.plan.is_progressive = false;
    struct learn_run run = {0};
    run_well(&setting.plan, &run);
    struct figures test = figures_of(&run, REPORT_TEST), train = figures_of(&run, REPORT_TRAIN);
    assert_int_equal(test.n + 2 * train.n, 800);
    assert_int_equal(run.report.duplicates, train.n);
    learn_run_clean_up(&run);
    learner_choice_clean_up(&setting.choice);
    temp_file_remove(&file);
    buffer_clean_up(&text);
}

static void a_positive_that_is_never_there_is_named(void **state) {
    (void)state;
    struct temp_file file = temp_file_of_text("x,user,y\n1,u,a\n2,u,b\n");
    struct setting setting = setting_make(file.path, "linear");
    setting.plan.columns.positive = "c";
    struct learn_run run = {0};
    struct failure failure = learn_run(&setting.plan, &silent_listener, &run);
    assert_string_equal(failure.text + strlen(file.path), ": label y is \"c\" in none of 2 rows");
    learn_run_clean_up(&run);
    learner_choice_clean_up(&setting.choice);
    temp_file_remove(&file);
}

/* A number a thousand times larger than all is cut to its bound and flagged. */
static void outliers_are_cut_and_flagged(void **state) {
    (void)state;
    struct temp_file file = drawn_rows(3, 3000, false);
    struct setting setting = setting_make(file.path, "linear");
    struct learn_run run = {0};
    run_well(&setting.plan, &run);
    double numbers[1] = {1e6};
    struct bytes names[1] = {bytes_of_text("a")};
    struct data_row row = {.numbers = numbers, .names = names};
    struct learner_input input = fitted_input(&run.fitted, &row);
    assert_int_equal(input.feature_count, 1);
    assert_true(numbers[0] == run.fitted.columns.items[0].high && numbers[0] < 30);
    numbers[0] = 1;
    input = fitted_input(&run.fitted, &row);
    assert_true(input.feature_count == 0 && numbers[0] == 1);
    learn_run_clean_up(&run);
    learner_choice_clean_up(&setting.choice);
    temp_file_remove(&file);
}

static void failures_name_file_and_line(void **state) {
    (void)state;
    const struct {
        const char *text, *expected; /* behind the path */
    } cases[] = {
        {"x,user,y\n1,u,1\n2,u\n", ":3: found 2 fields, expected 3 as in the header"},
        {"x,user,y\n1,u,0\n2,u,0\n", ": label y is 0 in all 2 rows: nothing to learn"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct temp_file file = temp_file_of_text(cases[i].text);
        struct setting setting = setting_make(file.path, "linear");
        struct learn_run run = {0};
        struct failure failure = learn_run(&setting.plan, &silent_listener, &run);
        assert_string_equal(failure.text + strlen(file.path), cases[i].expected);
        assert_false(run.is_usage);
        learn_run_clean_up(&run);
        learner_choice_clean_up(&setting.choice);
        temp_file_remove(&file);
    }
}

static void bad_rows_can_be_skipped(void **state) {
    (void)state;
    struct temp_file file = temp_file_of_text("x,user,y\n1,u,1\n2,u\n3,u,0\n4,u,maybe\n5,u,1\n");
    struct setting setting = setting_make(file.path, "linear");
    setting.plan.skips_bad = true;
    setting.plan.columns.positive = NULL;
    struct learn_run run = {0};
    struct failure failure = learn_run(&setting.plan, &silent_listener, &run);
    assert_true(failed(failure)); /* three values of the label are no bad row */
    learn_run_clean_up(&run);
    temp_file_remove(&file);
    file = temp_file_of_text("x,user,y\n1,u,1\n2,u\n3,u,0\n5,u,1,\n5,u,1\n");
    setting.plan.source.path = file.path;
    run = (struct learn_run){0};
    run_well(&setting.plan, &run);
    assert_int_equal(run.report.bad, 2);
    assert_int_equal(run.report.rows, 3);
    learn_run_clean_up(&run);
    learner_choice_clean_up(&setting.choice);
    temp_file_remove(&file);
}

/* ---- decisions and their corrections ---- */

#define DECISIONS 400
#define BOUGHT    (DECISIONS / 5 * 3) /* by the last label; by the first it is two fifths */
#define CORRECTED (DECISIONS / 5 * 3)

/* Of every five decisions one is bought at once, two later, one is bought and cancelled, one buys
 * nothing; a fifth hears of its margin again. Corrections stand at the end. */
static struct temp_file examples_with_corrections(void) {
    struct temp_file file = temp_file_of_text("");
    struct container_writer *writer;
    struct buffer body = {0};
    struct example_row row;
    struct failure failure = container_writer_new(file.path, SCHEMA_EXAMPLE, &writer);
    for (int revision = 0; revision < 3; revision++) {
        for (size_t n = 0; n < DECISIONS; n++) {
            size_t kind = n % 5;
            bool is_margin_only = revision == 2;
            example_make(5, n, NULL, &row);
            row.weight = 1;
            row.revision = revision;
            row.is_retraction = revision == 1;
            bool is_late = kind == 1 || kind == 3, is_cancelled = kind == 2;
            bool is_bought = kind == 0 || (revision == 0 ? is_cancelled : is_late);
            row.label = is_bought ? LABEL_BOUGHT : LABEL_NOT_BOUGHT;
            bool is_there = revision == 0 || (is_margin_only ? kind == 0 : is_late || is_cancelled);
            if (is_there && !failed(failure)) {
                buffer_clear(&body);
                example_encode(&row, &body);
                failure = container_write(writer, buffer_bytes(&body));
            }
        }
    }
    assert_false(failed(failure));
    failure = container_writer_close(writer);
    assert_false(failed(failure));
    buffer_clean_up(&body);
    return file;
}

/* As many p,label lines as decisions, with the last labels. */
static void check_predictions(FILE *predictions) {
    double p, label;
    int lines = 0, bought = 0;
    rewind(predictions);
    while (fscanf(predictions, "%lf,%lf", &p, &label) == 2) {
        lines++;
        bought += label > 0.5;
    }
    assert_int_equal(lines, DECISIONS);
    assert_int_equal(bought, BOUGHT);
}

static void decisions_are_judged_by_their_last_label(void **state) {
    (void)state;
    static const char *const learners[] = {"linear", "dnn"}; /* one by one, and in batches */
    struct temp_file file = examples_with_corrections();
    for (size_t i = 0; i < 2; i++) {
        struct setting setting = setting_make(file.path, learners[i]);
        struct learn_run run = {0};
        setting.plan.columns.group = NULL;
        setting.plan.predictions = tmpfile();
        run_well(&setting.plan, &run);
        struct figures figures = figures_of(&run, REPORT_PROGRESSIVE);
        assert_int_equal(figures.n, DECISIONS);
        assert_int_equal(figures.positives, BOUGHT);
        assert_int_equal(run.report.corrections, CORRECTED);
        assert_int_equal(run.report.margin_only, DECISIONS / 5);
        assert_int_equal(run.report.learned, DECISIONS + CORRECTED);
        check_predictions(setting.plan.predictions);
        fclose(setting.plan.predictions);
        learn_run_clean_up(&run);
        learner_choice_clean_up(&setting.choice);
    }
    temp_file_remove(&file);
}

/* Whoever has lost his group, too: a correction in another part would find nothing to correct. In
 * any order of learning. */
static void a_decision_is_in_one_part(void **state) {
    (void)state;
    struct temp_file file = examples_with_corrections();
    struct setting setting = setting_make(file.path, "linear");
    struct learn_run run = {0};
    setting.plan.columns.group = NULL;
    setting.plan.columns.ignore = "user_id";
    setting.plan.valid = "0.2";
    setting.plan.test = "0.3";
    setting.plan.passes = 3;
    setting.plan.shuffle = SHUFFLE_YES;
    run_well(&setting.plan, &run);
    struct figures parts[] = {figures_of(&run, REPORT_TRAIN), figures_of(&run, REPORT_VALID),
                              figures_of(&run, REPORT_TEST)};
    struct figures progressive = figures_of(&run, REPORT_PROGRESSIVE);
    assert_true(parts[1].n > 40 && parts[2].n > 80);
    assert_int_equal(parts[0].n + parts[1].n + parts[2].n, DECISIONS);
    assert_int_equal(parts[0].positives + parts[1].positives + parts[2].positives, BOUGHT);
    assert_int_equal(progressive.n, parts[0].n);
    assert_int_equal(progressive.positives, parts[0].positives);
    learn_run_clean_up(&run);
    setting.plan.valid = NULL;
    setting.plan.test = file.path; /* a file of its own */
    setting.plan.passes = 1;
    run = (struct learn_run){0};
    run_well(&setting.plan, &run);
    assert_int_equal(figures_of(&run, REPORT_TEST).n, DECISIONS);
    assert_int_equal(figures_of(&run, REPORT_TEST).positives, BOUGHT);
    learn_run_clean_up(&run);
    learner_choice_clean_up(&setting.choice);
    temp_file_remove(&file);
}

/* ---- model files ---- */

static void read_bytes(const char *path, struct buffer *out) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    for (size_t got = 1; got > 0; out->size += got) {
        got = fread(buffer_reserve(out, 65536), 1, 65536, file);
    }
    fclose(file);
}

static struct temp_file saved_model(struct learn_run *run, const char *learner) {
    struct temp_file rows = drawn_rows(4, 1500, false), model = temp_file_of_text("");
    struct setting setting = setting_make(rows.path, learner);
    const struct model_origin origin = {1500, 1, 7};
    run_well(&setting.plan, run);
    struct failure failure = model_file_save(model.path, &run->fitted, &origin);
    assert_string_equal(failure.text, "");
    learner_choice_clean_up(&setting.choice);
    temp_file_remove(&rows);
    return model;
}

/* Every kind of this build: saved, loaded, it scores and goes on learning with the same bits. */
static void models_come_back_bit_for_bit(void **state) {
    (void)state;
    for (size_t i = 0; learner_kinds[i]; i++) {
        struct learn_run run = {0};
        struct fitted loaded;
        struct model_origin origin;
        struct temp_file model = saved_model(&run, learner_kinds[i]->name);
        struct failure failure = model_file_load(model.path, &loaded, &origin);
        assert_string_equal(failure.text, "");
        assert_true(origin.rows == 1500 && origin.passes == 1 && origin.data_fingerprint == 7);
        struct rng rng = rng_make(9, 0);
        for (uint64_t j = 0; j < 300; j++) {
            double numbers[1] = {rng_normal(&rng)}, p[2];
            struct bytes names[1] = {bytes_of_text(j % 2 ? "a" : "b")};
            struct data_row row = {
                .numbers = numbers, .names = names, .label = (double)(j % 2), .weight = 1};
            struct fitted *both[2] = {&run.fitted, &loaded};
            for (int side = 0; side < 2; side++) {
                struct learner_input input = fitted_input(both[side], &row);
                assert_int_equal(fitted_score(both[side], &input, &p[side]), LEARNER_OK);
                struct learner_example example = fitted_example(both[side], &input, &row, 2, j);
                assert_int_equal(both[side]->kind->learn(both[side]->memory, &example), LEARNER_OK);
            }
            assert_memory_equal(&p[0], &p[1], sizeof p[0]);
        }
        fitted_clean_up(&loaded);
        learn_run_clean_up(&run);
        temp_file_remove(&model);
    }
}

static void the_same_rows_give_the_same_file(void **state) {
    (void)state;
    struct learn_run first = {0}, second = {0};
    struct temp_file a = saved_model(&first, "linear"), b = saved_model(&second, "linear");
    struct buffer left = {0}, right = {0};
    read_bytes(a.path, &left);
    read_bytes(b.path, &right);
    assert_true(bytes_equal(buffer_bytes(&left), buffer_bytes(&right)));
    buffer_clean_up(&left);
    buffer_clean_up(&right);
    learn_run_clean_up(&first);
    learn_run_clean_up(&second);
    temp_file_remove(&a);
    temp_file_remove(&b);
}

static void expect_refused(struct bytes content, const char *expected) {
    struct temp_file file = temp_file_make(content);
    struct fitted fitted;
    struct model_origin origin;
    struct failure failure = model_file_load(file.path, &fitted, &origin);
    assert_true(failed(failure));
    assert_non_null(strstr(failure.text, expected));
    assert_null(fitted.memory);
    temp_file_remove(&file);
}

static void files_that_are_no_models(void **state) {
    (void)state;
    struct learn_run run = {0};
    struct temp_file model = saved_model(&run, "linear");
    struct buffer good = {0};
    read_bytes(model.path, &good);
    expect_refused(bytes_of(NULL, 0), "is not a model");
    expect_refused(bytes_of_text("a,b,c\n1,2,3\n"), "is not a model");
    for (size_t size = 8; size < good.size; size += size < 200 ? 1 : 997) {
        expect_refused(bytes_of(good.data, size), "truncated");
    }
    struct rng rng = rng_make(1, 0);
    for (int round = 0; round < 300; round++) { /* behind magic, format and size */
        size_t at = 24 + rng_below(&rng, good.size - 24);
        good.data[at] ^= (uint8_t)(1u << rng_below(&rng, 8));
        struct temp_file file = temp_file_make(buffer_bytes(&good));
        struct fitted fitted;
        struct model_origin origin;
        struct failure failure = model_file_load(file.path, &fitted, &origin);
        assert_non_null(strstr(failure.text, "damaged: its checksum does not fit"));
        temp_file_remove(&file);
        read_bytes(model.path, (buffer_clear(&good), &good));
    }
    good.data[8] = 2;
    expect_refused(buffer_bytes(&good), "a newer promostream wrote it: format 2, this one reads 1");
    buffer_clean_up(&good);
    learn_run_clean_up(&run);
    temp_file_remove(&model);
}

int main(void) {
    schemas_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_pass_learns),
        cmocka_unit_test(shuffled_labels_teach_nothing),
        cmocka_unit_test(held_out_parts),
        cmocka_unit_test(duplicates_are_left_out_of_training_alone),
        cmocka_unit_test(outliers_are_cut_and_flagged),
        cmocka_unit_test(failures_name_file_and_line),
        cmocka_unit_test(a_positive_that_is_never_there_is_named),
        cmocka_unit_test(bad_rows_can_be_skipped),
        cmocka_unit_test(decisions_are_judged_by_their_last_label),
        cmocka_unit_test(a_decision_is_in_one_part),
        cmocka_unit_test(models_come_back_bit_for_bit),
        cmocka_unit_test(the_same_rows_give_the_same_file),
        cmocka_unit_test(files_that_are_no_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
