#include "consumer/pipeline.h"

#include "consumer/rooms/open_decisions.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

void pipeline_init(struct pipeline *pipeline, const struct pipeline_settings *settings,
                   const struct side *side, struct timezone_set *zones,
                   struct decision_tally *tally) {
    assert(settings->micro_batch_max > 0);
    *pipeline = (struct pipeline){.settings = *settings, .zones = zones, .side = side};
    pipeline->decode.config = settings->decode;
    pipeline->clean.config = settings->clean;
    pipeline->pending = memory_new(settings->micro_batch_max, sizeof *pipeline->pending);
    pipeline->pending_effect_ms = INT64_MAX;
    pipeline->outcomes = (struct outcomes){
        .config = settings->outcomes, .decide = settings->decide, .progress = &pipeline->progress};
    score_init(&pipeline->score, settings->learn, settings->decide);
    const char *learners[ROW_LEARNERS_MAX];
    for (size_t i = 0; i < pipeline->score.model_count; i++) {
        learners[i] = pipeline->score.models[i].config->name;
    }
    progress_init(&pipeline->progress, pipeline->score.model_count, learners);
    decide_init(&pipeline->decide, settings->decide, zones, settings->partition_count);
    emit_init(&pipeline->emit, settings->decide, tally);
}

void pipeline_clean_up(struct pipeline *pipeline) {
    emit_clean_up(&pipeline->emit);
    score_clean_up(&pipeline->score);
    free(pipeline->pending);
    pipeline->pending = NULL;
}

void pipeline_begin(struct pipeline *pipeline, struct epoch *epoch) {
    pipeline->epoch = epoch;
    pipeline->emit.epoch = epoch;
    pipeline->outcomes.epoch = epoch;
}

/* ---- the micro-batch: score, decide, write back, emit ---- */

/* The earliest thing that the user's open decisions wait for; INT64_MAX = nothing. */
static int64_t next_step_ms(const struct pipeline *pipeline, const struct user_state *user) {
    int64_t first_ms = INT64_MAX;
    for (size_t i = 0; user->active && i < user->active->open_count; i++) {
        const struct open_decision *open = &user->active->open[i];
        int64_t next_ms = open->redecide_ms != TIME_NONE
                              ? open->redecide_ms
                              : outcomes_next_ms(pipeline->settings.outcomes, open);
        first_ms = next_ms < first_ms ? next_ms : first_ms;
    }
    return first_ms;
}

static void arm_decisions(struct pipeline *pipeline, struct partition *partition, uint32_t slot) {
    const struct user_state *user = &user_store_get(&partition->store, slot)->state;
    triggers_arm_decisions(partition, slot, next_step_ms(pipeline, user));
}

/* The decision is over: it leaves the user, the topic and the partition. */
static void forget_decision(struct pipeline *pipeline, struct partition *partition,
                            struct user_state *user, size_t index) {
    emit_close(&pipeline->emit, partition->number, &user->active->open[index],
               partition->open_rows);
    open_decisions_close(user, index);
    partition->open_count--;
}

/* Writes a decision into its user's state: what later decisions, revocations and timers need to
 * know. One whose reason was gone by the morning was no chance to send anything: no example. */
static void remember(struct pipeline *pipeline, const struct pending *pending) {
    const struct decision *decision = &pending->decision;
    struct user_slot *tenant = user_store_get(&pending->partition->store, pending->slot);
    const struct offer *offers = pipeline->settings.decide->offers.items;
    tenant->is_pending = false;
    open_decisions_record(&tenant->state, decision,
                          decision_is_sent(decision) ? offers[decision->offer].id : "");
    if (decision->gates & GATE_BIT(GATE_CONDITION_GONE)) {
        struct open_decision *open = open_decisions_find(&tenant->state, decision->id);
        forget_decision(pipeline, pending->partition, &tenant->state,
                        (size_t)(open - tenant->state.active->open));
        metric_add(&pipeline->outcomes.metrics.condition_gone_total, 1);
    }
    arm_decisions(pipeline, pending->partition, pending->slot);
}

