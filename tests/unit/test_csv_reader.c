/* csv_reader: rows as RFC 4180 has them, bad rows as verdicts with reading going on behind them,
 * bounded rows, and the same rows whether the file is plain, Zstandard or a pipe of single bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/csv_reader.h"
#include "tests/support/temp_file.h"

static const struct csv_config plain = {.separator = ',',
                                        .row_bytes_max = CSV_ROW_BYTES_MAX_DEFAULT};

/* Reads everything and writes it as text: fields in <>, one row a line, verdicts by number. */
static char *read_all(const char *path, struct csv_config config) {
    struct csv_reader *reader;
    struct failure failure = csv_open(path, config, &reader);
    assert_false(failed(failure));
    struct buffer out = {0};
    for (;;) {
        struct csv_row row;
        enum csv_verdict verdict;
        failure = csv_next(reader, &row, &verdict);
        if (failed(failure)) {
            buffer_format(&out, "failed");
            break;
        }
        if (verdict == CSV_END) {
            break;
        }
        buffer_format(&out, "%d:", (int)row.line);
        if (verdict != CSV_ROW) {
            buffer_format(&out, "verdict %d [%.*s]\n", (int)verdict, BYTES_ARG(row.text));
            continue;
        }
        for (size_t i = 0; i < row.field_count; i++) {
            buffer_format(&out, "<%.*s>", BYTES_ARG(row.fields[i]));
        }
        buffer_format(&out, "\n");
    }
    csv_close(reader);
    char *text = memory_copy_text(buffer_bytes(&out));
    buffer_clean_up(&out);
    return text;
}

static void expect(struct csv_config config, const char *content, const char *expected) {
    struct temp_file file = temp_file_of_text(content);
    char *got = read_all(file.path, config);
    assert_string_equal(got, expected);
    free(got);
    temp_file_remove(&file);
}

static void ordinary_rows(void **state) {
    (void)state;
    expect(plain, "a,b,c\n1,2,3\n,,\nx,,z", "2:<1><2><3>\n3:<><><>\n4:<x><><z>\n");
    expect(plain,
           "\xEF\xBB\xBF"
           "a,b\r\n1,2\r\n\r\n\n3,4\r\n",
           "2:<1><2>\n5:<3><4>\n");
    expect(plain, "a,b\n", "");
    expect((struct csv_config){.separator = ';', .row_bytes_max = 100}, "a;b\n1,5;2\n",
           "2:<1,5><2>\n");
}

static void quoted_fields(void **state) {
    (void)state;
    expect(plain, "a,b\n\"x,y\",\"say \"\"hi\"\"\"\n", "2:<x,y><say \"hi\">\n");
    expect(plain, "a,b\n\"two\nlines\",\"\"\nz,\"q\"\r\n", "2:<two\nlines><>\n4:<z><q>\n");
    expect(plain, "a,b\n5\" disk,it's \"fine\"\n", "2:<5\" disk><it's \"fine\">\n");
    expect(plain, "a\n\"\"\"\"\n\"\"\n\"end\"", "2:<\">\n3:<>\n4:<end>\n");
}

static void bad_rows_are_counted_and_left_behind(void **state) {
    (void)state;
    expect(plain, "a,b\n1\n2,3\n4,5,6\n7,8\n",
           "2:verdict 4 [1]\n3:<2><3>\n4:verdict 4 [4,5,6]\n5:<7><8>\n");
    expect(plain, "a,b\n\"x\"y,1\n2,3\n", "2:verdict 3 [\"x\"y,1]\n3:<2><3>\n");
    expect(plain, "a,b\n\"x\"\r,1\n2,3\n", "2:verdict 3 [\"x\"\r,1]\n3:<2><3>\n");
    /* A quote that never closes costs its own line only. */
    expect(plain, "a,b\n\"open,1\n2,3\n4,5", "2:verdict 3 [\"open,1]\n3:<2><3>\n4:<4><5>\n");
    expect(plain, "a,b\n1,\"open", "2:verdict 3 [1,\"open]\n");
}

static void long_rows_are_skipped(void **state) {
    (void)state;
    struct csv_config narrow = {.separator = ',', .row_bytes_max = 8};
    expect(narrow, "a,b\n1234,678\n1234,6789\n1,2\n",
           "2:<1234><678>\n3:verdict 2 [1234,6789]\n4:<1><2>\n");
    expect(narrow, "a,b\n\"1\n2\n3\n4\n5\n6,7\n",
           "2:verdict 3 [\"1]\n3:verdict 4 [2]\n4:verdict 4 [3]\n"
           "5:verdict 4 [4]\n6:verdict 4 [5]\n7:<6><7>\n");
    /* Longer than the window, without any newline to its end. */
    struct buffer text = {0};
    buffer_append(&text, bytes_of_text("a,b\n"));
    for (int i = 0; i < 1000000; i++) {
        buffer_append_byte(&text, 'x');
    }
    buffer_append(&text, bytes_of_text("\n1,2\n"));
    struct temp_file file = temp_file_make(buffer_bytes(&text));
    char *got = read_all(file.path, plain);
    assert_non_null(strstr(got, "\n3:<1><2>\n"));
    assert_memory_equal(got, "2:verdict 2 [xxx", 16);
    free(got);
    temp_file_remove(&file);
    buffer_clean_up(&text);
}

