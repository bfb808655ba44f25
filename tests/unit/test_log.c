/* log: one whole line per call in both formats, nothing in a text can break out of its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

struct capture {
    FILE *file;
    char *text;
    size_t size;
    int64_t now_ms;
};

static struct log_sink capture_start(struct capture *capture, enum log_level level,
                                     enum log_format format) {
    *capture = (struct capture){.now_ms = 1774746000007};
    capture->file = open_memstream(&capture->text, &capture->size);
    assert_non_null(capture->file);
    return log_to(capture->file, level, format, clock_fake(&capture->now_ms));
}

static void capture_expect(struct capture *capture, const char *expected) {
    fclose(capture->file);
    assert_string_equal(capture->text, expected);
    free(capture->text);
}

static void text_line(void **state) {
    (void)state;
    struct capture capture;
    struct log_sink sink = capture_start(&capture, LOG_DEBUG, LOG_TEXT);
    log_info(&sink, "worker", "epoch committed epoch=%d", 7);
    log_error(&sink, "broker", "lost");
    capture_expect(&capture, "2026-03-29T01:00:00.007Z info  worker: epoch committed epoch=7\n"
                             "2026-03-29T01:00:00.007Z error broker: lost\n");
}

static void json_line(void **state) {
    (void)state;
    struct capture capture;
    struct log_sink sink = capture_start(&capture, LOG_DEBUG, LOG_JSON);
    log_warn(&sink, "worker", "slow ms=%d", 900);
    capture_expect(&capture, "{\"time\":\"2026-03-29T01:00:00.007Z\",\"level\":\"warn\","
                             "\"room\":\"worker\",\"text\":\"slow ms=900\"}\n");
}

static void json_escapes_what_it_must(void **state) {
    (void)state;
    struct capture capture;
    struct log_sink sink = capture_start(&capture, LOG_DEBUG, LOG_JSON);
    log_info(&sink, "a\"b", "q\" b\\ n\n t\t r\r e\x1b d\x7f \xc3\xa9 \xf0\x9f\x98\x80");
    capture_expect(&capture, "{\"time\":\"2026-03-29T01:00:00.007Z\",\"level\":\"info\","
                             "\"room\":\"a\\\"b\",\"text\":\"q\\\" b\\\\ n\\n t\\t r\\r "
                             "e\\u001b d\\u007f \xc3\xa9 \xf0\x9f\x98\x80\"}\n");
}

static void json_stays_utf8(void **state) {
    (void)state;
    /* Lone lead, lone trail, overlong, surrogate, beyond the last character, cut short by the end.
     */
    static const struct {
        const char *bad, *shown;
    } rows[] = {
        {"\xc3(", "\\ufffd("},
        {"\x80", "\\ufffd"},
        {"\xc0\xaf", "\\ufffd\\ufffd"},
        {"\xe0\x9f\xbf", "\\ufffd\\ufffd\\ufffd"},
        {"\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd"},
        {"\xf0\x8f\xbf\xbf", "\\ufffd\\ufffd\\ufffd\\ufffd"},
        {"\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd"},
        {"\xe2\x82", "\\ufffd\\ufffd"},
        {"\xed\x9f\xbf\xe0\xa0\x80\xf4\x8f\xbf\xbf", "\xed\x9f\xbf\xe0\xa0\x80\xf4\x8f\xbf\xbf"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct capture capture;
        struct log_sink sink = capture_start(&capture, LOG_DEBUG, LOG_JSON);
        char expected[200];
        snprintf(expected, sizeof expected,
                 "{\"time\":\"2026-03-29T01:00:00.007Z\",\"level\":\"info\",\"room\":\"r\","
                 "\"text\":\"%s\"}\n",
                 rows[i].shown);
        log_info(&sink, "r", "%s", rows[i].bad);
        capture_expect(&capture, expected);
    }
}

static void text_cannot_forge_a_line(void **state) {
    (void)state;
    struct capture capture;
    struct log_sink sink = capture_start(&capture, LOG_DEBUG, LOG_TEXT);
    log_info(&sink, "r", "a\n2026 error r: forged \x1b[2J \xff \xc3\xa9");
    capture_expect(&capture, "2026-03-29T01:00:00.007Z info  r: a\\n2026 error r: forged \\x1b[2J "
                             "\\xff \xc3\xa9\n");
}

static void quieter_levels_and_no_sink_drop(void **state) {
    (void)state;
    struct capture capture;
    struct log_sink sink = capture_start(&capture, LOG_WARN, LOG_TEXT);
    log_debug(&sink, "r", "no");
    log_info(&sink, "r", "no");
    log_warn(&sink, "r", "yes");
    struct log_sink nowhere = log_to(NULL, LOG_DEBUG, LOG_TEXT, sink.clock);
    log_error(&nowhere, "r", "no");
    log_error(NULL, "r", "no");
    capture_expect(&capture, "2026-03-29T01:00:00.007Z warn  r: yes\n");
}

static void time_before_1970_and_long_text(void **state) {
    (void)state;
    struct capture capture;
    struct log_sink sink = capture_start(&capture, LOG_DEBUG, LOG_TEXT);
    capture.now_ms = -1;
    log_info(&sink, "r", "%05000d", 0);
    fflush(capture.file);
    const char *start = "1969-12-31T23:59:59.999Z info  r: 0";
    assert_memory_equal(capture.text, start, strlen(start));
    assert_int_equal(capture.size, strlen(start) - 1 + 5000 + 1);
    fclose(capture.file);
    free(capture.text);
}

static void *write_lines(void *context) {
    for (int i = 0; i < 4000; i++) {
        log_info((const struct log_sink *)context, "room", "%s", "abcdefghijklmnopqrstuvwxyz");
    }
    return NULL;
}

static void lines_of_threads_never_mix(void **state) {
    (void)state;
    /* A real file: ThreadSanitizer does not see libc's lock around the memory of a memory stream.
     */
    FILE *file = tmpfile();
    assert_non_null(file);
    int64_t now_ms = 1774746000007;
    struct log_sink sink = log_to(file, LOG_DEBUG, LOG_TEXT, clock_fake(&now_ms));
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, &sink), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    rewind(file);
    char got[200];
    int lines = 0;
    while (fgets(got, sizeof got, file)) {
        assert_string_equal(got,
                            "2026-03-29T01:00:00.007Z info  room: abcdefghijklmnopqrstuvwxyz\n");
        lines++;
    }
    assert_int_equal(lines, 16000);
    fclose(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_line),
        cmocka_unit_test(json_line),
        cmocka_unit_test(json_escapes_what_it_must),
        cmocka_unit_test(json_stays_utf8),
        cmocka_unit_test(text_cannot_forge_a_line),
        cmocka_unit_test(quieter_levels_and_no_sink_drop),
        cmocka_unit_test(time_before_1970_and_long_text),
        cmocka_unit_test(lines_of_threads_never_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
