/* Requests to the endpoint of /metrics: the first byte says whether they go to http_answer alone
 * (method, path, authorization, each with its length) or as raw bytes to the listener on loopback,
 * which must be there for the next one. */
#include "consumer/ops/http.h"
#include "tests/fuzz/fuzz.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_MS     2 /* an answer takes less; a listener that waits for more may wait */
#define ANSWER_MS   20000
#define CHECK_EVERY 100

static struct http_config config(void) {
    static struct health workers[1];
    static struct metrics *metrics;
    if (!metrics) {
        health_init(&workers[0], "worker", 0);
        metrics = fuzz_keep(metrics_new());
    }
    return (struct http_config){.listen = "127.0.0.1:0",
                                .token = "secret",
                                .metrics = metrics,
                                .workers = workers,
                                .worker_count = 1,
                                .stall_after_ms = 1000,
                                .clock = clock_system()};
}

static const char *text_piece(struct fuzz_input *input) {
    struct bytes piece = fuzz_piece(input);
    char *text = memory_copy_text(piece);
    free((void *)(uintptr_t)piece.data);
    return text;
}

static void ask(struct fuzz_input *input) {
    const struct http_config used = config();
    struct buffer body = {0};
    const char *texts[3] = {text_piece(input), text_piece(input), text_piece(input)};
    struct http_request request = {
        .method = texts[0], .path = texts[1], .authorization = texts[2][0] ? texts[2] : NULL};
    struct http_answer answer = http_answer(&used, request, &body);
    FUZZ_ASSERT(answer.status == 200 || answer.status == 401 || answer.status == 404 ||
                answer.status == 405 || answer.status == 503);
    FUZZ_ASSERT(answer.status != 200 || answer.content_type);
    for (int i = 0; i < 3; i++) {
        free((void *)(uintptr_t)texts[i]);
    }
    buffer_clean_up(&body);
}

static int connect_to(uint16_t port) {
    int socket_fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct linger at_once = {.l_onoff = 1};
    FUZZ_ASSERT(socket_fd >= 0);
    (void)setsockopt(socket_fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    FUZZ_ASSERT(connect(socket_fd, (struct sockaddr *)&address, sizeof address) == 0);
    return socket_fd;
}

/* Whatever comes back within wait_ms must begin like an answer; true if something did. */
static bool exchange(uint16_t port, struct bytes request, int wait_ms) {
    static const char start[] = "HTTP/1.";
    char answer[4096];
    int socket_fd = connect_to(port);
    struct pollfd place = {.fd = socket_fd, .events = POLLIN};
    (void)send(socket_fd, request.data, request.size, MSG_NOSIGNAL);
    ssize_t got = poll(&place, 1, wait_ms) > 0 ? recv(socket_fd, answer, sizeof answer, 0) : 0;
    bool is_answer = got >= (ssize_t)sizeof start;
    FUZZ_ASSERT(!is_answer || memcmp(answer, start, sizeof start - 1) == 0);
    close(socket_fd);
    return is_answer;
}

static void send_raw(struct bytes request) {
    static struct http *http;
    static unsigned long count;
    if (!http) {
        const struct http_config used = config();
        FUZZ_ASSERT(!failed(http_start(&used, &http)));
    }
    (void)exchange(http_port(http), request, WAIT_MS);
    if (++count % CHECK_EVERY == 0) {
        struct bytes good = bytes_of_text("GET /readyz HTTP/1.0\r\n\r\n");
        FUZZ_ASSERT(exchange(http_port(http), good, ANSWER_MS));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_input input = {bytes_of(data, size)};
    if (fuzz_number(&input, 1) & 1) {
        send_raw(input.left);
    } else {
        ask(&input);
    }
    return 0;
}
