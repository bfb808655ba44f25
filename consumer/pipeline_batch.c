/* The micro-batch: what is captured at a trigger waits here until it is scored, decided, emitted
 * and written into its user's state, all in order. */
#include "consumer/pipeline_internal.h"

#include "consumer/rooms/open_decisions.h"

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

void pipeline_arm_decisions(struct pipeline *pipeline, struct partition *partition, uint32_t slot) {
    const struct user_state *user = &user_store_get(&partition->store, slot)->state;
    triggers_arm_decisions(partition, slot, next_step_ms(pipeline, user));
}

/* The decision is over: it leaves the user, the topic and the partition. */
void pipeline_forget_decision(struct pipeline *pipeline, struct partition *partition,
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
        pipeline_forget_decision(pipeline, pending->partition, &tenant->state,
                                 (size_t)(open - tenant->state.active->open));
        metric_add(&pipeline->outcomes.metrics.condition_gone_total, 1);
    }
    pipeline_arm_decisions(pipeline, pending->partition, pending->slot);
}

static void score_and_watch(struct pipeline *pipeline, struct decision *decision) {
    score_decision(&pipeline->score, decision);
    for (size_t i = 0; i < decision->learner_count && decision->trigger != TRIGGER_OBSERVE; i++) {
        progress_watch(&pipeline->progress, decision->learners[i], decision->p[i][0]);
    }
}

void pipeline_close_batch(struct pipeline *pipeline) {
    for (size_t i = 0; i < pipeline->pending_count; i++) {
        score_and_watch(pipeline, &pipeline->pending[i].decision);
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
void pipeline_settle_user(struct pipeline *pipeline, const struct user_slot *tenant) {
    if (tenant->is_pending) {
        pipeline_close_batch(pipeline);
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
            pipeline_close_batch(pipeline); /* rows keep the order of what caused them */
            pipeline_forget_decision(pipeline, partition, user, i);
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

void pipeline_open_decision(struct pipeline *pipeline, struct partition *partition, uint32_t slot,
                            const struct capture_cause *cause) {
    if (!cause->open) { /* a second attempt has its place, and would lose cause->open */
        make_room(pipeline, partition, &user_store_get(&partition->store, slot)->state);
    }
    if (pipeline->pending_count == pipeline->settings.micro_batch_max) {
        pipeline_close_batch(pipeline);
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
        double share = pipeline->settings.triggers->observe.share;
        pending->decision.weight = share > 1 / LEARNER_WEIGHT_MAX ? 1 / share : LEARNER_WEIGHT_MAX;
    }
    user_store_get(&partition->store, slot)->is_pending = true;
    int64_t effect_ms = effect_of(pipeline, &pending->decision);
    if (effect_ms < pipeline->pending_effect_ms) {
        pipeline->pending_effect_ms = effect_ms;
    }
}
