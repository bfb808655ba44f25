#include "base/config_internal.h"

#include <stdlib.h>

#define SAFE_BYTES_MAX 60

const char *config_buffer_text(struct buffer *buffer) {
    *buffer_reserve(buffer, 1) = '\0';
    return (const char *)buffer->data;
}

/* An error must not break a line, a terminal or a log: whatever stands in the file is printed as if
 * in C. */
static void print_safe_byte(struct buffer *out, uint8_t byte) {
    switch (byte) {
    case '\n':
        buffer_format(out, "\\n");
        return;
    case '\t':
        buffer_format(out, "\\t");
        return;
    case '"':
    case '\\':
        buffer_format(out, "\\%c", byte);
        return;
    default:
        if (byte < 0x20 || byte == 0x7f) {
            buffer_format(out, "\\x%02x", byte);
        } else {
            buffer_append_byte(out, byte);
        }
    }
}

void config_print_safe(struct buffer *out, struct bytes text) {
    size_t size = text.size;
    if (size > SAFE_BYTES_MAX) {
        size = SAFE_BYTES_MAX;
        while (size > 0 && (text.data[size] & 0xc0) == 0x80) {
            size--; /* never half a character of UTF-8 */
        }
    }
    for (size_t i = 0; i < size; i++) {
        /* U+0080..U+009F are control characters too, of two bytes. */
        if (text.data[i] == 0xc2 && i + 1 < size && text.data[i + 1] < 0xa0) {
            i++;
            buffer_format(out, "\\x%02x", text.data[i]);
            continue;
        }
        print_safe_byte(out, text.data[i]);
    }
    if (size < text.size) {
        buffer_format(out, "...");
    }
}

static void print_path(struct buffer *out, const struct config_path *path) {
    if (path->parent) {
        print_path(out, path->parent);
    }
    if (!path->name) {
        buffer_format(out, "[%zu]", path->index);
        return;
    }
    if (path->parent) {
        buffer_append_byte(out, '.');
    }
    config_print_safe(out, bytes_of_text(path->name));
}

void config_errors_add(struct config_errors *errors, size_t line, const struct config_path *path,
                       const char *format, ...) {
    struct buffer text;
    buffer_init(&text, 128);
    if (path) {
        print_path(&text, path);
        buffer_format(&text, ": ");
    }
    va_list arguments;
    va_start(arguments, format);
    buffer_format_list(&text, format, arguments);
    va_end(arguments);
    if (errors->count == errors->capacity) {
        errors->capacity = errors->capacity ? 2 * errors->capacity : 16;
        errors->items = memory_grow(errors->items, errors->capacity, sizeof *errors->items);
    }
    errors->items[errors->count] = (struct config_error){
        .line = line, .order = errors->count, .text = memory_copy_text(buffer_bytes(&text))};
    errors->count++;
    buffer_clean_up(&text);
}

static int compare_errors(const void *left, const void *right) {
    const struct config_error *a = left, *b = right;
    if (a->line != b->line) {
        return a->line < b->line ? -1 : 1;
    }
    return (a->order > b->order) - (a->order < b->order);
}

void config_errors_print(struct config_errors *errors, const char *name, FILE *out) {
    if (errors->count > 1) {
        qsort(errors->items, errors->count, sizeof *errors->items, compare_errors);
    }
    for (size_t i = 0; i < errors->count; i++) {
        fprintf(out, "%s:%zu: %s\n", name, errors->items[i].line, errors->items[i].text);
    }
}

void config_errors_clean_up(struct config_errors *errors) {
    for (size_t i = 0; i < errors->count; i++) {
        free(errors->items[i].text);
    }
    free(errors->items);
    *errors = (struct config_errors){0};
}
