#include "schemas/container.h"

#include <assert.h>
#include <avro.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* A block is written when it is full, and a body must fit into one. */
#define BLOCK_BYTES ((size_t)1 << 20)

struct container_writer {
    avro_file_writer_t file;
    FILE *stream; /* ours to close: Avro-C would not tell of a full disk */
    avro_schema_t schema;
    char *path;
};

static struct failure avro_failure(const struct container_writer *writer, int code) {
    return failure_make(FAILURE_STOP, code, "%s: cannot write the Avro file: %s", writer->path,
                        avro_strerror());
}

static struct failure stream_failure(const struct container_writer *writer) {
    int code = errno;
    return failure_make(FAILURE_STOP, code, "%s: %s", writer->path, strerror(code));
}

/* Keeps the failure that came first. */
static struct failure destroy(struct container_writer *writer, struct failure failure) {
    if (writer->stream) {
        /* An error of an earlier write, which Avro-C may have passed over, counts too. */
        bool has_error = ferror(writer->stream) != 0;
        if ((fclose(writer->stream) != 0 || has_error) && !failed(failure)) {
            failure = stream_failure(writer);
        }
    }
    avro_schema_decref(writer->schema);
    free(writer->path);
    free(writer);
    return failure;
}

struct failure container_writer_new(const char *path, enum schema schema,
                                    struct container_writer **out) {
    const char *text = schema_text_of(schema_name(schema));
    struct container_writer *writer = memory_new(1, sizeof(*writer));
    *out = NULL;
    writer->path = memory_copy_text(bytes_of_text(path));
    /* Our own schema, checked by the tests: not parsing it would be a bug. */
    int error = avro_schema_from_json_length(text, strlen(text), &writer->schema);
    assert(error == 0);
    writer->stream = fopen(path, "wb");
    if (!writer->stream) {
        return destroy(writer, stream_failure(writer));
    }
    error = avro_file_writer_create_with_codec_fp(writer->stream, path, 0, writer->schema,
                                                  &writer->file, "null", BLOCK_BYTES);
    if (error) {
        return destroy(writer, avro_failure(writer, error));
    }
    *out = writer;
    return failure_none();
}

struct failure container_write(struct container_writer *writer, struct bytes body) {
    if (body.size > BLOCK_BYTES) {
        return failure_make(FAILURE_STOP, EMSGSIZE, "%s: a record of %zu bytes is over %zu",
                            writer->path, body.size, BLOCK_BYTES);
    }
    int error = avro_file_writer_append_encoded(writer->file, body.data, (int64_t)body.size);
    return error ? avro_failure(writer, error) : failure_none();
}

struct failure container_writer_close(struct container_writer *writer) {
    int error = avro_file_writer_close(writer->file);
    return destroy(writer, error ? avro_failure(writer, error) : failure_none());
}
