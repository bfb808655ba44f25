#include "base/histogram.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>

#define STEPS (1 << HISTOGRAM_STEP_BITS)

static uint64_t load(const _Atomic uint64_t *cell) {
    return atomic_load_explicit(cell, memory_order_relaxed);
}

/* One writer: load and store need not be one operation. */
static void increase(_Atomic uint64_t *cell, uint64_t amount) {
    atomic_store_explicit(cell, load(cell) + amount, memory_order_relaxed);
}

static void raise_max(struct histogram *histogram, int64_t value_us) {
    if (value_us > histogram_max_us(histogram)) {
        atomic_store_explicit(&histogram->max_us, value_us, memory_order_relaxed);
    }
}

void histogram_clear(struct histogram *histogram) {
    for (size_t i = 0; i < HISTOGRAM_BUCKET_COUNT; i++) {
        atomic_store_explicit(&histogram->counts[i], 0, memory_order_relaxed);
    }
    atomic_store_explicit(&histogram->sum_us, 0, memory_order_relaxed);
    atomic_store_explicit(&histogram->max_us, 0, memory_order_relaxed);
}

/* The first two runs of STEPS buckets are one wide; run r > 0 covers [STEPS << (r - 1), STEPS <<
 * r). */
static size_t bucket_of(uint64_t value) {
    if (value < STEPS) {
        return (size_t)value;
    }
    int top_bit = 63 - __builtin_clzll(value);
    if (top_bit >= HISTOGRAM_VALUE_BITS) {
        return HISTOGRAM_BUCKET_COUNT - 1;
    }
    int shift = top_bit - HISTOGRAM_STEP_BITS;
    size_t step = (size_t)(value >> shift) - STEPS;
    return ((size_t)(shift + 1) << HISTOGRAM_STEP_BITS) + step;
}

static int64_t bucket_middle(size_t bucket) {
    if (bucket < STEPS) {
        return (int64_t)bucket;
    }
    int shift = (int)(bucket >> HISTOGRAM_STEP_BITS) - 1;
    int64_t low = (int64_t)(STEPS + bucket % STEPS) << shift;
    return low + (((int64_t)1 << shift) - 1) / 2;
}

void histogram_add(struct histogram *histogram, int64_t value_us) {
    int64_t value = value_us > 0 ? value_us : 0;
    increase(&histogram->counts[bucket_of((uint64_t)value)], 1);
    increase(&histogram->sum_us, (uint64_t)value);
    raise_max(histogram, value);
}

uint64_t histogram_count(const struct histogram *histogram) {
    uint64_t count = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKET_COUNT; i++) {
        count += load(&histogram->counts[i]);
    }
    return count;
}

uint64_t histogram_sum_us(const struct histogram *histogram) {
    return load(&histogram->sum_us);
}

int64_t histogram_max_us(const struct histogram *histogram) {
    return atomic_load_explicit(&histogram->max_us, memory_order_relaxed);
}

int64_t histogram_quantile_us(const struct histogram *histogram, double q) {
    assert(q >= 0 && q <= 1);
    uint64_t count = histogram_count(histogram);
    if (count == 0) {
        return 0;
    }
    double rank = ceil(q * (double)count);
    uint64_t wanted = rank < 1 ? 1 : (uint64_t)rank;
    uint64_t seen = 0;
    /* Counts only grow meanwhile, so the walk reaches the rank before the end. */
    for (size_t i = 0; i < HISTOGRAM_BUCKET_COUNT; i++) {
        seen += load(&histogram->counts[i]);
        if (seen >= wanted && i < HISTOGRAM_BUCKET_COUNT - 1) {
            return bucket_middle(i);
        }
    }
    /* The last bucket has no upper end, so it has no middle. */
    return histogram_max_us(histogram);
}

void histogram_merge(struct histogram *target, const struct histogram *source) {
    for (size_t i = 0; i < HISTOGRAM_BUCKET_COUNT; i++) {
        increase(&target->counts[i], load(&source->counts[i]));
    }
    increase(&target->sum_us, histogram_sum_us(source));
    raise_max(target, histogram_max_us(source));
}
