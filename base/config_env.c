#include "base/config_internal.h"

#include <ctype.h>
#include <stdlib.h>

/* One ${NAME} or ${NAME:-default} within a text. */
struct reference {
    struct bytes name, fallback;
    bool has_fallback;
};

static bool is_name_byte(char c, bool is_first) {
    return c == '_' || (is_first ? isalpha((unsigned char)c) : isalnum((unsigned char)c));
}

/* Reads what follows "${" up to its "}"; returns what follows that, NULL if this is no reference.
 */
static const char *read_reference(const char *text, struct reference *out) {
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

static bool replace(const struct reference *reference, struct buffer *out, struct buffer *problem) {
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
                buffer_format(problem, "found ${ without a name and a }, expected ${NAME}, "
                                       "${NAME:-default}, or $${ for the two characters");
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
