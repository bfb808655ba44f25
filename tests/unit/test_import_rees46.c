/* import_rees46: real rows of the public log, its gaps (no category, no brand, price 0.00), and
 * rows that it must reject. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "producer/import_rees46.h"
#include "tests/support/import_rows.h"

#define HEADER                                                                                     \
    "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_"         \
    "session\n"

static void expect(const struct import_settings *settings, const char *csv, const char *expected) {
    char *got = import_rows(&import_rees46, settings, csv);
    assert_string_equal(got, expected);
    free(got);
}

static void event_types_and_fields(void **state) {
    (void)state;
    const struct import_settings settings = {.consent = CONSENT_UNKNOWN};
    expect(&settings,
           HEADER "2019-10-01 00:00:00 UTC,view,44600062,2103807459595387724,,shiseido,35.79,"
                  "541312140,72d7\n"
                  "2019-10-01 00:00:01 UTC,cart,3900821,2053,appliances.water_heater,aqua,33.20,"
                  "554748717,9333\n"
                  "2019-10-01 00:00:02 UTC,remove_from_cart,3900821,2053,appliances.water_heater,,"
                  "33.20,554748717,9333\n"
                  "2019-10-01 00:00:03 UTC,purchase,1,2,c,b,130.76,7,s\n",
           "1569888000000 product_viewed 541312140 [44600062 x1 @35.79 "
           "category=2103807459595387724 brand=shiseido] session=72d7\n"
           "1569888001000 product_added 554748717 [3900821 x1 @33.20 "
           "category=appliances.water_heater brand=aqua] session=9333\n"
           "1569888002000 product_removed 554748717 [3900821 x1 @33.20 "
           "category=appliances.water_heater] session=9333\n"
           "1569888003000 order_completed 7 [1 x1 @130.76 category=c brand=b] total=130.76 "
           "session=s\n");
}

static void a_price_of_zero_is_unknown(void **state) {
    (void)state;
    const struct import_settings settings = {.consent = CONSENT_UNKNOWN};
    expect(&settings,
           HEADER "2019-10-01 00:00:00 UTC,view,1,2,,,0.00,7,s\n"
                  "2019-10-01 00:00:00 UTC,purchase,1,2,,,,7,s\n",
           "1569888000000 product_viewed 7 [1 x1 category=2] session=s\n"
           "1569888000000 order_completed 7 [1 x1 category=2] session=s\n");
}

static void settings_stand_in(void **state) {
    (void)state;
    const struct import_settings settings = {.consent = CONSENT_GRANTED,
                                             .timezone = bytes_of_text("Europe/Moscow"),
                                             .currency = bytes_of_text("USD")};
    expect(&settings, HEADER "2019-10-01 00:00:00 UTC,view,1,2,,,5,7,s\n",
           "1569888000000 product_viewed 7 [1 x1 @5.00 category=2] consent=granted session=s "
           "currency=USD timezone=Europe/Moscow\n");
}

static void rejects(void **state) {
    (void)state;
    const struct import_settings settings = {.consent = CONSENT_UNKNOWN};
    expect(&settings,
           HEADER "yesterday,view,1,2,,,5,7,s\n"
                  "2019-10-01 00:00:00 UTC,wishlist,1,2,,,5,7,s\n"
                  "2019-10-01 00:00:00 UTC,view,1,2,,,5,,s\n"
                  "2019-10-01 00:00:00 UTC,view,,2,,,5,7,s\n"
                  "2019-10-01 00:00:00 UTC,view,1,2,,,five,7,s\n"
                  "2019-10-01 00:00:00 UTC,view,1,2,,\xC0\xAF,5,7,s\n"
                  "2019-10-01 00:00:00 UTC,view,1,2,,\"b\"x,5,7,s\n"
                  "2019-10-01 00:00:00 UTC,vie",
           "bad_time\nunknown_type\nmissing_user\nmissing_item\nbad_price\nbad_utf8\nbad_quote\n"
           "wrong_field_count\n");
}

static void a_foreign_header_is_refused(void **state) {
    (void)state;
    const struct import_settings settings = {.consent = CONSENT_UNKNOWN};
    expect(&settings, "event_time,event_type,product_id\n1,2,3\n",
           "unbound: the header has no column 'user_id' (user)");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(event_types_and_fields),      cmocka_unit_test(a_price_of_zero_is_unknown),
        cmocka_unit_test(settings_stand_in),           cmocka_unit_test(rejects),
        cmocka_unit_test(a_foreign_header_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
