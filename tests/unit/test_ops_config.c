/* ops_config: secrets that could not be told from a guess are refused, without being repeated. */
#include "consumer/ops/ops_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect(const char *token, const char *key, const char *expected) {
    char *text = NULL;
    size_t size = 0;
    FILE *errors = open_memstream(&text, &size);
    struct ops_config config = {.http_token = token, .pseudonym_key = key};
    size_t count = ops_config_check(&config, errors);
    fclose(errors);
    assert_string_equal(text, expected);
    assert_int_equal(count, expected[0] != '\0');
    free(text);
}

static void test_secrets(void **state) {
    (void)state;
    expect("", "", "");
    expect("0123456789abcdef", "0123456789abcdef", "");
    expect("s3cret", "", "ops.http_token: found 6 characters, expected at least 16\n");
    expect("", "s3cret", "ops.pseudonym_key: found 6 characters, expected at least 16\n");
    const char *blank =
        "ops.http_token: found a blank or a character beyond ASCII, expected none\n";
    expect("0123456789 abcdef", "", blank);
    expect("0123456789\nabcdef", "", blank);
    expect("0123456789abcd\xc3\xa9", "", blank);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_secrets)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
