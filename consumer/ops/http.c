#include "consumer/ops/http.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/pseudonym.h"

/* When so few places are left, the oldest connection gives way to the next caller. */
#define HTTP_CONNECTIONS_SPARE 4
#define HOST_BYTES_MAX         256

struct open_connection {
    int socket;     /* -1 = free place */
    uint64_t order; /* counts up: the smallest is the oldest */
};

struct http {
    struct http_config config;
    struct MHD_Daemon *daemon;
    struct open_connection connections[HTTP_CONNECTIONS_MAX]; /* server's thread only */
    size_t open_count;
    uint64_t next_order;
    bool is_exposed;
};

/* ---- Answers ---- */

static struct http_answer answer_text(unsigned status, struct buffer *body, const char *text) {
    buffer_format(body, "%s\n", text);
    return (struct http_answer){.status = status, .content_type = "text/plain; charset=utf-8"};
}

static struct http_answer answer_metrics(const struct http_config *config, struct buffer *body) {
    metrics_write(config->metrics, body);
    return (struct http_answer){.status = MHD_HTTP_OK,
                                .content_type = "text/plain; version=0.0.4; charset=utf-8"};
}

static struct http_answer answer_health(const struct http_config *config, bool is_good,
                                        const char *good, const char *bad, bool names_workers,
                                        struct buffer *body) {
    struct http_answer answer = answer_text(is_good ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE,
                                            body, is_good ? good : bad);
    if (names_workers) {
        health_write(config->workers, config->worker_count, clock_now_ms(config->clock), body);
    }
    return answer;
}

static struct http_answer answer_unauthorized(struct buffer *body) {
    struct http_answer answer = answer_text(MHD_HTTP_UNAUTHORIZED, body,
                                            "unauthorized; Authorization: Bearer ops.http_token");
    answer.wants_token = true;
    return answer;
}

/* RFC 6750: the scheme in any case, one or more spaces, the token. */
static bool is_authorized(const struct http_config *config, const char *authorization) {
    static const char scheme[] = "Bearer ";
    if (config->token[0] == '\0') {
        return true;
    }
    if (!authorization || strncasecmp(authorization, scheme, strlen(scheme)) != 0) {
        return false;
    }
    const char *shown = authorization + strlen(scheme);
    shown += strspn(shown, " ");
    return secret_equals(bytes_of_text(shown), bytes_of_text(config->token));
}

static bool is_path(const char *path, const char *wanted) {
    return strcmp(path, wanted) == 0;
}

struct http_answer http_answer(const struct http_config *config, struct http_request request,
                               struct buffer *body) {
    bool is_metrics = is_path(request.path, "/metrics");
    bool is_healthz = is_path(request.path, "/healthz");
    bool is_readyz = is_path(request.path, "/readyz");
    if (!is_metrics && !is_healthz && !is_readyz) {
        return answer_text(MHD_HTTP_NOT_FOUND, body,
                           "not found; there are /metrics, /healthz and /readyz");
    }
    if (strcmp(request.method, "GET") != 0 && strcmp(request.method, "HEAD") != 0) {
        struct http_answer answer =
            answer_text(MHD_HTTP_METHOD_NOT_ALLOWED, body, "method not allowed; GET or HEAD");
        answer.allow = "GET, HEAD";
        return answer;
    }
    bool is_known = is_authorized(config, request.authorization);
    if (is_metrics) {
        return is_known ? answer_metrics(config, body) : answer_unauthorized(body);
    }
    if (is_healthz) {
        bool is_alive = health_is_alive(config->workers, config->worker_count,
                                        clock_now_ms(config->clock), config->stall_after_ms);
        return answer_health(config, is_alive, "alive", "stalled", is_known, body);
    }
    return answer_health(config, health_is_ready(config->workers, config->worker_count), "ready",
                         "not ready", is_known, body);
}

static enum MHD_Result send_answer(struct MHD_Connection *connection, struct http_answer answer,
                                   struct buffer *body) {
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body->size, body->data, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        buffer_clean_up(body);
        return MHD_NO;
    }
    *body = (struct buffer){0}; /* the response owns it */
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer.content_type);
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    (void)MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (answer.allow) {
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, answer.allow);
    }
    if (answer.wants_token) {
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    }
    enum MHD_Result result = MHD_queue_response(connection, answer.status, response);
    MHD_destroy_response(response);
    return result;
}

/* Called by the library once when the headers are in, and again until the body is read. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **request) {
    (void)version;
    (void)upload;
    struct http *http = context;
    bool is_read = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    if (!*request && is_read) {
        *request = http; /* seen; the answer follows at the second call, so that keep-alive works */
        return MHD_YES;
    }
    if (is_read && *upload_size > 0) {
        *upload_size = 0; /* a body of a GET is read and dropped */
        return MHD_YES;
    }
    struct buffer body;
    buffer_init(&body, 4096);
    struct http_request asked = {
        .method = method,
        .path = url,
        .authorization =
            MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION),
    };
    struct http_answer answer = http_answer(&http->config, asked, &body);
    return send_answer(connection, answer, &body);
}

/* ---- Connections ---- */

static void close_oldest(struct http *http) {
    struct open_connection *oldest = NULL;
    for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
        struct open_connection *connection = &http->connections[i];
        if (connection->socket >= 0 && (!oldest || connection->order < oldest->order)) {
            oldest = connection;
        }
    }
    if (oldest) {
        shutdown(oldest->socket, SHUT_RDWR); /* the library sees the end and closes it */
        oldest->order = UINT64_MAX;          /* asked once */
    }
}

