/* http: /metrics, /healthz and /readyz for Prometheus and supervisors. Read-only, no TLS, no state.
 *
 * With a token /metrics asks for "Authorization: Bearer TOKEN". Probes of supervisors carry none,
 * so /healthz and /readyz answer everybody, but name workers only to those who show it.
 *
 * One thread of libmicrohttpd's answers everybody. Bounded: 32 connections, 16 KiB of request each,
 * 10 s of silence. When connections run short the oldest gives way, so that somebody who sends one
 * byte every nine seconds over many connections cannot keep a supervisor out. */
#ifndef PROMOSTREAM_OPS_HTTP_H
#define PROMOSTREAM_OPS_HTTP_H

#include "base/clock.h"
#include "base/failure.h"
#include "base/metrics.h"
#include "consumer/ops/health.h"

#define HTTP_CONNECTIONS_MAX   32
#define HTTP_REQUEST_BYTES_MAX 16384
#define HTTP_SILENCE_S_MAX     10

struct http_config {
    const char *
        listen; /* "127.0.0.1:9464", "[::1]:9464", ":9464" = every address; port 0 = any free one */
    const char *token; /* "" = none */
    const struct metrics *metrics;
    const struct health *workers;
    size_t worker_count;
    int64_t stall_after_ms;
    struct clock clock;
};

/* What http_start would say of the address, without keeping it: a process asks before others hear
 * of it. STOP if the address is wrong or taken. */
MUST_CHECK struct failure http_check_listen(const char *address);

struct http;
/* Copies config; what it points to is borrowed until http_stop. STOP if the address is wrong or
 * taken. */
MUST_CHECK struct failure http_start(const struct http_config *config, struct http **out);
/* The port that it listens on. */
uint16_t http_port(const struct http *http);
/* Whether others than this machine can reach it. */
bool http_is_exposed(const struct http *http);
/* Waits for answers in progress; NULL is fine. */
void http_stop(struct http *http);

/* What is answered to a request; pure, for http.c and its tests. body is appended to. */
struct http_answer {
    unsigned status;
    const char *content_type;
    const char *allow; /* value of the header Allow, NULL = none */
    bool wants_token;  /* 401 with the header WWW-Authenticate */
};
struct http_request {
    const char *method, *path;
    const char *authorization; /* value of the header Authorization, NULL = none */
};
struct http_answer http_answer(const struct http_config *config, struct http_request request,
                               struct buffer *body);

#endif
