/* track: what it remembers. Plain data in the caller's memory. */
#ifndef PROMOSTREAM_MODEL_TRACK_INTERNAL_H
#define PROMOSTREAM_MODEL_TRACK_INTERNAL_H

#include "model/adwin.h"
#include "model/track.h"

#define TRACK_SEEN     65536 /* decisions whose newest revision is remembered */
#define TRACK_SEEN_ROW 64    /* of them in a row */
#define TRACK_ARMS     64
#define TRACK_DAY_NONE INT64_MIN

struct track_seen {
    uint64_t tag; /* hash of the decision's id; its low bits are the place in the table */
    int64_t next; /* revision + 1, 0 = free */
};

struct track_day {
    int64_t day; /* decided_ms in whole days, TRACK_DAY_NONE = free */
    struct track_calibration origins[TRACK_ORIGINS];
};

struct track {
    int64_t newest_ms; /* largest labelled_ms */
    size_t arm_count;
    struct track_arm arms[TRACK_ARMS];
    struct track_day days[TRACK_DAYS]; /* ring: day d at d mod TRACK_DAYS */
    struct adwin loss, residual;       /* of log-loss / TRACK_LOSS_MAX; of (y - p + 1) / 2 */
    bool is_drift_changed;
    bool is_head_changed, is_day_changed[TRACK_DAYS], is_seen_changed[TRACK_SEEN / TRACK_SEEN_ROW];
    struct track_seen seen[TRACK_SEEN]; /* direct-mapped: a newer decision takes the place */
};

/* 0 <= day mod TRACK_DAYS, before 1970 too. */
static inline size_t track_day_place(int64_t day) {
    return (size_t)(((day % TRACK_DAYS) + TRACK_DAYS) % TRACK_DAYS);
}

#endif
