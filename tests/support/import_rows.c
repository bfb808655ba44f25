#include "tests/support/import_rows.h"

#include <assert.h>
#include <inttypes.h>

#include "base/buffer.h"
#include "tests/support/temp_file.h"

static void write_text(struct buffer *out, const char *name, struct bytes text) {
    if (text.size > 0) {
        buffer_format(out, " %s=%.*s", name, BYTES_ARG(text));
    }
}

static void write_event(struct buffer *out, const struct event *event) {
    buffer_format(out, "%" PRId64 " %s %.*s", event->event_ms, event_type_name(event->type),
                  BYTES_ARG(event->user_id));
    for (size_t i = 0; i < event->line_count; i++) {
        const struct event_line *line = &event->lines[i];
        buffer_format(out, " [%.*s x%d", BYTES_ARG(line->item_id), (int)line->quantity);
        if (!isnan(line->price)) {
            buffer_format(out, " @%.2f", line->price);
        }
        write_text(out, "category", line->category);
        write_text(out, "brand", line->brand);
        buffer_format(out, "]");
    }
    if (!isnan(event->total)) {
        buffer_format(out, " total=%.2f", event->total);
    }
    if (event->consent != CONSENT_UNKNOWN) {
        buffer_format(out, " consent=%s", event->consent == CONSENT_GRANTED ? "granted" : "denied");
    }
    write_text(out, "id", event->event_id);
    write_text(out, "session", event->session_id);
    write_text(out, "order", event->order_id);
    write_text(out, "currency", event->currency);
    write_text(out, "timezone", event->timezone);
}

static void write_rows(struct buffer *out, struct csv_reader *reader,
                       const struct importer *importer) {
    struct event_line lines[1];
    struct event event = {.lines = lines};
    for (;;) {
        struct csv_row row;
        enum csv_verdict csv;
        struct failure failure = csv_next(reader, &row, &csv);
        assert(!failed(failure));
        if (csv == CSV_END) {
            return;
        }
        enum import_verdict verdict =
            csv == CSV_ROW ? import_convert(importer, &row, &event) : import_verdict_of_csv(csv);
        if (verdict == IMPORT_OK) {
            write_event(out, &event);
        } else {
            buffer_format(out, "%s", import_verdict_name(verdict));
        }
        buffer_format(out, "\n");
    }
}

char *import_rows(const struct import_format *format, const struct import_settings *settings,
                  const char *csv) {
    struct temp_file file = temp_file_of_text(csv);
    struct csv_config config = {.separator = ',', .row_bytes_max = CSV_ROW_BYTES_MAX_DEFAULT};
    struct csv_reader *reader;
    struct failure failure = csv_open(file.path, config, &reader);
    assert(!failed(failure));
    struct importer importer;
    struct buffer out = {0};
    failure = format->bind(reader, settings, &importer);
    if (failed(failure)) {
        buffer_format(&out, "unbound: %s", failure.text);
    } else {
        write_rows(&out, reader, &importer);
    }
    csv_close(reader);
    temp_file_remove(&file);
    char *text = memory_copy_text(buffer_bytes(&out));
    buffer_clean_up(&out);
    return text;
}
