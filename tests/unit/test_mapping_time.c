/* Times as texts; the expected numbers are GNU date's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "schemas/mapping.h"

static void test_times(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        {"1970-01-01", 0},
        {"1970-01-01T00:00:00Z", 0},
        {"2026-11-25T19:50:08.123Z", INT64_C(1795636208123)},
        {"2026-11-25t19:50:08,123z", INT64_C(1795636208123)},
        {"2026-11-25T19:50:08.123456789Z", INT64_C(1795636208123)},
        {"2026-11-25T20:50:08.1+01:00", INT64_C(1795636208100)},
        {"2026-11-25T14:50:08.12-0500", INT64_C(1795636208120)},
        {"2026-11-25T20:50:08+01", INT64_C(1795636208000)},
        {"2019-10-01 00:00:00 UTC", INT64_C(1569888000000)},
        {"2026-11-25T19:50", INT64_C(1795636200000)},
        {"2024-02-29", INT64_C(1709164800000)},
        {"2000-02-29", INT64_C(951782400000)},
        {"1969-12-31T23:59:59.999Z", -1},
        {"0001-01-01", INT64_C(-62135596800000)},
        {"9999-12-31T23:59:59.999Z", INT64_C(253402300799999)},
        {"2016-12-31T23:59:60Z", INT64_C(1483228800000)},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t ms;
        assert_true(mapping_parse_time(bytes_of_text(rows[i].text), &ms));
        assert_true(ms == rows[i].ms);
    }
}

static void test_no_times(void **state) {
    (void)state;
    static const char *const rows[] = {
        "",
        "2026",
        "2026-11",
        "2026-13-01",
        "2026-00-01",
        "2026-02-29",
        "1900-02-29",
        "2026-04-31",
        "2026-11-00",
        "0000-01-01",
        "2026-11-25T",
        "2026-11-25T24:00:00Z",
        "2026-11-25T19:60:00Z",
        "2026-11-25T19:50:61Z",
        "2026-11-25T19:50:08.Z",
        "2026-11-25T19:50:08.1234567890Z",
        "2026-11-25T19:50:08Zx",
        "2026-11-25T19:50:08+1",
        "2026-11-25T19:50:08+24:00",
        "2026-11-25T19:50:08+01:",
        "26-11-25",
        "+026-11-25",
        "2026-11-25x19:50:08Z",
        " 2026-11-25",
        "1795636208123",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t ms;
        assert_false(mapping_parse_time(bytes_of_text(rows[i]), &ms));
    }
}

/* Every cut of a good text is read within its bytes (ASan), and none but the known ones is a time.
 */
static void test_cuts(void **state) {
    (void)state;
    static const char whole[] = "2026-11-25T19:50:08.123+01:00";
    for (size_t size = 0; size < sizeof whole - 1; size++) {
        int64_t ms;
        uint8_t *copy = memory_new(size + 1, 1);
        uint8_t *exact = realloc(copy, size ? size : 1);
        memcpy(exact, whole, size);
        bool is_time = mapping_parse_time(bytes_of(exact, size), &ms);
        bool is_known =
            size == 10 || size == 16 || size == 19 || (size >= 21 && size <= 23) || size == 26;
        assert_int_equal(is_time, is_known);
        free(exact);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_no_times),
        cmocka_unit_test(test_cuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
