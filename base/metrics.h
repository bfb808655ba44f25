/* metrics: counters and gauges, one table per room, exported as Prometheus text.
 *
 * A room lists its metrics once, as an X-macro; the list gives the struct, the table and the docs:
 *
 *     #define CLEAN_METRICS(X) \
 *         X(events_applied_total, COUNTER, "events folded into state")
 *     METRICS_STRUCT(clean_metrics, CLEAN_METRICS)
 *     METRICS_TABLE(clean_metrics, CLEAN_METRICS)        in the .c file: clean_metrics_table[]
 *
 * Each cell has one writing thread; any thread may read. Names are exported as
 * promostream_<room>_<name>. */
#ifndef PROMOSTREAM_BASE_METRICS_H
#define PROMOSTREAM_BASE_METRICS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE };

struct metric {
    _Atomic int64_t value;
};

static inline void metric_add(struct metric *metric, int64_t amount) {
    int64_t now = atomic_load_explicit(&metric->value, memory_order_relaxed);
    atomic_store_explicit(&metric->value, now + amount, memory_order_relaxed);
}
static inline void metric_set(struct metric *metric, int64_t value) {
    atomic_store_explicit(&metric->value, value, memory_order_relaxed);
}
static inline int64_t metric_get(const struct metric *metric) {
    return atomic_load_explicit(&metric->value, memory_order_relaxed);
}

struct metric_row {
    const char *name;
    enum metric_type type;
    const char *help;
    size_t offset; /* of the struct metric in the room's struct */
};

#define METRICS_MEMBER(name, type, help) struct metric name;
#define METRICS_ROW(name, type, help)                                                              \
    {#name, METRIC_##type, help, offsetof(METRICS_ROW_STRUCT, name)},
#define METRICS_STRUCT(struct_name, LIST)                                                          \
    struct struct_name {                                                                           \
        LIST(METRICS_MEMBER)                                                                       \
    };                                                                                             \
    extern const struct metric_row struct_name##_table[];                                          \
    extern const size_t struct_name##_count;
/* In the .c: #define METRICS_ROW_STRUCT struct clean_metrics, then METRICS_TABLE(...), then #undef.
 */
#define METRICS_TABLE(struct_name, LIST)                                                           \
    const struct metric_row struct_name##_table[] = {LIST(METRICS_ROW)};                           \
    const size_t struct_name##_count = sizeof struct_name##_table / sizeof struct_name##_table[0];

/* A set of registered rooms. Register everything before the first reader starts; then it is
 * read-only. */
struct metrics;
struct metrics *metrics_new(void);
void metrics_destroy(struct metrics *metrics);
/* labels is "" or Prometheus label text without braces (worker="w-0"), copied. cells is borrowed
 * until destroy. The same room may be registered several times with different labels (one per
 * worker). */
void metrics_register(struct metrics *metrics, const char *room, const char *labels,
                      const struct metric_row *rows, size_t count, const void *cells);
/* A callback that appends whole exposition lines (labelled tallies); called on the reading thread.
 */
void metrics_register_writer(struct metrics *metrics,
                             void (*write)(void *context, struct buffer *out), void *context);
/* Appends name="value" with the value's backslashes, quotes and newlines escaped: the parts of a
 * label text. */
void metrics_append_label(struct buffer *out, const char *name, struct bytes value);
/* Appends Prometheus text: HELP and TYPE once per name, then one line per registration. */
void metrics_write(const struct metrics *metrics, struct buffer *out);

#endif
