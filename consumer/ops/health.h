/* health: what each worker says of itself, for /healthz and /readyz.
 * One struct per worker: written by the worker's thread, read by any thread. Its time is the wall
 * clock's. */
#ifndef PROMOSTREAM_OPS_HEALTH_H
#define PROMOSTREAM_OPS_HEALTH_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/buffer.h"

/* X(enumerator, name). The thread moves through them as it likes; a STOPPED worker has ended in
 * order and is not stalled. */
#define WORKER_PHASES(X)                                                                           \
    X(WORKER_STARTING, "starting")                                                                 \
    X(WORKER_RECOVERING, "recovering")                                                             \
    X(WORKER_RUNNING, "running")                                                                   \
    X(WORKER_STOPPED, "stopped")                                                                   \
    X(WORKER_FAILED, "failed")

#define WORKER_PHASE_ENUM(id, name) id,
enum worker_phase { WORKER_PHASES(WORKER_PHASE_ENUM) WORKER_PHASE_COUNT };
const char *worker_phase_name(enum worker_phase phase);

struct health {
    const char *worker;               /* its name, borrowed; set before any reader starts */
    _Atomic int64_t last_progress_ms; /* of the last poll, epoch or recovered record; call
                                         health_beat at least every 10 s */
    _Atomic int phase;                /* enum worker_phase */
    _Atomic int
        ready; /* 1 after recovery of all assigned partitions; 0 again when an assignment comes */
};

void health_init(struct health *health, const char *worker, int64_t now_ms);
/* Worker's thread: "I am getting on". */
void health_beat(struct health *health, int64_t now_ms);
/* Worker's thread: sets the phase; ready follows it (RUNNING is ready, everything else is not). */
void health_enter(struct health *health, enum worker_phase phase, int64_t now_ms);

/* True while every worker that has not stopped has made progress within stall_after_ms and none has
 * failed. */
bool health_is_alive(const struct health *workers, size_t count, int64_t now_ms,
                     int64_t stall_after_ms);
/* True if there is a worker and every one is ready. */
bool health_is_ready(const struct health *workers, size_t count);
/* One line per worker: name, phase, seconds since its last progress. */
void health_write(const struct health *workers, size_t count, int64_t now_ms, struct buffer *out);

#endif
