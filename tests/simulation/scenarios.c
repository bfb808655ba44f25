#include "tests/simulation/scenarios.h"

#include <stdio.h>

#define POLL_MS     100
#define PATIENCE_MS 60000
#define RECORDS_MAX 1000

/* Ends the scenario with what was expected and where. */
#define EXPECT(stage, condition)                                                                   \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            return say(stage, #condition, __LINE__);                                               \
        }                                                                                          \
    } while (0)
#define OPEN(stage, worker, member)                                                                \
    do {                                                                                           \
        EXPECT(stage, open_member(stage, worker, member));                                         \
    } while (0)

struct member {
    struct broker *broker;
    int32_t owned[STAGE_PARTITIONS];
    size_t owned_count;
    int64_t next[STAGE_PARTITIONS][INPUT_COUNT], epoch[STAGE_PARTITIONS];
    int assigned, revoked, lost, records, stopped;
};

struct seen {
    struct stage *stage;
    bool ends_open; /* at the first record */
    int count, ghosts;
};

static void say(struct stage *stage, const char *condition, int line) {
    if (stage->trouble[0] == '\0') {
        (void)snprintf(stage->trouble, sizeof stage->trouble, "line %d: %s", line, condition);
    }
}

static void trouble(struct stage *stage, const char *what, const struct failure *failure) {
    if (stage->trouble[0] == '\0') {
        (void)snprintf(stage->trouble, sizeof stage->trouble, "%s: %s", what, failure->text);
    }
}

/* ---- members ---- */

static bool open_member(struct stage *stage, const char *worker, struct member *out) {
    *out = (struct member){0};
    struct failure failure = stage->open(stage, worker, &out->broker);
    if (failed(failure)) {
        trouble(stage, "open", &failure);
    }
    return !failed(failure);
}

static void take_assignments(struct stage *stage, struct member *member,
                             const struct broker_event *event) {
    member->assigned++;
    member->owned_count = event->assignment_count;
    for (size_t i = 0; i < event->assignment_count; i++) {
        const struct assignment *assignment = &event->assignments[i];
        int32_t p = assignment->partition;
        member->owned[i] = p;
        member->epoch[p] = assignment->epoch;
        for (int input = 0; input < INPUT_COUNT; input++) {
            int64_t next = assignment->next_offset[input];
            member->next[p][input] = next > 0 ? next : 0;
        }
        struct failure failure = broker_start(member->broker, p, member->next[p]);
        if (failed(failure)) {
            trouble(stage, "start", &failure);
        }
    }
}

static void poll_once(struct stage *stage, struct member *member) {
    struct broker_event event;
    struct failure failure = broker_poll(member->broker, POLL_MS, RECORDS_MAX, &event);
    if (failure.action == FAILURE_STOP) {
        member->stopped++;
        return;
    }
    for (size_t i = 0; !failed(failure) && i < event.record_count; i++) {
        const struct record *record = &event.records[i];
        member->next[record->partition][record->input] = record->offset + 1;
        member->records++;
    }
    switch (failed(failure) ? BROKER_NOTHING : event.kind) {
    case BROKER_ASSIGNED:
        take_assignments(stage, member, &event);
        break;
    case BROKER_REVOKED:
    case BROKER_LOST:
        *(event.kind == BROKER_LOST ? &member->lost : &member->revoked) += 1;
        member->owned_count = 0;
        break;
    default:
        break;
    }
    broker_release(member->broker);
}

/* Polls all members in turn; false: it did not come in time. */
#define POLL_UNTIL(stage, members, count, condition)                                               \
    do {                                                                                           \
        int64_t until_ms = (stage)->now_ms(stage) + PATIENCE_MS;                                   \
        while (!(condition) && (stage)->now_ms(stage) < until_ms) {                                \
            for (size_t turn = 0; turn < (count); turn++) {                                        \
                poll_once(stage, (members)[turn]);                                                 \
            }                                                                                      \
        }                                                                                          \
        EXPECT(stage, condition);                                                                  \
    } while (0)

static void submit(struct stage *stage, struct member *member, bool has_record, int64_t number) {
    struct epoch *epoch = broker_epoch(member->broker);
    if (has_record) {
        struct buffer *value = epoch_begin(epoch, TOPIC_USER_STATE, 0, bytes_of_text("user"));
        buffer_append(value, bytes_of_text("state"));
        epoch_end(epoch);
    }
    for (size_t i = 0; i < member->owned_count; i++) {
        for (int input = 0; input < INPUT_COUNT; input++) {
            int32_t p = member->owned[i];
            epoch_offset(epoch, input, p, member->next[p][input], number);
        }
    }
    struct failure failure = broker_submit(member->broker, epoch);
    if (failed(failure) && failure.action != FAILURE_STOP) {
        trouble(stage, "submit", &failure);
    }
}

static bool drain(struct member *member) {
    bool committed = false;
    struct failure failure = broker_drain(member->broker, &committed);
    return !failed(failure) && committed;
}

