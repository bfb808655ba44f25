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

static bool parse_word(const uint8_t *text, uint64_t *out) {
    uint64_t word = 0;
    for (int i = 0; i < 16; i++) {
        uint8_t c = text[i];
        unsigned digit;
        if (c >= '0' && c <= '9') {
            digit = (unsigned)c - '0';
        } else if (c >= 'a' && c <= 'f') {
            digit = (unsigned)c - 'a' + 10;
        } else if (c >= 'A' && c <= 'F') {
            digit = (unsigned)c - 'A' + 10;
        } else {
            return false;
        }
        word = word << 4 | digit;
    }
    *out = word;
    return true;
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
