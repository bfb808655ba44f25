/* import_rees46: the logs of the Open CDP project (REES46), as on Kaggle: event_time, event_type,
 * product_id, category_id, category_code, brand, price, user_id, user_session.
 *
 * Times read "2019-10-01 00:00:00 UTC". category_id stands in where category_code is empty. A price
 * of 0.00 means that the shop knew none. Every purchase row is an order of its own (one line, total
 * = price): the log has no order ids. */
#ifndef PROMOSTREAM_PRODUCER_IMPORT_REES46_H
#define PROMOSTREAM_PRODUCER_IMPORT_REES46_H

#include "producer/import.h"

extern const struct import_format import_rees46;

#endif
