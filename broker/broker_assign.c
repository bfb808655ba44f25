/* Rebalances and positions: which partitions are ours, and from where they are fetched.
 *
 *     ASSIGN callback   remember the partition numbers; an empty list answers the group
 *     next polls        what dead workers left open is ended, then committed() until no
 *                       transaction is pending -> BROKER_ASSIGNED
 *     broker_start ...  the next poll calls assign() with explicit offsets: those that are started
 *                       are fetched, those that go on from where they are
 *     REVOKE callback   wait for the epoch in flight, assign(NULL) -> BROKER_REVOKED or BROKER_LOST
 *     a lost epoch      an empty list stops fetching, we stay in the group -> BROKER_LOST
 *
 * The callback runs inside the worker's own take of records (broker_poll.c): no lock is needed. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "broker/broker_internal.h"
#include "broker/log_ends.h"
#include "broker/txn_errors.h"

#define COMMITTED_WAIT_MS  1000
#define WAIT_LOG_MS        10000
#define TAKEOVER_TRIES_MAX 5 /* then we wait as long as it takes */

static void stop_later(struct broker_kafka *broker, struct failure failure) {
    if (!failed(broker->stop)) {
        broker->stop = failure;
    }
}

/* An empty list, not NULL: NULL outside of a revocation would make librdkafka rejoin the group. */
static void fetch_nothing(struct broker_kafka *broker) {
    rd_kafka_topic_partition_list_t *none = rd_kafka_topic_partition_list_new(0);
    rd_kafka_resp_err_t code = rd_kafka_assign(broker->consumer, none);
    rd_kafka_topic_partition_list_destroy(none);
    if (code) {
        log_warn(broker->log, "broker", "assign nothing: %s", rd_kafka_err2str(code));
    }
}

static int compare_slots(const void *a, const void *b) {
    int32_t left = ((const struct slot *)a)->partition;
    int32_t right = ((const struct slot *)b)->partition;
    return (left > right) - (left < right);
}

struct slot *assign_find(struct broker_kafka *broker, int32_t partition) {
    struct slot key = {.partition = partition};
    return broker->slot_count == 0 ? NULL
                                   : bsearch(&key, broker->slots, broker->slot_count,
                                             sizeof *broker->slots, compare_slots);
}

/* ---- the group's decisions ---- */

static bool has_partition(const rd_kafka_topic_partition_list_t *list, const char *topic,
                          int32_t partition) {
    for (int i = 0; i < list->cnt; i++) {
        if (list->elems[i].partition == partition && strcmp(list->elems[i].topic, topic) == 0) {
            return true;
        }
    }
    return false;
}

bool assign_come_apart(struct broker_kafka *broker) {
    int64_t now_ms = clock_monotonic_ms();
    broker->is_apart = true;
    if (broker->apart_since_ms == 0) {
        broker->apart_since_ms = now_ms;
    }
    return now_ms - broker->apart_since_ms >= UNKNOWN_TOPIC_MS;
}

/* The group's leader assigns what it knows: that may be one of our topics without the other while
 * they are new and the broker it asked has not heard of both. Joining anew makes it ask again. */
static void judge_togetherness(struct broker_kafka *broker, bool is_together) {
    if (is_together) {
        broker->is_apart = false;
        broker->apart_since_ms = 0;
    } else if (!assign_come_apart(broker)) {
        log_info(broker->log, "broker", "joining anew: different partitions of the input topics");
    } else {
        stop_later(broker,
                   failure_make(FAILURE_STOP, 0,
                                "the group assigned different partitions of the input topics: all "
                                "members of group %s must be promostream with the same topics",
                                broker->config->group_id));
    }
}

