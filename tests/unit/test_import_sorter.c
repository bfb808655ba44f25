/* import_sorter: by time, equal times in the order of adding, bytes intact. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/rng.h"
#include "producer/import_sorter.h"

#define RECORDS 20000

static void sorts_stably(void **state) {
    (void)state;
    struct import_sorter sorter;
    import_sorter_init(&sorter);
    struct rng rng = rng_make(1, 1);
    for (int i = 0; i < RECORDS; i++) {
        char key[16], body[32];
        int64_t timestamp_ms = (int64_t)rng_below(&rng, 50);
        snprintf(key, sizeof key, "%d", i);
        snprintf(body, sizeof body, "%d at %d", i, (int)timestamp_ms);
        struct sink_record record = {
            .key = bytes_of_text(key), .body = bytes_of_text(body), .timestamp_ms = timestamp_ms};
        import_sorter_add(&sorter, &record);
    }
    import_sorter_sort(&sorter);
    assert_int_equal(sorter.count, RECORDS);
    int64_t before_ms = -1;
    int before = -1;
    for (size_t i = 0; i < sorter.count; i++) {
        struct sink_record record = import_sorter_at(&sorter, i);
        char body[32];
        int number = -1;
        snprintf(body, sizeof body, "%.*s", BYTES_ARG(record.key));
        assert_int_equal(sscanf(body, "%d", &number), 1);
        snprintf(body, sizeof body, "%d at %d", number, (int)record.timestamp_ms);
        assert_true(bytes_equal(record.body, bytes_of_text(body)));
        assert_true(record.timestamp_ms > before_ms ||
                    (record.timestamp_ms == before_ms && number > before));
        assert_int_equal(record.partition, -1);
        before_ms = record.timestamp_ms;
        before = number;
    }
    import_sorter_clean_up(&sorter);
    import_sorter_sort(&sorter);
    assert_int_equal(sorter.count, 0);
}

/* Nothing to tell two records apart but their places: empty keys and bodies at one time. */
static void empty_records_keep_their_order(void **state) {
    (void)state;
    struct import_sorter sorter;
    import_sorter_init(&sorter);
    struct sink_record empty = {.timestamp_ms = 5},
                       late = {.timestamp_ms = 4, .key = bytes_of_text("k")};
    import_sorter_add(&sorter, &empty);
    import_sorter_add(&sorter, &late);
    import_sorter_add(&sorter, &empty);
    import_sorter_sort(&sorter);
    assert_int_equal(import_sorter_at(&sorter, 0).key.size, 1);
    assert_int_equal(import_sorter_at(&sorter, 2).key.size, 0);
    import_sorter_clean_up(&sorter);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(sorts_stably),
                                       cmocka_unit_test(empty_records_keep_their_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
