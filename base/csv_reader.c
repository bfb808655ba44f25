#include "base/csv_reader.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/input_file.h"

#define REFILL_BYTES      (256 * 1024)
#define EXAMPLE_BYTES     200 /* of a rejected row */
#define SKIPPED_BYTES_MAX ((size_t)256 << 20)

enum scan_state { SCAN_FIELD_START, SCAN_PLAIN, SCAN_QUOTED, SCAN_QUOTE_SEEN, SCAN_RETURN_SEEN };

/* The window holds the unread bytes [begin, end). The search for the row's end is a state machine
 * that stops where the bytes stop and goes on there when more have come, so each byte is looked at
 * once (twice behind a stray quote). */
struct csv_reader {
    struct input_file *input;
    char *name; /* what errors call it */
    struct csv_config config;
    uint8_t *window;
    size_t capacity, begin, end;
    bool is_at_end;
    uint64_t line; /* of window[begin] */

    size_t scanned; /* next byte to look at */
    enum scan_state state;
    bool has_bad_quote;
    uint64_t newlines; /* within the row */

    struct bytes *fields;
    uint8_t *unquoted; /* fields with doubled quotes are copied here */
    size_t unquoted_size;
    char **columns;
    size_t column_count;
};

static void scan_restart(struct csv_reader *reader) {
    reader->scanned = reader->begin;
    reader->state = SCAN_FIELD_START;
    reader->has_bad_quote = false;
    reader->newlines = 0;
}

/* Gives up window[begin, at) and counts its lines. */
static void consume(struct csv_reader *reader, size_t at, uint64_t newlines) {
    assert(at <= reader->end);
    reader->begin = at;
    reader->line += newlines;
    scan_restart(reader);
}

/* Reads more bytes behind the window, after moving it to the front if there is no room. */
static struct failure refill(struct csv_reader *reader) {
    if (reader->end == reader->capacity) {
        size_t shift = reader->begin;
        assert(shift > 0);
        memmove(reader->window, reader->window + shift, reader->end - shift);
        reader->begin = 0;
        reader->end -= shift;
        reader->scanned -= shift;
    }
    size_t got;
    struct failure failure = input_file_read(reader->input, reader->window + reader->end,
                                             reader->capacity - reader->end, &got);
    reader->end += got;
    reader->is_at_end = got == 0;
    return failure;
}

/* One byte of the row. True when it is the newline that ends it. */
static bool scan_byte(struct csv_reader *reader, uint8_t c) {
    uint8_t separator = (uint8_t)reader->config.separator;
    if (c == '\n') {
        reader->newlines++;
        return reader->state != SCAN_QUOTED;
    }
    switch (reader->state) {
    case SCAN_FIELD_START:
        reader->state = c == '"' ? SCAN_QUOTED : c == separator ? SCAN_FIELD_START : SCAN_PLAIN;
        break;
    case SCAN_PLAIN:
        reader->state = c == separator ? SCAN_FIELD_START : SCAN_PLAIN;
        break;
    case SCAN_QUOTED:
        reader->state = c == '"' ? SCAN_QUOTE_SEEN : SCAN_QUOTED;
        break;
    case SCAN_QUOTE_SEEN:
        if (c == '"') {
            reader->state = SCAN_QUOTED;
        } else if (c == separator) {
            reader->state = SCAN_FIELD_START;
        } else if (c == '\r') {
            reader->state = SCAN_RETURN_SEEN;
        } else {
            reader->has_bad_quote = true;
            reader->state = SCAN_PLAIN;
        }
        break;
    case SCAN_RETURN_SEEN: /* only a newline or the end of the file may follow */
        reader->has_bad_quote = true;
        reader->state = SCAN_PLAIN;
        break;
    }
    return false;
}

/* Most rows have no quotes: then the next newline is the end. False: look at every byte. */
static bool scan_plain(struct csv_reader *reader, size_t stop) {
    bool is_inside = reader->state != SCAN_FIELD_START && reader->state != SCAN_PLAIN;
    const uint8_t *from = reader->window + reader->scanned;
    if (is_inside || reader->scanned >= stop) {
        return false;
    }
    const uint8_t *newline = memchr(from, '\n', stop - reader->scanned);
    if (!newline || memchr(from, '"', (size_t)(newline - from))) {
        return false;
    }
    reader->scanned = (size_t)(newline - reader->window);
    reader->newlines++;
    return true;
}

enum scan_result { ROW_FOUND, ROW_OVERFLOWS, ROW_UNCLOSED, NO_ROW };

/* Looks for the end of the row at begin. ROW_FOUND: scanned is the newline or the end of the file.
 */
