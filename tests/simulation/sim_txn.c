/* The calls of one transaction, as broker_txn.c makes them: in the same order, and what to do about
 * an error is said by the same table (txn_errors). */
#include "tests/simulation/sim_seam_internal.h"

#include <stdlib.h>

#define CALL_WAIT_US       (5 * SIM_SECOND)
#define RETRY_WAIT_US      (100 * SIM_MS)
#define CONCURRENT_WAIT_US (20 * SIM_MS)
#define WAY_US_MAX         (2 * SIM_MS) /* of a request, or of its answer */
#define CHUNK_MAX          20
#define BREAK_EVERY        15 /* epochs */

struct call {
    struct sim_seam *seam;
    enum txn_call which;
    int64_t deadline_us;
    bool is_abort;
};

bool seam_pause(struct sim_seam *seam, int64_t us) {
    if (!seam->is_closing) {
        seam_sleep(seam, us);
    }
    return seam->is_closing || seam->process->is_dead;
}

/* ---- one call ---- */

static const struct txn_error no_error = {.code = RD_KAFKA_RESP_ERR_NO_ERROR};
static const struct txn_error timed_out = {.code = RD_KAFKA_RESP_ERR__TIMED_OUT,
                                           .is_retriable = true};

static struct txn_error error_of(enum answer answer) {
    switch (answer) {
    case ANSWER_OK:
        return no_error;
    case ANSWER_FENCED:
        return (struct txn_error){.code = RD_KAFKA_RESP_ERR__FENCED, .is_fatal = true};
    case ANSWER_NO_TRANSACTION:
        return (struct txn_error){.code = RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, .is_fatal = true};
    case ANSWER_ILLEGAL_GENERATION:
        return (struct txn_error){.code = RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION,
                                  .requires_abort = true};
    case ANSWER_UNKNOWN_MEMBER:
        return (struct txn_error){.code = RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID,
                                  .requires_abort = true};
    case ANSWER_FENCED_INSTANCE:
        return (struct txn_error){.code = RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID,
                                  .requires_abort = true};
    case ANSWER_CONCURRENT:
    case ANSWER_REBALANCING:
        break;
    }
    return timed_out;
}

static enum answer request(struct sim_seam *seam, enum txn_call which) {
    struct cluster *cluster = site_of(seam)->cluster;
    switch (which) {
    case TXN_INIT:
        return cluster_init_producer(cluster, seam->id, seam->options.transaction_us,
                                     &seam->producer, &seam->producer_epoch);
    case TXN_SEND_OFFSETS:
        seam->has_open_transaction = true;
        return cluster_send_offsets(cluster, seam->producer, seam->producer_epoch, seam->group,
                                    seam->options.instance, seam->sent_member,
                                    seam->sent_generation, seam->offsets, seam->offset_count);
    default:
        return cluster_end_transaction(cluster, seam->producer, seam->producer_epoch,
                                       which == TXN_COMMIT);
    }
}

static bool is_away(const struct sim_seam *seam) {
    return seam_now_us(seam) < site_of(seam)->away_until_us;
}

/* Asks until the transaction before has come to its end. */
static enum answer request_until(const struct call *call, int64_t wait_us) {
    int64_t until_us = seam_now_us(call->seam) + wait_us;
    enum answer answer = request(call->seam, call->which);
    while (answer == ANSWER_CONCURRENT && seam_now_us(call->seam) < until_us &&
           !call->seam->process->is_dead) {
        seam_sleep(call->seam, CONCURRENT_WAIT_US);
        answer = request(call->seam, call->which);
    }
    return answer;
}

/* The request that was given up is still on its way. */
static void send_late(const struct call *call) {
    struct sim_seam *seam = call->seam;
    struct late_request late = {
        .producer = seam->producer,
        .epoch = seam->producer_epoch,
        .due_us =
            seam_now_us(seam) + fault_length(site_of(seam)->faults, 10 * SIM_MS, 30 * SIM_SECOND),
        .is_offsets = call->which == TXN_SEND_OFFSETS,
        .commits = call->which == TXN_COMMIT,
        .group = seam->group,
        .member = seam->sent_member,
        .generation = seam->sent_generation,
        .offset_count = seam->offset_count,
    };
    memcpy(late.offsets, seam->offsets, sizeof late.offsets);
    (void)snprintf(late.instance, sizeof late.instance, "%s", seam->options.instance);
    if (call->which != TXN_INIT && fault_happens(site_of(seam)->faults, FAULT_LATE)) {
        sim_trace(site_of(seam), "%s comes late", txn_call_name(call->which));
        cluster_add_late(site_of(seam)->cluster, &late);
    }
}

