/* config: the file as a whole: sections, reading, fingerprint, and 20 000 broken files that must do
 * no harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/config_internal.h"
#include "tests/support/config_probe.h"

static void sections_fill_their_own_targets(void **state) {
    (void)state;
    struct probe first = {0}, second = {0};
    struct probe_required required = {0};
    const struct config_room rooms[] = {{"first", &probe_table, &first},
                                        {"second", &probe_table, &second},
                                        {"kafka", &probe_required_table, &required}};
    const char *text = "kafka: {brokers: 'a:1'}\nsecond: {count: 2}\n";
    struct config *config;
    assert_false(failed(config_load_text("f.yaml", text, strlen(text), rooms, 3, stderr, &config)));
    assert_int_equal(first.count, 7);
    assert_int_equal(second.count, 2);
    assert_string_equal(required.brokers, "a:1");
    config_destroy(config);
}

static void load_fails(const char *text, const char *expected, const char *expected_failure) {
    struct probe probe = {0};
    struct probe_required required = {0};
    const struct config_room rooms[] = {{"probe", &probe_table, &probe},
                                        {"kafka", &probe_required_table, &required}};
    char *found;
    size_t found_size;
    FILE *errors = open_memstream(&found, &found_size);
    struct config *config;
    struct failure failure =
        config_load_text("dir/f.yaml", text, strlen(text), rooms, 2, errors, &config);
    fclose(errors);
    assert_int_equal(failure.action, FAILURE_STOP);
    assert_string_equal(failure.text, expected_failure);
    assert_string_equal(found, expected);
    assert_null(config);
    free(found);
}

static void a_missing_key_names_the_line_of_its_section(void **state) {
    (void)state;
    load_fails("", "dir/f.yaml:1: kafka.brokers: found no such key, expected text\n",
               "dir/f.yaml: 1 error");
    load_fails("probe:\n\nkafka:\n",
               "dir/f.yaml:3: kafka.brokers: found no such key, expected text\n",
               "dir/f.yaml: 1 error");
    load_fails("probe: {}\nkafka:\n  # all of it\n\n  other: 1\n",
               "dir/f.yaml:2: kafka.brokers: found no such key, expected text\n"
               "dir/f.yaml:5: kafka.other: found an unknown key, expected one of brokers\n",
               "dir/f.yaml: 2 errors");
}

static void unknown_sections_name_the_nearest(void **state) {
    (void)state;
    load_fails("kafak: {brokers: a}\nkafka: {brokers: a}\nweather: 1\n",
               "dir/f.yaml:1: kafak: found an unknown key, expected kafka (the nearest known one)\n"
               "dir/f.yaml:3: weather: found an unknown key, expected one of probe, kafka\n",
               "dir/f.yaml: 2 errors");
}

static void errors_come_by_line_whatever_found_them(void **state) {
    (void)state;
    load_fails("kafka: {brokers: a}\nprobe:\n  zzzz: 1\n  on: 2\n  on: 3\nweather: &x 1\n",
               "dir/f.yaml:3: probe.zzzz: found an unknown key, expected one of on, count, share, "
               "wait, memory, name, mode, quiet, start, properties, offers, inner, words\n"
               "dir/f.yaml:4: probe.on: found \"2\", expected true or false\n"
               "dir/f.yaml:5: probe.on: found the key again, expected it once (first on line 4)\n"
               "dir/f.yaml:6: weather: found an anchor (&), expected a plain value\n"
               "dir/f.yaml:6: weather: found an unknown key, expected one of probe, kafka\n",
               "dir/f.yaml: 5 errors");
}

static void the_fingerprint_is_of_the_text(void **state) {
    (void)state;
    struct probe probe = {0};
    struct config *a = probe_assert_loads("probe: {count: 1}\n", &probe);
    struct config *b = probe_assert_loads("probe: {count: 1}\n", &probe);
    struct config *c = probe_assert_loads("probe: {count: 1} \n", &probe);
    assert_true(config_fingerprint(a) == config_fingerprint(b));
    assert_false(config_fingerprint(a) == config_fingerprint(c));
    config_destroy(a);
    config_destroy(b);
    config_destroy(c);
    config_destroy(NULL);
}

/* ---- files ---- */

static void load_file(const char *path, const char *expected_errors, int64_t expected_count) {
    struct probe probe = {0};
    struct config_room room = {"probe", &probe_table, &probe};
    char *found;
    size_t found_size;
    FILE *errors = open_memstream(&found, &found_size);
    struct config *config;
    struct failure failure = config_load_file(path, &room, 1, errors, &config);
    fclose(errors);
    assert_string_equal(found, expected_errors);
    assert_int_equal(failed(failure), expected_errors[0] != '\0');
    if (config) {
        assert_int_equal(probe.count, expected_count);
    }
    config_destroy(config);
    free(found);
}

