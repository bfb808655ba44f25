/* import_options: a command line becomes a plan, and what does not fit together is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "producer/import_csv.h"
#include "producer/import_options.h"
#include "producer/import_rees46.h"

#define ARGUMENTS_MAX 24

struct parsed {
    enum options_verdict verdict;
    struct import_options options;
    struct import_plan plan;
    struct option_arguments files;
    char *argv[ARGUMENTS_MAX + 1];
};

/* words: the command line without its name, ended by NULL. */
static void parse(struct parsed *out, const char *const *words) {
    int argc = 0;
    out->argv[argc++] = (char *)(uintptr_t) "import";
    for (; *words; words++) {
        assert_true(argc < ARGUMENTS_MAX);
        out->argv[argc++] = (char *)(uintptr_t)*words;
    }
    out->argv[argc] = NULL;
    out->verdict = import_options_parse(argc, out->argv, &out->options, &out->plan, &out->files);
}
#define PARSE(out, ...) parse((out), (const char *const[]){__VA_ARGS__, NULL})

static void a_plan_for_rees46(void **state) {
    (void)state;
    struct parsed got;
    PARSE(&got, "rees46", "-n", "a.csv", "--consent", "granted", "--timezone", "Europe/Berlin",
          "--currency=EUR", "--sort", "--limit", "10", "--rate", "2.5", "b.csv.zst");
    assert_int_equal(got.verdict, OPTIONS_OK);
    assert_ptr_equal(got.plan.format, &import_rees46);
    assert_int_equal(got.files.count, 2);
    assert_string_equal(got.files.items[0], "a.csv");
    assert_string_equal(got.files.items[1], "b.csv.zst");
    assert_int_equal(got.plan.settings.consent, CONSENT_GRANTED);
    assert_true(bytes_equal(got.plan.settings.timezone, bytes_of_text("Europe/Berlin")));
    assert_true(bytes_equal(got.plan.settings.currency, bytes_of_text("EUR")));
    assert_true(got.plan.is_sorted);
    assert_int_equal(got.plan.limit, 10);
    assert_true(got.plan.per_second == 2.5);
    assert_int_equal(got.plan.csv.separator, ',');
    assert_int_equal(got.plan.csv.row_bytes_max, CSV_ROW_BYTES_MAX_DEFAULT);
}

static void a_plan_for_csv(void **state) {
    (void)state;
    struct parsed got;
    PARSE(&got, "csv", "--dry-run", "--map", "time=ts", "--map", "type=event", "-m", "user=who",
          "--map=event_id=id=x", "--time-format", "iso", "--separator", "tab", "-");
    assert_int_equal(got.verdict, OPTIONS_OK);
    assert_ptr_equal(got.plan.format, &import_csv);
    assert_string_equal(got.plan.settings.map[IMPORT_TIME], "ts");
    assert_string_equal(got.plan.settings.map[IMPORT_EVENT_ID], "id=x");
    assert_null(got.plan.settings.map[IMPORT_ITEM]);
    assert_int_equal(got.plan.settings.time_format, TIME_FORMAT_ISO);
    assert_int_equal(got.plan.settings.consent, CONSENT_UNKNOWN);
    assert_int_equal(got.plan.csv.separator, '\t');
    assert_string_equal(got.files.items[0], "-");
}

static void what_does_not_fit_is_refused(void **state) {
    (void)state;
    struct parsed got;
#define REFUSED(...)                                                                               \
    PARSE(&got, __VA_ARGS__);                                                                      \
    assert_int_equal(got.verdict, OPTIONS_ERROR)
    REFUSED("rees46", "-n");
    REFUSED("rees64", "-n", "f");
    REFUSED("rees46", "f");
    REFUSED("rees46", "-n", "-o", "x", "f");
    REFUSED("rees46", "-n", "--map", "time=t", "f");
    REFUSED("csv", "-n", "--map", "time", "f");
    REFUSED("csv", "-n", "--map", "time=", "f");
    REFUSED("csv", "-n", "--map", "when=t", "f");
    REFUSED("csv", "-n", "--map", "time=a", "--map", "time=b", "f");
    REFUSED("csv", "-n", "--separator", ";;", "f");
    REFUSED("csv", "-n", "--separator", "\"", "f");
    REFUSED("csv", "-n", "--separator", "", "f");
    REFUSED("rees46", "-n", "--timezone", "Mars/Olympus", "f");
    REFUSED("rees46", "-n", "--currency", "eur", "f");
    REFUSED("rees46", "-n", "--consent", "denied", "f");
    REFUSED("rees46", "-n", "--rate", "-1", "f");
    REFUSED("rees46", "-n", "--row-bytes-max", "8", "f");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_for_rees46),
        cmocka_unit_test(a_plan_for_csv),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
