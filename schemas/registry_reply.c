/* registry_reply: what an answer of a registry means. Pure. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#include "schemas/registry_http.h"

static void explain(struct registry_reply *reply, const char *url, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void explain(struct registry_reply *reply, const char *url, const char *format, ...) {
    int used = snprintf(reply->text, sizeof reply->text, "%.120s: ", url);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reply->text + used, sizeof reply->text - (size_t)used, format, arguments);
    va_end(arguments);
    for (char *c = reply->text; *c; c++) {
        *c = iscntrl((unsigned char)*c) ? ' ' : *c; /* it may be the registry's own text */
    }
}

void registry_reply_fail(struct registry_reply *reply, const char *url, const char *reason) {
    reply->kind = REPLY_FAILED;
    explain(reply, url, "%s", reason);
}

/* The API's code says more than HTTP's: a server that is no registry, or a wrong path, gives 404
 * too, and that must not pass for an id that does not exist. */
static enum registry_reply_kind kind_of(long status, long long code) {
    if (status == 404 && code / 100 == 404) {
        return REPLY_MISSING;
    }
    return status == 409 || status == 422 ? REPLY_REFUSED : REPLY_FAILED;
}

static void read_error(const json_t *json, const char *url, struct registry_reply *reply) {
    const char *message = json_string_value(json_object_get(json, "message"));
    long long code = (long long)json_integer_value(json_object_get(json, "error_code"));
    reply->kind = kind_of(reply->status, code);
    if (message && message[0] != '\0') {
        explain(reply, url, "%ld: %s", reply->status, message);
    } else if (reply->status == 404) {
        explain(reply, url, "404: no answer of a schema registry; is the path of the url right?");
    } else {
        explain(reply, url, "%ld: no reason given", reply->status);
    }
}

void registry_reply_read(struct registry_reply *reply, const char *url, long status,
                         struct bytes body) {
    json_error_t error;
    json_t *json = json_loadb((const char *)body.data, body.size, JSON_REJECT_DUPLICATES, &error);
    reply->status = status;
    if (status != 200) {
        read_error(json, url, reply);
        json_decref(json);
        return;
    }
    reply->json = json;
    reply->kind = json ? REPLY_OK : REPLY_FAILED;
    if (!json) {
        explain(reply, url, "the answer is not JSON: %s", error.text);
    }
}

void registry_reply_clean_up(struct registry_reply *reply) {
    json_decref(reply->json);
    reply->json = NULL;
}
