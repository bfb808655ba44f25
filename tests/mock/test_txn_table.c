/* The seam's error table, row by row: what the broker answers to which request, and what the seam
 * does about it. Injected into librdkafka's mock cluster, which answers with any code; it knows no
 * isolation and keeps no offsets, so what is proven here is the path: whether the epoch committed,
 * whether the producer is the old one, and that afterwards everything is assigned and read anew
 * and an epoch commits. That the output is whole is proven on a real broker (tests/kafka).
 *
 * Rows of broker/txn_errors.c that no answer leads to:
 *   _QUEUE_FULL           our queue takes ten million messages; tests/unit/test_txn_errors.c
 *   _PREV_IN_PROGRESS     only if a call is made while the same one runs; ours come from one thread
 *   _CONFLICT on abort    an abort that timed out and still runs: seen in broker outages
 *   _UNKNOWN_PARTITION,
 *   _UNKNOWN_TOPIC        topics are checked at the start; librdkafka says it half a minute later
 *   _NOT_CONFIGURED       a producer without transactional.id: the seam has none
 *   _UNSUPPORTED_FEATURE  a broker older than 0.11 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "tests/support/mock_cluster.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define DEADLINE_MS     20000

#define LONG_EPOCH       30000 /* records; handing them over takes longer than librdkafka's 1 ms */
#define REFUSED_AFTER_MS 200
#define ADDED_AFTER_MS   500

struct answer {
    int16_t api;
    rd_kafka_resp_err_t code;
};

struct row {
    const char *call;
    struct answer first, then; /* then.code 0 = none */
    enum failure_action action;
};

#define ERR(name) RD_KAFKA_RESP_ERR_##name

/* One after the other on one cluster. */
static const struct row rows[] = {
    /* The same call again: nobody notices. */
    {"produce", {API_ADD_PARTITIONS, ERR(CONCURRENT_TRANSACTIONS)}, {0}, FAILURE_RETRY},
    {"produce", {API_ADD_PARTITIONS, ERR(COORDINATOR_NOT_AVAILABLE)}, {0}, FAILURE_RETRY},
    {"produce", {API_PRODUCE, ERR(NOT_LEADER_FOR_PARTITION)}, {0}, FAILURE_RETRY},
    {"produce", {API_PRODUCE, ERR(REQUEST_TIMED_OUT)}, {0}, FAILURE_RETRY},
    {"send_offsets", {API_ADD_OFFSETS, ERR(CONCURRENT_TRANSACTIONS)}, {0}, FAILURE_RETRY},
    {"send_offsets", {API_ADD_OFFSETS, ERR(COORDINATOR_LOAD_IN_PROGRESS)}, {0}, FAILURE_RETRY},
    {"send_offsets", {API_TXN_OFFSET_COMMIT, ERR(NOT_COORDINATOR)}, {0}, FAILURE_RETRY},
    {"send_offsets", {API_TXN_OFFSET_COMMIT, ERR(REQUEST_TIMED_OUT)}, {0}, FAILURE_RETRY},
    {"commit", {API_END_TXN, ERR(NOT_COORDINATOR)}, {0}, FAILURE_RETRY},
    {"commit", {API_END_TXN, ERR(COORDINATOR_LOAD_IN_PROGRESS)}, {0}, FAILURE_RETRY},
    {"commit", {API_END_TXN, ERR(CONCURRENT_TRANSACTIONS)}, {0}, FAILURE_RETRY},
    /* The epoch is aborted, the producer lives. */
    {"produce", {API_ADD_PARTITIONS, ERR(UNKNOWN_PRODUCER_ID)}, {0}, FAILURE_ABORT_EPOCH},
    {"produce", {API_ADD_PARTITIONS, ERR(INVALID_PRODUCER_ID_MAPPING)}, {0}, FAILURE_ABORT_EPOCH},
    {"send_offsets", {API_TXN_OFFSET_COMMIT, ERR(ILLEGAL_GENERATION)}, {0}, FAILURE_ABORT_EPOCH},
    {"send_offsets", {API_TXN_OFFSET_COMMIT, ERR(UNKNOWN_MEMBER_ID)}, {0}, FAILURE_ABORT_EPOCH},
    {"send_offsets", {API_TXN_OFFSET_COMMIT, ERR(FENCED_INSTANCE_ID)}, {0}, FAILURE_ABORT_EPOCH},
    {"send_offsets", {API_TXN_OFFSET_COMMIT, ERR(REBALANCE_IN_PROGRESS)}, {0}, FAILURE_ABORT_EPOCH},
    {"commit", {API_END_TXN, ERR(UNKNOWN)}, {0}, FAILURE_ABORT_EPOCH},
    /* A new producer. */
    {"produce", {API_ADD_PARTITIONS, ERR(INVALID_TXN_STATE)}, {0}, FAILURE_RECREATE},
    {"send_offsets", {API_ADD_OFFSETS, ERR(INVALID_TXN_STATE)}, {0}, FAILURE_RECREATE},
    {"send_offsets",
     {API_TXN_OFFSET_COMMIT, ERR(INVALID_PRODUCER_ID_MAPPING)},
     {0},
     FAILURE_RECREATE},
    {"commit", {API_END_TXN, ERR(INVALID_TXN_STATE)}, {0}, FAILURE_RECREATE},
    {"abort",
     {API_TXN_OFFSET_COMMIT, ERR(ILLEGAL_GENERATION)},
     {API_END_TXN, ERR(INVALID_TXN_STATE)},
     FAILURE_RECREATE},
    {"produce", {API_ADD_PARTITIONS, ERR(PRODUCER_FENCED)}, {0}, FAILURE_RECREATE},
    {"produce", {API_PRODUCE, ERR(INVALID_PRODUCER_EPOCH)}, {0}, FAILURE_RECREATE},
    {"send_offsets", {API_ADD_OFFSETS, ERR(INVALID_PRODUCER_EPOCH)}, {0}, FAILURE_RECREATE},
    {"send_offsets", {API_TXN_OFFSET_COMMIT, ERR(INVALID_PRODUCER_EPOCH)}, {0}, FAILURE_RECREATE},
    {"commit", {API_END_TXN, ERR(INVALID_PRODUCER_EPOCH)}, {0}, FAILURE_RECREATE},
};

