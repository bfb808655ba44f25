#include "base/config_internal.h"

#include <assert.h>
#include <stdlib.h>

#include "base/nearest.h"

/* What all steps of binding one value need: whose key, where in the file, where in memory. */
struct place {
    const struct config_key *key;
    const struct config_node *node; /* NULL: absent, the default stands in */
    size_t line;
    const struct config_path *path;
    void *field;
};

static void bind_place(struct config_binding *binding, const struct place *place);

static void keep_mismatch(struct config_binding *binding, const struct place *place,
                          const char *found) {
    struct buffer expected;
    buffer_init(&expected, 128);
    config_value_expected(place->key, &expected);
    config_errors_add(binding->errors, place->line, place->path, "found %s, expected %s", found,
                      config_buffer_text(&expected));
    buffer_clean_up(&expected);
}

static const struct config_node *find_child(const struct config_node *node, const char *name) {
    for (const struct config_node *child = node ? node->first : NULL; child; child = child->next) {
        if (strcmp(child->name, name) == 0) {
            return child;
        }
    }
    return NULL;
}

/* ---- scalars ---- */

static void bind_text(struct config_binding *binding, const struct place *place, const char *text,
                      const char **out) {
    struct buffer value, problem;
    buffer_init(&value, 64);
    buffer_init(&problem, 0);
    if (config_expand(text, &value, &problem)) {
        *out = config_memory_copy(binding->memory, buffer_bytes(&value));
    } else {
        config_errors_add(binding->errors, place->line, place->path, "%s",
                          config_buffer_text(&problem));
    }
    buffer_clean_up(&problem);
    buffer_clean_up(&value);
}

static void bind_default_scalar(struct config_binding *binding, const struct place *place) {
    const char *text = place->key->default_text;
    if (!text) {
        keep_mismatch(binding, place, "no such key");
    } else if (place->key->type == CONFIG_TEXT) {
        bind_text(binding, place, text, place->field);
    } else {
        bool is_value = config_value_parse(place->key, text, place->field);
        assert(is_value && "a table's default is not a value of its key");
    }
}

static void bind_scalar(struct config_binding *binding, const struct place *place) {
    const struct config_node *node = place->node;
    if (!node) {
        bind_default_scalar(binding, place);
        return;
    }
    if (node->kind != CONFIG_NODE_SCALAR || node->is_null) {
        keep_mismatch(binding, place, config_node_kind_name(node));
        return;
    }
    if (place->key->type == CONFIG_TEXT) {
        bind_text(binding, place, node->text, place->field);
        return;
    }
    if (!config_value_parse(place->key, node->text, place->field)) {
        struct buffer found;
        buffer_init(&found, 64);
        buffer_append_byte(&found, '"');
        config_print_safe(&found, bytes_of_text(node->text));
        buffer_append_byte(&found, '"');
        keep_mismatch(binding, place, config_buffer_text(&found));
        buffer_clean_up(&found);
    }
}

/* ---- lists and properties ---- */

/* Absent, or a key with nothing behind it (all its lines commented out, say). */
static bool is_empty(const struct config_node *node) {
    return !node || node->is_null;
}

static bool has_items(struct config_binding *binding, const struct place *place,
                      enum config_node_kind kind) {
    if (is_empty(place->node)) {
        return false;
    }
    if (place->node->kind != kind) {
        keep_mismatch(binding, place, config_node_kind_name(place->node));
        return false;
    }
    return place->node->count > 0;
}

static void bind_list(struct config_binding *binding, const struct place *place) {
    struct config_list *list = place->field;
    *list = (struct config_list){0};
    if (!has_items(binding, place, CONFIG_NODE_SEQUENCE)) {
        return;
    }
    const struct config_table *table = place->key->element;
    char *items = config_memory_take(binding->memory, place->node->count, table->struct_size);
    size_t index = 0;
    for (const struct config_node *node = place->node->first; node; node = node->next) {
        struct config_path path = {.parent = place->path, .index = index};
        if (node->is_null) {
            config_errors_add(binding->errors, node->line, &path,
                              "found nothing, expected a section");
        } else {
            config_bind_table(binding, table, node, node->line, &path,
                              items + index * table->struct_size);
        }
        index++;
    }
    *list = (struct config_list){.items = items, .count = place->node->count};
}

/* Elements of a text list and values of properties: scalars that are taken as they stand. */
static bool is_text(struct config_binding *binding, const struct config_node *node,
                    const struct config_path *path) {
    if (node->is_refused) {
        return false;
    }
    if (node->kind == CONFIG_NODE_SCALAR && !node->is_null) {
        return true;
    }
    config_errors_add(binding->errors, node->line, path, "found %s, expected text",
                      config_node_kind_name(node));
    return false;
}

static void bind_text_list(struct config_binding *binding, const struct place *place) {
    struct config_text_list *list = place->field;
    *list = (struct config_text_list){0};
    if (!has_items(binding, place, CONFIG_NODE_SEQUENCE)) {
        return;
    }
    list->items = config_memory_take(binding->memory, place->node->count, sizeof(const char *));
    size_t index = 0;
    for (const struct config_node *node = place->node->first; node; node = node->next) {
        struct config_path path = {.parent = place->path, .index = index++};
        if (is_text(binding, node, &path)) {
            list->items[list->count++] =
                config_memory_copy(binding->memory, bytes_of_text(node->text));
        }
    }
}