/* What can go wrong on the way there; false: nothing does. */
static bool fails_before(const struct call *call, int64_t wait_us, struct txn_error *out) {
    struct faults *faults = site_of(call->seam)->faults;
    if (is_away(call->seam) || fault_happens(faults, FAULT_TIMEOUT_UNDONE)) {
        send_late(call);
        seam_sleep(call->seam, wait_us);
        *out = timed_out;
    } else if (fault_happens(faults, FAULT_RETRIABLE)) {
        *out = (struct txn_error){.code = RD_KAFKA_RESP_ERR__TRANSPORT, .is_retriable = true};
    } else if (call->which != TXN_INIT && fault_happens(faults, FAULT_FATAL_UNDONE)) {
        *out = (struct txn_error){.code = RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID, .is_fatal = true};
    } else if ((call->which == TXN_SEND_OFFSETS || call->which == TXN_COMMIT) &&
               fault_happens(faults, FAULT_ABORTABLE)) {
        *out = (struct txn_error){.code = RD_KAFKA_RESP_ERR__TIMED_OUT, .requires_abort = true};
    } else {
        return false;
    }
    return true;
}

/* What can go wrong on the way back. */
static struct txn_error answer_error(const struct call *call, enum answer answer, int64_t wait_us) {
    struct faults *faults = site_of(call->seam)->faults;
    if (is_away(call->seam) || fault_happens(faults, FAULT_TIMEOUT_DONE)) {
        seam_sleep(call->seam, wait_us);
        return timed_out;
    }
    if (call->which != TXN_INIT && fault_happens(faults, FAULT_FATAL_DONE)) {
        return (struct txn_error){.code = RD_KAFKA_RESP_ERR__FENCED, .is_fatal = true};
    }
    if (call->which == TXN_SEND_OFFSETS && fault_happens(faults, FAULT_ABORTABLE_DONE)) {
        return (struct txn_error){.code = RD_KAFKA_RESP_ERR__TIMED_OUT, .requires_abort = true};
    }
    return error_of(answer);
}

static struct txn_error call_once(const struct call *call) {
    struct sim_seam *seam = call->seam;
    int64_t left_us = call->deadline_us - seam_now_us(seam);
    int64_t wait_us = left_us < RETRY_WAIT_US  ? RETRY_WAIT_US
                      : left_us < CALL_WAIT_US ? left_us
                                               : CALL_WAIT_US;
    bool is_local =
        call->which == TXN_BEGIN ||
        (call->which != TXN_INIT && call->which != TXN_SEND_OFFSETS && !seam->has_open_transaction);
    struct txn_error error;
    if (is_local) {
        return no_error;
    }
    if (fault_happens(site_of(seam)->faults, FAULT_DELAY)) {
        seam_sleep(seam, fault_length(site_of(seam)->faults, 10 * SIM_MS, 2 * SIM_SECOND));
    }
    if (!seam_step(seam, WAY_US_MAX)) {
        return timed_out;
    }
    if (fails_before(call, wait_us, &error)) {
        return error;
    }
    enum answer answer = request_until(call, wait_us);
    sim_trace(site_of(seam), "%s: %s", txn_call_name(call->which), answer_names[answer]);
    if (!seam_step(seam, WAY_US_MAX)) {
        return timed_out;
    }
    return answer_error(call, answer, wait_us);
}

struct failure seam_call(struct sim_seam *seam, enum txn_call which, int64_t deadline_us) {
    struct call call = {.seam = seam, .which = which, .deadline_us = deadline_us};
    for (;;) {
        struct txn_error error = call_once(&call);
        if (seam->process->is_dead) {
            return seam_dead();
        }
        enum failure_action action = txn_error_action(which, error);
        if (action == FAILURE_NONE) {
            return failure_none();
        }
        struct failure failure = failure_make(action, error.code, "%s: %s", txn_call_name(which),
                                              rd_kafka_err2name(error.code));
        sim_trace(site_of(seam), "%s, action %d", failure.text, (int)action);
        if (action != FAILURE_RETRY) {
            return failure;
        }
        seam->is_doubtful = true;
        if (seam_pause(seam, RETRY_WAIT_US) || seam_now_us(seam) >= deadline_us) {
            failure.action = FAILURE_RECREATE;
            return failure;
        }
    }
}

/* ---- the producer ---- */

void seam_producer_close(struct sim_seam *seam) {
    seam->producer = NULL;
    seam->has_open_transaction = false;
}

struct failure seam_producer_open(struct sim_seam *seam, int64_t wait_us) {
    struct failure failure = seam_call(seam, TXN_INIT, seam_now_us(seam) + wait_us);
    seam->is_doubtful = false;
    if (failed(failure)) {
        seam_producer_close(seam);
        failure.action = failure.action == FAILURE_STOP ? FAILURE_STOP : FAILURE_RETRY;
    }
    return failure;
}

