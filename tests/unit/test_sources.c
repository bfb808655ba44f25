/* Which of format, framing, schema, mapping and registry go together, and that each way of finding
 * a writer's schema leads to events. */
#include "consumer/sources.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "schemas/canonical.h"
#include "schemas/wire.h"

#define NESTED "tests/data/strangers/nested.avsc"
#define MAPPED "mapping: {type: {path: t}, event_ms: {path: m}}\n"

static void assert_refused(const char *yaml, const char *said) {
    struct pipeline_config config;
    char *text = NULL;
    size_t size = 0;
    FILE *errors = open_memstream(&text, &size);
    struct failure failure = pipeline_config_load_text("test", yaml, strlen(yaml), errors, &config);
    fclose(errors);
    assert_true(failed(failure));
    if (!strstr(text, said)) {
        fail_msg("said '%s', expected '%s'", text, said);
    }
    free(text);
}

static void test_what_does_not_go_together(void **state) {
    (void)state;
    assert_refused("decode: {format: json, framing: bare}\n", "decode.format: found json");
    assert_refused("decode: {format: json}\n" MAPPED, "decode.framing: found single_object");
    assert_refused("decode: {framing: bare}\n" MAPPED, "test: decode.schema: found ''");
    assert_refused("decode: {framing: confluent}\n" MAPPED, "registry.url or registry.folder");
    assert_refused(MAPPED, "registry.folder");
    assert_refused("registry: {url: http://h:1}\n" MAPPED, "registry.folder");
    assert_refused("registry: {url: 'ftp://h'}\n", "registry.url");
    assert_refused("registry: {register_outputs: true}\n", "registry.register_outputs");
    assert_refused("decode: {framing: bare, schema: x}\nmapping: {type: {path: t}}\n",
                   "mapping.event_ms.path");
}

struct fixture {
    struct pipeline_config config;
    struct sources sources;
    struct decode decode;
};

static struct fixture *open_with(const char *yaml) {
    struct fixture *fixture = memory_new(1, sizeof *fixture);
    struct failure failure =
        pipeline_config_load_text("test", yaml, strlen(yaml), stderr, &fixture->config);
    assert_false(failed(failure));
    failure = sources_open(&fixture->config, NULL, &fixture->sources);
    if (failed(failure)) {
        fail_msg("%s", failure.text);
    }
    decode_init(&fixture->decode, &fixture->config.decode, &fixture->sources.decode);
    return fixture;
}

static void close_all(struct fixture *fixture) {
    decode_clean_up(&fixture->decode);
    sources_close(&fixture->sources);
    pipeline_config_clean_up(&fixture->config);
    free(fixture);
}

/* An event in the words of an event.avsc of long ago: other order, fewer fields, one that we never
 * had. */
static const char old_schema[] =
    "{\"type\":\"record\",\"name\":\"event\",\"namespace\":\"promostream\",\"fields\":["
    "{\"name\":\"user_id\",\"type\":\"string\"},{\"name\":\"mood\",\"type\":\"double\"},"
    "{\"name\":\"event_ms\",\"type\":\"long\"},{\"name\":\"type\",\"type\":{\"type\":\"enum\","
    "\"name\":\"event_type\",\"symbols\":[\"other\",\"order_completed\",\"danced\"]}}]}";

static void write_old(struct buffer *out, int type) {
    wire_write_bytes(out, bytes_of_text("anna"));
    wire_write_double(out, .5);
    wire_write_long(out, 1767225600000);
    wire_write_long(out, type);
}

static void assert_anna(struct fixture *fixture, bool is_feedback, struct buffer *value,
                        enum event_type type) {
    struct event event;
    assert_true(decode_is_ready(&fixture->decode, is_feedback, buffer_bytes(value)) ||
                sources_wait(&fixture->decode, is_feedback, buffer_bytes(value), 5000));
    assert_int_equal(decode_record(&fixture->decode, 0, is_feedback, buffer_bytes(value), &event),
                     EVENT_OK);
    assert_true(bytes_equal(event.user_id, bytes_of_text("anna")));
    assert_true(event.event_ms == 1767225600000);
    assert_int_equal(event.type, type);
}

