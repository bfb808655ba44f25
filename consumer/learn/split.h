/* split: which rows are learned from, which stop the learning (valid) and which judge it (test).
 *
 *     0.2                 of groups if there are any, otherwise of rows, by hash: a group is never
 *                         on two sides, nor are a decision and its corrections
 *     after:2026-11-01    rows of this time or later; those in the gap before it are left out, and
 *                         of groups those that were there before (split_strangers)
 *     FILE                all rows of another file
 *
 * With fractions a row's draw is splitmix64(its number from 0, or its group's or, without groups,
 * its decision's hash, xor seed) mod m, m = 10, 100, 1000 or 10000, the first by which both
 * fractions are whole numbers; the lowest residues are test, the next valid: `--test 0.3 --valid
 * 0.1` is splitmix64(row) mod 10 < 3 and = 3 at seed 0. Pure. */
#ifndef PROMOSTREAM_LEARN_SPLIT_H
#define PROMOSTREAM_LEARN_SPLIT_H

#include "base/failure.h"
#include "consumer/learn/dataset.h"

enum part { PART_TRAIN, PART_VALID, PART_TEST, PART_GAP, PART_COUNT };
enum split_kind { SPLIT_NONE, SPLIT_FRACTION, SPLIT_AFTER, SPLIT_FILE };

struct split_rule {
    enum split_kind kind;
    int64_t after_ms;
    double fraction;
    const char *path; /* borrowed */
};

struct split {
    struct split_rule valid, test;
    int64_t gap_ms;
    uint64_t seed;
    bool has_groups;
    uint64_t modulus, valid_below, test_below; /* residues */
};

/* NULL = there is none. STOP: not a rule; option is what errors call it. */
MUST_CHECK struct failure split_rule_parse(const char *option, const char *text,
                                           struct split_rule *out);
/* After rules, gap, seed and groups are set. STOP: fractions of more than 4 digits, or of 1 or more
 * in sum. */
MUST_CHECK struct failure split_init(struct split *split);
/* index: the row's number among all good rows, from 0. */
enum part split_of(const struct split *split, uint64_t index, const struct data_row *row);

/* A time cuts through groups. Where it does, the held-out rows of groups that are in an earlier
 * part are left out of rows[part][counts[part]] (indices into data). Training rows all stay: which
 * groups come back is not known when they are learned. Returns how many were left out. */
int64_t split_strangers(const struct split *split, struct dataset *data,
                        uint32_t *const rows[PART_COUNT], size_t counts[PART_COUNT]);

#endif
