#include "base/metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

struct registration {
    char *room, *labels;
    const struct metric_row *rows;
    size_t count;
    const uint8_t *cells;
};

struct writer {
    void (*write)(void *context, struct buffer *out);
    void *context;
};

struct metrics {
    struct registration *registrations;
    size_t registration_count;
    struct writer *writers;
    size_t writer_count;
};

struct metrics *metrics_new(void) {
    return memory_new(1, sizeof(struct metrics));
}

void metrics_destroy(struct metrics *metrics) {
    if (!metrics) {
        return;
    }
    for (size_t i = 0; i < metrics->registration_count; i++) {
        free(metrics->registrations[i].room);
        free(metrics->registrations[i].labels);
    }
    free(metrics->registrations);
    free(metrics->writers);
    free(metrics);
}

void metrics_register(struct metrics *metrics, const char *room, const char *labels,
                      const struct metric_row *rows, size_t count, const void *cells) {
    assert(room && labels && rows && cells);
    size_t index = metrics->registration_count++;
    metrics->registrations = memory_grow(metrics->registrations, metrics->registration_count,
                                         sizeof *metrics->registrations);
    metrics->registrations[index] = (struct registration){
        .room = memory_copy_text(bytes_of_text(room)),
        .labels = memory_copy_text(bytes_of_text(labels)),
        .rows = rows,
        .count = count,
        .cells = cells,
    };
}

void metrics_register_writer(struct metrics *metrics,
                             void (*write)(void *context, struct buffer *out), void *context) {
    assert(write);
    size_t index = metrics->writer_count++;
    metrics->writers =
        memory_grow(metrics->writers, metrics->writer_count, sizeof *metrics->writers);
    metrics->writers[index] = (struct writer){.write = write, .context = context};
}

void metrics_append_label(struct buffer *out, const char *name, struct bytes value) {
    buffer_format(out, "%s=\"", name);
    for (size_t i = 0; i < value.size; i++) {
        uint8_t byte = value.data[i];
        if (byte == '\n') {
            buffer_append(out, bytes_of_text("\\n"));
            continue;
        }
        if (byte == '"' || byte == '\\') {
            buffer_append_byte(out, '\\');
        }
        buffer_append_byte(out, byte);
    }
    buffer_append_byte(out, '"');
}

/* HELP text knows two escapes, backslash and newline (exposition format 0.0.4). */
static void append_help(struct buffer *out, const char *help) {
    for (; *help; help++) {
        if (*help == '\n' || *help == '\\') {
            buffer_append(out, bytes_of_text(*help == '\n' ? "\\n" : "\\\\"));
        } else {
            buffer_append_byte(out, (uint8_t)*help);
        }
    }
}

static bool is_same_name(const struct registration *a, const struct metric_row *row_a,
                         const struct registration *b, const struct metric_row *row_b) {
    return bytes_equal(bytes_of_text(a->room), bytes_of_text(b->room)) &&
           bytes_equal(bytes_of_text(row_a->name), bytes_of_text(row_b->name));
}

static bool is_written_before(const struct metrics *metrics, size_t index,
                              const struct metric_row *row) {
    const struct registration *own = &metrics->registrations[index];
    for (size_t i = 0; i < index; i++) {
        const struct registration *other = &metrics->registrations[i];
        for (size_t j = 0; j < other->count; j++) {
            if (is_same_name(own, row, other, &other->rows[j])) {
                return true;
            }
        }
    }
    return false;
}

static void write_sample(const struct registration *registration, const struct metric_row *row,
                         struct buffer *out) {
    const struct metric *cell = (const void *)(registration->cells + row->offset);
    const char *labels = registration->labels;
    buffer_format(out, "promostream_%s_%s%s%s%s %" PRId64 "\n", registration->room, row->name,
                  *labels ? "{" : "", labels, *labels ? "}" : "", metric_get(cell));
}

/* Writes the whole family of one name, from the registration that brought it first: the format
 * wants all lines of a name in one group. */
static void write_family(const struct metrics *metrics, size_t first, const struct metric_row *row,
                         struct buffer *out) {
    const struct registration *own = &metrics->registrations[first];
    buffer_format(out, "# HELP promostream_%s_%s ", own->room, row->name);
    append_help(out, row->help);
    buffer_format(out, "\n# TYPE promostream_%s_%s %s\n", own->room, row->name,
                  row->type == METRIC_COUNTER ? "counter" : "gauge");
    for (size_t i = first; i < metrics->registration_count; i++) {
        const struct registration *registration = &metrics->registrations[i];
        for (size_t j = 0; j < registration->count; j++) {
            if (is_same_name(own, row, registration, &registration->rows[j])) {
                write_sample(registration, &registration->rows[j], out);
            }
        }
    }
}

void metrics_write(const struct metrics *metrics, struct buffer *out) {
    for (size_t i = 0; i < metrics->registration_count; i++) {
        const struct registration *registration = &metrics->registrations[i];
        for (size_t j = 0; j < registration->count; j++) {
            if (!is_written_before(metrics, i, &registration->rows[j])) {
                write_family(metrics, i, &registration->rows[j], out);
            }
        }
    }
    for (size_t i = 0; i < metrics->writer_count; i++) {
        metrics->writers[i].write(metrics->writers[i].context, out);
    }
}
