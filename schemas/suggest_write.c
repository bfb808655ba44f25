/* The draft as commented YAML. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "schemas/suggest.h"
#include "schemas/suggest_internal.h"

#define EXAMPLE_BYTES_MAX 40
#define COMMENT_COLUMN    52
#define DIFFERENCE_SURE   80 /* beside a preset only what is sure is said */

static const char *const event_names[] = {
#define NAME(id, name, kind) #name,
    MAPPING_EVENT_FIELDS(NAME)};
static const char *const line_names[] = {MAPPING_LINE_FIELDS(NAME)};
#undef NAME

/* ---- Pieces ---- */

static void append_text(struct buffer *out, const char *text) {
    buffer_append(out, bytes_of_text(text));
}

static void append_quoted(struct buffer *out, const char *text) {
    buffer_append_byte(out, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') {
            buffer_append_byte(out, '\\');
        }
        buffer_append_byte(out, (uint8_t)*text);
    }
    buffer_append_byte(out, '"');
}

/* In a comment: cut, and what could break the line made visible. */
static void append_example(struct buffer *out, const char *text) {
    size_t size = strlen(text) < EXAMPLE_BYTES_MAX ? strlen(text) : EXAMPLE_BYTES_MAX;
    while (size > 0 && size < strlen(text) && ((uint8_t)text[size] & 0xc0) == 0x80) {
        size--; /* not within a character */
    }
    bool is_printable = shape_is_printable(bytes_of(text, size));
    buffer_append_byte(out, '"');
    for (size_t i = 0; i < size; i++) {
        bool is_plain = is_printable || ((uint8_t)text[i] >= 0x20 && (uint8_t)text[i] < 0x7f);
        buffer_append_byte(out, is_plain ? (uint8_t)text[i] : '?');
    }
    append_text(out, size < strlen(text) ? "...\"" : "\"");
}

/* YAML reads null as nothing at all. */
static bool is_plain_scalar(const char *text) {
    bool starts_well = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z');
    return starts_well && strcasecmp(text, "null") != 0 &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789_-.| ") == strlen(text);
}

static void append_path(struct buffer *out, const struct suggestion *suggestion) {
    struct buffer path = {0};
    append_text(&path, suggestion->leaf->path);
    if (suggestion->other) {
        buffer_format(&path, " | %s", suggestion->other->path);
    }
    buffer_append_byte(&path, 0);
    if (is_plain_scalar((const char *)path.data)) {
        append_text(out, (const char *)path.data);
    } else {
        append_quoted(out, (const char *)path.data);
    }
    buffer_clean_up(&path);
}

static const char *sure_word(int sure) {
    return sure >= 85 ? "sure" : sure >= 60 ? "likely" : "a guess";
}

static const struct shape_value *example_of(const struct shape_leaf *leaf) {
    for (size_t i = 0; i < leaf->value_count; i++) {
        if (leaf->values[i].count > 0) {
            return &leaf->values[i];
        }
    }
    return NULL;
}

static void append_comment(struct buffer *out, size_t line_start, const struct shape *shape,
                           const struct suggestion *suggestion) {
    const struct shape_leaf *leaf = suggestion->leaf;
    size_t column = out->size - line_start;
    buffer_format(out, "%*s# %s", (int)(column < COMMENT_COLUMN ? COMMENT_COLUMN - column : 1), "",
                  sure_word(suggestion->sure));
    const struct shape_value *example = example_of(leaf);
    if (example) {
        append_text(out, "; e.g. ");
        append_example(out, example->text);
    }
    int64_t whole = leaf->array >= 0 ? shape->arrays[leaf->array].items : shape->messages;
    if (whole > 0) {
        buffer_format(out, ", in %" PRId64 " of %" PRId64, leaf->seen, whole);
    }
    buffer_append_byte(out, '\n');
}

static void append_field(struct buffer *out, const char *indent, const char *name,
                         const struct shape *shape, const struct suggestion *suggestion) {
    size_t start = out->size;
    buffer_format(out, "%s%s: {path: ", indent, name);
    append_path(out, suggestion);
    if (suggestion->unit != UNIT_AUTO) {
        buffer_format(out, ", unit: %s", mapping_unit_names[suggestion->unit]);
    }
    buffer_append_byte(out, '}');
    append_comment(out, start, shape, suggestion);
}

/* ---- Names of events ---- */

static int by_count(const void *left, const void *right) {
    const struct shape_value *a = left, *b = right;
    return a->count != b->count ? (a->count < b->count) - (a->count > b->count)
                                : strcmp(a->text, b->text);
}

static bool is_in(const struct mapping_field *field, const char *text) {
    for (size_t i = 0; field && i < field->value_count; i++) {
        if (bytes_equal(field->values[i].from, bytes_of_text(text))) {
            return true;
        }
    }
    return false;
}

