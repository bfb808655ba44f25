/* profile: what Avro-C reads of a row is what was put in, field by field; every value comes back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "schemas/event.h"
#include "schemas/rows.h"
#include "tests/support/row_check.h"

#define TEXT(literal) bytes_of_text(literal)

static void encode(const void *row, struct buffer *out) {
    profile_encode(row, out);
}

static bool decode(struct bytes body, void *out_row) {
    return profile_decode(body, out_row);
}

static const struct row_codec codec = {
    .schema = SCHEMA_PROFILE,
    .row_bytes = sizeof(struct profile_row),
    .encode = encode,
    .decode = decode,
};

static struct profile_row every_field(void) {
    return (struct profile_row){
        .user_id = TEXT("u1"),
        .subject_key_id = TEXT("k1"),
        .canonical_id = TEXT("c1"),
        .age_band = TEXT("25-34"),
        .gender = TEXT("f"),
        .region = TEXT("BE"),
        .timezone = TEXT("Europe/Berlin"),
        .locale = TEXT("de-DE"),
        .channel = TEXT("app"),
        .consent = CONSENT_DENIED,
    };
}

static void reads_as_it_was_written(void **state) {
    (void)state;
    struct profile_row row = every_field();
    row_check(&codec, &row,
              "{\"user_id\": \"u1\", \"subject_key_id\": {\"string\": \"k1\"}, \"canonical_id"
              "\": {\"string\": \"c1\"}, \"age_band\": {\"string\": \"25-34\"}, \"gender\": {"
              "\"string\": \"f\"}, \"region\": {\"string\": \"BE\"}, \"timezone\": {\"string"
              "\": \"Europe/Berlin\"}, \"locale\": {\"string\": \"de-DE\"}, \"channel\": {\"s"
              "tring\": \"app\"}, \"consent\": \"denied\"}");
    struct buffer body = {0};
    encode(&row, &body);
    row_check_golden("profile", buffer_bytes(&body));
    buffer_clean_up(&body);
}

static void no_optional_field(void **state) {
    (void)state;
    const struct profile_row row = {.user_id = TEXT("u1")};
    row_check(&codec, &row,
              "{\"user_id\": \"u1\", \"subject_key_id\": null, \"canonical_id\": null, "
              "\"age_band\": null, \"gender\": null, \"region\": null, \"timezone\": null, "
              "\"locale\": null, \"channel\": null, \"consent\": \"unknown\"}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_as_it_was_written),
        cmocka_unit_test(no_optional_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
