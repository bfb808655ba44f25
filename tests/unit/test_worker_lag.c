/* Lag: gauges over all running partitions, and what the log says of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "broker/broker_ops.h"
#include "consumer/worker_internal.h"

#define PARTITIONS 3
#define SECOND_NS  INT64_C(1000000000)

/* A seam that knows nothing but lags. */
struct lagging {
    struct broker broker;
    int64_t records[PARTITIONS][INPUT_COUNT];
};

static int64_t lag_of(struct broker *broker, enum broker_input input, int32_t partition) {
    return ((struct lagging *)broker)->records[partition][input];
}

static const struct broker_ops ops = {.lag = lag_of};

struct scene {
    struct lagging lagging;
    struct owned owned[PARTITIONS];
    struct worker worker;
    struct log_sink log;
    int64_t wall_ms;
    char *text;
    size_t size;
    FILE *out;
};

static int set_up(void **state) {
    struct scene *scene = memory_new(1, sizeof *scene);
    scene->out = open_memstream(&scene->text, &scene->size);
    scene->log = log_to(scene->out, LOG_INFO, LOG_TEXT, clock_fake(&scene->wall_ms));
    scene->lagging.broker.ops = &ops;
    scene->worker.broker = &scene->lagging.broker;
    scene->worker.owned = scene->owned;
    scene->worker.partition_count = PARTITIONS;
    scene->worker.settings.log = &scene->log;
    scene->worker.settings.name = "w-0";
    scene->owned[0].is_running = scene->owned[2].is_running = true;
    *state = scene;
    return 0;
}

static int tear_down(void **state) {
    struct scene *scene = *state;
    fclose(scene->out);
    free(scene->text);
    free(scene);
    return 0;
}

/* How often the log says it. */
static int said(struct scene *scene, const char *what) {
    int count = 0;
    fflush(scene->out);
    for (const char *at = scene->text; (at = strstr(at, what)) != NULL; at++) {
        count++;
    }
    return count;
}

static void test_sums_of_what_is_running_and_known(void **state) {
    struct scene *scene = *state;
    static const int64_t records[PARTITIONS][INPUT_COUNT] = {{10, 1}, {500, 500}, {7, -1}};
    memcpy(scene->lagging.records, records, sizeof records);
    worker_show_lag(&scene->worker, SECOND_NS);
    assert_int_equal(metric_get(&scene->worker.metrics.partitions), 2);
    assert_int_equal(metric_get(&scene->worker.metrics.clickstream_lag), 17);
    assert_int_equal(metric_get(&scene->worker.metrics.feedback_lag), 1);
    assert_int_equal(said(scene, "lag"), 0);
}

static void test_far_behind_and_caught_up(void **state) {
    struct scene *scene = *state;
    scene->lagging.records[2][INPUT_CLICKSTREAM] = 1000000;
    for (int second = 1; second <= 21; second++) {
        worker_show_lag(&scene->worker, second * SECOND_NS);
    }
    assert_int_equal(said(scene, "behind worker=w-0 clickstream_lag=1000000 feedback_lag=0"), 3);
    scene->lagging.records[2][INPUT_CLICKSTREAM] = 90000; /* not far, not there */
    worker_show_lag(&scene->worker, 22 * SECOND_NS);
    assert_int_equal(said(scene, "caught up"), 0);
    scene->lagging.records[2][INPUT_CLICKSTREAM] = 10;
    worker_show_lag(&scene->worker, 23 * SECOND_NS);
    worker_show_lag(&scene->worker, 24 * SECOND_NS);
    assert_int_equal(said(scene, "caught up worker=w-0 after_ms=22000"), 1);
}

/* Other implementations of the seam need not know. */
static void test_unknown_is_none(void **state) {
    struct scene *scene = *state;
    static const struct broker_ops nothing = {0};
    scene->lagging.broker.ops = &nothing;
    worker_show_lag(&scene->worker, SECOND_NS);
    assert_int_equal(metric_get(&scene->worker.metrics.clickstream_lag), 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_sums_of_what_is_running_and_known),
        TEST(test_far_behind_and_caught_up),
        TEST(test_unknown_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
