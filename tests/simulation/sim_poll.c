/* What poll says, as broker_poll.c and broker_assign.c say it: the end of the process; losses; what
 * the group decided; committed positions; records. */
#include "tests/simulation/sim_seam_internal.h"

#include <assert.h>
#include <stdlib.h>

#define BEAT_US_MAX      (500 * SIM_MS)
#define REVOKE_WAIT_US   (60 * SIM_SECOND)
#define FENCED_AGAIN_US  (60 * SIM_SECOND)
#define REPLACE_WAIT_US  (1 * SIM_SECOND)
#define OPEN_ROUND_US    (10 * SIM_SECOND)
#define COMMITTED_US     (1 * SIM_SECOND)
#define TAKE_US_MAX      (2 * SIM_MS)
#define TAKE_RECORDS_MAX 60
#define TAKEOVER_TRIES   5
#define TAKEOVER_WAIT_US (20 * SIM_MS)

struct slot *seam_slot(struct sim_seam *seam, int32_t partition) {
    for (size_t i = 0; i < seam->slot_count; i++) {
        if (seam->slots[i].partition == partition) {
            return &seam->slots[i];
        }
    }
    return NULL;
}

/* ---- the group ---- */

void seam_join(struct sim_seam *seam) {
    seam->member = cluster_join(site_of(seam)->cluster, seam->group, seam->options.instance,
                                seam->options.session_us);
    seam->generation = -1;
    seam->is_joining = true;
    seam->next_beat_us = seam_now_us(seam);
    sim_trace(site_of(seam), "%s joins as member %lld", seam->options.instance,
              (long long)seam->member);
}

static void on_assign(struct sim_seam *seam, const struct cluster_member *member) {
    seam->generation = seam->group->generation;
    seam->is_joining = false;
    seam->is_fencing_explained = false;
    seam->slot_count = (size_t)member->count;
    for (int32_t i = 0; i < member->count; i++) {
        seam->slots[i] = (struct slot){.partition = member->first + i};
    }
    seam->ownership = OWNS_UNREAD;
    seam->takeovers_left = TAKEOVER_TRIES;
    sim_trace(site_of(seam), "generation %lld assigns %d from %d", (long long)seam->generation,
              (int)member->count, (int)member->first);
}

static void on_revoke(struct sim_seam *seam, bool is_lost) {
    bool is_settled = is_lost || !seam->is_reported || seam_wait_settled(seam, REVOKE_WAIT_US);
    bool has_failed = seam_take_failure(seam);
    if (seam->is_reported) {
        bool is_clean = !is_lost && is_settled && !has_failed;
        seam->pending = is_clean ? BROKER_REVOKED : BROKER_LOST;
    }
    sim_trace(site_of(seam), "%s", seam->pending == BROKER_REVOKED ? "revoked" : "lost");
    seam->is_reported = false;
    seam->ownership = OWNS_NOTHING;
    seam->slot_count = 0;
    seam->is_producer_stale = true;
}

static void lose_session(struct sim_seam *seam) {
    seam->is_session_lost = false;
    seam->is_fencing_explained = true;
    if (seam->ownership != OWNS_NOTHING) {
        on_revoke(seam, true);
    }
    seam_join(seam);
}

static void rejoin(struct sim_seam *seam) {
    if (seam->ownership != OWNS_NOTHING) {
        on_revoke(seam, false);
    }
    enum answer answer = seam->process->is_dead
                             ? ANSWER_OK
                             : cluster_rejoin(site_of(seam)->cluster, seam->group,
                                              seam->options.instance, seam->member);
    seam->is_joining = answer == ANSWER_OK; /* else the next beat tells */
}

static struct failure on_fenced(struct sim_seam *seam) {
    int64_t now_us = seam_now_us(seam);
    sim_trace(site_of(seam), "member %lld is fenced", (long long)seam->member);
    if (!seam->is_fencing_explained && seam->member_fenced_us >= 0 &&
        now_us - seam->member_fenced_us < FENCED_AGAIN_US) {
        return failure_make(FAILURE_STOP, 0, "another process uses worker name %s",
                            seam->process->name);
    }
    if (!seam->is_fencing_explained) {
        seam->member_fenced_us = now_us;
    }
    seam->is_member_dead = true;
    seam->is_session_lost = false;
    if (seam->is_reported) {
        seam->pending = BROKER_LOST;
    }
    seam->is_reported = false;
    seam->ownership = OWNS_NOTHING;
    seam->slot_count = 0;
    seam->is_producer_stale = true;
    return failure_none();
}

