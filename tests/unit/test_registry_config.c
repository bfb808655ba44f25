/* registry_config: section `registry`, its defaults, and what is refused without showing a secret.
 */
#include "schemas/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* The errors of a section's text, to be freed by the caller; "" if there are none. */
static char *errors_of(const char *text, struct registry_config *config) {
    char *errors = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&errors, &size);
    const struct config_room room = {"registry", &registry_config_table, config};
    struct config *loaded = NULL;
    struct failure failure =
        config_load_text("t.yaml", text, strlen(text), &room, 1, file, &loaded);
    assert_false(failed(failure));
    size_t count = registry_config_check(config, file);
    fclose(file);
    size_t lines = 0;
    for (const char *c = errors; *c; c++) {
        lines += *c == '\n';
    }
    assert_int_equal(lines, count);
    config_destroy(loaded);
    return errors;
}

static void test_defaults(void **state) {
    (void)state;
    struct registry_config config;
    char *errors = errors_of("registry: {}\n", &config);
    assert_string_equal(errors, "");
    assert_int_equal(config.timeout_ms, 2000);
    assert_int_equal(config.retry_min_ms, 200);
    assert_int_equal(config.retry_max_ms, 30000);
    assert_false(config.register_outputs);
    free(errors);
}

static void test_refused(void **state) {
    (void)state;
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"{url: 'registry:8081'}", "registry.url: found registry:8081, expected http://HOST"},
        {"{url: 'ftp://registry'}", "registry.url: found ftp://registry, "},
        {"{url: 'http://registry?a=b'}", "registry.url: found a ? or # in it, "},
        {"{url: 'http://registry?key=s3cret'}", "registry.url: found a ? or # in it, "},
        {"{url: 'http://me:s3cret@registry'}", "registry.url: found a user or password in it"},
        {"{url: 'http://r', password: s3cret}", "registry.user: found '', expected a user"},
        {"{url: 'https://r', key_file: /dev/null}", "registry.cert_file: found ''"},
        {"{url: 'https://r', ca_file: /none.pem}", "registry.ca_file: found /none.pem, "},
        {"{url: 'http://r', retry_min: 2s, retry_max: 1s}", "registry.retry_min: found more than"},
        {"{register_outputs: true}", "registry.url: found '', expected a registry"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[200];
        snprintf(text, sizeof text, "registry: %s\n", cases[i].text);
        struct registry_config config;
        char *errors = errors_of(text, &config);
        if (strncmp(errors, cases[i].error, strlen(cases[i].error)) != 0) {
            fail_msg("found '%s', expected '%s'", errors, cases[i].error);
        }
        assert_null(strstr(errors, "s3cret"));
        free(errors);
    }
}

static void test_accepted(void **state) {
    (void)state;
    struct registry_config config;
    char *errors = errors_of("registry: {url: 'https://r:8081/apis/ccompat/v7', user: u, password:"
                             " p, cert_file: /dev/null, register_outputs: true}\n",
                             &config);
    assert_string_equal(errors, "");
    free(errors);
}

static void test_is_given(void **state) {
    (void)state;
    assert_false(registry_is_given(&(struct registry_config){.url = "", .folder = ""}));
    assert_true(registry_is_given(&(struct registry_config){.url = "http://r", .folder = ""}));
    assert_true(registry_is_given(&(struct registry_config){.url = "", .folder = "schemas"}));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_is_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
