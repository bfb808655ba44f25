/* leak: a column that was filled in after the event is named by the report; honest columns, values
 * that never repeat, and labels that are too few are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "consumer/learn/learner_choice.h"
#include "consumer/learn/run.h"
#include "schemas/schemas.h"
#include "tests/support/silent_listener.h"
#include "tests/support/temp_file.h"

/* x moves the label. Canaries: `paid` has a value where it was bought, `state` says how it ended
 * (once in 500 rows it is wrong), `left` falls with it. */
static struct temp_file visits(int count, double base_rate, bool is_shuffled) {
    struct rng rng = rng_make(11, 0);
    struct buffer text = {0};
    buffer_format(&text, "x,visit,source,paid,state,left,bought\n");
    for (int i = 0; i < count; i++) {
        double x = rng_normal(&rng);
        bool label = rng_unit(&rng) < base_rate * exp(x - 0.5);
        bool known = is_shuffled ? rng_unit(&rng) < base_rate : label;
        bool state = known ^ (rng_below(&rng, 500) == 0);
        buffer_format(&text, "%.4f,v%d,s%d,", x, i, (int)rng_below(&rng, 5));
        if (known) {
            buffer_format(&text, "%.2f", 10 + 90 * rng_unit(&rng));
        }
        buffer_format(&text, ",%s,%.3f,%d\n",
                      state                ? "delivered"
                      : rng_below(&rng, 2) ? ""
                                           : "open",
                      (known ? -3 : 0) + rng_unit(&rng), label);
    }
    struct temp_file file = temp_file_make(buffer_bytes(&text));
    buffer_clean_up(&text);
    return file;
}

static void learn(const struct temp_file *file, const char *test, struct learn_run *run) {
    struct learner_choice choice;
    struct learner_request request = {0};
    struct failure failure = learner_choice_make(&request, &choice);
    assert_string_equal(failure.text, "");
    const struct learn_plan plan = {
        .source = {.path = file->path, .row_bytes_max = 4096},
        .columns = {.task = -1, .categorical = "visit,source,state", .numeric = "x,paid,left"},
        .kind = choice.kind,
        .options = choice.options,
        .passes = 1,
        .test = test,
        .is_progressive = true,
        .memory_max = 64 << 20,
        .threshold = 0.5};
    *run = (struct learn_run){0};
    failure = learn_run(&plan, &silent_listener, run);
    assert_string_equal(failure.text, "");
    learner_choice_clean_up(&choice);
}

static void expect_leaks(int count, double base_rate, bool is_shuffled, const char *test,
                         const char *expected) {
    struct temp_file file = visits(count, base_rate, is_shuffled);
    struct learn_run run;
    learn(&file, test, &run);
    char names[200] = "";
    for (size_t i = 0; i < run.report.leak_count; i++) {
        assert_true(run.report.leaks[i].auc >= LEAK_AUC && run.report.leaks[i].auc <= 1);
        strcat(strcat(names, run.report.leaks[i].column), " ");
    }
    assert_string_equal(names, expected);
    learn_run_clean_up(&run);
    temp_file_remove(&file);
}

static void canaries_are_named(void **state) {
    (void)state;
    expect_leaks(4000, 0.1, false, NULL, "paid left state ");
    expect_leaks(4000, 0.1, false, "0.5", "paid left state "); /* rows in memory */
    expect_leaks(20000, 0.01, false, NULL, "paid left state ");
}

static void others_are_not(void **state) {
    (void)state;
    expect_leaks(4000, 0.1, true, NULL, "");
    expect_leaks(100, 0.1, false, NULL, ""); /* too few who buy */
}

static void the_report_asks(void **state) {
    (void)state;
    struct temp_file file = visits(2000, 0.2, false);
    struct learn_run run;
    learn(&file, NULL, &run);
    struct buffer text = {0}, json = {0};
    report_write_text(&run.report, &text);
    report_write_json(&run.report, &json);
    buffer_append_byte(&text, 0);
    buffer_append_byte(&json, 0);
    assert_non_null(strstr((char *)text.data, "warning: column \"paid\" alone predicts the label "
                                              "(AUC 1.0000): does it know the future?\n"));
    assert_non_null(strstr((char *)json.data, ",\"leaks\":[{\"column\":\"paid\",\"auc\":1},{"));
    buffer_clean_up(&text);
    buffer_clean_up(&json);
    learn_run_clean_up(&run);
    temp_file_remove(&file);
}

int main(void) {
    schemas_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canaries_are_named),
        cmocka_unit_test(others_are_not),
        cmocka_unit_test(the_report_asks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