/* They end the process: on a cluster of its own each. */
static const struct row last_rows[] = {
    {"produce", {API_ADD_PARTITIONS, ERR(TOPIC_AUTHORIZATION_FAILED)}, {0}, FAILURE_STOP},
    {"produce", {API_PRODUCE, ERR(MSG_SIZE_TOO_LARGE)}, {0}, FAILURE_STOP},
    {"send_offsets", {API_ADD_OFFSETS, ERR(GROUP_AUTHORIZATION_FAILED)}, {0}, FAILURE_STOP},
    {"send_offsets",
     {API_TXN_OFFSET_COMMIT, ERR(UNSUPPORTED_FOR_MESSAGE_FORMAT)},
     {0},
     FAILURE_STOP},
    {"commit", {API_END_TXN, ERR(TRANSACTIONAL_ID_AUTHORIZATION_FAILED)}, {0}, FAILURE_STOP},
};

static const struct row init_rows[] = {
    {"init", {API_INIT_PRODUCER_ID, ERR(CONCURRENT_TRANSACTIONS)}, {0}, FAILURE_RETRY},
    {"init", {API_INIT_PRODUCER_ID, ERR(COORDINATOR_NOT_AVAILABLE)}, {0}, FAILURE_RETRY},
    {"init", {API_INIT_PRODUCER_ID, ERR(TRANSACTIONAL_ID_AUTHORIZATION_FAILED)}, {0}, FAILURE_STOP},
    {"init", {API_INIT_PRODUCER_ID, ERR(INVALID_TRANSACTION_TIMEOUT)}, {0}, FAILURE_STOP},
};

/* ---- one row ---- */

static void say(const struct row *row) {
    print_message("%-13s %-36s %-20s -> %s\n", row->call, rd_kafka_err2name(row->first.code),
                  row->then.code ? rd_kafka_err2name(row->then.code) : "",
                  row->action == FAILURE_RETRY         ? "same call again"
                  : row->action == FAILURE_ABORT_EPOCH ? "abort the epoch"
                  : row->action == FAILURE_RECREATE    ? "new producer"
                                                       : "stop");
}

static void inject(struct mock_cluster *mock, const struct row *row) {
    say(row);
    rd_kafka_mock_push_request_errors(mock->cluster, row->first.api, 1, row->first.code);
    if (row->then.code) {
        rd_kafka_mock_push_request_errors(mock->cluster, row->then.api, 1, row->then.code);
    }
}

static int64_t committed(const struct member *member) {
    return metric_get(&broker_metrics_of(member->broker)->epochs_committed_total);
}

static int64_t recreated(const struct member *member) {
    return metric_get(&broker_metrics_of(member->broker)->producers_recreated_total);
}

static int64_t aborted(const struct member *member) {
    return metric_get(&broker_metrics_of(member->broker)->epochs_aborted_total);
}

