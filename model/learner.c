#include "model/learner.h"

#include <assert.h>

#include "base/hash.h"

uint64_t learner_arm_key(struct bytes id) {
    if (bytes_equal(id, bytes_of_text("none"))) {
        return LEARNER_ARM_NONE;
    }
    uint64_t key = hash64(id, 0);
    return key == LEARNER_ARM_NONE ? 1 : key;
}

const char *learner_verdict_name(enum learner_verdict verdict) {
    switch (verdict) {
    case LEARNER_OK:
        return "ok";
    case LEARNER_BAD_VALUE:
        return "bad value";
    case LEARNER_NOT_FINITE:
        return "not finite";
    case LEARNER_BAD_ROW:
        return "bad row";
    case LEARNER_BAD_SIZE:
        return "bad size";
    }
    assert(false);
    return NULL;
}

const char *const learner_row_kind_names[LEARNER_ROW_KINDS + 1] = {
    "weights", "optimizer", "moments", "calibrator", "counters", NULL};

bool learner_row_kind_find(struct bytes name, enum learner_row_kind *out) {
    for (int kind = 0; kind < LEARNER_ROW_KINDS; kind++) {
        if (bytes_equal(name, bytes_of_text(learner_row_kind_names[kind]))) {
            *out = (enum learner_row_kind)kind;
            return true;
        }
    }
    return false;
}
