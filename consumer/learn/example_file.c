#include "consumer/learn/example_file.h"

#include "schemas/wire.h"

struct failure example_file_open(struct example_file *file, struct input_file *input,
                                 const char *name) {
    static const enum schema schemas[] = {SCHEMA_EXAMPLE, SCHEMA_LOGGED_EXAMPLE};
    *file = (struct example_file){.name = name};
    struct failure failure = container_reader_new(
        input, name, schemas, sizeof schemas / sizeof schemas[0], &file->reader);
    file->has_offsets =
        !failed(failure) && container_reader_schema(file->reader) == SCHEMA_LOGGED_EXAMPLE;
    return failure;
}

/* False if the block does not go on with an offset. */
static bool take_offset(struct example_file *file, struct bytes *rest, int64_t *out) {
    *out = file->record - 1;
    if (!file->has_offsets) {
        return true;
    }
    struct wire_reader reader = wire_reader_of(*rest);
    *out = wire_read_long(&reader);
    *rest = bytes_of(reader.cursor, wire_left(&reader));
    return reader.verdict == WIRE_OK && *out >= 0;
}

struct failure example_file_next(struct example_file *file, struct example_row *out,
                                 struct bytes *out_body, int64_t *out_offset) {
    *out_body = bytes_of(NULL, 0);
    if (file->left == 0) {
        struct failure failure = container_next_block(file->reader, &file->bodies, &file->left);
        if (failed(failure) || file->left == 0) {
            return failure;
        }
    }
    struct bytes rest, body = file->bodies;
    file->record++;
    if (!example_decode_first(body, out, &rest)) {
        return failure_make(FAILURE_STOP, 0, "%s:%lld: the record is no example", file->name,
                            (long long)file->record);
    }
    *out_body = bytes_of(body.data, body.size - rest.size);
    if (!take_offset(file, &rest, out_offset)) {
        return failure_make(FAILURE_STOP, 0, "%s:%lld: the record has no proper offset", file->name,
                            (long long)file->record);
    }
    file->bodies = rest;
    file->left--;
    if (file->left == 0 && rest.size > 0) {
        return failure_make(FAILURE_STOP, 0, "%s:%lld: %zu bytes behind the last record of a block",
                            file->name, (long long)file->record, rest.size);
    }
    return failure_none();
}

void example_file_close(struct example_file *file) {
    container_reader_free(file->reader);
    *file = (struct example_file){0};
}

struct failure example_file_write(struct container_writer *writer, struct bytes body,
                                  int64_t offset, struct buffer *record) {
    buffer_clear(record);
    buffer_append(record, body);
    wire_write_long(record, offset);
    return container_write(writer, buffer_bytes(record));
}