static void append_type_value(struct buffer *out, const struct shape_value *value, int64_t seen) {
    enum event_type type = suggest_event_type(value->text);
    bool is_row = type != EVENT_OTHER && shape_is_printable(bytes_of_text(value->text));
    size_t start = out->size;
    if (is_row) {
        append_text(out, "      ");
        append_quoted(out, value->text);
        buffer_format(out, ": %s", event_type_name(type));
    } else {
        append_text(out, "      # ");
        append_example(out, value->text);
        append_text(out, ": ?");
    }
    if (seen > 0) {
        size_t column = out->size - start;
        buffer_format(out, "%*s# %" PRId64 " of %" PRId64,
                      (int)(column < COMMENT_COLUMN ? COMMENT_COLUMN - column : 1), "",
                      value->count, seen);
    }
    buffer_append_byte(out, '\n');
}

static bool has_value(const struct shape_leaf *leaf, const char *text) {
    for (size_t i = 0; leaf && i < leaf->value_count; i++) {
        if (strcmp(leaf->values[i].text, text) == 0) {
            return true;
        }
    }
    return false;
}

/* The rows of type.values, most frequent first; those that known (NULL = nobody) or our own names
 * understand are left out, and those of before (NULL = none), which has been written. Returns how
 * many are more than comments. */
static size_t append_type_values(struct buffer *out, const struct shape_leaf *leaf,
                                 const struct shape_leaf *before,
                                 const struct mapping_field *known) {
    struct shape_value values[SHAPE_VALUES_MAX];
    size_t rows = 0;
    for (size_t i = 0; i < leaf->value_count; i++) {
        values[i] = leaf->values[i];
    }
    qsort(values, leaf->value_count, sizeof values[0], by_count);
    for (size_t i = 0; i < leaf->value_count; i++) {
        if (is_in(known, values[i].text) || has_value(before, values[i].text) ||
            event_type_of_name(bytes_of_text(values[i].text)) != EVENT_OTHER ||
            strcmp(values[i].text, event_type_name(EVENT_OTHER)) == 0) {
            continue;
        }
        append_type_value(out, &values[i], leaf->seen);
        rows += suggest_event_type(values[i].text) != EVENT_OTHER &&
                shape_is_printable(bytes_of_text(values[i].text));
    }
    return rows;
}

static void append_type(struct buffer *out, const struct shape *shape,
                        const struct suggestion *type) {
    struct buffer values = {0};
    size_t start = out->size, rows = append_type_values(&values, type->leaf, NULL, NULL);
    if (type->other) {
        rows += append_type_values(&values, type->other, type->leaf, NULL);
    }
    append_text(out, "  type:");
    append_comment(out, start, shape, type);
    append_text(out, "    path: ");
    append_path(out, type);
    append_text(out, "\n");
    if (type->leaf->seen > 0 && type->leaf->seen < shape->messages) {
        append_text(out, "    default: other\n"); /* else such messages would be refused */
    }
    append_text(out, rows > 0 ? "    values:\n" : values.size > 0 ? "    # values:\n" : "");
    buffer_append(out, buffer_bytes(&values));
    buffer_clean_up(&values);
}

/* Names that the preset does not know, at its own path. */
static void append_preset_type(struct buffer *out, const struct shape_leaf *leaf,
                               const struct mapping_field *known) {
    struct buffer values = {0};
    size_t rows = append_type_values(&values, leaf, NULL, known);
    if (values.size > 0) {
        append_text(out, rows > 0 ? "  type:\n    values:\n" : "  # type:\n  #   values:\n");
    }
    buffer_append(out, buffer_bytes(&values));
    buffer_clean_up(&values);
}

/* ---- Consent: never more than a hint ---- */

static void append_consent(struct buffer *out, const struct suggestion *suggestion) {
    append_text(out, "  # consent: {path: ");
    append_path(out, suggestion);
    append_text(out, ", values: {");
    const char *comma = "";
    for (size_t i = 0; i < suggestion->leaf->value_count; i++) {
        const char *text = suggestion->leaf->values[i].text;
        enum consent consent = suggest_consent(text);
        if (consent != CONSENT_UNKNOWN && shape_is_printable(bytes_of_text(text))) {
            append_text(out, comma);
            append_quoted(out, text);
            append_text(out, consent == CONSENT_GRANTED ? ": granted" : ": denied");
            comma = ", ";
        }
    }
    append_text(out, "}}   # only if it answers: may we send promotions?\n");
}

/* ---- The whole ---- */

/* Fields that only feedback on our own pushes, or our own schema, has. */
static bool is_ours_alone(const char *name) {
    return strcmp(name, "subject_key_id") == 0 || strcmp(name, "canonical_id") == 0 ||
           strcmp(name, "decision_id") == 0;
}

