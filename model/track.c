#include "model/track.h"

#include <assert.h>
#include <math.h>

#include "base/hash.h"
#include "model/track_internal.h"

#define DAY_MS INT64_C(86400000)

size_t track_memory_bytes(void) {
    return sizeof(struct track);
}

void track_init(void *memory) {
    memset(memory, 0, sizeof(struct track));
    struct track *track = memory;
    track->newest_ms = INT64_MIN;
    adwin_init(&track->loss);
    adwin_init(&track->residual);
    for (size_t i = 0; i < TRACK_DAYS; i++) {
        track->days[i].day = TRACK_DAY_NONE;
    }
}

/* ---- take ---- */

/* A decision that has lost its place to another is as good as unseen: its repeats count again. With
 * 65,536 places a repeat must be thousands of decisions late for that. */
static bool is_new_revision(struct track *track, const struct track_example *example) {
    uint64_t tag = hash_combine(example->id_high, example->id_low);
    size_t place = tag % TRACK_SEEN;
    struct track_seen *seen = &track->seen[place];
    int64_t next = (int64_t)example->revision + 1;
    if (seen->next > 0 && seen->tag == tag && next <= seen->next) {
        return false;
    }
    *seen = (struct track_seen){tag, next};
    track->is_seen_changed[place / TRACK_SEEN_ROW] = true;
    return true;
}

static void count_arm(struct track *track, const struct track_example *example) {
    struct track_arm *arm = NULL;
    for (size_t i = 0; i < track->arm_count && !arm; i++) {
        arm = track->arms[i].arm == example->arm ? &track->arms[i] : NULL;
    }
    if (!arm) {
        if (track->arm_count == TRACK_ARMS) {
            return;
        }
        arm = &track->arms[track->arm_count++];
        *arm = (struct track_arm){example->arm, 0, example->decided_ms};
    }
    arm->matured++;
    if (example->decided_ms < arm->first_ms) {
        arm->first_ms = example->decided_ms;
    }
}

static int64_t day_of(int64_t ms) {
    return ms >= 0 ? ms / DAY_MS : -((-(ms + 1)) / DAY_MS) - 1;
}

/* The ring's entry of this day; NULL if a newer day has its place. */
static struct track_day *day_at(struct track *track, int64_t day) {
    struct track_day *entry = &track->days[track_day_place(day)];
    if (entry->day < day) {
        *entry = (struct track_day){.day = day};
    }
    return entry->day == day ? entry : NULL;
}

static void watch(struct track *track, double p, double label) {
    double loss = -log(label > 0.5 ? p : 1 - p);
    adwin_add(&track->loss, fmin(loss, TRACK_LOSS_MAX) / TRACK_LOSS_MAX);
    adwin_add(&track->residual, (label - p + 1) / 2);
    track->is_drift_changed = true;
}

struct track_drift track_drift_of(const void *memory) {
    const struct track *track = memory;
    return (struct track_drift){
        .loss_changes = track->loss.detections,
        .residual_changes = track->residual.detections,
        .loss = TRACK_LOSS_MAX * adwin_mean(&track->loss),
        .residual = 2 * adwin_mean(&track->residual) - 1,
    };
}

static void judge(struct track *track, const struct track_example *example) {
    double p = example->p_first;
    if (!(p >= 0 && p <= 1)) {
        return;
    }
    if (example->revision == 0 && example->origin > 0) {
        watch(track, p, example->label);
    }
    int64_t day = day_of(example->decided_ms);
    struct track_day *entry = day_at(track, day);
    if (!entry) {
        return;
    }
    struct track_calibration *sums = &entry->origins[example->origin];
    if (example->is_correction) {
        sums->sum_y += example->label > 0.5 ? 1 : -1;
    } else {
        sums->n++;
        sums->sum_p += p;
        sums->sum_y += example->label;
        sums->sum_var += p * (1 - p);
    }
    track->is_day_changed[track_day_place(day)] = true;
}

bool track_take(void *memory, const struct track_example *example) {
    struct track *track = memory;
    assert(example->origin >= 0 && example->origin < TRACK_ORIGINS && example->revision >= 0);
    if (!is_new_revision(track, example)) {
        return false;
    }
    if (example->labelled_ms > track->newest_ms) {
        track->newest_ms = example->labelled_ms;
    }
    if (example->revision == 0) {
        count_arm(track, example);
    }
    judge(track, example);
    track->is_head_changed = true;
    return true;
}

/* ---- ask ---- */

bool track_arm_of(const void *memory, uint64_t arm, struct track_arm *out) {
    const struct track *track = memory;
    for (size_t i = 0; i < track->arm_count; i++) {
        if (track->arms[i].arm == arm) {
            *out = track->arms[i];
            return true;
        }
    }
    return false;
}

int64_t track_newest_ms(const void *memory) {
    return ((const struct track *)memory)->newest_ms;
}

static void add_sums(struct track_calibration *to, const struct track_calibration *from) {
    to->n += from->n;
    to->sum_p += from->sum_p;
    to->sum_y += from->sum_y;
    to->sum_var += from->sum_var;
}

struct track_calibration track_calibration_of(const void *memory, int origin, int64_t window_ms,
                                              int days_max) {
    const struct track *track = memory;
    struct track_calibration sums = {0};
    if (track->newest_ms == INT64_MIN) {
        return sums;
    }
    /* The day ended at least window_ms and one day ago: that day is for cancellations. */
    int64_t last = day_of(track->newest_ms - window_ms - DAY_MS) - 1;
    for (int i = 0; i < days_max && i < TRACK_DAYS; i++) { /* newest first: a fixed order of sums */
        int64_t day = last - i;
        const struct track_day *entry = &track->days[track_day_place(day)];
        if (entry->day != day) {
            continue;
        }
        for (int o = origin < 0 ? 1 : origin; o < TRACK_ORIGINS; o++) {
            add_sums(&sums, &entry->origins[o]);
            if (origin >= 0) {
                break;
            }
        }
    }
    return sums;
}

void track_ratio(const struct track_calibration *sums, double *out_ratio, double *out_low,
                 double *out_high) {
    *out_ratio = *out_low = *out_high = (double)NAN;
    if (sums->sum_p > 0) {
        double half = 1.959963984540054 * sqrt(sums->sum_var) / sums->sum_p;
        *out_ratio = sums->sum_y / sums->sum_p;
        *out_low = *out_ratio - half;
        *out_high = *out_ratio + half;
    }
}
