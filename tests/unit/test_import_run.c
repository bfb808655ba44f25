/* import_run: files in, records out in order; rejects, disorder, limit and stop as they must be
 * counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/import_csv.h"
#include "producer/import_run.h"
#include "tests/support/temp_file.h"

/* A sink that writes down "user@time " for each record, and fails after a number of them. */
struct noting_sink {
    struct sink head;
    struct buffer text;
    int64_t fails_after;
};

static struct failure note(struct sink *sink, const struct sink_record *record) {
    struct noting_sink *noting = (struct noting_sink *)sink;
    if (sink->sent >= noting->fails_after) {
        return failure_make(FAILURE_STOP, 0, "full");
    }
    buffer_format(&noting->text, "%.*s@%d ", BYTES_ARG(record->key), (int)record->timestamp_ms);
    struct event_line lines[EVENT_LINES_MAX];
    struct event event = {.lines = lines};
    assert_int_equal(event_decode(record->body, &event), EVENT_OK);
    assert_true(bytes_equal(event.user_id, record->key));
    assert_int_equal(event.event_ms, record->timestamp_ms);
    assert_int_equal(event.event_id.size, 0);
    assert_int_equal(record->partition, -1);
    return failure_none();
}

static const struct sink_ops noting_ops = {.send = note};

struct fixture {
    struct noting_sink sink;
    volatile sig_atomic_t stop;
    struct import_plan plan;
    struct import_run run;
    char *errors;
    size_t errors_size;
};

static int set_up(void **state) {
    struct fixture *fixture = memory_new(1, sizeof *fixture);
    fixture->sink = (struct noting_sink){.head = {.ops = &noting_ops}, .fails_after = INT64_MAX};
    fixture->plan = (struct import_plan){
        .name = "import",
        .format = &import_csv,
        .settings = {.map = {[IMPORT_TIME] = "t", [IMPORT_TYPE] = "e", [IMPORT_USER] = "u"}},
        .csv = {.separator = ',', .row_bytes_max = 1000},
        .stop = &fixture->stop,
    };
    fixture->plan.errors = open_memstream(&fixture->errors, &fixture->errors_size);
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    import_run_clean_up(&fixture->run);
    buffer_clean_up(&fixture->sink.text);
    fclose(fixture->plan.errors);
    free(fixture->errors);
    free(fixture);
    return 0;
}

/* The map has no items, so a type without one is used. */
#define HEADER    "t,e,u\n"
#define ROW(t, u) #t ",cart_viewed," #u "\n"

static struct failure import_text(struct fixture *fixture, const char *text) {
    struct temp_file file = temp_file_of_text(text);
    struct failure failure = import_run_file(&fixture->run, file.path);
    temp_file_remove(&file);
    return failure;
}

static void import_good(struct fixture *fixture, const char *text) {
    struct failure failure = import_text(fixture, text);
    assert_false(failed(failure));
}

static void finish(struct fixture *fixture, const char *expected) {
    struct failure failure = import_run_end(&fixture->run);
    assert_false(failed(failure));
    buffer_append_byte(&fixture->sink.text, '\0');
    assert_string_equal((const char *)fixture->sink.text.data, expected);
}

static void files_go_out_in_their_order(void **state) {
    struct fixture *fixture = *state;
    import_run_init(&fixture->run, &fixture->plan, &fixture->sink.head);
    import_good(fixture, HEADER ROW(5, a) ROW(7, b) ROW(6, c) ROW(7, d));
    import_good(fixture, HEADER ROW(3, e) ROW(9, f));
    finish(fixture, "a@5 b@7 c@6 d@7 e@3 f@9 ");
    const struct import_counts *counts = &fixture->run.counts;
    assert_int_equal(counts->rows, 6);
    assert_int_equal(counts->sent, 6);
    assert_int_equal(counts->out_of_order, 2); /* 6 behind 7, 3 behind 7 */
    assert_int_equal(counts->first_ms, 3);
    assert_int_equal(counts->last_ms, 9);
}

