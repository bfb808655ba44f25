#include "consumer/pipeline_internal.h"

#include "consumer/rooms/open_decisions.h"

#include <assert.h>
#include <stdlib.h>

void pipeline_init(struct pipeline *pipeline, const struct pipeline_settings *settings,
                   const struct side *side, struct timezone_set *zones,
                   struct decision_tally *tally) {
    assert(settings->micro_batch_max > 0);
    *pipeline = (struct pipeline){.settings = *settings, .zones = zones, .side = side};
    decode_init(&pipeline->decode, settings->decode, settings->sources);
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
    pipeline->emit.schema_ids = settings->schema_ids;
}

void pipeline_clean_up(struct pipeline *pipeline) {
    decode_clean_up(&pipeline->decode);
    emit_clean_up(&pipeline->emit);
    score_clean_up(&pipeline->score);
    free(pipeline->pending);
    pipeline->pending = NULL;
}

void pipeline_begin(struct pipeline *pipeline, struct epoch *epoch) {
    score_choose(&pipeline->score, pipeline->side->champion);
    pipeline->epoch = epoch;
    pipeline->emit.epoch = epoch;
    pipeline->outcomes.epoch = epoch;
}

/* ---- one event ---- */

static void evict_one(struct pipeline *pipeline, struct partition *partition) {
    uint32_t slot = user_store_oldest(&partition->store);
    struct user_slot *tenant = user_store_get(&partition->store, slot);
    pipeline_settle_user(pipeline, tenant);
    while (tenant->state.active && tenant->state.active->open_count > 0) {
        pipeline_close_batch(pipeline); /* rows keep the order of what caused them */
        pipeline_forget_decision(pipeline, partition, &tenant->state, 0);
        metric_add(&pipeline->outcomes.metrics.evicted_total, 1);
    }
    epoch_tombstone(pipeline->epoch, TOPIC_USER_STATE, partition->number,
                    user_state_id(&tenant->state));
    user_store_remove(&partition->store, slot);
    metric_add(&pipeline->state_metrics.evictions_total, 1);
    metric_add(&pipeline->state_metrics.rows_total, 1);
}

static uint32_t find_or_add_user(struct pipeline *pipeline, struct partition *partition,
                                 const struct event *event, uint64_t hash) {
    uint32_t slot = user_store_find_hashed(&partition->store, hash, event->user_id);
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
        pipeline_close_batch(pipeline); /* rows keep the order of what caused them */
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
            pipeline_close_batch(pipeline);
            outcomes_correct(&pipeline->outcomes, partition, open, change, event->event_ms);
            is_changed = true;
        }
    }
    if (is_changed) {
        pipeline_arm_decisions(pipeline, partition, slot);
    }
}

