/* hash: xxHash3 behind our names, and draws made of hashes, so that every random choice repeats. */
#ifndef PROMOSTREAM_BASE_HASH_H
#define PROMOSTREAM_BASE_HASH_H

#include "base/bytes.h"

struct hash128 {
    uint64_t high, low;
};

uint64_t hash64(struct bytes data, uint64_t seed);
struct hash128 hash128(struct bytes data, uint64_t seed);

/* Finalizer of splitmix64 (Steele, Lea, Flood 2014; Stafford's variant 13). */
static inline uint64_t hash_mix(uint64_t x) {
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}
/* A good 64-bit mix of two words, used to chain hashes of parts: their order counts. The constant
 * keeps (0, 0) off zero. */
static inline uint64_t hash_combine(uint64_t a, uint64_t b) {
    return hash_mix(hash_mix(a + UINT64_C(0x9e3779b97f4a7c15)) ^ b);
}

/* A draw in [0, 1), 53 bits, a pure function of (subject, purpose, salt). Different purposes or
 * salts give independent draws (METHODS 0, rule 8). */
double hash_draw(struct bytes subject, const char *purpose, const char *salt);

static inline bool hash128_equal(struct hash128 a, struct hash128 b) {
    return a.high == b.high && a.low == b.low;
}

/* 32 lower-case hex digits, high word first; out must hold 33 bytes (NUL included). */
void hash128_format(struct hash128 hash, char out[33]);
/* False unless text is exactly 32 hex digits. */
bool hash128_parse(struct bytes text, struct hash128 *out);

#endif
