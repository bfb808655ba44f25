/* registry: what is known is answered at once, what is not is fetched behind the caller's back; a
 * registry that is down, slow, lying or full of rubbish costs waiting, never more. */
#include "schemas/registry.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "schemas/canonical.h"
#include "tests/support/registry_fixture.h"

/* ---- found, unknown, refused ---- */

static void test_found(void **state) {
    struct registry_fixture *fixture = *state;
    registry_server_set_schema(fixture->server, 7, RECORD_TEXT("Click", "a"));
    struct registry *registry = fixture_start(fixture);
    const struct writer_schema *schema = NULL;
    assert_int_equal(registry_find(registry, 7, &schema), REGISTRY_WAIT);
    assert_null(schema);
    schema = fixture_find(registry, 7, REGISTRY_FOUND);
    assert_int_equal(schema->root->type, WRITER_RECORD);
    assert_memory_equal(schema->root->name.data, "Click", 5);
    int requests = registry_server_requests(fixture->server);
    assert_int_equal(requests, 1);
    const struct writer_schema *again = NULL;
    assert_int_equal(registry_find(registry, 7, &again), REGISTRY_FOUND);
    assert_ptr_equal(again, schema);
    const struct registry_metrics *metrics = registry_metrics_of(registry);
    assert_int_equal(metric_get(&metrics->requests_total), 1);
    assert_int_equal(metric_get(&metrics->failures_total), 0);
    assert_int_equal(metric_get(&metrics->schemas), 1);
    assert_int_equal(metric_get(&metrics->waiting), 0);
}

static void test_registered_later(void **state) {
    struct registry_fixture *fixture = *state;
    struct registry *registry = fixture_start(fixture);
    fixture_find(registry, 8, REGISTRY_UNKNOWN);
    registry_server_set_schema(fixture->server, 8, RECORD_TEXT("Late", "a"));
    fixture_find(registry, 8, REGISTRY_FOUND);
    assert_true(metric_get(&registry_metrics_of(registry)->unknown_total) >= 1);
    char trouble[100];
    registry_trouble(registry, trouble, sizeof trouble);
    assert_string_equal(trouble, "");
}

/* Within retry_max an unknown id costs no second request. */
static void test_unknown_is_kept(void **state) {
    struct registry_fixture *fixture = *state;
    fixture->config.retry_max_ms = 3600000;
    struct registry *registry = fixture_start(fixture);
    fixture_find(registry, 8, REGISTRY_UNKNOWN);
    const struct writer_schema *schema;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(registry_find(registry, 8, &schema), REGISTRY_UNKNOWN);
    }
    fixture_find(registry, 9, REGISTRY_UNKNOWN);
    assert_int_equal(registry_server_requests(fixture->server), 2);
}

static void test_refused(void **state) {
    struct registry_fixture *fixture = *state;
    registry_server_set_schema(fixture->server, 1, "{\"type\": \"record\", \"name\": \"R\"}");
    registry_server_set(fixture->server, "GET /schemas/ids/2", 200,
                        "{\"schemaType\":\"PROTOBUF\",\"schema\":\"syntax = \\\"proto3\\\";\"}");
    struct registry *registry = fixture_start(fixture);
    fixture_find(registry, 1, REGISTRY_REFUSED);
    fixture_find(registry, 2, REGISTRY_REFUSED);
    assert_int_equal(metric_get(&registry_metrics_of(registry)->refused_total), 2);
    const char *log = fixture_end(fixture);
    assert_has(log, "id=1: ");
    assert_has(log, "id=2: found schemaType PROTOBUF, expected AVRO");
}

/* A web server that is no registry gives 404 too; that must not pass for unknown ids. */
static void test_wrong_path(void **state) {
    struct registry_fixture *fixture = *state;
    registry_server_set(fixture->server, "GET /schemas/ids/5", 404, "<html>not found</html>");
    struct registry *registry = fixture_start(fixture);
    fixture_await_trouble(registry, "is the path of the url right?");
    const struct writer_schema *schema;
    assert_int_equal(registry_find(registry, 5, &schema), REGISTRY_WAIT);
}

