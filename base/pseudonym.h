/* pseudonym: names for user ids that may stand in logs: the same id has the same name, and nobody
 * without the key can tell whose it is, not even by trying all ids.
 *
 * A keyed BLAKE2b (libsodium's crypto_generichash), of which 64 bits are shown: two of a million
 * users share a name with a probability of 3e-8. */
#ifndef PROMOSTREAM_BASE_PSEUDONYM_H
#define PROMOSTREAM_BASE_PSEUDONYM_H

#include <stdbool.h>

#include "base/bytes.h"

#define PSEUDONYM_KEY_BYTES 32

struct pseudonym_key {
    uint8_t bytes[PSEUDONYM_KEY_BYTES];
};
struct pseudonym {
    char text[19]; /* "u_" and 16 hexadecimal digits */
};

/* The key that a text of any length stands for; an empty text makes a random one, so that names
 * hold for this process alone. */
struct pseudonym_key pseudonym_key_of(struct bytes text);
struct pseudonym pseudonym_of(const struct pseudonym_key *key, struct bytes id);

/* Whether two secrets are the same, in a time that tells nothing of where they differ, nor of
 * lengths. */
bool secret_equals(struct bytes a, struct bytes b);

#endif
