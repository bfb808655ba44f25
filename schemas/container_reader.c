#include "schemas/container_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "base/input_file.h"
#include "schemas/canonical.h"

#define MAGIC          "Obj\x01"
#define SYNC_BYTES     16
#define META_BYTES_MAX ((int64_t)1 << 20)

enum codec { CODEC_NULL, CODEC_DEFLATE, CODEC_ZSTANDARD, CODEC_COUNT };
static const char *const codec_names[CODEC_COUNT] = {"null", "deflate", "zstandard"};

struct container_reader {
    struct input_file *input;
    char *name;
    const enum schema *schemas; /* that are taken; borrowed while the header is read */
    size_t schema_count;
    enum schema schema; /* of the file */
    enum codec codec;
    uint8_t sync[SYNC_BYTES];
    struct buffer packed, bodies;
    bool is_cut; /* the file ended where it must not, or could not be read */
    struct failure failure;
};

/* ---- bytes ---- */

/* False at the end of the file or on a failure, which reader keeps. */
static bool read_exactly(struct container_reader *reader, uint8_t *out, size_t size) {
    for (size_t at = 0; at < size;) {
        size_t got = 0;
        struct failure failure = input_file_read(reader->input, out + at, size - at, &got);
        if (failed(failure) || got == 0) {
            reader->failure = failure;
            reader->is_cut = true;
            return false;
        }
        at += got;
    }
    return true;
}

static bool read_long(struct container_reader *reader, int64_t *out) {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        uint8_t byte;
        if (!read_exactly(reader, &byte, 1)) {
            return false;
        }
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *out = (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
            return true;
        }
    }
    return false;
}

static bool read_bytes(struct container_reader *reader, int64_t most, struct buffer *out) {
    int64_t size;
    buffer_clear(out);
    if (!read_long(reader, &size) || size < 0 || size > most) {
        return false;
    }
    uint8_t *at = buffer_reserve(out, (size_t)size + 1);
    out->size = (size_t)size;
    return read_exactly(reader, at, (size_t)size);
}

static struct failure damaged(const struct container_reader *reader, const char *what) {
    if (failed(reader->failure)) {
        return reader->failure;
    }
    return failure_make(FAILURE_STOP, EIO, "%s: %s: %s", reader->name,
                        reader->is_cut ? "the Avro file ends too early" : "damaged Avro file",
                        what);
}

/* ---- the header ---- */

static bool is_key(const struct buffer *key, const char *wanted) {
    return bytes_equal(buffer_bytes(key), bytes_of_text(wanted));
}

static struct failure take_schema(struct container_reader *reader, struct bytes json) {
    struct buffer canonical = {0};
    bool is_ours = false;
    if (canonical_schema(json, &canonical)) {
        uint64_t fingerprint = canonical_fingerprint(buffer_bytes(&canonical));
        for (size_t i = 0; i < reader->schema_count && !is_ours; i++) {
            reader->schema = reader->schemas[i];
            is_ours = fingerprint == schema_fingerprint(reader->schema);
        }
    }
    buffer_clean_up(&canonical);
    const char *expected = schema_name(reader->schemas[0]);
    return is_ours ? failure_none()
                   : failure_make(FAILURE_STOP, 0,
                                  "%s: its schema is not the %s of this build (schemas/%s.avsc)",
                                  reader->name, expected, expected);
}

static struct failure take_codec(struct container_reader *reader, struct bytes name) {
    for (int i = 0; i < CODEC_COUNT; i++) {
        if (bytes_equal(name, bytes_of_text(codec_names[i]))) {
            reader->codec = (enum codec)i;
            return failure_none();
        }
    }
    return failure_make(FAILURE_STOP, 0,
                        "%s: codec \"%.20s\", expected null, deflate or zstandard: write the file "
                        "again with one of these",
                        reader->name, name.size ? (const char *)name.data : "");
}

/* A map of bytes: blocks of a count and pairs, ended by 0. */
static struct failure read_meta(struct container_reader *reader) {
    struct buffer key = {0}, value = {0};
    struct failure failure = failure_none();
    bool has_schema = false;
    int64_t count = 1, size;
    while (!failed(failure) && count != 0) {
        bool is_good = read_long(reader, &count) && (count >= 0 || read_long(reader, &size));
        if (!is_good || count > 1000 || count < -1000) {
            failure = damaged(reader, "its header");
            break;
        }
        count = count < 0 ? -count : count;
        for (int64_t i = 0; i < count && !failed(failure); i++) {
            if (!read_bytes(reader, META_BYTES_MAX, &key) ||
                !read_bytes(reader, META_BYTES_MAX, &value)) {
                failure = damaged(reader, "its header");
            } else if (is_key(&key, "avro.schema")) {
                failure = take_schema(reader, buffer_bytes(&value));
                has_schema = true;
            } else if (is_key(&key, "avro.codec")) {
                value.data[value.size] = '\0'; /* room was reserved */
                failure = take_codec(reader, buffer_bytes(&value));
            }
        }
    }
    buffer_clean_up(&key);
    buffer_clean_up(&value);
    return failed(failure) || has_schema ? failure : damaged(reader, "it names no schema");
}

