#include "base/hash.h"

/* Inlined: an event is hashed about ten times, a few bytes each. */
#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t hash64(struct bytes data, uint64_t seed) {
    return XXH3_64bits_withSeed(data.data, data.size, seed);
}

struct hash128 hash128(struct bytes data, uint64_t seed) {
    XXH128_hash_t hash = XXH3_128bits_withSeed(data.data, data.size, seed);
    return (struct hash128){.high = hash.high64, .low = hash.low64};
}

double hash_draw(struct bytes subject, const char *purpose, const char *salt) {
    /* Each part is hashed alone before they are chained, so ("ab", "c") and ("a", "bc") never meet.
     */
    uint64_t hash = hash64(bytes_of_text(salt), 0);
    hash = hash_combine(hash, hash64(bytes_of_text(purpose), 0));
    hash = hash_combine(hash, hash64(subject, 0));
    return (double)(hash >> 11) * 0x1p-53;
}

static void format_word(uint64_t word, char *out) {
    for (int i = 0; i < 16; i++) {
        out[i] = "0123456789abcdef"[(word >> (60 - 4 * i)) & 15];
    }
}

void hash128_format(struct hash128 hash, char out[33]) {
    format_word(hash.high, out);
    format_word(hash.low, out + 16);
    out[32] = '\0';
}

/* Without a branch on the digits: those of a hash are random. */
static bool parse_word(const uint8_t *text, uint64_t *out) {
    uint64_t word = 0;
    bool is_hex = true;
    for (int i = 0; i < 16; i++) {
        unsigned digit = (unsigned)text[i] - '0';
        unsigned letter = (text[i] | 0x20U) - 'a';
        is_hex &= (digit < 10) | (letter < 6);
        word = word << 4 | ((digit < 10 ? digit : letter + 10) & 0xf);
    }
    *out = word;
    return is_hex;
}

bool hash128_parse(struct bytes text, struct hash128 *out) {
    struct hash128 hash;
    if (text.size != 32 || !parse_word(text.data, &hash.high) ||
        !parse_word(text.data + 16, &hash.low)) {
        return false;
    }
    *out = hash;
    return true;
}
