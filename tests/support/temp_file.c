#include "tests/support/temp_file.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/buffer.h"

struct temp_file temp_file_make(struct bytes content) {
    struct temp_file file = {.path = "/tmp/promostream_test_XXXXXX"};
    int descriptor = mkstemp(file.path);
    assert(descriptor >= 0);
    for (size_t at = 0; at < content.size;) {
        ssize_t written = write(descriptor, content.data + at, content.size - at);
        assert(written > 0);
        at += (size_t)written;
    }
    close(descriptor);
    return file;
}

struct temp_file temp_file_of_text(const char *text) {
    return temp_file_make(bytes_of_text(text));
}

struct temp_file temp_file_make_zstd(struct bytes content) {
    size_t capacity = ZSTD_compressBound(content.size);
    uint8_t *frame = memory_new(capacity, 1);
    size_t size = ZSTD_compress(frame, capacity, content.data, content.size, 3);
    assert(!ZSTD_isError(size));
    struct temp_file file = temp_file_make(bytes_of(frame, size));
    free(frame);
    return file;
}

struct temp_file temp_file_make_gzip(struct bytes content) {
    z_stream stream = {0};
    int error = deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    assert(error == Z_OK);
    size_t capacity = deflateBound(&stream, content.size);
    uint8_t *member = memory_new(capacity, 1);
    stream.next_in = (uint8_t *)content.data;
    stream.avail_in = (uInt)content.size;
    stream.next_out = member;
    stream.avail_out = (uInt)capacity;
    error = deflate(&stream, Z_FINISH);
    assert(error == Z_STREAM_END);
    struct temp_file file = temp_file_make(bytes_of(member, stream.total_out));
    deflateEnd(&stream);
    free(member);
    return file;
}

void temp_file_remove(const struct temp_file *file) {
    unlink(file->path);
}
