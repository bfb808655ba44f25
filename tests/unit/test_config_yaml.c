/* config_yaml: the tree with its lines, and every limit just inside and just outside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/config_internal.h"
#include "tests/support/config_probe.h"

struct parsed {
    struct config_memory memory;
    struct config_errors errors;
    struct config_node *root;
};

static struct parsed parse(const char *text) {
    struct parsed parsed = {0};
    parsed.root = config_yaml_parse(text, strlen(text), &parsed.memory, &parsed.errors);
    return parsed;
}

static void clean_up(struct parsed *parsed) {
    config_errors_clean_up(&parsed->errors);
    config_memory_clean_up(&parsed->memory);
}

static void nodes_carry_names_and_lines(void **state) {
    (void)state;
    struct parsed parsed = parse("# one\n"
                                 "a:\n"
                                 "\n"
                                 "  - x\n"
                                 "  - y: |\n"
                                 "      text\n"
                                 "b:\n"
                                 "  ~\n");
    assert_int_equal(parsed.errors.count, 0);
    const struct config_node *root = parsed.root;
    assert_int_equal(root->kind, CONFIG_NODE_MAPPING);
    assert_int_equal(root->count, 2);
    const struct config_node *a = root->first, *b = a->next;
    assert_string_equal(a->name, "a");
    assert_int_equal(a->line, 2); /* of the key, not of its first element */
    assert_int_equal(a->kind, CONFIG_NODE_SEQUENCE);
    assert_string_equal(a->first->text, "x");
    assert_int_equal(a->first->line, 4);
    assert_int_equal(a->first->next->line, 5);
    assert_string_equal(a->first->next->first->name, "y");
    assert_string_equal(a->first->next->first->text, "text\n");
    assert_int_equal(a->first->next->index, 1);
    assert_int_equal(b->line, 7);
    assert_true(b->is_null);
    assert_null(b->next);
    clean_up(&parsed);
}

static void only_plain_scalars_say_nothing(void **state) {
    (void)state;
    struct parsed parsed = parse("- \n- ~\n- null\n- 'null'\n- ''\n- none\n");
    const bool expected[] = {true, true, true, false, false, false};
    const struct config_node *node = parsed.root->first;
    for (size_t i = 0; i < 6; i++, node = node->next) {
        assert_int_equal(node->is_null, expected[i]);
    }
    clean_up(&parsed);
}

static void a_mistake_in_yaml_names_its_line(void **state) {
    (void)state;
    probe_assert_errors("probe:\n  count: 1\n bad: 2\n",
                        "f.yaml:3: found a mistake (did not find expected key, while parsing a"
                        " block mapping of line 1), expected YAML\n");
    probe_assert_errors("probe:\n\tcount: 1\n",
                        "f.yaml:2: found a mistake (found character that cannot start any token,"
                        " while scanning for the next token of line 2), expected YAML\n");
    probe_assert_errors("probe: \"open\n",
                        "f.yaml:2: found a mistake (found unexpected end of stream, while scanning"
                        " a quoted scalar of line 1), expected YAML\n");
}

static void bytes_that_are_not_text_are_refused(void **state) {
    (void)state;
    probe_assert_errors("probe:\n  name: a\n  words: [\xff]\n",
                        "f.yaml:3: found bytes that are not text (invalid leading UTF-8 octet),"
                        " expected UTF-8\n");
    probe_assert_errors("probe:\n  name: \xc0\x80\n",
                        "f.yaml:2: found bytes that are not text (invalid length of a UTF-8"
                        " sequence), expected UTF-8\n");
    probe_assert_errors("probe:\n  name: \xed\xa0\x80\n",
                        "f.yaml:2: found bytes that are not text (invalid Unicode character),"
                        " expected UTF-8\n");
    probe_assert_errors("probe:\n  name: \xe2\x82",
                        "f.yaml:2: found bytes that are not text (incomplete UTF-8 octet"
                        " sequence), expected UTF-8\n");
    const char nul[] = "probe:\n  name: a\0b\n";
    probe_assert_errors_of(nul, sizeof nul - 1,
                           "f.yaml:2: found bytes that are not text (control characters are not"
                           " allowed), expected UTF-8\n");
    const char utf16[] = "\xff\xfep\0r\0";
    probe_assert_errors_of(utf16, sizeof utf16 - 1,
                           "f.yaml:1: found bytes that are not text (invalid leading UTF-8 octet),"
                           " expected UTF-8\n");
}