/* ---- failures ---- */

static void test_outage_and_recovery(void **state) {
    struct registry_fixture *fixture = *state;
    registry_server_set_schema(fixture->server, 1, "\"string\"");
    registry_server_set_schema(fixture->server, 2, "\"long\"");
    struct registry *registry = fixture_start(fixture);
    fixture_find(registry, 1, REGISTRY_FOUND);
    const enum server_mode modes[] = {SERVER_FAILS, SERVER_BUSY, SERVER_HANGS_UP, SERVER_REDIRECTS};
    const char *const reasons[] = {"500: store is down", "429: ", "mpty reply", "302: "};
    const struct writer_schema *schema;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        registry_server_set_mode(fixture->server, modes[i]);
        assert_int_equal(registry_find(registry, 2, &schema), REGISTRY_WAIT);
        fixture_await_trouble(registry, reasons[i]);
        assert_int_equal(registry_find(registry, 1, &schema), REGISTRY_FOUND);
    }
    assert_true(metric_get(&registry_metrics_of(registry)->failures_total) >= 4);
    registry_server_set_mode(fixture->server, SERVER_ANSWERS);
    fixture_find(registry, 2, REGISTRY_FOUND);
    char trouble[100];
    registry_trouble(registry, trouble, sizeof trouble);
    assert_string_equal(trouble, "");
    const char *log = fixture_end(fixture);
    assert_int_equal(count_of(log, "no answer, tried again later"), 1); /* not one per attempt */
    assert_int_equal(count_of(log, "answers again"), 1);
}

static void test_no_server(void **state) {
    struct registry_fixture *fixture = *state;
    uint16_t port = registry_server_port(fixture->server);
    registry_server_stop(fixture->server);
    fixture->server = NULL;
    struct registry *registry = fixture_start(fixture);
    const struct writer_schema *schema;
    assert_int_equal(registry_find(registry, 3, &schema), REGISTRY_WAIT);
    fixture_await_trouble(registry, "connect");
    fixture->server = registry_server_start(port, NULL, NULL, NULL, NULL);
    registry_server_set_schema(fixture->server, 3, "\"int\"");
    fixture_find(registry, 3, REGISTRY_FOUND);
}

/* One id whose request always fails does not keep others from being fetched. */
static void test_one_bad_id(void **state) {
    struct registry_fixture *fixture = *state;
    registry_server_set(fixture->server, "GET /schemas/ids/666", 500, "");
    struct registry *registry = fixture_start(fixture);
    const struct writer_schema *schema;
    assert_int_equal(registry_find(registry, 666, &schema), REGISTRY_WAIT);
    for (uint32_t id = 1; id <= 20; id++) {
        registry_server_set_schema(fixture->server, id, "\"string\"");
        fixture_find(registry, id, REGISTRY_FOUND);
    }
    assert_int_equal(registry_find(registry, 666, &schema), REGISTRY_WAIT);
}

/* Back-off: the time of a long outage costs few requests. */
static void test_back_off(void **state) {
    struct registry_fixture *fixture = *state;
    fixture->config.retry_min_ms = 20;
    fixture->config.retry_max_ms = 3600000;
    registry_server_set_mode(fixture->server, SERVER_FAILS);
    struct registry *registry = fixture_start(fixture);
    const struct writer_schema *schema;
    int64_t start_ns = clock_monotonic_ns();
    for (uint32_t id = 1; id <= 500; id++) {
        assert_int_equal(registry_find(registry, id, &schema), REGISTRY_WAIT);
    }
    /* Requests come at 0, 20, 60, 140, 300 ms after the first one: never earlier. */
    assert_true(registry_server_wait_requests(fixture->server, 5));
    int64_t passed_ms = (clock_monotonic_ns() - start_ns) / 1000000;
    if (passed_ms < 300 - 5) { /* milliseconds are cut, five times */
        fail_msg("found 5 requests after %d ms", (int)passed_ms);
    }
    assert_int_equal(metric_get(&registry_metrics_of(registry)->waiting), 500);
}

