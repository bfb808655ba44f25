/* registry_fetch: the calls that wait, for commands and starts, say what went wrong and whether it
 * is worth another try. */
#include "schemas/registry_fetch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/registry_fixture.h"

static void test_register(void **state) {
    struct registry_fixture *fixture = *state;
    registry_server_set(fixture->server, "POST /subjects/a/b-value/versions", 200, "{\"id\":41}");
    uint32_t id = 0;
    struct failure failure =
        registry_register(&fixture->config, "a/b-value", RECORD_TEXT("A", "x"), &id);
    assert_false(failed(failure));
    assert_int_equal(id, 41);
    json_t *posted = json_loads(registry_server_posted(fixture->server), 0, NULL);
    assert_string_equal(json_string_value(json_object_get(posted, "schema")),
                        RECORD_TEXT("A", "x"));
    json_decref(posted);
}

static void test_register_is_refused(void **state) {
    struct registry_fixture *fixture = *state;
    uint32_t id = 0;
    registry_server_set(fixture->server, "POST /subjects/s/versions", 409,
                        "{\"error_code\":409,\"message\":\"Schema being registered is "
                        "incompatible with an earlier schema\"}");
    struct failure failure = registry_register(&fixture->config, "s", "\"string\"", &id);
    assert_int_equal(failure.action, FAILURE_STOP);
    assert_int_equal(failure.code, 409);
    assert_has(failure.text, "409: Schema being registered is incompatible");
    registry_server_set_mode(fixture->server, SERVER_FAILS);
    failure = registry_register(&fixture->config, "s", "\"string\"", &id);
    assert_int_equal(failure.action, FAILURE_RETRY);
    registry_server_set_mode(fixture->server, SERVER_HANGS);
    fixture->config.timeout_ms = 50;
    failure = registry_register(&fixture->config, "s", "\"string\"", &id);
    assert_int_equal(failure.action, FAILURE_RETRY);
}

static void test_get_subject(void **state) {
    struct registry_fixture *fixture = *state;
    registry_server_set(fixture->server, "GET /subjects/clicks-value/versions/latest", 200,
                        "{\"subject\":\"clicks-value\",\"id\":3000000000,\"version\":2,"
                        "\"schema\":\"{ \\\"type\\\" : \\\"long\\\" }\"}");
    uint32_t id = 0;
    char *text = NULL;
    struct failure failure = registry_get_subject(&fixture->config, "clicks-value", &id, &text);
    assert_false(failed(failure));
    assert_int_equal(id, 3000000000U);
    assert_string_equal(text, "{ \"type\" : \"long\" }"); /* byte for byte */
    free(text);
    failure = registry_get_subject(&fixture->config, "none", &id, &text);
    assert_int_equal(failure.action, FAILURE_STOP);
    assert_null(text);
}

static void test_get_id(void **state) {
    struct registry_fixture *fixture = *state;
    registry_server_set_schema(fixture->server, 6, "\"bytes\"");
    char *text = NULL;
    struct failure failure = registry_get_id(&fixture->config, 6, &text);
    assert_false(failed(failure));
    assert_string_equal(text, "\"bytes\"");
    free(text);
    failure = registry_get_id(&fixture->config, 7, &text);
    assert_int_equal(failure.action, FAILURE_STOP);
    assert_int_equal(failure.code, 404);
    assert_has(failure.text, "Schema not found");
    registry_server_set(fixture->server, "GET /schemas/ids/8", 200, "{\"schema\":");
    failure = registry_get_id(&fixture->config, 8, &text);
    assert_has(failure.text, "not JSON");
    fixture->config.url = "http://127.0.0.1:1";
    failure = registry_get_id(&fixture->config, 6, &text);
    assert_int_equal(failure.action, FAILURE_RETRY);
    assert_null(text);
}

/* A denied one is for a person to mend. */
static void test_denied(void **state) {
    struct registry_fixture *fixture = *state;
    registry_server_stop(fixture->server);
    fixture->server = registry_server_start(0, "shop", "right", NULL, NULL);
    fixture_point_at_server(fixture, "http");
    registry_server_set_schema(fixture->server, 6, "\"bytes\"");
    char *text = NULL;
    struct failure failure = registry_get_id(&fixture->config, 6, &text);
    assert_int_equal(failure.action, FAILURE_STOP);
    assert_int_equal(failure.code, 401);
    fixture->config.user = "shop";
    fixture->config.password = "right";
    failure = registry_get_id(&fixture->config, 6, &text);
    assert_false(failed(failure));
    free(text);
}

/* References that refer to each other, or to too many, end. */
static void test_endless_references(void **state) {
    struct registry_fixture *fixture = *state;
    registry_server_set(fixture->server, "GET /schemas/ids/1", 200,
                        "{\"schema\":\"[\\\"A\\\"]\",\"references\":[{\"name\":\"A\",\"subject\":"
                        "\"a\",\"version\":1}]}");
    registry_server_set(fixture->server, "GET /subjects/a/versions/1", 200,
                        "{\"schema\":\"{\\\"type\\\":\\\"record\\\",\\\"name\\\":\\\"A\\\","
                        "\\\"fields\\\":[{\\\"name\\\":\\\"b\\\",\\\"type\\\":[\\\"null\\\","
                        "\\\"A\\\"]}]}\",\"references\":[{\"name\":\"A\",\"subject\":\"a\","
                        "\"version\":1}]}");
    char *text = NULL;
    struct failure failure = registry_get_id(&fixture->config, 1, &text);
    assert_false(failed(failure));
    assert_int_equal(count_of(text, "record"), 1);
    assert_int_equal(registry_server_requests(fixture->server), 2);
    free(text);
    struct buffer body = {0};
    buffer_format(&body, "{\"schema\":\"[]\",\"references\":[");
    for (int i = 0; i < 65; i++) {
        buffer_format(&body, "%s{\"name\":\"A%d\",\"subject\":\"many\",\"version\":1}",
                      i ? "," : "", i);
    }
    buffer_format(&body, "]}");
    buffer_append_byte(&body, 0);
    registry_server_set(fixture->server, "GET /schemas/ids/2", 200, (const char *)body.data);
    buffer_clean_up(&body);
    registry_server_set(fixture->server, "GET /subjects/many/versions/1", 200,
                        "{\"schema\":\"\\\"string\\\"\"}");
    failure = registry_get_id(&fixture->config, 2, &text);
    assert_int_equal(failure.action, FAILURE_STOP);
    assert_has(failure.text, "more than 64 references");
}

int main(void) {
    setenv("no_proxy", "*", 1);
    const struct CMUnitTest tests[] = {
        REGISTRY_TEST(test_register),    REGISTRY_TEST(test_register_is_refused),
        REGISTRY_TEST(test_get_subject), REGISTRY_TEST(test_get_id),
        REGISTRY_TEST(test_denied),      REGISTRY_TEST(test_endless_references),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