static void close_batch(struct pipeline *pipeline) {
    for (size_t i = 0; i < pipeline->pending_count; i++) {
        score_decision(&pipeline->score, &pipeline->pending[i].decision);
    }
    for (size_t i = 0; i < pipeline->pending_count; i++) {
        struct pending *pending = &pipeline->pending[i];
        decide(&pipeline->decide, &pending->partition->ledger, pending->partition->number,
               pipeline->side->is_paused, &pending->decision);
        emit_decision(&pipeline->emit, pending->partition->number, &pending->decision,
                      pending->partition->open_rows);
        remember(pipeline, pending);
    }
    pipeline->pending_count = 0;
    pipeline->pending_effect_ms = INT64_MAX;
}

/* Before a user is touched again its waiting decision must be taken. */
static void settle_user(struct pipeline *pipeline, const struct user_slot *tenant) {
    if (tenant->is_pending) {
        close_batch(pipeline);
    }
}

/* The earliest timer that a waiting decision could set: the end of the night, or of its short
 * window. */
static int64_t effect_of(const struct pipeline *pipeline, const struct decision *decision) {
    const struct decide_config *config = pipeline->settings.decide;
    uint16_t zone =
        decision->zone != TIMEZONE_NONE ? decision->zone : pipeline->decide.default_zone;
    int64_t morning_ms =
        timezone_quiet_end_ms(pipeline->zones, zone, decision->decided_ms,
                              config->quiet_hours.start_minute, config->quiet_hours.end_minute);
    struct open_decision open = {.trigger = (uint8_t)decision->trigger,
                                 .decided_ms = decision->decided_ms,
                                 .close_ms = decision->close_ms};
    int64_t step_ms = outcomes_next_ms(pipeline->settings.outcomes, &open);
    return morning_ms > decision->decided_ms && morning_ms < step_ms ? morning_ms : step_ms;
}

/* Whom somebody waits for only because of refunds makes room for a new decision. */
static void make_room(struct pipeline *pipeline, struct partition *partition,
                      struct user_state *user) {
    for (size_t i = 0;
         user->active && user->active->open_count == USER_OPEN_MAX && i < user->active->open_count;
         i++) {
        if (user->active->open[i].flags & DECISION_MATURED) {
            close_batch(pipeline); /* rows keep the order of what caused them */
            forget_decision(pipeline, partition, user, i);
            metric_add(&pipeline->outcomes.metrics.closed_early_total, 1);
        }
    }
}

/* Bounds what awaits an outcome: per user (capture has looked) and per partition. */
static void reserve_outcome(struct pipeline *pipeline, struct partition *partition,
                            struct decision *decision) {
    bool is_full = partition->open_count >= pipeline->settings.outcomes->open_max;
    decision->is_too_many_open = decision->is_too_many_open || is_full;
    partition->open_count += !decision->is_too_many_open;
    metric_add(&pipeline->outcomes.metrics.too_many_open_total, decision->is_too_many_open);
}

static void open_decision(struct pipeline *pipeline, struct partition *partition, uint32_t slot,
                          const struct capture_cause *cause) {
    make_room(pipeline, partition, &user_store_get(&partition->store, slot)->state);
    if (pipeline->pending_count == pipeline->settings.micro_batch_max) {
        close_batch(pipeline);
    }
    const struct decide_config *config = pipeline->settings.decide;
    struct pending *pending = &pipeline->pending[pipeline->pending_count++];
    pending->partition = partition;
    pending->slot = slot;
    capture_decision(config, pipeline->side, partition, slot, cause, &pending->decision);
    if (!cause->open) {
        reserve_outcome(pipeline, partition, &pending->decision);
    }
    if (cause->trigger == TRIGGER_OBSERVE) {
        pending->decision.weight = 1 / pipeline->settings.triggers->observe.share;
    }
    user_store_get(&partition->store, slot)->is_pending = true;
    int64_t effect_ms = effect_of(pipeline, &pending->decision);
    if (effect_ms < pipeline->pending_effect_ms) {
        pipeline->pending_effect_ms = effect_ms;
    }
}

