#include "consumer/learn/columns_yaml.h"

#include <errno.h>
#include <stdio.h>

#include "base/config.h"

struct typed_column {
    const char *name;
    int type;
};

struct typed_columns {
    struct config_list list;
};

static const struct config_key column_keys[] = {
    {.name = "name",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct typed_column, name),
     .help = "Name of the column, as in the header."},
    {.name = "type",
     .type = CONFIG_CHOICE,
     .offset = offsetof(struct typed_column, type),
     .choices = column_type_names,
     .help = "numeric, categorical, label, weight, time, group or ignore."},
};
static const struct config_table column_table = {column_keys, 2, sizeof(struct typed_column)};

static const struct config_key file_keys[] = {
    {.name = "list",
     .type = CONFIG_LIST,
     .offset = offsetof(struct typed_columns, list),
     .element = &column_table,
     .help = "One entry a column."},
};
static const struct config_table file_table = {file_keys, 1, sizeof(struct typed_columns)};

struct failure columns_yaml_load(const char *path, struct columns *columns) {
    struct typed_columns file = {0};
    const struct config_room room = {"columns", &file_table, &file};
    struct config *config;
    struct failure failure = config_load_file(path, &room, 1, stderr, &config);
    if (failed(failure)) {
        return failure;
    }
    const struct typed_column *items = file.list.items;
    for (size_t i = 0; i < file.list.count && !failed(failure); i++) {
        size_t index = 0;
        failure = columns_require(columns, items[i].name, &index);
        if (failed(failure)) {
            failure = failure_make(FAILURE_STOP, 0, "%.80s: %.140s", path, failure.text);
        } else {
            columns->items[index].type = (enum column_type)items[i].type;
        }
    }
    config_destroy(config);
    return failure;
}

/* Characters of UTF-8 that YAML folds (NEL and the separators) or does not take; how many bytes. */
static size_t write_escaped(const char *at, FILE *out) {
    static const char *const others[] = {"\u2028", "\u2029", "\ufeff", "\ufffe", "\uffff"};
    static const char *const escapes[] = {"\\u2028", "\\u2029", "\\ufeff", "\\ufffe", "\\uffff"};
    unsigned char c = (unsigned char)at[0], next = (unsigned char)at[1];
    if (c < 0x20 || c == 0x7f) {
        fprintf(out, "\\x%02x", c);
        return 1;
    }
    if (c == 0xc2 && next < 0xa0) { /* C1 */
        fprintf(out, "\\x%02x", next);
        return 2;
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (strncmp(at, others[i], 3) == 0) {
            fputs(escapes[i], out);
            return 3;
        }
    }
    return 0;
}

/* Double-quoted; "${" would be a variable. */
static void write_text(const char *text, FILE *out) {
    fputc('"', out);
    for (const char *at = text; *at;) {
        size_t escaped = write_escaped(at, out);
        if (escaped > 0) {
            at += escaped;
            continue;
        }
        if (*at == '"' || *at == '\\') {
            fputc('\\', out);
        } else if (at[0] == '$' && at[1] == '{') {
            fputc('$', out);
        }
        fputc(*at++, out);
    }
    fputc('"', out);
}

struct failure columns_yaml_save(const char *path, const struct columns *columns) {
    FILE *out = fopen(path, "w");
    if (!out) {
        return failure_make(FAILURE_STOP, errno, "%s: %s", path, strerror(errno));
    }
    fprintf(out,
            "# Types of columns, for promostream learn --types. One of: numeric, categorical,\n"
            "# label, weight, time, group, ignore.\ncolumns:\n  list:\n");
    for (size_t i = 0; i < columns->count; i++) {
        fprintf(out, "    - {name: ");
        write_text(columns->items[i].name, out);
        fprintf(out, ", type: %s}\n", column_type_names[columns->items[i].type]);
    }
    bool has_error = ferror(out) != 0;
    return fclose(out) != 0 || has_error
               ? failure_make(FAILURE_STOP, errno, "%s: %s", path, strerror(errno))
               : failure_none();
}