static struct failure replace_member(struct sim_seam *seam) {
    if (seam->lent) {
        return failure_none();
    }
    seam_sleep(seam, REPLACE_WAIT_US);
    if (!seam->process->is_dead) {
        seam->is_member_dead = false;
        seam_join(seam);
    }
    return failure_none();
}

/* The callbacks of a take. */
static struct failure serve_group(struct sim_seam *seam) {
    struct cluster *cluster = site_of(seam)->cluster;
    if (seam->is_session_lost) {
        lose_session(seam);
        return failure_none();
    }
    if (seam_now_us(seam) < seam->next_beat_us) {
        return failure_none();
    }
    seam->next_beat_us = seam_now_us(seam) + (int64_t)rng_below(&seam->process->rng, BEAT_US_MAX);
    switch (cluster_beat(cluster, seam->group, seam->options.instance, seam->member)) {
    case ANSWER_REBALANCING:
        rejoin(seam);
        break;
    case ANSWER_UNKNOWN_MEMBER:
        lose_session(seam);
        break;
    case ANSWER_FENCED_INSTANCE:
        return on_fenced(seam);
    default:
        if (!seam->group->is_rebalancing && seam->generation != seam->group->generation) {
            if (seam->ownership != OWNS_NOTHING) { /* the round passed us by */
                on_revoke(seam, true);
            }
            on_assign(seam, cluster_member_of(seam->group, seam->member));
        }
        break;
    }
    return failure_none();
}

/* ---- takeover, as broker_takeover.c does it ---- */

static bool is_writer_listed(const struct sim_seam *seam, const struct cluster_producer *writer) {
    for (size_t i = 0; i < seam->group->member_count; i++) {
        char id[2 * CLUSTER_NAME_BYTES];
        (void)snprintf(id, sizeof id, "%s-%s", seam->options.group,
                       seam->group->members[i].instance);
        if (strcmp(id, writer->id) == 0) {
            return true;
        }
    }
    return false;
}

/* False: not settled. */
static bool fence(struct sim_seam *seam, const struct cluster_producer *writer) {
    struct cluster *cluster = site_of(seam)->cluster;
    struct cluster_producer *fenced;
    int32_t epoch;
    sim_trace(site_of(seam), "takes over from %s", writer->id);
    if (fault_happens(site_of(seam)->faults, FAULT_AWAY)) {
        return false;
    }
    while (!seam->process->is_dead && cluster_init_producer(cluster, writer->id, writer->timeout_us,
                                                            &fenced, &epoch) != ANSWER_OK) {
        seam_sleep(seam, TAKEOVER_WAIT_US);
    }
    cluster->takeovers++;
    return true;
}

/* Who wrote last in our partitions and is no member any more is dead, or has left. */
static bool take_over(struct sim_seam *seam) {
    bool is_settled = true;
    for (size_t i = 0; i < seam->slot_count && is_settled; i++) {
        const struct cluster_producer *writer =
            seam->group->committed[0][seam->slots[i].partition].writer;
        if (writer && strcmp(writer->id, seam->id) != 0 && !is_writer_listed(seam, writer)) {
            is_settled = fence(seam, writer);
        }
    }
    return is_settled;
}

/* ---- committed positions ---- */

static struct failure open_producer(struct sim_seam *seam, bool *out_ready) {
    *out_ready = true;
    if (!seam->options.opens_producer_at_assignment || seam->slot_count == 0) {
        return failure_none();
    }
    if (seam->is_producer_stale) {
        seam_producer_close(seam);
    }
    if (seam->producer) {
        return failure_none();
    }
    struct failure failure = seam_producer_open(seam, OPEN_ROUND_US);
    *out_ready = !failed(failure);
    seam->is_producer_stale = seam->is_producer_stale && failed(failure);
    return failure.action == FAILURE_STOP ? failure : failure_none();
}

static bool read_committed(struct sim_seam *seam) {
    bool is_early = site_of(seam)->broken == BREAK_EARLY_READ;
    bool is_settled = !fault_happens(site_of(seam)->faults, FAULT_UNSETTLED);
    for (size_t i = 0; i < seam->slot_count; i++) {
        bool is_known =
            cluster_committed(seam->group, seam->slots[i].partition, &seam->assignments[i]);
        if (!is_known && is_early) { /* what stood there before */
            const struct committed *committed = seam->group->committed[0];
            seam->assignments[i].next_offset[0] = committed[seam->slots[i].partition].offset;
            seam->assignments[i].epoch = committed[seam->slots[i].partition].epoch;
            site_of(seam)->breaks++;
        }
        is_settled = is_settled && (is_known || is_early);
    }
    return is_settled;
}