/* ---- timers ---- */

/* The earliest of the user's open decisions is due: taken again, labelled, matured or closed. */
static void fire_decisions(struct pipeline *pipeline, struct partition *partition, uint32_t slot,
                           int64_t due_ms) {
    struct user_state *user = &user_store_get(&partition->store, slot)->state;
    for (size_t i = 0; i < user->active->open_count; i++) {
        struct open_decision *open = &user->active->open[i];
        if (open->redecide_ms == due_ms) {
            struct capture_cause cause = {(enum trigger)open->trigger, open->anchor,
                                          open->deadline_ms, due_ms, open};
            open_decision(pipeline, partition, slot, &cause);
            open->redecide_ms = TIME_NONE;
            metric_add(&pipeline->triggers_metrics.redecisions_total, 1);
            break;
        }
        if (open->redecide_ms == TIME_NONE &&
            outcomes_next_ms(pipeline->settings.outcomes, open) == due_ms) {
            close_batch(pipeline); /* rows keep the order of what caused them */
            if (outcomes_step(&pipeline->outcomes, partition, open, due_ms)) {
                forget_decision(pipeline, partition, user, i);
            }
            break;
        }
    }
    arm_decisions(pipeline, partition, slot);
    state_prune(user, due_ms);
}

/* An observation never takes the last place from a trigger. */
static bool has_room_to_observe(const struct pipeline *pipeline, const struct partition *partition,
                                const struct user_state *user) {
    return user->active->open_count + 1 < USER_OPEN_MAX &&
           partition->open_count < pipeline->settings.outcomes->open_max;
}

static void fire_trigger(struct pipeline *pipeline, struct partition *partition, uint32_t slot,
                         enum timer_kind kind, int64_t deadline_ms) {
    const struct user_state *user = &user_store_get(&partition->store, slot)->state;
    struct triggers_metrics *metrics = &pipeline->triggers_metrics;
    static const enum trigger triggers[] = {[TIMER_CART] = TRIGGER_CART_ABANDONED,
                                            [TIMER_CHECKOUT] = TRIGGER_CHECKOUT_ABANDONED,
                                            [TIMER_BROWSE] = TRIGGER_BROWSE_ABANDONED,
                                            [TIMER_OBSERVE] = TRIGGER_OBSERVE};
    struct metric *const fired[] = {[TIMER_CART] = &metrics->cart_abandoned_total,
                                    [TIMER_CHECKOUT] = &metrics->checkout_abandoned_total,
                                    [TIMER_BROWSE] = &metrics->browse_abandoned_total,
                                    [TIMER_OBSERVE] = &metrics->observe_total};
    if (user->bot_suspect) {
        metric_add(&metrics->bot_suppressed_total, 1);
        return;
    }
    if (kind == TIMER_OBSERVE && !has_room_to_observe(pipeline, partition, user)) {
        metric_add(&metrics->observe_skipped_total, 1);
        return;
    }
    struct capture_cause cause = {triggers[kind], user->active->timers[kind].anchor, deadline_ms,
                                  deadline_ms, NULL};
    metric_add(fired[kind], 1);
    open_decision(pipeline, partition, slot, &cause);
}

/* The next entry due until until_ms. The batch is closed first if one of its decisions could set an
 * earlier timer, which is due too: also when nothing else is, for it must fire before what comes
 * after until_ms. */
static const struct timer_entry *next_due(struct pipeline *pipeline, struct partition *partition,
                                          int64_t until_ms) {
    const struct timer_entry *next = timers_peek(&partition->timers, until_ms);
    if (pipeline->pending_effect_ms <= (next ? next->deadline_ms : until_ms)) {
        close_batch(pipeline);
        next = timers_peek(&partition->timers, until_ms);
    }
    return next;
}

/* Fires what is due until until_ms, in the order (deadline, user, kind); at most timers_max. True
 * if none is left. */
