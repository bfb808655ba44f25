#include "consumer/rooms/outcomes.h"

#include <assert.h>
#include <math.h>

#include "consumer/side/side_table.h"
#include "schemas/schemas.h"

#define METRICS_ROW_STRUCT struct outcomes_metrics
METRICS_TABLE(outcomes_metrics, OUTCOMES_METRICS)
#undef METRICS_ROW_STRUCT

#define MINUTE_MS 60000.0
#define DAY_MS    86400000.0

#define WINDOW(key, member, text, text_help)                                                       \
    {                                                                                              \
        .name = key, .type = CONFIG_DURATION_MS,                                                   \
        .offset = offsetof(struct outcomes_config, member), .default_text = text,                  \
        .min = MINUTE_MS, .max = 90 * DAY_MS, .help = text_help                                    \
    }

static const struct config_key keys[] = {
    WINDOW("observe_window", observe_window_ms, "30m",
           "after a sampled observation: its first label, corrected until attribution_window"),
    WINDOW("trigger_window", trigger_window_ms, "24h",
           "after a trigger's decision: its first label, corrected until attribution_window"),
    WINDOW("cancel_window", cancel_window_ms, "24h",
           "a cancellation this soon after the order makes it as if not bought"),
    WINDOW("return_window", return_window_ms, "30d",
           "refunds this long after the order correct the decision's net margin"),
    {.name = "open_max",
     .type = CONFIG_INT,
     .offset = offsetof(struct outcomes_config, open_max),
     .default_text = "200000",
     .min = 1,
     .max = 1e9,
     .help = "open decisions per partition; further ones are logged and held: too_many_open"},
};
const struct config_table outcomes_config_table = {keys, sizeof keys / sizeof keys[0],
                                                   sizeof(struct outcomes_config)};

/* ---- the fold's part ---- */

static uint64_t order_hash(struct bytes order_id) {
    return order_id.size ? hash64(order_id, 0) | 1 : 0;
}

/* Does the event speak of the order that is this decision's outcome? Without ids: of any. */
static bool is_its_order(const struct open_decision *open, const struct event *event) {
    uint64_t hash = order_hash(event->order_id);
    return (open->flags & DECISION_ORDERED) &&
           (hash == 0 || open->order_hash == 0 || hash == open->order_hash);
}

static enum outcome_change take_order(struct open_decision *open, const struct event *event) {
    bool is_inside = event->event_ms >= open->decided_ms && event->event_ms < open->close_ms;
    if (!is_inside || (open->flags & (DECISION_ORDERED | DECISION_DEFERRED))) {
        return OUTCOME_SAME;
    }
    open->flags |= DECISION_ORDERED;
    open->order_ms = event->event_ms;
    open->order_hash = order_hash(event->order_id);
    open->order_total = event->total;
    open->refunded = (double)NAN;
    return OUTCOME_FLIPPED;
}

static enum outcome_change take_cancellation(const struct outcomes_config *config,
                                             struct open_decision *open,
                                             const struct event *event) {
    if (!is_its_order(open, event) ||
        event->event_ms - open->order_ms >= config->cancel_window_ms) {
        return OUTCOME_SAME;
    }
    open->flags &= (uint8_t)~DECISION_ORDERED;
    open->order_total = open->refunded = (double)NAN;
    return OUTCOME_FLIPPED;
}

static enum outcome_change take_refund(const struct outcomes_config *config,
                                       struct open_decision *open, const struct event *event) {
    if (!is_its_order(open, event) ||
        event->event_ms - open->order_ms >= config->return_window_ms) {
        return OUTCOME_SAME;
    }
    bool is_known = event->total >= 0 && open->order_total > 0;
    double share = is_known ? event->total / open->order_total : 1;
    double before = isnan(open->refunded) ? 0 : open->refunded;
    double after = before + share < 1 ? before + share : 1;
    if (after == before) {
        return OUTCOME_SAME; /* of nothing, or of what is refunded already */
    }
    open->refunded = after;
    return OUTCOME_MARGIN;
}

enum outcome_change outcomes_take(const struct outcomes_config *config, struct open_decision *open,
                                  const struct event *event) {
    switch (event->type) {
    case EVENT_ORDER_COMPLETED:
        return take_order(open, event);
    case EVENT_ORDER_CANCELLED:
        return take_cancellation(config, open, event);
    case EVENT_ORDER_REFUNDED:
        return take_refund(config, open, event);
    default:
        return OUTCOME_SAME;
    }
}

int64_t outcomes_next_ms(const struct outcomes_config *config, const struct open_decision *open) {
    if (!(open->flags & DECISION_LABELLED)) {
        int64_t window_ms = open->trigger == TRIGGER_OBSERVE ? config->observe_window_ms
                                                             : config->trigger_window_ms;
        int64_t short_ms = open->decided_ms + window_ms;
        return short_ms < open->close_ms ? short_ms : open->close_ms;
    }
    if (!(open->flags & DECISION_MATURED)) {
        return open->close_ms;
    }
    /* An order just before the window's end may be cancelled or refunded after it. */
    int64_t settling_ms = config->return_window_ms > config->cancel_window_ms
                              ? config->return_window_ms
                              : config->cancel_window_ms;
    int64_t settled_ms = open->order_ms + settling_ms;
    return settled_ms > open->close_ms ? settled_ms : open->close_ms;
}

/* ---- the writer's part ---- */