/* ---- output ---- */

static bool is_left_out(struct sim_seam *seam, const struct epoch_record *record) {
    enum sim_break broken = site_of(seam)->broken;
    bool is_out = broken == BREAK_LOST_EPOCH ||
                  (broken == BREAK_LOST_PUSH && record->topic == TOPIC_PROMOTION_PUSHES) ||
                  (broken == BREAK_LOST_EXAMPLE && record->topic == TOPIC_EXAMPLES) ||
                  (broken == BREAK_DOUBLE_EPOCH && record->topic == TOPIC_PARTITION_STATE);
    is_out = is_out && seam->epochs_sent % BREAK_EVERY == 0;
    site_of(seam)->breaks += is_out;
    return is_out;
}

/* Records of one topic partition, in order; false if one of them is not delivered. */
static bool produce_partition(struct sim_seam *seam, const struct epoch *epoch, enum topic topic,
                              int32_t partition) {
    struct cluster *cluster = site_of(seam)->cluster;
    enum answer answer = ANSWER_CONCURRENT;
    int sent = 0;
    for (size_t i = 0; i < epoch->record_count; i++) {
        const struct epoch_record *record = &epoch->records[i];
        if (record->topic != topic || record->partition != partition || is_left_out(seam, record)) {
            continue;
        }
        while (sent == 0 && answer == ANSWER_CONCURRENT) {
            seam->has_open_transaction = true;
            answer = cluster_add_partition(cluster, seam->producer, seam->producer_epoch, topic,
                                           partition);
            if (!seam_step(seam, WAY_US_MAX)) {
                return false;
            }
        }
        if (fault_happens(site_of(seam)->faults, FAULT_DELIVERY)) {
            return false;
        }
        answer =
            answer != ANSWER_OK
                ? answer
                : cluster_produce(cluster, seam->producer, seam->producer_epoch, topic, partition,
                                  epoch_record_key(epoch, i), epoch_record_value(epoch, i), -1);
        if (answer != ANSWER_OK || (++sent % CHUNK_MAX == 0 && !seam_step(seam, WAY_US_MAX))) {
            return false;
        }
    }
    return true;
}

/* Partitions in any order. */
static bool produce_all(struct sim_seam *seam, const struct epoch *epoch) {
    int32_t places = TOPIC_COUNT * CLUSTER_PARTITIONS_MAX;
    int32_t first = (int32_t)rng_below(&seam->process->rng, (uint64_t)places);
    int32_t stride = rng_below(&seam->process->rng, 2) ? 1 : places - 1;
    bool has[TOPIC_COUNT * CLUSTER_PARTITIONS_MAX] = {false};
    bool is_whole = true;
    for (size_t i = 0; i < epoch->record_count; i++) {
        const struct epoch_record *record = &epoch->records[i];
        has[(int32_t)record->topic * CLUSTER_PARTITIONS_MAX + record->partition] = true;
    }
    for (int32_t i = 0; i < places && !seam->process->is_dead; i++) {
        int32_t place = (int32_t)(((int64_t)first + (int64_t)i * stride) % places);
        if (has[place]) {
            is_whole = produce_partition(seam, epoch, (enum topic)(place / CLUSTER_PARTITIONS_MAX),
                                         place % CLUSTER_PARTITIONS_MAX) &&
                       is_whole;
        }
    }
    return is_whole;
}

struct failure seam_transaction(struct sim_seam *seam, const struct epoch *epoch) {
    int64_t deadline_us = seam_now_us(seam) + seam->options.commit_deadline_us;
    struct failure failure = seam_call(seam, TXN_BEGIN, deadline_us);
    bool is_doubled = ++seam->epochs_sent % BREAK_EVERY == 0 && epoch->record_count > 0 &&
                      site_of(seam)->broken == BREAK_DOUBLE_EPOCH;
    bool is_whole = produce_all(seam, epoch);
    if (!is_doubled && !failed(failure) && seam->offset_count > 0) {
        failure = seam_call(seam, TXN_SEND_OFFSETS, deadline_us);
    }
    if (!failed(failure) && !is_whole) {
        failure = failure_make(FAILURE_ABORT_EPOCH, RD_KAFKA_RESP_ERR__TIMED_OUT,
                               "commit_transaction: a record was not delivered");
    }
    if (!failed(failure)) {
        failure = seam_call(seam, TXN_COMMIT, deadline_us);
    }
    seam->has_open_transaction = seam->has_open_transaction && failed(failure);
    if (is_doubled && !failed(failure)) {
        site_of(seam)->breaks++;
        failure = failure_make(FAILURE_RECREATE, 0, "committed without its offsets");
    }
    return failure;
}