static bool fire_due(struct pipeline *pipeline, struct partition *partition, int64_t until_ms,
                     size_t timers_max) {
    const struct timer_entry *next;
    while ((next = next_due(pipeline, partition, until_ms))) {
        struct timer_entry entry = *next;
        struct user_slot *tenant =
            user_store_tenant(&partition->store, entry.slot, entry.user_hash);
        if (tenant && tenant->is_pending) {
            close_batch(pipeline); /* it may arm something that comes first: look again */
            continue;
        }
        struct user_active *active = tenant ? tenant->state.active : NULL;
        if (!timers_take(&partition->timers, active ? &active->timers[entry.kind] : NULL)) {
            continue;
        }
        partition->is_touched = true;
        user_store_mark_changed(&partition->store, entry.slot);
        if (entry.kind == TIMER_DECISIONS) {
            fire_decisions(pipeline, partition, entry.slot, entry.deadline_ms);
        } else {
            fire_trigger(pipeline, partition, entry.slot, (enum timer_kind)entry.kind,
                         entry.deadline_ms);
        }
        if (--timers_max == 0) {
            return timers_peek(&partition->timers, until_ms) == NULL &&
                   pipeline->pending_count == 0;
        }
    }
    return true;
}

/* ---- one event ---- */

/* A letter has to fit into a message of a broker's default size whatever came in, or that one
 * record would stop every worker that reads it. The whole stays at its position. */
#define LETTER_KEY_BYTES_MAX   1024
#define LETTER_VALUE_BYTES_MAX 900000

static struct bytes cut(struct bytes bytes, size_t bytes_max) {
    return bytes_of(bytes.data, bytes.size < bytes_max ? bytes.size : bytes_max);
}

static void write_dead_letter(struct pipeline *pipeline, struct partition *partition,
                              const struct record *record, const char *reason) {
    const struct pipeline_settings *settings = &pipeline->settings;
    struct bytes key = cut(record->key, LETTER_KEY_BYTES_MAX);
    struct dead_letter_row row = {
        .topic =
            record->input == INPUT_FEEDBACK ? settings->feedback_name : settings->clickstream_name,
        .partition = record->partition,
        .offset = record->offset,
        .timestamp_ms = record->timestamp_ms,
        .reason = bytes_of_text(reason),
        .key = key,
        .value = cut(record->value, LETTER_VALUE_BYTES_MAX),
    };
    metric_add(&pipeline->clean.metrics.dead_letters_cut_total,
               key.size < record->key.size || row.value.size < record->value.size);
    struct buffer *out = epoch_begin(pipeline->epoch, TOPIC_DEAD_LETTERS, partition->number, key);
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_DEAD_LETTER, 0, out);
    dead_letter_encode(&row, out);
    epoch_end(pipeline->epoch);
}

static void evict_one(struct pipeline *pipeline, struct partition *partition) {
    uint32_t slot = user_store_oldest(&partition->store);
    struct user_slot *tenant = user_store_get(&partition->store, slot);
    settle_user(pipeline, tenant);
    while (tenant->state.active && tenant->state.active->open_count > 0) {
        close_batch(pipeline); /* rows keep the order of what caused them */
        forget_decision(pipeline, partition, &tenant->state, 0);
        metric_add(&pipeline->outcomes.metrics.evicted_total, 1);
    }
    epoch_tombstone(pipeline->epoch, TOPIC_USER_STATE, partition->number,
                    user_state_id(&tenant->state));
    user_store_remove(&partition->store, slot);
    metric_add(&pipeline->state_metrics.evictions_total, 1);
    metric_add(&pipeline->state_metrics.rows_total, 1);
}

static uint32_t find_or_add_user(struct pipeline *pipeline, struct partition *partition,
                                 const struct event *event) {
    uint32_t slot = user_store_find(&partition->store, event->user_id);
    if (slot != SLOT_NONE) {
        return slot;
    }
    if (user_store_is_full(&partition->store)) {
        evict_one(pipeline, partition);
    }
    return user_store_add(&partition->store, event->user_id, event->event_ms);
}

