/* shop_calendar: what time and place do to the shop: how many sessions start (hour, weekday,
 * payday, weather, sale days), how willing people are (drift), and where they live. A pure function
 * of (world, seed, start, days). */
#ifndef PROMOSTREAM_PRODUCER_SHOP_CALENDAR_H
#define PROMOSTREAM_PRODUCER_SHOP_CALENDAR_H

#include "producer/shop_world.h"

#define DAY_MS  INT64_C(86400000)
#define HOUR_MS INT64_C(3600000)

struct shop_place {
    const char *code;   /* ISO 3166, the event's place */
    const char *zone;   /* IANA */
    const char *locale; /* BCP 47 */
    double share;       /* of users */
};
#define SHOP_PLACES 14
extern const struct shop_place shop_places[SHOP_PLACES];

struct shop_calendar;
/* world is borrowed. */
struct shop_calendar *shop_calendar_new(const struct shop_world *world, uint64_t seed,
                                        int64_t start_ms, int days);
void shop_calendar_destroy(struct shop_calendar *calendar);

/* Factor on a user's sessions per day at the instant, constant within each half hour; 0 outside of
 * the days. */
double shop_calendar_factor(const struct shop_calendar *calendar, int place, int64_t at_ms);
double shop_calendar_factor_max(const struct shop_calendar *calendar, int place);

/* The factor's integral over time, in days: the number of sessions to be expected of a user with
 * one a day. from_ms <= to_ms. */
double shop_calendar_exposure(const struct shop_calendar *calendar, int place, int64_t from_ms,
                              int64_t to_ms);

bool shop_calendar_is_over(const struct shop_calendar *calendar, int64_t at_ms);
/* 0-based day (UTC); negative before the start. */
int shop_calendar_day(const struct shop_calendar *calendar, int64_t at_ms);
/* Also beyond the days: outcomes come later. */
bool shop_calendar_is_sale(const struct shop_calendar *calendar, int64_t at_ms);
/* The second half of the days. */
bool shop_calendar_is_second_half(const struct shop_calendar *calendar, int64_t at_ms);
/* D(t) in logits: wave, slow drift, jump; a sale day's base too. */
double shop_calendar_drift(const struct shop_calendar *calendar, int64_t at_ms);

#endif
