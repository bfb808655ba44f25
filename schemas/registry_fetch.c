#include "schemas/registry_fetch.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "schemas/registry_references.h"

#define DEPTH_MAX     16
#define JSON_AS_IT_IS (JSON_REJECT_DUPLICATES | JSON_DECODE_ANY)

static const enum fetch_result results[] = {
    [REPLY_OK] = FETCH_FOUND,
    [REPLY_MISSING] = FETCH_MISSING,
    [REPLY_REFUSED] = FETCH_REFUSED,
    [REPLY_FAILED] = FETCH_FAILED,
};

static void give_up(struct fetched *out, enum fetch_result result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void give_up(struct fetched *out, enum fetch_result result, const char *format, ...) {
    out->result = result;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out->reason, sizeof out->reason, format, arguments);
    va_end(arguments);
}

/* False, with out saying why, unless there is an answer. */
static bool get(struct registry_http *http, const char *path, struct registry_reply *reply,
                struct fetched *out) {
    registry_http_get(http, path, reply);
    out->status = reply->status;
    out->result = results[reply->kind];
    if (reply->kind != REPLY_OK) {
        give_up(out, out->result, "%s", reply->text);
    }
    return reply->kind == REPLY_OK;
}

/* The text in an answer; NULL, with out saying why, if it has none of Avro. */
static const char *text_of(const json_t *answer, struct fetched *out) {
    const char *type = json_string_value(json_object_get(answer, "schemaType"));
    const char *text = json_string_value(json_object_get(answer, "schema"));
    if (type && strcmp(type, "AVRO") != 0) {
        give_up(out, FETCH_REFUSED, "found schemaType %.40s, expected AVRO", type);
        return NULL;
    }
    if (!text) {
        give_up(out, FETCH_FAILED, "an answer without a schema; is the path of the url right?");
    }
    return text;
}

static json_t *parse(const char *text, struct fetched *out) {
    json_error_t error;
    json_t *schema = json_loads(text, JSON_AS_IT_IS, &error);
    if (!schema) {
        give_up(out, FETCH_REFUSED, "the schema is not JSON: %s", error.text);
    }
    return schema;
}

static bool fetch_references(struct registry_http *http, const json_t *list, int depth,
                             struct references *references, struct fetched *out);

static bool fetch_reference(struct registry_http *http, const json_t *item, int depth,
                            struct references *references, struct fetched *out) {
    const char *name = json_string_value(json_object_get(item, "name"));
    const char *subject = json_string_value(json_object_get(item, "subject"));
    const json_t *version = json_object_get(item, "version");
    if (!name || !subject || !json_is_integer(version)) {
        give_up(out, FETCH_REFUSED, "a reference without name, subject or version");
        return false;
    }
    if (references_has(references, name)) {
        return true;
    }
    struct buffer path = {0};
    char *escaped = registry_http_escape(subject);
    buffer_format(&path, "/subjects/%s/versions/%" JSON_INTEGER_FORMAT, escaped,
                  json_integer_value(version));
    buffer_append_byte(&path, 0);
    free(escaped);
    struct registry_reply reply;
    bool is_there = get(http, (const char *)path.data, &reply, out);
    buffer_clean_up(&path);
    const char *text = is_there ? text_of(reply.json, out) : NULL;
    json_t *definition = text ? parse(text, out) : NULL;
    bool is_whole = definition != NULL;
    if (is_whole && !references_add(references, name, definition)) {
        give_up(out, FETCH_REFUSED, "more than %d references", REFERENCES_MAX);
        is_whole = false;
    }
    is_whole = is_whole && fetch_references(http, json_object_get(reply.json, "references"),
                                            depth + 1, references, out);
    registry_reply_clean_up(&reply);
    return is_whole;
}

static bool fetch_references(struct registry_http *http, const json_t *list, int depth,
                             struct references *references, struct fetched *out) {
    if (depth > DEPTH_MAX) {
        give_up(out, FETCH_REFUSED, "references nested beyond %d", DEPTH_MAX);
        return false;
    }
    size_t i;
    const json_t *item;
    json_array_foreach(list, i, item) {
        if (!fetch_reference(http, item, depth, references, out)) {
            return false;
        }
    }
    return true;
}