static void bind_properties(struct config_binding *binding, const struct place *place) {
    struct config_properties *properties = place->field;
    *properties = (struct config_properties){0};
    if (!has_items(binding, place, CONFIG_NODE_MAPPING)) {
        return;
    }
    properties->items =
        config_memory_take(binding->memory, place->node->count, sizeof *properties->items);
    for (const struct config_node *node = place->node->first; node; node = node->next) {
        struct config_path path = {.parent = place->path, .name = node->name};
        struct place value = {.line = node->line, .path = &path};
        if (is_text(binding, node, &path)) {
            struct config_property *property = &properties->items[properties->count++];
            property->name = config_memory_copy(binding->memory, bytes_of_text(node->name));
            bind_text(binding, &value, node->text, &property->value);
        }
    }
}

/* ---- any value ---- */

/* The default of a list or of properties is YAML itself: "[googlebot, bingbot]". */
static void bind_default_collection(struct config_binding *binding, struct place place) {
    struct config_memory memory = {0};
    struct config_errors errors = {0};
    const char *text = place.key->default_text;
    place.node = config_yaml_parse(text, strlen(text), &memory, &errors);
    assert(place.node && errors.count == 0 && "a table's default is not YAML");
    bind_place(binding, &place);
    config_errors_clean_up(&errors);
    config_memory_clean_up(&memory);
}

static void bind_place(struct config_binding *binding, const struct place *place) {
    switch (place->key->type) {
    case CONFIG_SECTION:
        config_bind_table(binding, place->key->element, place->node, place->line, place->path,
                          place->field);
        break;
    case CONFIG_LIST:
    case CONFIG_TEXT_LIST:
    case CONFIG_PROPERTIES:
        if (!place->node && place->key->default_text) {
            bind_default_collection(binding, *place);
        } else if (place->key->type == CONFIG_LIST) {
            bind_list(binding, place);
        } else if (place->key->type == CONFIG_TEXT_LIST) {
            bind_text_list(binding, place);
        } else {
            bind_properties(binding, place);
        }
        break;
    case CONFIG_BOOL:
    case CONFIG_INT:
    case CONFIG_NUMBER:
    case CONFIG_DURATION_MS:
    case CONFIG_SIZE_BYTES:
    case CONFIG_TEXT:
    case CONFIG_CHOICE:
    case CONFIG_TIME_RANGE:
    case CONFIG_INSTANT_MS:
        bind_scalar(binding, place);
        break;
    }
}

/* ---- sections ---- */

void config_bind_unknown(struct config_binding *binding, const struct config_node *node,
                         const struct config_path *path, const char *const *names, size_t count) {
    struct nearest nearest;
    nearest_init(&nearest, node->name);
    struct buffer known;
    buffer_init(&known, 128);
    for (size_t i = 0; i < count; i++) {
        nearest_offer(&nearest, names[i]);
        buffer_format(&known, "%s%s", i > 0 ? ", " : "", names[i]);
    }
    if (nearest.name) {
        config_errors_add(binding->errors, node->line, path,
                          "found an unknown key, expected %s (the nearest known one)",
                          nearest.name);
    } else {
        config_errors_add(binding->errors, node->line, path,
                          "found an unknown key, expected one of %s", config_buffer_text(&known));
    }
    buffer_clean_up(&known);
}

static bool is_known(const struct config_table *table, const char *name) {
    for (size_t i = 0; i < table->key_count; i++) {
        if (strcmp(table->keys[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void refuse_unknown_keys(struct config_binding *binding, const struct config_table *table,
                                const struct config_node *node, const struct config_path *path) {
    const char **names = memory_new(table->key_count, sizeof(const char *));
    for (size_t i = 0; i < table->key_count; i++) {
        names[i] = table->keys[i].name;
    }
    for (const struct config_node *child = node->first; child; child = child->next) {
        if (!child->is_refused && !is_known(table, child->name)) {
            struct config_path child_path = {.parent = path, .name = child->name};
            config_bind_unknown(binding, child, &child_path, names, table->key_count);
        }
    }
    free(names);
}

const struct config_key *config_bare_key(const struct config_table *table) {
    for (size_t i = 0; i < table->key_count; i++) {
        if (table->keys[i].is_bare) {
            return &table->keys[i];
        }
    }
    return NULL;
}

void config_bind_table(struct config_binding *binding, const struct config_table *table,
                       const struct config_node *node, size_t line, const struct config_path *path,
                       void *target) {
    if (node && node->is_refused) {
        return;
    }
    const struct config_key *bare = config_bare_key(table);
    bool is_bare = bare && !is_empty(node) && node->kind == CONFIG_NODE_SCALAR;
    if (!is_empty(node) && node->kind != CONFIG_NODE_MAPPING && !is_bare) {
        config_errors_add(binding->errors, line, path, "found %s, expected a section%s%s",
                          config_node_kind_name(node), bare ? " or its " : "",
                          bare ? bare->name : "");
        return;
    }
    for (size_t i = 0; i < table->key_count; i++) {
        const struct config_key *key = &table->keys[i];
        const struct config_node *child =
            is_bare && key == bare ? node : find_child(node, key->name);
        struct config_path key_path = {.parent = path, .name = key->name};
        if (child && child->is_refused) {
            continue;
        }
        struct place place = {.key = key,
                              .node = child,
                              .line = child ? child->line : line,
                              .path = &key_path,
                              .field = (char *)target + key->offset};
        bind_place(binding, &place);
    }
    if (node) {
        refuse_unknown_keys(binding, table, node, path);
    }
}