static void sorting_orders_across_files_stably(void **state) {
    struct fixture *fixture = *state;
    fixture->plan.is_sorted = true;
    import_run_init(&fixture->run, &fixture->plan, &fixture->sink.head);
    import_good(fixture, HEADER ROW(5, a) ROW(7, b) ROW(6, c) ROW(7, d));
    import_good(fixture, HEADER ROW(3, e) ROW(7, f));
    assert_int_equal(fixture->run.counts.sent, 0);
    finish(fixture, "e@3 a@5 c@6 b@7 d@7 f@7 ");
    assert_int_equal(fixture->run.counts.sent, 6);
    assert_int_equal(fixture->run.counts.out_of_order, 2);
}

static void rejects_are_counted_and_five_are_shown(void **state) {
    struct fixture *fixture = *state;
    import_run_init(&fixture->run, &fixture->plan, &fixture->sink.head);
    import_good(fixture, HEADER "x,cart_viewed,u\n1,nap,u\n1,cart_viewed,\n" ROW(
                             2, a) "1,2\nx,\x01\xFF,u\nx,sixth,u\n" ROW(3, b));
    finish(fixture, "a@2 b@3 ");
    const struct import_counts *counts = &fixture->run.counts;
    assert_int_equal(counts->rows, 8);
    assert_int_equal(counts->by_verdict[IMPORT_OK], 2);
    assert_int_equal(counts->by_verdict[IMPORT_BAD_TIME], 3);
    assert_int_equal(counts->by_verdict[IMPORT_UNKNOWN_TYPE], 1);
    assert_int_equal(counts->by_verdict[IMPORT_MISSING_USER], 1);
    assert_int_equal(counts->by_verdict[IMPORT_WRONG_FIELD_COUNT], 1);
    assert_int_equal(import_counts_rejected(counts), 6);
    fflush(fixture->plan.errors);
    assert_non_null(strstr(fixture->errors, ":2: bad_time: x,cart_viewed,u\n"));
    assert_non_null(strstr(fixture->errors, ":6: wrong_field_count: 1,2\n"));
    assert_non_null(strstr(fixture->errors, ":7: bad_time: x,??,u\n"));
    assert_null(strstr(fixture->errors, "sixth"));
}

static void the_limit_ends_it(void **state) {
    struct fixture *fixture = *state;
    fixture->plan.limit = 2;
    import_run_init(&fixture->run, &fixture->plan, &fixture->sink.head);
    import_good(fixture, HEADER ROW(1, a) "bad,bad,bad\n" ROW(2, b) ROW(3, c));
    assert_true(import_run_is_over(&fixture->run));
    finish(fixture, "a@1 b@2 ");
}

static void a_stop_ends_it(void **state) {
    struct fixture *fixture = *state;
    import_run_init(&fixture->run, &fixture->plan, &fixture->sink.head);
    import_good(fixture, HEADER ROW(1, a));
    fixture->stop = 1;
    import_good(fixture, HEADER ROW(2, b));
    finish(fixture, "a@1 ");
}

static void failures_come_back(void **state) {
    struct fixture *fixture = *state;
    import_run_init(&fixture->run, &fixture->plan, &fixture->sink.head);
    struct failure failure = import_text(fixture, "t,e\n");
    assert_int_equal(failure.action, FAILURE_STOP);
    assert_non_null(strstr(failure.text, "no column 'u' (user)"));
    fixture->sink.fails_after = 1;
    failure = import_text(fixture, HEADER ROW(1, a) ROW(2, b) ROW(3, c));
    assert_int_equal(failure.action, FAILURE_STOP);
    assert_string_equal(failure.text, "full");
    assert_int_equal(fixture->run.counts.sent, 1);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(files_go_out_in_their_order),
        CASE(sorting_orders_across_files_stably),
        CASE(rejects_are_counted_and_five_are_shown),
        CASE(the_limit_ends_it),
        CASE(a_stop_ends_it),
        CASE(failures_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
