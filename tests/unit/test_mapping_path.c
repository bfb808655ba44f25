/* Paths as people write them, and what is none. */
#include "schemas/mapping_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "base/buffer.h"

/* The steps spelled again: .field {key} <name=value> #index @ */
static const char *spelled(const char *text, bool is_array, struct buffer *out) {
    struct mapping_step steps[MAPPING_STEPS_MAX];
    struct path_error error;
    uint8_t count = 0;
    buffer_clear(out);
    if (!mapping_path_parse(bytes_of_text(text), is_array, steps, &count, &error)) {
        buffer_format(out, "'%.*s': %s", BYTES_ARG(error.at), error.expected);
    }
    for (uint8_t i = 0; i < count; i++) {
        const struct mapping_step *step = &steps[i];
        switch (step->kind) {
        case STEP_FIELD:
            buffer_format(out, ".%.*s", BYTES_ARG(step->name));
            break;
        case STEP_KEY:
            buffer_format(out, "{%.*s}", BYTES_ARG(step->name));
            break;
        case STEP_WHERE:
            buffer_format(out, "<%.*s=%.*s>", BYTES_ARG(step->name), BYTES_ARG(step->value));
            break;
        case STEP_INDEX:
            buffer_format(out, "#%u", (unsigned)step->index);
            break;
        case STEP_BRANCH:
            buffer_format(out, "@");
            break;
        }
    }
    buffer_append_byte(out, 0);
    return (const char *)out->data;
}

static void test_paths(void **state) {
    (void)state;
    static const struct {
        const char *text, *steps;
    } rows[] = {
        {"a", ".a"},
        {"a.b-c.$d", ".a.b-c.$d"},
        {"a[b.c]", ".a{b.c}"},
        {"a['7']", ".a{7}"},
        {"a[\"x=y\"].b", ".a{x=y}.b"},
        {"a[7].b", ".a#7.b"},
        {"a[k=v].b", ".a<k=v>.b"},
        {"a[k='b c'].d", ".a<k=b c>.d"},
        {"a[k=]", ".a<k=>"},
        {"a[0][1]", ".a#0#1"},
        {"a[1000000]", ".a#1000000"},
        /* Not quietly a key, where a smaller number is an index. */
        {"a[1000001]", "'[1000001]': an index of at most 1000000, or a key in quotes: ['7']"},
        {"a[4294967297]", "'[4294967297]': an index of at most 1000000, or a key in quotes: ['7']"},
        {"a['4294967297']", ".a{4294967297}"},
        {"[k].b", "{k}.b"},
        {"payload.@type", ".payload@"},
        {"", "'': the name of a field"},
        {"a.", "'': the name of a field"},
        {"a..b", "'.b': the name of a field"},
        {"a[b", "'[b': a closing ]"},
        {"a[]", "'[]': [key], [name=value] or [0]; [] ends lines.path alone"},
        {"a[=v]", "'[=v]': [key], [name=value] or [0]; [] ends lines.path alone"},
        {"a b", "' b': ., [ or the end of the path"},
        {"a]", "']': ., [ or the end of the path"},
        {"@type.a", "'a': nothing after @type"},
        {"a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q", "'q': at most 16 steps"},
    };
    struct buffer out = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(spelled(rows[i].text, false, &out), rows[i].steps);
    }
    buffer_clean_up(&out);
}

static void test_arrays(void **state) {
    (void)state;
    struct buffer out = {0};
    assert_string_equal(spelled("a.lines[]", true, &out), ".a.lines");
    assert_string_equal(spelled("a[k].b[]", true, &out), ".a{k}.b");
    assert_string_equal(spelled("lines", true, &out),
                        "'lines': the path of an array with [] at its end");
    assert_string_equal(spelled("a.@type[]", true, &out),
                        "'a.@type': the path of an array: @type is a name");
    assert_string_equal(spelled("[]", true, &out), "'[]': the path of an array with [] at its end");
    buffer_clean_up(&out);
}

static void test_alternatives(void **state) {
    (void)state;
    struct bytes rest = bytes_of_text(" a.b|c[x|y] | d "), found;
    static const char *const expected[] = {"a.b", "c[x|y]", "d"};
    for (size_t i = 0; i < 3; i++) {
        assert_true(mapping_path_next(&rest, &found));
        assert_true(bytes_equal(found, bytes_of_text(expected[i])));
    }
    assert_false(mapping_path_next(&rest, &found));
    rest = bytes_of_text("a||b"); /* an empty one is an error of the parser's */
    assert_true(mapping_path_next(&rest, &found));
    assert_true(mapping_path_next(&rest, &found));
    assert_int_equal(found.size, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_arrays),
        cmocka_unit_test(test_alternatives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