static char *put_together(struct registry_http *http, const char *text, const json_t *list,
                          struct fetched *out) {
    struct references references = {.count = 0};
    char *whole = NULL;
    json_t *schema = parse(text, out);
    if (schema && fetch_references(http, list, 0, &references, out)) {
        char *dumped = references_resolve(&references, schema);
        whole = dumped ? memory_copy_text(bytes_of_text(dumped)) : NULL;
        free(dumped);
        if (!whole) {
            give_up(out, FETCH_REFUSED, "nested too deeply with its references");
        }
    }
    json_decref(schema);
    references_clean_up(&references);
    return whole;
}

static void fetch(struct registry_http *http, const char *path, uint32_t *out_id,
                  struct fetched *out) {
    *out = (struct fetched){0};
    struct registry_reply reply;
    const char *text = get(http, path, &reply, out) ? text_of(reply.json, out) : NULL;
    const json_t *id = json_object_get(reply.json, "id");
    if (text && out_id) {
        *out_id = (uint32_t)json_integer_value(id);
        if (!json_is_integer(id) || json_integer_value(id) != (json_int_t)*out_id) {
            give_up(out, FETCH_FAILED, "an answer without an id");
            text = NULL;
        }
    }
    const json_t *list = json_object_get(reply.json, "references");
    if (text) {
        out->text = json_array_size(list) > 0 ? put_together(http, text, list, out)
                                              : memory_copy_text(bytes_of_text(text));
    }
    registry_reply_clean_up(&reply);
}

void fetch_id(struct registry_http *http, uint32_t id, struct fetched *out) {
    char path[64];
    snprintf(path, sizeof path, "/schemas/ids/%" PRIu32, id);
    fetch(http, path, NULL, out);
}

void fetch_subject(struct registry_http *http, const char *subject, uint32_t *out_id,
                   struct fetched *out) {
    struct buffer path = {0};
    char *escaped = registry_http_escape(subject);
    buffer_format(&path, "/subjects/%s/versions/latest", escaped);
    buffer_append_byte(&path, 0);
    fetch(http, (const char *)path.data, out_id, out);
    buffer_clean_up(&path);
    free(escaped);
}

/* ---- blocking, for commands ---- */

/* A person can mend what the registry declines; only its silence is worth another try. */
static struct failure failure_of(enum fetch_result result, long status, const char *reason) {
    bool is_passing = result == FETCH_FAILED && status != 401 && status != 403 &&
                      (status == 0 || status == 429 || status >= 500);
    return failure_make(is_passing ? FAILURE_RETRY : FAILURE_STOP, (int)status, "%s", reason);
}

static struct failure give(struct fetched *fetched, char **out_text) {
    *out_text = fetched->text;
    return fetched->result == FETCH_FOUND
               ? failure_none()
               : failure_of(fetched->result, fetched->status, fetched->reason);
}

struct failure registry_get_id(const struct registry_config *config, uint32_t id, char **out_text) {
    struct registry_http *http = registry_http_new(config);
    struct fetched fetched;
    fetch_id(http, id, &fetched);
    registry_http_destroy(http);
    return give(&fetched, out_text);
}

struct failure registry_get_subject(const struct registry_config *config, const char *subject,
                                    uint32_t *out_id, char **out_text) {
    struct registry_http *http = registry_http_new(config);
    struct fetched fetched;
    fetch_subject(http, subject, out_id, &fetched);
    registry_http_destroy(http);
    return give(&fetched, out_text);
}

struct failure registry_register(const struct registry_config *config, const char *subject,
                                 const char *text, uint32_t *out_id) {
    struct registry_http *http = registry_http_new(config);
    json_t *body = json_pack("{s:s}", "schema", text);
    char *body_text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    assert(body_text); /* our own schemas are UTF-8 */
    char *escaped = registry_http_escape(subject);
    struct buffer path = {0};
    buffer_format(&path, "/subjects/%s/versions", escaped);
    buffer_append_byte(&path, 0);
    struct registry_reply reply;
    registry_http_post(http, (const char *)path.data, body_text, &reply);
    json_int_t id = json_integer_value(json_object_get(reply.json, "id"));
    *out_id = (uint32_t)id;
    struct failure failure = failure_none();
    if (reply.kind != REPLY_OK) {
        failure = failure_of(results[reply.kind], reply.status, reply.text);
    } else if (id <= 0 || id > UINT32_MAX) {
        failure = failure_make(FAILURE_STOP, 0, "%s: an answer without an id", config->url);
    }
    registry_reply_clean_up(&reply);
    buffer_clean_up(&path);
    free(escaped);
    free(body_text);
    json_decref(body);
    registry_http_destroy(http);
    return failure;
}