static void test_slow_server_blocks_nobody(void **state) {
    struct registry_fixture *fixture = *state;
    registry_server_set_schema(fixture->server, 1, "\"string\"");
    struct registry *registry = fixture_start(fixture);
    fixture_find(registry, 1, REGISTRY_FOUND);
    registry_server_set_mode(fixture->server, SERVER_HANGS);
    const struct writer_schema *schema;
    assert_int_equal(registry_find(registry, 2, &schema), REGISTRY_WAIT);
    assert_true(registry_server_wait_requests(fixture->server, 2));
    int64_t start_ns = clock_monotonic_ns();
    for (uint32_t id = 100; id < 600; id++) {
        assert_int_equal(registry_find(registry, id, &schema), REGISTRY_WAIT);
        assert_int_equal(registry_find(registry, 1, &schema), REGISTRY_FOUND);
    }
    /* All of it within the one request that still hangs. */
    assert_int_equal(registry_server_requests(fixture->server), 2);
    assert_true((clock_monotonic_ns() - start_ns) / 1000000 < fixture->config.timeout_ms);
}

static void test_timeout(void **state) {
    struct registry_fixture *fixture = *state;
    fixture->config.timeout_ms = 50;
    registry_server_set_mode(fixture->server, SERVER_HANGS);
    struct registry *registry = fixture_start(fixture);
    const struct writer_schema *schema;
    assert_int_equal(registry_find(registry, 2, &schema), REGISTRY_WAIT);
    fixture_await_trouble(registry, "imed out");
}

static void test_destroy_while_it_hangs(void **state) {
    struct registry_fixture *fixture = *state;
    fixture->config.timeout_ms = 60000;
    registry_server_set_mode(fixture->server, SERVER_HANGS);
    struct registry *registry = fixture_start(fixture);
    const struct writer_schema *schema;
    assert_int_equal(registry_find(registry, 2, &schema), REGISTRY_WAIT);
    assert_true(registry_server_wait_requests(fixture->server, 1));
    int64_t start_ns = clock_monotonic_ns();
    fixture_end(fixture);
    assert_true(clock_monotonic_ns() - start_ns < 1000000000);
}

static void test_too_long_an_answer(void **state) {
    struct registry_fixture *fixture = *state;
    size_t size = 3 << 20;
    char *body = memory_new(size + 1, 1);
    memset(body, ' ', size);
    registry_server_set(fixture->server, "GET /schemas/ids/4", 200, body);
    free(body);
    struct registry *registry = fixture_start(fixture);
    fixture_await_trouble_of(registry, 4, "more than 2 MiB");
}

/* A stream of made-up ids: memory stays bounded, and the registry is not hammered. */
static void test_random_ids(void **state) {
    struct registry_fixture *fixture = *state;
    fixture->config.retry_max_ms = 3600000;
    struct registry *registry = fixture_start(fixture);
    const struct writer_schema *schema;
    int64_t start_ns = clock_monotonic_ns();
    for (uint32_t id = 0; id < 100000; id++) {
        assert_int_not_equal(registry_find(registry, id * 2654435761U, &schema), REGISTRY_FOUND);
        assert_true(metric_get(&registry_metrics_of(registry)->waiting) <= 1000);
    }
    assert_true(registry_server_wait_requests(fixture->server, 60));
    int64_t passed_ms = (clock_monotonic_ns() - start_ns) / 1000000;
    /* A burst of 50, then one per 20 ms. */
    assert_true(registry_server_requests(fixture->server) <= 52 + passed_ms / 20 + 5);
    assert_true(passed_ms >= 150);
}

/* ---- references ---- */

