/* Presets: every message of a preset's sample, as JSON and, where it has a schema, as Avro of that
 * schema, becomes the event that presets.txt says. That file was written by hand from the samples:
 * a line an event, what is empty or missing left out,
 *
 *     preset type time field=text ... [item|category|brand|price|quantity] ...
 */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "consumer/commands/sample_file.h"
#include "consumer/ops/printable.h"
#include "schemas/avro_plan.h"
#include "schemas/json_event.h"
#include "tests/support/avro_message.h"

#define EXPECTED     "tests/golden/presets.txt"
#define MESSAGES_MAX 64

struct preset_test {
    const char *name;
    struct config *config;
    struct mapping_config section;
    struct mapping *mapping;
    struct json_event *json;
    struct writer_schema *schema; /* NULL = none */
    struct avro_plan *plan;
    struct mapping_scratch scratch;
    struct event_line lines[EVENT_LINES_MAX];
    struct buffer expected; /* whole file */
    const char *next;       /* its line that is compared next */
    size_t messages;
};

/* ---- An event as its line ---- */

static void append_text(struct buffer *out, const char *name, struct bytes text) {
    if (text.size > 0) {
        buffer_format(out, " %s=%.*s", name, BYTES_ARG(text));
    }
}

static void append_number(struct buffer *out, double number) {
    if (!isnan(number)) {
        buffer_format(out, "%.10g", number);
    }
}

static void append_event(struct buffer *out, const char *preset, const struct event *event) {
    buffer_format(out, "%s %s ", preset, event_type_name(event->type));
    printable_append_instant(out, event->event_ms);
    buffer_format(out, "+%03" PRId64, event->event_ms % 1000);
    const struct {
        const char *name;
        struct bytes text;
    } texts[] = {
        {"user", event->user_id},
        {"id", event->event_id},
        {"canonical", event->canonical_id},
        {"guest", event->guest_id},
        {"session", event->session_id},
        {"order", event->order_id},
        {"coupon", event->coupon},
        {"currency", event->currency},
        {"timezone", event->timezone},
        {"locale", event->locale},
        {"place", event->place},
        {"device", event->device},
        {"agent", event->user_agent},
        {"query", event->query},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        append_text(out, texts[i].name, texts[i].text);
    }
    if (!isnan(event->total)) {
        buffer_append(out, bytes_of_text(" total="));
        append_number(out, event->total);
    }
    if (event->consent != CONSENT_UNKNOWN) {
        buffer_format(out, " consent=%s", event->consent == CONSENT_DENIED ? "denied" : "granted");
    }
    for (size_t i = 0; i < event->line_count; i++) {
        const struct event_line *line = &event->lines[i];
        buffer_format(out, " [%.*s|%.*s|%.*s|", BYTES_ARG(line->item_id), BYTES_ARG(line->category),
                      BYTES_ARG(line->brand));
        append_number(out, line->price);
        buffer_format(out, "|%" PRId32 "]", line->quantity);
    }
}

/* ---- Comparison ---- */

static void compare(struct preset_test *test, const char *form, enum event_verdict verdict,
                    const struct event *event) {
    if (verdict != EVENT_OK) {
        fail_msg("%s, message %zu as %s: %s", test->name, test->messages + 1, form,
                 event_verdict_name(verdict));
    }
    struct buffer got = {0};
    append_event(&got, test->name, event);
    size_t size = strcspn(test->next, "\n");
    if (!bytes_equal(buffer_bytes(&got), bytes_of(test->next, size))) {
        fail_msg("message %zu as %s\ngot      %.*s\nexpected %.*s", test->messages + 1, form,
                 BYTES_ARG(buffer_bytes(&got)), (int)size, test->next);
    }
    buffer_clean_up(&got);
}

static void check_avro(struct preset_test *test, struct bytes line) {
    struct event event = {.lines = test->lines};
    struct buffer body = {0};
    json_t *message = json_loadb((const char *)line.data, line.size, 0, NULL);
    assert_non_null(message);
    avro_message_write(test->schema->root, message, &body);
    enum event_verdict verdict =
        avro_plan_decode(test->plan, buffer_bytes(&body), &test->scratch, &event);
    compare(test, "Avro", verdict, &event);
    buffer_clean_up(&body);
    json_decref(message);
}

