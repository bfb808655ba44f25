#include "schemas/registry_http.h"

#include <assert.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>

#define BODY_BYTES_MAX (2 << 20)
#define POLL_MS        1000
#define MEDIA_TYPE     "application/vnd.schemaregistry.v1+json"

struct registry_http {
    const struct registry_config *config;
    CURL *easy;
    CURLM *multi; /* keeps the connection, and can be woken from outside */
    struct curl_slist *headers;
    _Atomic bool is_cancelled;
    int64_t requests;
    struct buffer body;
    bool is_too_long;
    char error[CURL_ERROR_SIZE];
};

/* libcurl's own state must be made once, before threads use it. */
static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void start_curl(void) {
    CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
    assert(code == CURLE_OK);
}

static size_t take_body(char *data, size_t size, size_t count, void *context) {
    struct registry_http *http = context;
    size_t bytes = size * count;
    http->is_too_long = http->body.size + bytes > BODY_BYTES_MAX;
    if (http->is_too_long) {
        return 0; /* ends the transfer */
    }
    buffer_append(&http->body, bytes_of(data, bytes));
    return bytes;
}

static void set_identity(CURL *easy, const struct registry_config *config) {
    if (config->user[0] != '\0') {
        curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        curl_easy_setopt(easy, CURLOPT_USERNAME, config->user);
        curl_easy_setopt(easy, CURLOPT_PASSWORD, config->password);
    }
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (config->ca_file[0] != '\0') {
        curl_easy_setopt(easy, CURLOPT_CAINFO, config->ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    if (config->cert_file[0] != '\0') {
        curl_easy_setopt(easy, CURLOPT_SSLCERT, config->cert_file);
        curl_easy_setopt(easy, CURLOPT_SSLKEY,
                         config->key_file[0] != '\0' ? config->key_file : config->cert_file);
    }
}

static void set_options(struct registry_http *http) {
    CURL *easy = http->easy;
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)http->config->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)http->config->timeout_ms);
#if LIBCURL_VERSION_NUM >= 0x075700
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a name server that hangs holds up no end */
#endif
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "promostream/" PROMOSTREAM_VERSION);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, http->headers);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, http->error);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, http);
    set_identity(easy, http->config);
}

struct registry_http *registry_http_new(const struct registry_config *config) {
    int error = pthread_once(&curl_once, start_curl);
    assert(error == 0);
    struct registry_http *http = memory_new(1, sizeof *http);
    http->config = config;
    http->easy = curl_easy_init();
    http->multi = curl_multi_init();
    assert(http->easy && http->multi);
    http->headers = curl_slist_append(NULL, "Accept: " MEDIA_TYPE ", application/json");
    http->headers = curl_slist_append(http->headers, "Content-Type: " MEDIA_TYPE);
    http->headers = curl_slist_append(http->headers, "Expect:");
    set_options(http);
    return http;
}

void registry_http_destroy(struct registry_http *http) {
    if (!http) {
        return;
    }
    curl_easy_cleanup(http->easy);
    curl_multi_cleanup(http->multi);
    curl_slist_free_all(http->headers);
    buffer_clean_up(&http->body);
    free(http);
}

void registry_http_cancel(struct registry_http *http) {
    http->is_cancelled = true;
    curl_multi_wakeup(http->multi);
}

int64_t registry_http_requests(const struct registry_http *http) {
    return http->requests;
}

/* ---- one transfer ---- */

static CURLcode result_of(CURLM *multi) {
    int left = 0;
    const CURLMsg *message = curl_multi_info_read(multi, &left);
    return message ? message->data.result : CURLE_ABORTED_BY_CALLBACK;
}

static CURLcode transfer(struct registry_http *http) {
    buffer_clear(&http->body);
    http->is_too_long = false;
    http->error[0] = '\0';
    http->requests++;
    curl_multi_add_handle(http->multi, http->easy);
    int running = 1;
    while (running && !http->is_cancelled &&
           curl_multi_perform(http->multi, &running) == CURLM_OK && running) {
        curl_multi_poll(http->multi, NULL, 0, POLL_MS, NULL);
    }
    CURLcode code = result_of(http->multi);
    curl_multi_remove_handle(http->multi, http->easy);
    return code;
}

static void read_answer(struct registry_http *http, CURLcode code, const char *url,
                        struct registry_reply *reply) {
    if (code != CURLE_OK) {
        const char *reason = http->error[0] != '\0' ? http->error : curl_easy_strerror(code);
        registry_reply_fail(reply, url,
                            http->is_too_long ? "an answer of more than 2 MiB" : reason);
        return;
    }
    long status = 0;
    curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &status);
    registry_reply_read(reply, url, status, buffer_bytes(&http->body));
}

static void request(struct registry_http *http, const char *path, const char *body,
                    struct registry_reply *out) {
    assert(path[0] == '/');
    *out = (struct registry_reply){0};
    struct buffer url = {0};
    size_t size = strlen(http->config->url);
    while (size > 0 && http->config->url[size - 1] == '/') {
        size--;
    }
    buffer_format(&url, "%.*s%s", (int)size, http->config->url, path);
    buffer_append_byte(&url, 0);
    curl_easy_setopt(http->easy, CURLOPT_URL, (const char *)url.data);
    if (body) {
        curl_easy_setopt(http->easy, CURLOPT_POSTFIELDS, body);
    } else {
        curl_easy_setopt(http->easy, CURLOPT_HTTPGET, 1L);
    }
    read_answer(http, transfer(http), (const char *)url.data, out);
    buffer_clean_up(&url);
}

void registry_http_get(struct registry_http *http, const char *path, struct registry_reply *out) {
    request(http, path, NULL, out);
}

void registry_http_post(struct registry_http *http, const char *path, const char *body,
                        struct registry_reply *out) {
    request(http, path, body, out);
}

char *registry_http_escape(const char *text) {
    char *escaped = curl_easy_escape(NULL, text, 0);
    assert(escaped);
    char *copy = memory_copy_text(bytes_of_text(escaped));
    curl_free(escaped);
    return copy;
}