/* An order before the push arrived takes the push back. */
static void revoke_push(struct pipeline *pipeline, struct partition *partition,
                        const struct user_state *user, struct open_decision *open,
                        const struct event *event) {
    bool is_under_way =
        (open->flags & DECISION_SENT) && !(open->flags & (DECISION_DELIVERED | DECISION_REVOKED));
    if (is_under_way && event->event_ms < open->expires_ms) {
        open->flags |= DECISION_REVOKED;
        close_batch(pipeline); /* rows keep the order of what caused them */
        emit_revocation(&pipeline->emit, partition->number, user_state_id(user), open);
    }
}

/* What the event says of the user's open decisions: pushes to take back, outcomes. */
static void follow_up(struct pipeline *pipeline, struct partition *partition, uint32_t slot,
                      const struct event *event) {
    struct user_state *user = &user_store_get(&partition->store, slot)->state;
    bool is_changed = false;
    for (size_t i = 0; user->active && i < user->active->open_count; i++) {
        struct open_decision *open = &user->active->open[i];
        if (event->type == EVENT_ORDER_COMPLETED) {
            revoke_push(pipeline, partition, user, open, event);
        }
        enum outcome_change change = outcomes_take(pipeline->settings.outcomes, open, event);
        if (change != OUTCOME_SAME) {
            close_batch(pipeline);
            outcomes_correct(&pipeline->outcomes, partition, open, change, event->event_ms);
            is_changed = true;
        }
    }
    if (is_changed) {
        arm_decisions(pipeline, partition, slot);
    }
}

static enum clean_verdict apply(struct pipeline *pipeline, struct partition *partition,
                                const struct event *event, const struct record *record) {
    const struct pipeline_settings *settings = &pipeline->settings;
    bool is_late =
        partition->watermark_ms != TIME_NONE && event->event_ms < partition->watermark_ms;
    uint32_t slot = find_or_add_user(pipeline, partition, event);
    struct user_slot *tenant = user_store_get(&partition->store, slot);
    settle_user(pipeline, tenant);
    struct user_state *user = &tenant->state;
    if (state_is_duplicate(user, event->event_id)) {
        return CLEAN_DUPLICATE;
    }
    user_store_mark_changed(&partition->store, slot);
    bool is_bot = state_is_bot(settings->state, user, event->event_ms,
                               clean_is_bot_agent(&pipeline->clean, event->user_agent));
    metric_add(&pipeline->clean.metrics.bot_events_total, is_bot);
    state_fold(settings->state, &partition->store, user, event, is_late, &pipeline->state_metrics);
    follow_up(pipeline, partition, slot, event);
    if (is_late) {
        triggers_after_late(partition, slot, event);
        return CLEAN_LATE;
    }
    uint64_t anchor =
        triggers_anchor(event->event_id, INPUT_CLICKSTREAM, record->partition, record->offset);
    triggers_after_event(settings->triggers, settings->decide->observe_salt, partition, slot, event,
                         anchor);
    return CLEAN_OK;
}

static void advance_watermark(struct pipeline *pipeline, struct partition *partition,
                              int64_t event_ms) {
    if (partition->event_ms_max != TIME_NONE && event_ms <= partition->event_ms_max) {
        return;
    }
    partition->event_ms_max = event_ms;
    int64_t watermark_ms = event_ms - pipeline->settings.clean->lateness_ms;
    if (partition->watermark_ms == TIME_NONE || watermark_ms > partition->watermark_ms) {
        partition->watermark_ms = watermark_ms;
        (void)fire_due(pipeline, partition, watermark_ms, SIZE_MAX);
    }
}

static enum clean_verdict apply_feedback(struct pipeline *pipeline, struct partition *partition,
                                         const struct event *event) {
    uint32_t slot = user_store_find(&partition->store, event->user_id);
    struct hash128 id;
    if (slot == SLOT_NONE || !hash128_parse(event->decision_id, &id)) {
        return CLEAN_WRONG_PARTITION;
    }
    struct user_slot *tenant = user_store_get(&partition->store, slot);
    settle_user(pipeline, tenant);
    struct open_decision *open = open_decisions_find(&tenant->state, id);
    if (!open) {
        return CLEAN_WRONG_PARTITION;
    }
    if (state_is_duplicate(&tenant->state, event->event_id)) {
        return CLEAN_DUPLICATE;
    }
    user_store_mark_changed(&partition->store, slot);
    state_fold_feedback(&tenant->state, open, event);
    return CLEAN_OK;
}