static struct failure scan_row(struct csv_reader *reader, enum scan_result *out) {
    for (;;) {
        size_t limit = reader->begin + reader->config.row_bytes_max + 1;
        size_t stop = reader->end < limit ? reader->end : limit;
        if (scan_plain(reader, stop)) {
            *out = ROW_FOUND;
            return failure_none();
        }
        for (; reader->scanned < stop; reader->scanned++) {
            if (scan_byte(reader, reader->window[reader->scanned])) {
                *out = ROW_FOUND;
                return failure_none();
            }
        }
        if (reader->scanned == limit) {
            /* Only a quote keeps a newline from ending the row. */
            *out = reader->newlines == 0 ? ROW_OVERFLOWS : ROW_UNCLOSED;
            return failure_none();
        }
        if (reader->is_at_end) {
            *out = reader->begin == reader->end   ? NO_ROW
                   : reader->state == SCAN_QUOTED ? ROW_UNCLOSED
                                                  : ROW_FOUND;
            return failure_none();
        }
        struct failure failure = refill(reader);
        if (failed(failure)) {
            return failure;
        }
    }
}

/* Consumes everything up to and with the next newline. What has none for so long is no text. */
static struct failure skip_line(struct csv_reader *reader) {
    for (size_t skipped = 0; skipped < SKIPPED_BYTES_MAX;) {
        const uint8_t *found =
            memchr(reader->window + reader->begin, '\n', reader->end - reader->begin);
        if (found) {
            consume(reader, (size_t)(found - reader->window) + 1, 1);
            return failure_none();
        }
        skipped += reader->end - reader->begin;
        consume(reader, reader->end, 0);
        if (reader->is_at_end) {
            return failure_none();
        }
        struct failure failure = refill(reader);
        if (failed(failure)) {
            return failure;
        }
    }
    return failure_make(FAILURE_STOP, 0,
                        "%s:%llu: no end of the line within %zu MiB: not a text file", reader->name,
                        (unsigned long long)reader->line, SKIPPED_BYTES_MAX >> 20);
}

/* A quoted field's text without its quotes: a slice, or a copy when quotes are doubled inside. raw
 * ends with a quote. */
static struct bytes unquote(struct csv_reader *reader, struct bytes raw) {
    struct bytes inner = bytes_of(raw.data + 1, raw.size - 2);
    if (inner.size == 0 || !memchr(inner.data, '"', inner.size)) {
        return inner;
    }
    uint8_t *copy = reader->unquoted + reader->unquoted_size;
    size_t size = 0;
    for (size_t i = 0; i < inner.size; i++) {
        copy[size++] = inner.data[i];
        i += inner.data[i] == '"'; /* the scan has shown that every quote here has its twin */
    }
    reader->unquoted_size += size;
    return bytes_of(copy, size);
}

/* End of the field at text[at]: the index of its separator, or text.size. */
static size_t field_end(struct bytes text, size_t at, uint8_t separator) {
    if (at < text.size && text.data[at] == '"') {
        for (at++; at < text.size; at++) {
            if (text.data[at] == '"') {
                if (at + 1 == text.size || text.data[at + 1] != '"') {
                    return at + 1;
                }
                at++;
            }
        }
    }
    const uint8_t *found =
        at < text.size ? memchr(text.data + at, separator, text.size - at) : NULL;
    return found ? (size_t)(found - text.data) : text.size;
}

/* Splits a row without bad quotes into reader->fields. Returns the count, CSV_FIELDS_MAX + 1 when
 * there are more. */
static size_t split(struct csv_reader *reader, struct bytes text) {
    size_t count = 0;
    reader->unquoted_size = 0;
    for (size_t at = 0;; count++) {
        if (count == CSV_FIELDS_MAX) {
            return count + 1;
        }
        size_t end = field_end(text, at, (uint8_t)reader->config.separator);
        struct bytes raw = bytes_of(text.data + at, end - at);
        bool is_quoted = raw.size > 0 && raw.data[0] == '"';
        reader->fields[count] = is_quoted ? unquote(reader, raw) : raw;
        if (end == text.size) {
            return count + 1;
        }
        at = end + 1;
    }
}

/* The found row without its CR. */
static struct bytes row_text(const struct csv_reader *reader) {
    size_t size = reader->scanned - reader->begin;
    const uint8_t *data = reader->window + reader->begin;
    return bytes_of(data, size > 0 && data[size - 1] == '\r' ? size - 1 : size);
}

/* Takes the found row. *out stays valid until the window moves, at the next call. */
static enum csv_verdict take_row(struct csv_reader *reader, struct csv_row *out) {
    out->text = row_text(reader);
    bool has_bad_quote = reader->has_bad_quote;
    size_t behind = reader->scanned < reader->end ? reader->scanned + 1 : reader->end;
    consume(reader, behind, reader->newlines);
    if (has_bad_quote) {
        return CSV_BAD_QUOTE;
    }
    out->field_count = split(reader, out->text);
    bool fits = out->field_count <= CSV_FIELDS_MAX &&
                (reader->column_count == 0 || out->field_count == reader->column_count);
    return fits ? CSV_ROW : CSV_FIELD_COUNT;
}

/* Keeps the first line of a row that is given up, or its beginning, in the place of unquoted
 * fields. */
