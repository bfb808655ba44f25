#include "consumer/commands/dead_letters_text.h"

#include <inttypes.h>

#include "base/clock.h"
#include "consumer/ops/printable.h"
#include "schemas/event.h"

#define KEY_COLUMNS_MAX   40
#define VALUE_COLUMNS_MAX 60

/* What the list says of a letter that is not simply waiting. */
static const char *const marks[LETTER_VERDICT_COUNT] = {
    [LETTER_FIT] = "",
    [LETTER_REPLAYED] = "replayed",
    [LETTER_CUT] = "cut",
    [LETTER_FOREIGN] = "foreign",
    [LETTER_TOO_OFTEN] = "again",
};

static void append_text(struct buffer *out, const char *text) {
    buffer_append(out, bytes_of_text(text));
}

void letter_append_base64(struct buffer *out, struct bytes bytes) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes.size; i += 3) {
        size_t left = bytes.size - i;
        uint32_t word = (uint32_t)bytes.data[i] << 16;
        word |= left > 1 ? (uint32_t)bytes.data[i + 1] << 8 : 0;
        word |= left > 2 ? bytes.data[i + 2] : 0;
        buffer_append_byte(out, (uint8_t)digits[word >> 18]);
        buffer_append_byte(out, (uint8_t)digits[word >> 12 & 63]);
        buffer_append_byte(out, left > 1 ? (uint8_t)digits[word >> 6 & 63] : '=');
        buffer_append_byte(out, left > 2 ? (uint8_t)digits[word & 63] : '=');
    }
}

/* ---- one letter ---- */

void letter_render_line(const struct letter *letter, enum letter_verdict verdict,
                        struct buffer *out) {
    const struct dead_letter_row *row = letter->row;
    printable_append_instant(out, letter->written_ms);
    buffer_format(out, "  letter %" PRId32 "@%" PRId64 "  from ", letter->partition,
                  letter->offset);
    printable_append(out, row->topic, 0);
    buffer_format(out, " %" PRId32 "@%" PRId64 "  ", row->partition, row->offset);
    printable_append(out, row->reason, 0);
    append_text(out, "  key ");
    if (row->key.data) {
        printable_append(out, row->key, KEY_COLUMNS_MAX);
    } else {
        append_text(out, "-");
    }
    append_text(out, "  ");
    printable_append_count(out, (int64_t)row->value.size);
    buffer_format(out, " bytes, %zu headers", row->header_count);
    if (marks[verdict][0]) {
        buffer_format(out, "  [%s]", marks[verdict]);
    }
    append_text(out, "  ");
    if (row->value.data) {
        printable_append(out, row->value, VALUE_COLUMNS_MAX);
    } else {
        append_text(out, "(no value)");
    }
    buffer_append_byte(out, '\n');
}

static void append_base64_or_null(struct buffer *out, const char *name, struct bytes bytes) {
    buffer_format(out, ",\"%s\":", name);
    if (!bytes.data) {
        append_text(out, "null");
        return;
    }
    buffer_append_byte(out, '"');
    letter_append_base64(out, bytes);
    buffer_append_byte(out, '"');
}

static void append_headers(struct buffer *out, const struct dead_letter_row *row) {
    append_text(out, ",\"headers\":[");
    for (size_t i = 0; i < row->header_count; i++) {
        append_text(out, i ? ",{\"key\":" : "{\"key\":");
        printable_append_json(out, row->headers[i].key);
        append_base64_or_null(out, "key_base64", row->headers[i].key);
        append_base64_or_null(out, "value_base64", row->headers[i].value);
        buffer_append_byte(out, '}');
    }
    buffer_append_byte(out, ']');
}

void letter_render_json(const struct letter *letter, enum letter_verdict verdict,
                        struct buffer *out) {
    const struct dead_letter_row *row = letter->row;
    buffer_format(out,
                  "{\"partition\":%" PRId32 ",\"offset\":%" PRId64 ",\"written_ms\":%" PRId64
                  ",\"from\":{\"topic\":",
                  letter->partition, letter->offset, letter->written_ms);
    printable_append_json(out, row->topic);
    buffer_format(out, ",\"partition\":%" PRId32 ",\"offset\":%" PRId64 ",\"timestamp_ms\":",
                  row->partition, row->offset);
    if (row->timestamp_ms >= 0) {
        buffer_format(out, "%" PRId64, row->timestamp_ms);
    } else {
        append_text(out, "null");
    }
    append_text(out, "},\"reason\":");
    printable_append_json(out, row->reason);
    buffer_format(out, ",\"replayed\":%s,\"cut\":%s,\"replays\":%" PRId64,
                  verdict == LETTER_REPLAYED ? "true" : "false", row->cut ? "true" : "false",
                  letter_replays(row));
    buffer_format(out, ",\"value_bytes\":%zu", row->value.size);
    append_base64_or_null(out, "key_base64", row->key);
    append_base64_or_null(out, "value_base64", row->value);
    append_headers(out, row);
    append_text(out, "}\n");
}

/* ---- all of them ---- */

static void render_summary_line(const struct letter_tally_row *row, struct buffer *out) {
    printable_append_count(out, letter_tally_of_reason(row));
    buffer_format(out, " %s", row->reason);
    const char *before = " (";
    for (int verdict = LETTER_REPLAYED; verdict < LETTER_VERDICT_COUNT; verdict++) {
        if (row->counts[verdict] > 0) {
            append_text(out, before);
            printable_append_count(out, row->counts[verdict]);
            buffer_format(out, " %s", marks[verdict]);
            before = ", ";
        }
    }
    append_text(out, before[0] == ',' ? ")\n" : "\n");
}

static void render_summary_json(const struct letter_tally_row *row, struct buffer *out) {
    append_text(out, "{\"reason\":");
    printable_append_json(out, bytes_of_text(row->reason));
    buffer_format(out, ",\"letters\":%" PRId64 ",\"waiting\":%" PRId64, letter_tally_of_reason(row),
                  row->counts[LETTER_FIT]);
    for (int verdict = LETTER_REPLAYED; verdict < LETTER_VERDICT_COUNT; verdict++) {
        buffer_format(out, ",\"%s\":%" PRId64, marks[verdict], row->counts[verdict]);
    }
    buffer_append_byte(out, '}');
}

void letter_render_summary(const struct letter_tally *tally, int64_t unreadable, bool is_json,
                           struct buffer *out) {
    if (is_json) {
        append_text(out, "{\"summary\":[");
        for (size_t i = 0; i < tally->count; i++) {
            append_text(out, i ? "," : "");
            render_summary_json(&tally->rows[i], out);
        }
        buffer_format(out, "],\"unreadable\":%" PRId64 "}\n", unreadable);
        return;
    }
    if (tally->count == 0) {
        append_text(out, "no dead letters\n");
    }
    for (size_t i = 0; i < tally->count; i++) {
        render_summary_line(&tally->rows[i], out);
    }
    if (unreadable > 0) {
        printable_append_count(out, unreadable);
        append_text(out, " rows are no letters of this version\n");
    }
}
