/* The sample's part of a shape: messages as JSON, or Avro made into JSON. */
#include "schemas/shape.h"

#include <inttypes.h>
#include <stdio.h>

#include "schemas/avro_json.h"
#include "schemas/mapping.h"
#include "schemas/mapping_number.h"
#include "schemas/shape_internal.h"

#define SECONDS_2001 978307200
#define SECONDS_2100 4102444800

static void walk(struct shape *shape, const json_t *value, const struct shape_place *place);

/* ---- Values ---- */

static bool is_number_text(struct bytes text) {
    double number;
    return mapping_parse_number(text, &number);
}

static bool is_currency(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (text[i] < 'A' || text[i] > 'Z') {
            return false;
        }
    }
    return size == 3;
}

static void see_text(struct shape_leaf *leaf, const json_t *value) {
    const char *text = json_string_value(value);
    size_t size = json_string_length(value);
    int64_t ms;
    if (size == 0 || strlen(text) != size) {
        return;
    }
    leaf->seen++;
    leaf->kinds |= leaf->kinds & SHAPE_ENUM ? 0 : SHAPE_TEXT;
    leaf->number_texts += is_number_text(bytes_of(text, size));
    leaf->time_texts += mapping_parse_time(bytes_of(text, size), &ms);
    leaf->currency_texts += is_currency(text, size);
    shape_add_value(leaf, text, 1);
}

static void see_integer(struct shape_leaf *leaf, json_int_t value) {
    static const int64_t units[] = {1, 1000, 1000000, 1000000000};
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, (int64_t)value);
    leaf->seen++;
    leaf->kinds |= leaf->kinds & SHAPE_REAL ? 0 : SHAPE_INTEGER;
    for (size_t i = 0; i < 4; i++) {
        int64_t seconds = (int64_t)value / units[i];
        leaf->magnitudes[i] += seconds >= SECONDS_2001 && seconds < SECONDS_2100;
    }
    shape_add_value(leaf, text, 1);
}

static void see_real(struct shape_leaf *leaf, double value) {
    char text[32];
    snprintf(text, sizeof text, "%.15g", value);
    leaf->seen++;
    leaf->kinds = (leaf->kinds & ~(unsigned)SHAPE_INTEGER) | SHAPE_REAL;
    shape_add_value(leaf, text, 1);
}

static void see(struct shape *shape, const json_t *value, const struct shape_place *place) {
    struct shape_leaf *leaf = shape_leaf_at(shape, place);
    if (!leaf) {
        return;
    }
    leaf->is_sampled = true;
    if (json_is_string(value)) {
        see_text(leaf, value);
    } else if (json_is_integer(value)) {
        see_integer(leaf, json_integer_value(value));
    } else if (json_is_real(value)) {
        see_real(leaf, json_real_value(value));
    } else if (json_is_boolean(value)) {
        leaf->seen++;
        leaf->kinds |= SHAPE_BOOLEAN;
        shape_add_value(leaf, json_is_true(value) ? "true" : "false", 1);
    }
}

/* ---- Arrays ---- */

/* "key" or "name" if the item is one of a key and its value. */
static const char *key_of(const json_t *item) {
    bool has_value = json_object_get(item, "value") || json_object_get(item, "values");
    const char *name = json_is_string(json_object_get(item, "key")) ? "key" : "name";
    return has_value && json_object_size(item) <= 4 && json_is_string(json_object_get(item, name))
               ? name
               : NULL;
}

static void walk_keyed(struct shape *shape, const json_t *item, const char *field,
                       const struct shape_place *place) {
    const json_t *key = json_object_get(item, field);
    struct shape_place next, inner;
    const char *name;
    json_t *value;
    if (!shape_enter_key(place, field, bytes_of(json_string_value(key), json_string_length(key)),
                         &next)) {
        return;
    }
    json_object_foreach((json_t *)(uintptr_t)item, name, value) {
        if (strcmp(name, field) != 0 && shape_enter(&next, bytes_of_text(name), &inner)) {
            walk(shape, value, &inner);
        }
    }
}

static void walk_array(struct shape *shape, const json_t *array, const struct shape_place *place) {
    struct shape_place next;
    size_t count =
        json_array_size(array) < SHAPE_ITEMS_MAX ? json_array_size(array) : SHAPE_ITEMS_MAX;
    const json_t *first = json_array_get(array, 0);
    if (key_of(first)) {
        for (size_t i = 0; i < count; i++) {
            const json_t *item = json_array_get(array, i);
            const char *field = key_of(item);
            if (field) {
                walk_keyed(shape, item, field, place);
            }
        }
        return;
    }
    if (json_is_object(first) && place->array < 0 && !place->is_first) {
        next = (struct shape_place){.array = shape_array_at(shape, place),
                                    .depth = place->depth,
                                    .is_avro = place->is_avro};
        memcpy(next.last, place->last, sizeof next.last);
        for (size_t i = 0; next.array >= 0 && i < count; i++) {
            shape->arrays[next.array].items++;
            walk(shape, json_array_get(array, i), &next);
        }
    }
    if (count > 0 && shape_enter_index(place, &next)) {
        walk(shape, first, &next);
    }
}

static void walk(struct shape *shape, const json_t *value, const struct shape_place *place) {
    struct shape_place next;
    const char *name;
    json_t *member;
    if (place->depth > SHAPE_DEPTH_MAX) {
        return;
    }
    if (json_is_array(value)) {
        walk_array(shape, value, place);
        return;
    }
    if (!json_is_object(value)) {
        if (*place->path) {
            see(shape, value, place);
        }
        return;
    }
    json_object_foreach((json_t *)(uintptr_t)value, name, member) {
        if (shape_enter(place, bytes_of_text(name), &next)) {
            walk(shape, member, &next);
        }
    }
}

static bool add_message(struct shape *shape, json_t *value, bool is_avro) {
    const struct shape_place root = {.array = -1, .is_avro = is_avro};
    bool is_object = json_is_object(value);
    if (is_object) {
        shape->messages++;
        walk(shape, value, &root);
    }
    json_decref(value);
    return is_object;
}

bool shape_add_json(struct shape *shape, struct bytes message) {
    return add_message(shape, json_loadb((const char *)message.data, message.size, 0, NULL), false);
}

bool shape_add_avro(struct shape *shape, const struct writer_schema *schema, struct bytes body) {
    return add_message(shape, avro_to_json(schema, body), true);
}