static void a_byte_order_mark_of_utf8_is_fine(void **state) {
    (void)state;
    struct probe probe = {0};
    struct config *config = probe_assert_loads("\xef\xbb\xbfprobe: {count: 2}\n", &probe);
    assert_int_equal(probe.count, 2);
    config_destroy(config);
}

static void an_escaped_nul_is_refused(void **state) {
    (void)state;
    probe_assert_errors("probe:\n  name: \"a\\0b\"\n  inner: {\"label\\0\": x}\n",
                        "f.yaml:2: probe.name: found a NUL byte, expected text\n"
                        "f.yaml:3: probe.inner.label: found a NUL byte, expected text\n");
}

static void keys_stand_once(void **state) {
    (void)state;
    probe_assert_errors("probe:\n"
                        "  inner: {label: a, depth: 1, label: b, label: c}\n"
                        "  properties:\n"
                        "    x: 1\n"
                        "    y: 1\n"
                        "    x: 2\n"
                        "probe: {}\n",
                        "f.yaml:2: probe.inner.label: found the key again, expected it once"
                        " (first on line 2)\n"
                        "f.yaml:2: probe.inner.label: found the key again, expected it once"
                        " (first on line 2)\n"
                        "f.yaml:6: probe.properties.x: found the key again, expected it once"
                        " (first on line 4)\n"
                        "f.yaml:7: probe: found the key again, expected it once (first on line"
                        " 1)\n");
}

static void a_repeated_key_is_not_looked_at_again(void **state) {
    (void)state;
    probe_assert_errors("probe:\n  inner: {zzz: 1, zzz: 2}\n",
                        "f.yaml:2: probe.inner.zzz: found the key again, expected it once (first"
                        " on line 2)\n"
                        "f.yaml:2: probe.inner.zzz: found an unknown key, expected one of depth,"
                        " label\n");
}

static void anchors_aliases_and_tags_are_refused(void **state) {
    (void)state;
    probe_assert_errors("probe:\n"
                        "  name: &n one\n"
                        "  inner: &i {label: *n}\n"
                        "  offers:\n"
                        "    - id: !!str a\n"
                        "    - *n\n"
                        "  words: !list [a]\n"
                        "  properties: {*n : v, &k key: v}\n",
                        "f.yaml:2: probe.name: found an anchor (&), expected a plain value\n"
                        "f.yaml:3: probe.inner: found an anchor (&), expected a plain value\n"
                        "f.yaml:3: probe.inner.label: found an alias (*), expected the value"
                        " itself\n"
                        "f.yaml:5: probe.offers[0].id: found a tag (!), expected a plain value\n"
                        "f.yaml:6: probe.offers[1]: found an alias (*), expected the value"
                        " itself\n"
                        "f.yaml:7: probe.words: found a tag (!), expected a plain value\n"
                        "f.yaml:8: probe.properties: found an alias (*), expected the value"
                        " itself\n"
                        "f.yaml:8: probe.properties.key: found an anchor (&), expected a plain"
                        " value\n");
}

static void keys_are_texts(void **state) {
    (void)state;
    probe_assert_errors("probe:\n  inner:\n    ? [a]\n    : 1\n",
                        "f.yaml:3: probe.inner: found a list as a key, expected text as a key\n");
    probe_assert_errors("probe:\n  {a: 1}: 1\n",
                        "f.yaml:2: probe: found a section as a key, expected text as a key\n");
}

static void there_is_one_document(void **state) {
    (void)state;
    probe_assert_errors("probe: {}\n---\nprobe: {}\n",
                        "f.yaml:2: found a second document, expected one document\n");
}

/* ---- limits ---- */

static void nest(struct buffer *text, size_t depth) {
    buffer_clear(text);
    for (size_t i = 0; i < depth; i++) {
        buffer_append_byte(text, '[');
    }
    for (size_t i = 0; i < depth; i++) {
        buffer_append_byte(text, ']');
    }
}