static struct failure poll_positions(struct sim_seam *seam, int64_t timeout_us,
                                     struct broker_event *out) {
    if (!seam_wait_idle(seam, timeout_us)) {
        return failure_none();
    }
    if (failed(seam->stop)) {
        return seam->stop;
    }
    bool is_ready;
    struct failure failure = open_producer(seam, &is_ready);
    if (failed(failure) || !is_ready) {
        return failure;
    }
    if (!seam_step(seam, TAKE_US_MAX)) {
        return seam_dead();
    }
    if (seam->takeovers_left > 0) {
        seam->takeovers_left = take_over(seam) ? 0 : seam->takeovers_left - 1;
    }
    if (seam->takeovers_left > 0) {
        return failure_none();
    }
    if (!read_committed(seam)) {
        seam_sleep(seam, COMMITTED_US);
        return failure_none();
    }
    memset(seam->reads, 0, sizeof seam->reads);
    for (size_t i = 0; i < seam->slot_count; i++) {
        seam->slots[i].is_started = false;
    }
    seam->ownership = seam->slot_count > 0 ? OWNS_RECOVERING : OWNS_RUNNING;
    seam->is_reported = true;
    *out = (struct broker_event){.kind = BROKER_ASSIGNED,
                                 .assignments = seam->assignments,
                                 .assignment_count = seam->slot_count};
    return failure_none();
}

/* ---- start ---- */

struct failure seam_start(struct broker *broker, int32_t partition,
                          const int64_t next_offset[INPUT_COUNT]) {
    struct sim_seam *seam = seam_of(broker);
    if (!seam_step(seam, TAKE_US_MAX)) {
        return seam_dead();
    }
    struct slot *slot = seam_slot(seam, partition);
    assert(seam->is_reported && slot && !slot->is_started);
    if (fault_happens(site_of(seam)->faults, FAULT_AWAY)) {
        return failure_make(FAILURE_RETRY, 0, "start: the broker is away");
    }
    for (int input = 0; input < seam->options.input_count; input++) {
        int64_t end = cluster_end(site_of(seam)->cluster, seam->options.inputs[input], partition);
        if (next_offset[input] > end) {
            return failure_make(FAILURE_STOP, 0, "position %lld is beyond the end %lld",
                                (long long)next_offset[input], (long long)end);
        }
        slot->start[input] = slot->next[input] = next_offset[input] > 0 ? next_offset[input] : 0;
    }
    slot->is_started = true;
    seam->ownership = OWNS_RUNNING;
    return failure_none();
}

struct failure seam_position(struct broker *broker, enum broker_input input, int32_t partition,
                             int64_t *out) {
    struct sim_seam *seam = seam_of(broker);
    if (seam->process->is_dead) {
        return seam_dead();
    }
    const struct slot *slot = seam_slot(seam, partition);
    assert(slot && slot->is_started);
    *out = slot->next[input];
    if (fault_happens(site_of(seam)->faults, FAULT_AWAY)) {
        return failure_none(); /* not fetched further yet */
    }
    enum topic topic = seam->options.inputs[input];
    const struct partition_log *log = &site_of(seam)->cluster->logs[topic][partition];
    int64_t stable = partition_log_stable(log);
    while (*out < stable && !partition_log_is_visible(log, *out)) {
        ++*out;
    }
    return failure_none();
}

int64_t seam_lag(struct broker *broker, enum broker_input input, int32_t partition) {
    struct sim_seam *seam = seam_of(broker);
    const struct slot *slot = seam_slot(seam, partition);
    int64_t end = cluster_end(site_of(seam)->cluster, seam->options.inputs[input], partition);
    return slot && slot->is_started ? end - slot->next[input] : -1;
}

/* ---- records ---- */

static size_t take_run(struct sim_seam *seam, struct slot *slot, int input, size_t max,
                       struct record *out) {
    enum topic topic = seam->options.inputs[input];
    const struct partition_log *log = &site_of(seam)->cluster->logs[topic][slot->partition];
    int64_t stable = partition_log_stable(log);
    size_t count = 0;
    if (!slot->is_started || seam_now_us(seam) < slot->lags_until_us[input]) {
        return 0;
    }
    /* Control records at the end: a position passes them, next does not. */
    for (int64_t at = slot->next[input]; at < stable && count < max; at++) {
        if (partition_log_is_visible(log, at)) {
            out[count++] = (struct record){.key = log->entries[at].key,
                                           .value = log->entries[at].value,
                                           .timestamp_ms = log->entries[at].timestamp_ms,
                                           .offset = at,
                                           .partition = slot->partition,
                                           .input = (enum broker_input)input};
            slot->next[input] = at + 1;
        }
    }
    return count;
}

