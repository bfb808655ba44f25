#include "broker/client.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "broker/access.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define TEXT_MAX        200
#define TROUBLE_LOG_MS  30000
#define JOIN_PART_MS    100
#define REFUSAL_WAIT_MS 2000 /* for other brokers of the list, when one has refused */

/* Correctness stands on these, or they have a place of their own in the configuration. */
static const char *const reserved[] = {
    "bootstrap.servers",
    "metadata.broker.list",
    "group.id",
    "group.instance.id",
    "group.protocol",
    "session.timeout.ms",
    "transactional.id",
    "transaction.timeout.ms",
    "enable.idempotence",
    "acks",
    "request.required.acks",
    "delivery.report.only.error",
    "enable.auto.commit",
    "auto.commit.enable",
    "enable.auto.offset.store",
    "auto.offset.reset",
    "enable.partition.eof",
    "isolation.level",
    "partition.assignment.strategy",
};

/* The settings' reasons are measured: KAFKA.md 0. */
static const struct client_setting of_all[] = {
    {"client.id", "promostream"},
    {"socket.nagle.disable", "true"},
    {"socket.keepalive.enable", "true"},
    {"reconnect.backoff.max.ms", "1000"},
};

static const struct client_setting of_fetching[] = {
    {"check.crcs", "true"},
    /* Over either number librdkafka 2.0 stops fetching for a whole second, so they must be a
       second's worth. The kbytes are of messages; what librdkafka needs beside each of them, about
       450 bytes, comes on top: of 90-byte messages these are 700 MB. */
    {"queued.min.messages", "10000000"},
    {"queued.max.messages.kbytes", "131072"},
    {"fetch.message.max.bytes", "4194304"},
};

static const struct client_setting of_member[] = {
    {"heartbeat.interval.ms", "500"},
    {"max.poll.interval.ms", "600000"},
    {"partition.assignment.strategy", "range"},
    /* Partitions are started one by one, and an assignment's first request may be for the first of
       them alone: while that is idle, all others wait until the broker gives up waiting for it. */
    {"fetch.wait.max.ms", "50"},
};

static const struct client_setting of_reading_committed[] = {
    {"isolation.level", "read_committed"},
    {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"},
    {"auto.offset.reset", "earliest"},
};

static const struct client_setting of_reading_all[] = {
    {"isolation.level", "read_uncommitted"},
    {"enable.auto.commit", "false"},
    {"auto.offset.reset", "earliest"},
};

/* The next read stands behind the last fetch of the one before it, which found nothing more. And
 * the first of its rows come sooner in a smaller answer, during whose visit the next is fetched. */
static const struct client_setting of_restore[] = {{"fetch.wait.max.ms", "2"},
                                                   {"fetch.message.max.bytes", "1048576"}};
/* A broker answers a connection's requests in order: while it waits for records of one side topic,
 * the next topic's first request stands behind it. */
static const struct client_setting of_side[] = {{"queued.max.messages.kbytes", "65536"},
                                                {"fetch.wait.max.ms", "50"}};

static const struct client_setting of_producing[] = {
    {"enable.idempotence", "true"},
    {"linger.ms", "5"},
    {"compression.codec", "lz4"},
    {"batch.num.messages", "100000"},
    {"batch.size", "1000000"},
    {"queue.buffering.max.messages", "10000000"},
    {"queue.buffering.max.kbytes", "2000000"},
    /* After a commit AddOffsetsToTxn is refused once and waits this long. */
    {"retry.backoff.ms", "2"},
};

static const struct client_setting of_simple[] = {
    {"enable.idempotence", "true"},
    {"linger.ms", "20"},
    {"compression.codec", "lz4"},
    {"batch.num.messages", "100000"},
    {"queue.buffering.max.messages", "500000"},
    /* The same key goes to the same partition as with Java's clients. */
    {"partitioner", "murmur2_random"},
};

static struct failure set(rd_kafka_conf_t *conf, const char *name, const char *value) {
    char text[TEXT_MAX];
    rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, name, value, text, sizeof text);
    if (result == RD_KAFKA_CONF_OK) {
        return failure_none();
    }
    /* librdkafka's text repeats the value. */
    const char *why = result == RD_KAFKA_CONF_UNKNOWN ? "librdkafka knows no such property"
                      : config_is_secret_name(name)   ? "librdkafka refuses the value"
                                                      : text;
    return failure_make(FAILURE_STOP, RD_KAFKA_RESP_ERR__INVALID_ARG, "kafka: %s: %s", name, why);
}

