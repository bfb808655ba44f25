/* container_reader: what others wrote, packed or not, comes back; cuts and flipped bits are
 * noticed, and files of another schema refused. The examples in it are rows that learn can use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <avro.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>

#include "base/input_file.h"
#include "base/rng.h"
#include "consumer/learn/columns_infer.h"
#include "consumer/rooms/models.h"
#include "schemas/container_reader.h"
#include "schemas/rows.h"
#include "tests/support/temp_file.h"

#define RECORDS 500

static void example_of(int i, struct buffer *out) {
    static struct example_row row;
    row = (struct example_row){.decision_id = {1, (uint64_t)i},
                               .revision = i % 10 == 9,
                               .is_retraction = i % 10 == 9,
                               .user_id = bytes_of_text("u1"),
                               .origin = bytes_of_text("observe"),
                               .decided_ms = 1000 + i,
                               .labelled_ms = 2000 + i,
                               .feature_version = model_space.feature_version,
                               .number_count = model_space.number_count,
                               .name_count = model_space.name_count,
                               .bucket = bytes_of_text("policy"),
                               .action = bytes_of_text("none"),
                               .action_p = 1,
                               .label = i % 3 == 0 ? LABEL_BOUGHT : LABEL_NOT_BOUGHT,
                               .net_margin = (double)NAN,
                               .weight = 2};
    row.numbers[0] = i;
    row.names[0] = bytes_of_text("observe");
    buffer_clear(out);
    example_encode(&row, out);
}

static void put_long(struct buffer *out, int64_t value) {
    uint64_t left = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
    for (; left >= 0x80; left >>= 7) {
        buffer_append_byte(out, (uint8_t)(left | 0x80));
    }
    buffer_append_byte(out, (uint8_t)left);
}

static void put_bytes(struct buffer *out, struct bytes data) {
    put_long(out, (int64_t)data.size);
    buffer_append(out, data);
}

/* `Obj` 1, a map of bytes, the sync marker: as the specification of Avro has it. */
static void put_header(struct buffer *out, const char *codec, struct bytes sync) {
    buffer_append(out, bytes_of_text("Obj\x01"));
    put_long(out, 2);
    put_bytes(out, bytes_of_text("avro.codec"));
    put_bytes(out, bytes_of_text(codec));
    put_bytes(out, bytes_of_text("avro.schema"));
    put_bytes(out, bytes_of_text(schema_text_of("example")));
    put_long(out, 0);
    buffer_append(out, sync);
}

#define BLOCK_RECORDS 100
/* One Zstandard frame a block, as Java and fastavro write them; Avro-C 1.11 cannot. */
static struct temp_file zstandard_file(void) {
    struct buffer file = {0}, bodies = {0}, body = {0}, packed = {0};
    const struct bytes sync = bytes_of_text("0123456789abcdef");
    put_header(&file, "zstandard", sync);
    for (int i = 0; i < RECORDS; i++) {
        example_of(i, &body);
        buffer_append(&bodies, buffer_bytes(&body));
        if (i % BLOCK_RECORDS == BLOCK_RECORDS - 1) {
            size_t most = ZSTD_compressBound(bodies.size);
            packed.size =
                ZSTD_compress(buffer_reserve(&packed, most), most, bodies.data, bodies.size, 3);
            assert_false(ZSTD_isError(packed.size));
            put_long(&file, BLOCK_RECORDS);
            put_bytes(&file, buffer_bytes(&packed));
            buffer_append(&file, sync);
            buffer_clear(&bodies);
            buffer_clear(&packed);
        }
    }
    struct temp_file out = temp_file_make(buffer_bytes(&file));
    buffer_clean_up(&file);
    buffer_clean_up(&bodies);
    buffer_clean_up(&body);
    buffer_clean_up(&packed);
    return out;
}

static struct temp_file examples_file(const char *codec) {
    if (strcmp(codec, "zstandard") == 0) {
        return zstandard_file();
    }
    struct temp_file file = temp_file_of_text("");
    const char *text = schema_text_of("example");
    avro_schema_t schema;
    avro_file_writer_t writer;
    assert_int_equal(avro_schema_from_json_length(text, strlen(text), &schema), 0);
    unlink(file.path); /* it must not exist */
    assert_int_equal(avro_file_writer_create_with_codec(file.path, schema, &writer, codec, 16384),
                     0);
    struct buffer body = {0};
    for (int i = 0; i < RECORDS; i++) {
        example_of(i, &body);
        assert_int_equal(avro_file_writer_append_encoded(writer, body.data, (int64_t)body.size), 0);
    }
    assert_int_equal(avro_file_writer_close(writer), 0);
    avro_schema_decref(schema);
    buffer_clean_up(&body);
    return file;
}