/* ---- the table of contents ---- */

static void handle(struct pipeline *pipeline, struct partition *partition,
                   const struct record *record) {
    bool is_feedback = record->input == INPUT_FEEDBACK;
    struct event event;
    /* 1 intake: the record's place in the partition */
    partition->is_touched = true;
    partition->next_offset[record->input] = record->offset + 1;
    metric_add(&pipeline->clean.metrics.polled_total, 1);
    /* 2 decode */
    enum event_verdict decoded = decode_record(&pipeline->decode, record->value, &event);
    if (decoded != EVENT_OK) {
        metric_add(&pipeline->clean.metrics.undecodable_total, 1);
        write_dead_letter(pipeline, partition, record, event_verdict_name(decoded));
        return;
    }
    /* 3 clean */
    enum clean_verdict verdict =
        clean_event(&pipeline->clean, &event, record->key, record->timestamp_ms, is_feedback);
    if (verdict == CLEAN_OK && is_feedback) {
        verdict = apply_feedback(pipeline, partition, &event);
    } else if (verdict == CLEAN_OK) {
        /* 6 triggers fire before the event is applied; 7 features are captured there; 8 score, 9
         * decide and 10 emit run when the micro-batch closes. Then 4 state takes the event, 5
         * outcomes hear of it and 6 triggers arm. */
        advance_watermark(pipeline, partition, event.event_ms);
        verdict = apply(pipeline, partition, &event, record);
    }
    clean_count(&pipeline->clean, verdict);
    if (verdict >= CLEAN_MISSING_USER) {
        write_dead_letter(pipeline, partition, record, clean_verdict_name(verdict));
    }
}

void pipeline_feedback(struct pipeline *pipeline, struct partition *partition,
                       const struct record *records, size_t count) {
    for (size_t i = 0; i < count; i++) {
        assert(records[i].input == INPUT_FEEDBACK && records[i].partition == partition->number);
        handle(pipeline, partition, &records[i]);
    }
}

void pipeline_clickstream(struct pipeline *pipeline, struct partition *partition,
                          const struct record *records, size_t count) {
    for (size_t i = 0; i < count; i++) {
        assert(records[i].input == INPUT_CLICKSTREAM && records[i].partition == partition->number);
        handle(pipeline, partition, &records[i]);
    }
}

bool pipeline_is_due(struct partition *partition, int64_t until_ms) {
    const struct timer_entry *next;
    while ((next = timers_peek(&partition->timers, until_ms))) {
        struct user_slot *tenant =
            user_store_tenant(&partition->store, next->slot, next->user_hash);
        struct timer *timer =
            tenant && tenant->state.active ? &tenant->state.active->timers[next->kind] : NULL;
        if (timer && timer->queued_ms == next->deadline_ms &&
            timer->deadline_ms == next->deadline_ms) {
            return true;
        }
        bool is_due = timers_take(&partition->timers, timer);
        assert(!is_due);
    }
    return false;
}

void pipeline_tick(struct pipeline *pipeline, struct partition *partition, int64_t watermark_ms) {
    assert(watermark_ms > partition->watermark_ms);
    partition->watermark_ms = watermark_ms;
    partition->tick_ms = watermark_ms;
    partition->is_touched = true;
    metric_add(&pipeline->triggers_metrics.ticks_total, 1);
    (void)fire_due(pipeline, partition, watermark_ms, SIZE_MAX);
}

bool pipeline_fire_at_end(struct pipeline *pipeline, struct partition *partition,
                          size_t timers_max) {
    bool is_done = fire_due(pipeline, partition, INT64_MAX, timers_max);
    if (is_done && pipeline->pending_count > 0) {
        close_batch(pipeline); /* its decisions may have armed re-decisions and closing timers */
        is_done = timers_peek(&partition->timers, INT64_MAX) == NULL;
    }
    partition->fired_at_end = partition->fired_at_end || partition->is_touched;
    return is_done;
}

