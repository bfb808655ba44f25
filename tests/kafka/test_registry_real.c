/* registry, on a real one (Apicurio, PROMOSTREAM_REGISTRY): what it calls missing, refused, Avro
 * and a reference is what we take for it. */
#include "schemas/registry.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "schemas/registry_http.h"
#include "tests/support/registry_fixture.h"

static struct registry_fixture fixture; /* without a server of its own */
static char subject[64];

static uint32_t post(const char *name, const char *body) {
    struct registry_http *http = registry_http_new(&fixture.config);
    char path[160];
    snprintf(path, sizeof path, "/subjects/%s-%s/versions", subject, name);
    struct registry_reply reply;
    registry_http_post(http, path, body, &reply);
    if (reply.kind != REPLY_OK) {
        fail_msg("%s", reply.text);
    }
    uint32_t id = (uint32_t)json_integer_value(json_object_get(reply.json, "id"));
    registry_reply_clean_up(&reply);
    registry_http_destroy(http);
    return id;
}

static void test_register_and_get(void **state) {
    (void)state;
    const char *text = "{\"type\":\"record\",\"name\":\"A\",\"fields\":[]}";
    uint32_t id = 0, again = 0, newest = 0;
    assert_false(failed(registry_register(&fixture.config, subject, text, &id)));
    assert_false(failed(registry_register(&fixture.config, subject, text, &again)));
    assert_int_equal(again, id);
    char *found = NULL;
    assert_false(failed(registry_get_subject(&fixture.config, subject, &newest, &found)));
    assert_int_equal(newest, id);
    assert_string_equal(found, text);
    free(found);
    struct failure failure = registry_register(&fixture.config, subject, "{nonsense", &id);
    assert_int_equal(failure.action, FAILURE_STOP);
    assert_int_equal(failure.code, 422);
    failure = registry_get_subject(&fixture.config, "never registered", &newest, &found);
    assert_int_equal(failure.action, FAILURE_STOP);
    assert_int_equal(failure.code, 404);
}

static void test_find(void **state) {
    (void)state;
    uint32_t proto = post("proto", "{\"schemaType\":\"PROTOBUF\",\"schema\":\"syntax = "
                                   "\\\"proto3\\\"; message A { int32 a = 1; }\"}");
    post("line", "{\"schema\":\"{\\\"type\\\":\\\"record\\\",\\\"name\\\":\\\"shop.Line\\\","
                 "\\\"fields\\\":[{\\\"name\\\":\\\"sku\\\",\\\"type\\\":\\\"string\\\"}]}\"}");
    char body[400];
    snprintf(body, sizeof body,
             "{\"schema\":\"{\\\"type\\\":\\\"record\\\",\\\"name\\\":\\\"Order\\\",\\\"fields\\\":"
             "[{\\\"name\\\":\\\"line\\\",\\\"type\\\":\\\"shop.Line\\\"}]}\",\"references\":"
             "[{\"name\":\"shop.Line\",\"subject\":\"%s-line\",\"version\":1}]}",
             subject);
    uint32_t order = post("order", body);
    struct registry *registry = fixture_start(&fixture);
    const struct writer_schema *schema = fixture_find(registry, order, REGISTRY_FOUND);
    assert_int_equal(schema->record_count, 2);
    assert_int_equal(schema->root->fields[0].type->fields[0].type->type, WRITER_STRING);
    fixture_find(registry, proto, REGISTRY_REFUSED);
    fixture_find(registry, 2000000000, REGISTRY_UNKNOWN);
    char trouble[240];
    registry_trouble(registry, trouble, sizeof trouble);
    assert_string_equal(trouble, "");
    assert_has(fixture_end(&fixture), "found schemaType PROTOBUF, expected AVRO");
    free(fixture.log_text);
}

/* The same over TLS; a certificate that is not trusted says so. */
static void test_tls(void **state) {
    const char *url = getenv("PROMOSTREAM_REGISTRY_TLS");
    const char *certificate = getenv("PROMOSTREAM_REGISTRY_CA");
    if (!url || !certificate) {
        printf("skipped: PROMOSTREAM_REGISTRY_TLS and PROMOSTREAM_REGISTRY_CA are not set\n");
        return;
    }
    struct registry_config clear = fixture.config;
    fixture.config.url = url;
    uint32_t id = 0;
    struct failure failure = registry_register(&fixture.config, subject, "\"string\"", &id);
    assert_true(failed(failure));
    assert_has(failure.text, "certificate");
    fixture.config.ca_file = certificate;
    test_register_and_get(state);
    fixture.config = clear;
}

int main(void) {
    const char *url = getenv("PROMOSTREAM_REGISTRY");
    if (!url) {
        printf("skipped: PROMOSTREAM_REGISTRY is not set (tests/run.sh starts a real one)\n");
        return 77;
    }
    fixture.config = (struct registry_config){.url = url,
                                              .folder = "",
                                              .user = "",
                                              .password = "",
                                              .ca_file = "",
                                              .cert_file = "",
                                              .key_file = "",
                                              .timeout_ms = 10000,
                                              .retry_min_ms = 100,
                                              .retry_max_ms = 1000};
    snprintf(subject, sizeof subject, "test-%" PRId64, clock_monotonic_ns());
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_register_and_get),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
