#include "schemas/writer_schema.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

#include "schemas/writer_schema_internal.h"

/* A schema in a schema takes at most 4 brackets: record, its fields, a field, a union. */
#define JSON_DEPTH_MAX (4 * WRITER_DEPTH_MAX)
#define PATH_SHOWN_MAX 100

struct writer_piece {
    struct writer_piece *next;
    alignas(max_align_t) uint8_t bytes[];
};

/* What is around the type that is read. */
struct scope {
    struct bytes space; /* the namespace */
    int depth;
};

static const struct writer_node *read_type(struct writer_parser *parser, const json_t *json,
                                           struct scope scope);

/* ---- The parser's tools ---- */

void *writer_keep(struct writer_parser *parser, size_t count, size_t size) {
    struct writer_piece *piece = memory_new(1, sizeof(*piece) + count * size);
    piece->next = parser->out->pieces;
    parser->out->pieces = piece;
    return piece->bytes;
}

struct bytes writer_keep_text(struct writer_parser *parser, struct bytes text) {
    uint8_t *copy = writer_keep(parser, text.size, 1);
    if (text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    return bytes_of(copy, text.size);
}

size_t writer_enter(struct writer_parser *parser, const char *step, struct bytes name) {
    size_t mark = parser->path.size;
    buffer_format(&parser->path, "%s%s%s", mark > 0 ? "." : "", step, name.size > 0 ? "." : "");
    buffer_append(&parser->path, name);
    return mark;
}

/* Texts of strangers in a message: no control characters. */
static void make_printable(char *text) {
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f) {
            *text = '?';
        }
    }
}

bool writer_refuse(struct writer_parser *parser, const char *format, ...) {
    if (!failed(parser->failure)) {
        char what[sizeof(parser->failure.text)];
        struct bytes path = buffer_bytes(&parser->path);
        bool is_cut = path.size > PATH_SHOWN_MAX; /* its end says more than its start */
        size_t skipped = is_cut ? path.size - PATH_SHOWN_MAX : 0;
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(what, sizeof(what), format, arguments);
        va_end(arguments);
        path = path.size > 0 ? bytes_of(path.data + skipped, path.size - skipped)
                             : bytes_of_text("the root");
        parser->failure = failure_make(FAILURE_STOP, 0, "at %s%.*s: %s", is_cut ? "..." : "",
                                       BYTES_ARG(path), what);
        make_printable(parser->failure.text);
    }
    return false;
}

static const char *json_kind(const json_t *json) {
    if (!json) {
        return "nothing";
    }
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a text";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_NULL:
        return "null";
    default:
        return "true or false";
    }
}

static struct writer_node *new_node(struct writer_parser *parser, enum writer_type type,
                                    size_t least_bytes) {
    struct writer_node *node = writer_keep(parser, 1, sizeof(*node));
    node->type = type;
    node->least_bytes = least_bytes;
    return node;
}

/* A list of texts, kept. False if refused. */
static bool read_texts(struct writer_parser *parser, const json_t *json, const char *what,
                       const struct bytes **out_texts, size_t *out_count) {
    if (!json_is_array(json)) {
        return writer_refuse(parser, "found %s as \"%s\", expected an array of texts",
                             json_kind(json), what);
    }
    size_t count = json_array_size(json);
    struct bytes *texts = writer_keep(parser, count, sizeof(*texts));
    for (size_t i = 0; i < count; i++) {
        const json_t *text = json_array_get(json, i);
        if (!json_is_string(text)) {
            return writer_refuse(parser, "found %s in \"%s\", expected a text", json_kind(text),
                                 what);
        }
        texts[i] = writer_keep_text(parser, bytes_of_text(json_string_value(text)));
        if (!writer_check_name(parser, texts[i], what)) {
            return false;
        }
    }
    *out_texts = texts;
    *out_count = count;
    return true;
}

/* ---- Types ---- */

static const struct writer_node *read_primitive(struct writer_parser *parser, enum writer_type type,
                                                const json_t *json) {
    static const size_t least_bytes[] = {
        [WRITER_NULL] = 0,  [WRITER_BOOLEAN] = 1, [WRITER_INT] = 1,   [WRITER_LONG] = 1,
        [WRITER_FLOAT] = 4, [WRITER_DOUBLE] = 8,  [WRITER_BYTES] = 1, [WRITER_STRING] = 1,
    };
    struct writer_node *node = new_node(parser, type, least_bytes[type]);
    writer_read_logical(json, node);
    return node;
}