/* A folder of its own for each test. */
static char *new_folder(void) {
    char *folder = strdup("/tmp/promostream-sources-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return folder;
}

static void write_file(const char *folder, const char *name, const char *text) {
    char path[300];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void remove_folder(char *folder, const char *name) {
    char path[300];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(remove(path), 0);
    assert_int_equal(remove(folder), 0);
    free(folder);
}

/* Our own schema changes like anybody's: an older version is read by its id, on both inputs. */
static void test_other_versions_of_our_own_schema(void **state) {
    (void)state;
    char *folder = new_folder(), yaml[400];
    write_file(folder, "7.avsc", old_schema);
    snprintf(yaml, sizeof yaml,
             "decode: {framing: confluent, feedback_framing: single_object}\n"
             "registry: {folder: %s}\n",
             folder);
    struct fixture *fixture = open_with(yaml);
    struct buffer value = {0}, canonical = {0};
    wire_frame(WIRE_CONFLUENT, SCHEMA_EVENT, 7, &value);
    write_old(&value, 1);
    assert_anna(fixture, false, &value, EVENT_ORDER_COMPLETED);
    value.data[value.size - 1] = 4; /* danced */
    assert_anna(fixture, false, &value, EVENT_OTHER);
    buffer_clear(&value);
    assert_true(canonical_schema(bytes_of_text(old_schema), &canonical));
    uint64_t fingerprint = canonical_fingerprint(buffer_bytes(&canonical));
    buffer_append(&value, bytes_of("\xc3\x01", 2));
    for (int i = 0; i < 8; i++) {
        buffer_append_byte(&value, (uint8_t)(fingerprint >> (8 * i)));
    }
    write_old(&value, 1);
    assert_anna(fixture, true, &value, EVENT_ORDER_COMPLETED);
    struct event event;
    value.data[2] ^= 1; /* nobody's fingerprint */
    assert_int_equal(decode_record(&fixture->decode, 0, true, buffer_bytes(&value), &event),
                     EVENT_UNKNOWN_SCHEMA);
    assert_int_equal(metric_get(&fixture->decode.metrics.schemas), 2); /* one per input */
    assert_int_equal(metric_get(&fixture->decode.metrics.unknown_schema_total), 1);
    buffer_clean_up(&value);
    buffer_clean_up(&canonical);
    close_all(fixture);
    remove_folder(folder, "7.avsc");
}

/* A file in place of a registry, for each framing. */
static void test_a_file_is_the_schema(void **state) {
    (void)state;
    char *folder = new_folder(), yaml[500];
    write_file(folder, "old.avsc", old_schema);
    static const char *const framings[] = {"bare", "confluent, schema_id: 9", "confluent"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(yaml, sizeof yaml,
                 "decode: {framing: %s, schema: %s/old.avsc}\n"
                 "mapping: {type: {path: type}, event_ms: {path: event_ms}, user_id: {path: "
                 "user_id}}\n",
                 framings[i], folder);
        struct fixture *fixture = open_with(yaml);
        struct buffer value = {0};
        if (i > 0) {
            wire_frame(WIRE_CONFLUENT, SCHEMA_EVENT, 9, &value);
        }
        write_old(&value, 1);
        assert_anna(fixture, false, &value, EVENT_ORDER_COMPLETED);
        if (i > 0) { /* another id is taken where any is */
            struct event event;
            value.data[4] = 8;
            assert_int_equal(
                decode_record(&fixture->decode, 0, false, buffer_bytes(&value), &event),
                i == 1 ? EVENT_BAD_FRAMING : EVENT_OK);
        }
        buffer_clean_up(&value);
        close_all(fixture);
    }
    remove_folder(folder, "old.avsc");
}

static void test_a_schema_that_cannot_be_used(void **state) {
    (void)state;
    static const struct {
        const char *yaml, *said;
    } rows[] = {
        {"decode: {framing: bare, schema: /nowhere/x.avsc}\n" MAPPED, "/nowhere/x.avsc"},
        {"decode: {framing: bare, schema: tests/data/strangers/nested.yaml}\n" MAPPED,
         "tests/data/strangers/nested.yaml"},
    };
    for (size_t i = 0; i < 2; i++) {
        struct pipeline_config config;
        struct sources sources;
        struct failure failure =
            pipeline_config_load_text("test", rows[i].yaml, strlen(rows[i].yaml), stderr, &config);
        assert_false(failed(failure));
        failure = sources_open(&config, NULL, &sources);
        assert_int_equal(failure.action, FAILURE_STOP);
        assert_non_null(strstr(failure.text, rows[i].said));
        pipeline_config_clean_up(&config);
    }
}

/* A mapping that finds no time in a schema: its records are dead letters, the others go on. */
static void test_a_mapping_that_does_not_fit(void **state) {
    (void)state;
    struct fixture *fixture = open_with("decode: {framing: bare, schema: " NESTED "}\n" MAPPED);
    struct event event;
    assert_int_equal(decode_record(&fixture->decode, 0, false, bytes_of_text("anything"), &event),
                     EVENT_UNKNOWN_SCHEMA);
    close_all(fixture);
}

static int set_up(void **state) {
    (void)state;
    schemas_init();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_does_not_go_together),
        cmocka_unit_test(test_other_versions_of_our_own_schema),
        cmocka_unit_test(test_a_file_is_the_schema),
        cmocka_unit_test(test_a_schema_that_cannot_be_used),
        cmocka_unit_test(test_a_mapping_that_does_not_fit),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
