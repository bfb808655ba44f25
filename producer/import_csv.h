/* import_csv: any log of one event a row, by the user's own map of parts to columns (--map) and
 * time format.
 *
 * time, type and user must be mapped. The type column holds our event names or one of the usual
 * other words for the five that matter: view, cart, add_to_cart, addtocart, remove_from_cart,
 * purchase, order, transaction. An order's total is price * quantity. */
#ifndef PROMOSTREAM_PRODUCER_IMPORT_CSV_H
#define PROMOSTREAM_PRODUCER_IMPORT_CSV_H

#include "producer/import.h"

extern const struct import_format import_csv;

#endif
