#include "tests/simulation/sim_seam_internal.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>

#define INIT_WAIT_US  (60 * SIM_SECOND)
#define READ_GROUP    40
#define READ_WAIT_US  (10 * SIM_MS)
#define READ_STUCK_US (300 * SIM_SECOND)
#define WORK_US_MAX   (1 * SIM_MS)
#define SIDE_GROUP    30

#define BREAK_NAME(id, name) [id] = name,
const char *const break_names[BREAK_COUNT] = {BREAKS(BREAK_NAME)};

void sim_trace(struct sim_site *site, const char *format, ...) {
    if (!site->trace) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    fprintf(site->trace, "%12.6f %-14s ", (double)site->schedule->now_us / 1e6,
            schedule_task_name(site->schedule));
    vfprintf(site->trace, format, arguments);
    fputc('\n', site->trace);
    va_end(arguments);
}

/* ---- the process ---- */

struct failure seam_dead(void) {
    return failure_make(FAILURE_STOP, 0, "the process is dead");
}

static void die(struct sim_process *process) {
    if (process->is_dead) {
        return;
    }
    process->is_dead = true;
    sim_trace(process->site, "%s DIES", process->name);
    struct sim_seam *seam = process->seam;
    struct cluster_member *member = seam ? cluster_member_of(seam->group, seam->member) : NULL;
    if (member) {
        member->is_beating = false;
        member->resumes_us = 0;
    }
    if (process->worker) {
        schedule_wake(process->site->schedule, process->worker);
    }
    if (process->committer) {
        schedule_wake(process->site->schedule, process->committer);
    }
}

bool seam_step(struct sim_seam *seam, int64_t us_max) {
    struct sim_process *process = seam->process;
    if (!process->is_dead && process->dies_in > 0 && --process->dies_in == 0) {
        die(process);
    }
    if (process->is_dead) {
        return false;
    }
    int64_t us = us_max > 0 ? (int64_t)rng_below(&process->rng, (uint64_t)us_max) : 0;
    schedule_sleep(process->site->schedule, us);
    return !process->is_dead;
}

void seam_sleep(struct sim_seam *seam, int64_t us) {
    if (!seam->process->is_dead) {
        schedule_sleep(site_of(seam)->schedule, us);
    }
}

void sim_process_kill(struct sim_process *process) {
    die(process);
}

void sim_process_stall(struct sim_process *process, int64_t until_us) {
    struct sim_seam *seam = process->seam;
    struct cluster_member *member = seam ? cluster_member_of(seam->group, seam->member) : NULL;
    if (member) {
        member->is_beating = false;
        member->resumes_us = until_us;
    }
    if (process->worker) {
        schedule_stall(process->site->schedule, process->worker, until_us);
    }
    if (process->committer) {
        schedule_stall(process->site->schedule, process->committer, until_us);
    }
}

void sim_process_lose_session(struct sim_process *process) {
    if (process->seam) {
        process->seam->is_session_lost = true;
    }
}

void sim_process_lag(struct sim_process *process, int64_t until_us) {
    struct sim_seam *seam = process->seam;
    if (seam && seam->slot_count > 0) {
        struct slot *slot = &seam->slots[rng_below(&process->rng, seam->slot_count)];
        slot->lags_until_us[rng_below(&process->rng, INPUT_COUNT)] = until_us;
    }
}

int64_t sim_process_wall_ms(void *context) {
    const struct sim_process *process = context;
    if (process->wall_stalled_ms != 0) {
        return process->wall_stalled_ms;
    }
    return process->wall_start_ms + process->site->schedule->now_us / SIM_MS * process->wall_speed +
           process->wall_offset_ms;
}

struct cluster_producer *sim_process_producer(const struct sim_process *process) {
    return process->seam ? process->seam->producer : NULL;
}

/* ---- questions ---- */

static struct failure away(const char *what) {
    return failure_make(FAILURE_RETRY, 0, "%s: the broker is away", what);
}

static struct failure seam_log_end(struct broker *broker, enum broker_input input,
                                   int32_t partition, int64_t *out) {
    struct sim_seam *seam = seam_of(broker);
    if (!seam_step(seam, WORK_US_MAX)) {
        return seam_dead();
    }
    if (fault_happens(site_of(seam)->faults, FAULT_AWAY)) {
        return away("log end");
    }
    *out = cluster_end(site_of(seam)->cluster, seam->options.inputs[input], partition);
    return failure_none();
}

static struct failure seam_partition_count(struct broker *broker, enum topic topic, int32_t *out) {
    struct sim_seam *seam = seam_of(broker);
    *out = site_of(seam)->cluster->partitions[topic];
    return seam_step(seam, WORK_US_MAX) ? failure_none() : seam_dead();
}