/* A type by its name alone; json is the object that holds the name, or NULL. */
static const struct writer_node *read_name(struct writer_parser *parser, struct bytes name,
                                           const json_t *json, struct bytes space) {
    enum writer_type primitive = writer_primitive_of(name);
    if (primitive != WRITER_UNION) {
        return read_primitive(parser, primitive, json);
    }
    const struct writer_node *node = writer_look_up(parser, name, space);
    if (!node) {
        bool is_long = name.size > 64;
        writer_refuse(parser,
                      "found the type \"%.*s%s\", expected one of Avro's or one that is defined "
                      "before it is used",
                      BYTES_ARG(is_long ? bytes_of(name.data, 64) : name), is_long ? "..." : "");
    }
    return node;
}

static bool read_field(struct writer_parser *parser, const json_t *json, struct scope scope,
                       struct writer_field *out) {
    if (!json_is_object(json)) {
        return writer_refuse(parser, "found %s as a field, expected an object", json_kind(json));
    }
    struct bytes name = writer_text_member(json, "name");
    const json_t *aliases = json_object_get(json, "aliases");
    if (!writer_check_name(parser, name, "name of a field")) {
        return false;
    }
    out->name = writer_keep_text(parser, name);
    size_t mark = writer_enter(parser, "fields", name);
    if (aliases && !json_is_null(aliases) &&
        !read_texts(parser, aliases, "aliases", &out->aliases, &out->alias_count)) {
        return false;
    }
    out->type = read_type(parser, json_object_get(json, "type"), scope);
    writer_leave(parser, mark);
    return out->type != NULL;
}

static bool read_fields(struct writer_parser *parser, const json_t *json, struct scope scope,
                        struct writer_node *record) {
    const json_t *list = json_object_get(json, "fields");
    if (!json_is_array(list)) {
        return writer_refuse(parser, "found %s as \"fields\", expected an array", json_kind(list));
    }
    size_t count = json_array_size(list);
    struct writer_field *fields = writer_keep(parser, count, sizeof(*fields));
    record->fields = fields;
    for (; record->count < count; record->count++) {
        if (!read_field(parser, json_array_get(list, record->count), scope,
                        &fields[record->count])) {
            return false;
        }
    }
    struct bytes *names = memory_new(count + 1, sizeof(*names));
    for (size_t i = 0; i < count; i++) {
        names[i] = fields[i].name;
    }
    struct bytes repeated = writer_repeated(names, count);
    free(names);
    return repeated.size == 0 ||
           writer_refuse(parser, "found the field \"%.*s\" again, expected each once",
                         BYTES_ARG(repeated));
}

static bool read_symbols(struct writer_parser *parser, const json_t *json,
                         struct writer_node *node) {
    if (!read_texts(parser, json_object_get(json, "symbols"), "symbols", &node->symbols,
                    &node->count)) {
        return false;
    }
    if (node->count == 0) {
        return writer_refuse(parser, "found an enum without symbols, expected one or more");
    }
    struct bytes repeated = writer_repeated(node->symbols, node->count);
    return repeated.size == 0 ||
           writer_refuse(parser, "found the symbol \"%.*s\" again, expected each once",
                         BYTES_ARG(repeated));
}

static bool read_size(struct writer_parser *parser, const json_t *json, struct writer_node *node) {
    const json_t *size = json_object_get(json, "size");
    json_int_t value = json_integer_value(size);
    if (!json_is_integer(size)) {
        return writer_refuse(parser, "found %s as \"size\", expected a whole number",
                             json_kind(size));
    }
    if (value < 0 || value > WRITER_FIXED_BYTES_MAX) {
        return writer_refuse(parser, "found a fixed of %lld bytes, expected 0 to %d",
                             (long long)value, WRITER_FIXED_BYTES_MAX);
    }
    node->size = node->least_bytes = (size_t)value;
    writer_read_logical(json, node);
    return true;
}

