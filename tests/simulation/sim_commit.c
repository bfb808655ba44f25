/* Epochs, as broker_commit.c hands them over: one filled by the worker, one in a transaction on the
 * commit task. */
#include "tests/simulation/sim_seam_internal.h"

#include <assert.h>
#include <stdlib.h>

#define ABORT_DEADLINE_US (15 * SIM_SECOND)
#define INIT_ROUND_US     (30 * SIM_SECOND)
#define RECREATE_WAIT_US  (1 * SIM_SECOND)
#define BACK_OFF_FIRST_US (100 * SIM_MS)
#define BACK_OFF_MAX_US   (5 * SIM_SECOND)
#define FENCED_AGAIN_US   (60 * SIM_SECOND)
#define WAY_US_MAX        (2 * SIM_MS) /* of a request, or of its answer */

/* ---- waiting ---- */

static bool is_settled(const struct sim_seam *seam) {
    return !seam->in_flight || seam->has_failed || failed(seam->stop);
}

static bool is_idle(const struct sim_seam *seam) {
    return !seam->in_flight || failed(seam->stop);
}

static bool wait_for(struct sim_seam *seam, bool (*is_done)(const struct sim_seam *), int64_t us) {
    int64_t until_us = us == TASK_NEVER ? TASK_NEVER : seam_now_us(seam) + us;
    while (!is_done(seam) && seam_now_us(seam) < until_us && !seam->process->is_dead) {
        seam->is_worker_waiting = true;
        schedule_sleep_until(site_of(seam)->schedule, until_us);
        seam->is_worker_waiting = false;
    }
    return is_done(seam);
}

bool seam_wait_settled(struct sim_seam *seam, int64_t us) {
    return wait_for(seam, is_settled, us);
}

bool seam_wait_idle(struct sim_seam *seam, int64_t us) {
    return wait_for(seam, is_idle, us);
}

bool seam_take_failure(struct sim_seam *seam) {
    bool has_failed = seam->has_failed;
    seam->has_failed = false;
    return has_failed;
}

static void notify_worker(struct sim_seam *seam) {
    if (seam->is_worker_waiting) {
        schedule_wake(site_of(seam)->schedule, seam->process->worker);
    }
}

/* ---- the producer ---- */

static void set_stop(struct sim_seam *seam, struct failure failure) {
    failure.action = FAILURE_STOP;
    seam->stop = failure;
    notify_worker(seam);
}

static void recreate(struct sim_seam *seam) {
    metric_add(&seam->metrics.producers_recreated_total, 1);
    seam_producer_close(seam);
    if (seam->options.opens_producer_at_assignment) {
        return;
    }
    do {
        struct failure failure = seam_producer_open(seam, INIT_ROUND_US);
        if (!failed(failure) || seam->process->is_dead) {
            return;
        }
        if (failure.action == FAILURE_STOP) {
            set_stop(seam, failure);
            return;
        }
    } while (!seam_pause(seam, RECREATE_WAIT_US));
}

static int64_t back_off_us(int failures_in_row) {
    int64_t wait_us = BACK_OFF_FIRST_US;
    for (int i = 1; i < failures_in_row && wait_us < BACK_OFF_MAX_US; i++) {
        wait_us *= 2;
    }
    return wait_us < BACK_OFF_MAX_US ? wait_us : BACK_OFF_MAX_US;
}

static void repair(struct sim_seam *seam, struct failure failure) {
    metric_add(&seam->metrics.epochs_aborted_total, 1);
    sim_trace(site_of(seam), "epoch lost: %s", failure.text);
    seam->has_failed = true;
    notify_worker(seam);
    if (failure.action == FAILURE_STOP) {
        set_stop(seam, failure);
        return;
    }
    bool is_kept = false;
    if (failure.action == FAILURE_ABORT_EPOCH) {
        struct failure aborted = seam_call(seam, TXN_ABORT, seam_now_us(seam) + ABORT_DEADLINE_US);
        seam->has_open_transaction = seam->has_open_transaction && failed(aborted);
        is_kept = !failed(aborted) && site_of(seam)->broken == BREAK_LATE;
    }
    seam->failures_in_row++;
    (void)seam_pause(seam, back_off_us(seam->failures_in_row));
    if (!is_kept && !seam->process->is_dead) {
        recreate(seam);
    }
}

