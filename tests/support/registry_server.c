#include "tests/support/registry_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <jansson.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buffer.h"

#define ANSWERS_MAX 32
#define WAIT_S      10
#define UNKNOWN     "{\"error_code\":40403,\"message\":\"Schema not found\"}"

struct registry_server {
    struct MHD_Daemon *daemon;
    const char *user, *password;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct {
        char *request, *body;
        int status;
    } answers[ANSWERS_MAX];
    size_t answer_count;
    enum server_mode mode;
    int requests;
    char *posted;
};

static enum MHD_Result reply(struct MHD_Connection *connection, int status, const char *body) {
    struct MHD_Response *response = MHD_create_response_from_buffer(
        strlen(body), (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);
    MHD_add_response_header(response, "Content-Type", "application/json");
    if (status == 302) {
        MHD_add_response_header(response, "Location", "/schemas/ids/1");
    }
    enum MHD_Result result = MHD_queue_response(connection, (unsigned)status, response);
    MHD_destroy_response(response);
    return result;
}

static bool is_allowed(const struct registry_server *server, struct MHD_Connection *connection) {
    if (!server->user) {
        return true;
    }
    char *password = NULL;
    char *user = MHD_basic_auth_get_username_password(connection, &password);
    bool is_right = user && password && strcmp(user, server->user) == 0 &&
                    strcmp(password, server->password) == 0;
    free(user);
    free(password);
    return is_right;
}

/* The mutex is held. */
static enum MHD_Result answer(struct registry_server *server, struct MHD_Connection *connection,
                              const char *request) {
    while (server->mode == SERVER_HANGS) {
        pthread_cond_wait(&server->changed, &server->mutex);
    }
    switch (server->mode) {
    case SERVER_FAILS:
        return reply(connection, 500, "{\"error_code\":50001,\"message\":\"store\\nis down\"}");
    case SERVER_BUSY:
        return reply(connection, 429, "");
    case SERVER_REDIRECTS:
        return reply(connection, 302, "");
    case SERVER_HANGS_UP:
        return MHD_NO;
    case SERVER_HANGS:
    case SERVER_ANSWERS:
        break;
    }
    if (!is_allowed(server, connection)) {
        return reply(connection, 401, "{\"error_code\":40101,\"message\":\"Unauthorized\"}");
    }
    for (size_t i = 0; i < server->answer_count; i++) {
        if (strcmp(server->answers[i].request, request) == 0) {
            return reply(connection, server->answers[i].status, server->answers[i].body);
        }
    }
    return reply(connection, 404, UNKNOWN);
}

static void end_request(void *context, struct MHD_Connection *connection, void **request,
                        enum MHD_RequestTerminationCode code) {
    (void)context, (void)connection, (void)code;
    if (*request) {
        buffer_clean_up(*request);
        free(*request);
    }
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *data_size, void **request) {
    (void)version;
    struct registry_server *server = context;
    if (!*request) {
        *request = memory_new(1, sizeof(struct buffer));
        return MHD_YES;
    }
    struct buffer *body = *request;
    if (*data_size > 0) {
        buffer_append(body, bytes_of(data, *data_size));
        *data_size = 0;
        return MHD_YES;
    }
    char line[512];
    snprintf(line, sizeof line, "%s %s", method, url);
    pthread_mutex_lock(&server->mutex);
    server->requests++;
    if (strcmp(method, "POST") == 0) {
        free(server->posted);
        server->posted = memory_copy_text(buffer_bytes(body));
    }
    pthread_cond_broadcast(&server->changed);
    enum MHD_Result result = answer(server, connection, line);
    pthread_mutex_unlock(&server->mutex);
    return result;
}

struct registry_server *registry_server_start(uint16_t port, const char *user, const char *password,
                                              const char *key, const char *certificate) {
    if (key && MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES) {
        return NULL;
    }
    struct registry_server *server = memory_new(1, sizeof *server);
    server->user = user;
    server->password = password;
    pthread_mutex_init(&server->mutex, NULL);
    pthread_cond_init(&server->changed, NULL);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)key},
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)certificate},
        {MHD_OPTION_END, 0, NULL},
    };
    server->daemon =
        MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION |
                             (key ? (unsigned)MHD_USE_TLS : 0),
                         port, NULL, NULL, handle, server, MHD_OPTION_SOCK_ADDR, &address,
                         MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_NOTIFY_COMPLETED,
                         end_request, NULL, MHD_OPTION_ARRAY, key ? tls : &tls[2], MHD_OPTION_END);
    assert(server->daemon);
    return server;
}

void registry_server_stop(struct registry_server *server) {
    if (!server) {
        return;
    }
    registry_server_set_mode(server, SERVER_FAILS); /* lets go of who hangs */
    MHD_stop_daemon(server->daemon);
    for (size_t i = 0; i < server->answer_count; i++) {
        free(server->answers[i].request);
        free(server->answers[i].body);
    }
    free(server->posted);
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->mutex);
    free(server);
}

uint16_t registry_server_port(const struct registry_server *server) {
    return MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

void registry_server_set(struct registry_server *server, const char *request, int status,
                         const char *body) {
    pthread_mutex_lock(&server->mutex);
    size_t i = 0;
    while (i < server->answer_count && strcmp(server->answers[i].request, request) != 0) {
        i++;
    }
    assert(i < ANSWERS_MAX);
    if (i == server->answer_count) {
        server->answers[i].request = memory_copy_text(bytes_of_text(request));
        server->answer_count++;
    }
    free(server->answers[i].body);
    server->answers[i].body = memory_copy_text(bytes_of_text(body));
    server->answers[i].status = status;
    pthread_mutex_unlock(&server->mutex);
}

void registry_server_set_schema(struct registry_server *server, uint32_t id, const char *text) {
    char request[64];
    snprintf(request, sizeof request, "GET /schemas/ids/%u", (unsigned)id);
    json_t *answer = json_pack("{s:s}", "schema", text);
    char *body = json_dumps(answer, 0);
    registry_server_set(server, request, 200, body);
    free(body);
    json_decref(answer);
}

void registry_server_set_mode(struct registry_server *server, enum server_mode mode) {
    pthread_mutex_lock(&server->mutex);
    server->mode = mode;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->mutex);
}

int registry_server_requests(struct registry_server *server) {
    pthread_mutex_lock(&server->mutex);
    int requests = server->requests;
    pthread_mutex_unlock(&server->mutex);
    return requests;
}

bool registry_server_wait_requests(struct registry_server *server, int count) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    pthread_mutex_lock(&server->mutex);
    int error = 0;
    while (server->requests < count && error == 0) {
        error = pthread_cond_timedwait(&server->changed, &server->mutex, &until);
    }
    bool is_reached = server->requests >= count;
    pthread_mutex_unlock(&server->mutex);
    return is_reached;
}

const char *registry_server_posted(struct registry_server *server) {
    pthread_mutex_lock(&server->mutex);
    const char *posted = server->posted;
    pthread_mutex_unlock(&server->mutex);
    return posted;
}
