/* pseudonym: stable under a key, different under another, and nothing of the id in it. */
#include "base/pseudonym.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct pseudonym name_of(const char *key_text, const char *id) {
    struct pseudonym_key key = pseudonym_key_of(bytes_of_text(key_text));
    return pseudonym_of(&key, bytes_of_text(id));
}

/* Python: hashlib.blake2b(b"anna", digest_size=32, key=hashlib.blake2b(b"a key", digest_size=32)
 * .digest()).hexdigest()[:16] */
static void test_names(void **state) {
    (void)state;
    assert_string_equal(name_of("a key", "anna").text, "u_7f8c92fbbb4dc8c0");
    assert_string_not_equal(name_of("a key", "anna2").text, name_of("a key", "anna").text);
    assert_string_not_equal(name_of("b key", "anna").text, name_of("a key", "anna").text);
    assert_int_equal(strlen(name_of("a key", "").text), 18);
}

static void test_no_key_is_a_random_one(void **state) {
    (void)state;
    assert_string_not_equal(name_of("", "anna").text, name_of("", "anna").text);
}

static void test_secrets_are_compared_whole(void **state) {
    (void)state;
    assert_true(secret_equals(bytes_of_text("s3cret"), bytes_of_text("s3cret")));
    assert_true(secret_equals(bytes_of_text(""), bytes_of_text("")));
    assert_false(secret_equals(bytes_of_text("s3cret"), bytes_of_text("s3creT")));
    assert_false(secret_equals(bytes_of_text("s3cret"), bytes_of_text("s3cre")));
    assert_false(secret_equals(bytes_of_text("s3cret"), bytes_of_text("")));
    assert_false(secret_equals(bytes_of("a\0b", 3), bytes_of("a\0c", 3)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_no_key_is_a_random_one),
        cmocka_unit_test(test_secrets_are_compared_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
