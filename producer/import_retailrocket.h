/* import_retailrocket: events.csv of the RetailRocket data set: timestamp (ms), visitorid, event,
 * itemid, transactionid; a column session_id is taken where somebody has added one.
 *
 * The log knows no prices, so orders have no total. A transaction of several items is several rows
 * with one transactionid: each becomes an order_completed with that order id. */
#ifndef PROMOSTREAM_PRODUCER_IMPORT_RETAILROCKET_H
#define PROMOSTREAM_PRODUCER_IMPORT_RETAILROCKET_H

#include "producer/import.h"

extern const struct import_format import_retailrocket;

#endif