static void too_many_fields(void **state) {
    (void)state;
    struct buffer text = {0};
    buffer_append(&text, bytes_of_text("a,b\n"));
    for (int i = 0; i < 2000; i++) {
        buffer_append_byte(&text, ',');
    }
    buffer_append(&text, bytes_of_text("\n1,2\n"));
    struct temp_file file = temp_file_make(buffer_bytes(&text));
    char *got = read_all(file.path, plain);
    assert_memory_equal(got, "2:verdict 4 [", 13);
    assert_non_null(strstr(got, "\n3:<1><2>\n"));
    free(got);
    temp_file_remove(&file);
    buffer_clean_up(&text);
}

/* Rows enough to move the window many times, with quotes and newlines across its edge. */
static void write_many(struct buffer *out, int rows) {
    buffer_format(out, "id,text,more\n");
    for (int i = 0; i < rows; i++) {
        switch (i % 3) {
        case 0:
            buffer_format(out, "%d,plain %d,%0*d\n", i, i, i % 97 + 1, i);
            break;
        case 1:
            buffer_format(out, "%d,\"q \"\"%d\"\", x\",\n", i, i);
            break;
        default:
            buffer_format(out, "%d,\"line\n%d\",y\r\n", i, i);
            break;
        }
    }
}

static int count_rows(const char *path) {
    struct csv_reader *reader;
    struct failure failure = csv_open(path, plain, &reader);
    assert_false(failed(failure));
    struct csv_row row;
    enum csv_verdict verdict;
    int count = 0;
    for (;; count++) {
        failure = csv_next(reader, &row, &verdict);
        assert_false(failed(failure));
        if (verdict == CSV_END) {
            break;
        }
        assert_int_equal(verdict, CSV_ROW);
        char expected[64];
        snprintf(expected, sizeof expected, "%d", count);
        assert_true(bytes_equal(row.fields[0], bytes_of_text(expected)));
        snprintf(expected, sizeof expected,
                 count % 3 == 0   ? "plain %d"
                 : count % 3 == 1 ? "q \"%d\", x"
                                  : "line\n%d",
                 count);
        assert_true(bytes_equal(row.fields[1], bytes_of_text(expected)));
    }
    csv_close(reader);
    return count;
}

static void many_rows_plain_and_zstd(void **state) {
    (void)state;
    struct buffer text = {0};
    write_many(&text, 50000);
    struct temp_file file = temp_file_make(buffer_bytes(&text));
    struct temp_file packed = temp_file_make_zstd(buffer_bytes(&text));
    assert_int_equal(count_rows(file.path), 50000);
    assert_int_equal(count_rows(packed.path), 50000);
    temp_file_remove(&file);
    temp_file_remove(&packed);
    buffer_clean_up(&text);
}

static void columns_by_name(void **state) {
    (void)state;
    struct temp_file file = temp_file_of_text("one,\"two, quoted\",one\n1,2,3\n");
    struct csv_reader *reader;
    struct failure failure = csv_open(file.path, plain, &reader);
    assert_false(failed(failure));
    assert_int_equal(csv_column(reader, "one"), 0);
    assert_int_equal(csv_column(reader, "two, quoted"), 1);
    assert_int_equal(csv_column(reader, "On"), -1);
    csv_close(reader);
    temp_file_remove(&file);
}

static void expect_open_fails(const char *path, const char *needle) {
    struct csv_reader *reader;
    struct failure failure = csv_open(path, plain, &reader);
    assert_int_equal(failure.action, FAILURE_STOP);
    assert_non_null(strstr(failure.text, needle));
    assert_null(reader);
}

static void files_that_cannot_be_read(void **state) {
    (void)state;
    expect_open_fails("/nonexistent/x.csv", "No such file");
    expect_open_fails("/tmp", "directory");
    expect_open_fails("/dev/zero", "no end of the line"); /* it would be skipped for ever */
    struct temp_file empty = temp_file_of_text("");
    expect_open_fails(empty.path, "empty");
    temp_file_remove(&empty);
    struct temp_file damaged = temp_file_of_text("\x28\xB5\x2F\xFD\x01nonsense");
    expect_open_fails(damaged.path, "Zstandard");
    temp_file_remove(&damaged);
}

static void truncated_zstd_is_a_failure(void **state) {
    (void)state;
    struct buffer text = {0};
    write_many(&text, 20000);
    struct temp_file packed = temp_file_make_zstd(buffer_bytes(&text));
    assert_int_equal(truncate(packed.path, 100000), 0);
    char *got = read_all(packed.path, plain);
    assert_memory_equal(got, "2:<0><plain 0>", 14);
    assert_non_null(strstr(got, "failed"));
    free(got);
    temp_file_remove(&packed);
    buffer_clean_up(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_rows),
        cmocka_unit_test(quoted_fields),
        cmocka_unit_test(bad_rows_are_counted_and_left_behind),
        cmocka_unit_test(long_rows_are_skipped),
        cmocka_unit_test(too_many_fields),
        cmocka_unit_test(many_rows_plain_and_zstd),
        cmocka_unit_test(columns_by_name),
        cmocka_unit_test(files_that_cannot_be_read),
        cmocka_unit_test(truncated_zstd_is_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
