/* source, columns_infer: CSV and VW text as typed rows; what is inferred, what is refused, and with
 * which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/rng.h"
#include "consumer/learn/columns_infer.h"
#include "tests/support/temp_file.h"

static const struct columns_request nothing = {.task = -1};

struct opened {
    struct temp_file file;
    struct source *source;
    struct columns columns;
    struct failure failure; /* of opening, inferring or binding */
};

static struct opened open_bytes(struct bytes content, const struct columns_request *request) {
    struct opened opened = {.file = temp_file_make(content)};
    struct source_config config = {.path = opened.file.path, .row_bytes_max = 4096};
    opened.failure = source_open(&config, &opened.source);
    if (!failed(opened.failure)) {
        source_columns(opened.source, &opened.columns);
        opened.failure = columns_infer(&opened.columns, opened.source, request);
    }
    return opened;
}

static struct opened open_text(const char *text, const struct columns_request *request) {
    return open_bytes(bytes_of_text(text), request);
}

static void bind(struct opened *opened) {
    assert_string_equal(opened->failure.text, "");
    struct failure failure = source_bind(opened->source, &opened->columns, NULL, true);
    assert_string_equal(failure.text, "");
}

static void done(struct opened *opened) {
    source_close(opened->source);
    columns_clean_up(&opened->columns);
    temp_file_remove(&opened->file);
}

static enum row_verdict next(struct opened *opened, struct data_row *row, char *error) {
    struct failure failure;
    enum row_verdict verdict = source_next(opened->source, row, error, &failure);
    assert_true(verdict != ROW_FAILED);
    return verdict;
}

/* The error of the only row, or "" if it is good. */
static void row_error(const char *text, const struct columns_request *request, char *error) {
    struct opened opened = open_text(text, request);
    struct data_row row;
    bind(&opened);
    error[0] = '\0';
    enum row_verdict verdict;
    do {
        verdict = next(&opened, &row, error);
    } while (verdict == ROW_OK);
    if (verdict == ROW_END) {
        error[0] = '\0';
    }
    done(&opened);
}

#define HEADER "price,brand,n,bought\n"

static void types_are_inferred(void **state) {
    (void)state;
    struct opened opened =
        open_text(HEADER "1.5,acme,1,yes\n,\"b,c\",2,no\nNA,,-1e3,yes\n", &nothing);
    bind(&opened);
    assert_int_equal(opened.columns.items[0].type, COLUMN_NUMERIC);
    assert_int_equal(opened.columns.items[1].type, COLUMN_CATEGORICAL);
    assert_int_equal(opened.columns.items[2].type, COLUMN_CATEGORICAL); /* few whole numbers */
    assert_int_equal(opened.columns.items[3].type, COLUMN_LABEL);
    assert_int_equal(opened.columns.items[0].facts.missing, 2);
    struct data_row row;
    char error[ROW_ERROR_BYTES_MAX];
    assert_int_equal(next(&opened, &row, error), ROW_OK);
    assert_true(row.numbers[0] == 1.5 && row.label == 1 && row.weight == 1 && row.line == 2);
    assert_true(bytes_equal(row.names[0], bytes_of_text("acme")));
    assert_int_equal(next(&opened, &row, error), ROW_OK);
    assert_true(isnan(row.numbers[0]) && row.label == 0);
    assert_true(bytes_equal(row.names[0], bytes_of_text("b,c")));
    assert_int_equal(next(&opened, &row, error), ROW_OK);
    assert_true(isnan(row.numbers[0]) && row.names[0].size == 0);
    assert_int_equal(next(&opened, &row, error), ROW_END);
    done(&opened);
}

/* One text among numbers makes a category of them: it is the one that is shown. */
static void the_text_among_numbers_is_shown(void **state) {
    (void)state;
    struct opened opened = open_text("x,y\n1.5,0\ninf,1\n2.5,1\n", &nothing);
    bind(&opened);
    assert_int_equal(opened.columns.items[0].type, COLUMN_CATEGORICAL);
    struct buffer out = {0};
    columns_write(&opened.columns, &out);
    buffer_append_byte(&out, 0);
    assert_non_null(strstr((const char *)out.data, "categorical  3 values, \"inf\"\n"));
    buffer_clean_up(&out);
    done(&opened);
    struct buffer rows = {0};
    buffer_format(&rows, "x,y\n");
    for (int i = 0; i < 20; i++) { /* many numbers: it is told where the text stands */
        buffer_format(&rows, i == 4 ? "oops,%d\n" : "%d.5,%d\n", i % 2, i % 2);
    }
    opened = open_bytes(buffer_bytes(&rows), &nothing);
    bind(&opened);
    columns_write(&opened.columns, &out);
    buffer_append_byte(&out, 0);
    assert_non_null(
        strstr((const char *)out.data, ", \"oops\" in line 6, all but 1 are numbers\n"));
    buffer_clean_up(&out);
    buffer_clean_up(&rows);
    done(&opened);
}

