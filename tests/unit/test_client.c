/* Settings of clients; no broker is needed to make one. */
#include "broker/client.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

static struct failure try_property(enum client_kind kind, const char *name, const char *value) {
    struct client_opaque opaque = {0};
    struct config_property property = {name, value};
    struct config_properties kafka = {.items = &property, .count = 1};
    const struct client_setting settings[] = {{"group.id", "g"}, {"transactional.id", "t"}};
    struct client_config config = {.kind = kind,
                                   .bootstrap_servers = "127.0.0.1:1",
                                   .kafka = &kafka,
                                   .settings =
                                       kind == CLIENT_TRANSACTIONAL ? settings + 1 : settings,
                                   .setting_count = kind == CLIENT_IDEMPOTENT ? 0 : 1,
                                   .opaque = &opaque};
    rd_kafka_t *client;
    struct failure failure = client_new(&config, &client);
    assert_true(failed(failure) == (client == NULL));
    assert_true(client_destroy(client, 10000));
    return failure;
}

static void test_every_kind_can_be_made(void **state) {
    (void)state;
    for (int kind = CLIENT_MEMBER; kind <= CLIENT_ADMIN; kind++) {
        struct failure failure = try_property((enum client_kind)kind, "socket.timeout.ms", "30000");
        assert_string_equal(failure.text, "");
    }
}

static void test_properties_of_the_other_kind_are_skipped(void **state) {
    (void)state;
    struct failure failure = try_property(CLIENT_MEMBER, "linger.ms", "50");
    assert_string_equal(failure.text, "");
    failure = try_property(CLIENT_TRANSACTIONAL, "fetch.wait.max.ms", "50");
    assert_string_equal(failure.text, "");
}

static void test_unknown_and_bad_properties_stop_by_name(void **state) {
    (void)state;
    struct failure failure = try_property(CLIENT_MEMBER, "no.such.thing", "1");
    assert_int_equal(failure.action, FAILURE_STOP);
    assert_string_equal(failure.text, "kafka: no.such.thing: librdkafka knows no such property");
    failure = try_property(CLIENT_MEMBER, "fetch.wait.max.ms", "soon");
    assert_int_equal(failure.action, FAILURE_STOP);
    assert_non_null(strstr(failure.text, "fetch.wait.max.ms"));
}

static void test_what_exactly_once_stands_on_is_refused(void **state) {
    (void)state;
    static const char *const names[] = {
        "enable.auto.commit", "isolation.level", "group.instance.id", "transactional.id", "acks",
        "enable.idempotence"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct failure failure = try_property(CLIENT_MEMBER, names[i], "true");
        assert_int_equal(failure.action, FAILURE_STOP);
        assert_non_null(strstr(failure.text, names[i]));
        assert_non_null(strstr(failure.text, "set by promostream itself"));
    }
}

/* Nobody listens on port 1. */
static void test_no_answer_names_the_servers(void **state) {
    (void)state;
    struct client_opaque opaque = {0};
    const struct client_config config = {
        .kind = CLIENT_ENDS, .bootstrap_servers = "127.0.0.1:1,localhost:1", .opaque = &opaque};
    const struct rd_kafka_metadata *metadata;
    rd_kafka_t *client;
    assert_false(failed(client_new(&config, &client)));
    struct failure failure = client_metadata(client, 100, &metadata);
    assert_int_equal(failure.action, FAILURE_RETRY);
    assert_non_null(strstr(failure.text, "no answer from Kafka at 127.0.0.1:1,localhost:1 within"));
    assert_true(client_destroy(client, 10000));
}

static void test_secrets_are_not_repeated(void **state) {
    (void)state;
    struct failure failure = try_property(CLIENT_MEMBER, "ssl.key.password.wrong", "hunter2");
    assert_int_equal(failure.action, FAILURE_STOP);
    assert_null(strstr(failure.text, "hunter2"));
    failure = try_property(CLIENT_MEMBER, "sasl.oauthbearer.method", "hunter2");
    assert_int_equal(failure.action, FAILURE_STOP);
    assert_null(strstr(failure.text, "hunter2"));
}

