/* ledger: how many pushes one partition has sent per hour of event time, for the cap per hour over
 * all users.
 *
 * The cap is money: it is divided among the partitions so that each can keep its share alone,
 * without asking anybody, and the count commits with the epoch in partition state. It can be
 * under-used when users are skewed; it is never overspent, not by a crash, a rebalance or an hour
 * that came late. Only decide reads and writes it, in order. */
#ifndef PROMOSTREAM_ROOMS_LEDGER_H
#define PROMOSTREAM_ROOMS_LEDGER_H

#include "schemas/rows.h"

struct ledger { /* lives in partition state */
    size_t hour_count;
    struct ledger_hour hours[ROW_LEDGER_MAX]; /* ascending; the oldest is forgotten when full */
};

/* Share of the cap per hour of one partition: cap/P, the remainder to partitions (hour + i) mod P
 * (DESIGN 5, Money). The shares of all partitions add up to cap in every hour. cap >= 0, 0 <=
 * partition < partition_count. */
int64_t hour_cap_share(int64_t cap, int32_t partition, int32_t partition_count, int64_t hour);

/* Hour of event time since 1970, rounded down. */
int64_t ledger_hour_of(int64_t event_ms);

/* May nothing more be sent in this hour, given the share? True for an hour older than all that a
 * full ledger keeps: its count is forgotten, and what is not known is taken as spent. */
bool ledger_is_exhausted(const struct ledger *ledger, int64_t hour, int64_t share);

/* Counts one sent push. An hour too old for a full ledger is not counted (only possible where no
 * cap is set). */
void ledger_take(struct ledger *ledger, int64_t hour);

#endif
