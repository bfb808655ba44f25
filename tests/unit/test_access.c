/* What an error of librdkafka's about access means; its texts on a real broker: kafka/secure.py. */
#include "broker/access.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "broker/broker_failure.h"

static void test_reasons(void **state) {
    (void)state;
    static const struct {
        rd_kafka_resp_err_t code;
        const char *reason;
        enum access_trouble trouble;
    } rows[] = {
        {RD_KAFKA_RESP_ERR__AUTHENTICATION, "SASL authentication error: invalid credentials",
         ACCESS_LOGIN},
        {RD_KAFKA_RESP_ERR__AUTHENTICATION,
         "Unsupported SASL mechanism: broker's supported mechanisms: PLAIN", ACCESS_MECHANISM},
        {RD_KAFKA_RESP_ERR__AUTHENTICATION,
         "SASL authentication error: SaslAuthenticateRequest failed: Local: Timed out",
         ACCESS_NONE},
        {RD_KAFKA_RESP_ERR__AUTHENTICATION,
         "SASL PLAIN mechanism handshake failed: Local: Broker transport failure: broker's "
         "supported mechanisms: (n/a)",
         ACCESS_NONE},
        {RD_KAFKA_RESP_ERR__SSL, "SSL handshake failed: certificate verify failed",
         ACCESS_CERTIFICATE},
        {RD_KAFKA_RESP_ERR__SSL, "Receive failed: sslv3 alert bad certificate",
         ACCESS_CLIENT_CERTIFICATE},
        {RD_KAFKA_RESP_ERR__SSL, "SSL handshake failed: wrong version number", ACCESS_WANTS_NO_TLS},
        {RD_KAFKA_RESP_ERR__TRANSPORT, "incorrect (connecting to a SSL listener?)",
         ACCESS_WANTS_TLS},
        {RD_KAFKA_RESP_ERR__TRANSPORT, "broker might require SASL authentication",
         ACCESS_WANTS_SASL},
        {RD_KAFKA_RESP_ERR__TRANSPORT, "Connection refused", ACCESS_NONE},
        {RD_KAFKA_RESP_ERR__TIMED_OUT, "certificate verify failed", ACCESS_NONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(access_trouble_of(rows[i].code, rows[i].reason), rows[i].trouble);
    }
}

static void test_certificates(void **state) {
    (void)state;
    assert_int_equal(access_trouble_of_certificate(0), ACCESS_NONE);
    assert_int_equal(access_trouble_of_certificate(10), ACCESS_EXPIRED);
    assert_int_equal(access_trouble_of_certificate(19), ACCESS_UNTRUSTED);
    assert_int_equal(access_trouble_of_certificate(20), ACCESS_UNTRUSTED);
    assert_int_equal(access_trouble_of_certificate(64), ACCESS_OTHER_HOST);
    assert_int_equal(access_trouble_of_certificate(62), ACCESS_OTHER_HOST);
    assert_int_equal(access_trouble_of_certificate(1), ACCESS_CERTIFICATE);
}

/* A guess may heal by itself; a refusal has an exit code of its own. */
static void test_every_trouble_has_advice_and_a_code(void **state) {
    (void)state;
    for (int trouble = ACCESS_WANTS_TLS; trouble < ACCESS_COUNT; trouble++) {
        assert_true(strlen(access_advice((enum access_trouble)trouble)) > 20);
        struct failure failure =
            failure_make(FAILURE_STOP, access_code((enum access_trouble)trouble), "x");
        bool is_refusal = access_is_refusal((enum access_trouble)trouble);
        assert_int_equal(is_refusal, trouble >= ACCESS_LOGIN);
        assert_int_equal(broker_failure_is_refused(failure), is_refusal);
        assert_int_equal(broker_failure_is_unreachable(failure), !is_refusal);
    }
}

static void test_missing_rights_are_named(void **state) {
    (void)state;
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
    assert_non_null(strstr(access_text(code, ACCESS_READ), "Read"));
    assert_non_null(strstr(access_text(code, ACCESS_WRITE), "Write"));
    assert_non_null(strstr(access_text(code, ACCESS_CREATE), "Create"));
    assert_non_null(strstr(access_text(code, ACCESS_DESCRIBE), "Describe"));
    code = RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;
    assert_non_null(strstr(access_text(code, ACCESS_READ), "group"));
    code = RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    assert_non_null(strstr(access_text(code, ACCESS_WRITE), "transactional id"));
    assert_string_equal(access_text(RD_KAFKA_RESP_ERR__TIMED_OUT, ACCESS_READ),
                        rd_kafka_err2str(RD_KAFKA_RESP_ERR__TIMED_OUT));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_certificates),
        cmocka_unit_test(test_every_trouble_has_advice_and_a_code),
        cmocka_unit_test(test_missing_rights_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
