#include "producer/report.h"

#include <assert.h>
#include <inttypes.h>

#include "base/parse.h"

void report_init(struct report *report, enum report_form form) {
    *report = (struct report){.form = form};
    buffer_init(&report->out, 1024);
    if (form == REPORT_JSON) {
        buffer_append_byte(&report->out, '{');
    }
}

void report_clean_up(struct report *report) {
    buffer_clean_up(&report->out);
}

static void append_json_text(struct buffer *out, const char *text) {
    buffer_append_byte(out, '"');
    for (; *text; text++) {
        uint8_t c = (uint8_t)*text;
        if (c == '"' || c == '\\') {
            buffer_append_byte(out, '\\');
            buffer_append_byte(out, c);
        } else if (c < 0x20) {
            buffer_format(out, "\\u%04x", c);
        } else {
            buffer_append_byte(out, c);
        }
    }
    buffer_append_byte(out, '"');
}

/* What stands before a value: `, "name": ` or an indented name padded to a column. */
static void begin_member(struct report *report, const char *name) {
    if (report->form == REPORT_JSON) {
        buffer_format(&report->out, "%s", report->has_members ? ", " : "");
        append_json_text(&report->out, name);
        buffer_format(&report->out, ": ");
    } else {
        char spaced[40];
        snprintf(spaced, sizeof spaced, "%s", name);
        for (char *c = spaced; *c; c++) {
            *c = *c == '_' && !report->is_in_group ? ' ' : *c;
        }
        buffer_format(&report->out, "%s%-*s ", report->is_in_group ? "    " : "  ",
                      report->is_in_group ? 22 : 24, spaced);
    }
    report->has_members = true;
}

static void end_member(struct report *report) {
    if (report->form == REPORT_TEXT) {
        buffer_append_byte(&report->out, '\n');
    }
}

void report_text(struct report *report, const char *name, const char *text) {
    begin_member(report, name);
    if (report->form == REPORT_JSON) {
        append_json_text(&report->out, text);
    } else {
        buffer_format(&report->out, "%s", text);
    }
    end_member(report);
}

void report_integer(struct report *report, const char *name, int64_t value) {
    begin_member(report, name);
    buffer_format(&report->out, "%" PRId64, value);
    end_member(report);
}

void report_number(struct report *report, const char *name, double value) {
    begin_member(report, name);
    buffer_format(&report->out, "%.1f", value);
    end_member(report);
}

void report_flag(struct report *report, const char *name, bool value) {
    begin_member(report, name);
    buffer_format(&report->out, "%s",
                  report->form == REPORT_JSON ? (value ? "true" : "false")
                                              : (value ? "yes" : "no"));
    end_member(report);
}

void report_time(struct report *report, const char *name, int64_t time_ms) {
    char iso[PARSE_ISO_BYTES_MAX];
    if (time_ms != INT64_MIN) {
        parse_format_iso(time_ms, iso);
        report_text(report, name, iso);
        return;
    }
    begin_member(report, name);
    buffer_format(&report->out, "%s", report->form == REPORT_JSON ? "null" : "none");
    end_member(report);
}

void report_json(struct report *report, const char *name, struct bytes json) {
    if (report->form == REPORT_JSON) {
        begin_member(report, name);
        buffer_append(&report->out, json);
        end_member(report);
    }
}

void report_begin_group(struct report *report, const char *name) {
    assert(!report->is_in_group);
    begin_member(report, name);
    buffer_format(&report->out, "%s", report->form == REPORT_JSON ? "{" : "\n");
    report->is_in_group = true;
    report->has_members = false;
}

void report_end_group(struct report *report) {
    assert(report->is_in_group);
    if (report->form == REPORT_JSON) {
        buffer_append_byte(&report->out, '}');
    }
    report->is_in_group = false;
    report->has_members = true;
}

bool report_write(struct report *report, FILE *out) {
    if (report->form == REPORT_JSON) {
        buffer_format(&report->out, "}\n");
    }
    return fwrite(report->out.data, 1, report->out.size, out) == report->out.size &&
           fflush(out) == 0;
}

static bool write_form(report_fill *fill, const void *context, enum report_form form, FILE *out) {
    struct report report;
    report_init(&report, form);
    fill(&report, context);
    bool is_written = report_write(&report, out);
    report_clean_up(&report);
    return is_written;
}

bool report_deliver(report_fill *fill, const void *context, enum report_form form,
                    const char *path) {
    bool is_written = write_form(fill, context, form, stdout);
    if (!is_written) {
        perror("standard output");
    }
    if (!path) {
        return is_written;
    }
    FILE *file = fopen(path, "w");
    bool is_filed = file && write_form(fill, context, REPORT_JSON, file);
    is_filed = file && fclose(file) == 0 && is_filed;
    if (!is_filed) {
        perror(path);
    }
    return is_written && is_filed;
}
