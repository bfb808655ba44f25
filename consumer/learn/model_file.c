#include "consumer/learn/model_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/input_file.h"
#include "consumer/learn/model_header.h"
#include "schemas/rows.h"

#define FIXED_BYTES    48 /* all but the header and the rows */
#define FILE_BYTES_MAX ((size_t)8 << 30)

static const uint8_t magic[8] = {0x89, 'P', 'S', 'M', '\r', '\n', 0x1a, '\n'};

/* ---- writing ---- */

static void put(struct buffer *out, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++) {
        buffer_append_byte(out, (uint8_t)(value >> (8 * i)));
    }
}

static void set_u64(struct buffer *out, size_t at, uint64_t value) {
    for (int i = 0; i < 8; i++) {
        out->data[at + (size_t)i] = (uint8_t)(value >> (8 * i));
    }
}

struct row_sink {
    struct buffer *out;
    struct buffer body;
    struct bytes learner;
    uint64_t count;
    int64_t version;
};

static void put_row(void *context, const struct learner_row *row) {
    struct row_sink *sink = context;
    struct model_row model_row = {.learner = sink->learner,
                                  .row = bytes_of_text(row->key),
                                  .kind = bytes_of_text(learner_row_kind_names[row->kind]),
                                  .values = row->values,
                                  .version_offset = sink->version};
    buffer_clear(&sink->body);
    model_row_encode(&model_row, &sink->body);
    put(sink->out, sink->body.size, 4);
    buffer_append(sink->out, buffer_bytes(&sink->body));
    sink->count++;
}

static void export_fitted(void *context, learner_visit_row *visit, void *visit_context) {
    struct fitted *fitted = context;
    fitted->kind->export_rows(fitted->memory, true, visit, visit_context);
}

static void encode(struct bytes header, const char *learner, int64_t version,
                   model_file_export *export_rows, void *context, struct buffer *out) {
    buffer_append(out, bytes_of(magic, sizeof magic));
    put(out, MODEL_FILE_FORMAT, 4);
    put(out, 0, 4);
    put(out, 0, 8); /* the size, when it is known */
    put(out, header.size, 8);
    buffer_append(out, header);
    size_t count_at = out->size;
    put(out, 0, 8);
    struct row_sink sink = {.out = out, .learner = bytes_of_text(learner), .version = version};
    export_rows(context, put_row, &sink);
    set_u64(out, count_at, sink.count);
    set_u64(out, 16, out->size + 8);
    put(out, hash64(buffer_bytes(out), 0), 8);
    buffer_clean_up(&sink.body);
}

/* To temporary; errors name path, which the user knows. */
static struct failure write_file(const char *temporary, const char *path, struct bytes bytes) {
    FILE *file = fopen(temporary, "wb");
    if (!file) {
        return failure_make(FAILURE_STOP, errno, "%s: %s", path, strerror(errno));
    }
    bool is_good = fwrite(bytes.data, 1, bytes.size, file) == bytes.size && fflush(file) == 0 &&
                   fsync(fileno(file)) == 0;
    int code = errno;
    if (fclose(file) != 0 || !is_good) {
        unlink(temporary);
        return failure_make(FAILURE_STOP, code, "%s: %s", path, strerror(code));
    }
    return failure_none();
}

struct failure model_file_save_rows(const char *path, struct bytes header, const char *learner,
                                    int64_t version_offset, model_file_export *export_rows,
                                    void *context) {
    struct buffer out = {0}, name = {0};
    encode(header, learner, version_offset, export_rows, context, &out);
    buffer_format(&name, "%s.%ld.tmp", path, (long)getpid());
    buffer_append_byte(&name, 0);
    const char *temporary = (const char *)name.data;
    struct failure failure = write_file(temporary, path, buffer_bytes(&out));
    if (!failed(failure) && rename(temporary, path) != 0) {
        failure = failure_make(FAILURE_STOP, errno, "%s: %s", path, strerror(errno));
        unlink(temporary);
    }
    buffer_clean_up(&name);
    buffer_clean_up(&out);
    return failure;
}

struct failure model_file_save(const char *path, struct fitted *fitted,
                               const struct model_origin *origin) {
    struct buffer header = {0};
    model_header_write(fitted, origin, &header);
    struct failure failure = model_file_save_rows(path, buffer_bytes(&header), fitted->kind->name,
                                                  origin->rows, export_fitted, fitted);
    buffer_clean_up(&header);
    return failure;
}

/* ---- reading ---- */

static uint64_t get(const uint8_t *at, int bytes) {
    uint64_t value = 0;
    for (int i = bytes - 1; i >= 0; i--) {
        value = value << 8 | at[i];
    }
    return value;
}

static struct failure read_file(const char *path, struct buffer *out) {
    struct input_file *input;
    struct failure failure = input_file_open(path, &input);
    if (failed(failure)) {
        return failure;
    }
    for (size_t got = 1; got > 0 && !failed(failure); out->size += got) {
        failure = input_file_read(input, buffer_reserve(out, 1 << 20), 1 << 20, &got);
        if (out->size > FILE_BYTES_MAX) {
            failure = failure_make(FAILURE_STOP, EFBIG, "%s: too large for a model", path);
        }
    }
    input_file_close(input);
    return failure;
}

