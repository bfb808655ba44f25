/* rows: bytes of values, keys, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>

#include "model/rows.h"

static void values_are_little_endian_and_come_back(void **state) {
    (void)state;
    uint8_t bytes[24];
    struct row_writer writer = {bytes, 0};
    row_put_u32(&writer, UINT32_C(0x01020304));
    row_put_f32(&writer, 1.5f);
    row_put_f64(&writer, -0.1);
    row_put_u64(&writer, UINT64_C(0x1122334455667788));
    const uint8_t expected[24] = {4,    3,    2,    1,    0,    0,    0xc0, 0x3f,
                                  0x9a, 0x99, 0x99, 0x99, 0x99, 0x99, 0xb9, 0xbf,
                                  0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11};
    assert_int_equal(writer.size, sizeof expected);
    assert_memory_equal(bytes, expected, sizeof expected);
    struct row_reader reader = {bytes_of(bytes, sizeof bytes)};
    assert_true(row_get_u32(&reader) == UINT32_C(0x01020304) && row_get_f32(&reader) == 1.5f);
    assert_true(row_get_f64(&reader) == -0.1);
    assert_true(row_get_u64(&reader) == UINT64_C(0x1122334455667788));
    assert_int_equal(reader.left.size, 0);
}

static void sizes_and_values_are_checked(void **state) {
    (void)state;
    const double doubles[] = {1, -1e30};
    const float singles[] = {1, -1e29f};
    assert_int_equal(row_check_f64(bytes_of(doubles, 16), 2), LEARNER_OK);
    assert_int_equal(row_check_f64(bytes_of(doubles, 16), 1), LEARNER_BAD_SIZE);
    assert_int_equal(row_check_f64(bytes_of(doubles, 15), 2), LEARNER_BAD_SIZE);
    assert_int_equal(row_check_f32(bytes_of(singles, 8), 2), LEARNER_OK);
    assert_int_equal(row_check_f32(bytes_of(singles, 8), 3), LEARNER_BAD_SIZE);
    const double bad[] = {(double)NAN, (double)INFINITY, -1.1e30};
    for (int i = 0; i < 3; i++) {
        float single = (float)bad[i];
        assert_int_equal(row_check_f64(bytes_of(&bad[i], 8), 1), LEARNER_BAD_VALUE);
        assert_int_equal(row_check_f32(bytes_of(&single, 4), 1), LEARNER_BAD_VALUE);
    }
}

static void keys_are_hex_of_fixed_width(void **state) {
    (void)state;
    char key[LEARNER_ROW_KEY_MAX];
    uint64_t number = 0;
    row_key(key, "w/", 0x1af, 5);
    assert_string_equal(key, "w/001af");
    assert_true(row_key_parse(key, "w/", 5, &number) && number == 0x1af);
    row_key(key, "a/", UINT64_MAX, 16);
    assert_string_equal(key, "a/ffffffffffffffff");
    assert_true(row_key_parse(key, "a/", 16, &number) && number == UINT64_MAX);
    const char *const bad[] = {"w/001AF", "w/01af", "w/0001af", "z/001af", "w/001a ", "w"};
    for (int i = 0; i < 6; i++) {
        assert_false(row_key_parse(bad[i], "w/", 5, &number));
    }
}

static void texts_are_numbers_that_a_double_holds(void **state) {
    (void)state;
    double a = row_text_hash(bytes_of_text("shoes")), b = row_text_hash(bytes_of_text("books"));
    assert_true(a != b && a >= 1 && a < 0x1p53 && a == floor(a));
    assert_true(row_text_hash(bytes_of_text("shoes")) == a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_little_endian_and_come_back),
        cmocka_unit_test(sizes_and_values_are_checked),
        cmocka_unit_test(keys_are_hex_of_fixed_width),
        cmocka_unit_test(texts_are_numbers_that_a_double_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
