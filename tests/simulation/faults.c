#include "tests/simulation/faults.h"

#include <math.h>

#define LATE_TIMEOUTS 0.2

#define FAULT_NAME(id, share, text)  [id] = #id,
#define FAULT_TEXT(id, share, text)  [id] = text,
#define FAULT_SHARE(id, share, text) [id] = share,
const char *const fault_names[FAULT_COUNT] = {FAULTS(FAULT_NAME)};
const char *const fault_texts[FAULT_COUNT] = {FAULTS(FAULT_TEXT)};
static const double shares[FAULT_COUNT] = {FAULTS(FAULT_SHARE)};

void faults_init_calm(struct faults *faults, uint64_t seed) {
    *faults = (struct faults){.rng = rng_make(seed, 2)};
}

void faults_init(struct faults *faults, uint64_t seed) {
    faults_init_calm(faults, seed);
    for (int i = 0; i < FAULT_COUNT; i++) {
        bool is_there = rng_below(&faults->rng, 2) == 0;
        double size = exp(-4 * rng_unit(&faults->rng));
        faults->share[i] = is_there ? shares[i] * size : 0;
    }
}

void faults_make_late(struct faults *faults) {
    faults->share[FAULT_LATE] = shares[FAULT_LATE];
    faults->share[FAULT_TIMEOUT_UNDONE] = LATE_TIMEOUTS;
}

bool fault_happens_in(struct faults *faults, enum fault fault, double part) {
    if (faults->is_over || faults->share[fault] <= 0 ||
        rng_unit(&faults->rng) >= faults->share[fault] * part) {
        return false;
    }
    faults->injected[fault]++;
    return true;
}

bool fault_happens(struct faults *faults, enum fault fault) {
    return fault_happens_in(faults, fault, 1);
}

int64_t fault_length(struct faults *faults, int64_t low, int64_t high) {
    double share = rng_unit(&faults->rng);
    double length = (double)low * pow((double)high / (double)low, share);
    return (int64_t)length;
}