/* A record, an enum or a fixed. */
static const struct writer_node *read_named(struct writer_parser *parser, enum writer_type type,
                                            const json_t *json, struct scope scope) {
    struct writer_node *node = new_node(parser, type, 1);
    const json_t *given = json_object_get(json, "namespace");
    struct scope inner = {.depth = scope.depth};
    if (given && !json_is_null(given) && !json_is_string(given)) {
        writer_refuse(parser, "found %s as \"namespace\", expected a text", json_kind(given));
        return NULL;
    }
    if (!writer_define(parser, node, writer_text_member(json, "name"),
                       json_is_string(given) ? writer_text_member(json, "namespace") : scope.space,
                       &inner.space)) {
        return NULL;
    }
    bool is_good;
    if (type == WRITER_ENUM) {
        is_good = read_symbols(parser, json, node);
    } else if (type == WRITER_FIXED) {
        is_good = read_size(parser, json, node);
    } else {
        node->record_index = (uint32_t)parser->out->schema.record_count++;
        is_good = read_fields(parser, json, inner, node);
    }
    return is_good ? node : NULL;
}

static const struct writer_node *read_items(struct writer_parser *parser, enum writer_type type,
                                            const json_t *json, struct scope scope) {
    const char *key = type == WRITER_ARRAY ? "items" : "values";
    struct writer_node *node = new_node(parser, type, 1);
    size_t mark = writer_enter(parser, key, (struct bytes){0});
    node->items = read_type(parser, json_object_get(json, key), scope);
    writer_leave(parser, mark);
    return node->items ? node : NULL;
}

/* Types without a name are told apart by what they are, named ones by their name. */
static bool check_branch(struct writer_parser *parser, const struct writer_node *node,
                         size_t index) {
    const struct writer_node *branch = node->branches[index];
    if (branch->type == WRITER_UNION) {
        return writer_refuse(parser, "found a union within a union, expected none");
    }
    for (size_t i = 0; i < index; i++) {
        const struct writer_node *other = node->branches[i];
        if (other == branch || (branch->name.size == 0 && other->type == branch->type)) {
            return writer_refuse(parser, "found a second branch \"%.*s\", expected each type once",
                                 BYTES_ARG(branch->name.size > 0
                                               ? branch->name
                                               : bytes_of_text(writer_type_name(branch->type))));
        }
    }
    return true;
}

static const struct writer_node *read_union(struct writer_parser *parser, const json_t *json,
                                            struct scope scope) {
    struct writer_node *node = new_node(parser, WRITER_UNION, SIZE_MAX);
    size_t count = json_array_size(json);
    if (count == 0) {
        writer_refuse(parser, "found a union without branches, expected one or more");
        return NULL;
    }
    node->branches = writer_keep(parser, count, sizeof(*node->branches));
    for (; node->count < count; node->count++) {
        char index[32];
        snprintf(index, sizeof(index), "%zu", node->count);
        size_t mark = writer_enter(parser, "branches", bytes_of_text(index));
        const struct writer_node *branch =
            read_type(parser, json_array_get(json, node->count), scope);
        node->branches[node->count] = branch;
        if (!branch || !check_branch(parser, node, node->count)) {
            return NULL;
        }
        writer_leave(parser, mark);
        /* A record may be the one around this union: it is not measured yet. */
        size_t least_bytes = 1 + (branch->type == WRITER_RECORD ? 0 : branch->least_bytes);
        node->least_bytes = least_bytes < node->least_bytes ? least_bytes : node->least_bytes;
    }
    return node;
}

static const struct writer_node *read_object(struct writer_parser *parser, const json_t *json,
                                             struct scope scope) {
    const json_t *inner = json_object_get(json, "type");
    if (json_is_object(inner) || json_is_array(inner)) {
        return read_type(parser, inner, scope); /* {"type": {"type": ...}} */
    }
    struct bytes name = bytes_of_text(json_string_value(inner));
    for (enum writer_type type = WRITER_FIXED; type <= WRITER_RECORD; type++) {
        if (type == WRITER_UNION || !bytes_equal(name, bytes_of_text(writer_type_name(type)))) {
            continue;
        }
        return type == WRITER_ARRAY || type == WRITER_MAP ? read_items(parser, type, json, scope)
                                                          : read_named(parser, type, json, scope);
    }
    if (name.size == 0) {
        writer_refuse(parser, "found %s as \"type\", expected the name of a type",
                      json_is_string(inner) ? "an empty text" : json_kind(inner));
        return NULL;
    }
    return read_name(parser, name, json, scope.space);
}

