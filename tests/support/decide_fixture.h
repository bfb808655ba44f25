/* decide_fixture: a small configuration and a decision that it sends, for the tests of decide and
 * emit. Every test changes the one thing that it is about. */
#ifndef PROMOSTREAM_TESTS_DECIDE_FIXTURE_H
#define PROMOSTREAM_TESTS_DECIDE_FIXTURE_H

#include "consumer/rooms/decide.h"

#define FIXTURE_NOON_MS INT64_C(1773144000000) /* Tuesday 2026-03-10 12:00 UTC */
#define FIXTURE_HOUR_MS INT64_C(3600000)
#define FIXTURE_DAY_MS  (24 * FIXTURE_HOUR_MS)

enum fixture_offer { FIXTURE_TEN_PERCENT, FIXTURE_FIVE_OFF, FIXTURE_SHIPPING, FIXTURE_REMINDER };

/* Apprentice; no control group, no random none, no caps, no quiet hours. Rules: a cart gets
 * ten_percent, a checkout five_off, a visit the reminder. */
struct decide_fixture {
    struct offer offers[4];
    struct rule rules[3];
    struct decide_config config;
    struct timezone_set *zones; /* owned */
    struct decide room;
    struct ledger ledger;
};
void decide_fixture_init(struct decide_fixture *fixture, int32_t partition_count);
void decide_fixture_clean_up(struct decide_fixture *fixture);

/* An abandoned cart of 84.90 EUR with consent, decided at noon. user_id is borrowed. */
void decide_fixture_decision(const char *user_id, struct decision *out);

#endif