static struct failure set_all(rd_kafka_conf_t *conf, const struct client_setting *settings,
                              size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct failure failure = set(conf, settings[i].name, settings[i].value);
        if (failed(failure)) {
            return failure;
        }
    }
    return failure_none();
}

/* Kinds of one table each, in the order in which they are applied. */
static struct failure set_kind(rd_kafka_conf_t *conf, enum client_kind kind) {
    struct table {
        const struct client_setting *settings;
        size_t count;
        bool applies;
    };
    bool is_member = kind == CLIENT_MEMBER;
    bool reads = is_member || kind == CLIENT_RESTORE || kind == CLIENT_SIDE;
    const struct table tables[] = {
        {of_all, COUNT_OF(of_all), true},
        {of_fetching, COUNT_OF(of_fetching), reads},
        {of_member, COUNT_OF(of_member), is_member},
        {of_reading_committed, COUNT_OF(of_reading_committed), reads},
        {of_restore, COUNT_OF(of_restore), kind == CLIENT_RESTORE},
        {of_side, COUNT_OF(of_side), kind == CLIENT_SIDE},
        {of_reading_all, COUNT_OF(of_reading_all), kind == CLIENT_ENDS || kind == CLIENT_ADMIN},
        {of_producing, COUNT_OF(of_producing), kind == CLIENT_TRANSACTIONAL},
        {of_simple, COUNT_OF(of_simple), kind == CLIENT_IDEMPOTENT},
    };
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        struct failure failure =
            tables[i].applies ? set_all(conf, tables[i].settings, tables[i].count) : failure_none();
        if (failed(failure)) {
            return failure;
        }
    }
    if (is_member) {
        /* Unknown to 2.0.2, where the large queued.min.messages must do. */
        char text[TEXT_MAX];
        (void)rd_kafka_conf_set(conf, "fetch.queue.backoff.ms", "10", text, sizeof text);
    }
    return failure_none();
}

/* librdkafka takes every property in every client and ignores those of the other kind at creation.
 * So one that it does not know here is known nowhere. */
static struct failure set_users(rd_kafka_conf_t *conf, const struct config_properties *kafka) {
    for (size_t i = 0; kafka && i < kafka->count; i++) {
        const struct config_property *property = &kafka->items[i];
        for (size_t r = 0; r < COUNT_OF(reserved); r++) {
            if (strcmp(property->name, reserved[r]) == 0) {
                return failure_make(FAILURE_STOP, 0, "kafka: %s: set by promostream itself",
                                    property->name);
            }
        }
        struct failure failure = set(conf, property->name, property->value);
        if (failed(failure)) {
            return failure;
        }
    }
    return failure_none();
}

struct failure client_check_properties(const struct config_properties *kafka) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    struct failure failure = set_users(conf, kafka);
    rd_kafka_conf_destroy(conf);
    return failure;
}

/* A refused topic of a transaction is named here and nowhere else; the others of the same request
 * are only not attempted. */
static void log_partition(const struct log_sink *log, const char *text) {
    if (strstr(text, rd_kafka_err2str(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED))) {
        rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
        log_error(log, "kafka", "%s: %s", text, access_text(code, ACCESS_WRITE));
    } else {
        log_debug(log, "kafka", "%s", text);
    }
}

static void take_log(const rd_kafka_t *client, int level, const char *facility, const char *text) {
    struct client_opaque *opaque = rd_kafka_opaque(client);
    if (!opaque) {
        return;
    }
    /* librdkafka tells this nowhere else: the loss of partitions that follows has many causes. */
    if (strcmp(facility, "SESSTMOUT") == 0) {
        atomic_store(&opaque->is_session_expired, true);
    }
    if (!opaque->log) {
        return;
    }
    if (strcmp(facility, "ADDPARTS") == 0) {
        log_partition(opaque->log, text);
        return;
    }
    /* CONFWARN: a property of the other kind of client, see set_users. Syslog levels: 3 = error, 4
     * = warning. */
    bool is_noise = strcmp(facility, "CONFWARN") == 0;
    enum log_level ours = is_noise || level > 5 ? LOG_DEBUG : level > 3 ? LOG_INFO : LOG_WARN;
    log_line(opaque->log, ours, "kafka", "%s %s", facility, text);
}

