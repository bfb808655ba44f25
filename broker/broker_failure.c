#include "broker/broker_failure.h"

#include "broker/access.h"
#include "broker/txn_errors.h"

bool broker_failure_is_fenced(struct failure failure) {
    return failed(failure) && txn_error_is_fenced(failure.code);
}

bool broker_failure_is_refused(struct failure failure) {
    return failed(failure) && access_is_refused(failure.code);
}

bool broker_failure_is_unreachable(struct failure failure) {
    if (failure.action == FAILURE_RETRY) {
        return true;
    }
    switch (failed(failure) ? failure.code : RD_KAFKA_RESP_ERR_NO_ERROR) {
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
        return true;
    default:
        return false;
    }
}
