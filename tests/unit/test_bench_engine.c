/* bench_engine, bench_room, bench_measure: what they count adds up; a child's answer comes back,
 * its death too. Times are not asserted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "consumer/bench/bench_engine.h"
#include "consumer/bench/bench_measure.h"
#include "consumer/bench/bench_room.h"
#include "schemas/schemas.h"

#define USERS  500
#define EVENTS 20000

static const struct bench_engine_settings settings = {
    .stream = {.users = USERS, .partitions = 3, .seed = 1, .buyers_every = 2},
    .warm_events = EVENTS,
    .events = EVENTS,
    .epoch_events = 700,
};

static struct pipeline_config load(void) {
    struct pipeline_config config;
    struct failure failure = pipeline_config_load_text("test.yaml", "", 0, stderr, &config);
    assert_false(failed(failure));
    return config;
}

static void the_engine_counts_what_it_did(void **state) {
    (void)state;
    struct pipeline_config config = load();
    struct bench_engine_result result, again;
    bench_engine_measure(&config, &settings, &result);
    bench_engine_measure(&config, &settings, &again);
    assert_int_equal(result.users, USERS);
    assert_in_range(result.events, EVENTS, EVENTS + BENCH_SLICES);
    assert_true(result.decisions > 0 && result.decisions == again.decisions);
    assert_in_range(result.rows, 1, result.events);
    assert_true(result.rows == again.rows && result.row_bytes == again.row_bytes);
    assert_true(result.output_bytes > result.row_bytes);
    assert_true(result.timers > 0 && result.user_bytes > 0);
    assert_true(result.rooms_ns > 0 && result.rows_ns > 0);
    pipeline_config_clean_up(&config);
}

static void sleepers_hold_a_timer_each(void **state) {
    (void)state;
    struct pipeline_config config = load();
    config.state.users_max = 10; /* raised: nobody may be evicted */
    struct bench_engine_settings crowd = settings;
    struct bench_engine_result without, with;
    crowd.events = 1; /* before their carts have been quiet for an hour */
    bench_engine_measure(&config, &crowd, &without);
    crowd.sleepers = 3000;
    bench_engine_measure(&config, &crowd, &with);
    assert_int_equal(with.users, without.users + 3000);
    assert_in_range(with.timers, without.timers + 3000,
                    without.timers + 3500); /* observe has some */
    pipeline_config_clean_up(&config);
}

static void every_room_is_measured(void **state) {
    (void)state;
    struct pipeline_config config = load();
    struct bench_room_settings rooms = {.engine = settings, .rounds = 3};
    struct bench_room_result result;
    assert_false(failed(bench_room_measure(&config, &rooms, &result)));
    assert_int_equal(result.users, USERS);
    assert_true(result.row_bytes > 0);
    for (int room = 0; room < BENCH_ROOM_COUNT; room++) {
        assert_true(result.ns[room] > 0);
    }
    pipeline_config_clean_up(&config);
}

/* ---- children ---- */

static void twice(const void *context, void *result) {
    *(int *)result = 2 * *(const int *)context;
}

static void die(const void *context, void *result) {
    (void)context;
    (void)result;
    _exit(7);
}

static void a_child_answers_or_dies(void **state) {
    (void)state;
    int number = 21, answer = 0;
    struct bench_usage usage;
    assert_false(failed(bench_in_child(twice, &number, &answer, sizeof answer, &usage)));
    assert_int_equal(answer, 42);
    assert_true(usage.peak_bytes > 0 && usage.wall_s > 0);
    assert_int_equal(bench_in_child(die, NULL, &answer, sizeof answer, &usage).action,
                     FAILURE_STOP);
}

static void the_median_is_in_the_middle(void **state) {
    (void)state;
    double odd[] = {9, 1, 5}, even[] = {4, 1, 3, 2};
    assert_true(bench_median(odd, 3) == 5);
    assert_true(bench_median(even, 4) == 2.5);
}

int main(void) {
    schemas_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_engine_counts_what_it_did),
        cmocka_unit_test(sleepers_hold_a_timer_each),
        cmocka_unit_test(every_room_is_measured),
        cmocka_unit_test(a_child_answers_or_dies),
        cmocka_unit_test(the_median_is_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
