#include "broker/access.h"

#include <string.h>

/* OpenSSL's numbers (x509_vfy.h), which it keeps; its headers are not needed for five of them. */
enum {
    X509_UNABLE_TO_GET_ISSUER = 2,
    X509_NOT_YET_VALID = 9,
    X509_HAS_EXPIRED = 10,
    X509_SELF_SIGNED = 18,
    X509_SELF_SIGNED_IN_CHAIN = 19,
    X509_NO_LOCAL_ISSUER = 20,
    X509_NO_FIRST_SIGNATURE = 21,
    X509_HOSTNAME_MISMATCH = 62,
    X509_IP_ADDRESS_MISMATCH = 64,
};

static const char *const advices[ACCESS_COUNT] = {
    [ACCESS_NONE] = "",
    [ACCESS_WANTS_TLS] = "the broker hangs up; if its port speaks TLS, set security.protocol to "
                         "SSL or SASL_SSL",
    [ACCESS_WANTS_NO_TLS] = "no TLS with the broker; if its port speaks none, set "
                            "security.protocol to PLAINTEXT or SASL_PLAINTEXT",
    [ACCESS_WANTS_SASL] = "the broker hangs up; if its port wants a login, set security.protocol "
                          "to SASL_SSL or SASL_PLAINTEXT",
    [ACCESS_LOGIN] = "the broker refuses the login; check sasl.mechanism, sasl.username and "
                     "sasl.password",
    [ACCESS_MECHANISM] = "the broker does not know this way of login; set sasl.mechanism to one of "
                         "its own, such as PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512",
    [ACCESS_UNTRUSTED] = "the broker's certificate is signed by nobody we trust; set "
                         "ssl.ca.location to the file of its authority",
    [ACCESS_EXPIRED] = "the broker's certificate is over or not valid yet; renew it, or set the "
                       "clock right",
    [ACCESS_OTHER_HOST] = "the broker's certificate is for another host; use a name that stands in "
                          "it, in kafka.bootstrap_servers and the broker's advertised.listeners",
    [ACCESS_CERTIFICATE] = "the broker's certificate does not hold; see ssl.ca.location and the "
                           "log line before",
    [ACCESS_CLIENT_CERTIFICATE] =
        "the broker refuses our certificate, or misses one; check ssl.certificate.location and "
        "ssl.key.location",
};

enum access_trouble access_trouble_of_certificate(int x509_error) {
    switch (x509_error) {
    case 0:
        return ACCESS_NONE;
    case X509_UNABLE_TO_GET_ISSUER:
    case X509_SELF_SIGNED:
    case X509_SELF_SIGNED_IN_CHAIN:
    case X509_NO_LOCAL_ISSUER:
    case X509_NO_FIRST_SIGNATURE:
        return ACCESS_UNTRUSTED;
    case X509_NOT_YET_VALID:
    case X509_HAS_EXPIRED:
        return ACCESS_EXPIRED;
    case X509_HOSTNAME_MISMATCH:
    case X509_IP_ADDRESS_MISMATCH:
        return ACCESS_OTHER_HOST;
    default:
        return ACCESS_CERTIFICATE;
    }
}

/* Texts of librdkafka and of OpenSSL; a changed one is a failing test (tests/kafka/secure.py). */
struct phrase {
    const char *text;
    enum access_trouble trouble;
};
static const struct phrase phrases[] = {
    {"require SASL authentication", ACCESS_WANTS_SASL},
    {"connecting to a SSL listener", ACCESS_WANTS_TLS},
    {"certificate verify failed", ACCESS_CERTIFICATE},
    {"certificate could not be verified", ACCESS_CERTIFICATE},
    {" alert ", ACCESS_CLIENT_CERTIFICATE},
    {"wrong version number", ACCESS_WANTS_NO_TLS},
    {"unexpected eof while reading", ACCESS_WANTS_NO_TLS},
    {"unexpected message", ACCESS_WANTS_NO_TLS},
};

enum access_trouble access_trouble_of(rd_kafka_resp_err_t code, const char *reason) {
    bool is_login = code == RD_KAFKA_RESP_ERR__AUTHENTICATION ||
                    code == RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED;
    /* A connection that broke in the middle of a login is reported as a failed login, with a local
     * error inside. */
    if (is_login && strstr(reason, ": Local: ")) {
        return ACCESS_NONE;
    }
    if (code == RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM ||
        (is_login && strstr(reason, "supported mechanisms"))) {
        return ACCESS_MECHANISM;
    }
    if (is_login) {
        return ACCESS_LOGIN;
    }
    if (code != RD_KAFKA_RESP_ERR__SSL && code != RD_KAFKA_RESP_ERR__TRANSPORT) {
        return ACCESS_NONE;
    }
    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++) {
        if (strstr(reason, phrases[i].text)) {
            return phrases[i].trouble;
        }
    }
    return ACCESS_NONE;
}

bool access_is_refusal(enum access_trouble trouble) {
    return trouble >= ACCESS_LOGIN;
}

rd_kafka_resp_err_t access_code(enum access_trouble trouble) {
    if (!access_is_refusal(trouble)) {
        return RD_KAFKA_RESP_ERR__TRANSPORT;
    }
    return trouble == ACCESS_LOGIN || trouble == ACCESS_MECHANISM
               ? RD_KAFKA_RESP_ERR__AUTHENTICATION
               : RD_KAFKA_RESP_ERR__SSL;
}

const char *access_advice(enum access_trouble trouble) {
    return advices[trouble];
}

bool access_is_refused(int code) {
    switch (code) {
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
        return true;
    default:
        return false;
    }
}

const char *access_text(rd_kafka_resp_err_t code, enum access_use use) {
    static const char *const of_topic[] = {
        [ACCESS_READ] = "Kafka refuses it: the right Read on this topic is missing (ACL)",
        [ACCESS_WRITE] = "Kafka refuses it: the right Write on this topic is missing (ACL)",
        [ACCESS_WRITE_TRANSACTION] =
            "Kafka refuses it: the right Write on a topic is missing (ACL); "
            "the log names it before",
        [ACCESS_CREATE] = "Kafka refuses it: the right Describe on this topic, or Create to make "
                          "it, is missing (ACL)",
        [ACCESS_DESCRIBE] = "Kafka refuses it: the right Describe on this topic is missing (ACL)",
    };
    switch (code) {
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
        return of_topic[use];
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
        return "Kafka refuses it: the right Read on the group kafka.group_id is missing (ACL)";
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
        return "Kafka refuses it: the rights Write and Describe on the transactional id are "
               "missing (ACL)";
    default:
        return rd_kafka_err2str(code);
    }
}

const char *access_text_of_read(const rd_kafka_message_t *message) {
    return access_is_refused(message->err) ? access_text(message->err, ACCESS_READ)
                                           : rd_kafka_message_errstr(message);
}