/* Keeps why a broker did not let us in; one that is known in detail is not made less of. */
static void note_trouble(struct client_opaque *opaque, enum access_trouble trouble) {
    int known = atomic_load(&opaque->access_trouble);
    bool is_detailed =
        known == ACCESS_UNTRUSTED || known == ACCESS_EXPIRED || known == ACCESS_OTHER_HOST;
    if (trouble != ACCESS_NONE && !(trouble == ACCESS_CERTIFICATE && is_detailed)) {
        atomic_store(&opaque->access_trouble, (int)trouble);
    }
}

/* librdkafka goes on trying, so the advice is repeated for as long as it is needed. */
static void log_refusal(struct client_opaque *opaque) {
    enum access_trouble trouble = (enum access_trouble)atomic_load(&opaque->access_trouble);
    int64_t now_ms = clock_monotonic_ms();
    int64_t logged_ms = atomic_load(&opaque->trouble_logged_ms);
    if (access_is_refusal(trouble) && (logged_ms == 0 || now_ms - logged_ms >= TROUBLE_LOG_MS)) {
        atomic_store(&opaque->trouble_logged_ms, now_ms);
        log_warn(opaque->log, "kafka", "%s", access_advice(trouble));
    }
}

/* Without a callback librdkafka would log these as errors; what matters comes back from the calls
 * themselves, but for the reason why nobody lets us in. */
static void take_error(rd_kafka_t *client, int code, const char *reason, void *opaque) {
    (void)client;
    struct client_opaque *ours = opaque;
    if (!ours) {
        return;
    }
    note_trouble(ours, access_trouble_of((rd_kafka_resp_err_t)code, reason));
    if (ours->log) {
        log_debug(ours->log, "kafka", "%s %s", rd_kafka_err2name((rd_kafka_resp_err_t)code),
                  reason);
        log_refusal(ours);
    }
}

/* librdkafka has judged the certificate already and does not say how: expired, foreign and wrong
 * host all read the same. Called on its threads. */
static int take_certificate(rd_kafka_t *client, const char *broker, int32_t broker_id,
                            int *x509_error, int depth, const char *certificate, size_t size,
                            char *reason, size_t reason_size, void *opaque) {
    (void)client, (void)broker, (void)broker_id, (void)depth, (void)certificate, (void)size;
    enum access_trouble trouble = access_trouble_of_certificate(*x509_error);
    if (opaque) {
        note_trouble(opaque, trouble);
    }
    if (trouble != ACCESS_NONE) {
        (void)snprintf(reason, reason_size, "%s", access_advice(trouble));
    }
    return trouble == ACCESS_NONE;
}

static struct failure fill(rd_kafka_conf_t *conf, const struct client_config *config) {
    struct failure failure = set_kind(conf, config->kind);
    if (!failed(failure)) {
        failure = set_users(conf, config->kafka);
    }
    if (!failed(failure)) {
        failure = set(conf, "bootstrap.servers", config->bootstrap_servers);
    }
    if (!failed(failure)) {
        failure = set_all(conf, config->settings, config->setting_count);
    }
    rd_kafka_conf_set_opaque(conf, config->opaque);
    rd_kafka_conf_set_log_cb(conf, take_log);
    rd_kafka_conf_set_error_cb(conf, take_error);
    (void)rd_kafka_conf_set_ssl_cert_verify_cb(conf, take_certificate); /* refused without TLS */
    if (config->rebalance) {
        rd_kafka_conf_set_rebalance_cb(conf, config->rebalance);
    }
    if (config->delivered) {
        rd_kafka_conf_set_dr_msg_cb(conf, config->delivered);
    }
    return failure;
}

struct failure client_new(const struct client_config *config, rd_kafka_t **out) {
    *out = NULL;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    struct failure failure = fill(conf, config);
    if (!failed(failure)) {
        bool produces = config->kind == CLIENT_TRANSACTIONAL || config->kind == CLIENT_IDEMPOTENT;
        char text[TEXT_MAX] = "";
        *out =
            rd_kafka_new(produces ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER, conf, text, sizeof text);
        if (!*out) {
            /* The default mechanism, GSSAPI, complains about Kerberos. */
            bool is_default = strstr(text, "sasl.kerberos") != NULL;
            failure = failure_make(FAILURE_STOP, rd_kafka_last_error(), "kafka: %s%s", text,
                                   is_default ? "; set sasl.mechanism" : "");
        }
    }
    if (!*out) {
        rd_kafka_conf_destroy(conf);
    }
    return failure;
}

