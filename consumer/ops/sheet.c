#include "consumer/ops/sheet.h"

#include <inttypes.h>
#include <math.h>

#include "consumer/ops/printable.h"

#define TEXT_COLUMNS_MAX 160

/* ---- Structure ---- */

static void end_line(struct sheet *sheet) {
    if (sheet->is_line_open) {
        struct buffer *out = sheet->out;
        while (out->size > 0 && out->data[out->size - 1] == ' ') { /* of the last column */
            out->size--;
        }
        buffer_append_byte(out, '\n');
        sheet->is_line_open = false;
    }
    sheet->is_first = true;
}

static void indent(struct sheet *sheet) {
    buffer_format(sheet->out, "%*s", 2 + 2 * sheet->depth, "");
    sheet->is_line_open = true;
    sheet->is_first = true;
}

/* JSON: the comma and the name of what follows. */
static void lead_json(struct sheet *sheet, const char *name) {
    buffer_append(sheet->out, bytes_of_text(sheet->is_first ? "" : ","));
    sheet->is_first = false;
    if (name) {
        buffer_append_byte(sheet->out, '"');
        for (const char *at = name; *at; at++) {
            buffer_append_byte(sheet->out, (uint8_t)(*at == ' ' ? '_' : *at));
        }
        buffer_append(sheet->out, bytes_of_text("\":"));
    }
}

static void open_json(struct sheet *sheet, const char *name, char bracket) {
    lead_json(sheet, name);
    buffer_append_byte(sheet->out, (uint8_t)bracket);
    sheet->is_first = true;
}

static void close_json(struct sheet *sheet, char bracket) {
    buffer_append_byte(sheet->out, (uint8_t)bracket);
    sheet->is_first = false;
}

struct sheet sheet_begin(struct buffer *out, bool is_json) {
    buffer_append(out, bytes_of_text(is_json ? "{" : ""));
    return (struct sheet){.out = out, .is_json = is_json, .is_first = true};
}

void sheet_end(struct sheet *sheet) {
    if (sheet->is_json) {
        buffer_append(sheet->out, bytes_of_text("}\n"));
    } else {
        end_line(sheet);
    }
}

void sheet_begin_group(struct sheet *sheet, const char *title) {
    if (sheet->is_json) {
        open_json(sheet, title, '{');
        return;
    }
    end_line(sheet);
    indent(sheet);
    buffer_format(sheet->out, "%-12s", title);
}

void sheet_end_group(struct sheet *sheet) {
    if (sheet->is_json) {
        close_json(sheet, '}');
        return;
    }
    buffer_append(sheet->out, bytes_of_text(sheet->is_first ? "-" : ""));
    end_line(sheet);
}

void sheet_begin_list(struct sheet *sheet, const char *title) {
    if (sheet->is_json) {
        open_json(sheet, title, '[');
        return;
    }
    end_line(sheet);
    buffer_append(sheet->out, bytes_of_text(sheet->depth == 0 ? "\n" : ""));
    buffer_format(sheet->out, "%*s%s\n", 2 * sheet->depth, "", title);
    sheet->depth++;
}

void sheet_end_list(struct sheet *sheet) {
    if (sheet->is_json) {
        close_json(sheet, ']');
        return;
    }
    end_line(sheet);
    sheet->depth--;
}

void sheet_begin_row(struct sheet *sheet) {
    if (sheet->is_json) {
        open_json(sheet, NULL, '{');
        return;
    }
    end_line(sheet);
    buffer_format(sheet->out, "%*s", 2 * sheet->depth, "");
    sheet->is_line_open = true;
}

void sheet_end_row(struct sheet *sheet) {
    if (sheet->is_json) {
        close_json(sheet, '}');
    } else {
        end_line(sheet);
    }
}

void sheet_break(struct sheet *sheet) {
    if (!sheet->is_json) {
        end_line(sheet);
        indent(sheet);
    }
}

/* ---- Values ---- */

static size_t characters_of(struct bytes text) {
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++) {
        count += (text.data[i] & 0xc0) != 0x80;
    }
    return count;
}

