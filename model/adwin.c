#include "model/adwin.h"

#include <math.h>
#include <string.h>

#define WIDTH_MIN 10 /* no look at a window that is not wider */
#define PART_MIN  5  /* values that either part must have more of */

void adwin_init(struct adwin *adwin) {
    memset(adwin, 0, sizeof *adwin);
}

double adwin_mean(const struct adwin *adwin) {
    return adwin->width > 0 ? adwin->total / (double)adwin->width : (double)NAN;
}

static double values_of(int level) {
    return ldexp(1, level);
}

/* Variance of two parts together (Chan, Golub and LeVeque 1983). */
static double joined(double na, double ta, double va, double nb, double tb, double vb) {
    double difference = ta / na - tb / nb;
    return va + vb + na * nb * difference * difference / (na + nb);
}

static void drop_oldest(struct adwin_level *level, int64_t count) {
    level->count -= count;
    memmove(level->buckets, level->buckets + count, (size_t)level->count * sizeof *level->buckets);
    memset(level->buckets + level->count, 0, (size_t)count * sizeof *level->buckets);
}

/* Two buckets of a full level become one of the next. The last level just loses them: after 2^26
 * values the oldest say nothing. */
static void compress(struct adwin *adwin) {
    for (int i = 0; i < ADWIN_LEVELS && adwin->levels[i].count > ADWIN_BUCKETS; i++) {
        struct adwin_level *level = &adwin->levels[i];
        struct adwin_bucket a = level->buckets[0], b = level->buckets[1];
        double n = values_of(i);
        if (i + 1 < ADWIN_LEVELS) {
            struct adwin_level *next = &adwin->levels[i + 1];
            next->buckets[next->count++] = (struct adwin_bucket){
                a.total + b.total, joined(n, a.total, a.variance, n, b.total, b.variance)};
        }
        drop_oldest(level, 2);
    }
}

static void insert(struct adwin *adwin, double value) {
    struct adwin_level *level = &adwin->levels[0];
    if (adwin->width > 0) {
        adwin->variance = joined((double)adwin->width, adwin->total, adwin->variance, 1, value, 0);
    }
    adwin->width++;
    adwin->total += value;
    level->buckets[level->count++] = (struct adwin_bucket){value, 0};
    compress(adwin);
}

static int oldest_level(const struct adwin *adwin) {
    int level = ADWIN_LEVELS - 1;
    while (level > 0 && adwin->levels[level].count == 0) {
        level--;
    }
    return level;
}

static void forget_oldest(struct adwin *adwin) {
    int level = oldest_level(adwin);
    struct adwin_bucket gone = adwin->levels[level].buckets[0];
    double n = values_of(level), rest = (double)adwin->width - n;
    adwin->width -= (int64_t)n;
    adwin->total -= gone.total;
    double difference = rest > 0 ? gone.total / n - adwin->total / rest : 0;
    adwin->variance -= gone.variance + n * rest * difference * difference / (n + rest);
    adwin->variance = fmax(adwin->variance, 0);
    drop_oldest(&adwin->levels[level], 1);
}

/* Do means of n0 older and n1 newer values differ by more than chance (the paper's epsilon cut)? */
static bool is_cut(const struct adwin *adwin, double n0, double n1, double difference) {
    double width = (double)adwin->width;
    double bound = log(2 * log(width) / ADWIN_DELTA);
    double m = 1 / (n0 - PART_MIN + 1) + 1 / (n1 - PART_MIN + 1);
    double epsilon = sqrt(2 * m * (adwin->variance / width) * bound) + 2. / 3 * bound * m;
    return fabs(difference) > epsilon;
}

/* Any cut between two buckets, from the oldest on. */
static bool has_cut(const struct adwin *adwin) {
    double n0 = 0, total0 = 0;
    for (int i = oldest_level(adwin); i >= 0; i--) {
        const struct adwin_level *level = &adwin->levels[i];
        for (int64_t at = 0; at < level->count; at++) {
            n0 += values_of(i);
            total0 += level->buckets[at].total;
            double n1 = (double)adwin->width - n0;
            if (n1 <= PART_MIN) {
                return false;
            }
            if (n0 > PART_MIN &&
                is_cut(adwin, n0, n1, total0 / n0 - (adwin->total - total0) / n1)) {
                return true;
            }
        }
    }
    return false;
}

bool adwin_add(struct adwin *adwin, double value) {
    insert(adwin, value);
    adwin->ticks++;
    bool is_change = false;
    if (adwin->ticks % ADWIN_CLOCK == 0) {
        while (adwin->width > WIDTH_MIN && has_cut(adwin)) {
            forget_oldest(adwin);
            is_change = true;
        }
    }
    adwin->detections += is_change;
    return is_change;
}

/* ---- as a row ---- */

void adwin_put(const struct adwin *adwin, struct row_writer *writer) {
    row_put_u64(writer, (uint64_t)adwin->ticks);
    row_put_u64(writer, (uint64_t)adwin->width);
    row_put_u64(writer, (uint64_t)adwin->detections);
    row_put_f64(writer, adwin->total);
    row_put_f64(writer, adwin->variance);
    for (int i = 0; i < ADWIN_LEVELS; i++) {
        const struct adwin_level *level = &adwin->levels[i];
        row_put_u64(writer, (uint64_t)level->count);
        for (int64_t at = 0; at <= ADWIN_BUCKETS; at++) {
            bool is_used = at < level->count;
            row_put_f64(writer, is_used ? level->buckets[at].total : 0);
            row_put_f64(writer, is_used ? level->buckets[at].variance : 0);
        }
    }
}

static bool is_sum(double value, double values) {
    return fabs(value) <= values;
}

bool adwin_get(struct adwin *out, struct row_reader *reader) {
    out->ticks = (int64_t)row_get_u64(reader);
    out->width = (int64_t)row_get_u64(reader);
    out->detections = (int64_t)row_get_u64(reader);
    out->total = row_get_f64(reader);
    out->variance = row_get_f64(reader);
    bool is_good = out->ticks >= 0 && out->detections >= 0 && out->variance >= 0;
    double width = 0;
    for (int i = 0; i < ADWIN_LEVELS; i++) {
        struct adwin_level *level = &out->levels[i];
        level->count = (int64_t)row_get_u64(reader);
        is_good &= level->count >= 0 && level->count <= ADWIN_BUCKETS;
        width += (double)level->count * values_of(i);
        for (int at = 0; at <= ADWIN_BUCKETS; at++) {
            level->buckets[at].total = row_get_f64(reader);
            level->buckets[at].variance = row_get_f64(reader);
            is_good &= is_sum(level->buckets[at].total, 2 * values_of(i)) &&
                       level->buckets[at].variance >= 0 &&
                       level->buckets[at].variance <= 2 * values_of(i);
        }
    }
    return is_good && width == (double)out->width && is_sum(out->total, 2 * width) &&
           is_sum(out->variance, 2 * width);
}
