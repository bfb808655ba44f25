#include "consumer/learn/source.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "consumer/learn/source_internal.h"

const char *const source_format_names[] = {"auto", "csv", "vw", "avro", NULL};

static enum source_format sniff(struct bytes begin) {
    if (begin.size >= 4 && memcmp(begin.data, "Obj\x01", 4) == 0) {
        return SOURCE_AVRO;
    }
    return source_vw_looks_like(begin) ? SOURCE_VW : SOURCE_CSV;
}

static struct failure open_format(struct source *source, const struct source_config *config,
                                  struct bytes begin) {
    source->format = config->format == SOURCE_AUTO ? sniff(begin) : config->format;
    struct input_file *input = source->input;
    switch (source->format) {
    case SOURCE_VW:
        source_vw_open(source, config);
        return failure_none();
    case SOURCE_AVRO:
        return source_avro_open(source, config);
    default:
        source->input = NULL;
        return source_csv_open(source, input, config);
    }
}

/* The end of a long path tells more than its beginning. */
static char *name_of(const char *path) {
    size_t size = strlen(path);
    bool is_long = size > SOURCE_NAME_BYTES;
    struct buffer name = {0};
    buffer_format(&name, "%s%s", is_long ? "..." : "",
                  strcmp(path, "-") == 0 ? "standard input"
                  : is_long              ? path + size - (SOURCE_NAME_BYTES - 3)
                                         : path);
    char *out = memory_copy_text(buffer_bytes(&name));
    buffer_clean_up(&name);
    return out;
}

struct failure source_open(const struct source_config *config, struct source **out) {
    *out = NULL;
    struct source *source = memory_new(1, sizeof *source);
    source->name = name_of(config->path);
    struct failure failure = input_file_open(config->path, &source->input);
    struct bytes begin = {0};
    if (!failed(failure)) {
        failure = input_file_peek(source->input, INPUT_FILE_PEEK_MAX, &begin.data, &begin.size);
    }
    if (!failed(failure) && begin.size == 0) {
        failure = failure_make(FAILURE_STOP, 0, "%s: the file is empty", source->name);
    }
    if (!failed(failure)) {
        failure = open_format(source, config, begin);
    }
    if (failed(failure)) {
        source_close(source);
        return failure;
    }
    *out = source;
    return failure;
}

enum source_format source_format(const struct source *source) {
    return source->format;
}

const char *source_name(const struct source *source) {
    return source->name;
}

struct failure source_bind(struct source *source, const struct columns *columns, const char *kept,
                           bool needs_label) {
    source->columns = columns;
    source->needs_label = needs_label;
    source->numbers = memory_grow(source->numbers, columns->number_count + 1, sizeof(double));
    source->names = memory_grow(source->names, columns->name_count + 1, sizeof *source->names);
    bool is_open = source->format == SOURCE_VW;
    if (is_open != (columns->count == 0)) {
        return failure_make(FAILURE_STOP, 0, "%s: is %s, the model learned from %s", source->name,
                            source_format_names[source->format], is_open ? "columns" : "VW text");
    }
    switch (source->format) {
    case SOURCE_VW:
        return kept ? failure_make(FAILURE_STOP, 0, "%s: VW text has no column \"%s\"",
                                   source->name, kept)
                    : failure_none();
    case SOURCE_AVRO:
        return source_avro_bind(source, kept);
    default:
        return source_csv_bind(source, kept);
    }
}

enum row_verdict source_next(struct source *source, struct data_row *out,
                             char error[ROW_ERROR_BYTES_MAX], struct failure *out_failure) {
    assert(source->columns);
    switch (source->format) {
    case SOURCE_VW:
        return source_vw_next(source, out, error, out_failure);
    case SOURCE_AVRO:
        return source_avro_next(source, out, error, out_failure);
    default:
        return source_csv_next(source, out, error, out_failure);
    }
}

double source_progress(const struct source *source) {
    if (source->csv) {
        return source_csv_progress(source);
    }
    int64_t size = input_file_size(source->input);
    return size > 0 ? (double)input_file_position(source->input) / (double)size : -1;
}

void source_close(struct source *source) {
    if (!source) {
        return;
    }
    source_csv_close(source->csv);
    source_vw_close(source->vw);
    source_avro_close(source->avro);
    input_file_close(source->input);
    buffer_clean_up(&source->cross_text);
    free(source->features);
    free(source->numbers);
    free(source->names);
    free(source->name);
    free(source);
}

/* ---- for the formats ---- */

void source_cross_names(struct source *source) {
    const struct columns *columns = source->columns;
    size_t plain = columns->name_count - columns->cross_count;
    buffer_clear(&source->cross_text);
    size_t ends[COLUMNS_CROSSES_MAX];
    for (size_t i = 0; i < columns->cross_count; i++) {
        for (int side = 0; side < 2; side++) {
            for (size_t j = 0; j < plain; j++) {
                if (columns->names[j] == columns->crosses[i][side]) {
                    buffer_append(&source->cross_text, source->names[j]);
                }
            }
            if (side == 0) {
                buffer_append(&source->cross_text, bytes_of_text(" x "));
            }
        }
        ends[i] = source->cross_text.size;
    }
    for (size_t i = 0, begin = 0; i < columns->cross_count; begin = ends[i++]) {
        source->names[plain + i] = bytes_of(source->cross_text.data + begin, ends[i] - begin);
    }
}

void source_complain(char error[ROW_ERROR_BYTES_MAX], const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error, ROW_ERROR_BYTES_MAX, format, arguments);
    va_end(arguments);
}

void source_show(struct bytes text, char out[SOURCE_SHOWN_BYTES]) {
    size_t size = text.size < 40 ? text.size : 40;
    for (size_t i = 0; i < size; i++) {
        uint8_t c = text.data[i];
        out[i] = c < 0x20 || c == 0x7f ? '?' : (char)c;
    }
    memcpy(out + size, text.size > size ? "..." : "", text.size > size ? 4 : 1);
}
