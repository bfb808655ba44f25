/* Takeover: what a dead worker left open is ended at once.
 *
 * A worker that is killed in the middle of an epoch leaves its transaction open. Until the broker
 * gives that up (transaction time-out and its sweep, above a minute) the positions of its
 * partitions are not told, and whoever reads its output stops before it. Its successor need not
 * wait: init_transactions with the dead one's transactional.id aborts it (KAFKA.md 1).
 *
 * Who wrote last stands beside the epoch's number in the metadata of the committed offsets, which
 * can be read without waiting for the ones that are pending. It does not stand in partition-state:
 * offsets that are pending hide the positions before any topic can be read, a transaction that
 * reached only the output topics hides nothing from recovery but all from their readers, and
 * heartbeats name their writer too.
 *
 * So at each assignment, before the positions: a writer of our partitions who is not a member of
 * the group is dead or has left, and is fenced. One who is a member ends its transaction itself.
 * Who was fenced by mistake (it had left the group for a moment) recreates its producer. A
 * partition whose first epoch is the open one names nobody: there we wait for the broker. */
#include <string.h>

#include "broker/broker_internal.h"
#include "broker/producer_txn.h"
#include "broker/txn_errors.h"

#define REQUEST_WAIT_MS 2000
#define FENCE_WAIT_MS   5000

/* ---- who is a member ---- */

/* The answer; NULL if there is none or it is an error as a whole. Asked when the group's
 * coordinator has just told the offsets: a request to a coordinator that is not found within its
 * time-out makes librdkafka abort the process when it is found at last (2.0 to 2.16, its issue
 * 4605). */
static rd_kafka_event_t *ask_members(struct broker_kafka *broker) {
    char text[200];
    const char *group = broker->config->group_id;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(broker->ends);
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(broker->ends, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS);
    rd_kafka_AdminOptions_set_request_timeout(options, REQUEST_WAIT_MS, text, sizeof text);
    rd_kafka_DescribeConsumerGroups(broker->ends, &group, 1, options, queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 2 * REQUEST_WAIT_MS);
    rd_kafka_queue_destroy(queue);
    if (event && rd_kafka_event_error(event)) {
        log_info(broker->log, "broker", "takeover: %s", rd_kafka_event_error_string(event));
        rd_kafka_event_destroy(event);
        event = NULL;
    }
    return event;
}

static const rd_kafka_ConsumerGroupDescription_t *members_in(const rd_kafka_event_t *event) {
    size_t count;
    const rd_kafka_ConsumerGroupDescription_t **groups =
        rd_kafka_DescribeConsumerGroups_result_groups(
            rd_kafka_event_DescribeConsumerGroups_result((rd_kafka_event_t *)(uintptr_t)event),
            &count);
    return count == 1 && !rd_kafka_ConsumerGroupDescription_error(groups[0]) ? groups[0] : NULL;
}

/* ---- who is dead ---- */

static bool is_member(const struct broker_kafka *broker,
                      const rd_kafka_ConsumerGroupDescription_t *group, struct bytes writer) {
    size_t count = rd_kafka_ConsumerGroupDescription_member_count(group);
    for (size_t i = 0; i < count; i++) {
        const char *name = rd_kafka_MemberDescription_group_instance_id(
            rd_kafka_ConsumerGroupDescription_member(group, i));
        char id[TRANSACTIONAL_ID_MAX];
        if (name && transactional_id_of(broker, name, id) &&
            bytes_equal(writer, bytes_of_text(id))) {
            return true;
        }
    }
    return false;
}

/* Whether the partition's last writer is somebody else who was not met before it in the list. */
static bool is_news(const struct broker_kafka *broker,
                    const rd_kafka_topic_partition_list_t *offsets, int index,
                    struct bytes *out_writer) {
    struct bytes earlier;
    (void)assign_note(&offsets->elems[index], out_writer);
    bool is_news =
        out_writer->size > 0 && !bytes_equal(*out_writer, bytes_of_text(broker->transactional_id));
    for (int i = 0; i < index && is_news; i++) {
        (void)assign_note(&offsets->elems[i], &earlier);
        is_news = !bytes_equal(*out_writer, earlier);
    }
    return is_news;
}

/* False: not settled. */
static bool fence(struct broker_kafka *broker, struct bytes writer) {
    char id[TRANSACTIONAL_ID_MAX];
    snprintf(id, sizeof id, "%.*s", BYTES_ARG(writer));
    const struct producer_txn_config config = {
        .bootstrap_servers = broker->config->bootstrap_servers,
        .kafka = &broker->config->kafka,
        .transactional_id = id,
        .transaction_timeout_ms = broker->config->transaction_timeout_ms,
        .open_wait_ms = FENCE_WAIT_MS,
        .log = broker->log,
    };
    int64_t started_ms = clock_monotonic_ms();
    struct producer_txn *producer;
    struct failure failure = producer_txn_open(&config, &producer);
    /* Fenced in turn: another successor was here at the same moment. */
    if (failed(failure) && !txn_error_is_fenced(failure.code)) {
        log_warn(broker->log, "broker", "takeover of %s failed: %s", id, failure.text);
        return failure.action == FAILURE_STOP; /* no right to: the broker ends it in its time */
    }
    if (!failed(failure)) {
        producer_txn_close(producer);
    }
    metric_add(&broker->metrics.takeovers_total, 1);
    log_info(broker->log, "broker", "took over from writer=%s ms=%lld", id,
             (long long)(clock_monotonic_ms() - started_ms));
    return true;
}

static bool fence_dead(struct broker_kafka *broker,
                       const rd_kafka_topic_partition_list_t *offsets) {
    struct bytes writer;
    rd_kafka_event_t *members = NULL;
    bool is_settled = true;
    for (int i = 0; i < offsets->cnt && is_settled; i++) {
        if (!is_news(broker, offsets, i, &writer)) {
            continue;
        }
        members = members ? members : ask_members(broker);
        const rd_kafka_ConsumerGroupDescription_t *group = members ? members_in(members) : NULL;
        is_settled = group && (is_member(broker, group, writer) || fence(broker, writer));
    }
    if (members) {
        rd_kafka_event_destroy(members);
    }
    return is_settled;
}

bool takeover_dead(struct broker_kafka *broker) {
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)broker->slot_count);
    /* Each transaction sends the offsets of all inputs: one of them names the writer. */
    for (size_t i = 0; i < broker->slot_count; i++) {
        rd_kafka_topic_partition_list_add(list, input_name(broker, 0), broker->slots[i].partition);
    }
    /* As they are committed, whatever is pending behind them: this client reads uncommitted. */
    rd_kafka_resp_err_t code = rd_kafka_committed(broker->ends, list, 2 * REQUEST_WAIT_MS);
    if (code) {
        log_info(broker->log, "broker", "takeover: %s", rd_kafka_err2str(code));
    }
    bool is_settled = !code && fence_dead(broker, list);
    rd_kafka_topic_partition_list_destroy(list);
    return is_settled;
}
