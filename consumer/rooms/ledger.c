#include "consumer/rooms/ledger.h"

#include <assert.h>
#include <string.h>

#define HOUR_MS 3600000

static int64_t floor_mod(int64_t value, int64_t divisor) {
    int64_t rest = value % divisor;
    return rest < 0 ? rest + divisor : rest;
}

int64_t hour_cap_share(int64_t cap, int32_t partition, int32_t partition_count, int64_t hour) {
    assert(cap >= 0 && partition >= 0 && partition < partition_count);
    int64_t place = floor_mod(partition - floor_mod(hour, partition_count), partition_count);
    return cap / partition_count + (place < cap % partition_count);
}

int64_t ledger_hour_of(int64_t event_ms) {
    return (event_ms - floor_mod(event_ms, HOUR_MS)) / HOUR_MS;
}

/* First place whose hour is not before this one. */
static size_t ledger_place(const struct ledger *ledger, int64_t hour) {
    size_t at = 0;
    while (at < ledger->hour_count && ledger->hours[at].hour < hour) {
        at++;
    }
    return at;
}

static bool is_forgotten(const struct ledger *ledger, int64_t hour) {
    return ledger->hour_count == ROW_LEDGER_MAX && hour < ledger->hours[0].hour;
}

bool ledger_is_exhausted(const struct ledger *ledger, int64_t hour, int64_t share) {
    size_t at = ledger_place(ledger, hour);
    bool is_kept = at < ledger->hour_count && ledger->hours[at].hour == hour;
    return is_forgotten(ledger, hour) || (is_kept ? ledger->hours[at].used : 0) >= share;
}

void ledger_take(struct ledger *ledger, int64_t hour) {
    if (is_forgotten(ledger, hour)) {
        return;
    }
    size_t at = ledger_place(ledger, hour);
    if (at < ledger->hour_count && ledger->hours[at].hour == hour) {
        ledger->hours[at].used++;
        return;
    }
    if (ledger->hour_count == ROW_LEDGER_MAX) { /* at > 0: the oldest makes room */
        memmove(&ledger->hours[0], &ledger->hours[1], (at - 1) * sizeof ledger->hours[0]);
        at--;
    } else {
        size_t after = ledger->hour_count - at;
        memmove(&ledger->hours[at + 1], &ledger->hours[at], after * sizeof ledger->hours[0]);
        ledger->hour_count++;
    }
    ledger->hours[at] = (struct ledger_hour){.hour = hour, .used = 1};
}
