/* template: the texts of an offer, cut into literal pieces and {fields}. Knows no values: decide
 * checks templates at start with it, emit renders with it, so both agree on what a field is. */
#ifndef PROMOSTREAM_ROOMS_TEMPLATE_H
#define PROMOSTREAM_ROOMS_TEMPLATE_H

#include "base/bytes.h"

/* X(enumerator, name in braces, help) */
#define TEMPLATE_FIELDS(X)                                                                         \
    X(TEMPLATE_USER_ID, "user_id", "key of the user")                                              \
    X(TEMPLATE_ITEM, "item", "name of the first item, its id if it has no name")                   \
    X(TEMPLATE_ITEMS, "items", "names of the items, comma-separated, at most 10")                  \
    X(TEMPLATE_ITEM_COUNT, "item_count", "number of items")                                        \
    X(TEMPLATE_CART_VALUE, "cart_value",                                                           \
      "value of the cart in the decimals of its currency; empty if unknown")                       \
    X(TEMPLATE_CURRENCY, "currency", "ISO 4217 code; empty if unknown")                            \
    X(TEMPLATE_OFFER_VALUE, "offer_value",                                                         \
      "percent or amount of the offer; empty for the other kinds")

#define TEMPLATE_ENUM(id, name, help) id,
enum template_piece_kind {
    TEMPLATE_FIELDS(TEMPLATE_ENUM) TEMPLATE_FIELD_COUNT,
    TEMPLATE_TEXT = TEMPLATE_FIELD_COUNT, /* as it stands */
    TEMPLATE_UNKNOWN,                     /* an opening brace that begins no known field */
};

struct template_piece {
    enum template_piece_kind kind;
    struct bytes text; /* the piece as it stands, braces included; borrowed */
};

/* Takes the next piece off the front of *rest. False at the end. */
bool template_next(struct bytes *rest, struct template_piece *out);

#endif
