#include "consumer/bench/bench_room.h"

#include <assert.h>
#include <stdlib.h>

#include "consumer/bench/bench_measure.h"
#include "consumer/bench/bench_recovery.h"
#include "schemas/schemas.h"

#define DECISIONS 64 /* of a round, as in a micro-batch */

/* An event of the round with everything that it points to. */
struct item {
    const struct record *record;
    struct event event;
    struct event_line line; /* the stream has one at most */
    struct partition *partition;
    uint32_t slot;
};

struct rooms {
    struct bench_engine engine;
    struct item *items;
    size_t count;
    struct event_line lines[EVENT_LINES_MAX]; /* of the event decoded last */
    struct state_metrics metrics;
    struct decision *decisions;
    struct partition *decided_in[DECISIONS];
    uint32_t decided_of[DECISIONS];
    size_t decision_count;
    struct buffer row;
    uint64_t rows, row_bytes;
    double ns[BENCH_ROOM_COUNT][BENCH_ROUNDS_MAX];
};

static void init(struct rooms *rooms, const struct pipeline_config *config,
                 const struct bench_room_settings *settings) {
    *rooms = (struct rooms){0};
    bench_engine_init(&rooms->engine, config, &settings->engine);
    rooms->items = memory_new(settings->engine.epoch_events, sizeof *rooms->items);
    rooms->decisions = memory_new(DECISIONS, sizeof *rooms->decisions);
    buffer_init(&rooms->row, 4096);
}

static void clean_up(struct rooms *rooms) {
    bench_engine_clean_up(&rooms->engine);
    free(rooms->items);
    free(rooms->decisions);
    buffer_clean_up(&rooms->row);
}

static void note(struct rooms *rooms, enum bench_room room, size_t round, int64_t begin_ns,
                 size_t count) {
    rooms->ns[room][round] = (double)(bench_cpu_ns() - begin_ns) / (double)(count ? count : 1);
}

/* ---- decode, clean ---- */

static enum event_verdict decode(struct rooms *rooms, const struct record *record,
                                 struct event *out) {
    struct bytes body;
    out->lines = rooms->lines;
    return wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_EVENT, 0, record->value, &body)
               ? event_decode(body, out)
               : EVENT_BAD_FRAMING;
}

static void run_decode(struct rooms *rooms, size_t round) {
    int64_t begin_ns = bench_cpu_ns();
    for (size_t i = 0; i < rooms->count; i++) {
        struct event event;
        enum event_verdict verdict = decode(rooms, rooms->items[i].record, &event);
        assert(verdict == EVENT_OK);
    }
    note(rooms, BENCH_DECODE, round, begin_ns, rooms->count);
}

/* The same once more, to keep: the next event overwrites the lines of the one before. */
static void keep_events(struct rooms *rooms) {
    for (size_t i = 0; i < rooms->count; i++) {
        struct item *item = &rooms->items[i];
        (void)decode(rooms, item->record, &item->event);
        assert(item->event.line_count <= 1);
        item->line = rooms->lines[0];
        item->event.lines = &item->line;
    }
}

static void run_clean(struct rooms *rooms, size_t round) {
    struct clean *clean = &rooms->engine.pipeline.clean;
    int64_t begin_ns = bench_cpu_ns();
    for (size_t i = 0; i < rooms->count; i++) {
        const struct record *record = rooms->items[i].record;
        enum clean_verdict verdict =
            clean_event(clean, &rooms->items[i].event, record->key, record->timestamp_ms, false);
        assert(verdict == CLEAN_OK);
    }
    note(rooms, BENCH_CLEAN, round, begin_ns, rooms->count);
}

/* ---- state ---- */

static void run_find(struct rooms *rooms, size_t round) {
    int64_t begin_ns = bench_cpu_ns();
    for (size_t i = 0; i < rooms->count; i++) {
        struct item *item = &rooms->items[i];
        item->slot = user_store_find(&item->partition->store, item->event.user_id);
    }
    note(rooms, BENCH_FIND, round, begin_ns, rooms->count);
    size_t known = 0; /* the few whom the warm events did not meet are left out from here on */
    for (size_t i = 0; i < rooms->count; i++) {
        if (rooms->items[i].slot != SLOT_NONE) {
            rooms->items[known] = rooms->items[i];
            rooms->items[known].event.lines = &rooms->items[known].line;
            known++;
        }
    }
    rooms->count = known;
}