static void test_references(void **state) {
    struct registry_fixture *fixture = *state;
    registry_server_set(
        fixture->server, "GET /schemas/ids/10", 200,
        "{\"schema\":\"{\\\"type\\\":\\\"record\\\",\\\"name\\\":\\\"Order\\\",\\\"namespace\\\":"
        "\\\"shop\\\",\\\"fields\\\":[{\\\"name\\\":\\\"lines\\\",\\\"type\\\":{\\\"type\\\":"
        "\\\"array\\\",\\\"items\\\":\\\"shop.Line\\\"}},{\\\"name\\\":\\\"gift\\\",\\\"type\\\":"
        "[\\\"null\\\",\\\"Line\\\"]}]}\",\"references\":[{\"name\":\"shop.Line\",\"subject\":"
        "\"a line/1\",\"version\":3}]}");
    registry_server_set(
        fixture->server, "GET /subjects/a line/1/versions/3", 200,
        "{\"subject\":\"a "
        "line/1\",\"version\":3,\"id\":9,\"schema\":\"{\\\"type\\\":\\\"record\\\","
        "\\\"name\\\":\\\"shop.Line\\\",\\\"fields\\\":[{\\\"name\\\":\\\"money\\\",\\\"type\\\":"
        "\\\"Money\\\"}]}\",\"references\":[{\"name\":\"Money\",\"subject\":\"m\",\"version\":1}]"
        "}");
    registry_server_set(fixture->server, "GET /subjects/m/versions/1", 200,
                        "{\"subject\":\"m\",\"version\":1,\"id\":8,\"schema\":\"{\\\"type\\\":"
                        "\\\"record\\\",\\\"name\\\":\\\"Money\\\",\\\"fields\\\":[{\\\"name\\\":"
                        "\\\"cents\\\",\\\"type\\\":\\\"long\\\"}]}\"}");
    struct registry *registry = fixture_start(fixture);
    const struct writer_schema *schema = fixture_find(registry, 10, REGISTRY_FOUND);
    assert_int_equal(schema->record_count, 3);
    const struct writer_node *line = schema->root->fields[0].type->items;
    assert_memory_equal(line->name.data, "shop.Line", 9);
    assert_ptr_equal(schema->root->fields[1].type->branches[1], line);
    const struct writer_node *money = line->fields[0].type;
    assert_int_equal(money->name.size, 5); /* not shop.Money */
    assert_int_equal(money->fields[0].type->type, WRITER_LONG);
    assert_int_equal(metric_get(&registry_metrics_of(registry)->requests_total), 3);
}

static void test_reference_is_missing(void **state) {
    struct registry_fixture *fixture = *state;
    registry_server_set(fixture->server, "GET /schemas/ids/10", 200,
                        "{\"schema\":\"[\\\"null\\\",\\\"A\\\"]\",\"references\":[{\"name\":\"A\","
                        "\"subject\":\"a\",\"version\":1}]}");
    struct registry *registry = fixture_start(fixture);
    fixture_find(registry, 10, REGISTRY_UNKNOWN);
    registry_server_set(fixture->server, "GET /subjects/a/versions/1", 200,
                        "{\"schema\":\"{\\\"type\\\":\\\"fixed\\\",\\\"name\\\":\\\"A\\\","
                        "\\\"size\\\":2}\"}");
    const struct writer_schema *schema = fixture_find(registry, 10, REGISTRY_FOUND);
    assert_int_equal(schema->root->branches[1]->size, 2);
}

/* ---- who we are ---- */

static void test_password(void **state) {
    struct registry_fixture *fixture = *state;
    registry_server_stop(fixture->server);
    fixture->server = registry_server_start(0, "shop", "s3cret-one", NULL, NULL);
    fixture_point_at_server(fixture, "http");
    registry_server_set_schema(fixture->server, 1, "\"string\"");
    fixture->config.user = "shop";
    fixture->config.password = "s3cret-two";
    struct registry *registry = fixture_start(fixture);
    fixture_await_trouble(registry, "401: Unauthorized");
    const struct writer_schema *schema;
    assert_int_equal(registry_find(registry, 5, &schema), REGISTRY_WAIT);
    assert_null(strstr(fixture_end(fixture), "s3cret"));
    fixture->config.password = "s3cret-one";
    registry = fixture_start(fixture);
    fixture_find(registry, 1, REGISTRY_FOUND);
    assert_null(strstr(fixture_end(fixture), "s3cret"));
}

