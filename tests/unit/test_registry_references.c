/* registry_references: a definition stands where its name is used first, and keeps its own names.
 */
#include "schemas/registry_references.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"

#define AS_IT_IS (JSON_REJECT_DUPLICATES | JSON_DECODE_ANY)
#define FIXED    "{'type':'fixed','name':'F','size':2}"

/* Single quotes stand for double ones. */
static char *quoted(const char *text) {
    char *copy = memory_copy_text(bytes_of_text(text));
    for (char *c = copy; *c; c++) {
        *c = *c == '\'' ? '"' : *c;
    }
    return copy;
}

static json_t *json_of(const char *text) {
    char *copy = quoted(text);
    json_t *json = json_loads(copy, AS_IT_IS, NULL);
    assert_non_null(json);
    free(copy);
    return json;
}

static void add(struct references *references, const char *name, const char *definition) {
    assert_true(references_add(references, name, json_of(definition)));
}

/* Ends the references too. */
static void assert_resolved(struct references *references, const char *schema,
                            const char *expected) {
    json_t *json = json_of(schema);
    char *found = references_resolve(references, json);
    json_decref(json);
    references_clean_up(references);
    char *wanted = quoted(expected);
    assert_non_null(found);
    assert_string_equal(found, wanted);
    free(found);
    free(wanted);
}

/* A namespace that is null is not one of its own: the space around it holds on. */
static void test_null_is_no_namespace(void **state) {
    (void)state;
    struct references references = {.count = 0};
    add(&references, "a.F", "{'type':'fixed','name':'a.F','size':2}");
    assert_resolved(&references,
                    "{'type':'record','name':'a.r','fields':[{'name':'f','type':{'type':'record',"
                    "'name':'s','namespace':null,'fields':[{'name':'g','type':'F'}]}}]}",
                    "{'type':'record','name':'a.r','fields':[{'name':'f','type':{'type':'record',"
                    "'name':'s','namespace':null,'fields':[{'name':'g','type':"
                    "{'type':'fixed','name':'a.F','size':2}}]}}]}");
}

static void test_first_use_only(void **state) {
    (void)state;
    struct references references = {.count = 0};
    add(&references, "F", FIXED);
    assert_resolved(&references,
                    "['null',{'type':'array','items':'F'},{'type':'map','values':'F'}]",
                    "['null',{'type':'array','items':" FIXED "},{'type':'map','values':'F'}]");
}

/* Each place where Avro allows a type, and none where it does not. */
static void test_places(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"'F'", FIXED},
        {"['F']", "[" FIXED "]"},
        {"{'type':'F'}", "{'type':" FIXED "}"},
        {"{'type':{'type':'map','values':['F']}}", "{'type':{'type':'map','values':[" FIXED "]}}"},
        {"{'type':'error','name':'E','fields':[{'name':'F','type':'F','default':'F'}]}",
         "{'type':'error','name':'E','fields':[{'name':'F','type':" FIXED ",'default':'F'}]}"},
        {"{'type':'enum','name':'E','symbols':['F']}",
         "{'type':'enum','name':'E','symbols':['F']}"},
        {"{'type':'record','name':'E','doc':'F','aliases':['F'],'fields':[]}",
         "{'type':'record','name':'E','doc':'F','aliases':['F'],'fields':[]}"},
        {"'string'", "'string'"},
        {"{'type':'array','items':7}", "{'type':'array','items':7}"},
        {"{'type':'record','fields':3}", "{'type':'record','fields':3}"},
        {"{'type':'record','fields':[5,{}]}", "{'type':'record','fields':[5,{}]}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct references references = {.count = 0};
        add(&references, "F", FIXED);
        assert_resolved(&references, cases[i][0], cases[i][1]);
    }
}

/* A name without dots is looked for in the space around it, then as it is. */
static void test_namespaces(void **state) {
    (void)state;
    struct references references = {.count = 0};
    add(&references, "F", "{'type':'fixed','name':'F','size':1}");
    add(&references, "shop.F", "{'type':'fixed','name':'shop.F','size':2}");
    assert_resolved(&references,
                    "{'type':'record','name':'shop.R','fields':[{'name':'a','type':'F'}]}",
                    "{'type':'record','name':'shop.R','fields':[{'name':'a','type':"
                    "{'type':'fixed','name':'shop.F','size':2}}]}");
    add(&references, "shop.F", "{'type':'fixed','name':'F','namespace':'shop','size':2}");
    assert_resolved(&references,
                    "{'type':'record','name':'R','namespace':'other','fields':["
                    "{'name':'a','type':'F'},{'name':'b','type':'shop.F'}]}",
                    "{'type':'record','name':'R','namespace':'other','fields':["
                    "{'name':'a','type':'F'},{'name':'b','type':"
                    "{'type':'fixed','name':'F','namespace':'shop','size':2}}]}");
}

/* A definition of no space must not fall into the one around its new place, nor must what is in
 * it. */
static void test_no_namespace_stays_none(void **state) {
    (void)state;
    struct references references = {.count = 0};
    add(&references, "G", "{'type':'fixed','name':'G','size':1}");
    add(&references, "M", "{'type':'record','name':'M','fields':[{'name':'g','type':'G'}]}");
    assert_resolved(&references,
                    "{'type':'record','name':'shop.R','fields':[{'name':'a','type':'M'}]}",
                    "{'type':'record','name':'shop.R','fields':[{'name':'a','type':"
                    "{'type':'record','name':'M','fields':[{'name':'g','type':"
                    "{'type':'fixed','name':'G','size':1}}],'namespace':''}}]}");
}

static void test_of_each_other(void **state) {
    (void)state;
    struct references references = {.count = 0};
    add(&references, "A", "{'type':'record','name':'A','fields':[{'name':'b','type':'B'}]}");
    add(&references, "B", "{'type':'record','name':'B','fields':[{'name':'a','type':['A']}]}");
    assert_resolved(&references, "['B','A']",
                    "[{'type':'record','name':'B','fields':[{'name':'a','type':["
                    "{'type':'record','name':'A','fields':[{'name':'b','type':'B'}]}]}]},'A']");
}

static void test_nested_too_deeply(void **state) {
    (void)state;
    json_t *schema = json_string("F");
    for (int i = 0; i < 1000; i++) {
        schema = json_pack("[o]", schema);
    }
    struct references references = {.count = 0};
    add(&references, "F", FIXED);
    assert_null(references_resolve(&references, schema));
    references_clean_up(&references);
    json_decref(schema);
}

static void test_bound(void **state) {
    (void)state;
    struct references references = {.count = 0};
    char name[16];
    for (int i = 0; i < REFERENCES_MAX; i++) {
        snprintf(name, sizeof name, "N%d", i);
        add(&references, name, FIXED);
    }
    add(&references, "N3", "'int'"); /* again: the first one stays */
    assert_false(references_add(&references, "more", json_of(FIXED)));
    assert_true(references_has(&references, "N63"));
    assert_false(references_has(&references, "more"));
    assert_resolved(&references, "'N3'", FIXED);
    assert_int_equal(references.count, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_use_only),
        cmocka_unit_test(test_null_is_no_namespace),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_namespaces),
        cmocka_unit_test(test_no_namespace_stays_none),
        cmocka_unit_test(test_of_each_other),
        cmocka_unit_test(test_nested_too_deeply),
        cmocka_unit_test(test_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
