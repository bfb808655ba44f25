/* config_bind: every type from the file and from its default; every way of being wrong with its
 * exact words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/support/config_probe.h"

static void absent_keys_take_defaults(void **state) {
    (void)state;
    static const char *const texts[] = {"",         "# nothing\n", "---\n...\n",
                                        "probe:\n", "probe: ~",    "probe: {offers: }\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct probe probe = {.count = -1};
        struct config *config = probe_assert_loads(texts[i], &probe);
        assert_true(probe.on);
        assert_int_equal(probe.count, 7);
        assert_float_equal(probe.share, 0.25, 0);
        assert_int_equal(probe.wait_ms, 1800000);
        assert_int_equal(probe.memory_bytes, 64 << 20);
        assert_string_equal(probe.name, "none");
        assert_int_equal(probe.mode, PROBE_APPRENTICE);
        assert_int_equal(probe.quiet.start_minute, 1320);
        assert_int_equal(probe.quiet.end_minute, 480);
        assert_true(probe.start_ms == INT64_MIN);
        assert_int_equal(probe.properties.count, 0);
        assert_int_equal(probe.offers.count, 0);
        assert_int_equal(probe.inner.depth, 3);
        assert_string_equal(probe.inner.label, "say \"hi\" \\ bye");
        assert_int_equal(probe.words.count, 0);
        config_destroy(config);
    }
}

static void scalars_come_from_the_file(void **state) {
    (void)state;
    struct probe probe = {0};
    struct config *config = probe_assert_loads("probe:\n"
                                               "  on: false\n"
                                               "  count: 9\n"
                                               "  share: -1e0\n"
                                               "  wait: 24h\n"
                                               "  memory: 4096\n"
                                               "  name: |\n"
                                               "    two\n"
                                               "    lines\n"
                                               "  mode: \"off\"\n"
                                               "  quiet: \"\"\n"
                                               "  start: 2026-11-01T08:00:00Z\n"
                                               "  inner: {depth: 0, label: 'null'}\n",
                                               &probe);
    assert_false(probe.on);
    assert_int_equal(probe.count, 9);
    assert_float_equal(probe.share, -1, 0);
    assert_int_equal(probe.wait_ms, 86400000);
    assert_int_equal(probe.memory_bytes, 4096);
    assert_string_equal(probe.name, "two\nlines\n");
    assert_int_equal(probe.mode, PROBE_OFF);
    assert_int_equal(probe.quiet.start_minute, probe.quiet.end_minute);
    assert_true(probe.start_ms == INT64_C(1793520000000));
    assert_int_equal(probe.inner.depth, 0);
    assert_string_equal(probe.inner.label, "null");
    config_destroy(config);
}

static void lists_and_properties_come_from_the_file(void **state) {
    (void)state;
    struct probe probe = {0};
    struct config *config = probe_assert_loads("probe:\n"
                                               "  properties:\n"
                                               "    sasl.mechanism: PLAIN\n"
                                               "    fetch.min.bytes: 1\n"
                                               "  offers:\n"
                                               "    - id: ten\n"
                                               "      cost: 1.5\n"
                                               "      tags: []\n"
                                               "    - {id: ship, kind: apprentice}\n"
                                               "  words: [bot, ' crawler', 5]\n",
                                               &probe);
    assert_int_equal(probe.properties.count, 2);
    assert_string_equal(probe.properties.items[0].name, "sasl.mechanism");
    assert_string_equal(probe.properties.items[0].value, "PLAIN");
    assert_string_equal(probe.properties.items[1].value, "1");
    assert_int_equal(probe.offers.count, 2);
    const struct probe_offer *offers = probe.offers.items;
    assert_string_equal(offers[0].id, "ten");
    assert_float_equal(offers[0].cost, 1.5, 0);
    assert_int_equal(offers[0].kind, PROBE_OBSERVE);
    assert_int_equal(offers[0].tags.count, 0);
    assert_string_equal(offers[1].id, "ship");
    assert_float_equal(offers[1].cost, 0.5, 0);
    assert_int_equal(offers[1].kind, PROBE_APPRENTICE);
    assert_int_equal(offers[1].tags.count, 2);
    assert_string_equal(offers[1].tags.items[1], "b");
    assert_int_equal(probe.words.count, 3);
    assert_string_equal(probe.words.items[1], " crawler");
    config_destroy(config);
}

static void every_wrong_scalar_is_named_at_once(void **state) {
    (void)state;
    probe_assert_errors(
        "probe:\n"
        "  on: yes\n"
        "  count: 10\n"
        "  share: nan\n"
        "  wait: 30\n"
        "  memory: 1K\n"
        "  mode: aprentice\n"
        "  quiet: 22-8\n"
        "  start: tomorrow\n"
        "  name:\n",
        "f.yaml:2: probe.on: found \"yes\", expected true or false\n"
        "f.yaml:3: probe.count: found \"10\", expected an integer from 1 to 9\n"
        "f.yaml:4: probe.share: found \"nan\", expected a number from -1 to 1\n"
        "f.yaml:5: probe.wait: found \"30\", expected a duration (250ms, 5s, 30m, 24h, 7d)"
        " from 1s to 1d\n"
        "f.yaml:6: probe.memory: found \"1K\", expected a size (4096, 64K, 64M, 2G)"
        " of at least 4K\n"
        "f.yaml:7: probe.mode: found \"aprentice\", expected one of off, observe, apprentice\n"
        "f.yaml:8: probe.quiet: found \"22-8\", expected a time range (22:00-08:00;"
        " \"\" is none)\n"
        "f.yaml:9: probe.start: found \"tomorrow\", expected an instant (2026-11-01,"
        " 2026-11-01T08:00:00Z; \"\" is none)\n"
        "f.yaml:10: probe.name: found nothing, expected text\n");
}

static void wrong_kinds_are_named(void **state) {
    (void)state;
    probe_assert_errors("probe:\n"
                        "  count: [1]\n"
                        "  name: {a: b}\n"
                        "  inner: 5\n"
                        "  offers: {id: a}\n"
                        "  words: one\n"
                        "  properties: [a]\n",
                        "f.yaml:2: probe.count: found a list, expected an integer from 1 to 9\n"
                        "f.yaml:3: probe.name: found a section, expected text\n"
                        "f.yaml:4: probe.inner: found text, expected a section\n"
                        "f.yaml:5: probe.offers: found a section, expected a list\n"
                        "f.yaml:6: probe.words: found text, expected a list of texts\n"
                        "f.yaml:7: probe.properties: found a list, expected a section of names"
                        " with a text each\n");
    probe_assert_errors("probe: []\n", "f.yaml:1: probe: found a list, expected a section\n");
    probe_assert_errors("[probe]\n", "f.yaml:1: found a list, expected sections\n");
    probe_assert_errors("probe\n", "f.yaml:1: found text, expected sections\n");
}

static void errors_within_lists_carry_the_position(void **state) {
    (void)state;
    probe_assert_errors("probe:\n"
                        "  offers:\n"
                        "    - id: a\n"
                        "    - cost: 1\n"
                        "    -\n"
                        "    - id: b\n"
                        "      cost: -2\n"
                        "      tags: [x, [y], ~]\n"
                        "    - text\n"
                        "  words: [a, {b: c}]\n"
                        "  properties: {x: {y: z}, w: }\n",
                        "f.yaml:4: probe.offers[1].id: found no such key, expected text\n"
                        "f.yaml:5: probe.offers[2]: found nothing, expected a section\n"
                        "f.yaml:7: probe.offers[3].cost: found \"-2\", expected a number of at"
                        " least 0\n"
                        "f.yaml:8: probe.offers[3].tags[1]: found a list, expected text\n"
                        "f.yaml:8: probe.offers[3].tags[2]: found nothing, expected text\n"
                        "f.yaml:9: probe.offers[4]: found text, expected a section\n"
                        "f.yaml:10: probe.words[1]: found a section, expected text\n"
                        "f.yaml:11: probe.properties.x: found a section, expected text\n"
                        "f.yaml:11: probe.properties.w: found nothing, expected text\n");
}

static void unknown_keys_name_the_nearest(void **state) {
    (void)state;
    probe_assert_errors("probe:\n"
                        "  cuont: 1\n"
                        "  inner:\n"
                        "    dept: 1\n"
                        "    zzz: 1\n"
                        "  offers: [{id: a, Cots: 1}]\n",
                        "f.yaml:2: probe.cuont: found an unknown key, expected count (the nearest"
                        " known one)\n"
                        "f.yaml:4: probe.inner.dept: found an unknown key, expected depth (the"
                        " nearest known one)\n"
                        "f.yaml:5: probe.inner.zzz: found an unknown key, expected one of depth,"
                        " label\n"
                        "f.yaml:6: probe.offers[0].Cots: found an unknown key, expected cost (the"
                        " nearest known one)\n");
}

static void names_from_the_file_cannot_break_the_line(void **state) {
    (void)state;
    probe_assert_errors("probe:\n  inner: {\"a\\n\\e\\x9b\\\"\": 1}\n  count: \"\\t\\x7f\"\n",
                        "f.yaml:2: probe.inner.a\\n\\x1b\\x9b\\\": found an unknown key, expected"
                        " one of depth, label\n"
                        "f.yaml:3: probe.count: found \"\\t\\x7f\", expected an integer from 1 to"
                        " 9\n");
}

static void texts_take_the_environment(void **state) {
    (void)state;
    setenv("PROBE_SECRET", "s3cret: [\"'#", 1);
    unsetenv("PROBE_ABSENT");
    struct probe probe = {0};
    struct config *config =
        probe_assert_loads("probe:\n"
                           "  name: 'a${PROBE_SECRET}b'\n"
                           "  inner: {label: '${PROBE_ABSENT:-else}'}\n"
                           "  properties: {sasl.password: '${PROBE_SECRET}', plain: $$}\n"
                           "  words: ['${PROBE_SECRET}']\n",
                           &probe);
    assert_string_equal(probe.name, "as3cret: [\"'#b");
    assert_string_equal(probe.inner.label, "else");
    assert_string_equal(probe.properties.items[0].value, "s3cret: [\"'#");
    assert_string_equal(probe.properties.items[1].value, "$$");
    assert_string_equal(probe.words.items[0], "${PROBE_SECRET}");
    config_destroy(config);
}

static void a_missing_variable_is_an_error_without_values(void **state) {
    (void)state;
    setenv("PROBE_SECRET", "s3cret", 1);
    setenv("PROBE_COUNT", "5", 1);
    unsetenv("PROBE_ABSENT");
    probe_assert_errors(
        "probe:\n"
        "  name: ${PROBE_SECRET}${PROBE_ABSENT}\n"
        "  count: ${PROBE_COUNT}\n"
        "  properties:\n"
        "    key: ${PROBE_SECRET\n",
        "f.yaml:2: probe.name: found ${PROBE_ABSENT} without such an environment"
        " variable, expected it to be set or a default as in"
        " ${PROBE_ABSENT:-default}\n"
        "f.yaml:3: probe.count: found \"${PROBE_COUNT}\", expected an integer from"
        " 1 to 9\n"
        "f.yaml:5: probe.properties.key: found ${ without a name and a }, expected"
        " ${NAME}, ${NAME:-default}, ${file:PATH}, or $${ for the two characters\n");
}

/* A scalar in place of a section is the value of its bare key, with that key's errors. */
static void a_scalar_stands_for_its_section(void **state) {
    (void)state;
    struct probe_boxes boxes = {0};
    const struct config_room room = {"boxes", &probe_boxes_table, &boxes};
    static const char good[] = "boxes: {first: 7, second: {label: x}, more: [2, {size: 3}]}\n";
    static const char bad[] = "boxes:\n"
                              "  first: ten\n"
                              "  second: [7]\n"
                              "  more: [10]\n";
    char *errors;
    size_t size;
    FILE *out = open_memstream(&errors, &size);
    struct config *config;
    assert_false(failed(config_load_text("f.yaml", good, strlen(good), &room, 1, out, &config)));
    assert_int_equal(boxes.first.size, 7);
    assert_string_equal(boxes.first.label, "plain");
    assert_int_equal(boxes.second.size, 1);
    assert_string_equal(boxes.second.label, "x");
    const struct probe_box *more = boxes.more.items;
    assert_int_equal(boxes.more.count, 2);
    assert_int_equal(more[0].size, 2);
    assert_int_equal(more[1].size, 3);
    config_destroy(config);
    assert_true(failed(config_load_text("f.yaml", bad, strlen(bad), &room, 1, out, &config)));
    fclose(out);
    assert_string_equal(
        errors, "f.yaml:2: boxes.first.size: found \"ten\", expected an integer from 0 to 9\n"
                "f.yaml:3: boxes.second: found a list, expected a section or its size\n"
                "f.yaml:4: boxes.more[0].size: found \"10\", expected an integer from 0 to 9\n");
    free(errors);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent_keys_take_defaults),
        cmocka_unit_test(scalars_come_from_the_file),
        cmocka_unit_test(lists_and_properties_come_from_the_file),
        cmocka_unit_test(every_wrong_scalar_is_named_at_once),
        cmocka_unit_test(wrong_kinds_are_named),
        cmocka_unit_test(errors_within_lists_carry_the_position),
        cmocka_unit_test(unknown_keys_name_the_nearest),
        cmocka_unit_test(names_from_the_file_cannot_break_the_line),
        cmocka_unit_test(texts_take_the_environment),
        cmocka_unit_test(a_missing_variable_is_an_error_without_values),
        cmocka_unit_test(a_scalar_stands_for_its_section),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
