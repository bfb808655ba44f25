/* metrics: the exposition text to the letter, each name's HELP and TYPE once with all its lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/metrics.h"

#define CLEAN_METRICS(X)                                                                           \
    X(events_total, COUNTER, "events seen")                                                        \
    X(queue_bytes, GAUGE, "bytes waiting, back\\slash\nand a second line")

METRICS_STRUCT(clean_metrics, CLEAN_METRICS)
#define METRICS_ROW_STRUCT struct clean_metrics
METRICS_TABLE(clean_metrics, CLEAN_METRICS)
#undef METRICS_ROW_STRUCT

static void expect(const struct metrics *metrics, const char *expected) {
    struct buffer out = {0};
    metrics_write(metrics, &out);
    char *text = memory_copy_text(buffer_bytes(&out));
    assert_string_equal(text, expected);
    free(text);
    buffer_clean_up(&out);
}

static void cells_count(void **state) {
    (void)state;
    struct metric cell = {0};
    metric_add(&cell, 5);
    metric_add(&cell, -2);
    assert_int_equal(metric_get(&cell), 3);
    metric_set(&cell, INT64_MIN);
    assert_true(metric_get(&cell) == INT64_MIN);
}

static void nothing_registered_writes_nothing(void **state) {
    (void)state;
    struct metrics *metrics = metrics_new();
    expect(metrics, "");
    metrics_destroy(metrics);
    metrics_destroy(NULL);
}

static void one_room_without_labels(void **state) {
    (void)state;
    struct clean_metrics cells = {0};
    struct metrics *metrics = metrics_new();
    metrics_register(metrics, "clean", "", clean_metrics_table, clean_metrics_count, &cells);
    metric_add(&cells.events_total, INT64_MAX);
    metric_set(&cells.queue_bytes, -3);
    expect(metrics, "# HELP promostream_clean_events_total events seen\n"
                    "# TYPE promostream_clean_events_total counter\n"
                    "promostream_clean_events_total 9223372036854775807\n"
                    "# HELP promostream_clean_queue_bytes bytes waiting, back\\\\slash\\nand a "
                    "second line\n"
                    "# TYPE promostream_clean_queue_bytes gauge\n"
                    "promostream_clean_queue_bytes -3\n");
    metrics_destroy(metrics);
}

static void workers_share_one_head(void **state) {
    (void)state;
    struct clean_metrics cells[2] = {0};
    struct metrics *metrics = metrics_new();
    char labels[] = "worker=\"w-0\"";
    metrics_register(metrics, "clean", labels, clean_metrics_table, 1, &cells[0]);
    labels[9] = '?'; /* the labels were copied */
    metrics_register(metrics, "state", "", clean_metrics_table, 1, &cells[0]);
    metrics_register(metrics, "clean", "worker=\"w-1\"", clean_metrics_table, 1, &cells[1]);
    metric_set(&cells[0].events_total, 1);
    metric_set(&cells[1].events_total, 2);
    expect(metrics, "# HELP promostream_clean_events_total events seen\n"
                    "# TYPE promostream_clean_events_total counter\n"
                    "promostream_clean_events_total{worker=\"w-0\"} 1\n"
                    "promostream_clean_events_total{worker=\"w-1\"} 2\n"
                    "# HELP promostream_state_events_total events seen\n"
                    "# TYPE promostream_state_events_total counter\n"
                    "promostream_state_events_total 1\n");
    metrics_destroy(metrics);
}

static void write_tally(void *context, struct buffer *out) {
    buffer_format(out, "tally{");
    metrics_append_label(out, "why", bytes_of_text(context));
    buffer_format(out, "} 1\n");
}

static void writers_follow_with_escaped_labels(void **state) {
    (void)state;
    struct metrics *metrics = metrics_new();
    metrics_register_writer(metrics, write_tally, "plain");
    metrics_register_writer(metrics, write_tally, "a\"b\\c\nd");
    expect(metrics, "tally{why=\"plain\"} 1\ntally{why=\"a\\\"b\\\\c\\nd\"} 1\n");
    metrics_destroy(metrics);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_count),
        cmocka_unit_test(nothing_registered_writes_nothing),
        cmocka_unit_test(one_room_without_labels),
        cmocka_unit_test(workers_share_one_head),
        cmocka_unit_test(writers_follow_with_escaped_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
