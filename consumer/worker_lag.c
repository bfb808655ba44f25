/* Lag: how many records the worker is behind the log ends, as the last fetches told them; nobody is
 * asked. A worker that catches up says so, and when it is done. */
#include "consumer/worker_internal.h"

#define FAR_RECORDS 100000 /* above: something to hear of */
#define LAG_SAY_NS  INT64_C(10000000000)

#define METRICS_ROW_STRUCT struct worker_metrics
METRICS_TABLE(worker_metrics, WORKER_METRICS)
#undef METRICS_ROW_STRUCT

static void say_lag(struct worker *worker, int64_t records, int64_t now_ns) {
    bool was_far = worker->lag_since_ns != 0;
    if (records < FAR_RECORDS / 2 && was_far) {
        log_info(worker->settings.log, ROOM, "caught up worker=%s after_ms=%lld",
                 worker->settings.name, (long long)((now_ns - worker->lag_since_ns) / 1000000));
        worker->lag_since_ns = 0;
    } else if ((records >= FAR_RECORDS && !was_far) ||
               (was_far && now_ns - worker->lag_said_ns >= LAG_SAY_NS)) {
        log_info(worker->settings.log, ROOM,
                 "behind worker=%s clickstream_lag=%lld feedback_lag=%lld", worker->settings.name,
                 (long long)metric_get(&worker->metrics.clickstream_lag),
                 (long long)metric_get(&worker->metrics.feedback_lag));
        worker->lag_since_ns = was_far ? worker->lag_since_ns : now_ns;
        worker->lag_said_ns = now_ns;
    }
}

void worker_show_lag(struct worker *worker, int64_t now_ns) {
    int64_t lag[INPUT_COUNT] = {0}, running = 0;
    for (int32_t p = 0; p < worker->partition_count; p++) {
        for (int input = 0; input < INPUT_COUNT && worker->owned[p].is_running; input++) {
            int64_t records = broker_lag(worker->broker, (enum broker_input)input, p);
            lag[input] += records > 0 ? records : 0;
        }
        running += worker->owned[p].is_running;
    }
    metric_set(&worker->metrics.partitions, running);
    metric_set(&worker->metrics.clickstream_lag, lag[INPUT_CLICKSTREAM]);
    metric_set(&worker->metrics.feedback_lag, lag[INPUT_FEEDBACK]);
    say_lag(worker, lag[INPUT_CLICKSTREAM] + lag[INPUT_FEEDBACK], now_ns);
}