/* Many large whole numbers are ids; one that is too large among others is a mistake. */
static void large_numbers_are_ids(void **state) {
    (void)state;
    struct buffer text = {0};
    buffer_format(&text, "id,price,y\n");
    for (int i = 0; i < 2 * COLUMNS_LEVELS_MAX; i++) {
        buffer_format(&text, "210380745959538%04d,%d.5,%d\n", i, i, i % 2);
    }
    buffer_format(&text, "2103807459595389999,1e30,1\n");
    struct opened opened = open_bytes(buffer_bytes(&text), &nothing);
    bind(&opened);
    assert_int_equal(opened.columns.items[0].type, COLUMN_CATEGORICAL);
    assert_int_equal(opened.columns.items[1].type, COLUMN_NUMERIC);
    done(&opened);
    char error[ROW_ERROR_BYTES_MAX];
    buffer_append_byte(&text, 0);
    row_error((const char *)text.data, &nothing, error);
    assert_string_equal(error, "column price: found \"1e30\", expected a number up to 1e15");
    buffer_clean_up(&text);
}

/* Of a long path its end. */
static void names_for_messages(void **state) {
    (void)state;
    struct temp_file file = temp_file_of_text("x,y\n1,0\n");
    char through[160];
    const char *base = strrchr(file.path, '/') + 1;
    snprintf(through, sizeof through, "/tmp/././././././././././././././././././././././././%s",
             base);
    const struct source_config config = {.path = through, .row_bytes_max = 4096};
    struct source *source;
    struct failure failure = source_open(&config, &source);
    assert_string_equal(failure.text, "");
    const char *name = source_name(source);
    assert_int_equal(strlen(name), SOURCE_NAME_BYTES);
    assert_memory_equal(name, "...", 3);
    assert_string_equal(name + SOURCE_NAME_BYTES - strlen(base), base);
    source_close(source);
    temp_file_remove(&file);
}

static void roles_and_crosses(void **state) {
    (void)state;
    const char *cross = "brand:n", *missing = "?";
    struct columns_request request = {.task = -1,
                                      .label = "bought",
                                      .weight = "price",
                                      .time = "at",
                                      .group = "user",
                                      .ignore = "note",
                                      .crosses = &cross,
                                      .cross_count = 1,
                                      .missing = &missing,
                                      .missing_count = 1};
    struct opened opened = open_text("bought,price,brand,n,at,user,note\n"
                                     "1,2,acme,3,2026-11-01T00:00:00Z,u1,x\n"
                                     "0,1,?,3,1793491200,u1,y\n"
                                     "-1,1,?,3,1793491200000,u2,y\n",
                                     &request);
    bind(&opened);
    assert_int_equal(opened.columns.number_count, 0);
    assert_int_equal(opened.columns.name_count, 3);
    struct data_row row;
    char error[ROW_ERROR_BYTES_MAX];
    assert_int_equal(next(&opened, &row, error), ROW_OK);
    assert_true(row.weight == 2 && row.time_ms == INT64_C(1793491200000));
    assert_true(bytes_equal(row.names[2], bytes_of_text("acme x 3")));
    uint64_t group = row.group;
    assert_int_equal(next(&opened, &row, error), ROW_OK);
    assert_true(row.group == group && row.time_ms == INT64_C(1793491200000));
    assert_true(bytes_equal(row.names[2], bytes_of_text(" x 3")) && row.names[0].size == 0);
    assert_int_equal(next(&opened, &row, error), ROW_OK);
    assert_true(row.group != group && row.label == 0);
    assert_true(row.time_ms == INT64_C(1793491200000));
    done(&opened);
}

