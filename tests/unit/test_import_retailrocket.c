/* import_retailrocket: the three kinds of rows, with and without the session column, and rejects.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "producer/import_retailrocket.h"
#include "tests/support/import_rows.h"

static const struct import_settings settings = {.consent = CONSENT_UNKNOWN};

static void expect(const char *csv, const char *expected) {
    char *got = import_rows(&import_retailrocket, &settings, csv);
    assert_string_equal(got, expected);
    free(got);
}

static void the_original_columns(void **state) {
    (void)state;
    expect("timestamp,visitorid,event,itemid,transactionid\n"
           "1433221332117,257597,view,355908,\n"
           "1433221332118,257597,addtocart,355908,\n"
           "1433222276276,599528,transaction,356475,4000\n",
           "1433221332117 product_viewed 257597 [355908 x1]\n"
           "1433221332118 product_added 257597 [355908 x1]\n"
           "1433222276276 order_completed 599528 [356475 x1] order=4000\n");
}

static void a_session_column_is_taken(void **state) {
    (void)state;
    expect("timestamp,visitorid,event,itemid,transactionid,session_id\n"
           "1430636062541,285933,view,298009,,568\n",
           "1430636062541 product_viewed 285933 [298009 x1] session=568\n");
}

static void rejects(void **state) {
    (void)state;
    expect("timestamp,visitorid,event,itemid,transactionid\n"
           "2015-05-03,1,view,2,\n"
           "1430636062541,1,View,2,\n"
           "1430636062541,,view,2,\n"
           "1430636062541,1,addtocart,,\n"
           "1430636062541,1,view\n"
           "-1,1,view,2,\n",
           "bad_time\nunknown_type\nmissing_user\nmissing_item\nwrong_field_count\nbad_time\n");
}

static void the_order_column_must_be_there(void **state) {
    (void)state;
    expect("timestamp,visitorid,event,itemid\n",
           "unbound: the header has no column 'transactionid' (order)");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_original_columns),
        cmocka_unit_test(a_session_column_is_taken),
        cmocka_unit_test(rejects),
        cmocka_unit_test(the_order_column_must_be_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