static void append_missing(struct buffer *out, const char *indent, const char *const *names,
                           const struct suggestion *found, size_t count) {
    const char *comma = "";
    for (size_t i = 0; i < count; i++) {
        if (!found[i].leaf && !is_ours_alone(names[i])) {
            if (!*comma) {
                buffer_format(out, "%s# not found: ", indent);
            }
            buffer_format(out, "%s%s", comma, names[i]);
            comma = ", ";
        }
    }
    append_text(out, *comma ? "\n" : "");
}

static void append_product(struct buffer *out, const struct suggest *suggest, const char *section,
                           const struct suggestion found[MAPPING_LINE_FIELD_COUNT]) {
    buffer_format(out, "  %s:\n", section);
    if (found == suggest->lines) {
        buffer_format(out, "    path: \"%s[]\"\n", suggest->shape->arrays[suggest->array].path);
    }
    for (size_t field = 0; field < MAPPING_LINE_FIELD_COUNT; field++) {
        if (found[field].leaf) {
            append_field(out, "    ", line_names[field], suggest->shape, &found[field]);
        }
    }
    append_missing(out, "    ", line_names, found, MAPPING_LINE_FIELD_COUNT);
}

static bool write_fields(const struct suggest *suggest, struct buffer *out) {
    const struct suggestion *event = suggest->event;
    for (size_t field = 0; field < MAPPING_EVENT_FIELD_COUNT; field++) {
        if (!event[field].leaf) {
            continue;
        }
        if (field == MAP_TYPE) {
            append_type(out, suggest->shape, &event[field]);
        } else if (field == MAP_CONSENT) {
            append_consent(out, &event[field]);
        } else {
            append_field(out, "  ", event_names[field], suggest->shape, &event[field]);
        }
    }
    append_missing(out, "  ", event_names, event, MAPPING_EVENT_FIELD_COUNT);
    if (suggest->array >= 0) {
        append_product(out, suggest, "lines", suggest->lines);
    }
    if (suggest->product[MAP_LINE_ITEM_ID].leaf) {
        append_product(out, suggest, "product", suggest->product);
    }
    if (suggest->array < 0 && !suggest->product[MAP_LINE_ITEM_ID].leaf) {
        append_text(out, "  # lines, product: nothing that looks like an item's id was found\n");
    }
    return event[MAP_TYPE].leaf && event[MAP_EVENT_MS].leaf;
}

/* Fields that the preset looks for in vain. */
static void write_differences(const struct suggest *suggest, const struct mapping *mapping,
                              struct buffer *out) {
    const struct shape *shape = suggest->shape;
    const struct shape_leaf *type = suggest_preset_leaf(shape, mapping, SCOPE_EVENT, MAP_TYPE);
    append_preset_type(out, type, &mapping->event[MAP_TYPE]);
    struct buffer absent = {0};
    for (size_t field = 0; field < MAPPING_EVENT_FIELD_COUNT; field++) {
        const struct suggestion *own = &suggest->event[field];
        if (suggest_preset_leaf(shape, mapping, SCOPE_EVENT, field)) {
            continue;
        }
        bool is_sure = own->leaf && own->sure >= DIFFERENCE_SURE && field != MAP_CONSENT;
        if (is_sure) {
            append_field(out, "  ", event_names[field], shape, own);
        } else if (suggest_preset_maps(mapping, SCOPE_EVENT, field)) {
            buffer_format(&absent, "%s%s", absent.size ? ", " : "", event_names[field]);
        }
    }
    if (absent.size > 0) {
        buffer_format(out, "  # where the preset looks for them, nothing was seen: %.*s\n",
                      BYTES_ARG(buffer_bytes(&absent)));
    }
    buffer_clean_up(&absent);
}

bool suggest_write(const struct shape *shape, const char *source, struct buffer *out) {
    struct suggest suggest;
    struct suggest_fit fit = suggest_preset(shape);
    suggest_fields(shape, &suggest);
    buffer_format(out, "# Drafted from %s", source);
    if (shape->messages > 0) {
        buffer_format(out, ": %" PRId64 " message%s", shape->messages,
                      shape->messages == 1 ? "" : "s");
    }
    append_text(out, ". Check every line; `promostream validate` shows what comes of it.\n");
    if (!shape->has_schema) {
        append_text(out, "# JSON needs beside it: decode: {format: json, framing: bare}\n");
    }
    append_text(out, "mapping:\n");
    if (!fit.preset) {
        return write_fields(&suggest, out);
    }
    struct suggest_preset_load load;
    suggest_preset_open(fit.preset, &load);
    buffer_format(out,
                  "  # %zu of the preset's %zu fields are here; to read it: promostream mapping "
                  "presets %s\n",
                  fit.found, fit.mapped, fit.preset->name);
    buffer_format(out, "  preset: %s\n", fit.preset->name);
    write_differences(&suggest, load.mapping, out);
    suggest_preset_close(&load);
    return true;
}