/* ---- the commit task ---- */

/* What is late must not arrive in the next transaction. */
static void replace_doubtful(struct sim_seam *seam) {
    sim_trace(site_of(seam), "replaces its producer");
    if (seam->options.opens_producer_at_assignment) {
        seam->has_failed = true;
        notify_worker(seam);
    }
    recreate(seam);
}

static void commit_one(struct sim_seam *seam) {
    struct failure failure = seam_transaction(seam, seam->in_flight);
    if (seam->process->is_dead) {
        return;
    }
    if (failed(failure)) {
        repair(seam, failure);
    } else {
        metric_add(&seam->metrics.epochs_committed_total, 1);
        metric_add(&seam->metrics.records_produced_total, (int64_t)seam->in_flight->record_count);
        seam->failures_in_row = 0;
        if (seam->is_doubtful && site_of(seam)->broken != BREAK_LATE) {
            replace_doubtful(seam);
        }
    }
    epoch_clear(seam->in_flight);
}

void seam_commit_run(void *context) {
    struct sim_seam *seam = context;
    while (!seam->process->is_dead && (!seam->is_closing || seam->in_flight)) {
        if (!seam->in_flight) {
            schedule_sleep_until(site_of(seam)->schedule, TASK_NEVER);
            continue;
        }
        commit_one(seam);
        if (!seam->process->is_dead) {
            seam->in_flight = NULL;
        }
        notify_worker(seam);
    }
    seam->process->committer = NULL;
    seam->is_committer_done = true;
}

/* ---- the worker's side ---- */

struct epoch *seam_epoch(struct broker *broker) {
    struct sim_seam *seam = seam_of(broker);
    return &seam->epochs[seam->filling];
}

static void hand_over(struct sim_seam *seam, struct epoch *epoch) {
    assert(!seam->in_flight && epoch->offset_count <= sizeof seam->offsets / sizeof *seam->offsets);
    seam->offset_count = epoch->offset_count;
    for (size_t i = 0; i < epoch->offset_count; i++) {
        const struct epoch_offset *offset = &epoch->offsets[i];
        const struct slot *slot = seam_slot(seam, offset->partition);
        assert(slot);
        seam->offsets[i] = *offset;
        if (offset->next_offset < 0) {
            seam->offsets[i].next_offset = slot->start[offset->input];
        }
    }
    seam->in_flight = epoch;
    seam->filling = 1 - seam->filling;
    schedule_wake(site_of(seam)->schedule, seam->process->committer);
}

struct failure seam_submit(struct broker *broker, struct epoch *epoch) {
    struct sim_seam *seam = seam_of(broker);
    assert(epoch == &seam->epochs[seam->filling]);
    if (epoch->record_count == 0 && epoch->offset_count == 0) {
        epoch_clear(epoch);
        return failure_none();
    }
    int64_t member = seam->member, generation = seam->generation;
    bool is_alive = seam_step(seam, WAY_US_MAX) && seam_wait_settled(seam, TASK_NEVER);
    if (!is_alive || seam->process->is_dead) {
        epoch_clear(epoch);
        return seam_dead();
    }
    if (failed(seam->stop) || seam->has_failed || !seam->is_reported) {
        epoch_clear(epoch);
        return seam->stop;
    }
    seam->sent_member = member;
    seam->sent_generation = generation;
    sim_trace(site_of(seam), "submit %zu records, %zu offsets, generation %lld",
              epoch->record_count, epoch->offset_count, (long long)generation);
    hand_over(seam, epoch);
    return failure_none();
}

struct failure seam_drain(struct broker *broker, bool *out_committed) {
    struct sim_seam *seam = seam_of(broker);
    *out_committed = false;
    if (!seam_wait_settled(seam, TASK_NEVER) || seam->process->is_dead) {
        return seam_dead();
    }
    *out_committed = !seam->has_failed && !failed(seam->stop);
    return seam->stop;
}
