/* http: what is answered, and that hostile callers are bounded: rubbish, huge headers, idle crowds.
 */
#include "consumer/ops/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#define STALL_MS     90000
#define IDLE_CALLERS 100
#define ROUNDS       200

#define TEST_METRICS(X) X(beans_total, COUNTER, "beans counted")
METRICS_STRUCT(test_metrics, TEST_METRICS)
#define METRICS_ROW_STRUCT struct test_metrics
METRICS_TABLE(test_metrics, TEST_METRICS)
#undef METRICS_ROW_STRUCT

struct fixture {
    struct test_metrics cells;
    struct metrics *metrics;
    struct health worker;
    int64_t now_ms;
    struct http_config config;
    struct http *http;
};

static int set_up(void **state) {
    struct fixture *fixture = memory_new(1, sizeof *fixture);
    fixture->now_ms = 1000000;
    fixture->metrics = metrics_new();
    metrics_register(fixture->metrics, "test", "", test_metrics_table, test_metrics_count,
                     &fixture->cells);
    metric_set(&fixture->cells.beans_total, 42);
    health_init(&fixture->worker, "w-0", fixture->now_ms);
    fixture->config = (struct http_config){
        .listen = "127.0.0.1:0",
        .token = "",
        .metrics = fixture->metrics,
        .workers = &fixture->worker,
        .worker_count = 1,
        .stall_after_ms = STALL_MS,
        .clock = clock_fake(&fixture->now_ms),
    };
    if (failed(http_start(&fixture->config, &fixture->http))) {
        return -1;
    }
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    http_stop(fixture->http);
    metrics_destroy(fixture->metrics);
    free(fixture);
    return 0;
}

/* ---- A plain client ---- */

