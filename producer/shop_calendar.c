#include "producer/shop_calendar.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/timezone.h"
#include "producer/shop_draw.h"

#define SLOT_MS       (HOUR_MS / 2) /* zones lie on half hours */
#define SLOTS_PER_DAY 48

const struct shop_place shop_places[SHOP_PLACES] = {
    {"DE", "Europe/Berlin", "de-DE", 0.22},    {"FR", "Europe/Paris", "fr-FR", 0.12},
    {"GB", "Europe/London", "en-GB", 0.12},    {"IT", "Europe/Rome", "it-IT", 0.09},
    {"ES", "Europe/Madrid", "es-ES", 0.09},    {"PL", "Europe/Warsaw", "pl-PL", 0.07},
    {"NL", "Europe/Amsterdam", "nl-NL", 0.06}, {"PT", "Europe/Lisbon", "pt-PT", 0.04},
    {"GR", "Europe/Athens", "el-GR", 0.04},    {"FI", "Europe/Helsinki", "fi-FI", 0.03},
    {"US", "America/New_York", "en-US", 0.06}, {"BR", "America/Sao_Paulo", "pt-BR", 0.02},
    {"IN", "Asia/Kolkata", "en-IN", 0.02},     {"JP", "Asia/Tokyo", "ja-JP", 0.02},
};

/* Relative visits by local hour, peaks at noon and 20h; scaled to mean 1. */
static const double hour_curve[24] = {0.35, 0.20, 0.12, 0.10, 0.10, 0.15, 0.30, 0.55,
                                      0.80, 1.00, 1.15, 1.35, 1.50, 1.30, 1.10, 1.05,
                                      1.10, 1.25, 1.50, 1.80, 2.00, 1.75, 1.25, 0.70};

struct shop_calendar {
    const struct shop_world *world;
    uint64_t seed;
    int64_t start_ms;
    int days;
    double *factors; /* [SHOP_PLACES][days * SLOTS_PER_DAY] */
    double *sums;    /* [SHOP_PLACES][days * SLOTS_PER_DAY + 1], of the factors before the slot */
    double factor_max[SHOP_PLACES];
};

/* Day of the month of days since 1970 (Hinnant, "chrono-compatible low-level date algorithms"). */
static int day_of_month(int64_t days) {
    int64_t shifted = days + 719468;
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153; /* from March */
    return (int)(day_of_year - (153 * month + 2) / 5 + 1);
}

static int64_t floor_div(int64_t value, int64_t by) {
    return value / by - (value % by < 0);
}

