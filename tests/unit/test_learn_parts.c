/* run, report: groups that a time cuts through, a run that is stopped, slices of strange names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <jansson.h>

#include "consumer/learn/learner_choice.h"
#include "consumer/learn/run.h"
#include "tests/support/silent_listener.h"
#include "tests/support/temp_file.h"

static struct learn_plan plan_make(const char *path, struct learner_choice *choice) {
    struct learner_request request = {.learner = "linear"};
    struct failure failure = learner_choice_make(&request, choice);
    assert_string_equal(failure.text, "");
    return (struct learn_plan){.source = {.path = path, .row_bytes_max = 4096},
                               .columns = {.task = -1},
                               .kind = choice->kind,
                               .options = choice->options,
                               .passes = 1,
                               .memory_max = 64 << 20,
                               .threshold = 0.5};
}

static int64_t rows_of(const struct learn_run *run, enum report_part part) {
    assert_non_null(run->report.parts[part]);
    return run->report.parts[part]->whole.n;
}

/* A time cuts through users: who was learned from does not judge, unless nobody asked for groups.
 */
static void a_time_holds_out_new_groups(void **state) {
    (void)state;
    struct buffer text = {0};
    buffer_format(&text, "x,user,day,y\n");
    for (int i = 0; i < 300;
         i++) { /* 30 days: five new users each, and from the second five of old */
        int day = i / 10, user = i % 10 < 5 || day == 0 ? 10 * day + i % 10 : i % 10;
        buffer_format(&text, "%d,u%d,2026-11-%02dT00:00:00Z,%d\n", i % 7, user, day + 1,
                      i % 3 == 0);
    }
    struct temp_file file = temp_file_make(buffer_bytes(&text));
    for (int has_group = 0; has_group < 2; has_group++) {
        struct learner_choice choice;
        struct learn_plan plan = plan_make(file.path, &choice);
        struct learn_run run = {0};
        plan.columns.group = has_group ? "user" : NULL;
        plan.columns.time = "day";
        plan.valid = "after:2026-11-11";
        plan.test = "after:2026-11-21";
        struct failure failure = learn_run(&plan, &silent_listener, &run);
        assert_string_equal(failure.text, "");
        assert_int_equal(rows_of(&run, REPORT_TRAIN), 100);
        assert_int_equal(rows_of(&run, REPORT_VALID), has_group ? 50 : 100);
        assert_int_equal(rows_of(&run, REPORT_TEST), has_group ? 50 : 100);
        assert_int_equal(run.report.of_known_groups, has_group ? 100 : 0);
        learn_run_clean_up(&run);
        learner_choice_clean_up(&choice);
    }
    temp_file_remove(&file);
    buffer_clean_up(&text);
}

static bool stop_at_once(void *context, const struct training_moment *moment) {
    (void)context;
    (void)moment;
    return false;
}

/* In one pass over a stream, and in several: the report tells. */
static void a_run_that_was_stopped_says_so(void **state) {
    (void)state;
    struct buffer rows = {0};
    buffer_format(&rows, "x,y\n");
    for (int i = 0; i < 20000; i++) {
        buffer_format(&rows, "%d,%d\n", i % 77, i % 3 == 0);
    }
    struct temp_file file = temp_file_make(buffer_bytes(&rows));
    for (int64_t passes = 1; passes <= 3; passes += 2) {
        struct learner_choice choice;
        struct learn_plan plan = plan_make(file.path, &choice);
        struct run_listener listener = silent_listener;
        struct learn_run run = {0};
        struct buffer text = {0};
        listener.on_moment = stop_at_once;
        plan.passes = passes;
        struct failure failure = learn_run(&plan, &listener, &run);
        assert_string_equal(failure.text, "");
        assert_true(run.report.learned < 20000);
        report_write_text(&run.report, &text);
        buffer_append_byte(&text, 0);
        assert_non_null(strstr((const char *)text.data, "stopped by a signal in pass 1, after "));
        text.size = 0;
        report_write_json(&run.report, &text);
        buffer_append_byte(&text, 0);
        assert_non_null(strstr((const char *)text.data, "\"is_stopped\":true,"));
        buffer_clean_up(&text);
        learn_run_clean_up(&run);
        learner_choice_clean_up(&choice);
    }
    temp_file_remove(&file);
    buffer_clean_up(&rows);
}

/* No UTF-8, and what drives a terminal: visible in the text, JSON for any parser. */
static void slices_of_strange_names(void **state) {
    (void)state;
    struct temp_file file =
        temp_file_of_text("x,c,y\n1,caf\xe9,0\n2,\x1b[31m,1\n3,caf\xe9,1\n4,plain,0\n");
    struct learner_choice choice;
    struct learn_plan plan = plan_make(file.path, &choice);
    struct learn_run run = {0};
    struct buffer text = {0};
    plan.slice = "c";
    plan.is_progressive = true;
    struct failure failure = learn_run(&plan, &silent_listener, &run);
    assert_string_equal(failure.text, "");
    report_write_text(&run.report, &text);
    columns_write(&run.fitted.columns, &text);
    buffer_append_byte(&text, 0);
    assert_non_null(strstr((const char *)text.data, "\ncaf\\xe9 "));
    assert_null(strchr((const char *)text.data, 0x1b));
    text.size = 0;
    report_write_json(&run.report, &text);
    json_t *root = json_loadb((const char *)text.data, text.size, 0, NULL);
    json_t *slices = json_object_get(json_object_get(root, "progressive"), "slices");
    assert_int_equal(json_object_size(slices), 3);
    assert_non_null(json_object_get(slices, "caf\xef\xbf\xbd"));
    json_decref(root);
    buffer_clean_up(&text);
    learn_run_clean_up(&run);
    learner_choice_clean_up(&choice);
    temp_file_remove(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_holds_out_new_groups),
        cmocka_unit_test(a_run_that_was_stopped_says_so),
        cmocka_unit_test(slices_of_strange_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