double outcomes_net_margin(const struct decide_config *decide, const struct open_decision *open,
                           double margin) {
    /* A push that was taken back before it arrived gave nothing away. */
    bool is_given = (open->flags & (DECISION_SENT | DECISION_REVOKED)) == DECISION_SENT;
    int index = is_given ? offers_find(decide, bytes_of_text(open->offer_id)) : -1;
    const struct offer *offer = index >= 0 ? offers_get(decide, index) : NULL;
    double contact = is_given ? decide->contact_cost : 0;
    if (!(open->flags & DECISION_ORDERED)) {
        return -contact;
    }
    double total = open->order_total, kept = isnan(open->refunded) ? 1 : 1 - open->refunded;
    double given = 0; /* what the offer took off the goods' price, or cost us beside it */
    double goods = total;
    if (offer && offer->kind == OFFER_PERCENT_OFF && offer->value < 100) {
        given = total * offer->value / (100 - offer->value);
        goods = total + given;
    } else if (offer && offer->kind == OFFER_AMOUNT_OFF) {
        given = offer->value;
        goods = total + given;
    }
    double share = offers_margin(decide, margin);
    double cost = offer ? offers_fixed_cost(offer, goods) : 0;
    return (goods * share - given) * kept - cost - contact;
}

static enum label label_of(const struct open_decision *open) {
    if (open->flags & DECISION_ORDERED) {
        return LABEL_BOUGHT;
    }
    return open->order_ms != TIME_NONE ? LABEL_CANCELLED : LABEL_NOT_BOUGHT;
}

/* The frozen row of an open decision: one stands there for each (recovery checks it). */
static void find_row(const struct partition *partition, const struct open_decision *open,
                     struct open_decision_row *out) {
    char key[33];
    hash128_format(open->id, key);
    bool is_there =
        open_decision_decode(side_table_get(partition->open_rows, bytes_of(key, 32)), out);
    assert(is_there);
}

static void write_example(struct outcomes *room, const struct partition *partition,
                          struct open_decision *open, bool is_retraction, int64_t labelled_ms) {
    if (open->revision == UINT8_MAX) {
        metric_add(&room->metrics.revisions_dropped_total, 1);
        return;
    }
    struct open_decision_row frozen;
    find_row(partition, open, &frozen);
    struct example_row row = {
        .decision_id = open->id,
        .revision = open->revision++,
        .user_id = frozen.user_id,
        .subject_key_id = frozen.subject_key_id,
        .origin = bytes_of_text(trigger_names[open->trigger]),
        .episode_id = frozen.episode_id,
        .decided_ms = open->decided_ms,
        .labelled_ms = labelled_ms,
        .feature_version = frozen.feature_version,
        .number_count = frozen.number_count,
        .name_count = frozen.name_count,
        .step_count = frozen.step_count,
        .bucket = frozen.bucket,
        .action = frozen.action,
        .action_p = frozen.action_p,
        .action_count = frozen.action_count,
        .score_count = frozen.score_count,
        .label = label_of(open),
        .is_retraction = is_retraction,
        .net_margin = outcomes_net_margin(room->decide, open, frozen.margin),
        .weight = frozen.weight,
        .is_censored_by_push = (open->flags & DECISION_CENSORED) != 0,
    };
    memcpy(row.numbers, frozen.numbers, frozen.number_count * sizeof row.numbers[0]);
    memcpy(row.names, frozen.names, frozen.name_count * sizeof row.names[0]);
    memcpy(row.steps, frozen.steps, frozen.step_count * sizeof row.steps[0]);
    memcpy(row.actions, frozen.actions, frozen.action_count * sizeof row.actions[0]);
    memcpy(row.scores, frozen.scores, frozen.score_count * sizeof row.scores[0]);
    char key[33];
    hash128_format(open->id, key);
    struct buffer *out = epoch_begin(room->epoch, TOPIC_EXAMPLES, 0, bytes_of(key, 32));
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_EXAMPLE, 0, out);
    example_encode(&row, out);
    epoch_end(room->epoch);
    metric_add(&room->metrics.examples_total, 1);
}

bool outcomes_step(struct outcomes *room, struct partition *partition, struct open_decision *open,
                   int64_t due_ms) {
    if (!(open->flags & DECISION_LABELLED)) {
        open->flags |= DECISION_LABELLED;
        write_example(room, partition, open, false, due_ms);
        metric_add(&room->metrics.bought_total, (open->flags & DECISION_ORDERED) != 0);
        return false; /* a window that is not longer than the short one comes next */
    }
    if (open->flags & DECISION_MATURED) {
        return true;
    }
    open->flags |= DECISION_MATURED;
    struct open_decision_row frozen;
    find_row(partition, open, &frozen);
    progress_judge(room->progress, &frozen, (open->flags & DECISION_ORDERED) != 0);
    metric_add(&room->metrics.matured_total, 1);
    return !(open->flags & DECISION_ORDERED);
}

void outcomes_correct(struct outcomes *room, struct partition *partition,
                      struct open_decision *open, enum outcome_change change, int64_t event_ms) {
    metric_add(&room->metrics.cancelled_total,
               change == OUTCOME_FLIPPED && !(open->flags & DECISION_ORDERED));
    if (!(open->flags & DECISION_LABELLED) || change == OUTCOME_SAME) {
        return;
    }
    write_example(room, partition, open, change == OUTCOME_FLIPPED, event_ms);
    metric_add(change == OUTCOME_FLIPPED ? &room->metrics.corrections_total
                                         : &room->metrics.margin_corrections_total,
               1);
}
