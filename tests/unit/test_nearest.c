/* nearest: distances, and when a guess is near enough to be told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "base/nearest.h"

static void distances(void **state) {
    (void)state;
    assert_int_equal(nearest_distance("", ""), 0);
    assert_int_equal(nearest_distance("", "abc"), 3);
    assert_int_equal(nearest_distance("abc", ""), 3);
    assert_int_equal(nearest_distance("kitten", "sitting"), 3);
    assert_int_equal(nearest_distance("cuont", "count"), 1); /* a swap is one slip */
    assert_int_equal(nearest_distance("ca", "abc"), 3);      /* optimal string alignment */
    assert_int_equal(nearest_distance("Max-Skew", "max_skew"), 1);
    assert_int_equal(nearest_distance("abcdef", "badcfe"), 3);
}

static const char *nearest_of(const char *sought, const char *const *names) {
    struct nearest nearest;
    nearest_init(&nearest, sought);
    for (; *names; names++) {
        nearest_offer(&nearest, *names);
    }
    return nearest.name;
}

static void the_nearest_is_named_only_when_near(void **state) {
    (void)state;
    static const char *const names[] = {"id",        "lateness", "max_skew",
                                        "price_max", "lateneff", NULL};
    assert_string_equal(nearest_of("latness", names), "lateness");
    assert_string_equal(nearest_of("latenexx", names), "lateness"); /* the first of equals */
    assert_string_equal(nearest_of("lateneff", names), "lateneff");
    assert_string_equal(nearest_of("ip", names), "id");
    assert_null(nearest_of("x", names)); /* nothing is left of it */
    assert_null(nearest_of("xy", names));
    assert_null(nearest_of("skewmax", names));
    assert_null(nearest_of("", names));
}

static void long_names_are_passed_over(void **state) {
    (void)state;
    char name[NEAREST_NAME_MAX + 2];
    memset(name, 'a', sizeof name);
    name[NEAREST_NAME_MAX + 1] = '\0';
    const char *const names[] = {name, NULL};
    assert_null(nearest_of("aaaa", names));
    assert_null(nearest_of(name, names));
    name[NEAREST_NAME_MAX] = '\0';
    assert_ptr_equal(nearest_of(name, names), name);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances),
        cmocka_unit_test(the_nearest_is_named_only_when_near),
        cmocka_unit_test(long_names_are_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