/* Text: one value that was rendered already; empty = missing, which only a column shows. */
static void put(struct sheet *sheet, const char *name, int width, struct bytes value) {
    if (value.size == 0 && width == 0) {
        return;
    }
    if (!sheet->is_line_open) {
        indent(sheet);
    }
    struct bytes shown = value.size > 0 ? value : bytes_of_text("-");
    bool is_list = width == 0 && !sheet->is_column;
    buffer_append(sheet->out, bytes_of_text(sheet->is_first ? "" : is_list ? ", " : "  "));
    sheet->is_first = false;
    sheet->is_column = width != 0;
    int pad = (width < 0 ? -width : width) - (int)characters_of(shown);
    if (width == 0) {
        buffer_format(sheet->out, "%s%s", name, *name ? " " : "");
    } else if (width > 0 && pad > 0) {
        buffer_format(sheet->out, "%*s", pad, "");
    }
    buffer_append(sheet->out, shown);
    if (width < 0 && pad > 0) {
        buffer_format(sheet->out, "%*s", pad, "");
    }
}

static void put_and_free(struct sheet *sheet, const char *name, int width, struct buffer *value) {
    put(sheet, name, width, buffer_bytes(value));
    buffer_clean_up(value);
}

void sheet_text(struct sheet *sheet, const char *name, int width, struct bytes text) {
    if (sheet->is_json) {
        lead_json(sheet, name);
        if (text.size == 0) {
            buffer_append(sheet->out, bytes_of_text("null"));
        } else {
            printable_append_json(sheet->out, text);
        }
        return;
    }
    struct buffer value = {0};
    printable_append(&value, text, TEXT_COLUMNS_MAX);
    put_and_free(sheet, name, width, &value);
}

void sheet_integer(struct sheet *sheet, const char *name, int width, int64_t number) {
    if (sheet->is_json) {
        lead_json(sheet, name);
        buffer_format(sheet->out, "%" PRId64, number);
        return;
    }
    struct buffer value = {0};
    printable_append_count(&value, number);
    put_and_free(sheet, name, width, &value);
}

void sheet_number(struct sheet *sheet, const char *name, int width, int decimals, double number) {
    if (sheet->is_json) {
        lead_json(sheet, name);
        printable_append_json_number(sheet->out, number);
        return;
    }
    struct buffer value = {0};
    if (!isnan(number) && decimals < 0) {
        buffer_format(&value, "%.4g", number + 0.0); /* no "-0" */
    } else if (!isnan(number)) {
        buffer_format(&value, "%.*f", decimals, number + 0.0);
    }
    put_and_free(sheet, name, width, &value);
}

void sheet_instant(struct sheet *sheet, const char *name, int width, int64_t at_ms) {
    struct buffer value = {0};
    if (at_ms != INT64_MIN) {
        printable_append_instant(&value, at_ms);
    }
    if (sheet->is_json) {
        sheet_text(sheet, name, width, buffer_bytes(&value));
        buffer_clean_up(&value);
        return;
    }
    put_and_free(sheet, name, width, &value);
}

void sheet_flag(struct sheet *sheet, const char *name, bool is_set) {
    if (sheet->is_json) {
        lead_json(sheet, name);
        buffer_append(sheet->out, bytes_of_text(is_set ? "true" : "false"));
    } else if (is_set) {
        put(sheet, "", 0, bytes_of_text(name));
    }
}

void sheet_words(struct sheet *sheet, const char *name, int width, const struct bytes *words,
                 size_t count) {
    struct buffer value = {0};
    for (size_t i = 0; i < count; i++) {
        buffer_append(&value, bytes_of_text(i == 0 ? "" : sheet->is_json ? "," : " "));
        if (sheet->is_json) {
            printable_append_json(&value, words[i]);
        } else {
            printable_append(&value, words[i], TEXT_COLUMNS_MAX);
        }
    }
    if (sheet->is_json) {
        lead_json(sheet, name);
        buffer_format(sheet->out, "[%.*s]", BYTES_ARG(buffer_bytes(&value)));
        buffer_clean_up(&value);
        return;
    }
    put_and_free(sheet, name, width, &value);
}

void sheet_note(struct sheet *sheet, const char *name, const char *text) {
    if (sheet->is_json) {
        sheet_text(sheet, name, 0, bytes_of_text(text));
    } else if (*text) {
        end_line(sheet);
        buffer_format(sheet->out, "%*s%s\n", 2 * sheet->depth, "", text);
    }
}
