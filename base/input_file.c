#include "base/input_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/buffer.h"

#define RAW_BYTES (128 * 1024)

struct input_file {
    int descriptor;
    char *name;
    int64_t position, size;
    bool is_at_end;     /* the descriptor has no more bytes */
    ZSTD_DStream *zstd; /* NULL unless the bytes are Zstandard */
    z_stream *gzip;     /* NULL unless they are gzip */
    bool is_frame_open; /* inside a Zstandard frame or a gzip member */
    uint8_t *raw;       /* bytes read but not yet given out or decompressed: [raw_at, raw_size) */
    size_t raw_at, raw_size;
    uint8_t *peeked; /* NULL until something is: [peeked_at, peeked_size) goes out first */
    size_t peeked_at, peeked_size;
};

static const uint8_t zstd_magic[4] = {0x28, 0xB5, 0x2F, 0xFD};
static const uint8_t gzip_magic[3] = {0x1F, 0x8B, 8}; /* RFC 1952; 8: deflate */
#define GZIP_WINDOW_BITS (15 + 16)                    /* zlib.h: a gzip header, no other */

/* Appends to raw whatever one read gives. */
static struct failure raw_fill(struct input_file *input) {
    if (input->raw_at == input->raw_size) {
        input->raw_at = input->raw_size = 0;
    }
    assert(input->raw_size < RAW_BYTES);
    ssize_t got;
    do {
        got = read(input->descriptor, input->raw + input->raw_size, RAW_BYTES - input->raw_size);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return failure_make(FAILURE_STOP, errno, "%s: %s", input->name, strerror(errno));
    }
    input->is_at_end = got == 0;
    input->raw_size += (size_t)got;
    input->position += got;
    return failure_none();
}

static bool begins_with(const struct input_file *input, const uint8_t *magic, size_t size) {
    return input->raw_size >= size && memcmp(input->raw, magic, size) == 0;
}

/* Looks at the first bytes. An empty or shorter file is plain. */
static struct failure detect_format(struct input_file *input) {
    while (input->raw_size < sizeof zstd_magic && !input->is_at_end) {
        struct failure failure = raw_fill(input);
        if (failed(failure)) {
            return failure;
        }
    }
    if (begins_with(input, zstd_magic, sizeof zstd_magic)) {
        input->zstd = ZSTD_createDStream();
        if (!input->zstd) {
            return failure_make(FAILURE_STOP, ENOMEM, "%s: no memory for Zstandard", input->name);
        }
    } else if (begins_with(input, gzip_magic, sizeof gzip_magic)) {
        input->gzip = memory_new(1, sizeof *input->gzip);
        input->is_frame_open = true;
        if (inflateInit2(input->gzip, GZIP_WINDOW_BITS) != Z_OK) {
            free(input->gzip);
            input->gzip = NULL;
            return failure_make(FAILURE_STOP, ENOMEM, "%s: no memory for gzip", input->name);
        }
    }
    return failure_none();
}

struct failure input_file_open(const char *path, struct input_file **out) {
    *out = NULL;
    bool is_standard_input = strcmp(path, "-") == 0;
    int descriptor = is_standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        return failure_make(FAILURE_STOP, errno, "%s: %s", path, strerror(errno));
    }
    struct stat status;
    bool is_file = fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
    struct input_file *input = memory_new(1, sizeof *input);
    input->descriptor = descriptor;
    input->name = memory_copy_text(bytes_of_text(is_standard_input ? "standard input" : path));
    input->size = is_file ? (int64_t)status.st_size : -1;
    input->raw = memory_new(RAW_BYTES, 1);
    struct failure failure = detect_format(input);
    if (failed(failure)) {
        input_file_close(input);
        return failure;
    }
    *out = input;
    return failure;
}

static struct failure read_plain(struct input_file *input, uint8_t *out, size_t capacity,
                                 size_t *out_size) {
    if (input->raw_at == input->raw_size && !input->is_at_end) {
        struct failure failure = raw_fill(input);
        if (failed(failure)) {
            return failure;
        }
    }
    size_t left = input->raw_size - input->raw_at;
    *out_size = left < capacity ? left : capacity;
    memcpy(out, input->raw + input->raw_at, *out_size);
    input->raw_at += *out_size;
    return failure_none();
}

