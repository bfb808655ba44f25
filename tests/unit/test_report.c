/* report: the same values as text and as JSON that a foreign parser takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/report.h"

static void fill(struct report *report, const void *context) {
    report_text(report, "name", context);
    report_begin_group(report, "by_reason");
    report_integer(report, "bad_time", -3);
    report_integer(report, "bad_price", INT64_MAX);
    report_end_group(report);
    report_begin_group(report, "empty");
    report_end_group(report);
    report_number(report, "per_second", 12.34);
    report_flag(report, "is_sorted", true);
    report_time(report, "first_event", 1000);
    report_time(report, "last_event", INT64_MIN);
    report_json(report, "raw", bytes_of_text("[1, {\"a\": null}]"));
}

static char *written(enum report_form form, const char *name) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    struct report report;
    report_init(&report, form);
    fill(&report, name);
    assert_true(report_write(&report, out));
    report_clean_up(&report);
    fclose(out);
    return text;
}

static void as_json(void **state) {
    (void)state;
    const char *hard = "quo\"te \\ new\nline \x01 caf\xC3\xA9";
    char *text = written(REPORT_JSON, hard);
    json_error_t error;
    json_t *root = json_loads(text, 0, &error);
    assert_non_null(root);
    assert_string_equal(json_string_value(json_object_get(root, "name")), hard);
    json_t *group = json_object_get(root, "by_reason");
    assert_int_equal(json_integer_value(json_object_get(group, "bad_time")), -3);
    assert_int_equal(json_integer_value(json_object_get(group, "bad_price")), INT64_MAX);
    assert_int_equal(json_object_size(json_object_get(root, "empty")), 0);
    assert_true(json_is_true(json_object_get(root, "is_sorted")));
    assert_string_equal(json_string_value(json_object_get(root, "first_event")),
                        "1970-01-01T00:00:01.000Z");
    assert_true(json_is_null(json_object_get(root, "last_event")));
    assert_int_equal(json_array_size(json_object_get(root, "raw")), 2);
    assert_int_equal(json_object_size(root), 8);
    json_decref(root);
    free(text);
}

static void as_text(void **state) {
    (void)state;
    char *text = written(REPORT_TEXT, "shop");
    assert_string_equal(text, "  name                     shop\n"
                              "  by reason                \n"
                              "    bad_time               -3\n"
                              "    bad_price              9223372036854775807\n"
                              "  empty                    \n"
                              "  per second               12.3\n"
                              "  is sorted                yes\n"
                              "  first event              1970-01-01T00:00:01.000Z\n"
                              "  last event               none\n");
    free(text);
}

static void a_full_disk_is_told(void **state) {
    (void)state;
    struct report report;
    report_init(&report, REPORT_JSON);
    fill(&report, "x");
    FILE *full = fopen("/dev/full", "w");
    assert_non_null(full);
    assert_false(report_write(&report, full));
    fclose(full);
    report_clean_up(&report);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_json),
        cmocka_unit_test(as_text),
        cmocka_unit_test(a_full_disk_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