static const struct writer_node *read_type(struct writer_parser *parser, const json_t *json,
                                           struct scope scope) {
    scope.depth++;
    if (scope.depth > WRITER_DEPTH_MAX) {
        writer_refuse(parser, "found types nested beyond %d", WRITER_DEPTH_MAX);
        return NULL;
    }
    if (++parser->node_count > WRITER_NODES_MAX) {
        writer_refuse(parser, "found more than %d types", WRITER_NODES_MAX);
        return NULL;
    }
    if (json_is_object(json)) {
        return read_object(parser, json, scope);
    }
    if (json_is_array(json)) {
        return read_union(parser, json, scope);
    }
    if (json_is_string(json) && json_string_length(json) > 0) {
        return read_name(parser, bytes_of_text(json_string_value(json)), NULL, scope.space);
    }
    writer_refuse(parser, "found %s, expected a type: a text, an object or an array",
                  json_is_string(json) ? "an empty text" : json_kind(json));
    return NULL;
}

/* ---- The whole ---- */

/* Before jansson recurses: its own bound is deeper than we need. */
static int brackets_depth(struct bytes json) {
    int depth = 0, deepest = 0;
    bool is_text = false;
    for (size_t i = 0; i < json.size; i++) {
        uint8_t byte = json.data[i];
        if (is_text) {
            i += byte == '\\'; /* whatever is escaped ends no text */
            is_text = byte != '"';
        } else if (byte == '"') {
            is_text = true;
        } else if (byte == '{' || byte == '[') {
            deepest = ++depth > deepest ? depth : deepest;
        } else if (byte == '}' || byte == ']') {
            depth--;
        }
    }
    return deepest;
}

static json_t *load_json(struct writer_parser *parser, struct bytes text) {
    if (text.size > WRITER_SCHEMA_BYTES_MAX) {
        writer_refuse(parser, "found a text of %zu bytes, expected at most %d", text.size,
                      WRITER_SCHEMA_BYTES_MAX);
        return NULL;
    }
    int depth = brackets_depth(text);
    if (depth > JSON_DEPTH_MAX) {
        writer_refuse(parser, "found brackets nested %d deep, expected at most %d", depth,
                      JSON_DEPTH_MAX);
        return NULL;
    }
    json_error_t error;
    json_t *json = json_loadb(text.data ? (const char *)text.data : "", text.size,
                              JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!json) {
        writer_refuse(parser, "found what is not JSON: %s (line %d, column %d)", error.text,
                      error.line, error.column);
    }
    return json;
}

struct failure writer_schema_parse(struct bytes json, struct writer_schema **out) {
    struct writer_parser parser = {.out = memory_new(1, sizeof(*parser.out))};
    slot_index_init(&parser.names);
    json_t *root = load_json(&parser, json);
    if (root) {
        parser.out->schema.root = read_type(&parser, root, (struct scope){0});
        json_decref(root);
    }
    if (!failed(parser.failure)) {
        /* The refusal, if any, is in parser.failure. */
        (void)writer_measure(&parser);
    }
    slot_index_clean_up(&parser.names);
    buffer_clean_up(&parser.path);
    free(parser.named);
    *out = &parser.out->schema;
    if (failed(parser.failure)) {
        writer_schema_destroy(*out);
        *out = NULL;
    }
    return parser.failure;
}

void writer_schema_destroy(struct writer_schema *schema) {
    struct writer_owned *owned = (struct writer_owned *)schema; /* its first member */
    if (!owned) {
        return;
    }
    while (owned->pieces) {
        struct writer_piece *piece = owned->pieces;
        owned->pieces = piece->next;
        free(piece);
    }
    free(owned);
}

const struct writer_field *writer_find_field(const struct writer_node *record, struct bytes name) {
    for (size_t i = 0; i < record->count; i++) {
        if (bytes_equal(record->fields[i].name, name)) {
            return &record->fields[i];
        }
    }
    for (size_t i = 0; i < record->count; i++) {
        for (size_t j = 0; j < record->fields[i].alias_count; j++) {
            if (bytes_equal(record->fields[i].aliases[j], name)) {
                return &record->fields[i];
            }
        }
    }
    return NULL;
}
