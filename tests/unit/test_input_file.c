/* input_file: plain, Zstandard and gzip bytes come out the same, of one frame or several; damage is
 * a failure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>

#include "base/buffer.h"
#include "base/input_file.h"
#include "tests/support/temp_file.h"

static void make_text(struct buffer *out, int lines) {
    for (int i = 0; i < lines; i++) {
        buffer_format(out, "line %d of the file, %d\n", i, i * 7919);
    }
}

/* Reads in pieces of the given size. False if reading failed. */
static bool read_all(const char *path, size_t piece, struct buffer *out) {
    struct input_file *input;
    struct failure failure = input_file_open(path, &input);
    if (failed(failure)) {
        return false;
    }
    for (size_t got = 1; got > 0 && !failed(failure);) {
        failure = input_file_read(input, buffer_reserve(out, piece), piece, &got);
        out->size += got;
    }
    input_file_close(input);
    return !failed(failure);
}

static void expect(const struct temp_file *file, struct bytes expected) {
    const size_t pieces[] = {1000003, 4096, 7};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct buffer got = {0};
        assert_true(read_all(file->path, pieces[i], &got));
        assert_true(bytes_equal(buffer_bytes(&got), expected));
        buffer_clean_up(&got);
    }
}

static void plain_and_packed(void **state) {
    (void)state;
    struct buffer text = {0};
    make_text(&text, 20000);
    struct temp_file plain = temp_file_make(buffer_bytes(&text));
    struct temp_file packed = temp_file_make_zstd(buffer_bytes(&text));
    struct temp_file zipped = temp_file_make_gzip(buffer_bytes(&text));
    expect(&plain, buffer_bytes(&text));
    expect(&packed, buffer_bytes(&text));
    expect(&zipped, buffer_bytes(&text));
    temp_file_remove(&plain);
    temp_file_remove(&packed);
    temp_file_remove(&zipped);
    buffer_clean_up(&text);
}

static void small_files(void **state) {
    (void)state;
    static const char *const texts[] = {"", "a", "abc", "abcd", "\x28\xB5\x2F"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct temp_file file = temp_file_of_text(texts[i]);
        expect(&file, bytes_of_text(texts[i]));
        temp_file_remove(&file);
    }
    struct temp_file empty_frame = temp_file_make_zstd(bytes_of(NULL, 0));
    expect(&empty_frame, bytes_of(NULL, 0));
    temp_file_remove(&empty_frame);
}

/* As `cat a.zst b.zst` makes it. */
static void several_frames(void **state) {
    (void)state;
    struct buffer text = {0}, packed = {0};
    for (int i = 0; i < 3; i++) {
        size_t before = text.size;
        make_text(&text, 3000 + i);
        size_t most = ZSTD_compressBound(text.size - before);
        size_t size = ZSTD_compress(buffer_reserve(&packed, most), most, text.data + before,
                                    text.size - before, 1);
        assert_false(ZSTD_isError(size));
        packed.size += size;
    }
    struct temp_file file = temp_file_make(buffer_bytes(&packed));
    expect(&file, buffer_bytes(&text));
    temp_file_remove(&file);
    buffer_clean_up(&packed);
    buffer_clean_up(&text);
}

static void several_gzip_members(void **state) {
    (void)state;
    struct temp_file file = temp_file_make_gzip(bytes_of_text("one and "));
    struct temp_file second = temp_file_make_gzip(bytes_of_text("two"));
    struct buffer packed = {0};
    FILE *from = fopen(second.path, "rb"), *to = fopen(file.path, "ab");
    packed.size = fread(buffer_reserve(&packed, 4096), 1, 4096, from);
    fwrite(packed.data, 1, packed.size, to);
    fclose(from);
    fclose(to);
    expect(&file, bytes_of_text("one and two"));
    temp_file_remove(&file);
    temp_file_remove(&second);
    buffer_clean_up(&packed);
}