static double local_factor(const struct shop_sessions_world *sessions, int64_t local_ms) {
    double sum = 0;
    for (int i = 0; i < 24; i++) {
        sum += hour_curve[i];
    }
    int64_t day = floor_div(local_ms, DAY_MS);
    int hour = (int)((local_ms - day * DAY_MS) / HOUR_MS);
    double factor = hour_curve[hour] * 24 / sum;
    int weekday = (int)(((day + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday; 0 = Sunday */
    if (weekday == 0) {
        factor *= sessions->sunday;
    } else if (weekday == 5) {
        factor *= sessions->friday;
    }
    int month_day = day_of_month(day);
    if (month_day >= 25 || month_day <= 2) {
        factor *= sessions->payday;
    }
    return factor;
}

static void fill_place(struct shop_calendar *calendar, struct timezone_set *zones, int place) {
    const struct shop_sessions_world *sessions = &calendar->world->sessions;
    uint16_t zone = timezone_find(zones, bytes_of_text(shop_places[place].zone));
    struct rng weather = shop_draw(calendar->seed, (uint64_t)place, DRAW_WEATHER, 0);
    double *factors = &calendar->factors[(size_t)place * (size_t)calendar->days * SLOTS_PER_DAY];
    double w = rng_normal(&weather), highest = 0;
    double innovation = sqrt(1 - sessions->weather_ar * sessions->weather_ar);
    for (int day = 0; day < calendar->days; day++) {
        double day_factor = exp(sessions->weather * w);
        w = sessions->weather_ar * w + innovation * rng_normal(&weather);
        int64_t day_ms = calendar->start_ms + day * DAY_MS;
        if (shop_calendar_is_sale(calendar, day_ms)) {
            day_factor *= calendar->world->drift.sale_sessions;
        }
        for (int slot = 0; slot < SLOTS_PER_DAY; slot++) {
            int64_t at_ms = day_ms + slot * SLOT_MS;
            int64_t local_ms = at_ms + INT64_C(1000) * timezone_offset_s(zones, zone, at_ms);
            double factor = day_factor * local_factor(sessions, local_ms);
            factors[day * SLOTS_PER_DAY + slot] = factor;
            highest = factor > highest ? factor : highest;
        }
    }
    calendar->factor_max[place] = highest;
    size_t slots = (size_t)calendar->days * SLOTS_PER_DAY;
    double *sums = &calendar->sums[(size_t)place * (slots + 1)];
    for (size_t slot = 0; slot < slots; slot++) {
        sums[slot + 1] = sums[slot] + factors[slot];
    }
}

struct shop_calendar *shop_calendar_new(const struct shop_world *world, uint64_t seed,
                                        int64_t start_ms, int days) {
    assert(days > 0);
    struct shop_calendar *calendar = memory_new(1, sizeof *calendar);
    *calendar =
        (struct shop_calendar){.world = world, .seed = seed, .start_ms = start_ms, .days = days};
    calendar->factors =
        memory_new((size_t)SHOP_PLACES * (size_t)days * SLOTS_PER_DAY, sizeof(double));
    calendar->sums =
        memory_new((size_t)SHOP_PLACES * ((size_t)days * SLOTS_PER_DAY + 1), sizeof(double));
    struct timezone_set *zones = timezone_set_new(NULL);
    for (int place = 0; place < SHOP_PLACES; place++) {
        fill_place(calendar, zones, place);
    }
    timezone_set_destroy(zones);
    return calendar;
}

void shop_calendar_destroy(struct shop_calendar *calendar) {
    if (calendar) {
        free(calendar->factors);
        free(calendar->sums);
        free(calendar);
    }
}

double shop_calendar_factor(const struct shop_calendar *calendar, int place, int64_t at_ms) {
    int64_t slot = floor_div(at_ms - calendar->start_ms, SLOT_MS);
    int64_t slots = (int64_t)calendar->days * SLOTS_PER_DAY;
    if (slot < 0 || slot >= slots) {
        return 0;
    }
    return calendar->factors[place * slots + slot];
}

double shop_calendar_factor_max(const struct shop_calendar *calendar, int place) {
    return calendar->factor_max[place];
}

/* From the start on, in slots. */
static double exposure_until(const struct shop_calendar *calendar, int place, int64_t at_ms) {
    int64_t slots = (int64_t)calendar->days * SLOTS_PER_DAY;
    int64_t since_ms = at_ms - calendar->start_ms;
    since_ms = since_ms < 0 ? 0 : since_ms > slots * SLOT_MS ? slots * SLOT_MS : since_ms;
    int64_t slot = since_ms / SLOT_MS;
    double sum = calendar->sums[place * (slots + 1) + slot];
    if (slot < slots) {
        double part = (double)(since_ms % SLOT_MS) / (double)SLOT_MS;
        sum += part * calendar->factors[place * slots + slot];
    }
    return sum;
}

double shop_calendar_exposure(const struct shop_calendar *calendar, int place, int64_t from_ms,
                              int64_t to_ms) {
    return (exposure_until(calendar, place, to_ms) - exposure_until(calendar, place, from_ms)) /
           SLOTS_PER_DAY;
}

bool shop_calendar_is_over(const struct shop_calendar *calendar, int64_t at_ms) {
    return at_ms - calendar->start_ms >= calendar->days * DAY_MS;
}

int shop_calendar_day(const struct shop_calendar *calendar, int64_t at_ms) {
    return (int)floor_div(at_ms - calendar->start_ms, DAY_MS);
}

bool shop_calendar_is_sale(const struct shop_calendar *calendar, int64_t at_ms) {
    int day = shop_calendar_day(calendar, at_ms);
    if (day < 0 || calendar->world->drift.sale_days <= 0) {
        return false;
    }
    /* One in each block of 30 days, so that 60 days always hold two. */
    uint64_t block = (uint64_t)day / 30;
    struct rng rng = shop_draw(calendar->seed, 0, DRAW_SALE, block);
    int sale = (int)rng_below(&rng, 30);
    return day % 30 == sale && rng_unit(&rng) < calendar->world->drift.sale_days;
}

bool shop_calendar_is_second_half(const struct shop_calendar *calendar, int64_t at_ms) {
    return at_ms - calendar->start_ms >= calendar->days * DAY_MS / 2;
}

double shop_calendar_drift(const struct shop_calendar *calendar, int64_t at_ms) {
    const struct shop_drift_world *drift = &calendar->world->drift;
    double months = (double)(at_ms - calendar->start_ms) / (double)(30 * DAY_MS);
    double d = drift->wave * sin(2 * 3.14159265358979323846 * months) + drift->slow * months;
    if (shop_calendar_is_second_half(calendar, at_ms)) {
        d += drift->jump;
    }
    if (shop_calendar_is_sale(calendar, at_ms)) {
        d += drift->sale_base;
    }
    return d;
}
