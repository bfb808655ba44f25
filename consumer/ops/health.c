#include "consumer/ops/health.h"

#include <assert.h>

const char *worker_phase_name(enum worker_phase phase) {
#define NAME(id, name) name,
    static const char *const names[] = {WORKER_PHASES(NAME)};
#undef NAME
    assert(phase < WORKER_PHASE_COUNT);
    return names[phase];
}

void health_init(struct health *health, const char *worker, int64_t now_ms) {
    health->worker = worker;
    atomic_init(&health->last_progress_ms, now_ms);
    atomic_init(&health->phase, WORKER_STARTING);
    atomic_init(&health->ready, 0);
}

void health_beat(struct health *health, int64_t now_ms) {
    atomic_store_explicit(&health->last_progress_ms, now_ms, memory_order_relaxed);
}

void health_enter(struct health *health, enum worker_phase phase, int64_t now_ms) {
    assert(phase < WORKER_PHASE_COUNT);
    health_beat(health, now_ms);
    atomic_store(&health->phase, phase);
    atomic_store(&health->ready, phase == WORKER_RUNNING);
}

static enum worker_phase phase_of(const struct health *health) {
    return (enum worker_phase)atomic_load(&health->phase);
}

bool health_is_alive(const struct health *workers, size_t count, int64_t now_ms,
                     int64_t stall_after_ms) {
    for (size_t i = 0; i < count; i++) {
        enum worker_phase phase = phase_of(&workers[i]);
        int64_t since_ms = now_ms - atomic_load(&workers[i].last_progress_ms);
        if (phase == WORKER_FAILED || (phase != WORKER_STOPPED && since_ms > stall_after_ms)) {
            return false;
        }
    }
    return true;
}

bool health_is_ready(const struct health *workers, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!atomic_load(&workers[i].ready)) {
            return false;
        }
    }
    return count > 0;
}

void health_write(const struct health *workers, size_t count, int64_t now_ms, struct buffer *out) {
    for (size_t i = 0; i < count; i++) {
        int64_t since_ms = now_ms - atomic_load(&workers[i].last_progress_ms);
        buffer_format(out, "%s %s, progress %.1f s ago\n", workers[i].worker,
                      worker_phase_name(phase_of(&workers[i])),
                      (double)(since_ms > 0 ? since_ms : 0) / 1000);
    }
}
