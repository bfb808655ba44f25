/* split: the documented draw, groups on one side, time with a gap. dataset: rows come back as they
 * went in, up to its bound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/rng.h"
#include "consumer/learn/dataset.h"
#include "consumer/learn/split.h"

static struct split split_make(const char *valid, const char *test) {
    struct split split = {0};
    struct failure failure = split_rule_parse("valid", valid, &split.valid);
    assert_string_equal(failure.text, "");
    failure = split_rule_parse("test", test, &split.test);
    assert_string_equal(failure.text, "");
    failure = split_init(&split);
    assert_string_equal(failure.text, "");
    return split;
}

/* 12,330 rows, splitmix64(row) mod 10 < 3 and = 3: the counts that were published with it. */
static void the_published_split(void **state) {
    (void)state;
    struct split split = split_make("0.1", "0.3");
    size_t counts[PART_COUNT] = {0};
    for (uint64_t i = 0; i < 12330; i++) {
        struct data_row row = {0};
        counts[split_of(&split, i, &row)]++;
    }
    assert_int_equal(counts[PART_TEST], 3714);
    assert_int_equal(counts[PART_VALID], 1215);
    assert_int_equal(counts[PART_TRAIN], 7401);
}

static void groups_stay_together(void **state) {
    (void)state;
    struct split split = split_make("0.25", "0.25");
    split.has_groups = true;
    struct rng rng = rng_make(1, 0);
    enum part parts[50];
    size_t counts[PART_COUNT] = {0};
    for (uint64_t i = 0; i < 5000; i++) {
        uint64_t user = rng_below(&rng, 50);
        struct data_row row = {.group = user * UINT64_C(0x9e3779b97f4a7c15)};
        enum part part = split_of(&split, i, &row);
        counts[part]++;
        assert_true(i < 50 * 40 || parts[user] == part); /* every user was met by then */
        parts[user] = part;
    }
    assert_true(counts[PART_TRAIN] > 0 && counts[PART_VALID] > 0 && counts[PART_TEST] > 0);
}

static void time_with_a_gap(void **state) {
    (void)state;
    struct split split = {.gap_ms = 86400000};
    struct failure failure = split_rule_parse("valid", "after:2026-11-10", &split.valid);
    assert_false(failed(failure));
    failure = split_rule_parse("test", "after:2026-11-20", &split.test);
    assert_false(failed(failure));
    failure = split_init(&split);
    assert_false(failed(failure));
    const int64_t day = 86400000, tenth = INT64_C(1794268800000); /* 2026-11-10 */
    const struct {
        int64_t time_ms;
        enum part part;
    } cases[] = {{tenth - day - 1, PART_TRAIN},
                 {tenth - day, PART_GAP},
                 {tenth - 1, PART_GAP},
                 {tenth, PART_VALID},
                 {tenth + 9 * day - 1, PART_VALID},
                 {tenth + 9 * day, PART_GAP},
                 {tenth + 10 * day, PART_TEST}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct data_row row = {.time_ms = cases[i].time_ms};
        assert_int_equal(split_of(&split, i, &row), cases[i].part);
    }
}

static void rules_that_are_none(void **state) {
    (void)state;
    struct split split = {0};
    struct failure failure = split_rule_parse("valid", "1.5", &split.valid);
    assert_string_equal(failure.text, "--valid: found 1.5, expected a fraction between 0 and 1");
    failure = split_rule_parse("valid", "after:soon", &split.valid);
    assert_true(failed(failure));
    failure = split_rule_parse("valid", "rows.csv", &split.valid);
    assert_true(!failed(failure) && split.valid.kind == SPLIT_FILE);
    split.valid = split.test = (struct split_rule){.kind = SPLIT_FRACTION, .fraction = 0.5};
    failure = split_init(&split);
    assert_string_equal(failure.text, "--valid 0.5 and --test 0.5 leave nothing to learn from");
    split.valid.fraction = 0.12345;
    failure = split_init(&split);
    assert_true(failed(failure));
}

/* ---- dataset ---- */

static void rows_come_back(void **state) {
    (void)state;
    struct columns columns = {.number_count = 2, .name_count = 2};
    struct dataset dataset;
    dataset_init(&dataset, &columns, 64 << 20);
    struct rng rng = rng_make(3, 0);
    char text[64];
    for (uint64_t i = 0; i < 20000; i++) {
        memset(text, 'a' + (int)(i % 26), sizeof text);
        double numbers[2] = {(double)i, -(double)i};
        struct bytes names[2] = {bytes_of(text, i % 64), bytes_of(NULL, 0)};
        struct learner_feature features[3] = {{i, 1}, {i + 1, 2}, {i + 2, 3}};
        struct data_row row = {.line = i,
                               .label = (double)(i % 2),
                               .numbers = numbers,
                               .names = names,
                               .features = features,
                               .feature_count = i % 4 == 0 ? 0 : i % 4,
                               .kept = bytes_of(text, 3)};
        assert_true(dataset_add(&dataset, &row));
    }
    for (int round = 0; round < 20000; round++) {
        uint64_t i = rng_below(&rng, 20000);
        struct data_row row;
        dataset_get(&dataset, i, &row);
        assert_true(row.line == i && row.numbers[0] == (double)i && row.numbers[1] == -(double)i);
        assert_true(row.names[0].size == i % 64 && row.names[1].size == 0);
        assert_true(row.names[0].size == 0 || row.names[0].data[0] == 'a' + i % 26);
        assert_true(row.feature_count == i % 4 && row.kept.size == 3);
        assert_true(row.feature_count == 0 || row.features[0].key == i);
    }
    dataset_clean_up(&dataset);
}

static void a_bound_holds(void **state) {
    (void)state;
    struct columns columns = {.number_count = 1};
    struct dataset dataset;
    dataset_init(&dataset, &columns, 10000);
    double number = 1;
    struct data_row row = {.numbers = &number};
    size_t count = 0;
    while (dataset_add(&dataset, &row)) {
        count++;
    }
    assert_true(count > 10 && count < 200 && dataset.count == count);
    dataset_clean_up(&dataset);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_split), cmocka_unit_test(groups_stay_together),
        cmocka_unit_test(time_with_a_gap),     cmocka_unit_test(rules_that_are_none),
        cmocka_unit_test(rows_come_back),      cmocka_unit_test(a_bound_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