static void run_fold(struct rooms *rooms, size_t round) {
    const struct state_config *config = &rooms->engine.config->state;
    const struct clean *clean = &rooms->engine.pipeline.clean;
    int64_t begin_ns = bench_cpu_ns();
    for (size_t i = 0; i < rooms->count; i++) {
        struct item *item = &rooms->items[i];
        struct user_store *store = &item->partition->store;
        struct user_state *user = &user_store_get(store, item->slot)->state;
        bool is_duplicate = state_is_duplicate(user, item->event.event_id);
        assert(!is_duplicate);
        user_store_mark_changed(store, item->slot);
        (void)state_is_bot(config, user, item->event.event_ms,
                           clean_is_bot_agent(clean, item->event.user_agent));
        state_fold(config, store, user, &item->event, false, &rooms->metrics);
    }
    note(rooms, BENCH_FOLD, round, begin_ns, rooms->count);
}

static void run_triggers(struct rooms *rooms, size_t round) {
    const struct pipeline_config *config = rooms->engine.config;
    int64_t begin_ns = bench_cpu_ns();
    for (size_t i = 0; i < rooms->count; i++) {
        struct item *item = &rooms->items[i];
        uint64_t anchor = triggers_anchor(item->event.event_id, INPUT_CLICKSTREAM,
                                          item->record->partition, item->record->offset);
        triggers_after_event(&config->triggers, config->decide.observe_salt, item->partition,
                             item->slot, &item->event, anchor);
    }
    note(rooms, BENCH_TRIGGERS, round, begin_ns, rooms->count);
}

/* ---- decisions ---- */

/* Users with something in the cart, as far as the round has them. */
static void choose_users(struct rooms *rooms) {
    rooms->decision_count = 0;
    for (size_t i = 0; i < rooms->count && rooms->decision_count < DECISIONS; i++) {
        const struct item *item = &rooms->items[i];
        const struct user_state *user = &user_store_get(&item->partition->store, item->slot)->state;
        if (state_has_cart(user)) {
            rooms->decided_in[rooms->decision_count] = item->partition;
            rooms->decided_of[rooms->decision_count++] = item->slot;
        }
    }
}

static void run_capture(struct rooms *rooms, size_t round) {
    struct bench_engine *engine = &rooms->engine;
    int64_t now_ms = (int64_t)engine->stream.event_ms;
    int64_t begin_ns = bench_cpu_ns();
    for (size_t i = 0; i < rooms->decision_count; i++) {
        struct capture_cause cause = {.trigger = TRIGGER_CART_ABANDONED,
                                      .anchor = engine->stream.count + i,
                                      .deadline_ms = now_ms,
                                      .decided_ms = now_ms};
        capture_decision(&engine->config->decide, &engine->side, rooms->decided_in[i],
                         rooms->decided_of[i], &cause, &rooms->decisions[i]);
    }
    note(rooms, BENCH_CAPTURE, round, begin_ns, rooms->decision_count);
}

static void run_decisions(struct rooms *rooms, size_t round) {
    struct pipeline *pipeline = &rooms->engine.pipeline;
    size_t count = rooms->decision_count;
    int64_t begin_ns = bench_cpu_ns();
    for (size_t i = 0; i < count; i++) {
        score_decision(&pipeline->score, &rooms->decisions[i]);
    }
    note(rooms, BENCH_SCORE, round, begin_ns, count);
    begin_ns = bench_cpu_ns();
    for (size_t i = 0; i < count; i++) {
        struct partition *partition = rooms->decided_in[i];
        decide(&pipeline->decide, &partition->ledger, partition->number, false,
               &rooms->decisions[i]);
    }
    note(rooms, BENCH_DECIDE, round, begin_ns, count);
    begin_ns = bench_cpu_ns();
    for (size_t i = 0; i < count; i++) {
        emit_decision(&pipeline->emit, rooms->decided_in[i]->number, &rooms->decisions[i],
                      rooms->decided_in[i]->open_rows);
    }
    note(rooms, BENCH_EMIT, round, begin_ns, count);
}

/* ---- rows ---- */

