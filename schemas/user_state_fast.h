/* user_state_fast: the part of a row that every user has, read in one go. Private to
 * user_state_decode.c. */
#ifndef PROMOSTREAM_SCHEMAS_USER_STATE_FAST_H
#define PROMOSTREAM_SCHEMAS_USER_STATE_FAST_H

#include "schemas/user_state.h"

/* Fills *user and *names, both empty beforehand (names but for the cart), and returns where
 * `active` begins if every value before it is a common one: a short user id, times of today, texts
 * below 64 bytes, arrays in one block. NULL for every other row, good or bad, with *user and *names
 * unspecified and nothing allocated. */
const uint8_t *user_state_read_fast(struct bytes body, struct user_state *user,
                                    struct user_row_names *names);

/* user_state_decode without it: the oracle. */
bool user_state_decode_plain(struct bytes body, const struct user_state_names *names,
                             struct user_state *out);

#endif
