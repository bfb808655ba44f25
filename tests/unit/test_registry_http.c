/* registry_http: what each kind of answer means, and that a request ends when it is told to. */
#include "schemas/registry_http.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "tests/support/registry_fixture.h"

static void test_answers(void **state) {
    struct registry_fixture *fixture = *state;
    static const struct {
        int status;
        const char *body;
        enum registry_reply_kind kind;
        const char *text;
    } cases[] = {
        {200, "{\"a\":1}", REPLY_OK, ""},
        {200, "<html>", REPLY_FAILED, "the answer is not JSON"},
        {200, "", REPLY_FAILED, "the answer is not JSON"},
        {200, "{\"schema\":\"a\",\"schema\":\"b\"}", REPLY_FAILED, "the answer is not JSON"},
        {404, "{\"error_code\":40401,\"message\":\"Subject\"}", REPLY_MISSING, "404: Subject"},
        {404, "{\"error_code\":40403}", REPLY_MISSING, "path of the url"},
        {404, "{\"error_code\":404,\"message\":\"HTTP 404\"}", REPLY_FAILED, "404: HTTP 404"},
        {404, "nothing here", REPLY_FAILED, "is the path of the url right?"},
        {409, "{\"error_code\":409,\"message\":\"not so\"}", REPLY_REFUSED, "409: not so"},
        {422, "{\"error_code\":42201,\"message\":\"no Avro\"}", REPLY_REFUSED, "422: no Avro"},
        {401, "", REPLY_FAILED, "401: no reason given"},
        {403, "[]", REPLY_FAILED, "403: no reason given"},
        {500, "{\"message\":\"a\\nb\\u001bc\"}", REPLY_FAILED, "500: a b c"}, /* printable */
        {204, "", REPLY_FAILED, "204: no reason given"},
    };
    struct registry_http *http = registry_http_new(&fixture->config);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        registry_server_set(fixture->server, "GET /x", cases[i].status, cases[i].body);
        struct registry_reply reply;
        registry_http_get(http, "/x", &reply);
        if (reply.kind != cases[i].kind || reply.status != cases[i].status) {
            fail_msg("case %zu: found kind %d, status %ld: %s", i, reply.kind, reply.status,
                     reply.text);
        }
        assert_has(reply.text, cases[i].text);
        assert_int_equal(reply.json != NULL, cases[i].kind == REPLY_OK);
        registry_reply_clean_up(&reply);
        registry_reply_clean_up(&reply);
    }
    assert_int_equal(registry_http_requests(http), sizeof cases / sizeof cases[0]);
    registry_http_destroy(http);
}

static void test_no_answer(void **state) {
    struct registry_fixture *fixture = *state;
    registry_server_set(fixture->server, "GET /schemas/ids/1", 200, "{}"); /* not gone to */
    static const struct {
        enum server_mode mode;
        long status;
    } cases[] = {{SERVER_HANGS_UP, 0}, {SERVER_REDIRECTS, 302}, {SERVER_BUSY, 429}};
    struct registry_http *http = registry_http_new(&fixture->config);
    struct registry_reply reply;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        registry_server_set_mode(fixture->server, cases[i].mode);
        registry_http_get(http, "/x", &reply);
        assert_int_equal(reply.kind, REPLY_FAILED);
        assert_int_equal(reply.status, cases[i].status);
        assert_has(reply.text, fixture->url);
    }
    registry_server_set_mode(fixture->server, SERVER_ANSWERS);
    registry_http_get(http, "/schemas/ids/1", &reply); /* works again */
    assert_int_equal(reply.kind, REPLY_OK);
    registry_reply_clean_up(&reply);
    registry_http_destroy(http);
}

/* One handle for both, and a slash at the url's end is no second one. */
static void test_get_and_post(void **state) {
    struct registry_fixture *fixture = *state;
    snprintf(fixture->url + strlen(fixture->url), 3, "//");
    registry_server_set(fixture->server, "GET /a/b c", 200, "{\"got\":1}");
    registry_server_set(fixture->server, "POST /a/b c", 200, "{\"put\":1}");
    struct registry_http *http = registry_http_new(&fixture->config);
    char *name = registry_http_escape("b c");
    char path[32];
    snprintf(path, sizeof path, "/a/%s", name);
    free(name);
    for (int i = 0; i < 2; i++) {
        struct registry_reply reply;
        registry_http_get(http, path, &reply);
        assert_non_null(json_object_get(reply.json, "got"));
        registry_reply_clean_up(&reply);
        registry_http_post(http, path, i ? "{}" : "{\"schema\":\"x\"}", &reply);
        assert_non_null(json_object_get(reply.json, "put"));
        registry_reply_clean_up(&reply);
        assert_string_equal(registry_server_posted(fixture->server),
                            i ? "{}" : "{\"schema\":\"x\"}");
    }
    registry_http_destroy(http);
}

static void test_escape(void **state) {
    (void)state;
    char *escaped = registry_http_escape("a/b c?d=%\xc3\xa9#.-_~");
    assert_string_equal(escaped, "a%2Fb%20c%3Fd%3D%25%C3%A9%23.-_~");
    free(escaped);
}

static void *cancel_it(void *context) {
    struct registry_fixture *fixture = ((void **)context)[0];
    registry_server_wait_requests(fixture->server, 1);
    registry_http_cancel(((void **)context)[1]);
    return NULL;
}

static void test_cancel(void **state) {
    struct registry_fixture *fixture = *state;
    fixture->config.timeout_ms = 60000;
    registry_server_set_mode(fixture->server, SERVER_HANGS);
    struct registry_http *http = registry_http_new(&fixture->config);
    void *both[] = {fixture, http};
    pthread_t other;
    assert_int_equal(pthread_create(&other, NULL, cancel_it, both), 0);
    struct registry_reply reply;
    int64_t start_ns = clock_monotonic_ns();
    registry_http_get(http, "/x", &reply);
    assert_true(clock_monotonic_ns() - start_ns < 1000000000);
    assert_int_equal(reply.kind, REPLY_FAILED);
    registry_http_get(http, "/x", &reply); /* and all later ones */
    assert_int_equal(reply.kind, REPLY_FAILED);
    assert_int_equal(registry_server_requests(fixture->server), 1);
    pthread_join(other, NULL);
    registry_http_destroy(http);
}

int main(void) {
    setenv("no_proxy", "*", 1);
    const struct CMUnitTest tests[] = {
        REGISTRY_TEST(test_answers),      REGISTRY_TEST(test_no_answer),
        REGISTRY_TEST(test_get_and_post), cmocka_unit_test(test_escape),
        REGISTRY_TEST(test_cancel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