/* Reads all of it; how many records decoded, -1 on a failure, which goes to text. */
static int read_all(const char *path, enum schema schema, char *text) {
    struct input_file *input;
    struct container_reader *reader = NULL;
    static struct example_row row;
    int records = 0;
    struct failure failure = input_file_open(path, &input);
    if (!failed(failure)) {
        failure = container_reader_new(input, "file", &schema, 1, &reader);
    }
    int64_t count = 1;
    while (!failed(failure) && count > 0) {
        struct bytes bodies;
        failure = container_next_block(reader, &bodies, &count);
        for (int64_t i = 0; i < count && !failed(failure); i++) {
            if (!example_decode_first(bodies, &row, &bodies)) {
                failure = failure_make(FAILURE_STOP, 0, "no example");
            }
            records++;
        }
    }
    container_reader_free(reader);
    input_file_close(input);
    snprintf(text, 240, "%s", failure.text);
    return failed(failure) ? -1 : records;
}

static const char *const codecs[] = {"null", "deflate", "zstandard"};

static void what_others_wrote(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof codecs / sizeof codecs[0]; i++) {
        struct temp_file file = examples_file(codecs[i]);
        char text[240];
        assert_int_equal(read_all(file.path, SCHEMA_EXAMPLE, text), RECORDS);
        assert_int_equal(read_all(file.path, SCHEMA_EVENT, text), -1);
        assert_string_equal(text, "file: its schema is not the event of this build "
                                  "(schemas/event.avsc)");
        temp_file_remove(&file);
    }
}

/* A frame that is not all of its block, one that is cut, and a codec that nobody knows. */
static void blocks_that_do_not_unpack(void **state) {
    (void)state;
    const struct bytes sync = bytes_of_text("0123456789abcdef");
    static const struct {
        int more; /* bytes behind the frame, or fewer of it */
        const char *codec, *expected;
    } cases[] = {{3, "zstandard", "damaged"},
                 {-1, "zstandard", "damaged"},
                 {0, "snappy",
                  "codec \"snappy\", expected null, deflate or zstandard: write the file again"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer file = {0}, body = {0};
        uint8_t packed[4096] = {0};
        char text[240];
        example_of(1, &body);
        size_t size = ZSTD_compress(packed, sizeof packed, body.data, body.size, 3);
        assert_false(ZSTD_isError(size));
        put_header(&file, cases[i].codec, sync);
        put_long(&file, 1);
        put_bytes(&file, bytes_of(packed, (size_t)((int)size + cases[i].more)));
        buffer_append(&file, sync);
        struct temp_file bad = temp_file_make(buffer_bytes(&file));
        assert_int_equal(read_all(bad.path, SCHEMA_EXAMPLE, text), -1);
        assert_non_null(strstr(text, cases[i].expected));
        temp_file_remove(&bad);
        buffer_clean_up(&file);
        buffer_clean_up(&body);
    }
}

static void damage_is_noticed(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof codecs / sizeof codecs[0]; i++) {
        struct temp_file file = examples_file(codecs[i]);
        struct buffer all = {0};
        FILE *from = fopen(file.path, "rb");
        for (size_t got = 1; got > 0; all.size += got) {
            got = fread(buffer_reserve(&all, 65536), 1, 65536, from);
        }
        fclose(from);
        struct rng rng = rng_make(i, 0);
        char text[240];
        int fewer = 0;
        for (int round = 0; round < 300; round++) {
            size_t size = rng_below(&rng, all.size);
            struct temp_file cut = temp_file_make(bytes_of(all.data, size));
            int records = read_all(cut.path, SCHEMA_EXAMPLE, text);
            assert_true(records < RECORDS); /* -1, but at the border of two blocks */
            fewer += records >= 0;
            temp_file_remove(&cut);
            size_t at = rng_below(&rng, all.size);
            all.data[at] ^= (uint8_t)(1u << rng_below(&rng, 8));
            struct temp_file bad = temp_file_make(buffer_bytes(&all));
            (void)read_all(bad.path, SCHEMA_EXAMPLE, text); /* whatever it says, it ends */
            temp_file_remove(&bad);
        }
        assert_true(fewer <= 2);
        buffer_clean_up(&all);
        temp_file_remove(&file);
    }
}

static void rows_to_learn_from(void **state) {
    (void)state;
    struct temp_file file = examples_file("deflate");
    struct source_config config = {.path = file.path, .row_bytes_max = 4096};
    const struct columns_request request = {.task = -1};
    struct source *source;
    struct columns columns;
    struct failure failure = source_open(&config, &source);
    assert_string_equal(failure.text, "");
    source_columns(source, &columns);
    failure = columns_infer(&columns, source, &request);
    assert_string_equal(failure.text, "");
    failure = source_bind(source, &columns, NULL, true);
    assert_string_equal(failure.text, "");
    struct data_row row;
    char error[ROW_ERROR_BYTES_MAX];
    for (int i = 0; i < RECORDS; i++) {
        assert_int_equal(source_next(source, &row, error, &failure), ROW_OK);
        assert_true(row.numbers[0] == i && row.weight == 2 && row.time_ms == 1000 + i);
        assert_true(row.label == (i % 3 == 0) && row.is_correction == (i % 10 == 9));
    }
    assert_int_equal(source_next(source, &row, error, &failure), ROW_END);
    source_close(source);
    columns_clean_up(&columns);
    temp_file_remove(&file);
}

int main(void) {
    schemas_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_others_wrote),
        cmocka_unit_test(blocks_that_do_not_unpack),
        cmocka_unit_test(damage_is_noticed),
        cmocka_unit_test(rows_to_learn_from),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