static void nesting_is_limited(void **state) {
    (void)state;
    struct buffer text;
    buffer_init(&text, 64);
    nest(&text, CONFIG_DEPTH_MAX);
    struct parsed parsed = parse(config_buffer_text(&text));
    assert_non_null(parsed.root);
    clean_up(&parsed);
    nest(&text, CONFIG_DEPTH_MAX + 1);
    parsed = parse(config_buffer_text(&text));
    assert_null(parsed.root);
    assert_int_equal(parsed.errors.count, 1);
    assert_string_equal(parsed.errors.items[0].text,
                        "[0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0]: found more than 16"
                        " levels of nesting, expected at most 16");
    clean_up(&parsed);
    nest(&text, CONFIG_TEXT_MAX / 2); /* the parser itself must not go under either */
    parsed = parse(config_buffer_text(&text));
    assert_null(parsed.root);
    clean_up(&parsed);
    buffer_clean_up(&text);
}

static void values_are_limited(void **state) {
    (void)state;
    struct buffer text;
    buffer_init(&text, 65536);
    buffer_append_byte(&text, '[');
    for (size_t i = 0; i < CONFIG_NODES_MAX - 1; i++) {
        buffer_format(&text, "a,");
    }
    size_t size = text.size;
    buffer_format(&text, "]");
    struct parsed parsed = parse(config_buffer_text(&text));
    assert_non_null(parsed.root);
    assert_int_equal(parsed.root->count, CONFIG_NODES_MAX - 1);
    clean_up(&parsed);
    text.size = size;
    buffer_format(&text, "\n\na]");
    parsed = parse(config_buffer_text(&text));
    assert_null(parsed.root);
    assert_int_equal(parsed.errors.items[0].line, 3);
    assert_string_equal(parsed.errors.items[0].text,
                        "[19999]: found more than 20000 values, expected a smaller file");
    clean_up(&parsed);
    buffer_clean_up(&text);
}

static void bytes_are_limited(void **state) {
    (void)state;
    char *text = memory_new(CONFIG_TEXT_MAX + 2, 1);
    memset(text, '#', CONFIG_TEXT_MAX + 1);
    struct probe probe = {0};
    char *errors;
    struct config *config = probe_load(text, CONFIG_TEXT_MAX, &probe, &errors);
    assert_string_equal(errors, "");
    config_destroy(config);
    free(errors);
    probe_assert_errors_of(text, CONFIG_TEXT_MAX + 1,
                           "f.yaml:1: found more than 1 MiB of text, expected at most 1 MiB\n");
    free(text);
}

static void tag_lines_cannot_hang_the_parser(void **state) {
    (void)state;
    struct buffer text;
    buffer_init(&text, CONFIG_TEXT_MAX);
    for (int i = 0; text.size + 32 < CONFIG_TEXT_MAX; i++) {
        buffer_format(&text, "%%TAG !%x! a\n", i);
    }
    probe_assert_errors(config_buffer_text(&text),
                        "f.yaml:1: found many %TAG lines, expected no tags\n");
    buffer_clean_up(&text);
    probe_assert_errors("%TAG !a! b\n---\nprobe: !a!c {}\n",
                        "f.yaml:3: probe: found a tag (!), expected a plain value\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_carry_names_and_lines),
        cmocka_unit_test(only_plain_scalars_say_nothing),
        cmocka_unit_test(a_mistake_in_yaml_names_its_line),
        cmocka_unit_test(bytes_that_are_not_text_are_refused),
        cmocka_unit_test(a_byte_order_mark_of_utf8_is_fine),
        cmocka_unit_test(an_escaped_nul_is_refused),
        cmocka_unit_test(keys_stand_once),
        cmocka_unit_test(a_repeated_key_is_not_looked_at_again),
        cmocka_unit_test(anchors_aliases_and_tags_are_refused),
        cmocka_unit_test(keys_are_texts),
        cmocka_unit_test(there_is_one_document),
        cmocka_unit_test(nesting_is_limited),
        cmocka_unit_test(values_are_limited),
        cmocka_unit_test(bytes_are_limited),
        cmocka_unit_test(tag_lines_cannot_hang_the_parser),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