static void expect_every_cut_noticed(struct temp_file whole) {
    struct buffer packed = {0}, raw = {0};
    FILE *file = fopen(whole.path, "rb");
    packed.size = fread(buffer_reserve(&packed, 65536), 1, 65536, file);
    fclose(file);
    for (size_t size = 4; size < packed.size; size++) {
        struct temp_file cut = temp_file_make(bytes_of(packed.data, size));
        buffer_clear(&raw);
        assert_false(read_all(cut.path, 4096, &raw));
        temp_file_remove(&cut);
    }
    temp_file_remove(&whole);
    buffer_clean_up(&raw);
    buffer_clean_up(&packed);
}

static void every_cut_is_noticed(void **state) {
    (void)state;
    struct buffer text = {0};
    make_text(&text, 50);
    expect_every_cut_noticed(temp_file_make_zstd(buffer_bytes(&text)));
    expect_every_cut_noticed(temp_file_make_gzip(buffer_bytes(&text)));
    buffer_clean_up(&text);
}

static void garbage_behind_a_frame_is_noticed(void **state) {
    (void)state;
    struct temp_file file = temp_file_make_zstd(bytes_of_text("good"));
    FILE *append = fopen(file.path, "ab");
    fputs("not a frame", append);
    fclose(append);
    struct buffer got = {0};
    assert_false(read_all(file.path, 4096, &got));
    assert_true(bytes_equal(buffer_bytes(&got), bytes_of_text("good")));
    buffer_clean_up(&got);
    temp_file_remove(&file);
}

static void files_that_are_not_there(void **state) {
    (void)state;
    struct input_file *input;
    struct failure failure = input_file_open("/nonexistent", &input);
    assert_int_equal(failure.action, FAILURE_STOP);
    assert_null(input);
    failure = input_file_open("/tmp", &input);
    assert_int_equal(failure.action, FAILURE_STOP);
    assert_null(input);
    input_file_close(NULL);
}

/* Looking ahead, again and further, takes nothing away. */
static void peeking(void **state) {
    (void)state;
    struct buffer text = {0};
    make_text(&text, 2000);
    struct temp_file files[] = {temp_file_make(buffer_bytes(&text)),
                                temp_file_make_gzip(buffer_bytes(&text))};
    for (int i = 0; i < 2; i++) {
        struct input_file *input;
        struct failure failure = input_file_open(files[i].path, &input);
        size_t got = 0, size;
        uint8_t begin[100];
        const uint8_t *seen;
        assert_false(failed(failure));
        failure = input_file_peek(input, 10, &seen, &size);
        assert_true(!failed(failure) && size == 10 && memcmp(seen, text.data, 10) == 0);
        failure = input_file_read(input, begin, 3, &got);
        assert_true(!failed(failure) && got == 3 && memcmp(begin, text.data, 3) == 0);
        failure = input_file_peek(input, INPUT_FILE_PEEK_MAX, &seen, &size);
        size_t left = text.size - 3;
        assert_int_equal(size, left < INPUT_FILE_PEEK_MAX ? left : INPUT_FILE_PEEK_MAX);
        assert_true(!failed(failure) && memcmp(seen, text.data + 3, size) == 0);
        struct buffer all = {0};
        for (got = 1; got > 0 && !failed(failure); all.size += got) {
            failure = input_file_read(input, buffer_reserve(&all, 1000), 1000, &got);
        }
        assert_true(bytes_equal(buffer_bytes(&all), bytes_of(text.data + 3, left)));
        buffer_clean_up(&all);
        input_file_close(input);
        temp_file_remove(&files[i]);
    }
    buffer_clean_up(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_and_packed),
        cmocka_unit_test(small_files),
        cmocka_unit_test(several_frames),
        cmocka_unit_test(peeking),
        cmocka_unit_test(several_gzip_members),
        cmocka_unit_test(every_cut_is_noticed),
        cmocka_unit_test(garbage_behind_a_frame_is_noticed),
        cmocka_unit_test(files_that_are_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
