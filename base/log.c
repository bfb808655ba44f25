#include "base/log.h"

#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "base/buffer.h"

/* Time and level, not counting text: a line never needs more than this beside its text. */
#define TIME_BYTES_MAX 40

struct log_sink log_to(FILE *out, enum log_level level, enum log_format format,
                       struct clock clock) {
    return (struct log_sink){.out = out, .level = level, .format = format, .clock = clock};
}

static const char *level_name(enum log_level level) {
    switch (level) {
    case LOG_DEBUG:
        return "debug";
    case LOG_INFO:
        return "info";
    case LOG_WARN:
        return "warn";
    case LOG_ERROR:
        return "error";
    }
    return "unknown";
}

static void format_time(int64_t now_ms, char out[TIME_BYTES_MAX]) {
    int64_t ms = (now_ms % 1000 + 1000) % 1000;
    time_t seconds = (time_t)((now_ms - ms) / 1000);
    struct tm utc;
    if (!gmtime_r(&seconds, &utc)) {
        snprintf(out, TIME_BYTES_MAX, "%lldms", (long long)now_ms);
        return;
    }
    size_t size = strftime(out, TIME_BYTES_MAX, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(out + size, TIME_BYTES_MAX - size, ".%03dZ", (int)ms);
}

/* Bytes of the well-formed UTF-8 character at data (Unicode 15, table 3-7), 0 if there is none. */
static size_t utf8_size(const uint8_t *data, size_t left) {
    uint8_t first = data[0];
    size_t size = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (first > 0xf4 || size == 0 || size > left) {
        return 0;
    }
    for (size_t i = 1; i < size; i++) {
        if ((data[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    /* Overlong forms, surrogates and what lies beyond U+10FFFF. */
    bool is_wrong = (first == 0xe0 && data[1] < 0xa0) || (first == 0xed && data[1] > 0x9f) ||
                    (first == 0xf0 && data[1] < 0x90) || (first == 0xf4 && data[1] > 0x8f);
    return is_wrong ? 0 : size;
}

/* A byte that may not stand in a line as it is: it would end the line, drive a terminal or break
 * UTF-8. */
static void append_odd_byte(struct buffer *line, enum log_format format, uint8_t byte) {
    const char *letters = "\bb\tt\nn\ff\rr";
    const char *letter = byte && byte < 0x20 ? strchr(letters, byte) : NULL;
    if (letter) {
        buffer_format(line, "\\%c", letter[1]);
    } else if (format == LOG_TEXT) {
        buffer_format(line, "\\x%02x", byte);
    } else if (byte < 0x80) {
        buffer_format(line, "\\u%04x", byte);
    } else {
        buffer_append(line, bytes_of_text("\\ufffd"));
    }
}

static void append_escaped(struct buffer *line, enum log_format format, struct bytes text) {
    for (size_t i = 0; i < text.size;) {
        uint8_t byte = text.data[i];
        size_t size = utf8_size(text.data + i, text.size - i);
        if (size == 0 || byte < 0x20 || byte == 0x7f) {
            append_odd_byte(line, format, byte);
            i++;
            continue;
        }
        if (format == LOG_JSON && (byte == '"' || byte == '\\')) {
            buffer_append_byte(line, '\\');
        }
        buffer_append(line, bytes_of(text.data + i, size));
        i += size;
    }
}

static void append_line(struct buffer *line, const struct log_sink *sink, enum log_level level,
                        const char *room, struct bytes text) {
    char time_text[TIME_BYTES_MAX];
    format_time(clock_now_ms(sink->clock), time_text);
    bool is_json = sink->format == LOG_JSON;
    buffer_format(line, is_json ? "{\"time\":\"%s\",\"level\":\"%s\",\"room\":\"" : "%s %-5s ",
                  time_text, level_name(level));
    append_escaped(line, sink->format, bytes_of_text(room));
    buffer_append(line, bytes_of_text(is_json ? "\",\"text\":\"" : ": "));
    append_escaped(line, sink->format, text);
    buffer_append(line, bytes_of_text(is_json ? "\"}\n" : "\n"));
}

void log_line(const struct log_sink *sink, enum log_level level, const char *room,
              const char *format, ...) {
    if (!sink || !sink->out || level < sink->level) {
        return;
    }
    struct buffer text, line;
    buffer_init(&text, 256);
    buffer_init(&line, 512);
    va_list arguments;
    va_start(arguments, format);
    buffer_format_list(&text, format, arguments);
    va_end(arguments);
    append_line(&line, sink, level, room, buffer_bytes(&text));
    /* One lock for both calls: lines of several threads never mix. A full disk must not stop the
     * process. */
    flockfile(sink->out);
    fwrite(line.data, 1, line.size, sink->out);
    fflush(sink->out);
    funlockfile(sink->out);
    buffer_clean_up(&line);
    buffer_clean_up(&text);
}