static void bad_rows_say_why(void **state) {
    (void)state;
    const struct columns_request numeric = {.task = -1, .numeric = "price"};
    const struct columns_request weighted = {.task = -1, .weight = "price"};
    const struct columns_request timed = {.task = -1, .time = "price"};
    const struct columns_request regression = {.task = TASK_REGRESSION};
    const struct {
        const char *text;
        const struct columns_request *request;
        const char *expected;
    } cases[] = {
        {HEADER "1,a,1,yes\n2,b,2\n", &nothing, "found 3 fields, expected 4 as in the header"},
        {HEADER "1,a,1,yes\nx,b,2,no\n", &numeric,
         "column price: found \"x\", expected a number up to 1e15"},
        {HEADER "1,a,1,yes\n1e30,b,2,no\n", &numeric,
         "column price: found \"1e30\", expected a number up to 1e15"},
        {HEADER "1,a,1,yes\ninf,b,2,no\n", &numeric,
         "column price: found \"inf\", expected a number up to 1e15"},
        {HEADER "1,a,1,yes\n1,b,2,\n", &nothing, "label bought: found \"\", expected yes or no"},
        {HEADER "1,a,1,yes\n1,b,2,NaN\n", &nothing,
         "label bought: found \"NaN\", expected yes or no"},
        {HEADER "1,a,1,7\n1,b,2,x\n", &regression, "label bought: found \"x\", expected a number"},
        {HEADER "0,a,1,yes\n", &weighted,
         "weight price: found 0, expected a number above 0, at most 10000"},
        {HEADER "soon,a,1,yes\n", &timed,
         "time price: found \"soon\", expected a time as 2026-11-01T08:00:00Z or seconds or "
         "milliseconds since 1970"},
        {HEADER "1,a,1,yes\n1,\"a\"b,1,yes\n", &nothing,
         "text behind a closing quote, or a quote that does not close"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char error[ROW_ERROR_BYTES_MAX];
        row_error(cases[i].text, cases[i].request, error);
        assert_string_equal(error, cases[i].expected);
    }
}

/* 10 MB in one line, a NUL byte: reading goes on behind them. */
static void long_lines_and_nul_bytes(void **state) {
    (void)state;
    struct buffer text = {0};
    buffer_format(&text, HEADER "1,a,1,yes\n");
    memset(buffer_reserve(&text, 10 << 20), 'x', 10 << 20);
    text.size += 10 << 20;
    buffer_format(&text, "\n2,a%cb,1,no\n3,c,1,no\n", 0);
    struct opened opened = open_bytes(buffer_bytes(&text), &nothing);
    bind(&opened);
    struct data_row row;
    char error[ROW_ERROR_BYTES_MAX];
    assert_int_equal(next(&opened, &row, error), ROW_OK);
    assert_int_equal(next(&opened, &row, error), ROW_BAD);
    assert_string_equal(error, "the row is longer than --row-bytes-max");
    assert_int_equal(next(&opened, &row, error), ROW_BAD);
    assert_string_equal(error, "found a NUL byte, expected text");
    assert_int_equal(row.line, 4);
    assert_int_equal(next(&opened, &row, error), ROW_OK);
    assert_int_equal(next(&opened, &row, error), ROW_END);
    done(&opened);
    buffer_clean_up(&text);
}

static void files_and_labels_that_are_refused(void **state) {
    (void)state;
    const char *cross = "price:brand";
    const struct columns_request unknown = {.task = -1, .ignore = "pirce"};
    const struct columns_request crossed = {
        .task = -1, .numeric = "price", .crosses = &cross, .cross_count = 1};
    const struct columns_request twice = {.task = -1, .weight = "bought", .label = "bought"};
    const struct {
        const char *text;
        const struct columns_request *request;
        const char *expected; /* its end */
    } cases[] = {
        {"", &nothing, ": the file is empty"},
        {HEADER, &nothing, ": no rows behind the header"},
        {"a,a,b\n1,2,0\n", &nothing, ":1: two columns are called \"a\""},
        {"a,gr\xf6\xdf"
         "e,b\n1,2,0\n",
         &nothing, ":1: column 2: found \"gr\\xf6\\xdfe\", expected a name in UTF-8"},
        {HEADER "1,a,1,yes\n", &unknown, "--ignore: no column \"pirce\", did you mean \"price\"?"},
        {HEADER "1,a,1,yes\n", &twice, "--weight: found \"bought\", which --label names already"},
        {HEADER "1,a,1,yes\n", &crossed,
         "--cross: \"price\" is numeric, expected a categorical column"},
        {HEADER "1,a,1,low\n1,a,1,high\n1,a,1,mid\n", &nothing,
         ":4: label \"bought\": found \"low\", \"high\", \"mid\", expected two values; --positive "
         "VALUE makes it one against the rest"},
        {HEADER "1,a,1,1\n1,a,1,2\n1,a,1,3\n", &nothing,
         "makes it one against the rest, --task regression takes numbers"},
        {HEADER "1,a,1,low\n1,a,1,high\n", &nothing,
         ":3: label \"bought\": found \"low\", \"high\": say with --positive which of them is yes"},
        {HEADER "1,a,1,\n", &nothing, "label \"bought\": every value is missing"},
        {"bought\n1\n0\n", &nothing, "no column is left to learn from"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct opened opened = open_text(cases[i].text, cases[i].request);
        size_t size = strlen(cases[i].expected), found = strlen(opened.failure.text);
        assert_true(found >= size);
        assert_string_equal(opened.failure.text + found - size, cases[i].expected);
        done(&opened);
    }
}

static void positive_is_one_against_the_rest(void **state) {
    (void)state;
    const struct columns_request request = {.task = -1, .positive = "low"};
    struct opened opened = open_text("a;y\n1;low\n2;mid\n3;high\n", &request);
    bind(&opened);
    struct data_row row;
    char error[ROW_ERROR_BYTES_MAX];
    const double expected[] = {1, 0, 0};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(next(&opened, &row, error), ROW_OK);
        assert_true(row.label == expected[i]);
    }
    done(&opened);
}

/* ---- VW text ---- */

static void vw_lines(void **state) {
    (void)state;
    struct opened opened = open_text("1 2 'tag1|a:2 x y:0.5 |b z\n"
                                     "\n"
                                     "-1 | x:3\n"
                                     "0 tag2|long:1 x\r\n",
                                     &nothing);
    bind(&opened);
    assert_int_equal(source_format(opened.source), SOURCE_VW);
    struct data_row row;
    char error[ROW_ERROR_BYTES_MAX];
    assert_int_equal(next(&opened, &row, error), ROW_OK);
    assert_true(row.label == 1 && row.weight == 2 && row.feature_count == 3);
    assert_true(bytes_equal(row.kept, bytes_of_text("tag1")));
    assert_true(row.features[0].value == 2 && row.features[1].value == 1);
    uint64_t in_a = row.features[0].key;
    assert_int_equal(next(&opened, &row, error), ROW_OK);
    assert_true(row.label == 0 && row.feature_count == 1 && row.features[0].value == 3);
    assert_true(row.features[0].key != in_a && row.line == 3);
    assert_int_equal(next(&opened, &row, error), ROW_OK);
    assert_true(row.label == 0 && bytes_equal(row.kept, bytes_of_text("tag2")));
    assert_int_equal(next(&opened, &row, error), ROW_END);
    done(&opened);
}

/* Names of every length and namespace: no two share a key, and each bit is set half the time. */
static void vw_keys_differ(void **state) {
    (void)state;
    struct buffer text = {0};
    buffer_format(&text, "1");
    size_t count = 0;
    for (int space = 0; space < 4; space++) {
        buffer_format(&text, " |s%d", space);
        for (int i = 0; i < 60; i++) {
            buffer_format(&text, " %.*s%d", i % 20, "aaaaaaaaaaaaaaaaaaaa", i);
            count++;
        }
    }
    buffer_format(&text, "\n");
    struct opened opened = open_bytes(buffer_bytes(&text), &nothing);
    bind(&opened);
    struct data_row row;
    char error[ROW_ERROR_BYTES_MAX];
    assert_int_equal(next(&opened, &row, error), ROW_OK);
    assert_int_equal(row.feature_count, count);
    int bits[64] = {0};
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_true(row.features[i].key != row.features[j].key);
        }
        for (int bit = 0; bit < 64; bit++) {
            bits[bit] += (int)(row.features[i].key >> bit & 1);
        }
    }
    for (int bit = 0; bit < 64; bit++) {
        assert_true(abs(bits[bit] - (int)count / 2) < 39); /* 5 standard deviations */
    }
    done(&opened);
    buffer_clean_up(&text);
}

