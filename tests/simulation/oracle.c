/* What can be seen without computing anything: logs that are settled, journals without gaps,
 * positions that agree, revisions once each. */
#include "tests/simulation/oracle.h"

#include <stdlib.h>

#include "schemas/schemas.h"

/* All that was ever committed, compacted or not. */
static void collect(const struct world *world, struct kept_log *out) {
    for (int topic = 0; topic < TOPIC_COUNT; topic++) {
        out->topics[topic].partition_count = world->cluster.partitions[topic];
        for (int32_t p = 0; p < world->cluster.partitions[topic]; p++) {
            const struct partition_log *log = &world->cluster.logs[topic][p];
            for (int64_t at = 0; at < log->end; at++) {
                const struct log_entry *entry = &log->entries[at];
                if (entry->state == ENTRY_COMMITTED) {
                    kept_log_add(out, (enum topic)topic,
                                 &(struct record){.key = entry->key,
                                                  .value = entry->value,
                                                  .timestamp_ms = entry->timestamp_ms,
                                                  .offset = at,
                                                  .partition = p,
                                                  .input = topic == TOPIC_PUSH_FEEDBACK
                                                               ? INPUT_FEEDBACK
                                                               : INPUT_CLICKSTREAM});
                }
            }
        }
    }
}

static void check_settled(struct world *world) {
    for (int topic = 0; topic < TOPIC_COUNT; topic++) {
        for (int32_t p = 0; p < world->cluster.partitions[topic]; p++) {
            const struct partition_log *log = &world->cluster.logs[topic][p];
            if (partition_log_stable(log) != log->end) {
                world_violation(world, "%s [%d]: a transaction is open for ever",
                                topic_default_name((enum topic)topic), (int)p);
            }
        }
    }
}

/* ---- journals ---- */

static bool journal_of(const struct record *record, struct journal_row *out) {
    struct bytes body;
    return wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_JOURNAL, 0, record->value, &body) &&
           journal_decode(body, out);
}

static bool partition_state_of(const struct record *record, struct partition_state_row *out) {
    struct bytes body;
    return wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_PARTITION_STATE, 0, record->value, &body) &&
           partition_state_decode(body, out);
}

static void check_journal(struct world *world, const struct kept_log *committed, int32_t p) {
    const struct cluster_group *group = &world->cluster.groups[0];
    struct journal_row row = {0};
    int64_t epoch = 0, next[INPUT_COUNT] = {0}; /* the input begins at 0 */
    size_t count, states;
    const struct record *rows = kept_log_range(committed, TOPIC_JOURNAL, p, 0, INT64_MAX, &count);
    for (size_t i = 0; i < count; i++) {
        if (!journal_of(&rows[i], &row) || row.partition != p || row.epoch != ++epoch ||
            row.from_offset[0] != next[0] || row.from_offset[1] != next[1]) {
            world_violation(world,
                            "journal [%d]: row %zu, epoch %lld from %lld, %lld: expected "
                            "epoch %lld from %lld, %lld",
                            (int)p, i, (long long)row.epoch, (long long)row.from_offset[0],
                            (long long)row.from_offset[1], (long long)epoch, (long long)next[0],
                            (long long)next[1]);
            return;
        }
        memcpy(next, row.to_offset, sizeof next);
    }
    struct partition_state_row state = {0};
    const struct record *last =
        kept_log_range(committed, TOPIC_PARTITION_STATE, p, 0, INT64_MAX, &states);
    bool is_known = states > 0 && partition_state_of(&last[states - 1], &state);
    for (int input = 0; input < INPUT_COUNT; input++) {
        const struct committed *position = &group->committed[input][p];
        if (!is_known || states != count || position->offset != next[input] ||
            state.next_offset[input] != next[input] || position->epoch != epoch ||
            state.epoch != epoch) {
            world_violation(world,
                            "partition %d, input %d: the group is at %lld of epoch %lld, "
                            "partition-state at %lld of %lld, the journal at %lld of %lld",
                            (int)p, input, (long long)position->offset, (long long)position->epoch,
                            (long long)state.next_offset[input], (long long)state.epoch,
                            (long long)next[input], (long long)epoch);
        }
    }
}

/* ---- examples ---- */

struct revision {
    struct hash128 id;
    int32_t revision;
};

static int by_revision(const void *left, const void *right) {
    const struct revision *a = left, *b = right;
    int order = (a->id.high > b->id.high) - (a->id.high < b->id.high);
    order = order ? order : (a->id.low > b->id.low) - (a->id.low < b->id.low);
    return order ? order : (a->revision > b->revision) - (a->revision < b->revision);
}

static void check_revisions(struct world *world, const struct kept_log *committed) {
    const struct kept_topic *examples = &committed->topics[TOPIC_EXAMPLES];
    struct revision *revisions = memory_new(examples->count + 1, sizeof *revisions);
    for (size_t i = 0; i < examples->count; i++) {
        struct example_row row;
        struct bytes body;
        if (!wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_EXAMPLE, 0, examples->records[i].value,
                          &body) ||
            !example_decode(body, &row)) {
            world_violation(world, "examples: row %zu is not valid", i);
            free(revisions);
            return;
        }
        revisions[i] = (struct revision){row.decision_id, row.revision};
    }
    qsort(revisions, examples->count, sizeof *revisions, by_revision);
    for (size_t i = 0; i < examples->count; i++) {
        bool is_next = i > 0 && hash128_equal(revisions[i].id, revisions[i - 1].id);
        int32_t expected = is_next ? revisions[i - 1].revision + 1 : 0;
        if (revisions[i].revision != expected) {
            char id[33];
            hash128_format(revisions[i].id, id);
            world_violation(world, "examples: revision %d of decision %s, expected %d",
                            (int)revisions[i].revision, id, (int)expected);
            break;
        }
    }
    free(revisions);
}

void oracle_check(struct world *world) {
    struct kept_log committed = {0};
    collect(world, &committed);
    check_settled(world);
    for (int32_t p = 0; p < world->partitions; p++) {
        check_journal(world, &committed, p);
    }
    check_revisions(world, &committed);
    if (world->result->violation[0] == '\0') {
        oracle_check_rows(world, &committed);
    }
    if (world->result->violation[0] == '\0') {
        oracle_check_model(world, &committed);
    }
    kept_log_clean_up(&committed);
}
