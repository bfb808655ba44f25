#include "base/config_internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#define FILE_PREFIX    "file:"
#define FILE_BYTES_MAX 65536 /* a secret, or a certificate with its chain */

/* One ${NAME}, ${NAME:-default} or ${file:PATH} within a text. */
struct reference {
    struct bytes name, fallback;
    struct bytes path; /* of ${file:PATH}, which has no name */
    bool has_fallback;
};

static bool is_name_byte(char c, bool is_first) {
    return c == '_' || (is_first ? isalpha((unsigned char)c) : isalnum((unsigned char)c));
}

/* file:PATH}; file:- begins the default of a variable named file. */
static const char *read_file_reference(const char *text, struct reference *out) {
    const char *path = text + strlen(FILE_PREFIX);
    const char *end = strchr(path, '}');
    if (!end || end == path) {
        return NULL;
    }
    *out = (struct reference){.path = bytes_of(path, (size_t)(end - path))};
    return end + 1;
}

/* Reads what follows "${" up to its "}"; returns what follows that, NULL if this is no reference.
 */
static const char *read_reference(const char *text, struct reference *out) {
    bool is_file = strncmp(text, FILE_PREFIX, strlen(FILE_PREFIX)) == 0;
    if (is_file && text[strlen(FILE_PREFIX)] != '-') {
        return read_file_reference(text, out);
    }
    const char *end = text;
    while (is_name_byte(*end, end == text)) {
        end++;
    }
    *out = (struct reference){.name = bytes_of(text, (size_t)(end - text))};
    if (end == text) {
        return NULL;
    }
    if (strncmp(end, ":-", 2) == 0) {
        const char *fallback = end + 2;
        end = strchr(fallback, '}');
        if (!end) {
            return NULL;
        }
        out->has_fallback = true;
        out->fallback = bytes_of(fallback, (size_t)(end - fallback));
    }
    return *end == '}' ? end + 1 : NULL;
}

/* UTF-8 as YAML has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
static bool is_utf8(const char *text) {
    const uint8_t *at = (const uint8_t *)text;
    while (*at) {
        uint32_t lead = *at++;
        if (lead < 0x80) {
            continue;
        }
        int more = lead >= 0xf0 && lead <= 0xf4 ? 3 : lead >= 0xe0 ? 2 : 1;
        if (lead < 0xc2 || lead > 0xf4) {
            return false;
        }
        uint32_t point = lead & (0x3fu >> more);
        for (int i = 0; i < more; i++) {
            if ((*at & 0xc0) != 0x80) {
                return false;
            }
            point = point << 6 | (*at++ & 0x3fu);
        }
        static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
        if (point < least[more] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
            return false;
        }
    }
    return true;
}

/* Up to FILE_BYTES_MAX + 1 bytes, so that too long a file is seen as such; an errno, 0 if it was
 * read. */
static int read_secret(const char *path, struct buffer *out) {
    FILE *file = fopen(path, "re");
    if (!file) {
        return errno;
    }
    errno = 0;
    out->size = fread(buffer_reserve(out, FILE_BYTES_MAX + 1), 1, FILE_BYTES_MAX + 1, file);
    int error = ferror(file) ? errno : 0; /* a folder opens and does not read */
    fclose(file);
    return error;
}

/* Editors and echo end a file with a line break, which is no part of a password. */
static void cut_line_break(struct buffer *text) {
    if (text->size > 0 && text->data[text->size - 1] == '\n') {
        text->size--;
        text->size -= text->size > 0 && text->data[text->size - 1] == '\r';
    }
}

static bool replace_by_file(struct bytes path_bytes, struct buffer *out, struct buffer *problem) {
    char *path = memory_copy_text(path_bytes);
    struct buffer text = {0};
    int error = read_secret(path, &text);
    if (error) {
        buffer_format(problem, "found ${file:%s}: %s, expected a file that can be read", path,
                      strerror(error));
    } else if (text.size > FILE_BYTES_MAX) {
        buffer_format(problem, "found a file %s of more than %d bytes, expected at most as many",
                      path, FILE_BYTES_MAX);
    } else {
        cut_line_break(&text);
        size_t size = text.size;
        if (strlen(config_buffer_text(&text)) != size || !is_utf8((const char *)text.data)) {
            buffer_format(problem, "found a file %s that is not UTF-8, expected text", path);
        } else {
            buffer_append(out, bytes_of(text.data, size));
        }
    }
    if (text.data) {
        explicit_bzero(text.data, text.capacity);
    }
    buffer_clean_up(&text);
    free(path);
    return problem->size == 0;
}

static bool replace(const struct reference *reference, struct buffer *out, struct buffer *problem) {
    if (reference->path.size > 0) {
        return replace_by_file(reference->path, out, problem);
    }
    char *name = memory_copy_text(reference->name);
    const char *value = getenv(name);
    bool is_usable = true;
    if (reference->has_fallback && (!value || !value[0])) {
        buffer_append(out, reference->fallback);
    } else if (!value) {
        buffer_format(problem,
                      "found ${%s} without such an environment variable, expected it to be set "
                      "or a default as in ${%s:-default}",
                      name, name);
        is_usable = false;
    } else if (!is_utf8(value)) {
        buffer_format(problem, "found an environment variable %s that is not UTF-8, expected text",
                      name);
        is_usable = false;
    } else {
        buffer_append(out, bytes_of_text(value));
    }
    free(name);
    return is_usable;
}

bool config_expand(const char *text, struct buffer *out, struct buffer *problem) {
    const char *at = text;
    while (*at) {
        if (strncmp(at, "$${", 3) == 0) {
            buffer_append(out, bytes_of("${", 2));
            at += 3;
        } else if (strncmp(at, "${", 2) == 0) {
            struct reference reference;
            at = read_reference(at + 2, &reference);
            if (!at) {
                buffer_format(problem,
                              "found ${ without a name and a }, expected ${NAME}, "
                              "${NAME:-default}, ${file:PATH}, or $${ for the two characters");
                return false;
            }
            if (!replace(&reference, out, problem)) {
                return false;
            }
        } else {
            buffer_append_byte(out, (uint8_t)*at++);
        }
    }
    return true;
}

char *config_expand_text(const char *text, FILE *problem) {
    struct buffer value = {0}, why = {0};
    char *copy = NULL;
    if (config_expand(text, &value, &why)) {
        copy = memory_copy_text(buffer_bytes(&value));
    } else {
        fputs(config_buffer_text(&why), problem);
    }
    buffer_clean_up(&why);
    buffer_clean_up(&value);
    return copy;
}
