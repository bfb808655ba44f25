/* support: failures become the exit codes that a supervisor acts on; configuration errors are usage
 * errors. */
#include "consumer/commands/support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define LIBRDKAFKA_FENCED                (-144)
#define LIBRDKAFKA_TRANSPORT             (-195)
#define LIBRDKAFKA_MSG_TIMED_OUT         (-192)
#define KAFKA_FENCED_INSTANCE_ID         82
#define KAFKA_TOPIC_AUTHORIZATION_FAILED 29

static int exit_of(enum failure_action action, int code) {
    return command_exit_of(failure_make(action, code, "x"));
}

static void test_exit_codes(void **state) {
    (void)state;
    assert_int_equal(command_exit_of(failure_none()), COMMAND_OK);
    assert_int_equal(exit_of(FAILURE_STOP, 0), COMMAND_FAILED);
    assert_int_equal(exit_of(FAILURE_STOP, KAFKA_TOPIC_AUTHORIZATION_FAILED), COMMAND_REFUSED);
    assert_int_equal(exit_of(FAILURE_STOP, LIBRDKAFKA_FENCED), COMMAND_FENCED);
    assert_int_equal(exit_of(FAILURE_STOP, KAFKA_FENCED_INSTANCE_ID), COMMAND_FENCED);
    assert_int_equal(exit_of(FAILURE_RETRY, 0), COMMAND_UNREACHABLE);
    assert_int_equal(exit_of(FAILURE_STOP, LIBRDKAFKA_TRANSPORT), COMMAND_UNREACHABLE);
    assert_int_equal(exit_of(FAILURE_STOP, LIBRDKAFKA_MSG_TIMED_OUT), COMMAND_UNREACHABLE);
}

/* Scripts rely on the numbers. */
static void test_numbers(void **state) {
    (void)state;
    assert_int_equal(COMMAND_OK, 0);
    assert_int_equal(COMMAND_FAILED, 1);
    assert_int_equal(COMMAND_USAGE, 2);
    assert_int_equal(COMMAND_UNREACHABLE, 3);
    assert_int_equal(COMMAND_FENCED, 4);
    assert_int_equal(COMMAND_REFUSED, 6);
    assert_non_null(strstr(command_exit_status, " 4  stopped by a twin"));
}

static void test_config(void **state) {
    (void)state;
    struct pipeline_config config;
    assert_int_equal(command_load_config("test", "tests/no_such_file.yaml", &config),
                     COMMAND_USAGE);
    assert_int_equal(command_load_config("test", "pipeline.yaml", &config), COMMAND_OK);
    pipeline_config_clean_up(&config);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exit_codes),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_config),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
