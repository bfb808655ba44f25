#include "consumer/rooms/emit.h"

#include <assert.h>
#include <math.h>

#include "consumer/side/side_table.h"
#include "schemas/schemas.h"
#include "schemas/wire.h"

#define METRICS_ROW_STRUCT struct emit_metrics
METRICS_TABLE(emit_metrics, EMIT_METRICS)
#undef METRICS_ROW_STRUCT

#define PUSH_ID_BYTES_MAX 40 /* 32 digits, '-', attempt */

void emit_init(struct emit *emit, const struct decide_config *config,
               struct decision_tally *tally) {
    *emit = (struct emit){
        .config = config,
        .rule_fingerprint = decide_rule_fingerprint(config),
        .tally = tally,
    };
    buffer_init(&emit->scratch, 4096);
}

void emit_clean_up(struct emit *emit) {
    buffer_clean_up(&emit->scratch);
}

static struct bytes action_id(const struct emit *emit, int offer) {
    return bytes_of_text(offer < 0 ? "none" : offers_get(emit->config, offer)->id);
}

/* The state keeps locale and currency cut to a few bytes. One that was cut inside a character would
 * make the whole row unreadable, so it counts as unknown. */
static struct bytes readable(struct bytes text) {
    return wire_is_utf8(text) ? text : bytes_of(NULL, 0);
}

static struct buffer *begin_row(struct emit *emit, enum topic topic, int32_t partition,
                                struct bytes key, enum schema schema) {
    struct buffer *out = epoch_begin(emit->epoch, topic, partition, key);
    uint32_t id = schema == SCHEMA_PUSH       ? emit->schema_ids.push
                  : schema == SCHEMA_DECISION ? emit->schema_ids.decision
                                              : 0;
    wire_frame(id ? WIRE_CONFLUENT : WIRE_SINGLE_OBJECT, schema, id, out);
    return out;
}

/* ---- promotion-decisions ---- */

static void list_gates_and_items(const struct decision *decision, struct decision_row *row) {
    for (int gate = 0; gate < GATE_COUNT; gate++) {
        if (decision->gates & GATE_BIT(gate)) {
            row->gates[row->gate_count++] = bytes_of_text(gate_name((enum gate)gate));
        }
    }
    row->item_count = decision->item_count;
    for (size_t i = 0; i < decision->item_count; i++) {
        row->items[i] = decision->items[i].id;
    }
}

/* Every learner's probabilities of the eligible set, in its order. */
static size_t list_scores(const struct decision *decision,
                          struct learner_score_row out[ROW_LEARNERS_MAX]) {
    size_t count = 0;
    for (size_t i = 0; i < decision->learner_count; i++) {
        if (isnan(decision->p[i][0])) {
            continue; /* it could not score */
        }
        struct learner_score_row *row = &out[count++];
        *row = (struct learner_score_row){
            .learner = decision->learners[i],
            .version_offset = decision->version_offsets[i],
            .p_count = decision->action_count,
        };
        for (size_t k = 0; k < decision->action_count; k++) {
            row->p[k] = decision->p[i][decision->action_offers[k] + 1];
        }
    }
    return count;
}

/* Who chose it, or the gate that held it. */
static const char *reason_name(const struct decision *decision) {
    return decision_is_sent(decision) ? policy_names[decision->policy]
                                      : gate_name(decision->reason);
}