static void see(void *context, const struct record *record) {
    struct seen *seen = context;
    if (seen->count == 0 && seen->ends_open) {
        seen->stage->end_open(seen->stage, true);
    }
    seen->count++;
    seen->ghosts += bytes_equal(record->key, bytes_of_text("ghost"));
}

static struct seen read_state(struct stage *stage, struct member *member, bool ends_open) {
    struct seen seen = {.stage = stage, .ends_open = ends_open};
    struct failure failure = broker_read_to_end(member->broker, TOPIC_USER_STATE, 0, see, &seen);
    if (failed(failure)) {
        trouble(stage, "read to the end", &failure);
    }
    return seen;
}

static int64_t log_end(struct stage *stage, struct member *member) {
    int64_t end = -1;
    struct failure failure = broker_log_end(member->broker, INPUT_CLICKSTREAM, 0, &end);
    if (failed(failure)) {
        trouble(stage, "log end", &failure);
    }
    return end;
}

static int64_t position(struct stage *stage, struct member *member) {
    int64_t out = -1;
    struct failure failure = broker_position(member->broker, INPUT_CLICKSTREAM, 0, &out);
    if (failed(failure)) {
        trouble(stage, "position", &failure);
    }
    return out;
}

/* ---- the scenarios ---- */

void scenario_round_trip(struct stage *stage) {
    struct member first, again, *all[] = {&first}, *rest[] = {&again};
    stage->feed(stage, TOPIC_CLICKSTREAM, 0, 10, FEED_PLAIN);
    stage->feed(stage, TOPIC_PUSH_FEEDBACK, 1, 3, FEED_PLAIN);
    OPEN(stage, "w-0", &first);
    POLL_UNTIL(stage, all, 1, first.records == 13);
    EXPECT(stage, first.assigned == 1 && first.epoch[0] == -1);
    submit(stage, &first, true, 7);
    EXPECT(stage, drain(&first));
    broker_close(first.broker);
    OPEN(stage, "w-0", &again);
    POLL_UNTIL(stage, rest, 1, again.assigned == 1);
    EXPECT(stage, again.epoch[0] == 7 && again.epoch[1] == 7);
    EXPECT(stage, again.next[0][INPUT_CLICKSTREAM] == 10 && again.next[1][INPUT_FEEDBACK] == 3);
    EXPECT(stage, read_state(stage, &again, false).count == 1);
    broker_close(again.broker);
}

void scenario_crash_with_open_epoch(struct stage *stage) {
    struct member first, again, *all[] = {&first}, *rest[] = {&again};
    stage->feed(stage, TOPIC_CLICKSTREAM, 0, 5, FEED_PLAIN);
    OPEN(stage, "w-0", &first);
    POLL_UNTIL(stage, all, 1, first.records == 5);
    submit(stage, &first, true, 1);
    EXPECT(stage, drain(&first));
    broker_close(first.broker);
    stage->leave_open(stage, "w-0");
    OPEN(stage, "w-0", &again);
    POLL_UNTIL(stage, rest, 1, again.assigned == 1);
    struct seen seen = read_state(stage, &again, false);
    EXPECT(stage, seen.count == 1 && seen.ghosts == 0);
    EXPECT(stage, again.next[0][INPUT_CLICKSTREAM] == 5 && again.epoch[0] == 1);
    broker_close(again.broker);
}

void scenario_offsets_after_fencing(struct stage *stage) {
    struct member member, *all[] = {&member};
    stage->feed(stage, TOPIC_CLICKSTREAM, 0, 4, FEED_PLAIN);
    OPEN(stage, "w-0", &member);
    POLL_UNTIL(stage, all, 1, member.records == 4);
    submit(stage, &member, false, 1);
    EXPECT(stage, drain(&member));
    stage->fence(stage, "w-0");
    submit(stage, &member, false, 2);
    EXPECT(stage, !drain(&member));
    POLL_UNTIL(stage, all, 1, member.assigned == 2);
    EXPECT(stage, member.lost == 1 && member.epoch[0] == 1);
    submit(stage, &member, false, 3);
    EXPECT(stage, drain(&member));
    broker_close(member.broker);
}

void scenario_twin(struct stage *stage) {
    struct member first, twin, *all[] = {&first}, *second[] = {&twin};
    stage->feed(stage, TOPIC_CLICKSTREAM, 0, 6, FEED_PLAIN);
    OPEN(stage, "w-0", &first);
    POLL_UNTIL(stage, all, 1, first.records == 6);
    OPEN(stage, "w-0", &twin);
    submit(stage, &first, true, 1);
    EXPECT(stage, !drain(&first));
    POLL_UNTIL(stage, second, 1, twin.assigned == 1);
    EXPECT(stage, twin.epoch[0] == -1);
    EXPECT(stage, read_state(stage, &twin, false).count == 0);
    POLL_UNTIL(stage, second, 1, twin.records == 6);
    broker_close(first.broker);
    broker_close(twin.broker);
}

