#include "consumer/commands/coverage.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "consumer/ops/printable.h"

#define NAME_COLUMNS    16
#define EXAMPLE_COLUMNS 40

/* Where a field lies, and what it is. */
struct place {
    const char *name;
    enum mapping_kind kind;
    size_t offset;
};

#define EVENT_PLACE(id, name, kind) {#name, kind, offsetof(struct event, name)},
#define LINE_PLACE(id, name, kind)  {#name, kind, offsetof(struct event_line, name)},
static const struct place event_places[] = {MAPPING_EVENT_FIELDS(EVENT_PLACE)};
static const struct place line_places[] = {MAPPING_LINE_FIELDS(LINE_PLACE)};

/* ---- Counting ---- */

static void append_instant(struct coverage_field *field, int64_t ms) {
    struct buffer text = {0};
    printable_append_instant(&text, ms);
    snprintf(field->example, sizeof field->example, "%.*s", BYTES_ARG(buffer_bytes(&text)));
    buffer_clean_up(&text);
}

static void add_text(struct coverage_field *field, struct bytes text) {
    if (text.size > 0 && field->present++ == 0) {
        size_t size = text.size < COVERAGE_EXAMPLE_BYTES ? text.size : COVERAGE_EXAMPLE_BYTES;
        while (size > 0 && size < text.size && (text.data[size] & 0xc0) == 0x80) {
            size--; /* not within a character */
        }
        snprintf(field->example, sizeof field->example, "%.*s", (int)size, (const char *)text.data);
    }
}

static void add_value(struct coverage_field *field, const struct place *place, const void *record) {
    const void *value = (const char *)record + place->offset;
    switch (place->kind) {
    case MAPPING_TYPE: {
        enum event_type type = *(const enum event_type *)value;
        add_text(field, bytes_of_text(type == EVENT_OTHER ? "" : event_type_name(type)));
        return;
    }
    case MAPPING_TIME:
        if (field->present++ == 0) {
            append_instant(field, *(const int64_t *)value);
        }
        return;
    case MAPPING_TEXT:
        add_text(field, *(const struct bytes *)value);
        return;
    case MAPPING_NUMBER:
        if (isfinite(*(const double *)value) && field->present++ == 0) {
            snprintf(field->example, sizeof field->example, "%.10g", *(const double *)value);
        }
        return;
    case MAPPING_CONSENT: {
        enum consent consent = *(const enum consent *)value;
        add_text(field, bytes_of_text(consent == CONSENT_GRANTED  ? "granted"
                                      : consent == CONSENT_DENIED ? "denied"
                                                                  : ""));
        return;
    }
    case MAPPING_COUNT:
        if (field->present++ == 0) {
            snprintf(field->example, sizeof field->example, "%" PRId32, *(const int32_t *)value);
        }
        return;
    }
}

void coverage_add(struct coverage *coverage, const struct event *event) {
    coverage->events++;
    coverage->lines += (int64_t)event->line_count;
    coverage->events_with_lines += event->line_count > 0;
    for (size_t field = 0; field < MAPPING_EVENT_FIELD_COUNT; field++) {
        add_value(&coverage->event[field], &event_places[field], event);
    }
    for (size_t i = 0; i < event->line_count; i++) {
        for (size_t field = 0; field < MAPPING_LINE_FIELD_COUNT; field++) {
            add_value(&coverage->line[field], &line_places[field], &event->lines[i]);
        }
    }
}

/* ---- What is mapped ---- */

static bool is_of(const struct mapping_path *path, bool is_line, size_t field) {
    return (path->scope != SCOPE_EVENT) == is_line && path->field == field;
}

static bool has_path(const struct coverage *coverage, bool is_line, size_t field) {
    const struct mapping *mapping = coverage->mapping;
    for (size_t i = 0; i < mapping->path_count; i++) {
        if (is_of(&mapping->paths[i], is_line, field)) {
            return true;
        }
    }
    return false;
}

static bool is_mapped(const struct coverage *coverage, bool is_line, size_t field) {
    const struct mapping *mapping = coverage->mapping;
    return !mapping || has_path(coverage, is_line, field) ||
           (is_line ? mapping->lines[field].has_default || mapping->product[field].has_default
                    : mapping->event[field].has_default);
}

static void append_paths(const struct mapping *mapping, bool is_line, size_t field,
                         struct buffer *out) {
    for (size_t i = 0; i < mapping->path_count; i++) {
        const struct mapping_path *path = &mapping->paths[i];
        if (is_of(path, is_line, field)) {
            buffer_format(out, "%s%s%.*s", out->size ? " | " : "",
                          path->scope == SCOPE_LINE ? "lines: " : "", BYTES_ARG(path->text));
        }
    }
}

