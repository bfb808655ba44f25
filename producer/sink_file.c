#include "producer/sink_file.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "schemas/container.h"

struct sink_file {
    struct sink head;
    struct container_writer *writer; /* NULL once finished */
};

static struct failure file_send(struct sink *sink, const struct sink_record *record) {
    struct sink_file *file = (struct sink_file *)sink;
    return container_write(file->writer, record->body);
}

/* Blocks are written when they are full; there is nobody who would acknowledge less. */
static struct failure file_flush(struct sink *sink) {
    (void)sink;
    return failure_none();
}

static struct failure file_finish(struct sink *sink) {
    struct sink_file *file = (struct sink_file *)sink;
    struct container_writer *writer = file->writer;
    file->writer = NULL;
    return container_writer_close(writer);
}

static void file_destroy(struct sink *sink) {
    struct sink_file *file = (struct sink_file *)sink;
    if (file->writer) {
        /* Given up before its end: the failure that led here is the one to be told. */
        struct failure failure = container_writer_close(file->writer);
        (void)failure;
    }
    free(file);
}

static const struct sink_ops file_ops = {
    .send = file_send, .flush = file_flush, .finish = file_finish, .destroy = file_destroy};

struct failure sink_file_open(const char *path, enum schema schema, struct sink **out) {
    *out = NULL;
    struct container_writer *writer;
    struct failure failure = container_writer_new(path, schema, &writer);
    if (failed(failure)) {
        return failure;
    }
    struct sink_file *file = memory_new(1, sizeof *file);
    file->head.ops = &file_ops;
    file->writer = writer;
    *out = &file->head;
    return failure;
}
