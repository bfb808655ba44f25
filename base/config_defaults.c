/* The tables as a file: every key with its help, what it takes and its default. What is written
 * loads again, so the manual cannot disagree with the program. */
#include "base/config_internal.h"

#define COLUMNS_MAX 100

static void write_table(FILE *out, const char *prefix, const struct config_table *table);

/* Words of text after "PREFIX# ", broken at COLUMNS_MAX. */
static void write_comment(FILE *out, const char *prefix, const char *text) {
    size_t margin = strlen(prefix) + 1, column = 0;
    const char *word = text + strspn(text, " \n");
    while (*word) {
        size_t size = strcspn(word, " \n");
        if (column > 0 && column + 1 + size > COLUMNS_MAX) {
            fputc('\n', out);
            column = 0;
        }
        if (column == 0) {
            fprintf(out, "%s#", prefix);
            column = margin;
        }
        fprintf(out, " %.*s", (int)size, word);
        column += 1 + size;
        word += size;
        word += strspn(word, " \n");
    }
    if (column > 0) {
        fputc('\n', out);
    }
}

static bool is_collection(const struct config_key *key) {
    return key->type == CONFIG_LIST || key->type == CONFIG_TEXT_LIST ||
           key->type == CONFIG_PROPERTIES;
}

static bool is_required(const struct config_key *key) {
    return !key->default_text && !is_collection(key) && key->type != CONFIG_SECTION;
}

void config_write_quoted(FILE *out, const char *text) {
    fputc('"', out);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            fprintf(out, "\\%c", c);
        } else if (c < 0x20 || c == 0x7f) {
            fprintf(out, "\\x%02x", c);
        } else {
            fputc(c, out);
        }
    }
    fputc('"', out);
}

static bool is_quoted(const struct config_key *key) {
    return key->type == CONFIG_TEXT || key->type == CONFIG_TIME_RANGE ||
           key->type == CONFIG_INSTANT_MS;
}

static void write_help(FILE *out, const char *prefix, const struct config_key *key) {
    struct buffer text;
    buffer_init(&text, 256);
    buffer_format(&text, "%s [", key->help ? key->help : "");
    config_value_expected(key, &text);
    if (is_required(key)) {
        buffer_format(&text, "; required");
    } else if (key->default_text && key->default_text[0]) {
        buffer_format(&text, "; default %s", key->default_text);
    } else {
        buffer_format(&text, "; default empty");
    }
    buffer_append_byte(&text, ']');
    write_comment(out, prefix, config_buffer_text(&text));
    buffer_clean_up(&text);
}

/* One element as a comment that becomes one when its first "# " is taken away. */
static void write_element(FILE *out, const char *prefix, const struct config_table *table) {
    struct buffer inner;
    buffer_init(&inner, 64);
    buffer_format(&inner, "%s#   ", prefix);
    fprintf(out, "%s# -\n", prefix);
    write_table(out, config_buffer_text(&inner), table);
    buffer_clean_up(&inner);
}

static void write_value(FILE *out, const struct config_key *key) {
    if (is_quoted(key)) {
        config_write_quoted(out, key->default_text);
    } else if (key->default_text) {
        fputs(key->default_text, out);
    } else {
        fputs(key->type == CONFIG_PROPERTIES ? "{}" : "[]", out);
    }
}

/* Sections of the same keys are written out once, where a bare value can stand for the others. */
static bool is_like(const struct config_key *key, const struct config_key *previous) {
    return previous && previous->type == CONFIG_SECTION && previous->element == key->element &&
           config_bare_key(key->element);
}

/* previous: the key before it in its table, or NULL. */
static void write_key(FILE *out, const char *prefix, const struct config_key *key,
                      const struct config_key *previous) {
    if (key->type == CONFIG_SECTION && is_like(key, previous)) {
        fprintf(out, "%s%s: ", prefix, key->name);
        write_value(out, config_bare_key(key->element));
        fputc('\n', out);
        return;
    }
    if (key->type == CONFIG_SECTION) {
        if (key->help) {
            write_comment(out, prefix, key->help);
        }
        struct buffer inner;
        buffer_init(&inner, 64);
        buffer_format(&inner, "%s  ", prefix);
        fprintf(out, "%s%s:\n", prefix, key->name);
        write_table(out, config_buffer_text(&inner), key->element);
        buffer_clean_up(&inner);
        return;
    }
    write_help(out, prefix, key);
    if (is_required(key)) {
        fprintf(out, "%s# %s:\n", prefix, key->name);
        return;
    }
    fprintf(out, "%s%s: ", prefix, key->name);
    write_value(out, key);
    fputc('\n', out);
    if (key->type == CONFIG_LIST) {
        write_element(out, prefix, key->element);
    }
}

static void write_table(FILE *out, const char *prefix, const struct config_table *table) {
    for (size_t i = 0; i < table->key_count; i++) {
        write_key(out, prefix, &table->keys[i], i > 0 ? &table->keys[i - 1] : NULL);
    }
}

void config_write_defaults(const struct config_room *rooms, size_t room_count, FILE *out) {
    for (size_t i = 0; i < room_count; i++) {
        fprintf(out, "%s%s:\n", i > 0 ? "\n" : "", rooms[i].section);
        write_table(out, "  ", rooms[i].table);
    }
}