static int dial(const struct fixture *fixture) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    struct timeval limit = {.tv_sec = 8}; /* a hang fails the test instead of stopping it */
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(http_port(fixture->http)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void send_text(int fd, struct bytes text) {
    for (size_t sent = 0; sent < text.size;) {
        ssize_t size = send(fd, text.data + sent, text.size - sent, MSG_NOSIGNAL);
        if (size <= 0) {
            return; /* the server has hung up, which the caller will see when it reads */
        }
        sent += (size_t)size;
    }
}

/* Everything until the server closes, as text. False if it did not close in time. */
static bool read_all(int fd, struct buffer *out) {
    buffer_clear(out);
    ssize_t size = 0;
    do {
        size = recv(fd, buffer_reserve(out, 65536), 65536, 0);
        out->size += size > 0 ? (size_t)size : 0;
    } while (size > 0);
    bool is_closed = size == 0 || errno == ECONNRESET;
    buffer_append_byte(out, 0);
    close(fd);
    return is_closed;
}

static const char *ask(const struct fixture *fixture, const char *request, struct buffer *out) {
    int fd = dial(fixture);
    send_text(fd, bytes_of_text(request));
    assert_true(read_all(fd, out));
    return (const char *)out->data;
}

#define CLOSE " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

static void assert_has(const char *text, const char *wanted) {
    if (!strstr(text, wanted)) {
        fail_msg("'%s' is not in '%s'", wanted, text);
    }
}

static void assert_lacks(const char *text, const char *unwanted) {
    assert_null(strstr(text, unwanted));
}

/* ---- Answers ---- */

static void test_metrics_page(void **state) {
    struct fixture *fixture = *state;
    struct buffer out = {0};
    const char *text = ask(fixture, "GET /metrics" CLOSE, &out);
    assert_has(text, "HTTP/1.1 200");
    assert_has(text, "text/plain; version=0.0.4");
    assert_has(text, "promostream_test_beans_total 42\n");
    metric_add(&fixture->cells.beans_total, 1);
    assert_has(ask(fixture, "GET /metrics?x=1" CLOSE, &out), "promostream_test_beans_total 43\n");
    text = ask(fixture, "HEAD /metrics" CLOSE, &out);
    assert_has(text, "HTTP/1.1 200");
    assert_has(text, "Content-Length: ");
    assert_lacks(text, "beans");
    buffer_clean_up(&out);
}

static void test_health_pages(void **state) {
    struct fixture *fixture = *state;
    struct buffer out = {0};
    assert_has(ask(fixture, "GET /readyz" CLOSE, &out), "HTTP/1.1 503");
    assert_has(ask(fixture, "GET /healthz" CLOSE, &out), "HTTP/1.1 200");
    health_enter(&fixture->worker, WORKER_RUNNING, fixture->now_ms);
    const char *text = ask(fixture, "GET /readyz" CLOSE, &out);
    assert_has(text, "HTTP/1.1 200");
    assert_has(text, "w-0 running, progress 0.0 s ago");
    fixture->now_ms += STALL_MS + 1;
    text = ask(fixture, "GET /healthz" CLOSE, &out);
    assert_has(text, "HTTP/1.1 503");
    assert_has(text, "stalled");
    health_beat(&fixture->worker, fixture->now_ms);
    assert_has(ask(fixture, "GET /healthz" CLOSE, &out), "HTTP/1.1 200");
    buffer_clean_up(&out);
}

static void test_refusals(void **state) {
    struct fixture *fixture = *state;
    struct buffer out = {0};
    assert_has(ask(fixture, "GET /" CLOSE, &out), "HTTP/1.1 404");
    assert_has(ask(fixture, "GET /metrics/../../etc/passwd" CLOSE, &out), "HTTP/1.1 404");
    const char *text = ask(fixture, "DELETE /metrics" CLOSE, &out);
    assert_has(text, "HTTP/1.1 405");
    assert_has(text, "Allow: GET, HEAD");
    text = ask(fixture,
               "POST /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
               "Content-Length: 5\r\n\r\nhello",
               &out);
    assert_has(text, "HTTP/1.1 405");
    buffer_clean_up(&out);
}

/* Starts the endpoint anew with a token. */
static void want_token(struct fixture *fixture) {
    http_stop(fixture->http);
    fixture->config.token = "correct-horse-battery";
    assert_false(failed(http_start(&fixture->config, &fixture->http)));
}

#define SHOW(path, authorization)                                                                  \
    "GET " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: " authorization       \
    "\r\n\r\n"

static void test_token(void **state) {
    struct fixture *fixture = *state;
    want_token(fixture);
    struct buffer out = {0};
    const char *text = ask(fixture, "GET /metrics" CLOSE, &out);
    assert_has(text, "HTTP/1.1 401");
    assert_has(text, "WWW-Authenticate: Bearer\r\n");
    assert_lacks(text, "beans");
    assert_lacks(text, "horse");
    static const char *const wrong[] = {
        SHOW("/metrics", "Bearer correct-horse-batterY"),
        SHOW("/metrics", "Bearer correct-horse"),
        SHOW("/metrics", "Bearer correct-horse-battery-"),
        SHOW("/metrics", "Bearer"),
        SHOW("/metrics", "Bearer "),
        SHOW("/metrics", "Basic correct-horse-battery"),
        SHOW("/metrics", "correct-horse-battery"),
        SHOW("/metrics?token=correct-horse-battery", ""),
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_has(ask(fixture, wrong[i], &out), "HTTP/1.1 401");
    }
    assert_has(ask(fixture, SHOW("/metrics", "Bearer correct-horse-battery"), &out), "beans");
    assert_has(ask(fixture, SHOW("/metrics", "bearer  correct-horse-battery"), &out), "beans");
    buffer_clean_up(&out);
}

/* Probes have no token: the answer is the same, the workers' names are not in it. */
static void test_probes_need_no_token(void **state) {
    struct fixture *fixture = *state;
    want_token(fixture);
    struct buffer out = {0};
    const char *text = ask(fixture, "GET /healthz" CLOSE, &out);
    assert_has(text, "HTTP/1.1 200");
    assert_has(text, "alive\n");
    assert_lacks(text, "w-0");
    assert_has(ask(fixture, "GET /readyz" CLOSE, &out), "HTTP/1.1 503");
    assert_has(ask(fixture, SHOW("/healthz", "Bearer correct-horse-battery"), &out), "w-0");
    buffer_clean_up(&out);
}

static void test_keep_alive(void **state) {
    struct fixture *fixture = *state;
    struct buffer out = {0};
    const char *text = ask(fixture,
                           "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
                           "GET /readyz" CLOSE,
                           &out);
    assert_has(text, "alive\n");
    assert_has(text, "not ready\n");
    buffer_clean_up(&out);
}

/* ---- Hostile callers ---- */

static void test_rubbish(void **state) {
    struct fixture *fixture = *state;
    struct buffer out = {0};
    assert_lacks(ask(fixture, "\x16\x03\x01\x02 TLS hello\r\n\r\n", &out), "HTTP/1.1 200");
    assert_lacks(ask(fixture, "\r\n\r\n\r\nno such thing\r\n\r\n", &out), "HTTP/1.1 200");
    assert_has(ask(fixture, "GET /healthz" CLOSE, &out), "HTTP/1.1 200");
    buffer_clean_up(&out);
}

static void test_huge_header(void **state) {
    struct fixture *fixture = *state;
    struct buffer request = {0}, out = {0};
    buffer_append(&request, bytes_of_text("GET /metrics HTTP/1.1\r\nHost: x\r\nX-Long: "));
    for (int i = 0; i < 200000; i++) {
        buffer_append_byte(&request, 'a');
    }
    buffer_append(&request, bytes_of_text("\r\n\r\n"));
    int fd = dial(fixture);
    send_text(fd, buffer_bytes(&request));
    assert_true(read_all(fd, &out));
    assert_lacks((const char *)out.data, "HTTP/1.1 200");
    assert_has(ask(fixture, "GET /healthz" CLOSE, &out), "HTTP/1.1 200");
    buffer_clean_up(&request);
    buffer_clean_up(&out);
}

/* Many callers who never finish their request: a supervisor is answered all the same, long before
 * their silence would have ended them. */
static void test_idle_crowd(void **state) {
    struct fixture *fixture = *state;
    struct buffer out = {0};
    int crowd[IDLE_CALLERS];
    for (size_t i = 0; i < IDLE_CALLERS; i++) {
        crowd[i] = dial(fixture);
        send_text(crowd[i], bytes_of_text("GET /healthz HTTP/1.1\r\nX-Slow:"));
    }
    int64_t began_ns = clock_monotonic_ns();
    assert_has(ask(fixture, "GET /healthz" CLOSE, &out), "HTTP/1.1 200");
    assert_true(clock_monotonic_ns() - began_ns < (int64_t)HTTP_SILENCE_S_MAX * 1000000000 / 2);
    for (size_t i = 0; i < IDLE_CALLERS; i++) {
        close(crowd[i]);
    }
    for (int i = 0; i < ROUNDS; i++) { /* places come back */
        assert_has(ask(fixture, "GET /healthz" CLOSE, &out), "HTTP/1.1 200");
    }
    buffer_clean_up(&out);
}

/* ---- Start and stop ---- */

static void assert_refused(struct http_config config, const char *listen) {
    struct http *http = NULL;
    config.listen = listen;
    struct failure failure = http_start(&config, &http);
    assert_int_equal(failure.action, FAILURE_STOP);
    assert_null(http);
    assert_has(failure.text, listen);
    struct failure checked = http_check_listen(listen);
    assert_string_equal(checked.text, failure.text);
}

static void test_listen(void **state) {
    struct fixture *fixture = *state;
    char taken[32];
    snprintf(taken, sizeof taken, "127.0.0.1:%u", http_port(fixture->http));
    assert_refused(fixture->config, taken);
    assert_refused(fixture->config, "9464");
    assert_refused(fixture->config, "127.0.0.1:");
    assert_refused(fixture->config, "127.0.0.1:65536");
    assert_refused(fixture->config, "127.0.0.1:94x");
    assert_refused(fixture->config, "::1:9464");
    assert_refused(fixture->config, "256.1.1.1:9464");
    assert_false(failed(http_check_listen(":0")));
    struct http *any = NULL;
    struct http_config config = fixture->config;
    config.listen = ":0";
    assert_false(failed(http_start(&config, &any)));
    assert_true(http_port(any) > 0);
    assert_true(http_is_exposed(any));
    assert_false(http_is_exposed(fixture->http));
    http_stop(any);
    config.listen = "127.8.8.8:0";
    assert_false(failed(http_start(&config, &any)));
    assert_false(http_is_exposed(any));
    http_stop(any);
    http_stop(NULL);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_metrics_page),         TEST(test_health_pages), TEST(test_refusals),
        TEST(test_keep_alive),           TEST(test_rubbish),      TEST(test_huge_header),
        TEST(test_idle_crowd),           TEST(test_listen),       TEST(test_token),
        TEST(test_probes_need_no_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
