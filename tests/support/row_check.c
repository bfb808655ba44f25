#include "tests/support/row_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "tests/support/avro_oracle.h"

/* What decoders find in the row's memory before they fill it: user_state must find zeros, the
 * others must not care. */
static void *fresh_row(const struct row_codec *codec) {
    void *row = memory_new(1, codec->row_bytes);
    if (!codec->clean_up) {
        memset(row, 0xa5, codec->row_bytes);
    }
    return row;
}

static bool decodes(const struct row_codec *codec, struct bytes body) {
    uint8_t *copy = malloc(body.size);
    if (body.size > 0) {
        memcpy(copy, body.data, body.size);
    }
    void *row = fresh_row(codec);
    bool is_valid = codec->decode(bytes_of(copy, body.size), row);
    if (is_valid && codec->clean_up) {
        codec->clean_up(row);
    }
    free(row);
    free(copy);
    return is_valid;
}

void row_check_damage(const struct row_codec *codec, struct bytes body) {
    static const uint8_t changes[] = {0x01, 0x02, 0x7f, 0x80, 0xff};
    for (size_t size = 0; size < body.size; size++) {
        assert_false(decodes(codec, bytes_of(body.data, size)));
    }
    struct buffer copy = {0};
    buffer_append(&copy, body);
    buffer_append_byte(&copy, 0);
    assert_false(decodes(codec, buffer_bytes(&copy)));
    copy.size--;
    assert_true(decodes(codec, buffer_bytes(&copy)));
    for (size_t i = 0; i < body.size; i++) {
        for (size_t change = 0; change < sizeof(changes); change++) {
            copy.data[i] ^= changes[change];
            (void)decodes(codec, buffer_bytes(&copy));
            copy.data[i] = body.data[i];
        }
    }
    buffer_clean_up(&copy);
}

static void check_oracle(const struct row_codec *codec, struct bytes body, const char *json) {
    struct avro_oracle oracle;
    struct buffer again = {0};
    avro_oracle_init(&oracle, codec->schema);
    assert_true(avro_oracle_read(&oracle, body));
    avro_oracle_write(&oracle, &again);
    assert_int_equal(again.size, body.size);
    assert_memory_equal(again.data, body.data, body.size);
    if (json) {
        char *read = avro_oracle_json(&oracle);
        assert_string_equal(read, json);
        free(read);
    }
    buffer_clean_up(&again);
    avro_oracle_clean_up(&oracle);
}

void row_check(const struct row_codec *codec, const void *row, const char *json) {
    struct buffer body = {0}, again = {0};
    codec->encode(row, &body);
    check_oracle(codec, buffer_bytes(&body), json);
    void *decoded = fresh_row(codec);
    assert_true(codec->decode(buffer_bytes(&body), decoded));
    codec->encode(decoded, &again);
    assert_int_equal(again.size, body.size);
    assert_memory_equal(again.data, body.data, body.size);
    if (codec->clean_up) {
        codec->clean_up(decoded);
    }
    row_check_damage(codec, buffer_bytes(&body));
    free(decoded);
    buffer_clean_up(&body);
    buffer_clean_up(&again);
}

/* The line of tests/golden/rows.txt that begins with the name, to be freed; NULL if there is none.
 */
static char *golden_line(const char *name) {
    FILE *file = fopen("tests/golden/rows.txt", "r");
    size_t capacity = 0, length = strlen(name);
    char *line = NULL;
    assert_non_null(file);
    while (getline(&line, &capacity, file) > 0) {
        if (strncmp(line, name, length) == 0 && line[length] == ' ') {
            fclose(file);
            return line;
        }
    }
    free(line);
    fclose(file);
    return NULL;
}

void row_check_golden(const char *name, struct bytes body) {
    struct buffer expected = {0};
    buffer_format(&expected, "%s ", name);
    for (size_t i = 0; i < body.size; i++) {
        buffer_format(&expected, "%02x", body.data[i]);
    }
    buffer_format(&expected, "\n");
    buffer_append_byte(&expected, 0);
    char *golden = golden_line(name);
    assert_string_equal(golden ? golden : "", (char *)expected.data);
    free(golden);
    buffer_clean_up(&expected);
}
