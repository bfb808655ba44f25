/* Names of a schema, by the rules of Avro 1.11 ("Names"): a name with a dot is whole; one without
 * takes its own namespace, or that of the definition around it. */
#include <stdlib.h>

#include "base/hash.h"
#include "schemas/writer_schema_internal.h"

static const char *const type_names[] = {
    [WRITER_NULL] = "null",   [WRITER_BOOLEAN] = "boolean", [WRITER_INT] = "int",
    [WRITER_LONG] = "long",   [WRITER_FLOAT] = "float",     [WRITER_DOUBLE] = "double",
    [WRITER_BYTES] = "bytes", [WRITER_STRING] = "string",   [WRITER_FIXED] = "fixed",
    [WRITER_ENUM] = "enum",   [WRITER_ARRAY] = "array",     [WRITER_MAP] = "map",
    [WRITER_UNION] = "union", [WRITER_RECORD] = "record",
};

const char *writer_type_name(enum writer_type type) {
    return type_names[type];
}

enum writer_type writer_primitive_of(struct bytes name) {
    for (enum writer_type type = WRITER_NULL; type <= WRITER_STRING; type++) {
        if (bytes_equal(name, bytes_of_text(type_names[type]))) {
            return type;
        }
    }
    return WRITER_UNION;
}

/* Before the last dot; empty if there is none. */
static struct bytes space_of(struct bytes full_name) {
    struct bytes short_name = writer_short_name(full_name);
    return bytes_of(full_name.data,
                    short_name.size < full_name.size ? full_name.size - short_name.size - 1 : 0);
}

struct bytes writer_short_name(struct bytes full_name) {
    size_t start = full_name.size;
    while (start > 0 && full_name.data[start - 1] != '.') {
        start--;
    }
    return start == 0 ? full_name : bytes_of(full_name.data + start, full_name.size - start);
}

static struct bytes key_of_named(const void *owner, uint32_t slot) {
    const struct writer_parser *parser = owner;
    return parser->named[slot]->name;
}

static const struct writer_node *find_full(struct writer_parser *parser, struct bytes full_name) {
    uint32_t slot =
        slot_index_find(&parser->names, hash64(full_name, 0), full_name, key_of_named, parser);
    return slot == SLOT_NONE ? NULL : parser->named[slot];
}

/* Into out, which the caller clears: space.name, or name alone. */
static struct bytes join(struct bytes space, struct bytes name, struct buffer *out) {
    if (space.size > 0) {
        buffer_append(out, space);
        buffer_append_byte(out, '.');
    }
    buffer_append(out, name);
    return buffer_bytes(out);
}

const struct writer_node *writer_look_up(struct writer_parser *parser, struct bytes name,
                                         struct bytes space) {
    struct bytes short_name = writer_short_name(name);
    struct buffer full = {0};
    bool is_full = short_name.size < name.size;
    const struct writer_node *node =
        find_full(parser, join(is_full ? space_of(name) : space, short_name, &full));
    buffer_clean_up(&full);
    if (!node && !is_full && space.size > 0) {
        /* Avro's Java writes names without a namespace like this wherever they are used. */
        node = find_full(parser, name);
    }
    return node;
}

bool writer_check_name(struct writer_parser *parser, struct bytes name, const char *what) {
    if (name.size == 0) {
        return writer_refuse(parser, "found no %s, expected a text that is not empty", what);
    }
    if (name.size > WRITER_NAME_BYTES_MAX) {
        return writer_refuse(parser, "found a %s of %zu bytes, expected at most %d", what,
                             name.size, WRITER_NAME_BYTES_MAX);
    }
    return true;
}

bool writer_define(struct writer_parser *parser, struct writer_node *node, struct bytes name,
                   struct bytes namespace, struct bytes *out_space) {
    struct bytes short_name = writer_short_name(name);
    struct buffer joined = {0};
    bool is_full = short_name.size < name.size;
    join(is_full ? space_of(name) : namespace, short_name, &joined);
    node->name = writer_keep_text(parser, buffer_bytes(&joined));
    buffer_clean_up(&joined);
    *out_space = space_of(node->name);
    if (!writer_check_name(parser, short_name, "name") ||
        !writer_check_name(parser, node->name, "full name")) {
        return false;
    }
    if (writer_primitive_of(node->name) != WRITER_UNION) {
        return writer_refuse(parser,
                             "found a definition of \"%.*s\", expected a name that is no "
                             "type of Avro",
                             BYTES_ARG(node->name));
    }
    if (find_full(parser, node->name)) {
        return writer_refuse(parser, "found \"%.*s\" defined again, expected each name once",
                             BYTES_ARG(node->name));
    }
    if (parser->named_count == parser->named_capacity) {
        parser->named_capacity = parser->named_capacity ? 2 * parser->named_capacity : 16;
        parser->named = memory_grow(parser->named, parser->named_capacity, sizeof(*parser->named));
    }
    parser->named[parser->named_count] = node;
    slot_index_insert(&parser->names, hash64(node->name, 0), (uint32_t)parser->named_count++);
    return true;
}

static int compare_texts(const void *a, const void *b) {
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

struct bytes writer_repeated(const struct bytes *texts, size_t count) {
    /* By sorting: a schema may hold hundreds of thousands of symbols. */
    struct bytes *sorted = memory_new(count, sizeof(*sorted)), repeated = {0};
    for (size_t i = 0; i < count; i++) {
        sorted[i] = texts[i];
    }
    qsort(sorted, count, sizeof(*sorted), compare_texts);
    for (size_t i = 1; i < count && repeated.size == 0; i++) {
        if (bytes_equal(sorted[i - 1], sorted[i])) {
            repeated = sorted[i];
        }
    }
    free(sorted);
    return repeated;
}