/* Names of any length and byte, at any distance from the line's end: as many features as were
 * written, each with the key that it has alone at the end of a file. */
static void vw_names_of_every_kind(void **state) {
    (void)state;
    static const char letters[] = "ab!;{}~\x01\x0b\x1f\x7f\x80\xba\xfc\xff";
    struct rng rng = rng_make(3, 0);
    for (int round = 0; round < 60; round++) {
        struct buffer text = {0}, alone = {0};
        buffer_format(&text, "1 |n");
        size_t count = 1 + (size_t)rng_below(&rng, 9);
        for (size_t i = 0; i < count; i++) {
            buffer_clear(&alone);
            for (size_t left = 1 + (size_t)rng_below(&rng, 20); left > 0; left--) {
                buffer_append_byte(&alone, (uint8_t)letters[rng_below(&rng, sizeof letters - 1)]);
            }
            buffer_append_byte(&text, ' ');
            buffer_append(&text, buffer_bytes(&alone));
            buffer_format(&text, "%s", i % 3 == 1 ? ":2.5" : i % 3 == 2 ? "::2.5" : "");
        }
        buffer_format(&text, "\n1 |n ");
        buffer_append(&text, buffer_bytes(&alone));
        struct opened opened = open_bytes(buffer_bytes(&text), &nothing);
        struct data_row row;
        char error[ROW_ERROR_BYTES_MAX];
        bind(&opened);
        assert_int_equal(next(&opened, &row, error), ROW_OK);
        assert_int_equal(row.feature_count, count);
        for (size_t i = 0; i < count; i++) {
            assert_true(row.features[i].value == (i % 3 == 0 ? 1 : 2.5));
        }
        uint64_t key = row.features[count - 1].key;
        assert_int_equal(next(&opened, &row, error), ROW_OK);
        assert_int_equal(row.feature_count, 1);
        assert_true((row.features[0].key == key) == (count % 3 != 0)); /* "name:" is another */
        done(&opened);
        buffer_clean_up(&text);
        buffer_clean_up(&alone);
    }
}