static void *destroy_thread(void *client) {
    rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    return NULL;
}

/* In parts: a process that is stopped meanwhile loses one of them, and the thread, which stood
 * still as well, has the others. */
static bool joins_within(pthread_t thread, int wait_ms) {
    int code = ETIMEDOUT;
    for (int left_ms = wait_ms; code == ETIMEDOUT && left_ms > 0; left_ms -= JOIN_PART_MS) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += JOIN_PART_MS * 1000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        code = pthread_timedjoin_np(thread, NULL, &until);
    }
    return code == 0;
}

bool client_destroy(rd_kafka_t *client, int wait_ms) {
    if (!client) {
        return true;
    }
    const struct client_opaque *opaque = rd_kafka_opaque(client);
    const struct log_sink *log = opaque ? opaque->log : NULL;
    pthread_t thread;
    int code = pthread_create(&thread, NULL, destroy_thread, client);
    assert(code == 0);
    if (joins_within(thread, wait_ms)) {
        return true;
    }
    pthread_detach(thread);
    if (log) {
        log_warn(log, "broker", "left a client behind that does not end wait_ms=%d", wait_ms);
    }
    return false;
}

/* The error callback runs only where the client is polled. */
static enum access_trouble serve_errors(rd_kafka_t *client) {
    rd_kafka_poll(client, 0);
    struct client_opaque *opaque = rd_kafka_opaque(client);
    return opaque ? (enum access_trouble)atomic_load(&opaque->access_trouble) : ACCESS_NONE;
}

/* What is found from here on is the answer of client_metadata, not a line of the log. */
static void forget_trouble(rd_kafka_t *client) {
    struct client_opaque *opaque = rd_kafka_opaque(client);
    if (opaque) {
        atomic_store(&opaque->access_trouble, ACCESS_NONE);
        atomic_store(&opaque->trouble_logged_ms, clock_monotonic_ms());
    }
}

struct failure client_metadata(rd_kafka_t *client, int timeout_ms,
                               const struct rd_kafka_metadata **out) {
    *out = NULL;
    forget_trouble(client);
    int first_ms = timeout_ms < REFUSAL_WAIT_MS ? timeout_ms : REFUSAL_WAIT_MS;
    rd_kafka_resp_err_t code = rd_kafka_metadata(client, 1, NULL, out, first_ms);
    if (code && timeout_ms > first_ms && !access_is_refusal(serve_errors(client))) {
        code = rd_kafka_metadata(client, 1, NULL, out, timeout_ms - first_ms);
    }
    if (!code) {
        return failure_none();
    }
    enum access_trouble trouble = serve_errors(client);
    if (access_is_refusal(trouble)) {
        return failure_make(FAILURE_STOP, access_code(trouble), "%s", access_advice(trouble));
    }
    char servers[100] = "";
    size_t size = sizeof servers; /* a longer list is cut */
    rd_kafka_conf_get(rd_kafka_conf(client), "bootstrap.servers", servers, &size);
    return failure_make(FAILURE_RETRY, code, "no answer from Kafka at %s within %d ms: %s", servers,
                        timeout_ms,
                        trouble != ACCESS_NONE ? access_advice(trouble) : rd_kafka_err2str(code));
}

int32_t client_partitions(const struct rd_kafka_metadata *metadata, const char *topic) {
    for (int i = 0; i < metadata->topic_cnt; i++) {
        if (strcmp(metadata->topics[i].topic, topic) == 0) {
            return metadata->topics[i].partition_cnt;
        }
    }
    return 0;
}

size_t client_take(rd_kafka_queue_t *queue, int timeout_ms, rd_kafka_message_t **messages,
                   size_t messages_max) {
    ssize_t taken = rd_kafka_consume_batch_queue(queue, 0, messages, messages_max);
    if (taken <= 0 && timeout_ms > 0) {
        taken = rd_kafka_consume_batch_queue(queue, timeout_ms, messages, 1);
        if (taken > 0 && messages_max > 1) {
            ssize_t more = rd_kafka_consume_batch_queue(queue, 0, messages + 1, messages_max - 1);
            taken += more > 0 ? more : 0;
        }
    }
    return taken > 0 ? (size_t)taken : 0;
}