static struct open_connection *find_connection(struct http *http, int socket) {
    for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
        if (http->connections[i].socket == socket) {
            return &http->connections[i];
        }
    }
    return NULL;
}

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code) {
    (void)socket_context;
    struct http *http = context;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (!info) {
        return;
    }
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        struct open_connection *place = find_connection(http, info->connect_fd);
        if (place) {
            place->socket = -1;
            http->open_count--;
        }
        return;
    }
    if (http->open_count >= HTTP_CONNECTIONS_MAX - HTTP_CONNECTIONS_SPARE) {
        close_oldest(http);
    }
    struct open_connection *place = find_connection(http, -1);
    if (place) {
        *place = (struct open_connection){.socket = info->connect_fd, .order = http->next_order++};
        http->open_count++;
    }
}

/* ---- Start and stop ---- */

/* Splits host:port; an IPv6 host stands in brackets. False if there is no port. */
static bool split_listen(const char *listen, char host[HOST_BYTES_MAX], const char **out_port) {
    const char *colon = strrchr(listen, ':');
    if (!colon || colon[1] == '\0') {
        return false;
    }
    const char *start = listen;
    size_t size = (size_t)(colon - listen);
    if (size >= 2 && start[0] == '[' && start[size - 1] == ']') {
        start++;
        size -= 2;
    } else if (memchr(start, ':', size)) {
        return false;
    }
    if (size >= HOST_BYTES_MAX) {
        return false;
    }
    memcpy(host, start, size);
    host[size] = '\0';
    *out_port = colon + 1;
    return true;
}

static struct failure resolve(const char *listen, struct addrinfo **out) {
    char host[HOST_BYTES_MAX];
    const char *port = NULL;
    if (!split_listen(listen, host, &port) || strspn(port, "0123456789") != strlen(port) ||
        strlen(port) > 5 || strtol(port, NULL, 10) > 65535) {
        return failure_make(FAILURE_STOP, EINVAL, "http_listen '%s' is not host:port", listen);
    }
    struct addrinfo hints = {.ai_family = host[0] ? AF_UNSPEC : AF_INET,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    int code = getaddrinfo(host[0] ? host : NULL, port, &hints, out);
    if (code != 0) {
        return failure_make(FAILURE_STOP, code, "http_listen '%s': %s", listen, gai_strerror(code));
    }
    return failure_none();
}

static struct failure cannot_listen(const char *listen, int code) {
    return failure_make(FAILURE_STOP, code, "cannot listen on %s (ops.http_listen): %s", listen,
                        code ? strerror(code) : "the HTTP library refused");
}

struct failure http_check_listen(const char *address) {
    struct addrinfo *addresses = NULL;
    struct failure failure = resolve(address, &addresses);
    if (failed(failure)) {
        return failure;
    }
    int yes = 1; /* as the HTTP library has it: connections that ended just now are no obstacle */
    int fd = socket(addresses->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
        bind(fd, addresses->ai_addr, addresses->ai_addrlen) != 0 || listen(fd, 1) != 0) {
        failure = cannot_listen(address, errno);
    }
    if (fd >= 0) {
        close(fd);
    }
    freeaddrinfo(addresses);
    return failure;
}

static bool is_loopback(const struct sockaddr *address) {
    if (address->sa_family == AF_INET6) {
        return IN6_IS_ADDR_LOOPBACK(
            &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
    }
    const struct sockaddr_in *ipv4 = (const void *)address;
    return ntohl(ipv4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

static struct MHD_Daemon *start_daemon(struct http *http, const struct sockaddr *address) {
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO;
    if (address->sa_family == AF_INET6) {
        flags |= MHD_USE_IPv6;
    }
    return MHD_start_daemon(flags, 0, NULL, NULL, on_request, http, MHD_OPTION_SOCK_ADDR, address,
                            MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS_MAX,
                            MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_SILENCE_S_MAX,
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_REQUEST_BYTES_MAX,
                            MHD_OPTION_NOTIFY_CONNECTION, on_connection, http, MHD_OPTION_END);
}

struct failure http_start(const struct http_config *config, struct http **out) {
    *out = NULL;
    struct addrinfo *addresses = NULL;
    struct failure failure = resolve(config->listen, &addresses);
    if (failed(failure)) {
        return failure;
    }
    struct http *http = memory_new(1, sizeof *http);
    http->config = *config;
    for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
        http->connections[i].socket = -1;
    }
    errno = 0;
    http->daemon = start_daemon(http, addresses->ai_addr);
    int code = errno;
    http->is_exposed = !is_loopback(addresses->ai_addr);
    freeaddrinfo(addresses);
    if (!http->daemon) {
        free(http);
        return cannot_listen(config->listen, code);
    }
    http->config.listen = NULL; /* not needed any more, and not ours */
    *out = http;
    return failure_none();
}

uint16_t http_port(const struct http *http) {
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT);
    return info ? info->port : 0;
}

bool http_is_exposed(const struct http *http) {
    return http->is_exposed;
}

void http_stop(struct http *http) {
    if (!http) {
        return;
    }
    MHD_stop_daemon(http->daemon);
    free(http);
}
