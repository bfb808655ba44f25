/* rows: how values and keys of model rows are written and read. Values are little-endian; a key is
 * a prefix and, mostly, a number in lower-case hex of fixed width, so that keys sort as numbers. */
#ifndef PROMOSTREAM_MODEL_ROWS_H
#define PROMOSTREAM_MODEL_ROWS_H

#include "model/learner.h"

/* No honest value comes near it, and sums of products of two such values are finite. */
#define ROW_VALUE_MAX 1e30

/* Writes behind size; the caller's buffer is large enough. */
struct row_writer {
    uint8_t *data;
    size_t size;
};
void row_put_u32(struct row_writer *writer, uint32_t value);
void row_put_u64(struct row_writer *writer, uint64_t value);
void row_put_f32(struct row_writer *writer, float value);
void row_put_f64(struct row_writer *writer, double value);

/* Reads from the front of left; the caller has compared sizes. */
struct row_reader {
    struct bytes left;
};
uint32_t row_get_u32(struct row_reader *reader);
uint64_t row_get_u64(struct row_reader *reader);
float row_get_f32(struct row_reader *reader);
double row_get_f64(struct row_reader *reader);

/* Is it exactly count values, each finite and at most ROW_VALUE_MAX? BAD_SIZE, BAD_VALUE or OK. */
enum learner_verdict row_check_f32(struct bytes values, size_t count);
enum learner_verdict row_check_f64(struct bytes values, size_t count);

/* Is it what a counter may say: whole, 0 to 1e15? */
bool row_is_count(double number);

bool row_has_key(const struct learner_row *row, const char *key);
/* Is it of the kind of counters, with exactly count of them? BAD_ROW or as row_check_f64. */
enum learner_verdict row_check_counts(const struct learner_row *row, size_t count);

/* "a/" and 16 digits: "a/00000000000000ff". */
void row_key(char out[LEARNER_ROW_KEY_MAX], const char *prefix, uint64_t number, int digits);
/* False unless key is exactly what row_key writes. */
bool row_key_parse(const char *key, const char *prefix, int digits, uint64_t *out);

/* A text as a number that a double holds exactly, 1 <= x < 2^53: dictionaries travel as values. */
double row_text_hash(struct bytes text);

#endif
