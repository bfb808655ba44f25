/* The life of the group's consumer: join, leave, close, and replacement when it was fenced.
 *
 * A static member that heard nothing for a session (its broker was restarted) joins again as a new
 * member, and a request of its old identity still under way then fences it (2.0.2, every outage
 * above the session's length). Such a fencing, announced by the expired session, is answered with a
 * new consumer. So is one that nothing explains, but a second of those within a minute is a twin.
 *
 * Of twins one stays: a name is taken by a join alone, a new consumer's or one's whose session
 * expired. So whoever is fenced is fenced by one that holds the name, and who ends at its second
 * fencing does not join again to fence that one. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "broker/broker_internal.h"

#define LEAVE_WAIT_MS   3000
#define SERVE_WAIT_MS   20
#define CLOSE_WAIT_MS   4000
#define REPLACE_WAIT_MS 1000
#define FENCED_AGAIN_MS 60000

struct failure group_open(struct broker_kafka *broker) {
    char session[24];
    snprintf(session, sizeof session, "%" PRId64, broker->config->session_timeout_ms);
    const struct client_setting settings[] = {
        {"group.id", broker->config->group_id},
        {"group.instance.id", broker->config->worker_name},
        {"session.timeout.ms", session},
    };
    struct failure failure =
        client_of_broker(broker, CLIENT_MEMBER, settings, 3, &broker->consumer);
    if (failed(failure)) {
        return failure;
    }
    rd_kafka_poll_set_consumer(broker->consumer);
    broker->queue = rd_kafka_queue_get_consumer(broker->consumer);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(broker->input_count);
    for (int input = 0; input < broker->input_count; input++) {
        rd_kafka_topic_partition_list_add(list, input_name(broker, input), RD_KAFKA_PARTITION_UA);
    }
    rd_kafka_resp_err_t code = rd_kafka_subscribe(broker->consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
    return code ? failure_make(FAILURE_STOP, code, "subscribe: %s", rd_kafka_err2str(code))
                : failure_none();
}

/* ---- end ---- */

/* Whether the group's coordinator still lists us. A broker that cannot tell counts as no. */
static bool is_listed(struct broker_kafka *broker, const char *member_id) {
    const struct rd_kafka_group_list *groups = NULL;
    if (rd_kafka_list_groups(broker->ends, broker->config->group_id, &groups, LEAVE_WAIT_MS)) {
        return false;
    }
    bool found = false;
    for (int g = 0; g < groups->group_cnt; g++) {
        for (int m = 0; m < groups->groups[g].member_cnt; m++) {
            found = found || strcmp(groups->groups[g].members[m].member_id, member_id) == 0;
        }
    }
    rd_kafka_group_list_destroy(groups);
    return found;
}

static void serve_callbacks(struct broker_kafka *broker) {
    rd_kafka_message_t *message;
    if (client_take(broker->queue, SERVE_WAIT_MS, &message, 1) > 0) {
        rd_kafka_message_destroy(message);
    }
}

/* A static member's close sends no LeaveGroup, unsubscribing does, once the revocation that it
 * causes was served. The request goes out in the background: closing at once would overtake it, so
 * we wait until the group has forgotten us. */
static void leave_group(struct broker_kafka *broker) {
    int64_t until_ms = clock_monotonic_ms() + LEAVE_WAIT_MS;
    /* A join under way cannot be taken back: the group would keep our partitions for a session. */
    while (broker->ownership == OWNS_NOTHING && clock_monotonic_ms() < until_ms) {
        serve_callbacks(broker);
    }
    char *member_id = rd_kafka_memberid(broker->consumer);
    rd_kafka_resp_err_t code = rd_kafka_unsubscribe(broker->consumer);
    until_ms = clock_monotonic_ms() + LEAVE_WAIT_MS;
    while (!code && clock_monotonic_ms() < until_ms) {
        serve_callbacks(broker);
        if (broker->ownership == OWNS_NOTHING && member_id && !is_listed(broker, member_id)) {
            break;
        }
    }
    log_info(broker->log, "broker", "left the group worker=%s", broker->config->worker_name);
    if (member_id) {
        rd_kafka_mem_free(broker->consumer, member_id);
    }
}

/* Not by rd_kafka_consumer_close, which tells the group nothing of a static member: an assignment
 * that arrives meanwhile calls assign(), and librdkafka throws that request away without an answer
 * if its group ends first (2.0.2). The call then waits for ever. */
bool group_close(struct broker_kafka *broker, bool leaves) {
    if (!broker->consumer) {
        return true;
    }
    /* The mock cluster lists no groups, and nobody waits for our partitions there. */
    if (leaves && !broker->config->is_embedded && !broker->is_member_dead) {
        leave_group(broker);
    }
    assign_forget(broker, false);
    rd_kafka_queue_destroy(broker->queue);
    bool is_gone = client_destroy(broker->consumer, CLOSE_WAIT_MS);
    broker->consumer = NULL;
    broker->queue = NULL;
    return is_gone;
}

/* ---- fencing ---- */

static struct failure on_fenced(struct broker_kafka *broker) {
    int64_t now_ms = clock_monotonic_ms();
    bool is_explained = atomic_load(&broker->opaque.client.is_session_expired);
    if (!is_explained && broker->member_fenced_ms > 0 &&
        now_ms - broker->member_fenced_ms < FENCED_AGAIN_MS) {
        return failure_make(FAILURE_STOP, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID,
                            "another process uses worker name %s", broker->config->worker_name);
    }
    log_warn(broker->log, "broker", "member fenced, joining anew worker=%s session_expired=%s",
             broker->config->worker_name, is_explained ? "yes" : "no");
    if (!is_explained) {
        broker->member_fenced_ms = now_ms;
    }
    broker->is_member_dead = true;
    assign_forget(broker, false);
    return failure_none();
}

struct failure group_check(struct broker_kafka *broker) {
    char text[200];
    if (broker->is_member_dead) {
        return failure_none();
    }
    rd_kafka_resp_err_t code = rd_kafka_fatal_error(broker->consumer, text, sizeof text);
    if (!code) {
        return failure_none();
    }
    if (code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID) {
        return on_fenced(broker);
    }
    return failure_make(FAILURE_STOP, code, "consumer: %s: %s", rd_kafka_err2name(code), text);
}

struct failure group_rejoin(struct broker_kafka *broker, int timeout_ms) {
    for (size_t i = 0; i < broker->batch_count; i++) {
        if (broker->batches[i].count > 0) {
            commit_pause(broker, timeout_ms); /* its messages are still lent */
            return failure_none();
        }
    }
    /* A static member that comes back without having left is given what it had. */
    if (!group_close(broker, broker->is_apart)) {
        broker->committer.is_haunted = true;
        return failure_make(FAILURE_STOP, 0, "a Kafka consumer does not end");
    }
    commit_pause(broker, REPLACE_WAIT_MS);
    broker->is_apart = false;
    struct failure failure = group_open(broker);
    broker->is_member_dead = failed(failure);
    return failure;
}
