#include "consumer/commands/findings.h"

#include <stdlib.h>

#include "consumer/ops/printable.h"

static const char *const level_names[] = {"ok", "warning", "error"};

void findings_clean_up(struct findings *findings) {
    for (size_t i = 0; i < findings->count; i++) {
        free(findings->items[i].subject);
        free(findings->items[i].text);
    }
    free(findings->items);
    *findings = (struct findings){0};
}

void findings_add(struct findings *findings, enum topic_finding_level level, const char *subject,
                  const char *format, ...) {
    if (findings->count == findings->capacity) {
        findings->capacity = findings->capacity ? findings->capacity * 2 : 16;
        findings->items = memory_grow(findings->items, findings->capacity, sizeof *findings->items);
    }
    struct buffer text;
    buffer_init(&text, 128);
    va_list arguments;
    va_start(arguments, format);
    buffer_format_list(&text, format, arguments);
    va_end(arguments);
    findings->items[findings->count++] = (struct finding){
        .level = level,
        .subject = memory_copy_text(bytes_of_text(subject)),
        .text = memory_copy_text(buffer_bytes(&text)),
    };
    buffer_clean_up(&text);
}

size_t findings_count(const struct findings *findings, enum topic_finding_level level) {
    size_t count = 0;
    for (size_t i = 0; i < findings->count; i++) {
        count += findings->items[i].level == level;
    }
    return count;
}

void findings_write(const struct findings *findings, struct buffer *out) {
    for (int level = FINDING_OK; level <= FINDING_ERROR; level++) {
        for (size_t i = 0; i < findings->count; i++) {
            const struct finding *finding = &findings->items[i];
            if ((int)finding->level != level) {
                continue;
            }
            buffer_format(out, "%s: %s: ", level_names[level], finding->subject);
            printable_append(out, bytes_of_text(finding->text), 0);
            buffer_append_byte(out, '\n');
        }
    }
}

void findings_write_json(const struct findings *findings, struct buffer *out) {
    buffer_append_byte(out, '[');
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        buffer_format(out, "%s{\"level\":\"%s\",\"subject\":", i ? "," : "",
                      level_names[finding->level]);
        printable_append_json(out, bytes_of_text(finding->subject));
        buffer_append(out, bytes_of_text(",\"text\":"));
        printable_append_json(out, bytes_of_text(finding->text));
        buffer_append_byte(out, '}');
    }
    buffer_append_byte(out, ']');
}
