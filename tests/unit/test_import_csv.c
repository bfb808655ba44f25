/* import_csv: columns by the user's map, every part, three time formats, both vocabularies, and
 * rejects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/buffer.h"
#include "producer/import_csv.h"
#include "tests/support/import_rows.h"

static void expect(const struct import_settings *settings, const char *csv, const char *expected) {
    char *got = import_rows(&import_csv, settings, csv);
    assert_string_equal(got, expected);
    free(got);
}

static const struct import_settings full = {
    .consent = CONSENT_UNKNOWN,
    .time_format = TIME_FORMAT_MS,
    .map = {[IMPORT_TIME] = "t",
            [IMPORT_TYPE] = "what",
            [IMPORT_USER] = "who",
            [IMPORT_ITEM] = "sku",
            [IMPORT_PRICE] = "price",
            [IMPORT_QUANTITY] = "n",
            [IMPORT_CATEGORY] = "cat",
            [IMPORT_BRAND] = "brand",
            [IMPORT_SESSION] = "sid",
            [IMPORT_ORDER] = "oid",
            [IMPORT_EVENT_ID] = "eid",
            [IMPORT_CURRENCY] = "cur",
            [IMPORT_TIMEZONE] = "tz",
            [IMPORT_CONSENT] = "ok"},
};
#define FULL_HEADER "eid,t,what,who,sku,price,n,cat,brand,sid,oid,cur,tz,ok,unused\n"

static void every_part(void **state) {
    (void)state;
    expect(&full,
           FULL_HEADER "e1,1000,purchase,u,i,2.50,3,c,b,s,o,EUR,Europe/Berlin,granted,z\n"
                       "e2,2000,product_added,u,i,,,,,,,,,,\n"
                       "e3,3000,checkout_started,u,,,,,,,,,,0,\n"
                       "e4,4000,product_viewed,u,i,0,,,,,,,,,\n",
           "1000 order_completed u [i x3 @2.50 category=c brand=b] total=7.50 consent=granted "
           "id=e1 session=s order=o currency=EUR timezone=Europe/Berlin\n"
           "2000 product_added u [i x1] id=e2\n"
           "3000 checkout_started u consent=denied id=e3\n"
           "4000 product_viewed u [i x1 @0.00] id=e4\n");
}

static void time_formats_and_other_words(void **state) {
    (void)state;
    struct import_settings settings = {
        .map = {
            [IMPORT_TIME] = "t", [IMPORT_TYPE] = "e", [IMPORT_USER] = "u", [IMPORT_ITEM] = "i"}};
    settings.time_format = TIME_FORMAT_S;
    expect(&settings, "t,e,u,i\n1.5,view,u,i\n2,cart,u,i\n3,remove_from_cart,u,i\n",
           "1500 product_viewed u [i x1]\n2000 product_added u [i x1]\n"
           "3000 product_removed u [i x1]\n");
    settings.time_format = TIME_FORMAT_ISO;
    expect(&settings, "t,e,u,i\n1970-01-02T00:00:00Z,addtocart,u,i\n1000,order,u,i\n",
           "86400000 product_added u [i x1]\nbad_time\n");
}

static void rejects(void **state) {
    (void)state;
    expect(&full,
           FULL_HEADER ",1000,view,u,i,1,0,,,,,,,,\n"
                       ",1000,view,u,i,1,1.5,,,,,,,,\n"
                       ",1000,view,u,i,1,9999999999,,,,,,,,\n"
                       ",1000,view,u,i,1,1,,,,,,,maybe,\n"
                       ",1000,view,u,i,nan,1,,,,,,,,\n"
                       ",1000,order,u,i,1e308,1000,,,,,,,,\n"
                       ",1000,view,u,i,1,1,,,\xFF,,,,,\n"
                       ",1000,view,\xFF,i,1,1,,,,,,,,\n",
           "bad_quantity\nbad_quantity\nbad_quantity\nbad_consent\nbad_price\nbad_price\n"
           "bad_utf8\nbad_utf8\n");
}

/* One byte over a bound is rejected, the bound itself is not. */
static void text_bounds(void **state) {
    (void)state;
    static const struct {
        int user, item;
        bool fits;
    } cases[] = {{EVENT_USER_BYTES_MAX, EVENT_TEXT_BYTES_MAX, true},
                 {EVENT_USER_BYTES_MAX + 1, 1, false},
                 {1, EVENT_TEXT_BYTES_MAX + 1, false}};
    const struct import_settings settings = {
        .map = {
            [IMPORT_TIME] = "t", [IMPORT_TYPE] = "e", [IMPORT_USER] = "u", [IMPORT_ITEM] = "i"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer csv = {0};
        buffer_format(&csv, "t,e,u,i\n5,view,%0*d,%0*d\n", cases[i].user, 0, cases[i].item, 0);
        char *text = memory_copy_text(buffer_bytes(&csv));
        char *got = import_rows(&import_csv, &settings, text);
        assert_int_equal(strcmp(got, "text_too_long\n") != 0, cases[i].fits);
        free(got);
        free(text);
        buffer_clean_up(&csv);
    }
}

static void the_map_must_hold(void **state) {
    (void)state;
    struct import_settings settings = {.map = {[IMPORT_TIME] = "t", [IMPORT_USER] = "u"}};
    expect(&settings, "t,e,u\n", "unbound: no column is mapped to type: --map type=COLUMN");
    settings.map[IMPORT_TYPE] = "event";
    expect(&settings, "t,e,u\n", "unbound: the header has no column 'event' (type)");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part),        cmocka_unit_test(time_formats_and_other_words),
        cmocka_unit_test(rejects),           cmocka_unit_test(text_bounds),
        cmocka_unit_test(the_map_must_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
