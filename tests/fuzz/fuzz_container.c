/* Avro container files of examples, and their rows as learn sees them. The first byte: bit 0: the
 * rest is a whole file; otherwise the header is ours, of the schema (bit 1: logged_example) and
 * codec (bits 2 and 3) that it says, and blocks follow: their count and bytes, which are packed
 * here unless bit 4 is set. */
#include "base/input_file.h"
#include "consumer/learn/columns_infer.h"
#include "schemas/container_reader.h"
#include "schemas/schemas.h"
#include "schemas/wire.h"
#include "tests/fuzz/fuzz.h"

#include <math.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

enum { IS_WHOLE = 1, HAS_OFFSETS = 2, CODEC = 12, IS_RAW = 16 };
enum { CODEC_NONE, CODEC_DEFLATE, CODEC_ZSTANDARD, CODEC_UNKNOWN };

/* ---- the file ---- */

static void pack(struct bytes bodies, unsigned codec, struct buffer *out) {
    if (codec == CODEC_DEFLATE) {
        z_stream stream = {.next_in = (uint8_t *)(uintptr_t)bodies.data,
                           .avail_in = (uInt)bodies.size};
        FUZZ_ASSERT(deflateInit2(&stream, 1, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK);
        uLong most = deflateBound(&stream, bodies.size);
        stream.next_out = buffer_reserve(out, most);
        stream.avail_out = (uInt)most;
        FUZZ_ASSERT(deflate(&stream, Z_FINISH) == Z_STREAM_END);
        out->size += stream.total_out;
        deflateEnd(&stream);
    } else if (codec == CODEC_ZSTANDARD) {
        size_t most = ZSTD_compressBound(bodies.size);
        size_t size = ZSTD_compress(buffer_reserve(out, most), most, bodies.data, bodies.size, 1);
        FUZZ_ASSERT(!ZSTD_isError(size));
        out->size += size;
    } else {
        buffer_append(out, bodies);
    }
}

static void write_file(struct fuzz_input *input, unsigned flags, struct buffer *out) {
    static const char *const codecs[] = {"null", "deflate", "zstandard", "snappy"};
    static const char sync[] = "0123456789abcdef";
    unsigned codec = (flags & CODEC) >> 2;
    buffer_append(out, bytes_of("Obj\x01", 4));
    wire_write_long(out, 2);
    wire_write_bytes(out, bytes_of_text("avro.codec"));
    wire_write_bytes(out, bytes_of_text(codecs[codec]));
    wire_write_bytes(out, bytes_of_text("avro.schema"));
    wire_write_bytes(
        out, bytes_of_text(schema_text_of(flags & HAS_OFFSETS ? "logged_example" : "example")));
    wire_write_long(out, 0);
    buffer_append(out, bytes_of(sync, 16));
    while (input->left.size > 0) {
        struct buffer packed = {0};
        wire_write_long(out, (int64_t)(int8_t)fuzz_number(input, 1));
        struct bytes bodies = fuzz_piece(input);
        pack(bodies, flags & IS_RAW ? CODEC_NONE : codec, &packed);
        wire_write_bytes(out, buffer_bytes(&packed));
        buffer_append(out, bytes_of(sync, 16));
        buffer_clean_up(&packed);
        free((void *)(uintptr_t)bodies.data);
    }
}

/* ---- what must hold ---- */

/* Whole blocks; how many records they say they have, -1 after a failure. */
static int64_t read_blocks(const char *path) {
    static const enum schema schemas[] = {SCHEMA_EXAMPLE, SCHEMA_LOGGED_EXAMPLE};
    struct input_file *file;
    struct container_reader *reader = NULL;
    int64_t total = 0, count = 1;
    struct failure failure = input_file_open(path, &file);
    if (!failed(failure)) {
        failure = container_reader_new(file, "fuzz", schemas, 2, &reader);
    }
    while (!failed(failure) && count > 0) {
        struct bytes bodies;
        failure = container_next_block(reader, &bodies, &count);
        if (!failed(failure)) {
            FUZZ_ASSERT(count >= 0 && bodies.size <= CONTAINER_BLOCK_BYTES_MAX + (1 << 16));
            fuzz_touch_bytes(bodies);
            total = total > INT64_MAX - count ? INT64_MAX : total + count;
        }
    }
    container_reader_free(reader);
    input_file_close(file);
    return failed(failure) ? -1 : total;
}

static void check_row(const struct columns *columns, const struct data_row *row) {
    FUZZ_ASSERT(row->has_label && (row->label == 0 || row->label == 1));
    FUZZ_ASSERT(row->weight > 0 && row->weight <= LEARNER_WEIGHT_MAX);
    for (size_t i = 0; i < columns->number_count; i++) {
        FUZZ_ASSERT(isnan(row->numbers[i]) || fabs(row->numbers[i]) <= LEARNER_NUMBER_MAX);
    }
    for (size_t i = 0; i < columns->name_count; i++) {
        fuzz_touch_bytes(row->names[i]);
    }
}

/* How many rows there are, good and bad, -1 after a failure. */
static int64_t read_rows(const char *path) {
    static const struct columns_request nothing = {.task = -1};
    const struct source_config config = {
        .path = path, .format = SOURCE_AVRO, .row_bytes_max = 4096};
    struct source *source;
    struct columns columns = {0};
    enum row_verdict verdict = ROW_OK;
    int64_t rows = -1;
    struct failure failure = source_open(&config, &source);
    if (!failed(failure)) {
        source_columns(source, &columns);
        FUZZ_ASSERT(!failed(columns_infer(&columns, source, &nothing)));
        FUZZ_ASSERT(!failed(source_bind(source, &columns, NULL, true)));
    }
    while (!failed(failure) && verdict != ROW_END) {
        struct data_row row;
        char error[ROW_ERROR_BYTES_MAX];
        verdict = source_next(source, &row, error, &failure);
        rows++;
        if (verdict == ROW_OK) {
            check_row(&columns, &row);
        }
    }
    source_close(source);
    columns_clean_up(&columns);
    return verdict == ROW_END ? rows : -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static bool is_ready;
    if (!is_ready) {
        schemas_init();
        is_ready = true;
    }
    struct fuzz_input input = {bytes_of(data, size)};
    struct buffer file = {0};
    unsigned flags = (unsigned)fuzz_number(&input, 1);
    if (flags & IS_WHOLE) {
        buffer_append(&file, input.left);
    } else {
        write_file(&input, flags, &file);
    }
    const char *path = fuzz_path(buffer_bytes(&file));
    int64_t records = read_blocks(path), rows = read_rows(path);
    FUZZ_ASSERT(rows < 0 || rows == records);
    buffer_clean_up(&file);
    return 0;
}