/* Bytes of a poll are its own: who keeps them past the release reads what was freed. */
static void lend(struct sim_seam *seam, const struct record *records, size_t count,
                 struct broker_event *out) {
    struct lent *lent = memory_new(1, sizeof *lent);
    size_t size = 1;
    for (size_t i = 0; i < count; i++) {
        size += records[i].key.size + records[i].value.size;
    }
    lent->bytes = memory_new(size, 1);
    lent->records = memory_new(count, sizeof *records);
    memcpy(lent->records, records, count * sizeof *records);
    uint8_t *at = lent->bytes;
    for (size_t i = 0; i < count; i++) {
        struct bytes *parts[] = {&lent->records[i].key, &lent->records[i].value};
        for (size_t j = 0; j < 2; j++) {
            if (parts[j]->data) {
                memcpy(at, parts[j]->data, parts[j]->size);
                parts[j]->data = at;
                at += parts[j]->size;
            }
        }
    }
    lent->next = seam->lent;
    seam->lent = lent;
    *out = (struct broker_event){
        .kind = BROKER_RECORDS, .records = lent->records, .record_count = count};
}

void seam_release(struct broker *broker) {
    struct sim_seam *seam = seam_of(broker);
    while (seam->lent) {
        struct lent *lent = seam->lent;
        seam->lent = lent->next;
        free(lent->bytes);
        free(lent->records);
        free(lent);
    }
}

static void deliver(struct sim_seam *seam, size_t records_max, struct broker_event *out) {
    struct record records[TAKE_RECORDS_MAX];
    size_t places = seam->slot_count * (size_t)seam->options.input_count, count = 0;
    size_t wanted = 1 + (size_t)rng_below(&seam->process->rng, TAKE_RECORDS_MAX);
    wanted = wanted < records_max ? wanted : records_max;
    size_t first = places > 0 ? (size_t)rng_below(&seam->process->rng, places) : 0;
    for (size_t i = 0; i < 2 * places && count < wanted; i++) {
        size_t place = (first + i) % places;
        struct slot *slot = &seam->slots[place / (size_t)seam->options.input_count];
        size_t some = 1 + (size_t)rng_below(&seam->process->rng, wanted - count);
        count += take_run(seam, slot, (int)(place % (size_t)seam->options.input_count), some,
                          records + count);
    }
    if (count > 0) {
        metric_add(&seam->metrics.polled_total, (int64_t)count);
        lend(seam, records, count, out);
    }
}

/* ---- poll ---- */

static bool take_pending(struct sim_seam *seam, struct broker_event *out) {
    if (seam->pending == BROKER_NOTHING) {
        return false;
    }
    *out = (struct broker_event){.kind = seam->pending};
    seam->pending = BROKER_NOTHING;
    return true;
}

static void take_lost_epoch(struct sim_seam *seam) {
    if (!seam_take_failure(seam) || seam->ownership == OWNS_NOTHING) {
        return;
    }
    if (seam->is_reported) {
        seam->pending = BROKER_LOST;
    }
    seam->is_reported = false;
    seam->ownership = OWNS_UNREAD;
}

/* A producer whose assignment is gone. */
static void drop_producer(struct sim_seam *seam) {
    if (seam->options.opens_producer_at_assignment && seam->is_producer_stale &&
        seam->ownership == OWNS_NOTHING && !seam->in_flight) {
        seam_producer_close(seam);
    }
}

struct failure seam_poll(struct broker *broker, int timeout_ms, size_t records_max,
                         struct broker_event *out) {
    struct sim_seam *seam = seam_of(broker);
    assert(records_max > 0);
    *out = (struct broker_event){.kind = BROKER_NOTHING};
    if (!seam_step(seam, TAKE_US_MAX)) {
        return seam_dead();
    }
    if (failed(seam->stop)) {
        return seam->stop;
    }
    take_lost_epoch(seam);
    drop_producer(seam);
    if (take_pending(seam, out)) {
        return failure_none();
    }
    if (seam->is_member_dead) {
        return replace_member(seam);
    }
    struct failure failure = serve_group(seam);
    if (seam->process->is_dead) {
        return seam_dead();
    }
    if (failed(failure) || take_pending(seam, out)) {
        return failure;
    }
    if (seam->ownership == OWNS_UNREAD) {
        return poll_positions(seam, timeout_ms * SIM_MS, out);
    }
    if (seam->ownership == OWNS_RUNNING) {
        deliver(seam, records_max, out);
    }
    if (out->kind == BROKER_NOTHING) {
        seam_sleep(seam, timeout_ms * SIM_MS);
    }
    return seam->process->is_dead ? seam_dead() : failure_none();
}