static void test_tls(void **state) {
    struct registry_fixture *fixture = *state;
    char *key = NULL, *certificate = NULL;
    if (!fixture_make_certificate(fixture, &key, &certificate)) {
        print_message("skipped: no openssl command\n");
        skip();
    }
    registry_server_stop(fixture->server);
    fixture->server = registry_server_start(0, NULL, NULL, key, certificate);
    if (!fixture->server) {
        print_message("skipped: this libmicrohttpd has no TLS\n");
        free(key), free(certificate);
        skip();
    }
    fixture_point_at_server(fixture, "https");
    registry_server_set_schema(fixture->server, 1, "\"string\"");
    struct registry *registry = fixture_start(fixture);
    fixture_await_trouble_of(registry, 1, "certificate");
    fixture_end(fixture);
    assert_int_equal(registry_server_requests(fixture->server), 0);
    fixture->config.ca_file = fixture->certificate_path;
    registry = fixture_start(fixture);
    fixture_find(registry, 1, REGISTRY_FOUND);
    fixture_end(fixture);
    /* The right certificate under another name is refused too: it is localhost's. */
    fixture->url[strlen("https://")] = '\0';
    snprintf(fixture->url, sizeof fixture->url, "https://127.0.0.1:%u",
             (unsigned)registry_server_port(fixture->server));
    registry = fixture_start(fixture);
    fixture_await_trouble_of(registry, 1, "127.0.0.1");
    fixture_end(fixture);
    registry_server_stop(fixture->server);
    fixture->server = NULL;
    free(key), free(certificate);
}

/* ---- the folder ---- */

static void test_folder_only(void **state) {
    struct registry_fixture *fixture = *state;
    fixture->config.url = "";
    fixture->config.folder = fixture_folder(fixture);
    fixture_write(fixture, "12.avsc", RECORD_TEXT("A", "x"));
    fixture_write(fixture, "named.avsc", RECORD_TEXT("B", "y"));
    fixture_write(fixture, "broken.avsc", "{");
    struct registry *registry = fixture_start(fixture);
    const struct writer_schema *schema = NULL;
    assert_int_equal(registry_find(registry, 12, &schema), REGISTRY_FOUND);
    assert_memory_equal(schema->root->name.data, "A", 1);
    assert_int_equal(fixture_find_text(registry, RECORD_TEXT("A", "x")), REGISTRY_FOUND);
    assert_int_equal(fixture_find_text(registry, RECORD_TEXT("B", "y")), REGISTRY_FOUND);
    fixture_find(registry, 13, REGISTRY_UNKNOWN);
    fixture_write(fixture, "13.avsc", RECORD_TEXT("C", "z"));
    fixture_find(registry, 13, REGISTRY_FOUND);
    assert_int_equal(metric_get(&registry_metrics_of(registry)->requests_total), 0);
    assert_has(fixture_end(fixture), "broken.avsc");
}

static void test_folder_gets_a_fingerprint_later(void **state) {
    struct registry_fixture *fixture = *state;
    fixture->config.url = "";
    fixture->config.folder = fixture_folder(fixture);
    struct registry *registry = fixture_start(fixture);
    fixture_await_text(registry, RECORD_TEXT("D", "z"), REGISTRY_UNKNOWN);
    fixture_write(fixture, "late.avsc", RECORD_TEXT("D", "z"));
    fixture_await_text(registry, RECORD_TEXT("D", "z"), REGISTRY_FOUND);
}

