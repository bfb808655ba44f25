#include "broker/txn_errors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define FATAL     .is_fatal = true
#define RETRIABLE .is_retriable = true
#define ABORTABLE .requires_abort = true

struct observed {
    enum txn_call call;
    struct txn_error error;
    enum failure_action action;
};

/* Codes with the flags that a real broker gave them (KAFKA.md 1 and 6). */
static const struct observed measured[] = {
    {TXN_COMMIT, {.code = RD_KAFKA_RESP_ERR_NO_ERROR}, FAILURE_NONE},
    {TXN_SEND_OFFSETS, {RD_KAFKA_RESP_ERR__TIMED_OUT, RETRIABLE}, FAILURE_RETRY},
    {TXN_SEND_OFFSETS, {RD_KAFKA_RESP_ERR__TRANSPORT, RETRIABLE}, FAILURE_RETRY},
    {TXN_SEND_OFFSETS, {RD_KAFKA_RESP_ERR__TIMED_OUT, ABORTABLE}, FAILURE_ABORT_EPOCH},
    {TXN_SEND_OFFSETS, {RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, ABORTABLE}, FAILURE_ABORT_EPOCH},
    {TXN_SEND_OFFSETS, {RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, ABORTABLE}, FAILURE_ABORT_EPOCH},
    {TXN_SEND_OFFSETS, {RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, ABORTABLE}, FAILURE_ABORT_EPOCH},
    {TXN_SEND_OFFSETS, {RD_KAFKA_RESP_ERR__FENCED, FATAL}, FAILURE_RECREATE},
    {TXN_COMMIT, {RD_KAFKA_RESP_ERR__TIMED_OUT, RETRIABLE}, FAILURE_RETRY},
    {TXN_COMMIT, {RD_KAFKA_RESP_ERR__FENCED, FATAL}, FAILURE_RECREATE},
    {TXN_COMMIT, {RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, ABORTABLE}, FAILURE_ABORT_EPOCH},
    {TXN_ABORT, {RD_KAFKA_RESP_ERR__TIMED_OUT, RETRIABLE}, FAILURE_RETRY},
    {TXN_ABORT, {RD_KAFKA_RESP_ERR__CONFLICT, RETRIABLE}, FAILURE_RETRY},
    {TXN_ABORT, {RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, FATAL}, FAILURE_RECREATE},
    {TXN_ABORT, {RD_KAFKA_RESP_ERR__FENCED, FATAL}, FAILURE_RECREATE},
    {TXN_ABORT, {.code = RD_KAFKA_RESP_ERR__STATE}, FAILURE_RECREATE},
    {TXN_INIT, {RD_KAFKA_RESP_ERR__TIMED_OUT, RETRIABLE}, FAILURE_RETRY},
    {TXN_INIT, {RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, RETRIABLE}, FAILURE_RETRY},
    {TXN_BEGIN, {RD_KAFKA_RESP_ERR__FENCED, FATAL}, FAILURE_RECREATE},
};

static void test_measured_codes(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof measured / sizeof measured[0]; i++) {
        const struct observed *row = &measured[i];
        enum failure_action action = txn_error_action(row->call, row->error);
        if (action != row->action) {
            print_error("%s %s\n", txn_call_name(row->call), rd_kafka_err2name(row->error.code));
        }
        assert_int_equal(action, row->action);
    }
}

static void test_neither_retriable_nor_abortable_is_fatal(void **state) {
    (void)state;
    for (int call = 0; call < TXN_CALL_COUNT; call++) {
        if (call != TXN_DELIVERY) {
            struct txn_error unknown = {.code = RD_KAFKA_RESP_ERR_UNKNOWN};
            assert_int_equal(txn_error_action((enum txn_call)call, unknown), FAILURE_RECREATE);
        }
    }
}

static void test_an_abort_is_not_aborted(void **state) {
    (void)state;
    struct txn_error error = {.code = RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID, ABORTABLE};
    assert_int_equal(txn_error_action(TXN_COMMIT, error), FAILURE_ABORT_EPOCH);
    assert_int_equal(txn_error_action(TXN_ABORT, error), FAILURE_RECREATE);
}

static void test_fatal_wins_over_other_flags(void **state) {
    (void)state;
    struct txn_error error = {.code = RD_KAFKA_RESP_ERR_UNKNOWN, FATAL, RETRIABLE, ABORTABLE};
    assert_int_equal(txn_error_action(TXN_COMMIT, error), FAILURE_RECREATE);
}

static void test_what_cannot_heal_stops(void **state) {
    (void)state;
    static const rd_kafka_resp_err_t codes[] = {
        RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
        RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
        RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
        RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT,
    };
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        for (int call = 0; call < TXN_CALL_COUNT; call++) {
            struct txn_error error = {.code = codes[i], ABORTABLE};
            assert_int_equal(txn_error_action((enum txn_call)call, error), FAILURE_STOP);
        }
    }
}

static void test_produce_and_delivery(void **state) {
    (void)state;
    struct txn_error full = {.code = RD_KAFKA_RESP_ERR__QUEUE_FULL};
    assert_int_equal(txn_error_action(TXN_PRODUCE, full), FAILURE_RETRY);
    struct failure failure = txn_failure_of_code(TXN_DELIVERY, RD_KAFKA_RESP_ERR__PURGE_QUEUE);
    assert_int_equal(failure.action, FAILURE_ABORT_EPOCH);
    failure = txn_failure_of_code(TXN_DELIVERY, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH);
    assert_int_equal(failure.action, FAILURE_RECREATE);
    failure = txn_failure_of_code(TXN_PRODUCE, RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(failure.action, FAILURE_NONE);
}

static void test_no_error_is_no_failure(void **state) {
    (void)state;
    struct failure failure = txn_failure(TXN_COMMIT, NULL);
    assert_false(failed(failure));
}

static void test_consumer_errors(void **state) {
    (void)state;
    assert_int_equal(consumer_error_action(RD_KAFKA_RESP_ERR__TRANSPORT), FAILURE_NONE);
    assert_int_equal(consumer_error_action(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN), FAILURE_NONE);
    assert_int_equal(consumer_error_action(RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED), FAILURE_NONE);
    assert_int_equal(consumer_error_action(RD_KAFKA_RESP_ERR__FATAL), FAILURE_STOP);
    assert_int_equal(consumer_error_action(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART), FAILURE_STOP);
    assert_int_equal(consumer_error_action(RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT),
                     FAILURE_STOP);
    assert_true(txn_error_is_fenced(RD_KAFKA_RESP_ERR__FENCED));
    assert_true(txn_error_is_fenced(RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID));
    assert_false(txn_error_is_fenced(RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_measured_codes),
        cmocka_unit_test(test_neither_retriable_nor_abortable_is_fatal),
        cmocka_unit_test(test_an_abort_is_not_aborted),
        cmocka_unit_test(test_fatal_wins_over_other_flags),
        cmocka_unit_test(test_what_cannot_heal_stops),
        cmocka_unit_test(test_produce_and_delivery),
        cmocka_unit_test(test_no_error_is_no_failure),
        cmocka_unit_test(test_consumer_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