/* ---- reading outside the group ---- */

static bool is_readable(const struct sim_seam *seam, const struct partition_log *log,
                        int64_t offset) {
    if (site_of(seam)->broken == BREAK_DIRTY_READ && log->entries[offset].state == ENTRY_ABORTED) {
        site_of(seam)->breaks++;
        return true;
    }
    return partition_log_is_visible(log, offset);
}

/* Visits what can be seen of [*position, until), a group at most. */
static void visit_some(struct sim_seam *seam, enum topic topic, int32_t partition, int64_t until,
                       size_t group_max, int64_t *position, broker_visit *visit, void *context) {
    const struct partition_log *log = &site_of(seam)->cluster->logs[topic][partition];
    struct record group[READ_GROUP];
    size_t count = 0;
    while (*position < until && count < group_max) {
        int64_t offset = (*position)++;
        const struct log_entry *entry = &log->entries[offset];
        if (is_readable(seam, log, offset)) {
            group[count++] = (struct record){.key = entry->key,
                                             .value = entry->value,
                                             .timestamp_ms = entry->timestamp_ms,
                                             .offset = offset,
                                             .partition = partition};
        }
    }
    for (size_t i = 0; i < count; i++) {
        group[i].following = (uint32_t)(count - i - 1);
        visit(context, &group[i]);
    }
}

/* BREAK_STALE_STATE: the last committed epoch's rows are not there yet. */
static int64_t stale_end(struct sim_seam *seam, enum topic topic, int32_t partition, int64_t end) {
    const struct partition_log *log = &site_of(seam)->cluster->logs[topic][partition];
    if (site_of(seam)->broken != BREAK_STALE_STATE || topic != TOPIC_USER_STATE || end < 4) {
        return end;
    }
    site_of(seam)->breaks++;
    while (end > 0 && log->entries[end - 1].state != ENTRY_COMMITTED) {
        end--;
    }
    return end > 0 ? end - 1 : 0;
}

static struct failure read_until(struct sim_seam *seam, enum topic topic, int32_t partition,
                                 int64_t end, int64_t *position, broker_visit *visit,
                                 void *context) {
    struct cluster *cluster = site_of(seam)->cluster;
    int64_t moved_us = seam_now_us(seam);
    while (*position < end) {
        if (!seam_step(seam, WORK_US_MAX)) {
            return seam_dead();
        }
        int64_t before = *position, stable = cluster_stable(cluster, topic, partition);
        size_t group_max = 1 + (size_t)rng_below(&seam->process->rng, READ_GROUP);
        visit_some(seam, topic, partition, stable, group_max, position, visit, context);
        if (*position != before) {
            moved_us = seam_now_us(seam);
        } else if (seam_now_us(seam) - moved_us > READ_STUCK_US) {
            return failure_make(FAILURE_STOP, 0, "%s [%d]: stuck at %lld of %lld",
                                topic_default_name(topic), (int)partition, (long long)*position,
                                (long long)end);
        } else {
            seam_sleep(seam, READ_WAIT_US);
        }
    }
    return failure_none();
}

/* A part is one group of records, or a wait for them; it takes its time. */
static struct failure seam_read_some(struct broker *broker, enum topic topic, int32_t partition,
                                     int budget_ms, broker_visit *visit, void *context,
                                     bool *out_is_end) {
    struct sim_seam *seam = seam_of(broker);
    struct sim_read *read = &seam->reads[topic][partition];
    struct failure failure = failure_none();
    *out_is_end = false;
    if (!seam_step(seam, WORK_US_MAX)) {
        return seam_dead();
    }
    if (!read->is_open && fault_happens(site_of(seam)->faults, FAULT_AWAY)) {
        return away(topic_default_name(topic));
    }
    if (!read->is_open) {
        int64_t end = cluster_end(site_of(seam)->cluster, topic, partition);
        *read = (struct sim_read){.is_open = true, .end = stale_end(seam, topic, partition, end)};
    }
    if (budget_ms < 0) {
        failure = read_until(seam, topic, partition, read->end, &read->position, visit, context);
    } else if (read->position < read->end) {
        size_t group_max = 1 + (size_t)rng_below(&seam->process->rng, READ_GROUP);
        visit_some(seam, topic, partition, cluster_stable(site_of(seam)->cluster, topic, partition),
                   group_max, &read->position, visit, context);
        seam_sleep(seam, budget_ms * SIM_MS);
    }
    *out_is_end = !failed(failure) && read->position >= read->end;
    read->is_open = !failed(failure) && !*out_is_end;
    return seam->process->is_dead ? seam_dead() : failure;
}

