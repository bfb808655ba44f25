/* What a section `mapping` may say, and what is said of one that does not hold. */
#include "schemas/mapping.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "tests/support/mapping_yaml.h"

#define BASE "type: {path: t}, event_ms: {path: m}"

static void assert_refused(const char *yaml, const char *said) {
    struct mapping_yaml loaded;
    mapping_yaml_load(&loaded, yaml);
    assert_null(loaded.mapping);
    if (!strstr(loaded.errors, said)) {
        fail_msg("said '%s', expected '%s'", loaded.errors, said);
    }
    mapping_yaml_clean_up(&loaded);
}

static void test_refusals(void **state) {
    (void)state;
    assert_refused("mapping: {user_id: {path: u}}", "mapping.type.path: found ''");
    assert_refused("mapping: {user_id: {path: u}}", "mapping.event_ms.path: found ''");
    assert_refused("mapping: {" BASE ", user_id: {path: a..b}}",
                   "mapping.user_id.path: found '.b' in 'a..b', expected the name of a field");
    assert_refused("mapping: {" BASE ", user_id: a.}",
                   "mapping.user_id.path: found the end of 'a.', expected the name of a field");
    assert_refused("mapping: {" BASE ", lines: {path: 'a', item_id: {path: i}}}",
                   "mapping.lines.path: found 'a' in 'a', expected the path of an array");
    assert_refused("mapping: {" BASE ", lines: {path: 'a[]'}}", "mapping.lines.item_id.path");
    assert_refused("mapping: {" BASE ", lines: {item_id: {path: i}}}", "mapping.lines.path: found");
    assert_refused("mapping: {" BASE ", product: {price: {path: p}}}",
                   "mapping.product.item_id.path");
    assert_refused("mapping: {type: {path: t, values: {v: product_view}}, event_ms: {path: m}}",
                   "mapping.type.values.v: found 'product_view', expected a type of event.avsc, "
                   "perhaps product_viewed");
    assert_refused("mapping: {" BASE ", consent: {path: c, values: {y: 'yes'}}}",
                   "expected unknown, granted or denied");
    assert_refused("mapping: {" BASE ", total: {path: c, values: {y: '1'}}}",
                   "mapping.total.values");
    assert_refused("mapping: {" BASE ", total: {path: c, unit: ms}}",
                   "mapping.total.unit: found 'ms', expected auto, cents or micros");
    assert_refused("mapping: {type: {path: t}, event_ms: {path: m, unit: cents}}",
                   "expected auto, ms, us, ns or s");
    assert_refused("mapping: {" BASE ", user_id: {path: c, unit: s}}", "mapping.user_id.unit");
    assert_refused("mapping: {type: {path: t}, event_ms: {path: m, default: '1'}}",
                   "mapping.event_ms.default");
    assert_refused("mapping: {" BASE ", total: {default: ten}}", "mapping.total.default");
    assert_refused("mapping: {" BASE ", product: {item_id: {path: i}, quantity: {default: '0'}}}",
                   "mapping.product.quantity.default");
    assert_refused("mapping: {" BASE ", coupon: {path: a|b|c|d|e|f|g|h|i}}",
                   "at most 8 alternatives");
    assert_refused("mapping: {preset: segmnt}", "perhaps segment");
}

static void test_what_is_given(void **state) {
    (void)state;
    struct mapping_yaml loaded;
    mapping_yaml_load(&loaded, "mapping: {" BASE ", user_id: u | v, currency: {default: EUR},"
                               " lines: {path: 'l[]', item_id: {path: i}}}");
    const struct mapping *mapping = loaded.mapping;
    assert_non_null(mapping);
    assert_true(mapping_is_given(&loaded.config));
    assert_int_equal(mapping->path_count, 5);
    assert_int_equal(mapping->paths[2].field, MAP_USER_ID);
    assert_int_equal(mapping->paths[3].rank, 1);
    assert_true(bytes_equal(mapping->paths[3].text, bytes_of_text("v")));
    assert_int_equal(mapping->paths[4].scope, SCOPE_LINE);
    assert_int_equal(mapping->lines_step_count, 1);
    assert_int_equal(mapping->event[MAP_USER_ID].text_bytes_max, EVENT_USER_BYTES_MAX);
    assert_true(mapping->event[MAP_CURRENCY].has_default);
    assert_true(mapping->lines[MAP_LINE_QUANTITY].default_number == 1);
    mapping_yaml_clean_up(&loaded);
    struct mapping_config nothing = {0};
    assert_false(mapping_is_given(&nothing));
}

