/* target: exactly one way out, and options that belong together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "producer/target.h"

/* What is complained about, "" for nothing. The caller frees it. */
static char *complaint(const struct target_options *options) {
    char *text = NULL;
    size_t size = 0;
    FILE *errors = open_memstream(&text, &size);
    bool is_good = target_options_check(options, "clickfeed", errors);
    fclose(errors);
    assert_int_equal(is_good, size == 0);
    return text;
}

static void expect(struct target_options options, const char *needle) {
    char *text = complaint(&options);
    assert_non_null(strstr(text, needle));
    assert_int_equal(*needle == '\0', *text == '\0');
    free(text);
}

static void one_way_out(void **state) {
    (void)state;
    expect((struct target_options){.brokers = "b"}, "");
    expect((struct target_options){.output = "x.avro"}, "");
    expect((struct target_options){.is_dry_run = true}, "");
    expect((struct target_options){0}, "clickfeed: none of");
    expect((struct target_options){.brokers = "b", .is_dry_run = true}, "more than one of");
}

static void options_that_belong_together(void **state) {
    (void)state;
    struct target_options options = {.brokers = "b", .framing = WIRE_CONFLUENT};
    expect(options, "belong together");
    options.schema_id = 5;
    expect(options, "");
    options.framing = WIRE_BARE;
    expect(options, "belong together");
}

static void properties_are_pairs(void **state) {
    (void)state;
    struct target_options options = {.brokers = "b"};
    options.properties = (struct option_list){.items = {"a=b", "c="}, .count = 2};
    expect(options, "");
    options.properties = (struct option_list){.items = {"novalue"}, .count = 1};
    expect(options, "--property: found no name and =, expected NAME=VALUE");
    options.properties = (struct option_list){.items = {"=v"}, .count = 1};
    expect(options, "--property: found no name and =, expected NAME=VALUE");
    unsetenv("ABSENT");
    options.properties = (struct option_list){.items = {"sasl.password=${ABSENT}"}, .count = 1};
    expect(options, "clickfeed: --property sasl.password: found ${ABSENT} without such");
}

static void descriptions(void **state) {
    (void)state;
    char text[32];
    target_describe(&(struct target_options){.brokers = "b", .topic = "t"}, text, sizeof text);
    assert_string_equal(text, "topic t");
    target_describe(&(struct target_options){.output = "x.avro"}, text, sizeof text);
    assert_string_equal(text, "file x.avro");
    target_describe(&(struct target_options){.is_dry_run = true}, text, sizeof text);
    assert_string_equal(text, "nowhere (dry run)");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_way_out),
        cmocka_unit_test(options_that_belong_together),
        cmocka_unit_test(properties_are_pairs),
        cmocka_unit_test(descriptions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
