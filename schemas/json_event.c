#include "schemas/json_event.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "schemas/wire.h"

struct json_event {
    const struct mapping *mapping;
    json_t *root; /* texts of the last event lie here */
};

struct json_event *json_event_new(const struct mapping *mapping) {
    struct json_event *json = memory_new(1, sizeof *json);
    json->mapping = mapping;
    return json;
}

void json_event_destroy(struct json_event *json) {
    if (json) {
        json_decref(json->root);
        free(json);
    }
}

/* ---- Parsing ---- */

/* jansson recurses once per level, so the levels are counted before. What is no JSON may be counted
 * wrongly; jansson refuses it then. */
static bool is_shallow(struct bytes message) {
    int depth = 0;
    bool is_text = false;
    for (size_t i = 0; i < message.size; i++) {
        uint8_t c = message.data[i];
        if (is_text) {
            i += c == '\\';
            is_text = c != '"';
        } else if (c == '"') {
            is_text = true;
        } else if (c == '{' || c == '[') {
            if (++depth > JSON_DEPTH_MAX) {
                return false;
            }
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return true;
}

static enum event_verdict verdict_of(const json_error_t *error) {
    switch (json_error_code(error)) {
    case json_error_invalid_utf8:
        return EVENT_BAD_UTF8;
    case json_error_duplicate_key:
        return EVENT_DUPLICATE_KEY;
    case json_error_numeric_overflow:
        return EVENT_NUMBER_RANGE;
    default:
        return EVENT_BAD_JSON;
    }
}

static enum event_verdict parse(struct json_event *json, struct bytes message) {
    json_error_t error;
    json_decref(json->root);
    json->root = NULL;
    if (message.size > JSON_BYTES_MAX) {
        return EVENT_TOO_LARGE;
    }
    if (!is_shallow(message)) {
        return EVENT_TOO_DEEP;
    }
    json->root = message.size == 0 ? NULL
                                   : json_loadb((const char *)message.data, message.size,
                                                JSON_REJECT_DUPLICATES, &error);
    if (!json->root) {
        return message.size == 0 ? EVENT_BAD_JSON : verdict_of(&error);
    }
    return json_is_object(json->root) ? EVENT_OK : EVENT_BAD_JSON;
}

/* ---- Walking ---- */

static json_t *member(const json_t *object, struct bytes name) {
    return json_object_getn(object, (const char *)name.data, name.size); /* NULL if it is none */
}

static bool is_equal(const json_t *value, struct bytes text) {
    if (json_is_string(value)) {
        return bytes_equal(text, bytes_of(json_string_value(value), json_string_length(value)));
    }
    if (json_is_integer(value)) {
        char digits[32];
        int size = snprintf(digits, sizeof digits, "%lld", (long long)json_integer_value(value));
        return bytes_equal(text, bytes_of(digits, (size_t)size));
    }
    return false;
}

static json_t *first_where(const json_t *array, const struct mapping_step *step) {
    size_t i;
    json_t *item;
    json_array_foreach(array, i, item) {
        if (is_equal(member(item, step->name), step->value)) {
            return item;
        }
    }
    return NULL;
}

/* NULL where the path ends in nothing. */
static json_t *walk(json_t *value, const struct mapping_step *steps, size_t count) {
    for (size_t i = 0; i < count && value; i++) {
        switch (steps[i].kind) {
        case STEP_FIELD:
        case STEP_KEY:
            value = member(value, steps[i].name);
            break;
        case STEP_WHERE:
            value = first_where(value, &steps[i]);
            break;
        case STEP_INDEX:
            value = json_array_get(value, steps[i].index);
            break;
        case STEP_BRANCH:
            value = NULL;
            break;
        }
    }
    return value;
}

/* ---- Storing ---- */

static enum event_verdict store(const struct mapping_field *field, const json_t *value,
                                struct mapping_scratch *scratch, void *record,
                                bool *out_is_present) {
    struct mapped mapped = {.unit = UNIT_AUTO};
    switch (json_typeof(value)) {
    case JSON_NULL:
        return EVENT_OK;
    case JSON_TRUE:
    case JSON_FALSE:
        mapped.kind = MAPPED_BOOLEAN;
        mapped.boolean = json_is_true(value);
        break;
    case JSON_INTEGER:
        mapped.kind = MAPPED_LONG;
        mapped.integer = json_integer_value(value);
        break;
    case JSON_REAL:
        mapped.kind = MAPPED_DOUBLE;
        mapped.number = json_real_value(value);
        break;
    case JSON_STRING:
        mapped.kind = MAPPED_TEXT;
        mapped.text = bytes_of(json_string_value(value), json_string_length(value));
        break;
    case JSON_OBJECT:
    case JSON_ARRAY:
        return EVENT_BAD_VALUE;
    }
    return mapping_store(field, mapped, scratch, record, out_is_present);
}

/* Every field of the scope from the first of its paths that leads to a value; the others get their
 * default. *out_present has a bit per field. A field's paths stand together, by rank. */
static enum event_verdict store_scope(const struct mapping *mapping, enum mapping_scope scope,
                                      json_t *root, struct mapping_scratch *scratch, void *record,
                                      uint32_t *out_present) {
    const struct mapping_field *fields = scope == SCOPE_EVENT  ? mapping->event
                                         : scope == SCOPE_LINE ? mapping->lines
                                                               : mapping->product;
    size_t count = scope == SCOPE_EVENT ? MAPPING_EVENT_FIELD_COUNT : MAPPING_LINE_FIELD_COUNT;
    *out_present = 0;
    for (size_t i = 0; i < count; i++) {
        mapping_store_default(&fields[i], record);
    }
    for (size_t i = 0; i < mapping->path_count; i++) {
        const struct mapping_path *path = &mapping->paths[i];
        if (path->scope != scope || (*out_present & UINT32_C(1) << path->field)) {
            continue;
        }
        const json_t *value = walk(root, path->steps, path->step_count);
        bool is_present = false;
        enum event_verdict verdict =
            value ? store(&fields[path->field], value, scratch, record, &is_present) : EVENT_OK;
        if (verdict != EVENT_OK) {
            return verdict;
        }
        *out_present |= (uint32_t)is_present << path->field;
    }
    return EVENT_OK;
}

static enum event_verdict store_line(const struct mapping *mapping, enum mapping_scope scope,
                                     json_t *root, struct mapping_scratch *scratch,
                                     struct event *out) {
    struct event_line line;
    uint32_t present;
    enum event_verdict verdict = store_scope(mapping, scope, root, scratch, &line, &present);
    if (verdict == EVENT_OK && line.item_id.size > 0) {
        out->lines[out->line_count++] = line;
    }
    return verdict;
}

static enum event_verdict store_lines(const struct mapping *mapping, json_t *root,
                                      struct mapping_scratch *scratch, struct event *out) {
    json_t *array = mapping->lines_step_count > 0
                        ? walk(root, mapping->lines_steps, mapping->lines_step_count)
                        : NULL;
    size_t i;
    json_t *item;
    if (array && !json_is_array(array) && !json_is_null(array)) {
        return EVENT_BAD_VALUE;
    }
    if (json_array_size(array) > EVENT_LINES_MAX) {
        return EVENT_BAD_VALUE;
    }
    json_array_foreach(array, i, item) {
        if (!json_is_null(item)) {
            enum event_verdict verdict = store_line(mapping, SCOPE_LINE, item, scratch, out);
            if (verdict != EVENT_OK) {
                return verdict;
            }
        }
    }
    return out->line_count == 0 ? store_line(mapping, SCOPE_PRODUCT, root, scratch, out) : EVENT_OK;
}

enum event_verdict json_event_decode(struct json_event *json, struct bytes message,
                                     struct mapping_scratch *scratch, struct event *out) {
    const struct mapping *mapping = json->mapping;
    uint32_t present;
    enum event_verdict verdict = parse(json, message);
    if (verdict != EVENT_OK) {
        return verdict;
    }
    scratch->size = 0;
    event_clear(out, out->lines);
    verdict = store_scope(mapping, SCOPE_EVENT, json->root, scratch, out, &present);
    if (verdict != EVENT_OK) {
        return verdict;
    }
    bool has_type = present & 1U << MAP_TYPE || mapping->event[MAP_TYPE].has_default;
    if (!has_type || !(present & 1U << MAP_EVENT_MS)) {
        return EVENT_MISSING_FIELD;
    }
    return store_lines(mapping, json->root, scratch, out);
}