static void take_assignment(struct broker_kafka *broker,
                            const rd_kafka_topic_partition_list_t *partitions) {
    const char *first = input_name(broker, 0);
    size_t count = 0;
    broker->slots = memory_grow(broker->slots, (size_t)partitions->cnt + 1, sizeof *broker->slots);
    for (int i = 0; i < partitions->cnt; i++) {
        if (strcmp(partitions->elems[i].topic, first) == 0) {
            broker->slots[count++] = (struct slot){.partition = partitions->elems[i].partition};
        }
    }
    bool is_together = (size_t)partitions->cnt == count * (size_t)broker->input_count;
    for (size_t i = 0; i < count && is_together; i++) {
        for (int input = 1; input < broker->input_count; input++) {
            const char *topic = input_name(broker, input);
            is_together =
                is_together && has_partition(partitions, topic, broker->slots[i].partition);
        }
    }
    judge_togetherness(broker, is_together);
    count = is_together ? count : 0;
    broker->slot_count = count;
    qsort(broker->slots, count, sizeof *broker->slots, compare_slots);
}

static void on_assign(struct broker_kafka *broker,
                      const rd_kafka_topic_partition_list_t *partitions) {
    take_assignment(broker, partitions);
    fetch_nothing(broker);
    atomic_store(&broker->opaque.client.is_session_expired, false);
    broker->ownership = OWNS_UNREAD;
    broker->waiting_since_ms = 0;
    broker->takeovers_left = TAKEOVER_TRIES_MAX;
    metric_add(&broker->metrics.rebalances_total, 1);
    log_info(broker->log, "broker", "assigned worker=%s partitions=%zu",
             broker->config->worker_name, broker->slot_count);
}

void assign_forget(struct broker_kafka *broker, bool is_clean) {
    if (broker->is_reported) {
        broker->pending = is_clean ? BROKER_REVOKED : BROKER_LOST;
    }
    broker->is_reported = false;
    broker->ownership = OWNS_NOTHING;
    broker->slot_count = 0;
    broker->is_batch_stale = true;
    broker->is_producer_stale = true;
}

static void on_revoke(struct broker_kafka *broker, bool is_lost) {
    bool is_settled = is_lost || !broker->is_reported || commit_wait(broker, REVOKE_WAIT_MS);
    bool has_failed = commit_take_failure(broker);
    rd_kafka_assign(broker->consumer, NULL);
    log_info(broker->log, "broker", "%s worker=%s partitions=%zu",
             is_lost                     ? "lost"
             : is_settled && !has_failed ? "revoked"
                                         : "revoked with a lost epoch",
             broker->config->worker_name, broker->slot_count);
    assign_forget(broker, !is_lost && is_settled && !has_failed);
}

void assign_on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t code,
                         rd_kafka_topic_partition_list_t *partitions, void *opaque) {
    struct broker_kafka *broker = ((struct broker_opaque *)opaque)->broker;
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        on_assign(broker, partitions);
    } else {
        /* A member that left on an error gets that error here; it owns nothing any more. */
        bool is_lost =
            code != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS || rd_kafka_assignment_lost(client);
        on_revoke(broker, is_lost);
    }
}

void assign_rewind(struct broker_kafka *broker) {
    fetch_nothing(broker);
    broker->is_reported = false;
    broker->ownership = OWNS_UNREAD;
    broker->waiting_since_ms = 0;
}

/* ---- committed positions ---- */

static rd_kafka_topic_partition_list_t *list_slots(const struct broker_kafka *broker,
                                                   bool only_started) {
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)broker->slot_count * broker->input_count);
    for (size_t i = 0; i < broker->slot_count; i++) {
        bool is_wanted = !only_started || broker->slots[i].is_started;
        for (int input = 0; input < broker->input_count && is_wanted; input++) {
            rd_kafka_topic_partition_t *element = rd_kafka_topic_partition_list_add(
                list, input_name(broker, input), broker->slots[i].partition);
            element->offset = RD_KAFKA_OFFSET_INVALID;
        }
    }
    return list;
}

int64_t assign_note(const rd_kafka_topic_partition_t *element, struct bytes *out_writer) {
    char text[24];
    *out_writer = bytes_of(NULL, 0);
    if (element->offset < 0 || !element->metadata || element->metadata_size == 0) {
        return -1;
    }
    const char *note = element->metadata;
    const char *space = memchr(note, ' ', element->metadata_size);
    size_t digits = space ? (size_t)(space - note) : element->metadata_size;
    if (digits >= sizeof text) {
        return -1;
    }
    memcpy(text, note, digits);
    text[digits] = '\0';
    char *end;
    long long number = strtoll(text, &end, 10);
    if (digits == 0 || *end != '\0' || number < 0) {
        return -1; /* not ours */
    }
    if (space) {
        *out_writer = bytes_of(space + 1, element->metadata_size - digits - 1);
    }
    return number;
}