static void test_restart_without_server(void **state) {
    struct registry_fixture *fixture = *state;
    fixture->config.folder = fixture_folder(fixture);
    registry_server_set_schema(fixture->server, 21, RECORD_TEXT("A", "x"));
    struct registry *registry = fixture_start(fixture);
    fixture_find(registry, 21, REGISTRY_FOUND);
    fixture_end(fixture);
    DIR *folder = opendir(fixture->config.folder);
    size_t files = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        files += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    }
    closedir(folder);
    assert_int_equal(files, 1); /* no temporary one is left */
    registry_server_stop(fixture->server);
    fixture->server = NULL;
    registry = fixture_start(fixture);
    const struct writer_schema *schema = NULL;
    assert_int_equal(registry_find(registry, 21, &schema), REGISTRY_FOUND);
    assert_int_equal(fixture_find_text(registry, RECORD_TEXT("A", "x")), REGISTRY_FOUND);
    assert_int_equal(registry_find(registry, 22, &schema), REGISTRY_WAIT);
}

/* A file that is no schema does not stand in the registry's way; it is replaced. */
static void test_broken_file_and_registry(void **state) {
    struct registry_fixture *fixture = *state;
    fixture->config.folder = fixture_folder(fixture);
    fixture_write(fixture, "5.avsc", "{\"type\": ");
    registry_server_set_schema(fixture->server, 5, "\"string\"");
    fixture_find(fixture_start(fixture), 5, REGISTRY_FOUND);
    fixture_end(fixture);
    const struct writer_schema *schema;
    assert_int_equal(registry_find(fixture_start(fixture), 5, &schema), REGISTRY_FOUND);
    assert_int_equal(registry_server_requests(fixture->server), 1);
}

/* In an outage a person may put the file there by hand. */
static void test_file_in_an_outage(void **state) {
    struct registry_fixture *fixture = *state;
    fixture->config.folder = fixture_folder(fixture);
    registry_server_set_mode(fixture->server, SERVER_FAILS);
    struct registry *registry = fixture_start(fixture);
    fixture_await_trouble(registry, "500: ");
    fixture_write(fixture, "5.avsc", "\"int\"");
    fixture_find(registry, 5, REGISTRY_FOUND);
}

static void test_no_folder(void **state) {
    struct registry_fixture *fixture = *state;
    fixture->config.folder = "/nonexistent/schemas";
    struct registry *registry = NULL;
    struct failure failure = registry_new(&fixture->config, &fixture->log, &registry);
    assert_int_equal(failure.action, FAILURE_STOP);
    assert_has(failure.text, "/nonexistent/schemas");
    assert_null(registry);
}

int main(void) {
    setenv("no_proxy", "*", 1);
    const struct CMUnitTest tests[] = {
        REGISTRY_TEST(test_found),
        REGISTRY_TEST(test_registered_later),
        REGISTRY_TEST(test_unknown_is_kept),
        REGISTRY_TEST(test_refused),
        REGISTRY_TEST(test_wrong_path),
        REGISTRY_TEST(test_outage_and_recovery),
        REGISTRY_TEST(test_no_server),
        REGISTRY_TEST(test_one_bad_id),
        REGISTRY_TEST(test_back_off),
        REGISTRY_TEST(test_slow_server_blocks_nobody),
        REGISTRY_TEST(test_timeout),
        REGISTRY_TEST(test_destroy_while_it_hangs),
        REGISTRY_TEST(test_too_long_an_answer),
        REGISTRY_TEST(test_random_ids),
        REGISTRY_TEST(test_references),
        REGISTRY_TEST(test_reference_is_missing),
        REGISTRY_TEST(test_password),
        REGISTRY_TEST(test_tls),
        REGISTRY_TEST(test_folder_only),
        REGISTRY_TEST(test_folder_gets_a_fingerprint_later),
        REGISTRY_TEST(test_restart_without_server),
        REGISTRY_TEST(test_broken_file_and_registry),
        REGISTRY_TEST(test_file_in_an_outage),
        REGISTRY_TEST(test_no_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