static void assert_setting(const struct client_config *config, const char *name,
                           const char *expected) {
    rd_kafka_t *client;
    struct failure failure = client_new(config, &client);
    assert_string_equal(failure.text, "");
    char value[20];
    size_t size = sizeof value;
    assert_int_equal(rd_kafka_conf_get(rd_kafka_conf(client), name, value, &size),
                     RD_KAFKA_CONF_OK);
    assert_string_equal(value, expected);
    assert_true(client_destroy(client, 10000));
}

static void test_the_users_property_overrides_ours(void **state) {
    (void)state;
    struct client_opaque opaque = {0};
    struct config_property property = {"linger.ms", "77"};
    struct config_properties kafka = {.items = &property, .count = 1};
    const struct client_config config = {.kind = CLIENT_IDEMPOTENT,
                                         .bootstrap_servers = "127.0.0.1:1",
                                         .kafka = &kafka,
                                         .opaque = &opaque};
    assert_setting(&config, "linger.ms", "77");
}

/* Half a second is librdkafka's own: so long a whole assignment could wait for one idle partition.
 */
static void test_a_member_waits_shortly_for_records(void **state) {
    (void)state;
    struct client_opaque opaque = {0};
    const struct client_setting group = {"group.id", "g"};
    const struct client_config config = {.kind = CLIENT_MEMBER,
                                         .bootstrap_servers = "127.0.0.1:1",
                                         .settings = &group,
                                         .setting_count = 1,
                                         .opaque = &opaque};
    assert_setting(&config, "fetch.wait.max.ms", "50");
}

/* In place of librdkafka's: a destroy takes as long as the test says. */
static int may_end = -1; /* a pipe's end, read before */

void rd_kafka_destroy_flags(rd_kafka_t *client, int flags) {
    void (*librdkafkas)(rd_kafka_t *, int) =
        (void (*)(rd_kafka_t *, int))dlsym(RTLD_NEXT, "rd_kafka_destroy_flags");
    char byte;
    assert_true(may_end < 0 || read(may_end, &byte, 1) == 1);
    librdkafkas(client, flags);
}

#define DESTROY_WAIT_MS 1000

static int destroy_in_child(int starts) {
    struct client_opaque opaque = {0};
    const struct client_config config = {
        .kind = CLIENT_IDEMPOTENT, .bootstrap_servers = "127.0.0.1:1", .opaque = &opaque};
    rd_kafka_t *client;
    struct failure failure = client_new(&config, &client);
    if (failed(failure) || write(starts, "", 1) != 1) {
        return 2;
    }
    return client_destroy(client, DESTROY_WAIT_MS) ? 0 : 1;
}

/* A worker that was stopped while it destroyed a client, and went on, ended: its time was over. */
static void test_time_while_stopped_does_not_count(void **state) {
    (void)state;
    int starts[2], ends[2], status;
    char byte;
    assert_true(pipe(starts) == 0 && pipe(ends) == 0);
    pid_t child = fork();
    if (child == 0) {
        may_end = ends[0];
        _exit(destroy_in_child(starts[1]));
    }
    assert_int_equal(read(starts[0], &byte, 1), 1);
    nanosleep(&(struct timespec){.tv_nsec = DESTROY_WAIT_MS / 10 * 1000000}, NULL);
    kill(child, SIGSTOP);
    nanosleep(&(struct timespec){.tv_sec = DESTROY_WAIT_MS / 1000}, NULL); /* its whole time */
    kill(child, SIGCONT);
    assert_int_equal(waitpid(child, &status, WCONTINUED), child);
    assert_true(WIFCONTINUED(status));
    assert_int_equal(write(ends[1], "", 1), 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close(starts[0]), close(starts[1]), close(ends[0]), close(ends[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_can_be_made),
        cmocka_unit_test(test_properties_of_the_other_kind_are_skipped),
        cmocka_unit_test(test_unknown_and_bad_properties_stop_by_name),
        cmocka_unit_test(test_what_exactly_once_stands_on_is_refused),
        cmocka_unit_test(test_no_answer_names_the_servers),
        cmocka_unit_test(test_secrets_are_not_repeated),
        cmocka_unit_test(test_the_users_property_overrides_ours),
        cmocka_unit_test(test_a_member_waits_shortly_for_records),
        cmocka_unit_test(test_time_while_stopped_does_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
