/* access: what stands in the way when a broker does not let a client in, and what to do about it.
 * Pure. Private to broker/.
 *
 * librdkafka tries again for ever after a refused login or certificate, and its calls then only say
 * that no broker answered. The reason stands in the error callback; of a certificate that does not
 * hold, in the callback that looks at certificates. */
#ifndef PROMOSTREAM_BROKER_ACCESS_H
#define PROMOSTREAM_BROKER_ACCESS_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

enum access_trouble {
    ACCESS_NONE,
    /* Guesses: a broker that goes away looks the same. */
    ACCESS_WANTS_TLS,
    ACCESS_WANTS_NO_TLS,
    ACCESS_WANTS_SASL,
    /* Refusals: trying again with the same settings does not help. */
    ACCESS_LOGIN,
    ACCESS_MECHANISM,
    ACCESS_UNTRUSTED,
    ACCESS_EXPIRED,
    ACCESS_OTHER_HOST,
    ACCESS_CERTIFICATE,
    ACCESS_CLIENT_CERTIFICATE,
    ACCESS_COUNT,
};

/* What an error of the error callback means; reason is its text. */
enum access_trouble access_trouble_of(rd_kafka_resp_err_t code, const char *reason);
/* What an X509_V_ERR_* of OpenSSL about the broker's certificate means. */
enum access_trouble access_trouble_of_certificate(int x509_error);
bool access_is_refusal(enum access_trouble trouble);
/* Code of the failure that it makes. */
rd_kafka_resp_err_t access_code(enum access_trouble trouble);
/* One sentence that says what to do, naming properties; "" of ACCESS_NONE. */
const char *access_advice(enum access_trouble trouble);

enum access_use {
    ACCESS_READ,
    ACCESS_WRITE,
    ACCESS_WRITE_TRANSACTION, /* some topic of a transaction: librdkafka's log says which */
    ACCESS_CREATE,
    ACCESS_DESCRIBE,
};

/* Whether the code says that a right (ACL), a login or a certificate is missing. */
bool access_is_refused(int code);
/* rd_kafka_err2str, but of a missing right, which one: the caller names the topic and what it did
 * there. */
const char *access_text(rd_kafka_resp_err_t code, enum access_use use);
/* What a consumer's error message says: of a missing right, which one. */
const char *access_text_of_read(const rd_kafka_message_t *message);

#endif