static void files_are_read_to_their_end(void **state) {
    (void)state;
    char path[] = "/tmp/test_config.XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    FILE *out = fdopen(file, "w");
    for (int i = 0; i < 20000; i++) {
        fprintf(out, "# comment %d\n", i);
    }
    fprintf(out, "probe: {count: 4}\n");
    fclose(out);
    load_file(path, "", 4);
    assert_int_equal(truncate(path, CONFIG_TEXT_MAX + 1), 0);
    char expected[200];
    snprintf(expected, sizeof expected,
             "%s:1: found more than 1 MiB of text, expected at most 1 MiB\n", path);
    load_file(path, expected, 0);
    unlink(path);
}

static void files_that_cannot_be_read_say_why(void **state) {
    (void)state;
    load_file("/nonexistent/f.yaml",
              "/nonexistent/f.yaml:1: found no readable file (No such file or directory), expected "
              "YAML\n",
              0);
    load_file("/tmp", "/tmp:1: found no readable file (Is a directory), expected YAML\n", 0);
}

/* ---- fuzz ---- */

/* xorshift64*: the test must repeat, so it brings its own numbers. */
static uint64_t next_random(uint64_t *seed) {
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return *seed * UINT64_C(2685821657736338717);
}

static const char valid[] = "# a comment\n"
                            "probe:\n"
                            "  on: true\n"
                            "  count: 3\n"
                            "  share: 0.5\n"
                            "  wait: 30m # why\n"
                            "  memory: 64M\n"
                            "  name: \"a\\tb ${PROBE_SECRET} ${PROBE_ABSENT:-x}\"\n"
                            "  mode: observe\n"
                            "  quiet: \"22:00-08:00\"\n"
                            "  start: 2026-11-01T08:00:00Z\n"
                            "  properties: {sasl.password: '${PROBE_SECRET}', b: \xc3\xa9}\n"
                            "  offers:\n"
                            "    - id: ten\n"
                            "      cost: 1.5\n"
                            "      tags: [x, y]\n"
                            "    - {id: ship, kind: off}\n"
                            "  inner:\n"
                            "    depth: 2\n"
                            "    label: |\n"
                            "      two\n"
                            "      lines\n"
                            "  words: [a, b]\n";

/* Overwrites, removes or repeats a stretch; often with bytes that mean something to YAML. */
static size_t mutate(char *text, size_t size, size_t capacity, uint64_t *seed) {
    static const char spice[] = "\0\n\t :-,[]{}&*!|>'\"%@`#?~$\\\xff\xc3\x80\xef\xbb\xbf";
    size_t at = next_random(seed) % size;
    size_t length = 1 + next_random(seed) % 8;
    length = length < size - at ? length : size - at;
    switch (next_random(seed) % 4) {
    case 0:
        text[at] = (char)(' ' + next_random(seed) % 95);
        return size;
    case 1:
        text[at] = spice[next_random(seed) % (sizeof spice - 1)];
        return size;
    case 2:
        memmove(text + at, text + at + length, size - at - length);
        return size - length > 0 ? size - length : size;
    default:
        if (size + length > capacity) {
            return size;
        }
        memmove(text + at + length, text + at, size - at);
        return size + length;
    }
}

static void broken_files_do_no_harm(void **state) {
    (void)state;
    setenv("PROBE_SECRET", "hunter2-hunter2", 1);
    unsetenv("PROBE_ABSENT");
    size_t accepted = 0, refused = 0;
    for (uint64_t round = 1; round <= 20000; round++) {
        uint64_t seed = round * UINT64_C(0x9e3779b97f4a7c15);
        char text[2 * sizeof valid];
        size_t size = sizeof valid - 1;
        memcpy(text, valid, size);
        for (uint64_t edits = 1 + next_random(&seed) % 3; edits > 0; edits--) {
            size = mutate(text, size, sizeof text, &seed);
        }
        /* An exact copy on the heap, so that reading beyond its end is seen. */
        char *copy = malloc(size);
        memcpy(copy, text, size);
        struct probe probe = {0};
        char *errors;
        struct config *config = probe_load(copy, size, &probe, &errors);
        free(copy);
        assert_null(strstr(errors, "hunter2"));
        if (config) {
            accepted++;
            assert_true(probe.count >= 1 && probe.count <= 9 && probe.mode < 3);
        } else {
            refused++;
            assert_memory_equal(errors, "f.yaml:", 7);
        }
        config_destroy(config);
        free(errors);
    }
    /* Both ways were really walked. */
    assert_true(accepted > 1000 && refused > 5000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections_fill_their_own_targets),
        cmocka_unit_test(a_missing_key_names_the_line_of_its_section),
        cmocka_unit_test(unknown_sections_name_the_nearest),
        cmocka_unit_test(errors_come_by_line_whatever_found_them),
        cmocka_unit_test(the_fingerprint_is_of_the_text),
        cmocka_unit_test(files_are_read_to_their_end),
        cmocka_unit_test(files_that_cannot_be_read_say_why),
        cmocka_unit_test(broken_files_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