static void vw_crosses(void **state) {
    (void)state;
    const char *crosses[] = {"a:d", "a:a"};
    struct columns_request request = {.task = -1, .crosses = crosses, .cross_count = 2};
    struct opened opened = open_text("1 |ad x:2 y |dev z:3 w\n", &request);
    bind(&opened);
    struct data_row row;
    char error[ROW_ERROR_BYTES_MAX];
    assert_int_equal(next(&opened, &row, error), ROW_OK);
    assert_int_equal(row.feature_count, 4 + 4 + 3);
    assert_true(row.features[4].value == 6 && row.features[7].value == 1);
    assert_true(row.features[8].value == 4 && row.features[10].value == 1);
    assert_true(row.features[4].key == hash_combine(row.features[0].key, row.features[2].key));
    done(&opened);
}

static void bad_vw_lines_say_why(void **state) {
    (void)state;
    const struct {
        const char *text, *expected;
    } cases[] = {
        {"1 |a x\n3 |a x\n",
         "label: found \"3\", expected 1, 0 or -1 (--task regression takes numbers)"},
        {"1 |a x\n|a x\n", "found no label, expected one before the first |"},
        {"1 |a x\n1 0 |a x\n", "importance: found \"0\", expected a number above 0, at most 10000"},
        {"1 |a x\n1 |a x:y\n", "x: found \"y\", expected a number up to 1e15"},
        {"1 |a x\n1 |a x:1e30\n", "x: found \"1e30\", expected a number up to 1e15"},
        {"1 |a x\n1\n", "found no |, expected VW text: label |namespace feature:value ..."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char error[ROW_ERROR_BYTES_MAX];
        row_error(cases[i].text, &nothing, error);
        assert_string_equal(error, cases[i].expected);
    }
}

static void formats_are_told_apart(void **state) {
    (void)state;
    const struct {
        const char *text;
        enum source_format format;
    } cases[] = {
        {"a|b|y\n1|2|0\n", SOURCE_CSV},  {"1|a b\n", SOURCE_VW},
        {"|a b\n", SOURCE_VW},           {"1 0.5 'x|a b\n", SOURCE_VW},
        {"a b c d |e\nx\n", SOURCE_CSV}, {"a\ty\n1\t0\n", SOURCE_CSV},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct opened opened = open_text(cases[i].text, &nothing);
        assert_int_equal(source_format(opened.source), cases[i].format);
        done(&opened);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_are_inferred),
        cmocka_unit_test(the_text_among_numbers_is_shown),
        cmocka_unit_test(large_numbers_are_ids),
        cmocka_unit_test(names_for_messages),
        cmocka_unit_test(roles_and_crosses),
        cmocka_unit_test(bad_rows_say_why),
        cmocka_unit_test(long_lines_and_nul_bytes),
        cmocka_unit_test(files_and_labels_that_are_refused),
        cmocka_unit_test(positive_is_one_against_the_rest),
        cmocka_unit_test(vw_lines),
        cmocka_unit_test(vw_keys_differ),
        cmocka_unit_test(vw_names_of_every_kind),
        cmocka_unit_test(vw_crosses),
        cmocka_unit_test(bad_vw_lines_say_why),
        cmocka_unit_test(formats_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
