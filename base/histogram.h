/* histogram: how long things took, in microseconds, in buckets that grow with the value.
 *
 * Values below 64 have a bucket each; above, every doubling is cut into 64 equal buckets, so a
 * bucket is at most 1/64 of its value wide and its middle is at most 0.8 % off. Values from 2^40 us
 * (12.7 days) on count as the last bucket. 17.5 KiB, no allocation.
 *
 * One thread adds; any thread may read at the same time and sees every add at most a moment late.
 * Reading while another thread clears or merges into the same histogram gives numbers of neither
 * state. */
#ifndef PROMOSTREAM_BASE_HISTOGRAM_H
#define PROMOSTREAM_BASE_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

#define HISTOGRAM_STEP_BITS  6 /* 64 buckets per doubling */
#define HISTOGRAM_VALUE_BITS 40
#define HISTOGRAM_BUCKET_COUNT                                                                     \
    ((HISTOGRAM_VALUE_BITS - HISTOGRAM_STEP_BITS + 1) << HISTOGRAM_STEP_BITS)

struct histogram {
    _Atomic uint64_t counts[HISTOGRAM_BUCKET_COUNT];
    _Atomic uint64_t sum_us;
    _Atomic int64_t max_us;
};

void histogram_clear(struct histogram *histogram); /* a zeroed one is clear, too */
/* Negative spans count as 0. */
void histogram_add(struct histogram *histogram, int64_t value_us);
uint64_t histogram_count(const struct histogram *histogram);
uint64_t histogram_sum_us(const struct histogram *histogram); /* exact, modulo 2^64 */
int64_t histogram_max_us(const struct histogram *histogram);  /* exact; 0 when empty */
/* The value at rank ceil(q * count), within 0.8 % (from 2^40 on: the maximum);
 * 0 when empty. 0 <= q <= 1. */
int64_t histogram_quantile_us(const struct histogram *histogram, double q);
/* Adds what source counted; the caller is the writer of target. */
void histogram_merge(struct histogram *target, const struct histogram *source);

#endif
