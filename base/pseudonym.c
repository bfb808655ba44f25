#include "base/pseudonym.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>

_Static_assert(PSEUDONYM_KEY_BYTES == crypto_generichash_KEYBYTES, "libsodium's own size");
#define SHOWN_BYTES 8

struct pseudonym_key pseudonym_key_of(struct bytes text) {
    struct pseudonym_key key;
    int code = sodium_init(); /* as often as one likes */
    assert(code >= 0);
    (void)code;
    if (text.size == 0) {
        randombytes_buf(key.bytes, sizeof key.bytes);
    } else {
        crypto_generichash(key.bytes, sizeof key.bytes, text.data, text.size, NULL, 0);
    }
    return key;
}

struct pseudonym pseudonym_of(const struct pseudonym_key *key, struct bytes id) {
    uint8_t hash[crypto_generichash_BYTES];
    crypto_generichash(hash, sizeof hash, id.data, id.size, key->bytes, sizeof key->bytes);
    struct pseudonym name = {.text = "u_"};
    sodium_bin2hex(name.text + 2, sizeof name.text - 2, hash, SHOWN_BYTES);
    return name;
}

bool secret_equals(struct bytes a, struct bytes b) {
    uint8_t hash_a[crypto_generichash_BYTES], hash_b[crypto_generichash_BYTES];
    crypto_generichash(hash_a, sizeof hash_a, a.data, a.size, NULL, 0);
    crypto_generichash(hash_b, sizeof hash_b, b.data, b.size, NULL, 0);
    return sodium_memcmp(hash_a, hash_b, sizeof hash_a) == 0;
}