/* The list is in the order of list_slots. */
static rd_kafka_resp_err_t take_committed(struct broker_kafka *broker,
                                          const rd_kafka_topic_partition_list_t *list) {
    broker->assignments =
        memory_grow(broker->assignments, broker->slot_count + 1, sizeof *broker->assignments);
    for (size_t i = 0; i < broker->slot_count; i++) {
        struct assignment *assignment = &broker->assignments[i];
        *assignment = (struct assignment){
            .partition = broker->slots[i].partition, .next_offset = {-1, -1}, .epoch = -1};
        for (int input = 0; input < broker->input_count; input++) {
            const rd_kafka_topic_partition_t *element =
                &list->elems[i * (size_t)broker->input_count + (size_t)input];
            if (element->err) {
                return element->err;
            }
            struct bytes writer;
            int64_t epoch = assign_note(element, &writer);
            assignment->next_offset[input] = element->offset >= 0 ? element->offset : -1;
            assignment->epoch = epoch > assignment->epoch ? epoch : assignment->epoch;
        }
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static void log_waiting(struct broker_kafka *broker, rd_kafka_resp_err_t code) {
    int64_t now_ms = clock_monotonic_ms();
    if (broker->waiting_since_ms == 0 || now_ms - broker->waiting_since_ms >= WAIT_LOG_MS) {
        broker->waiting_since_ms = now_ms;
        /* librdkafka says timed out, never that a transaction is pending (KAFKA.md 9). */
        log_info(broker->log, "broker", "waiting for committed positions: %s",
                 code == RD_KAFKA_RESP_ERR__TIMED_OUT ? "a transaction is pending"
                                                      : rd_kafka_err2str(code));
    }
}

/* Before the positions, once an assignment. The mock cluster cannot tell. */
static bool has_taken_over(struct broker_kafka *broker) {
    if (broker->takeovers_left > 0) {
        bool is_settled =
            broker->config->is_embedded || broker->slot_count == 0 || takeover_dead(broker);
        broker->takeovers_left = is_settled ? 0 : broker->takeovers_left - 1;
    }
    return broker->takeovers_left == 0;
}

struct failure assign_read_positions(struct broker_kafka *broker, int timeout_ms, bool *out_ready) {
    *out_ready = false;
    /* Our own epoch in flight decides what the positions are. */
    if (!commit_wait_idle(broker, timeout_ms)) {
        return failure_none();
    }
    struct failure stop = commit_stop_reason(broker);
    if (failed(stop)) {
        return stop;
    }
    struct failure opened = commit_open_producer(broker);
    if (failed(opened)) {
        return opened.action == FAILURE_STOP ? opened : failure_none();
    }
    if (!has_taken_over(broker)) {
        return failure_none();
    }
    rd_kafka_topic_partition_list_t *list = list_slots(broker, false);
    rd_kafka_resp_err_t code = broker->slot_count == 0
                                   ? RD_KAFKA_RESP_ERR_NO_ERROR
                                   : rd_kafka_committed(broker->consumer, list, COMMITTED_WAIT_MS);
    if (!code) {
        code = take_committed(broker, list);
    }
    rd_kafka_topic_partition_list_destroy(list);
    if (!code) {
        *out_ready = true;
        return failure_none();
    }
    if (code == RD_KAFKA_RESP_ERR__FATAL) {
        return failure_none(); /* the next poll's group_check knows which */
    }
    if (consumer_error_action(code) == FAILURE_STOP) {
        return failure_make(FAILURE_STOP, code, "committed positions: %s", rd_kafka_err2str(code));
    }
    log_waiting(broker, code);
    if (code != RD_KAFKA_RESP_ERR__TIMED_OUT) {
        commit_pause(broker, timeout_ms);
    }
    return failure_none();
}

/* ---- start ---- */

/* The position to fetch from: what recovery says, or the rule for partitions without any. */
static struct failure resolve(struct broker_kafka *broker, enum broker_input input,
                              int32_t partition, int64_t wanted, int64_t *out) {
    const char *topic = input_name(broker, (int)input);
    struct log_span log;
    struct failure failure = log_ends_ask(broker->ends, topic, partition, ANSWER_WAIT_MS, &log);
    if (failed(failure)) {
        return failure;
    }
    if (wanted > log.high) {
        return failure_make(
            FAILURE_STOP, 0,
            "%s [%d]: committed position %lld is beyond the end %lld: was the topic "
            "made anew?",
            topic, partition, (long long)wanted, (long long)log.high);
    }
    if (wanted >= 0 && wanted < log.low) {
        log_warn(broker->log, "broker",
                 "records deleted before they were read topic=%s partition=%d from=%lld to=%lld",
                 topic, partition, (long long)wanted, (long long)log.low);
    }
    bool is_latest = broker->inputs[input] == TOPIC_CLICKSTREAM &&
                     strcmp(broker->config->auto_offset_reset, "latest") == 0;
    *out = wanted >= log.low ? wanted : wanted >= 0 ? log.low : is_latest ? log.high : log.low;
    return failure_none();
}

/* What librdkafka still remembers of an earlier assignment; it forgets it a moment later, on its
 * own thread. */
static int64_t position_now(struct broker_kafka *broker, int input, int32_t partition) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, input_name(broker, input), partition);
    rd_kafka_resp_err_t code = rd_kafka_position(broker->consumer, list);
    int64_t position = !code && !list->elems[0].err ? list->elems[0].offset : -1;
    rd_kafka_topic_partition_list_destroy(list);
    return position >= 0 ? position : -1;
}

