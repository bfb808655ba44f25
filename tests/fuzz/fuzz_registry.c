/* Answers of a schema registry, references included: each request is answered by the next piece of
 * the input, two bytes of status and a length before it. The functions of registry_http are this
 * file's own; what an answer means is registry_reply's, as in the product. */
#include "schemas/registry_fetch.h"
#include "schemas/writer_schema.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#define REQUESTS_MAX 200

struct registry_http {
    struct fuzz_input answers;
    int64_t requests;
};

void registry_http_get(struct registry_http *http, const char *path, struct registry_reply *out) {
    FUZZ_ASSERT(path[0] == '/' && ++http->requests < REQUESTS_MAX);
    *out = (struct registry_reply){0};
    if (http->answers.left.size == 0) {
        registry_reply_fail(out, path, "no answer");
        return;
    }
    long status = (long)fuzz_number(&http->answers, 2);
    struct bytes body = fuzz_piece(&http->answers);
    registry_reply_read(out, path, status, body);
    free((void *)(uintptr_t)body.data);
}

void registry_http_post(struct registry_http *http, const char *path, const char *body,
                        struct registry_reply *out) {
    (void)body;
    registry_http_get(http, path, out);
}

char *registry_http_escape(const char *text) {
    return memory_copy_text(bytes_of_text(text));
}

struct registry_http *registry_http_new(const struct registry_config *config) {
    (void)config;
    abort();
}

void registry_http_destroy(struct registry_http *http) {
    (void)http;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_input input = {bytes_of(data, size)};
    struct fetched fetched;
    uint32_t id = 0;
    bool is_subject = fuzz_number(&input, 1) & 1;
    struct registry_http http = {.answers = input};
    if (is_subject) {
        fetch_subject(&http, "clickstream-value", &id, &fetched);
    } else {
        fetch_id(&http, 7, &fetched);
    }
    FUZZ_ASSERT((fetched.result == FETCH_FOUND) == (fetched.text != NULL));
    FUZZ_ASSERT(memchr(fetched.reason, 0, sizeof fetched.reason));
    if (fetched.text) {
        struct writer_schema *schema;
        if (!failed(writer_schema_parse(bytes_of_text(fetched.text), &schema))) {
            writer_schema_destroy(schema);
        }
        free(fetched.text);
    }
    return 0;
}