static void write_decision(struct emit *emit, int32_t partition, const struct decision *decision) {
    struct decision_row row = {
        .decision_id = decision->id,
        .attempt = decision->attempt,
        .user_id = decision->user_id,
        .subject_key_id = decision->subject_key_id,
        .canonical_id = decision->canonical_id,
        .trigger = decision->trigger,
        .deadline_ms = decision->deadline_ms,
        .decided_ms = decision->decided_ms,
        .anchor = decision->anchor,
        .episode_id = decision->episode_id,
        .is_followup = decision->is_followup,
        .mode = bytes_of_text(mode_names[emit->config->mode]),
        .bucket = bytes_of_text(bucket_names[decision->bucket]),
        .action_count = decision->action_count,
        .would_have = action_id(emit, decision->would_have),
        .action = action_id(emit, decision->offer),
        .action_p = decision->action_p,
        .sent = decision_is_sent(decision),
        .reason = bytes_of_text(reason_name(decision)),
        .cart_value = decision->cart_value,
        .currency = readable(decision->currency),
        .feature_version = decision->feature_version,
        .number_count = decision->number_count,
        .name_count = decision->name_count,
        .step_count = decision->step_count,
        .rule_fingerprint = emit->rule_fingerprint,
        .policy = bytes_of_text(policy_names[decision->policy]),
    };
    memcpy(row.actions, decision->actions, decision->action_count * sizeof row.actions[0]);
    memcpy(row.numbers, decision->numbers, decision->number_count * sizeof row.numbers[0]);
    memcpy(row.names, decision->names, decision->name_count * sizeof row.names[0]);
    memcpy(row.steps, decision->steps, decision->step_count * sizeof row.steps[0]);
    list_gates_and_items(decision, &row);
    row.score_count = list_scores(decision, row.scores);
    decision_encode(&row, begin_row(emit, TOPIC_PROMOTION_DECISIONS, partition, decision->user_id,
                                    SCHEMA_DECISION));
    epoch_end(emit->epoch);
}

/* ---- promotion-pushes ---- */

static struct bytes push_id(struct hash128 id, int attempt, char text[PUSH_ID_BYTES_MAX]) {
    char digits[33];
    hash128_format(id, digits);
    int size = snprintf(text, PUSH_ID_BYTES_MAX, "%s-%d", digits, attempt);
    assert(size > 0 && size < PUSH_ID_BYTES_MAX);
    return bytes_of(text, (size_t)size);
}

static double offer_value(const struct offer *offer) {
    return offer->kind == OFFER_PERCENT_OFF || offer->kind == OFFER_AMOUNT_OFF ? offer->value
                                                                               : (double)NAN;
}

/* Renders title, body and reason one after the other into scratch; the row's texts point into it.
 */
static void render_texts(struct emit *emit, const struct decision *decision,
                         const struct offer *offer, struct push_row *row) {
    struct buffer *scratch = &emit->scratch;
    buffer_clear(scratch);
    emit_render(offer->title, decision, offer, scratch);
    size_t title_end = scratch->size;
    emit_render(offer->body, decision, offer, scratch);
    size_t body_end = scratch->size;
    emit_reason(decision, offer, scratch);
    row->title = bytes_of(scratch->data, title_end);
    row->body = bytes_of(scratch->data + title_end, body_end - title_end);
    row->reason = bytes_of(scratch->data + body_end, scratch->size - body_end);
}

static void write_push(struct emit *emit, int32_t partition, const struct push_row *row) {
    push_encode(row, begin_row(emit, TOPIC_PROMOTION_PUSHES, partition, row->user_id, SCHEMA_PUSH));
    epoch_end(emit->epoch);
    if (emit->show) {
        emit->show(emit->show_context, row);
    }
}

static void send_push(struct emit *emit, int32_t partition, const struct decision *decision) {
    const struct offer *offer = offers_get(emit->config, decision->offer);
    char id[PUSH_ID_BYTES_MAX];
    struct push_row row = {
        .kind = PUSH_SEND,
        .push_id = push_id(decision->id, decision->attempt, id),
        .decision_id = decision->id,
        .user_id = decision->user_id,
        .subject_key_id = decision->subject_key_id,
        .trigger = decision->trigger,
        .offer_id = bytes_of_text(offer->id),
        .offer_kind = bytes_of_text(offer_kind_names[offer->kind]),
        .offer_value = offer_value(offer),
        .channel = decision->channel.size ? decision->channel : bytes_of_text(offer->channel),
        .locale = readable(decision->locale),
        .currency = readable(decision->currency),
        .not_before_ms = decision->decided_ms,
        .expires_ms = decision->expires_ms,
        .item_count = decision->item_count,
        .coupon_code = bytes_of_text(offer->coupon_code),
    };
    memcpy(row.items, decision->items, decision->item_count * sizeof row.items[0]);
    render_texts(emit, decision, offer, &row);
    write_push(emit, partition, &row);
    metric_add(&emit->metrics.pushes_total, 1);
}