static int code_of(const struct mapping_field *field, const char *from) {
    for (size_t i = 0; i < field->value_count; i++) {
        if (bytes_equal(field->values[i].from, bytes_of_text(from))) {
            return field->values[i].code;
        }
    }
    return -1;
}

/* What is said here wins; what is not comes from the preset. */
static void test_presets_fill_in(void **state) {
    (void)state;
    struct mapping_yaml plain, changed;
    mapping_yaml_load(&plain, "mapping: {preset: segment}");
    mapping_yaml_load(&changed,
                      "mapping: {preset: segment, user_id: {path: mine},"
                      " type: {values: {Product Viewed: other, Looked: product_viewed}}}");
    assert_non_null(plain.mapping);
    assert_non_null(changed.mapping);
    const struct mapping_field *type = &changed.mapping->event[MAP_TYPE];
    assert_int_equal(code_of(&plain.mapping->event[MAP_TYPE], "Product Viewed"),
                     EVENT_PRODUCT_VIEWED);
    assert_int_equal(code_of(type, "Product Viewed"), EVENT_OTHER);
    assert_int_equal(code_of(type, "Looked"), EVENT_PRODUCT_VIEWED);
    assert_int_equal(code_of(type, "Order Completed"), EVENT_ORDER_COMPLETED);
    assert_int_equal(type->value_count, plain.mapping->event[MAP_TYPE].value_count + 1);
    assert_int_equal(changed.mapping->path_count, plain.mapping->path_count - 1); /* two user ids */
    assert_int_equal(changed.mapping->lines_step_count, plain.mapping->lines_step_count);
    for (size_t i = 1; i < type->value_count; i++) {
        assert_true(bytes_compare(type->values[i - 1].from, type->values[i].from) < 0);
    }
    mapping_yaml_clean_up(&plain);
    mapping_yaml_clean_up(&changed);
}

/* A default or a unit alone does not take the preset's path away; a path of one's own does. */
static void test_what_a_field_adds_to_the_preset(void **state) {
    (void)state;
    struct mapping_yaml plain, changed;
    mapping_yaml_load(&plain, "mapping: {preset: ga4}");
    mapping_yaml_load(&changed, "mapping: {preset: ga4, currency: {default: EUR},"
                                " event_ms: {unit: s}, total: {unit: cents}}");
    assert_non_null(changed.mapping);
    const struct mapping *mapping = changed.mapping;
    assert_int_equal(mapping->path_count, plain.mapping->path_count);
    assert_true(bytes_equal(mapping->event[MAP_CURRENCY].default_text, bytes_of_text("EUR")));
    assert_int_equal(plain.mapping->event[MAP_EVENT_MS].unit, UNIT_US);
    assert_int_equal(mapping->event[MAP_EVENT_MS].unit, UNIT_S);
    assert_int_equal(mapping->event[MAP_TOTAL].unit, UNIT_CENTS);
    mapping_yaml_clean_up(&changed);
    mapping_yaml_load(&changed, "mapping: {preset: ga4, event_ms: at}");
    assert_non_null(changed.mapping);
    assert_int_equal(changed.mapping->event[MAP_EVENT_MS].unit, UNIT_AUTO);
    mapping_yaml_clean_up(&plain);
    mapping_yaml_clean_up(&changed);
}

static void test_own(void **state) {
    (void)state;
    struct mapping *own = mapping_new_own();
    assert_non_null(own);
    assert_int_equal(own->path_count, MAPPING_EVENT_FIELD_COUNT + MAPPING_LINE_FIELD_COUNT);
    mapping_destroy(own);
    mapping_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_what_is_given),
        cmocka_unit_test(test_presets_fill_in),
        cmocka_unit_test(test_what_a_field_adds_to_the_preset),
        cmocka_unit_test(test_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
