/* shop_causes: the causes file, JSON lines: for every message of the shop and every nuisance that
 * was applied to it one line, so that whatever a reader of the stream gets wrong can be traced to
 * what was done to the stream.
 *
 *   {"cause":"late","user_id":"u0000042","key":"g0123456789abcdef","session":3,
 *    "event_id":"0123456789abcdef","type":"product_viewed","happened_ms":1736121600000,
 *    "event_ms":1736121600000,"arrival_ms":1736121660000}
 *
 * user_id is the shopper's own key (or the bot's), key the one under which the message stands,
 * session counts the shopper's sessions from 0, happened_ms is the shop's own time of the event,
 * event_ms the time that the message bears, arrival_ms the record's timestamp, null for a message
 * that never arrives. A line `duplicate` bears the arrival of the second copy; the other lines of
 * that message that of the first. */
#ifndef PROMOSTREAM_PRODUCER_SHOP_CAUSES_H
#define PROMOSTREAM_PRODUCER_SHOP_CAUSES_H

#include <stdio.h>

#include "base/failure.h"
#include "producer/shop_click.h"

/* X(enumerator, name, what was done) */
#define SHOP_CAUSES(X)                                                                             \
    X(CAUSE_DUPLICATE, "duplicate", "sent again with the same id")                                 \
    X(CAUSE_LATE, "late", "arrives minutes or days after it happened")                             \
    X(CAUSE_REORDERED, "reordered", "arrives up to a minute after it happened")                    \
    X(CAUSE_LOST, "lost", "never arrives")                                                         \
    X(CAUSE_CLOCK_SKEW, "clock_skew", "bears the time of a wrong clock")                           \
    X(CAUSE_NO_BRAND, "no_brand", "brand missing")                                                 \
    X(CAUSE_NO_PRICE, "no_price", "price missing")                                                 \
    X(CAUSE_ABSURD_PRICE, "absurd_price", "price x 10000")                                         \
    X(CAUSE_FUTURE, "future", "bears a time days ahead")                                           \
    X(CAUSE_BOT, "bot", "no shopper did it")                                                       \
    X(CAUSE_SECOND_DEVICE, "second_device", "came from the other device, with its clock")          \
    X(CAUSE_GUEST, "guest",                                                                        \
      "stands under a guest's key, or (never arriving) removes what lay under one")                \
    X(CAUSE_LOGIN, "login", "says who a guest is; the shop itself has no such message")            \
    X(CAUSE_REFUND, "refund", "order_refunded; the shop itself has no such message")               \
    X(CAUSE_CANCEL, "cancel", "order_cancelled; the shop itself has no such message")              \
    X(CAUSE_ASYNC_PAYMENT, "async_payment", "the order is confirmed minutes later")

#define SHOP_CAUSE_ENUM(id, name, text) id,
enum shop_cause { SHOP_CAUSES(SHOP_CAUSE_ENUM) SHOP_CAUSE_COUNT };
#define SHOP_CAUSE_BIT(cause) (UINT32_C(1) << (cause))

struct shop_causes {
    FILE *file; /* NULL: none, everything is dropped */
    const char *path;
    uint64_t seed; /* of the shop, for keys and ids */
};

/* path is borrowed; NULL for none. */
MUST_CHECK struct failure shop_causes_open(const char *path, uint64_t seed,
                                           struct shop_causes *out);
/* One line per bit of `set` (SHOP_CAUSE_BIT). click as it is sent; happened_ms: before all this. */
void shop_causes_write(const struct shop_causes *causes, uint32_t set, int64_t happened_ms,
                       const struct shop_click *click, bool arrives);
/* STOP if anything could not be written. Idempotent. */
MUST_CHECK struct failure shop_causes_close(struct shop_causes *causes);

#endif