void scenario_revoke(struct stage *stage) {
    struct member first, second, *all[] = {&first, &second}, *one[] = {&first};
    stage->feed(stage, TOPIC_CLICKSTREAM, 0, 5, FEED_PLAIN);
    stage->feed(stage, TOPIC_CLICKSTREAM, 1, 8, FEED_PLAIN);
    OPEN(stage, "w-0", &first);
    POLL_UNTIL(stage, one, 1, first.records == 13);
    OPEN(stage, "w-1", &second);
    submit(stage, &first, true, 1);
    POLL_UNTIL(stage, all, 2, first.revoked == 1 && second.assigned >= 1 && first.assigned == 2);
    EXPECT(stage, first.lost == 0 && first.owned_count == 1 && second.owned_count == 1);
    EXPECT(stage, first.owned[0] == 0 && second.owned[0] == 1);
    EXPECT(stage, first.next[0][INPUT_CLICKSTREAM] == 5 && first.epoch[0] == 1);
    EXPECT(stage, second.next[1][INPUT_CLICKSTREAM] == 8 && second.epoch[1] == 1);
    submit(stage, &first, true, 2);
    submit(stage, &second, true, 2);
    EXPECT(stage, drain(&first) && drain(&second));
    broker_close(first.broker);
    broker_close(second.broker);
}

void scenario_read_waits(struct stage *stage) {
    struct member member, *all[] = {&member};
    OPEN(stage, "w-0", &member);
    POLL_UNTIL(stage, all, 1, member.assigned == 1);
    submit(stage, &member, true, 1);
    EXPECT(stage, drain(&member));
    stage->leave_open(stage, STAGE_STRANGER);
    struct seen seen = read_state(stage, &member, true);
    EXPECT(stage, seen.count == 2 && seen.ghosts == 1);
    broker_close(member.broker);
}

void scenario_aborted_at_end(struct stage *stage) {
    struct member member, *all[] = {&member};
    OPEN(stage, "w-0", &member);
    POLL_UNTIL(stage, all, 1, member.assigned == 1);
    submit(stage, &member, true, 1);
    EXPECT(stage, drain(&member));
    stage->leave_open(stage, STAGE_STRANGER);
    stage->end_open(stage, false);
    struct seen seen = read_state(stage, &member, false);
    EXPECT(stage, seen.count == 1 && seen.ghosts == 0);
    broker_close(member.broker);
}

void scenario_positions(struct stage *stage) {
    struct member member, again, *all[] = {&member}, *rest[] = {&again};
    stage->feed(stage, TOPIC_CLICKSTREAM, 0, 4, FEED_COMMITTED);
    stage->feed(stage, TOPIC_CLICKSTREAM, 0, 2, FEED_ABORTED);
    OPEN(stage, "w-0", &member);
    POLL_UNTIL(stage, all, 1, member.records == 4);
    POLL_UNTIL(stage, all, 1, log_end(stage, &member) == 8 && position(stage, &member) == 8);
    EXPECT(stage, member.next[0][INPUT_CLICKSTREAM] == 4);
    submit(stage, &member, true, 1);
    EXPECT(stage, drain(&member));
    broker_close(member.broker);
    OPEN(stage, "w-0", &again);
    POLL_UNTIL(stage, rest, 1, again.assigned == 1);
    EXPECT(stage, again.next[0][INPUT_CLICKSTREAM] == 4);
    POLL_UNTIL(stage, rest, 1, position(stage, &again) == 8);
    EXPECT(stage, again.records == 0);
    broker_close(again.broker);
}

void scenario_standby(struct stage *stage) {
    static const char *const names[STAGE_PROCESSES] = {"w-0", "w-1", "w-2"};
    struct member members[STAGE_PROCESSES], *all[STAGE_PROCESSES];
    for (size_t i = 0; i < STAGE_PROCESSES; i++) {
        OPEN(stage, names[i], &members[i]);
        all[i] = &members[i];
    }
    POLL_UNTIL(stage, all, STAGE_PROCESSES,
               members[0].owned_count == 1 && members[1].owned_count == 1 &&
                   members[2].assigned > 0 && members[2].owned_count == 0);
    EXPECT(stage, members[0].owned[0] == 0 && members[1].owned[0] == 1);
    for (size_t i = 0; i < STAGE_PROCESSES; i++) {
        broker_close(members[i].broker);
    }
}

void scenario_lost_epochs(struct stage *stage) {
    struct member member, *all[] = {&member};
    stage->feed(stage, TOPIC_CLICKSTREAM, 0, 4, FEED_PLAIN);
    OPEN(stage, "w-0", &member);
    POLL_UNTIL(stage, all, 1, member.records == 4);
    stage->fence(stage, "w-0");
    submit(stage, &member, true, 1);
    submit(stage, &member, true, 2); /* goes down with the one before it */
    EXPECT(stage, !drain(&member));
    POLL_UNTIL(stage, all, 1, member.lost == 1 && member.assigned == 2);
    EXPECT(stage, member.next[0][INPUT_CLICKSTREAM] == 0 && member.epoch[0] == -1);
    EXPECT(stage, read_state(stage, &member, false).count == 0);
    POLL_UNTIL(stage, all, 1, member.records == 8);
    submit(stage, &member, true, 1);
    EXPECT(stage, drain(&member));
    EXPECT(stage, read_state(stage, &member, false).count == 1);
    broker_close(member.broker);
}
