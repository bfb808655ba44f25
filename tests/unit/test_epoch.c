#include "broker/epoch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void add(struct epoch *epoch, int32_t partition, const char *key, const char *value) {
    struct buffer *out = epoch_begin(epoch, TOPIC_USER_STATE, partition, bytes_of_text(key));
    buffer_append(out, bytes_of_text(value));
    epoch_end(epoch);
}

static void test_records_keep_their_bytes_while_it_grows(void **state) {
    (void)state;
    struct epoch epoch;
    epoch_init(&epoch);
    char key[40], value[40];
    for (int i = 0; i < 2000; i++) {
        snprintf(key, sizeof key, "user-%d", i);
        snprintf(value, sizeof value, "value of %d", i);
        add(&epoch, i % 7, key, value);
    }
    assert_int_equal(epoch.record_count, 2000);
    for (size_t i = 0; i < epoch.record_count; i++) {
        snprintf(key, sizeof key, "user-%zu", i);
        snprintf(value, sizeof value, "value of %zu", i);
        assert_true(bytes_equal(epoch_record_key(&epoch, i), bytes_of_text(key)));
        assert_true(bytes_equal(epoch_record_value(&epoch, i), bytes_of_text(value)));
        assert_int_equal(epoch.records[i].partition, i % 7);
    }
    epoch_clean_up(&epoch);
}

static void test_null_and_empty_values_differ(void **state) {
    (void)state;
    struct epoch epoch;
    epoch_init(&epoch);
    add(&epoch, 0, "", "");
    epoch_tombstone(&epoch, TOPIC_OPEN_DECISIONS, 3, bytes_of_text("d"));
    add(&epoch, 0, "after", "v");
    struct bytes empty = epoch_record_value(&epoch, 0), null = epoch_record_value(&epoch, 1);
    assert_non_null(empty.data);
    assert_int_equal(empty.size, 0);
    assert_null(null.data);
    assert_true(bytes_equal(epoch_record_key(&epoch, 1), bytes_of_text("d")));
    assert_int_equal(epoch.records[1].topic, TOPIC_OPEN_DECISIONS);
    assert_true(bytes_equal(epoch_record_value(&epoch, 2), bytes_of_text("v")));
    epoch_clean_up(&epoch);
}

static void test_offsets_and_clear(void **state) {
    (void)state;
    struct epoch epoch;
    epoch_init(&epoch);
    for (int i = 0; i < 100; i++) {
        epoch_offset(&epoch, i % 2, i, 1000 + i, 7 * i);
    }
    assert_int_equal(epoch.offset_count, 100);
    assert_int_equal(epoch.offsets[99].partition, 99);
    assert_int_equal(epoch.offsets[99].input, 1);
    assert_int_equal(epoch.offsets[99].next_offset, 1099);
    assert_int_equal(epoch.offsets[99].epoch, 693);
    add(&epoch, 0, "k", "v");
    epoch_clear(&epoch);
    assert_int_equal(epoch.record_count, 0);
    assert_int_equal(epoch.offset_count, 0);
    assert_int_equal(epoch.data.size, 0);
    /* Reused, it starts at its beginning. */
    add(&epoch, 0, "again", "w");
    assert_true(bytes_equal(epoch_record_key(&epoch, 0), bytes_of_text("again")));
    epoch_clean_up(&epoch);
    epoch_clean_up(&epoch);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_keep_their_bytes_while_it_grows),
        cmocka_unit_test(test_null_and_empty_values_differ),
        cmocka_unit_test(test_offsets_and_clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