static struct failure check_frame(const char *path, struct bytes file) {
    if (file.size < sizeof magic || memcmp(file.data, magic, sizeof magic) != 0) {
        return failure_make(FAILURE_STOP, 0, "%s: is not a model of promostream learn", path);
    }
    if (file.size < FIXED_BYTES) {
        return failure_make(FAILURE_STOP, 0, "%s: truncated: found %zu bytes", path, file.size);
    }
    uint64_t format = get(file.data + 8, 4), size = get(file.data + 16, 8);
    if (format > MODEL_FILE_FORMAT) {
        return failure_make(FAILURE_STOP, 0,
                            "%s: a newer promostream wrote it: format %" PRIu64
                            ", this one reads %d",
                            path, format, MODEL_FILE_FORMAT);
    }
    if (file.size < size) {
        return failure_make(FAILURE_STOP, 0, "%s: truncated: found %zu bytes, expected %" PRIu64,
                            path, file.size, size);
    }
    bool is_whole = size == file.size && hash64(bytes_of(file.data, file.size - 8), 0) ==
                                             get(file.data + file.size - 8, 8);
    return is_whole ? failure_none()
                    : failure_make(FAILURE_STOP, 0, "%s: damaged: its checksum does not fit", path);
}

/* A row of the file, to whoever takes them. */
static enum learner_verdict give(struct bytes body, model_file_visit_row *visit, void *context) {
    struct model_row model_row;
    struct learner_row row = {0};
    if (!model_row_decode(body, &model_row) || model_row.row.size >= LEARNER_ROW_KEY_MAX ||
        !learner_row_kind_find(model_row.kind, &row.kind)) {
        return LEARNER_BAD_ROW;
    }
    memcpy(row.key, model_row.row.data, model_row.row.size);
    row.values = model_row.values;
    return visit(context, &row);
}

/* rows: count and rows, up to the hash. */
static struct failure give_rows(const char *path, struct bytes rows, model_file_visit_row *visit,
                                void *context) {
    uint64_t count = get(rows.data, 8);
    size_t at = 8;
    for (uint64_t i = 0; i < count; i++) {
        size_t size = rows.size - at >= 4 ? (size_t)get(rows.data + at, 4) : 0;
        if (size == 0 || size > rows.size - at - 4) {
            return failure_make(FAILURE_STOP, 0, "%s: damaged: row %" PRIu64, path, i);
        }
        enum learner_verdict verdict = give(bytes_of(rows.data + at + 4, size), visit, context);
        if (verdict != LEARNER_OK) {
            return failure_make(FAILURE_STOP, 0,
                                "%s: the learner does not take row %" PRIu64 ": %s", path, i,
                                learner_verdict_name(verdict));
        }
        at += 4 + size;
    }
    return at == rows.size
               ? failure_none()
               : failure_make(FAILURE_STOP, 0, "%s: damaged: bytes behind the rows", path);
}

/* Where header and rows lie in a whole file. */
static struct failure cut_file(const char *path, struct bytes file, struct bytes *out_header,
                               struct bytes *out_rows) {
    uint64_t header = get(file.data + 24, 8);
    if (header > file.size - FIXED_BYTES) {
        return failure_make(FAILURE_STOP, 0, "%s: damaged: its header is too long", path);
    }
    size_t rows_at = 32 + (size_t)header;
    *out_header = bytes_of(file.data + 32, (size_t)header);
    *out_rows = bytes_of(file.data + rows_at, file.size - 8 - rows_at);
    return failure_none();
}

/* The whole file, checked and cut; file owns its bytes, also on failure. */
static struct failure read_whole(const char *path, struct buffer *file, struct bytes *out_header,
                                 struct bytes *out_rows) {
    struct failure failure = read_file(path, file);
    if (!failed(failure)) {
        failure = check_frame(path, buffer_bytes(file));
    }
    return failed(failure) ? failure : cut_file(path, buffer_bytes(file), out_header, out_rows);
}

/* Of the header: with the file's name before it. */
static struct failure named(const char *path, struct failure failure) {
    return failed(failure) ? failure_make(FAILURE_STOP, 0, "%.80s: %s", path, failure.text)
                           : failure;
}

struct failure model_file_visit(const char *path, model_file_take_header *take_header,
                                model_file_visit_row *visit, void *context) {
    struct buffer file = {0};
    struct bytes header, rows;
    struct failure failure = read_whole(path, &file, &header, &rows);
    if (!failed(failure)) {
        failure = named(path, take_header(context, header));
    }
    if (!failed(failure)) {
        failure = give_rows(path, rows, visit, context);
    }
    buffer_clean_up(&file);
    return failure;
}

static enum learner_verdict import(void *context, const struct learner_row *row) {
    struct fitted *fitted = context;
    enum learner_verdict verdict = fitted->kind->check_row(fitted->memory, row);
    if (verdict == LEARNER_OK) {
        fitted->kind->import_row(fitted->memory, row);
    }
    return verdict;
}

static struct failure decode(const char *path, struct bytes header, struct bytes rows,
                             struct fitted *out, struct model_origin *out_origin) {
    struct failure failure = named(path, model_header_read(header, out, out_origin));
    if (failed(failure)) {
        return failure;
    }
    failure = give_rows(path, rows, import, out);
    if (failed(failure)) {
        fitted_clean_up(out);
    }
    return failure;
}

struct failure model_file_load(const char *path, struct fitted *out,
                               struct model_origin *out_origin) {
    struct buffer file = {0};
    struct bytes header, rows;
    *out = (struct fitted){0};
    struct failure failure = read_whole(path, &file, &header, &rows);
    if (!failed(failure)) {
        failure = decode(path, header, rows, out, out_origin);
    }
    buffer_clean_up(&file);
    return failure;
}
