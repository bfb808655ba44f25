/* user_rows: users to test with, their item names, and the codec as row_check takes it. */
#ifndef PROMOSTREAM_TESTS_USER_ROWS_H
#define PROMOSTREAM_TESTS_USER_ROWS_H

#include "schemas/user_state.h"
#include "tests/support/row_check.h"

#define USER_ROWS_NOW_MS INT64_C(1700000000000)
#define USER_ROWS_ITEMS  64

/* Items are numbers of 8 digits; zones 1 and 2 have names. */
struct item_names {
    char text[USER_ROWS_ITEMS][20];
    int interned; /* calls */
    bool is_full; /* interns nothing any more */
};
struct user_state_names user_rows_names(struct item_names *items);

/* Decoding asserts that a bad row leaves zeros and no interned name. */
extern const struct row_codec user_rows_codec;
void user_rows_encode(const struct user_state *user, struct buffer *out);
bool user_rows_decode(struct bytes body, struct user_state *out);

/* ---- users: to be cleaned up by the caller ------------------------------------------------------
 */

struct user_state user_of(const char *id);
struct user_active *add_active(struct user_state *user);
void add_cart_line(struct user_state *user, struct cart_line line);
void add_open(struct user_state *user, struct open_decision open);
struct open_decision largest_open(void);
/* Three views and one addition in one session; the user id is a UUID. */
struct user_state typical_user(void);
/* Every field has a value of its own. */
struct user_state every_field_user(void);

/* b was decoded. */
void user_rows_assert_equal(const struct user_state *a, const struct user_state *b);
/* Encodes, decodes, and compares field by field; what lives in memory only comes back empty. */
void user_rows_check_round_trip(const struct user_state *user);

#endif