static enum clean_verdict apply(struct pipeline *pipeline, struct partition *partition,
                                const struct event *event, uint64_t user_hash,
                                const struct record *record) {
    const struct pipeline_settings *settings = &pipeline->settings;
    bool is_late =
        partition->watermark_ms != TIME_NONE && event->event_ms < partition->watermark_ms;
    uint32_t slot = find_or_add_user(pipeline, partition, event, user_hash);
    struct user_slot *tenant = user_store_get(&partition->store, slot);
    pipeline_settle_user(pipeline, tenant);
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
        (void)pipeline_fire_due(pipeline, partition, watermark_ms, SIZE_MAX);
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
    pipeline_settle_user(pipeline, tenant);
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

/* A record on its way through the rooms. */
struct prepared {
    struct event event;
    enum event_verdict decoded;
    enum clean_verdict verdict;
    uint64_t user_hash, item_hash;
    uint32_t slot; /* a hint; SLOT_NONE = not seen */
};

static void prepare(struct pipeline *pipeline, struct partition *partition, size_t place,
                    const struct record *record, struct prepared *out) {
    bool is_feedback = record->input == INPUT_FEEDBACK;
    struct event *event = &out->event;
    /* 2 decode */
    out->slot = SLOT_NONE;
    out->decoded = decode_record(&pipeline->decode, place, is_feedback, record->value, event);
    if (out->decoded != EVENT_OK) {
        return;
    }
    /* 3 clean */
    out->verdict =
        clean_event(&pipeline->clean, event, record->key, record->timestamp_ms, is_feedback);
    out->user_hash = hash64(event->user_id, 0);
    out->item_hash = event->line_count > 0 ? hash64(event->lines[0].item_id, 0) : 0;
    slot_index_prefetch(&partition->store.index, out->user_hash);
    slot_index_prefetch(&partition->store.items.index, out->item_hash);
}

/* Memory is slower than all that the rooms do with it: a group's users and items are on their way
 * before the first of them is needed. */
static void fetch(const struct partition *partition, struct prepared *prepared) {
    if (prepared->decoded == EVENT_OK) {
        prepared->slot = user_store_peek(&partition->store, prepared->user_hash);
        user_store_prefetch(&partition->store, prepared->slot);
        items_prefetch(&partition->store.items,
                       items_peek(&partition->store.items, prepared->item_hash));
    }
}

static void handle(struct pipeline *pipeline, struct partition *partition,
                   const struct record *record, struct prepared *prepared) {
    /* 1 intake: the record's place in the partition */
    partition->is_touched = true;
    partition->next_offset[record->input] = record->offset + 1;
    metric_add(&pipeline->clean.metrics.polled_total, 1);
    if (prepared->decoded != EVENT_OK) {
        metric_add(&pipeline->clean.metrics.undecodable_total, 1);
        pipeline_write_dead_letter(pipeline, partition, record,
                                   event_verdict_name(prepared->decoded));
        return;
    }
    const struct event *event = &prepared->event;
    enum clean_verdict verdict = prepared->verdict;
    if (verdict == CLEAN_OK && record->input == INPUT_FEEDBACK) {
        verdict = apply_feedback(pipeline, partition, event);
    } else if (verdict == CLEAN_OK) {
        /* 6 triggers fire before the event is applied; 7 features are captured there; 8 score, 9
         * decide and 10 emit run when the micro-batch closes. Then 4 state takes the event, 5
         * outcomes hear of it and 6 triggers arm. */
        advance_watermark(pipeline, partition, event->event_ms);
        verdict = apply(pipeline, partition, event, prepared->user_hash, record);
    }
    clean_count(&pipeline->clean, verdict);
    if (verdict >= CLEAN_MISSING_USER) {
        pipeline_write_dead_letter(pipeline, partition, record, clean_verdict_name(verdict));
    }
}

/* The first of the records that are left: at most DECODE_PLACES. Returns how many. */
static size_t handle_group(struct pipeline *pipeline, struct partition *partition,
                           const struct record *records, size_t left) {
    struct prepared prepared[DECODE_PLACES];
    size_t count = left < DECODE_PLACES ? left : DECODE_PLACES;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *next = records[i + count < left ? i + count : i].value.data;
        __builtin_prefetch(next);
        __builtin_prefetch(next ? next + 64 : next); /* most messages end in the second line */
        prepare(pipeline, partition, i, &records[i], &prepared[i]);
    }
    for (size_t i = 0; i < count; i++) {
        fetch(partition, &prepared[i]);
    }
    for (size_t i = 0; i < count; i++) {
        user_store_prefetch_rest(&partition->store,
                                 i + 2 < count ? prepared[i + 2].slot : SLOT_NONE);
        handle(pipeline, partition, &records[i], &prepared[i]);
    }
    return count;
}

static void handle_all(struct pipeline *pipeline, struct partition *partition,
                       const struct record *records, size_t count, enum broker_input input) {
    for (size_t i = 0; i < count; i++) {
        assert(records[i].input == input && records[i].partition == partition->number);
    }
    for (size_t i = 0; i < count;) {
        i += handle_group(pipeline, partition, records + i, count - i);
    }
}

void pipeline_feedback(struct pipeline *pipeline, struct partition *partition,
                       const struct record *records, size_t count) {
    handle_all(pipeline, partition, records, count, INPUT_FEEDBACK);
}

void pipeline_clickstream(struct pipeline *pipeline, struct partition *partition,
                          const struct record *records, size_t count) {
    handle_all(pipeline, partition, records, count, INPUT_CLICKSTREAM);
}

void pipeline_check(const struct pipeline *pipeline) {
    const struct clean_metrics *metrics = &pipeline->clean.metrics;
    assert(metric_get(&metrics->polled_total) ==
           metric_get(&metrics->undecodable_total) + metric_get(&metrics->refused_total) +
               metric_get(&metrics->duplicates_total) + metric_get(&metrics->applied_total));
    assert(pipeline->pending_count == 0);
}
