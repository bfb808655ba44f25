/* config_print: what is written loads again to the same, and holds no secret. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/support/config_probe.h"

static char *write_values(const struct config_table *table, void *target) {
    const struct config_room room = {"probe", table, target};
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    config_write_values(&room, 1, out);
    fclose(out);
    return text;
}

static const char full[] =
    "probe:\n"
    "  on: false\n"
    "  count: 3\n"
    "  share: 0.1\n"
    "  wait: 90m\n"
    "  memory: 6K\n"
    "  name: 'it is \"$${quoted}\" \\ $'\n"
    "  mode: observe\n"
    "  quiet: 21:05-07:00\n"
    "  start: 2026-11-01T08:00:00.250Z\n"
    "  properties: {client.id: a b, socket.timeout.ms: 5}\n"
    "  offers: [{id: ten, cost: 0.30000000000000004, kind: observe, tags: [x, '${y}']}, {id: b}]\n"
    "  inner: {label: deep}\n";

static void what_is_written_loads_again(void **state) {
    (void)state;
    struct probe probe = {0}, again = {0};
    struct config *config = probe_assert_loads(full, &probe);
    char *text = write_values(&probe_table, &probe);
    assert_non_null(strstr(text, "\n  on: false\n"));
    assert_non_null(strstr(text, "\n  wait: 90m\n"));
    assert_non_null(strstr(text, "\n  share: 0.1\n"));
    assert_non_null(strstr(text, "cost: 0.30000000000000004\n"));
    assert_non_null(strstr(text, "start: \"2026-11-01T08:00:00.250Z\"\n"));
    assert_non_null(strstr(text, "\n    \"client.id\": \"a b\"\n"));
    struct config *config_again = probe_assert_loads(text, &again);
    assert_string_equal(again.name, probe.name);
    assert_int_equal(again.start_ms, probe.start_ms);
    assert_int_equal(again.quiet.end_minute, probe.quiet.end_minute);
    assert_int_equal(again.offers.count, 2);
    char *text_again = write_values(&probe_table, &again);
    assert_string_equal(text_again, text);
    free(text_again);
    free(text);
    config_destroy(config_again);
    config_destroy(config);
}

static void defaults_load_again(void **state) {
    (void)state;
    struct probe probe = {0}, again = {0};
    struct config *config = probe_assert_loads("", &probe);
    char *text = write_values(&probe_table, &probe);
    struct config *config_again = probe_assert_loads(text, &again);
    char *text_again = write_values(&probe_table, &again);
    assert_string_equal(text_again, text);
    free(text_again);
    free(text);
    config_destroy(config_again);
    config_destroy(config);
}

static void properties_that_are_secret_by_name_are_masked(void **state) {
    (void)state;
    struct probe probe = {0};
    struct config *config = probe_assert_loads("probe:\n"
                                               "  properties:\n"
                                               "    sasl.username: anna\n"
                                               "    sasl.password: s3cret\n"
                                               "    SSL.Key.PEM: s3cret\n"
                                               "    sasl.jaas.config: user s3cret\n"
                                               "    ssl.key.location: /etc/key.pem\n",
                                               &probe);
    char *text = write_values(&probe_table, &probe);
    assert_null(strstr(text, "s3cret"));
    assert_non_null(strstr(text, "\"sasl.password\": \"***\"\n"));
    assert_non_null(strstr(text, "\"sasl.username\": \"anna\"\n"));
    assert_non_null(strstr(text, "\"ssl.key.location\": \"/etc/key.pem\"\n"));
    free(text);
    config_destroy(config);
}

static void keys_that_are_secret_are_masked(void **state) {
    (void)state;
    struct {
        const char *token, *open;
    } target = {"s3cret", "seen"};
    const struct config_key keys[] = {
        {.name = "token", .type = CONFIG_TEXT, .default_text = "", .is_secret = true},
        {.name = "open", .type = CONFIG_TEXT, .offset = sizeof(char *), .default_text = ""},
    };
    const struct config_table table = {keys, 2, sizeof target};
    char *text = write_values(&table, &target);
    assert_string_equal(text, "probe:\n  token: \"***\"\n  open: \"seen\"\n");
    free(text);
    target.token = "";
    text = write_values(&table, &target);
    assert_string_equal(text, "probe:\n  token: \"\"\n  open: \"seen\"\n");
    free(text);
}

static void names_say_what_is_secret(void **state) {
    (void)state;
    static const char *const secret[] = {
        "sasl.password",           "ssl.key.password", "ssl.key.pem",
        "ssl.keystore.password",   "sasl.jaas.config", "sasl.oauthbearer.client.secret",
        "sasl.oauthbearer.config", "my.access.token",  "SSL_KEY_PEM",
    };
    static const char *const open[] = {
        "sasl.username", "security.protocol", "ssl.key.location",     "ssl.ca.location",
        "linger.ms",     "client.id",         "ssl.keystore.location"};
    for (size_t i = 0; i < sizeof secret / sizeof secret[0]; i++) {
        assert_true(config_is_secret_name(secret[i]));
    }
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++) {
        assert_false(config_is_secret_name(open[i]));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_loads_again),
        cmocka_unit_test(defaults_load_again),
        cmocka_unit_test(properties_that_are_secret_by_name_are_masked),
        cmocka_unit_test(keys_that_are_secret_are_masked),
        cmocka_unit_test(names_say_what_is_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