/* ---- the end of an epoch ---- */

static void write_users(struct pipeline *pipeline, struct partition *partition) {
    struct user_store *store = &partition->store;
    struct user_state_names names = user_store_names(store);
    for (size_t i = 0; i < store->changed_count; i++) {
        struct user_slot *tenant = user_store_get(store, store->changed[i]);
        if (!tenant->is_used || !tenant->is_changed) {
            continue; /* evicted, or the slot was listed twice */
        }
        tenant->is_changed = false;
        struct buffer *out = epoch_begin(pipeline->epoch, TOPIC_USER_STATE, partition->number,
                                         user_state_id(&tenant->state));
        wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_USER_STATE, 0, out);
        user_state_encode(&tenant->state, &names, out);
        epoch_end(pipeline->epoch);
        metric_add(&pipeline->state_metrics.rows_total, 1);
    }
    store->changed_count = 0;
}

static void write_partition_state(struct pipeline *pipeline, const struct partition *partition,
                                  struct bytes key) {
    struct partition_state_row row;
    partition_to_row(partition, &row);
    struct buffer *out =
        epoch_begin(pipeline->epoch, TOPIC_PARTITION_STATE, partition->number, key);
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_PARTITION_STATE, 0, out);
    partition_state_encode(&row, out);
    epoch_end(pipeline->epoch);
}

static void write_journal(struct pipeline *pipeline, const struct partition *partition,
                          struct bytes key, int64_t wall_ms) {
    struct journal_row row = {
        .partition = partition->number,
        .epoch = partition->epoch,
        .watermark_before_ms = partition->watermark_before_ms,
        .watermark_after_ms = partition->watermark_ms,
        .tick_ms = partition->tick_ms,
        .fired_at_end = partition->fired_at_end,
        .wall_ms = wall_ms,
        .paused = pipeline->side->is_paused,
        .config_fingerprint = pipeline->settings.config_fingerprint,
        .binary = bytes_of_text(PROMOSTREAM_VERSION),
    };
    for (int i = 0; i < INPUT_COUNT; i++) {
        row.from_offset[i] = partition->from_offset[i];
        row.to_offset[i] = partition->next_offset[i];
    }
    static const char *const side_names[] = {"control", "catalogue", "profiles"};
    for (size_t i = 0; i < sizeof side_names / sizeof side_names[0]; i++) {
        row.sides[row.side_count++] =
            (struct side_position){bytes_of_text(side_names[i]), pipeline->side->positions[i]};
    }
    for (size_t i = 0; i < pipeline->score.model_count; i++) {
        const struct model *model = &pipeline->score.models[i];
        row.models[row.model_count++] =
            (struct model_version){bytes_of_text(model->config->name), model->version_offset};
    }
    struct buffer *out = epoch_begin(pipeline->epoch, TOPIC_JOURNAL, partition->number, key);
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_JOURNAL, 0, out);
    journal_encode(&row, out);
    epoch_end(pipeline->epoch);
}

void pipeline_finish(struct pipeline *pipeline, struct partition *partition, int64_t wall_ms) {
    close_batch(pipeline);
    if (!partition->is_touched) {
        return;
    }
    char number[16];
    int size = snprintf(number, sizeof number, "%d", (int)partition->number);
    struct bytes key = bytes_of(number, (size_t)size);
    partition->epoch++;
    write_users(pipeline, partition);
    write_partition_state(pipeline, partition, key);
    write_journal(pipeline, partition, key, wall_ms);
}

void pipeline_check(const struct pipeline *pipeline) {
    const struct clean_metrics *metrics = &pipeline->clean.metrics;
    assert(metric_get(&metrics->polled_total) ==
           metric_get(&metrics->undecodable_total) + metric_get(&metrics->refused_total) +
               metric_get(&metrics->duplicates_total) + metric_get(&metrics->applied_total));
    assert(pipeline->pending_count == 0);
}