static void keep_example(struct csv_reader *reader, struct csv_row *out) {
    const uint8_t *begin = reader->window + reader->begin;
    size_t size = reader->scanned - reader->begin;
    const uint8_t *newline = memchr(begin, '\n', size);
    size = newline ? (size_t)(newline - begin) : size;
    size = size < EXAMPLE_BYTES ? size : EXAMPLE_BYTES;
    memcpy(reader->unquoted, begin, size);
    out->text = bytes_of(reader->unquoted, size);
}

struct failure csv_next(struct csv_reader *reader, struct csv_row *out,
                        enum csv_verdict *out_verdict) {
    enum scan_result result = NO_ROW;
    struct failure failure = failure_none();
    do {
        *out = (struct csv_row){.fields = reader->fields, .line = reader->line};
        failure = scan_row(reader, &result);
        if (failed(failure)) {
            return failure;
        }
        switch (result) {
        case ROW_FOUND:
            *out_verdict = take_row(reader, out);
            break;
        case ROW_OVERFLOWS:
            keep_example(reader, out);
            *out_verdict = CSV_TOO_LONG;
            return skip_line(reader);
        case ROW_UNCLOSED:
            keep_example(reader, out);
            *out_verdict = CSV_BAD_QUOTE;
            return skip_line(reader);
        case NO_ROW:
            *out_verdict = CSV_END;
            break;
        }
    } while (result == ROW_FOUND && out->text.size == 0); /* an empty line */
    return failure;
}

/* Skips a UTF-8 byte order mark, as spreadsheets write it. */
static struct failure skip_mark(struct csv_reader *reader) {
    while (reader->end < 3 && !reader->is_at_end) {
        struct failure failure = refill(reader);
        if (failed(failure)) {
            return failure;
        }
    }
    if (reader->end >= 3 && memcmp(reader->window, "\xEF\xBB\xBF", 3) == 0) {
        consume(reader, 3, 0);
    }
    return failure_none();
}

static struct failure read_header(struct csv_reader *reader, const char *path) {
    struct csv_row row;
    enum csv_verdict verdict;
    struct failure failure = skip_mark(reader);
    if (!failed(failure)) {
        failure = csv_next(reader, &row, &verdict);
    }
    if (failed(failure)) {
        return failure;
    }
    if (verdict != CSV_ROW) {
        return failure_make(FAILURE_STOP, 0, "%s: %s", path,
                            verdict == CSV_END ? "the file is empty, expected a header row"
                                               : "the first row is not a proper header");
    }
    reader->columns = memory_new(row.field_count, sizeof *reader->columns);
    for (size_t i = 0; i < row.field_count; i++) {
        reader->columns[i] = memory_copy_text(row.fields[i]);
    }
    reader->column_count = row.field_count;
    return failure;
}

struct failure csv_open(const char *path, struct csv_config config, struct csv_reader **out) {
    *out = NULL;
    struct input_file *input;
    struct failure failure = input_file_open(path, &input);
    return failed(failure) ? failure : csv_open_input(input, path, config, out);
}

struct failure csv_open_input(struct input_file *input, const char *name, struct csv_config config,
                              struct csv_reader **out) {
    assert(config.row_bytes_max > 0 && config.separator != '"' && config.separator != '\n');
    *out = NULL;
    struct csv_reader *reader = memory_new(1, sizeof *reader);
    reader->input = input;
    reader->name = memory_copy_text(bytes_of_text(name));
    reader->config = config;
    reader->capacity = config.row_bytes_max + REFILL_BYTES;
    reader->window = memory_new(reader->capacity, 1);
    reader->unquoted = memory_new(config.row_bytes_max + EXAMPLE_BYTES, 1);
    reader->fields = memory_new(CSV_FIELDS_MAX, sizeof *reader->fields);
    reader->line = 1;
    scan_restart(reader);
    struct failure failure = read_header(reader, name);
    if (failed(failure)) {
        csv_close(reader);
        return failure;
    }
    *out = reader;
    return failure;
}

size_t csv_columns(const struct csv_reader *reader, const char *const **out_names) {
    *out_names = (const char *const *)reader->columns;
    return reader->column_count;
}

int csv_column(const struct csv_reader *reader, const char *name) {
    for (size_t i = 0; i < reader->column_count; i++) {
        if (strcmp(reader->columns[i], name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

double csv_progress(const struct csv_reader *reader) {
    int64_t size = input_file_size(reader->input);
    return size > 0 ? (double)input_file_position(reader->input) / (double)size : -1;
}

void csv_close(struct csv_reader *reader) {
    if (!reader) {
        return;
    }
    for (size_t i = 0; i < reader->column_count; i++) {
        free(reader->columns[i]);
    }
    free(reader->columns);
    free(reader->fields);
    free(reader->unquoted);
    free(reader->window);
    free(reader->name);
    input_file_close(reader->input);
    free(reader);
}
