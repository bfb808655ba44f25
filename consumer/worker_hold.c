/* Records whose writer's schema is not known yet wait here, and the group is served meanwhile.
 * While the registry does not answer they wait for as long as it takes: everything stays at its
 * committed position and nothing is lost. A registry that does answer gets HOLD_MAX_NS for all that
 * was asked, anew with each schema that it has; what it has not told by then is treated as unknown,
 * so that a stream of made-up ids cannot stop a worker. */
#include "consumer/worker_internal.h"

#include <time.h>

#define HOLD_MAX_NS   INT64_C(2000000000)
#define HOLD_LOG_NS   INT64_C(10000000000)
#define TROUBLE_BYTES 256
#define HOLD_PAUSE_NS 20000000 /* a full epoch takes one more record per poll: slowly */

static bool are_ready(struct worker *worker) {
    bool is_ready = true;
    for (int32_t p = 0; p < worker->partition_count; p++) {
        struct owned *owned = &worker->owned[p];
        for (int input = 0; input < INPUT_COUNT; input++) {
            for (size_t i = 0; i < owned->gathered_count[input]; i++) {
                /* All are asked for at once, so that all are fetched at once. */
                is_ready = decode_is_ready(&worker->pipeline.decode, input == INPUT_FEEDBACK,
                                           owned->gathered[input][i].value) &&
                           is_ready;
            }
        }
    }
    return is_ready;
}

/* Whether the registry has had its time. One that hangs is known as such only when its request
 * ends: until it answers something, it may be that one. */
static bool is_over(struct worker *worker, const char *trouble, int64_t now_ns) {
    const struct registry_metrics *metrics =
        registry_metrics_of(worker->settings.sources->registry);
    int64_t schemas = metric_get(&metrics->schemas);
    int64_t requests = metric_get(&metrics->requests_total);
    if (trouble[0] != '\0' || worker->hold_schemas != schemas) {
        worker->hold_schemas = schemas;
        worker->hold_until_ns = now_ns + HOLD_MAX_NS;
    }
    if (now_ns <= worker->hold_until_ns) {
        worker->hold_requests = requests;
        return false;
    }
    bool has_url = worker->settings.config->registry.url[0] != '\0';
    return !has_url || worker->hold_requests != requests;
}

static void say_waiting(struct worker *worker, const char *trouble, int64_t now_ns) {
    if (now_ns < worker->hold_logged_ns) {
        return;
    }
    worker->hold_logged_ns = now_ns + HOLD_LOG_NS;
    log_warn(worker->settings.log, ROOM,
             "waiting for writers' schemas worker=%s held_records=%zu: %s", worker->settings.name,
             worker->gathered, trouble[0] ? trouble : "asked the registry");
}

bool worker_may_decode(struct worker *worker) {
    if (!worker->owned || worker->gathered == 0 ||
        !decode_asks_registry(&worker->pipeline.decode)) {
        return true;
    }
    int64_t now_ns = clock_monotonic_ns();
    if (are_ready(worker)) {
        if (worker->hold_since_ns != 0) {
            log_info(worker->settings.log, ROOM,
                     "writers' schemas are known worker=%s after_ms=%lld", worker->settings.name,
                     (long long)((now_ns - worker->hold_since_ns) / 1000000));
        }
        worker->hold_since_ns = 0;
        return true;
    }
    char trouble[TROUBLE_BYTES];
    registry_trouble(worker->settings.sources->registry, trouble, sizeof trouble);
    if (worker->hold_since_ns == 0) {
        worker->hold_since_ns = now_ns;
        worker->hold_until_ns = now_ns + HOLD_MAX_NS;
        worker->hold_logged_ns = now_ns + HOLD_MAX_NS; /* a first fetch is no news */
    }
    if (is_over(worker, trouble, now_ns)) {
        worker->hold_since_ns = 0;
        return true;
    }
    say_waiting(worker, trouble, now_ns);
    nanosleep(&(struct timespec){.tv_nsec = HOLD_PAUSE_NS}, NULL);
    return false;
}