void emit_revocation(struct emit *emit, int32_t partition, struct bytes user_id,
                     const struct open_decision *open) {
    assert((open->flags & DECISION_SENT) && !(open->flags & DECISION_DELIVERED) &&
           open->expires_ms != TIME_NONE);
    int known = offers_find(emit->config, bytes_of_text(open->offer_id));
    const struct offer *offer = known >= 0 ? offers_get(emit->config, known) : NULL;
    char id[PUSH_ID_BYTES_MAX];
    write_push(
        emit, partition,
        &(struct push_row){
            .kind = PUSH_REVOKED,
            .push_id = push_id(open->id, open->attempt, id),
            .decision_id = open->id,
            .user_id = user_id,
            .trigger = (enum trigger)open->trigger,
            .offer_id = bytes_of_text(open->offer_id),
            .offer_kind = bytes_of_text(offer ? offer_kind_names[offer->kind] : NULL),
            .offer_value = offer ? offer_value(offer) : (double)NAN,
            .not_before_ms = TIME_NONE,
            .expires_ms = open->expires_ms,
            .reason = bytes_of_text("an order came before the push was reported as delivered"),
        });
    metric_add(&emit->metrics.revocations_total, 1);
}

/* ---- open-decisions ---- */

static void write_open_decision(struct emit *emit, int32_t partition,
                                const struct decision *decision, struct side_table *open_rows) {
    struct open_decision_row row = {
        .user_id = decision->user_id,
        .subject_key_id = decision->subject_key_id,
        .action = action_id(emit, decision->offer),
        .action_p = decision->action_p,
        .bucket = bytes_of_text(bucket_names[decision->bucket]),
        .episode_id = decision->episode_id,
        .feature_version = decision->feature_version,
        .number_count = decision->number_count,
        .name_count = decision->name_count,
        .step_count = decision->step_count,
        .action_count = decision->action_count,
        .margin = decision->margin,
        .weight = decision->weight,
    };
    bool is_sent = decision_is_sent(decision);
    decision_open(decision, is_sent ? offers_get(emit->config, decision->offer)->id : "",
                  &row.open);
    memcpy(row.numbers, decision->numbers, decision->number_count * sizeof row.numbers[0]);
    memcpy(row.names, decision->names, decision->name_count * sizeof row.names[0]);
    memcpy(row.steps, decision->steps, decision->step_count * sizeof row.steps[0]);
    memcpy(row.actions, decision->actions, decision->action_count * sizeof row.actions[0]);
    row.score_count = list_scores(decision, row.scores);
    char key[33];
    hash128_format(decision->id, key);
    struct buffer *out =
        begin_row(emit, TOPIC_OPEN_DECISIONS, partition, bytes_of(key, 32), SCHEMA_OPEN_DECISION);
    size_t body_at = out->size;
    open_decision_encode(&row, out);
    bool has_room = side_table_put(open_rows, bytes_of(key, 32),
                                   bytes_of(out->data + body_at, out->size - body_at));
    assert(has_room);
    epoch_end(emit->epoch);
}

void emit_close(struct emit *emit, int32_t partition, const struct open_decision *open,
                struct side_table *open_rows) {
    char key[33];
    hash128_format(open->id, key);
    (void)side_table_put(open_rows, bytes_of(key, 32), bytes_of(NULL, 0));
    epoch_tombstone(emit->epoch, TOPIC_OPEN_DECISIONS, partition, bytes_of(key, 32));
    metric_add(&emit->metrics.open_decisions_closed_total, 1);
}

void emit_decision(struct emit *emit, int32_t partition, const struct decision *decision,
                   struct side_table *open_rows) {
    bool is_sent = decision_is_sent(decision);
    int offer = is_sent ? decision->offer : decision->would_have;
    write_decision(emit, partition, decision);
    if (is_sent) {
        send_push(emit, partition, decision);
    }
    if (!decision->is_too_many_open) {
        write_open_decision(emit, partition, decision, open_rows);
    }
    metric_add(&emit->metrics.decisions_total, 1);
    metric_add(&emit->tally->count[decision->trigger][offer + 1][decision->reason], 1);
}