static void find_always_missing(const struct coverage *coverage, bool is_line, size_t field,
                                const char *subject, struct findings *findings) {
    const struct coverage_field *seen = is_line ? &coverage->line[field] : &coverage->event[field];
    int64_t whole = is_line ? coverage->lines : coverage->events;
    if (whole == 0 || seen->present > 0 || !has_path(coverage, is_line, field)) {
        return;
    }
    struct buffer paths = {0};
    append_paths(coverage->mapping, is_line, field, &paths);
    findings_add(findings, FINDING_WARNING, subject,
                 "mapping.%s%s: no value in any of %" PRId64 " %s at %.*s", is_line ? "lines." : "",
                 is_line ? line_places[field].name : event_places[field].name, whole,
                 is_line ? "lines" : "events", BYTES_ARG(buffer_bytes(&paths)));
    buffer_clean_up(&paths);
}

void coverage_findings(const struct coverage *coverage, const char *subject,
                       struct findings *findings) {
    if (!coverage->mapping) {
        return;
    }
    for (size_t field = 0; field < MAPPING_EVENT_FIELD_COUNT; field++) {
        find_always_missing(coverage, false, field, subject, findings);
    }
    for (size_t field = 0; field < MAPPING_LINE_FIELD_COUNT; field++) {
        find_always_missing(coverage, true, field, subject, findings);
    }
    if (coverage->events > 0 && coverage->lines == 0 &&
        has_path(coverage, true, MAP_LINE_ITEM_ID)) {
        findings_add(findings, FINDING_WARNING, subject,
                     "mapping.lines, mapping.product: no event has an item");
    }
}

/* ---- Output ---- */

static double missing(const struct coverage_field *field, int64_t whole) {
    return whole > 0 ? 1 - (double)field->present / (double)whole : NAN;
}

static void append_row(struct buffer *out, const char *prefix, const char *name,
                       const struct coverage_field *field, int64_t whole) {
    struct buffer example = {0};
    printable_append(&example, bytes_of_text(field->example), EXAMPLE_COLUMNS - 4);
    size_t columns = 0;
    for (size_t i = 0; i < example.size; i++) {
        columns += (example.data[i] & 0xc0) != 0x80;
    }
    size_t width = strlen(prefix) + strlen(name);
    buffer_format(out, "  %s%s%*s %.*s%*s", prefix, name,
                  (int)(width < NAME_COLUMNS ? NAME_COLUMNS - width : 0), "",
                  BYTES_ARG(buffer_bytes(&example)),
                  (int)(columns < EXAMPLE_COLUMNS ? EXAMPLE_COLUMNS - columns : 0), "");
    if (whole > 0) {
        buffer_format(out, " %5.1f %%\n", 100 * missing(field, whole));
    } else {
        buffer_append(out, bytes_of_text("     - \n"));
    }
    buffer_clean_up(&example);
}

void coverage_write(const struct coverage *coverage, struct buffer *out) {
    if (coverage->events == 0) {
        return;
    }
    buffer_format(out, "coverage: %" PRId64 " events, %" PRId64 " with lines, %" PRId64 " lines\n",
                  coverage->events, coverage->events_with_lines, coverage->lines);
    buffer_format(out, "  %-*s %-*s missing\n", NAME_COLUMNS, "field", EXAMPLE_COLUMNS, "example");
    for (size_t field = 0; field < MAPPING_EVENT_FIELD_COUNT; field++) {
        if (is_mapped(coverage, false, field)) {
            append_row(out, "", event_places[field].name, &coverage->event[field],
                       coverage->events);
        }
    }
    for (size_t field = 0; field < MAPPING_LINE_FIELD_COUNT; field++) {
        if (is_mapped(coverage, true, field)) {
            append_row(out, "lines.", line_places[field].name, &coverage->line[field],
                       coverage->lines);
        }
    }
}

static void append_json(struct buffer *out, const char *comma, const char *prefix, const char *name,
                        const struct coverage_field *field, int64_t whole) {
    buffer_format(out, "%s{\"field\":\"%s%s\",\"example\":", comma, prefix, name);
    printable_append_json(out, bytes_of_text(field->example));
    buffer_append(out, bytes_of_text(",\"missing\":"));
    printable_append_json_number(out, missing(field, whole));
    buffer_append_byte(out, '}');
}

void coverage_write_json(const struct coverage *coverage, struct buffer *out) {
    buffer_format(out,
                  "{\"events\":%" PRId64 ",\"events_with_lines\":%" PRId64 ",\"lines\":%" PRId64
                  ",\"fields\":[",
                  coverage->events, coverage->events_with_lines, coverage->lines);
    const char *comma = "";
    for (size_t field = 0; field < MAPPING_EVENT_FIELD_COUNT; field++) {
        if (is_mapped(coverage, false, field)) {
            append_json(out, comma, "", event_places[field].name, &coverage->event[field],
                        coverage->events);
            comma = ",";
        }
    }
    for (size_t field = 0; field < MAPPING_LINE_FIELD_COUNT; field++) {
        if (is_mapped(coverage, true, field)) {
            append_json(out, comma, "lines.", line_places[field].name, &coverage->line[field],
                        coverage->lines);
            comma = ",";
        }
    }
    buffer_append(out, bytes_of_text("]}"));
}