/* Lost, assigned anew, everything handed out again, and the next epoch commits. */
static void check_alive(struct member *member, int lost, int assigned) {
    member->records = 0;
    POLL_UNTIL(member, member->assigned == assigned + 1);
    assert_int_equal(member->lost, lost + 1);
    assert_int_equal(member->revoked, 0);
    POLL_UNTIL(member, member->records == MOCK_RECORDS);
    member_submit(member, "next", "next", 2);
    assert_true(member_drain(member));
}

static void check_row(struct mock_cluster *mock, const struct row *row) {
    struct member *member = &mock->member;
    int lost = member->lost, assigned = member->assigned;
    int64_t before = committed(member), made = recreated(member), gone = aborted(member);
    inject(mock, row);
    member_submit(member, "row", "row", 1);
    bool is_committed = member_drain(member);
    assert_int_equal(is_committed, row->action == FAILURE_RETRY);
    if (is_committed) {
        struct failure failure = member_step(member, 0);
        assert_string_equal(failure.text, "");
        assert_int_equal(member->lost, lost);
        assert_int_equal(committed(member), before + 1);
    } else {
        check_alive(member, lost, assigned);
        assert_int_equal(committed(member), before + 1);
    }
    assert_int_equal(aborted(member), gone + !is_committed);
    assert_int_equal(recreated(member), made + !is_committed);
}

/* Refused while send_offsets is under way, which then only says _STATE: the epoch is long enough
 * for its first request to be out before that call, and the answers are late. */
static void inject_late(struct mock_cluster *mock, const struct row *row, struct epoch *epoch) {
    say(row);
    for (int i = 0; i < LONG_EPOCH; i++) {
        add_text(epoch, TOPIC_USER_STATE, 0, "row", "row");
    }
    rd_kafka_mock_broker_push_request_error_rtts(mock->cluster, MOCK_BROKER_ID, row->first.api, 1,
                                                 row->first.code, REFUSED_AFTER_MS);
    rd_kafka_mock_broker_push_request_error_rtts(mock->cluster, MOCK_BROKER_ID, API_ADD_OFFSETS, 1,
                                                 ERR(NO_ERROR), ADDED_AFTER_MS);
}

static void check_stop(struct mock_cluster *mock, const struct row *row) {
    struct member *member = &mock->member;
    struct epoch *epoch = broker_epoch(member->broker);
    if (strcmp(row->call, "produce") == 0) {
        inject_late(mock, row, epoch);
    } else {
        inject(mock, row);
        add_text(epoch, TOPIC_USER_STATE, 0, "row", "row");
    }
    member_add_offsets(member, epoch, 3);
    struct failure failure = member_await_stop(member, broker_submit(member->broker, epoch));
    print_message("              %s\n", failure.text);
}

/* ---- tests ---- */

/* Members of several clusters join at the same time: the mock's group takes three seconds. */
static void join_all(struct mock_cluster *mocks, size_t count) {
    for (size_t i = 0; i < count; i++) {
        mock_cluster_open(&mocks[i], "table");
        struct failure failure = mock_cluster_start(&mocks[i], DEADLINE_MS);
        assert_string_equal(failure.text, "");
    }
    for (size_t i = 0; i < count; i++) {
        POLL_UNTIL(&mocks[i].member, mocks[i].member.records == MOCK_RECORDS);
    }
}

static void test_every_row(void **state) {
    (void)state;
    struct mock_cluster mocks[1 + COUNT_OF(last_rows)];
    join_all(mocks, COUNT_OF(mocks));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        check_row(&mocks[0], &rows[i]);
    }
    for (size_t i = 0; i < COUNT_OF(last_rows); i++) {
        check_stop(&mocks[1 + i], &last_rows[i]);
    }
    for (size_t i = 0; i < COUNT_OF(mocks); i++) {
        mock_cluster_close(&mocks[i]);
    }
}

static void test_rows_of_init(void **state) {
    (void)state;
    struct mock_cluster mock;
    mock_cluster_open(&mock, "init");
    for (size_t i = 0; i < COUNT_OF(init_rows); i++) {
        inject(&mock, &init_rows[i]);
        struct failure failure = mock_cluster_start(&mock, DEADLINE_MS);
        assert_int_equal(failure.action,
                         init_rows[i].action == FAILURE_RETRY ? FAILURE_NONE : FAILURE_STOP);
        if (mock.member.broker) {
            broker_close(mock.member.broker);
            mock.member.broker = NULL;
        }
    }
    mock_cluster_close(&mock);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row),
        cmocka_unit_test(test_rows_of_init),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