struct failure assign_fetch(struct broker_kafka *broker) {
    rd_kafka_topic_partition_list_t *list = list_slots(broker, true);
    for (int i = 0; i < list->cnt; i++) {
        const struct slot *slot = assign_find(broker, list->elems[i].partition);
        list->elems[i].offset = slot->next[i % broker->input_count];
    }
    rd_kafka_resp_err_t code = rd_kafka_assign(broker->consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (code && code != RD_KAFKA_RESP_ERR__FATAL) { /* fatal: the next poll's group_check */
        return failure_make(FAILURE_STOP, code, "assign: %s", rd_kafka_err2str(code));
    }
    broker->is_fetch_due = false;
    broker->ownership = OWNS_RUNNING;
    return failure_none();
}

struct failure assign_start(struct broker *base, int32_t partition,
                            const int64_t next_offset[INPUT_COUNT]) {
    struct broker_kafka *broker = kafka_of(base);
    struct slot *slot = assign_find(broker, partition);
    assert(broker->is_reported && slot && !slot->is_started);
    for (int input = 0; input < broker->input_count; input++) {
        struct failure failure = resolve(broker, (enum broker_input)input, partition,
                                         next_offset[input], &slot->start[input]);
        if (failed(failure)) {
            return failure;
        }
        slot->next[input] = slot->start[input];
        slot->stale[input] = position_now(broker, input, partition);
    }
    slot->is_started = true;
    broker->is_fetch_due = true;
    return failure_none();
}

struct failure assign_position(struct broker *base, enum broker_input input, int32_t partition,
                               int64_t *out) {
    struct broker_kafka *broker = kafka_of(base);
    struct slot *slot = assign_find(broker, partition);
    assert(slot && slot->is_started);
    int64_t position = position_now(broker, input, partition);
    if (position == slot->stale[input]) {
        position = -1;
    } else {
        slot->stale[input] = -1;
    }
    /* A position passes control records, which next does not see; next is never ahead of it. */
    *out = position > slot->next[input] ? position : slot->next[input];
    return failure_none();
}

int64_t assign_lag(struct broker *base, enum broker_input input, int32_t partition) {
    struct broker_kafka *broker = kafka_of(base);
    struct slot *slot = assign_find(broker, partition);
    int64_t low, high, position;
    if (!slot || !slot->is_started ||
        rd_kafka_get_watermark_offsets(broker->consumer, input_name(broker, (int)input), partition,
                                       &low, &high) ||
        high < 0 || failed(assign_position(base, input, partition, &position))) {
        return -1;
    }
    return high > position ? high - position : 0; /* the position may be newer */
}