static struct failure seam_read_to_end(struct broker *broker, enum topic topic, int32_t partition,
                                       broker_visit *visit, void *context) {
    bool is_end;
    return seam_read_some(broker, topic, partition, -1, visit, context, &is_end);
}

static struct failure side_first(struct sim_seam *seam, enum topic topic, broker_visit *visit,
                                 void *context) {
    struct cluster *cluster = site_of(seam)->cluster;
    struct failure failure = failure_none();
    int64_t ends[CLUSTER_PARTITIONS_MAX];
    for (int32_t p = 0; p < cluster->partitions[topic]; p++) {
        ends[p] = cluster_end(cluster, topic, p);
    }
    for (int32_t p = 0; p < cluster->partitions[topic] && !failed(failure); p++) {
        failure = read_until(seam, topic, p, ends[p], &seam->side_next[topic][p], visit, context);
    }
    seam->side_is_at_end[topic] = !failed(failure);
    return failure;
}

static struct failure seam_side_poll(struct broker *broker, enum topic topic, broker_visit *visit,
                                     void *context, int64_t *out_position) {
    struct sim_seam *seam = seam_of(broker);
    struct cluster *cluster = site_of(seam)->cluster;
    struct failure failure = failure_none();
    *out_position = 0;
    if (seam->process->is_dead) {
        return seam_dead();
    }
    if (!seam->side_is_at_end[topic]) {
        failure = side_first(seam, topic, visit, context);
    }
    for (int32_t p = 0; p < cluster->partitions[topic] && !failed(failure); p++) {
        size_t some = (size_t)rng_below(&seam->process->rng, SIDE_GROUP);
        visit_some(seam, topic, p, cluster_stable(cluster, topic, p), some,
                   &seam->side_next[topic][p], visit, context);
        *out_position += seam->side_next[topic][p];
    }
    return failure;
}

/* ---- open and close ---- */

static const struct broker_metrics *metrics_of(const struct broker *broker) {
    return &((const struct sim_seam *)broker)->metrics;
}

static void end_membership(struct sim_seam *seam) {
    struct cluster_member *member = cluster_member_of(seam->group, seam->member);
    if (member && !seam->process->is_dead && seam->options.leaves) {
        cluster_leave(site_of(seam)->cluster, seam->group, member->instance, member->id);
    } else if (member) {
        member->resumes_us = 0;
        member->is_beating = false; /* a static member's session runs on */
    }
}

static void close_seam(struct broker *broker) {
    struct sim_seam *seam = seam_of(broker);
    seam->is_closing = true;
    while (!seam->is_committer_done) {
        schedule_wake(site_of(seam)->schedule, seam->process->committer);
        schedule_sleep(site_of(seam)->schedule, SIM_MS);
    }
    end_membership(seam);
    seam_release(broker);
    seam_producer_close(seam);
    epoch_clean_up(&seam->epochs[0]);
    epoch_clean_up(&seam->epochs[1]);
    seam->process->seam = NULL;
    free(seam);
}

static const struct broker_ops ops = {
    .poll = seam_poll,
    .release = seam_release,
    .start = seam_start,
    .epoch = seam_epoch,
    .submit = seam_submit,
    .drain = seam_drain,
    .log_end = seam_log_end,
    .position = seam_position,
    .partition_count = seam_partition_count,
    .read_to_end = seam_read_to_end,
    .read_some = seam_read_some,
    .side_poll = seam_side_poll,
    .lag = seam_lag,
    .metrics = metrics_of,
    .close = close_seam,
};

struct failure sim_seam_open(struct sim_process *process, const struct sim_seam_options *options,
                             struct broker **out) {
    struct sim_seam *seam = memory_new(1, sizeof *seam);
    struct cluster *cluster = process->site->cluster;
    *out = NULL;
    seam->broker.ops = &ops;
    seam->process = process;
    seam->options = *options;
    seam->options.instance = options->instance ? options->instance : process->name;
    seam->group = cluster_group_of(cluster, options->group, options->inputs, options->input_count);
    seam->member_fenced_us = -1;
    (void)snprintf(seam->id, sizeof seam->id, "%s", options->transactional_id);
    epoch_init(&seam->epochs[0]);
    epoch_init(&seam->epochs[1]);
    process->seam = seam;
    struct failure failure = failure_none();
    if (!options->opens_producer_at_assignment) {
        failure = seam_producer_open(seam, INIT_WAIT_US);
    }
    if (failed(failure)) {
        process->seam = NULL;
        epoch_clean_up(&seam->epochs[0]);
        epoch_clean_up(&seam->epochs[1]);
        free(seam);
        return failure;
    }
    seam_join(seam);
    process->committer =
        schedule_start(process->site->schedule, process->name, seam_commit_run, seam);
    *out = &seam->broker;
    return failure;
}
