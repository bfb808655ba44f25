/* registry_http: one request at a time to a schema registry, and what its answer means. Private to
 * the registry's files.
 *
 * An answer is JSON of at most 2 MiB, and it came without a redirect; TLS peers are always
 * verified. One thread uses it; registry_http_cancel alone may be called by another. */
#ifndef PROMOSTREAM_SCHEMAS_REGISTRY_HTTP_H
#define PROMOSTREAM_SCHEMAS_REGISTRY_HTTP_H

#include <jansson.h>

#include "schemas/registry.h"

enum registry_reply_kind {
    REPLY_OK,      /* json holds the answer */
    REPLY_MISSING, /* 404 with a code of the API (404xx): no such schema, subject or version */
    REPLY_REFUSED, /* the request was understood and declined: 409, 422 */
    REPLY_FAILED,  /* everything else: no answer in time, 5xx, 429, 401, 403, not this API */
};

struct registry_reply {
    enum registry_reply_kind kind;
    long status;    /* HTTP's, 0 = no answer */
    json_t *json;   /* REPLY_OK, else NULL */
    char text[240]; /* otherwise "http://...: what happened", printable */
};

/* Into a zeroed reply: what the body of an answer with this status means, or why there is none.
 * Pure. */
void registry_reply_read(struct registry_reply *reply, const char *url, long status,
                         struct bytes body);
void registry_reply_fail(struct registry_reply *reply, const char *url, const char *reason);
void registry_reply_clean_up(struct registry_reply *reply); /* idempotent */

struct registry_http;

/* config is borrowed. */
struct registry_http *registry_http_new(const struct registry_config *config);
void registry_http_destroy(struct registry_http *http);
/* Any thread: the request under way fails at once, and all later ones. */
void registry_http_cancel(struct registry_http *http);
/* Requests made so far. */
int64_t registry_http_requests(const struct registry_http *http);

/* path begins with '/'. out is filled whole; the caller cleans it up. */
void registry_http_get(struct registry_http *http, const char *path, struct registry_reply *out);
void registry_http_post(struct registry_http *http, const char *path, const char *body,
                        struct registry_reply *out);
/* "a/b c" as "a%2Fb%20c", to be freed by the caller. */
char *registry_http_escape(const char *text);

#endif