struct failure container_reader_new(struct input_file *input, const char *name,
                                    const enum schema *schemas, size_t count,
                                    struct container_reader **out) {
    struct container_reader *reader = memory_new(1, sizeof *reader);
    uint8_t magic[4];
    reader->input = input;
    reader->schemas = schemas;
    reader->schema_count = count;
    reader->name = memory_copy_text(bytes_of_text(name));
    *out = NULL;
    struct failure failure = failure_none();
    if (!read_exactly(reader, magic, sizeof magic) || memcmp(magic, MAGIC, sizeof magic) != 0) {
        failure = failure_make(FAILURE_STOP, 0, "%s: is no Avro container file", name);
    }
    if (!failed(failure)) {
        failure = read_meta(reader);
    }
    if (!failed(failure) && !read_exactly(reader, reader->sync, SYNC_BYTES)) {
        failure = damaged(reader, "its header");
    }
    if (failed(failure)) {
        container_reader_free(reader);
        return failure;
    }
    *out = reader;
    return failure;
}

enum schema container_reader_schema(const struct container_reader *reader) {
    return reader->schema;
}

/* ---- blocks ---- */

static bool inflate_block(struct container_reader *reader) {
    z_stream stream = {.next_in = reader->packed.data, .avail_in = (uInt)reader->packed.size};
    if (inflateInit2(&stream, -15) != Z_OK) { /* raw: RFC 1951 */
        return false;
    }
    int code = Z_OK;
    while (code == Z_OK && reader->bodies.size < CONTAINER_BLOCK_BYTES_MAX) {
        stream.next_out = buffer_reserve(&reader->bodies, 1 << 16);
        stream.avail_out = 1 << 16;
        code = inflate(&stream, Z_NO_FLUSH);
        reader->bodies.size += (1 << 16) - stream.avail_out;
    }
    inflateEnd(&stream);
    return code == Z_STREAM_END;
}

static bool unpack_zstandard(struct container_reader *reader) {
    ZSTD_DStream *stream = ZSTD_createDStream();
    ZSTD_inBuffer from = {reader->packed.data, reader->packed.size, 0};
    size_t hint = 1;
    while (stream && hint != 0 && !ZSTD_isError(hint) &&
           reader->bodies.size < CONTAINER_BLOCK_BYTES_MAX) {
        ZSTD_outBuffer to = {buffer_reserve(&reader->bodies, 1 << 16), 1 << 16, 0};
        size_t before = from.pos;
        hint = ZSTD_decompressStream(stream, &to, &from);
        reader->bodies.size += to.pos;
        if (from.pos == before && to.pos == 0) {
            break;
        }
    }
    ZSTD_freeDStream(stream);
    return stream && hint == 0 && from.pos == from.size;
}

static bool unpack(struct container_reader *reader, struct bytes *out) {
    buffer_clear(&reader->bodies);
    if (reader->codec == CODEC_NULL) {
        *out = buffer_bytes(&reader->packed);
        return true;
    }
    bool is_whole =
        reader->codec == CODEC_DEFLATE ? inflate_block(reader) : unpack_zstandard(reader);
    *out = buffer_bytes(&reader->bodies);
    return is_whole;
}

struct failure container_next_block(struct container_reader *reader, struct bytes *out_bodies,
                                    int64_t *out_count) {
    uint8_t sync[SYNC_BYTES];
    const uint8_t *seen;
    size_t size = 0;
    *out_count = 0;
    *out_bodies = bytes_of(NULL, 0);
    struct failure failure = input_file_peek(reader->input, 1, &seen, &size);
    if (failed(failure) || size == 0) {
        return failure;
    }
    if (!read_long(reader, out_count) || *out_count <= 0 ||
        !read_bytes(reader, (int64_t)CONTAINER_BLOCK_BYTES_MAX, &reader->packed) ||
        !read_exactly(reader, sync, SYNC_BYTES) || memcmp(sync, reader->sync, SYNC_BYTES) != 0) {
        return damaged(reader, "a block");
    }
    return unpack(reader, out_bodies) ? failure_none() : damaged(reader, "a packed block");
}

void container_reader_free(struct container_reader *reader) {
    if (reader) {
        buffer_clean_up(&reader->packed);
        buffer_clean_up(&reader->bodies);
        free(reader->name);
        free(reader);
    }
}