static void check_line(void *context, struct bytes line) {
    struct preset_test *test = context;
    struct event event = {.lines = test->lines};
    compare(test, "JSON", json_event_decode(test->json, line, &test->scratch, &event), &event);
    if (test->schema) {
        check_avro(test, line);
    }
    test->messages++;
    test->next += strcspn(test->next, "\n") + 1;
}

/* ---- A preset ---- */

static void load_section(struct preset_test *test) {
    char path[128];
    snprintf(path, sizeof path, "schemas/presets/%s.yaml", test->name);
    const struct config_room room = {"mapping", &mapping_config_table, &test->section};
    struct failure failure = config_load_file(path, &room, 1, stderr, &test->config);
    assert_false(failed(failure));
    test->mapping = mapping_new(&test->section, stderr);
    assert_non_null(test->mapping);
    test->json = json_event_new(test->mapping);
}

static void load_schema(struct preset_test *test) {
    char path[128];
    struct buffer text = {0};
    snprintf(path, sizeof path, "schemas/presets/%s.avsc", test->name);
    struct failure failure = sample_file_read(path, WRITER_SCHEMA_BYTES_MAX, &text);
    assert_false(failed(failure));
    failure = writer_schema_parse(buffer_bytes(&text), &test->schema);
    assert_false(failed(failure));
    failure = avro_plan_new(test->schema, test->mapping, stderr, &test->plan);
    assert_false(failed(failure));
    buffer_clean_up(&text);
}

static void load_expected(struct preset_test *test) {
    struct failure failure = sample_file_read(EXPECTED, 1 << 20, &test->expected);
    assert_false(failed(failure));
    buffer_append_byte(&test->expected, 0);
    char start[64];
    snprintf(start, sizeof start, "\n%s ", test->name);
    test->next = strstr((const char *)test->expected.data, start);
    assert_non_null(test->next);
    test->next++;
}

static void check_preset(const char *name, bool has_schema) {
    struct preset_test *test = memory_new(1, sizeof *test);
    char path[128];
    test->name = name;
    load_section(test);
    load_expected(test);
    if (has_schema) {
        load_schema(test);
    }
    snprintf(path, sizeof path, "schemas/presets/%s.jsonl", name);
    struct failure failure = sample_file_lines(path, MESSAGES_MAX, check_line, test);
    assert_false(failed(failure));
    assert_true(test->messages >= 10);
    assert_true(strncmp(test->next, name, strlen(name)) != 0); /* no line is left over */
    avro_plan_destroy(test->plan);
    writer_schema_destroy(test->schema);
    json_event_destroy(test->json);
    mapping_destroy(test->mapping);
    config_destroy(test->config);
    buffer_clean_up(&test->expected);
    free(test);
}

static void test_segment(void **state) {
    (void)state;
    check_preset("segment", true);
}

static void test_ga4(void **state) {
    (void)state;
    check_preset("ga4", true);
}

static void test_snowplow(void **state) {
    (void)state;
    check_preset("snowplow", true);
}

static void test_google_retail(void **state) {
    (void)state;
    check_preset("google_retail", false);
}

/* The binary carries what stands in the files. */
static void test_embedded(void **state) {
    (void)state;
    size_t count = 0;
    for (const struct mapping_preset *preset = mapping_presets; preset->name; preset++) {
        char path[128];
        struct buffer text = {0};
        snprintf(path, sizeof path, "schemas/presets/%s.yaml", preset->name);
        struct failure failure = sample_file_read(path, 1 << 20, &text);
        assert_false(failed(failure));
        assert_true(bytes_equal(buffer_bytes(&text), bytes_of_text(preset->text)));
        buffer_clean_up(&text);
        count++;
    }
    assert_int_equal(count, 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_segment),  cmocka_unit_test(test_ga4),
        cmocka_unit_test(test_snowplow), cmocka_unit_test(test_google_retail),
        cmocka_unit_test(test_embedded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
