/* row_check: what every codec of a row must stand: the oracle reads the same, bytes survive a round
 * trip, damage is noticed or survived. Asserts with cmocka. */
#ifndef PROMOSTREAM_TESTS_ROW_CHECK_H
#define PROMOSTREAM_TESTS_ROW_CHECK_H

#include "schemas/schemas.h"

struct row_codec {
    enum schema schema;
    size_t row_bytes;
    void (*encode)(const void *row, struct buffer *out);
    bool (*decode)(struct bytes body, void *out_row);
    void (*clean_up)(void *row); /* NULL if a decoded row owns nothing */
};

/* Encodes *row and checks the body. json is what Avro-C must read, NULL = anything. */
void row_check(const struct row_codec *codec, const void *row, const char *json);

/* Decodes every prefix (must fail), the body and one byte more (must fail) and every body with one
 * byte changed (must return), each in a block of exactly its size, so that ASan sees the first byte
 * read beyond it. */
void row_check_damage(const struct row_codec *codec, struct bytes body);

/* The body must be the one that tests/golden/rows.txt holds for the name;
 * tests/compare/fastavro_roundtrip.py reads those with another implementation. */
void row_check_golden(const char *name, struct bytes body);

#endif
