#include "tests/support/kept_compare.h"

#include <stdlib.h>

#include "schemas/schemas.h"

static void print_bytes(struct buffer *out, const char *name, struct bytes bytes, size_t at) {
    size_t first = at > 8 ? at - 8 : 0;
    buffer_format(out, "  %-9s %zu bytes%s, from byte %zu:", name, bytes.size,
                  bytes.data ? "" : " (tombstone)", first);
    for (size_t i = first; i < bytes.size && i < first + 24; i++) {
        buffer_format(out, " %02x", bytes.data[i]);
    }
    buffer_format(out, "\n");
}

static void print_decision(struct buffer *out, const char *name, const struct record *record) {
    struct decision_row row;
    struct bytes body;
    if (!record || !wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_DECISION, 0, record->value, &body) ||
        !decision_decode(body, &row)) {
        return;
    }
    char id[33];
    hash128_format(row.decision_id, id);
    buffer_format(
        out,
        "  %-9s decision %s attempt %d %s at %lld: %.*s, reason %.*s, policy %.*s, action_p %.17g",
        name, id, (int)row.attempt, trigger_names[row.trigger], (long long)row.decided_ms,
        BYTES_ARG(row.action), BYTES_ARG(row.reason), BYTES_ARG(row.policy), row.action_p);
    for (size_t i = 0; i < row.score_count; i++) {
        buffer_format(out, ", %.*s %lld p %.17g", BYTES_ARG(row.scores[i].learner),
                      (long long)row.scores[i].version_offset, row.scores[i].p[0]);
    }
    buffer_format(out, "\n");
}

/* Either may be NULL: it is not there. */
static void print_difference(struct buffer *out, enum topic topic, size_t index,
                             const struct record *committed, const struct record *computed) {
    const struct record *either = computed ? computed : committed;
    buffer_format(out, "%s differs at row %zu of partition %d, key %.*s", topic_default_name(topic),
                  index, (int)either->partition, BYTES_ARG(either->key));
    if (computed) {
        buffer_format(out, ", epoch %lld", (long long)computed->offset);
    }
    struct bytes a = committed ? committed->value : bytes_of(NULL, 0);
    struct bytes b = computed ? computed->value : bytes_of(NULL, 0);
    size_t at = 0;
    while (at < a.size && at < b.size && a.data[at] == b.data[at]) {
        at++;
    }
    buffer_format(out, ": %s\n",
                  !committed  ? "not committed"
                  : !computed ? "not computed"
                              : "other bytes");
    print_bytes(out, "committed", a, at);
    print_bytes(out, "computed", b, at);
    if (topic == TOPIC_PROMOTION_DECISIONS) {
        print_decision(out, "committed", committed);
        print_decision(out, "computed", computed);
    }
}

static bool is_same(const struct record *a, const struct record *b) {
    return a->partition == b->partition && bytes_equal(a->key, b->key) &&
           !a->value.data == !b->value.data && bytes_equal(a->value, b->value);
}

bool kept_compare_in_order(enum topic topic, const struct kept_topic *committed,
                           const struct kept_topic *computed, struct buffer *out) {
    size_t before = 0; /* rows of earlier partitions */
    for (size_t i = 0; i < committed->count || i < computed->count; i++) {
        const struct record *a = i < committed->count ? &committed->records[i] : NULL;
        const struct record *b = i < computed->count ? &computed->records[i] : NULL;
        before = a && i > 0 && a->partition != a[-1].partition ? i : before;
        if (!a || !b || !is_same(a, b)) {
            print_difference(out, topic, i - before, a, b);
            return false;
        }
    }
    return true;
}

/* ---- orders ---- */

static int by_place(const struct record *a, const struct record *b) {
    int order = (a->partition > b->partition) - (a->partition < b->partition);
    return order ? order : bytes_compare(a->key, b->key);
}

static int by_value(const void *left, const void *right) {
    const struct record *a = left, *b = right;
    int order = by_place(a, b);
    return order ? order : bytes_compare(a->value, b->value);
}

static int by_offset(const void *left, const void *right) {
    const struct record *a = left, *b = right;
    int order = by_place(a, b);
    return order ? order : (a->offset > b->offset) - (a->offset < b->offset);
}

static struct record *sorted(const struct kept_topic *kept,
                             int (*order)(const void *, const void *)) {
    struct record *records = memory_new(kept->count + 1, sizeof *records);
    if (kept->count > 0) {
        memcpy(records, kept->records, kept->count * sizeof *records);
        qsort(records, kept->count, sizeof *records, order);
    }
    return records;
}

bool kept_compare_as_sets(enum topic topic, const struct kept_topic *committed,
                          const struct kept_topic *computed, struct buffer *out) {
    struct kept_topic a = *committed, b = *computed;
    a.records = sorted(committed, by_value);
    b.records = sorted(computed, by_value);
    bool is_equal = kept_compare_in_order(topic, &a, &b, out);
    free(a.records);
    free(b.records);
    return is_equal;
}

/* An epoch writes a key of user-state or partition-state once, but may write and close an open
 * decision, so order within an epoch counts too. */
static struct kept_topic folded(const struct kept_topic *kept) {
    struct kept_topic copy = *kept;
    copy.records = memory_new(kept->count + 1, sizeof *copy.records);
    for (size_t i = 0; i < kept->count; i++) {
        copy.records[i] = kept->records[i];
        copy.records[i].offset = (int64_t)i;
    }
    struct kept_topic out = {.records = sorted(&copy, by_offset)};
    for (size_t i = 0; i < kept->count; i++) {
        const struct record *record = &out.records[i];
        bool is_last = i + 1 == kept->count || by_place(record, record + 1) != 0;
        if (is_last && record->value.data) {
            out.records[out.count] = *record;
            out.records[out.count++].offset = kept->records[record->offset].offset;
        }
    }
    free(copy.records);
    return out;
}

bool kept_compare_folded(enum topic topic, const struct kept_topic *committed,
                         const struct kept_topic *computed, struct buffer *out) {
    struct kept_topic a = folded(committed), b = folded(computed);
    bool is_equal = kept_compare_in_order(topic, &a, &b, out);
    free(a.records);
    free(b.records);
    return is_equal;
}
