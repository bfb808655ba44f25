#include "producer/shop_causes.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "producer/shop.h"
#include "producer/shop_report.h"
#include "producer/shop_user.h"
#include "tests/support/temp_file.h"

static json_t *next_line(FILE *file) {
    char line[1024];
    json_error_t error;
    if (!fgets(line, sizeof line, file)) {
        return NULL;
    }
    json_t *object = json_loads(line, 0, &error);
    if (!object) {
        fail_msg("%s in %s", error.text, line);
    }
    return object;
}

static const char *text_of(const json_t *line, const char *name) {
    return json_string_value(json_object_get(line, name));
}

static int64_t number_of(const json_t *line, const char *name) {
    return json_integer_value(json_object_get(line, name));
}

static void test_a_line_per_cause(void **state) {
    (void)state;
    struct temp_file temp = temp_file_of_text("");
    struct shop_causes causes;
    struct failure failure = shop_causes_open(temp.path, 9, &causes);
    assert_false(failed(failure));
    struct shop_click click = {.event_ms = 2000,
                               .arrival_ms = 3000,
                               .user = 42,
                               .session = 3,
                               .seq = 1,
                               .type = EVENT_PRODUCT_ADDED,
                               .flags = CLICK_GUEST};
    uint32_t set = SHOP_CAUSE_BIT(CAUSE_LATE) | SHOP_CAUSE_BIT(CAUSE_GUEST);
    shop_causes_write(&causes, set, 1000, &click, true);
    shop_causes_write(&causes, 0, 1000, &click, true);
    click.flags = 0;
    shop_causes_write(&causes, SHOP_CAUSE_BIT(CAUSE_LOST), 1000, &click, false);
    failure = shop_causes_close(&causes);
    assert_false(failed(failure));
    failure = shop_causes_close(&causes); /* once more does nothing */
    assert_false(failed(failure));
    FILE *file = fopen(temp.path, "r");
    char key[SHOP_KEY_BYTES];
    shop_guest_key(9, 42, 3, key);
    json_t *late = next_line(file), *guest = next_line(file), *lost = next_line(file);
    assert_string_equal(text_of(late, "cause"), "late");
    assert_string_equal(text_of(late, "user_id"), "u0000042");
    assert_string_equal(text_of(late, "key"), key);
    assert_string_equal(text_of(late, "type"), "product_added");
    assert_int_equal(strlen(text_of(late, "event_id")), 16);
    assert_int_equal(number_of(late, "session"), 3);
    assert_int_equal(number_of(late, "happened_ms"), 1000);
    assert_int_equal(number_of(late, "event_ms"), 2000);
    assert_int_equal(number_of(late, "arrival_ms"), 3000);
    assert_string_equal(text_of(guest, "cause"), "guest");
    assert_string_equal(text_of(lost, "key"), "u0000042");
    assert_true(json_is_null(json_object_get(lost, "arrival_ms")));
    assert_null(next_line(file));
    json_decref(late);
    json_decref(guest);
    json_decref(lost);
    fclose(file);
    temp_file_remove(&temp);
}

/* ---- a whole dirty world: what is counted is on file, and the other way round ---- */

struct lines {
    uint64_t of[SHOP_CAUSE_COUNT];
    uint64_t late_days;
};

static int cause_of(const char *name) {
#define NAME(id, text, help) text,
    static const char *const names[] = {SHOP_CAUSES(NAME)};
#undef NAME
    for (int cause = 0; cause < SHOP_CAUSE_COUNT; cause++) {
        if (strcmp(names[cause], name) == 0) {
            return cause;
        }
    }
    fail_msg("unknown cause %s", name);
    return -1;
}

static void count_lines(const char *path, struct lines *out) {
    FILE *file = fopen(path, "r");
    json_t *line;
    memset(out, 0, sizeof *out);
    while ((line = next_line(file))) {
        int cause = cause_of(text_of(line, "cause"));
        int64_t delay_ms = number_of(line, "arrival_ms") - number_of(line, "happened_ms");
        out->of[cause]++;
        out->late_days += cause == CAUSE_LATE && delay_ms >= INT64_C(86400000);
        json_decref(line);
    }
    fclose(file);
}

static struct shop_nuisance_counts run(enum shop_switch nuisance, const char *causes_path) {
    struct shop_options options = shop_options_default();
    options.world = "dirty";
    options.users = 3000;
    options.days = 14;
    options.nuisance = nuisance;
    options.causes_path = causes_path;
    struct shop *shop;
    struct failure failure = shop_new(&options, stderr, &shop);
    assert_false(failed(failure));
    struct shop_emission emission;
    while (shop_next(shop, &emission)) {
    }
    struct shop_nuisance_counts counts = *shop_nuisance_counts_of(shop);
    failure = shop_finish(shop);
    assert_false(failed(failure));
    shop_destroy(shop);
    return counts;
}

static void test_the_file_tells_what_is_counted(void **state) {
    (void)state;
    struct temp_file temp = temp_file_of_text("");
    struct lines lines;
    struct shop_nuisance_counts counts = run(SHOP_ON, temp.path);
    count_lines(temp.path, &lines);
    assert_true(counts.duplicated > 0 && counts.lost > 0 && counts.late_days > 0);
    assert_int_equal(lines.of[CAUSE_DUPLICATE], counts.duplicated);
    assert_int_equal(lines.of[CAUSE_LATE], counts.late + counts.late_days);
    assert_true(lines.late_days >= counts.late_days);
    assert_int_equal(lines.of[CAUSE_REORDERED], counts.reordered);
    assert_int_equal(lines.of[CAUSE_LOST], counts.lost);
    assert_int_equal(lines.of[CAUSE_CLOCK_SKEW], counts.clock_skewed);
    assert_int_equal(lines.of[CAUSE_NO_BRAND], counts.no_brand);
    assert_int_equal(lines.of[CAUSE_NO_PRICE], counts.no_price);
    assert_int_equal(lines.of[CAUSE_ABSURD_PRICE], counts.absurd_price);
    assert_int_equal(lines.of[CAUSE_FUTURE], counts.future);
    assert_int_equal(lines.of[CAUSE_BOT], counts.bot_events);
    assert_int_equal(lines.of[CAUSE_SECOND_DEVICE], counts.second_device);
    assert_int_equal(lines.of[CAUSE_LOGIN], 2 * counts.logins); /* under both keys */
    assert_true(lines.of[CAUSE_GUEST] > counts.guest_sessions);
    assert_int_equal(lines.of[CAUSE_REFUND], counts.refunded);
    assert_int_equal(lines.of[CAUSE_CANCEL], counts.cancelled);
    assert_int_equal(lines.of[CAUSE_ASYNC_PAYMENT], counts.async_payments);
    run(SHOP_OFF, temp.path);
    count_lines(temp.path, &lines);
    for (int cause = 0; cause < SHOP_CAUSE_COUNT; cause++) {
        assert_int_equal(lines.of[cause], 0);
    }
    temp_file_remove(&temp);
}

static void test_a_bad_path_is_told(void **state) {
    (void)state;
    struct shop_options options = shop_options_default();
    options.causes_path = "/nowhere/causes.jsonl";
    struct shop *shop;
    struct failure failure = shop_new(&options, stderr, &shop);
    assert_true(failed(failure));
    assert_null(shop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_per_cause),
        cmocka_unit_test(test_the_file_tells_what_is_counted),
        cmocka_unit_test(test_a_bad_path_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