/* One step of decompression; *out_size may be 0 though there is more to come. */
static struct failure zstd_step(struct input_file *input, uint8_t *out, size_t capacity,
                                size_t *out_size) {
    ZSTD_inBuffer from = {.src = input->raw + input->raw_at,
                          .size = input->raw_size - input->raw_at};
    ZSTD_outBuffer to = {.dst = out, .size = capacity};
    size_t hint = ZSTD_decompressStream(input->zstd, &to, &from);
    if (ZSTD_isError(hint)) {
        return failure_make(FAILURE_STOP, EIO, "%s: damaged Zstandard data: %s", input->name,
                            ZSTD_getErrorName(hint));
    }
    /* Without progress the hint only asks for the next frame's header, which need not exist. */
    if (from.pos > 0 || to.pos > 0) {
        input->is_frame_open = hint != 0;
    }
    input->raw_at += from.pos;
    *out_size = to.pos;
    return failure_none();
}

/* The same for gzip; members may follow each other, as Zstandard frames may. */
static struct failure gzip_step(struct input_file *input, uint8_t *out, size_t capacity,
                                size_t *out_size) {
    z_stream *gzip = input->gzip;
    uInt room = capacity < RAW_BYTES ? (uInt)capacity : RAW_BYTES;
    uInt given = (uInt)(input->raw_size - input->raw_at);
    *out_size = 0;
    if (given == 0 && !input->is_frame_open) {
        return failure_none();
    }
    if (!input->is_frame_open) {
        inflateReset(gzip);
        input->is_frame_open = true;
    }
    gzip->next_in = input->raw + input->raw_at;
    gzip->avail_in = given;
    gzip->next_out = out;
    gzip->avail_out = room;
    int code = inflate(gzip, Z_NO_FLUSH);
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) {
        return failure_make(FAILURE_STOP, EIO, "%s: damaged gzip data: %s", input->name,
                            gzip->msg ? gzip->msg : "out of order");
    }
    input->is_frame_open = code != Z_STREAM_END;
    input->raw_at += given - gzip->avail_in;
    *out_size = room - gzip->avail_out;
    return failure_none();
}

static struct failure read_compressed(struct input_file *input, uint8_t *out, size_t capacity,
                                      size_t *out_size) {
    for (;;) {
        struct failure failure = input->zstd ? zstd_step(input, out, capacity, out_size)
                                             : gzip_step(input, out, capacity, out_size);
        if (failed(failure) || *out_size > 0) {
            return failure;
        }
        if (input->raw_at < input->raw_size) {
            continue;
        }
        if (input->is_at_end) {
            return input->is_frame_open
                       ? failure_make(FAILURE_STOP, EIO, "%s: ends inside a %s", input->name,
                                      input->zstd ? "Zstandard frame" : "gzip member")
                       : failure_none();
        }
        failure = raw_fill(input);
        if (failed(failure)) {
            return failure;
        }
    }
}

static struct failure read_on(struct input_file *input, uint8_t *out, size_t capacity,
                              size_t *out_size) {
    return input->zstd || input->gzip ? read_compressed(input, out, capacity, out_size)
                                      : read_plain(input, out, capacity, out_size);
}

struct failure input_file_read(struct input_file *input, uint8_t *out, size_t capacity,
                               size_t *out_size) {
    assert(capacity > 0);
    *out_size = 0;
    if (input->peeked_at == input->peeked_size) {
        return read_on(input, out, capacity, out_size);
    }
    size_t left = input->peeked_size - input->peeked_at;
    *out_size = left < capacity ? left : capacity;
    memcpy(out, input->peeked + input->peeked_at, *out_size);
    input->peeked_at += *out_size;
    return failure_none();
}

struct failure input_file_peek(struct input_file *input, size_t capacity, const uint8_t **out,
                               size_t *out_size) {
    assert(capacity <= INPUT_FILE_PEEK_MAX);
    if (!input->peeked) {
        input->peeked = memory_new(INPUT_FILE_PEEK_MAX, 1);
    }
    size_t left = input->peeked_size - input->peeked_at;
    memmove(input->peeked, input->peeked + input->peeked_at, left);
    input->peeked_at = 0;
    input->peeked_size = left;
    struct failure failure = failure_none();
    for (size_t got = 1; input->peeked_size < capacity && got > 0 && !failed(failure);) {
        failure =
            read_on(input, input->peeked + input->peeked_size, capacity - input->peeked_size, &got);
        input->peeked_size += got;
    }
    *out = input->peeked;
    *out_size = input->peeked_size < capacity ? input->peeked_size : capacity;
    return failure;
}

int64_t input_file_position(const struct input_file *input) {
    return input->position;
}

int64_t input_file_size(const struct input_file *input) {
    return input->size;
}

void input_file_close(struct input_file *input) {
    if (!input) {
        return;
    }
    if (input->descriptor != STDIN_FILENO) {
        close(input->descriptor);
    }
    if (input->zstd) {
        ZSTD_freeDStream(input->zstd);
    }
    if (input->gzip) {
        inflateEnd(input->gzip);
        free(input->gzip);
    }
    free(input->raw);
    free(input->peeked);
    free(input->name);
    free(input);
}
