/* Timers: triggers that fire, and the steps of open decisions. */
#include "consumer/pipeline_internal.h"

#include <assert.h>

/* Whoever turned out to be a bot is no example (METHODS 0, rule 13); what is known of him already
 * is kept up. True if the decision is over. */
static bool take_step(struct pipeline *pipeline, struct partition *partition,
                      const struct user_state *user, struct open_decision *open, int64_t due_ms) {
    if (user->bot_suspect && !(open->flags & DECISION_LABELLED)) {
        metric_add(&pipeline->outcomes.metrics.bots_total, 1);
        return true;
    }
    return outcomes_step(&pipeline->outcomes, partition, open, due_ms);
}

/* The earliest of the user's open decisions is due: taken again, labelled, matured or closed. */
static void fire_decisions(struct pipeline *pipeline, struct partition *partition, uint32_t slot,
                           int64_t due_ms) {
    struct user_state *user = &user_store_get(&partition->store, slot)->state;
    for (size_t i = 0; i < user->active->open_count; i++) {
        struct open_decision *open = &user->active->open[i];
        if (open->redecide_ms == due_ms) {
            struct capture_cause cause = {(enum trigger)open->trigger, open->anchor,
                                          open->deadline_ms, due_ms, open};
            pipeline_open_decision(pipeline, partition, slot, &cause);
            open->redecide_ms = TIME_NONE;
            metric_add(&pipeline->triggers_metrics.redecisions_total, 1);
            break;
        }
        if (open->redecide_ms == TIME_NONE &&
            outcomes_next_ms(pipeline->settings.outcomes, open) == due_ms) {
            pipeline_close_batch(pipeline); /* rows keep the order of what caused them */
            if (take_step(pipeline, partition, user, open, due_ms)) {
                pipeline_forget_decision(pipeline, partition, user, i);
            }
            break;
        }
    }
    pipeline_arm_decisions(pipeline, partition, slot);
    state_prune(user, due_ms);
}

/* A decision that waits in the micro-batch may end with it, its reason gone by the morning: where
 * places are short, whether one is free must not hang on where batches end. */
static void settle_places(struct pipeline *pipeline, const struct partition *partition) {
    if (partition->open_count >= pipeline->settings.outcomes->open_max) {
        pipeline_close_batch(pipeline);
    }
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
    settle_places(pipeline, partition);
    if (kind == TIMER_OBSERVE && !has_room_to_observe(pipeline, partition, user)) {
        metric_add(&metrics->observe_skipped_total, 1);
        return;
    }
    struct capture_cause cause = {triggers[kind], user->active->timers[kind].anchor, deadline_ms,
                                  deadline_ms, NULL};
    metric_add(fired[kind], 1);
    pipeline_open_decision(pipeline, partition, slot, &cause);
}

/* The next entry due until until_ms. The batch is closed first if one of its decisions could set an
 * earlier timer, which is due too: also when nothing else is, for it must fire before what comes
 * after until_ms. */
static const struct timer_entry *next_due(struct pipeline *pipeline, struct partition *partition,
                                          int64_t until_ms) {
    const struct timer_entry *next = timers_peek(&partition->timers, until_ms);
    if (pipeline->pending_effect_ms <= (next ? next->deadline_ms : until_ms)) {
        pipeline_close_batch(pipeline);
        next = timers_peek(&partition->timers, until_ms);
    }
    return next;
}

/* Most entries that surface have only been moved on, and are of users not met for long. */
static void prefetch_next(const struct partition *partition) {
    size_t count;
    const struct timer_entry *next = timers_near(&partition->timers, &count);
    for (size_t i = 0; i < count && i < 3; i++) {
        user_store_prefetch(&partition->store, next[i].slot);
    }
}

/* Fires what is due until until_ms, in the order (deadline, user, kind); at most timers_max. True
 * if none is left. */
bool pipeline_fire_due(struct pipeline *pipeline, struct partition *partition, int64_t until_ms,
                       size_t timers_max) {
    const struct timer_entry *next;
    while ((next = next_due(pipeline, partition, until_ms))) {
        struct timer_entry entry = *next;
        struct user_slot *tenant =
            user_store_tenant(&partition->store, entry.slot, entry.user_hash);
        if (tenant && tenant->is_pending) {
            pipeline_close_batch(pipeline); /* it may arm something that comes first: look again */
            continue;
        }
        struct user_active *active = tenant ? tenant->state.active : NULL;
        bool is_due = timers_take(&partition->timers, active ? &active->timers[entry.kind] : NULL);
        prefetch_next(partition);
        if (!is_due) {
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
    (void)pipeline_fire_due(pipeline, partition, watermark_ms, SIZE_MAX);
}

bool pipeline_fire_at_end(struct pipeline *pipeline, struct partition *partition,
                          size_t timers_max) {
    bool is_done = pipeline_fire_due(pipeline, partition, INT64_MAX, timers_max);
    if (is_done && pipeline->pending_count > 0) {
        pipeline_close_batch(
            pipeline); /* its decisions may have armed re-decisions and closing timers */
        is_done = timers_peek(&partition->timers, INT64_MAX) == NULL;
    }
    partition->fired_at_end = partition->fired_at_end || partition->is_touched;
    return is_done;
}