static void run_encode(struct rooms *rooms, size_t round) {
    size_t count = 0;
    int64_t begin_ns = bench_cpu_ns();
    for (int32_t p = 0; p < rooms->engine.settings.stream.partitions; p++) {
        struct user_store *store = &rooms->engine.partitions[p].store;
        struct user_state_names names = user_store_names(store);
        for (size_t i = 0; i < store->changed_count; i++) {
            buffer_clear(&rooms->row);
            wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_USER_STATE, 0, &rooms->row);
            user_state_encode(&user_store_get(store, store->changed[i])->state, &names,
                              &rooms->row);
            rooms->row_bytes += rooms->row.size;
        }
        count += store->changed_count;
    }
    note(rooms, BENCH_ENCODE, round, begin_ns, count);
    rooms->rows += count;
}

/* Rows of the epoch's first users; what a decoded user holds is given back outside of the time. */
static void run_row_decode(struct rooms *rooms, size_t round) {
    const struct epoch *epoch = &rooms->engine.epoch;
    struct user_store *store = &rooms->engine.partitions[0].store; /* for its items */
    struct user_state_names names = user_store_names(store);
    struct user_state *users = memory_new(epoch->record_count, sizeof *users);
    size_t count = 0;
    int64_t begin_ns = bench_cpu_ns();
    for (size_t i = 0; i < epoch->record_count; i++) {
        struct bytes body;
        if (epoch->records[i].topic == TOPIC_USER_STATE && epoch->records[i].partition == 0) {
            bool is_valid = wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_USER_STATE, 0,
                                         epoch_record_value(epoch, i), &body) &&
                            user_state_decode(body, &names, &users[count++]);
            assert(is_valid);
        }
    }
    note(rooms, BENCH_ROW_DECODE, round, begin_ns, count);
    for (size_t i = 0; i < count; i++) {
        user_state_clean_up(&users[i]);
    }
    free(users);
}

/* ---- rounds ---- */

static void begin_round(struct rooms *rooms) {
    struct bench_engine *engine = &rooms->engine;
    bench_engine_gather(engine, engine->settings.epoch_events);
    epoch_clear(&engine->epoch);
    pipeline_begin(&engine->pipeline, &engine->epoch);
    rooms->count = 0;
    for (int32_t p = 0; p < engine->settings.stream.partitions; p++) {
        partition_begin(&engine->partitions[p]);
        engine->partitions[p].is_touched = true;
        for (size_t i = 0; i < engine->gathered_count[p]; i++) {
            rooms->items[rooms->count++] = (struct item){.record = &engine->gathered[p][i],
                                                         .partition = &engine->partitions[p]};
        }
    }
}

static void run_round(struct rooms *rooms, size_t round) {
    begin_round(rooms);
    run_decode(rooms, round);
    keep_events(rooms);
    run_clean(rooms, round);
    run_find(rooms, round);
    run_fold(rooms, round);
    run_triggers(rooms, round);
    run_encode(rooms, round);
    for (int32_t p = 0; p < rooms->engine.settings.stream.partitions; p++) {
        pipeline_finish(&rooms->engine.pipeline, &rooms->engine.partitions[p],
                        (int64_t)rooms->engine.stream.event_ms);
    }
    run_row_decode(rooms, round);
    choose_users(rooms);
    run_capture(rooms, round);
    run_decisions(rooms, round);
}

struct failure bench_room_measure(const struct pipeline_config *config,
                                  const struct bench_room_settings *settings,
                                  struct bench_room_result *out) {
    assert(settings->rounds > 0 && settings->rounds <= BENCH_ROUNDS_MAX);
    struct rooms *rooms = memory_new(1, sizeof *rooms);
    struct bench_engine_result warm = {0};
    *out = (struct bench_room_result){0};
    init(rooms, config, settings);
    (void)bench_engine_run(&rooms->engine, settings->engine.warm_events, &warm);
    struct failure failure = bench_recovery(&rooms->engine, &out->ns[BENCH_RECOVERY]);
    for (size_t round = 0; round < settings->rounds && !failed(failure); round++) {
        run_round(rooms, round);
    }
    for (int room = 0; room < BENCH_RECOVERY && !failed(failure); room++) {
        out->ns[room] = bench_median(rooms->ns[room], settings->rounds);
    }
    out->row_bytes = (double)rooms->row_bytes / (double)(rooms->rows ? rooms->rows : 1);
    for (int32_t p = 0; p < settings->engine.stream.partitions; p++) {
        out->users += rooms->engine.partitions[p].store.count;
    }
    clean_up(rooms);
    free(rooms);
    return failure;
}
